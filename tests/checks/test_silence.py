# SPDX-License-Identifier: MIT OR Apache-2.0
"""What looks wrong and is legal: the checks say nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.mm_types import PresentPte
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.rmap import set_pte_at
from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.swap_table import swp_tb_is_folio
from swaptrio.mm.zswap import zswap_writeback_entry
from swaptrio.scenario.format import (
    DeviceSetup,
    KernelSetup,
    MemcgSetup,
    PageSetup,
    ProcessSetup,
    Scenario,
    SlotSetup,
    TaskSetup,
    Window,
)
from swaptrio.scenario.tasks import process_of
from swaptrio.sched import FirstChoice, RandomWalk, Run, Script

if TYPE_CHECKING:
    from swaptrio.scenario.world import World

Watch = Callable[..., Any]

FAULT = TaskSetup(name="fault", run="fault", process="P", page=17)
ZAP = TaskSetup(name="zap", run="zap", process="P", page=17)
NEXT = TaskSetup(name="next", run="readahead", device="swap0", slot=16)
SWAPOUT = TaskSetup(name="swapout", run="swapout", process="P", page=9)
BACK = TaskSetup(name="back", run="fault", process="P", page=9)


@pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])
def test_a_world_at_rest_is_in_order(watch: Watch, variant: str) -> None:
    """Nothing is held against a world in which nothing happens."""
    outcome = watch(variant=variant)
    assert outcome.verdict.passed
    assert outcome.reported == []


def test_between_an_entry_and_its_count(watch: Watch) -> None:
    """While somebody holds a page-table lock an entry may be gone and its count not yet.

    Others use the cluster meanwhile; once the lock is given back the two agree again.
    """
    outcome = watch(
        tasks=(ZAP, NEXT),
        strategy=Script((Run("zap", "swap_put_entries_direct.lock"), Run("next"), Run("zap"))),
    )
    assert outcome.verdict.passed, outcome.verdict


def test_between_a_count_and_its_entry(watch: Watch) -> None:
    """Reclaim raises a count before it publishes the entry, under the page-table lock."""
    outcome = watch(
        tasks=(SWAPOUT, NEXT),
        strategy=Script((Run("swapout", "folio_dup_swap.lock"), Run("next"), Run("swapout"))),
    )
    assert outcome.verdict.passed, outcome.verdict


def test_references_that_are_frozen(watch: Watch) -> None:
    """A folio that reclaim has frozen has no references, and is in the cache."""
    outcome = watch(
        tasks=(SWAPOUT, BACK),
        strategy=Script(
            (
                Run("swapout", "remove_mapping.frozen"),
                Run("back", "swap_cache_get_folio.frozen"),
                Run("swapout"),
            )
        ),
    )
    assert outcome.verdict.passed, outcome.verdict
    assert outcome.world.results == {"swapout": "reclaimed", "back": "mapped"}


def test_a_folio_that_is_locked_by_the_device(watch: Watch) -> None:
    """A read that nobody waits for: the device's task ends it, and unlocks the folio."""
    scenario = Scenario(
        name="async",
        title="t",
        catalogue="A00",
        references=(),
        status="inference",
        story="s",
        device=(DeviceSetup(name="swap0", sync=False),),
        process=(ProcessSetup(name="P"),),
        slots=(SlotSetup(process="P", page=17, first=17),),
        page=(PageSetup(process="P", page=9),),
        task=(FAULT, NEXT, ZAP),
        window=(Window(),),
    )
    for seed in range(200):
        outcome = watch(scenario=scenario, strategy=RandomWalk(seed))
        assert outcome.verdict.passed, outcome.verdict


def test_the_same_error_in_two_calls(watch: Watch) -> None:
    """EEXIST twice is no loop where each comes from a call of its own, without a lookup."""
    answers: list[object] = []

    async def shrinker(world: World) -> None:
        answers.append(await zswap_writeback_entry(world.kernel, swp_entry(0, 16)))
        answers.append(await zswap_writeback_entry(world.kernel, swp_entry(0, 16)))

    steps = (Run("next", "charge_memcg.wait"), Run("breaker-0"))
    outcome = watch(shrinker, tasks=(NEXT,), strategy=Script(steps))
    assert outcome.verdict.passed, outcome.verdict
    assert answers == [Errno.EEXIST, Errno.EEXIST]


