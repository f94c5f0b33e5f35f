# SPDX-License-Identifier: MIT OR Apache-2.0
"""The load generator: what it makes, and that everything goes on in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from swaptrio.errors import ScenarioError
from swaptrio.scenario.busy import _FILE, _MEMORY
from swaptrio.scenario.load_generator import load_scenario
from swaptrio.scenario.play import play
from swaptrio.scenario.world import Setup
from swaptrio.sched import Execution, RandomWalk, Task, open_scheduler
from swaptrio.variants import load

#: Labels of what has to go on at once: the promise of the load generator.
EVERYTHING = (
    "do_swap_page.ptl",
    "swap_cache_alloc.recheck",
    "shmem_swapin_folio.lock",
    "try_to_unmap_one.lock",
    "remove_mapping.frozen",
    "zswap_store_page.tree",
    "zswap_writeback_entry.match",
    "shrink_memcg_cb.lock",
    "copy_pte_range.dst_ptl",
    "exit_mmap.mmap_lock",
    "swapoff.lock",
    "charge_memcg.wait",
    "block_device.transfer",
)


@pytest.mark.parametrize(("users", "clusters"), [(1, 1), (12, 2), (880, 64)])
def test_it_is_as_large_as_asked(users: int, clusters: int) -> None:
    """A task for each user, and more that take memory from them."""
    scenario = load_scenario(users=users, clusters=clusters, steps=100)

    assert len(scenario.process) + len(scenario.file) == users
    assert len(scenario.task) > users
    assert scenario.device[0].slots == 512 * clusters
    assert {task.steps for task in scenario.task} == {100}


SMALL: dict[str, Any] = {"users": 4, "clusters": 1, "steps": 10}


@pytest.mark.parametrize(
    "wrong", [{"users": 4000}, {"clusters": 0}, {"clusters": 65}, {"steps": -1}]
)
def test_numbers_have_their_ranges(wrong: dict[str, int]) -> None:
    """What no scenario can be is refused, as in a file."""
    with pytest.raises(ScenarioError, match=r"must be|at most"):
        load_scenario(**{**SMALL, **wrong})


async def test_everything_goes_on() -> None:
    """Swap-in and swap-out, files, zswap, fork, exit, reclaim and swapoff, and no violation."""
    seen: Counter[str] = Counter()
    drawn: Counter[object] = Counter()

    class Watch:
        def step(self, execution: Execution, task: Task) -> None:
            seen[task.label] += 1

        def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
            drawn[option] += 1

        def end(self, execution: Execution) -> None:
            pass

    setup = Setup(load_scenario(users=8, clusters=2, steps=12_000), load("v5"))
    async with open_scheduler("stepped") as scheduler:
        played = await play(
            scheduler, setup, RandomWalk(1), Watch(), budget=100_000, recorded=False
        )

    assert played.verdict.passed, played.verdict
    assert [label for label in EVERYTHING if not seen[label]] == []
    assert [deed for deed in (*_MEMORY, *_FILE) if not drawn[deed]] == []