def test_the_same_error_after_a_lookup_that_has_found_something(watch: Watch) -> None:
    """EEXIST, a folio, and EEXIST again: the task was not blind in between."""
    answers: list[object] = []

    async def reader(world: World) -> None:
        kernel = world.kernel
        for _ in range(2):
            alloc = kernel.functions["swap_cache_alloc_folio"]
            answers.append(await alloc(kernel, swp_entry(0, 16), "", 1, None, "vma", 0))
            folio = await swap_cache_get_folio(kernel, swp_entry(0, 16))
            assert folio is not None
            folio_put(kernel, folio)

    steps = (Run("next", "charge_memcg.wait"), Run("breaker-0"))
    outcome = watch(reader, tasks=(NEXT,), strategy=Script(steps))
    assert outcome.verdict.passed, outcome.verdict
    assert answers == [Errno.EEXIST, Errno.EEXIST]


def test_locks_are_told_apart_by_what_they_are(watch: Watch) -> None:
    """Names mean nothing: a process may be called like a cluster, and a device like a PTL."""
    scenario = Scenario(
        name="names",
        title="t",
        catalogue="A00",
        references=(),
        status="inference",
        story="s",
        device=(DeviceSetup(name="ptl"),),
        process=(ProcessSetup(name="cluster"),),
        slots=(SlotSetup(process="cluster", page=17, first=17),),
        task=(
            TaskSetup(name="fault", run="fault", process="cluster", page=17),
            TaskSetup(name="zap", run="zap", process="cluster", page=17),
        ),
        window=(Window(),),
    )
    for strategy in (FirstChoice(), Script((Run("zap"),))):
        assert watch(scenario=scenario, strategy=strategy).verdict.passed


def test_an_eviction_is_no_rollback(watch: Watch) -> None:
    """With v1 a folio that reclaim takes out has no owner either; its shadow is a new one."""
    scenario = Scenario(
        name="v1",
        title="t",
        catalogue="A00",
        references=(),
        status="inference",
        story="s",
        kernel=KernelSetup(memcg="v1"),
        device=(DeviceSetup(name="swap0", sync=False),),
        memcg=(MemcgSetup(name="m1"),),
        process=(ProcessSetup(name="P"),),
        slots=(SlotSetup(process="P", page=9, first=17, shadows=(5,)),),
        task=(attrs.evolve(BACK), SWAPOUT),
        window=(Window(),),
    )
    script = Script((Run("back"), Run("swapout")))
    outcome = watch(variant="next", scenario=scenario, strategy=script)
    assert outcome.verdict.passed, outcome.verdict
    assert outcome.world.results == {"back": "mapped", "swapout": "reclaimed"}
    assert outcome.reported == []


def test_an_entry_made_writable(watch: Watch) -> None:
    """A page may replace itself, with another permission."""

    async def writer(world: World) -> None:
        mm = process_of(world.kernel, "P")
        async with mm.ptl.hold("test.ptl"):
            pte = mm.ptes[9]
            assert isinstance(pte, PresentPte)
            set_pte_at(world.kernel, mm, 9, PresentPte(pte.folio, 0, not pte.writable))

    assert watch(writer).verdict.passed


def test_a_slot_that_nobody_uses_and_that_is_cached(watch: Watch) -> None:
    """A count of 0 is legal while a folio caches the slot, to the end."""
    outcome = watch(
        tasks=(attrs.evolve(NEXT, slot=17), ZAP),
        strategy=Script((Run("next", "charge_memcg.wait"), Run("zap"), Run("next"))),
    )
    assert outcome.verdict.passed, outcome.verdict
    table = outcome.world.kernel.devices[0].clusters[0].table
    assert swp_tb_is_folio(table[17])
    assert outcome.world.slot("swap0:17") == "f0"
