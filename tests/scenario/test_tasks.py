# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tasks of a scenario do, kind by kind, and what they return."""

from __future__ import annotations

from typing import Any

import pytest

from swaptrio.scenario.deeds import DEED_KEYS, DeedSetup, TaskSetup
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.setup import (
    FileSetup,
    KernelSetup,
    MemcgSetup,
    PageSetup,
    ProcessSetup,
    SlotSetup,
)
from swaptrio.scenario.tasks import _RUN
from swaptrio.scenario.windows import Window
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Execution, FirstChoice, run
from swaptrio.variants import load

#: A process with a resident page 3, one swapped out at slot 17, and a file with one of each.
WORLD: dict[str, Any] = {
    "name": "world",
    "title": "A world",
    "catalogue": "A00",
    "references": (),
    "status": "inference",
    "story": "Something happens.",
    "kernel": KernelSetup(zswap=True, zswap_enabled=True),
    "memcg": (MemcgSetup(name="top"), MemcgSetup(name="m1", parent="top")),
    "process": (ProcessSetup(name="P", memcg="m1"),),
    "file": (FileSetup(name="f", memcg="m1"),),
    "slots": (
        SlotSetup(process="P", page=17, first=17),
        SlotSetup(process="P", page=18, first=18, zswap=True),
        SlotSetup(file="f", page=4, first=20, nr=4, order=2),
    ),
    "page": (
        PageSetup(process="P", page=3),
        PageSetup(process="P", page=8, order=2),
        PageSetup(file="f", page=1),
    ),
    "window": (Window(),),
}


def played(*deeds: dict[str, Any], **task: Any) -> World:
    """The world after one task has done *deeds*."""
    first, *then = deeds
    only = TaskSetup(
        name="task", then=tuple(DeedSetup(**deed) for deed in then), **first, **task
    )
    scenario = Scenario(task=(only,), **WORLD)
    worlds: list[World] = []

    def program(execution: Execution) -> None:
        worlds.append(Setup(scenario, load("v3")).build(execution))

    verdict = run(program, FirstChoice(), budget=20_000).verdict
    assert verdict is not None
    assert verdict.passed, verdict
    return worlds[0]


def result(*deeds: dict[str, Any], **task: Any) -> str:
    """What that task has returned."""
    return played(*deeds, **task).results["task"]


def at(page: int, run: str, **more: Any) -> dict[str, Any]:
    """A deed at a page of the process."""
    return {"run": run, "process": "P", "page": page, **more}


def index(page: int, run: str, **more: Any) -> dict[str, Any]:
    """A deed at an index of the file."""
    return {"run": run, "file": "f", "page": page, **more}


@pytest.mark.parametrize(
    ("deeds", "returned"),
    [
        ((at(17, "fault"),), "mapped"),
        ((at(17, "read"),), "read"),
        ((at(17, "store"),), "stored"),
        ((at(3, "pin-store"),), "stored"),
        ((at(17, "zap"), at(17, "fault")), "zapped, unmapped"),
        ((at(17, "zap"), at(17, "map"), at(17, "read")), "zapped, mapped, read"),
        (
            (
                {"run": "fork", "process": "P", "child": "C"},
                {"run": "read", "process": "C", "page": 17},
                {"run": "exit", "process": "C"},
            ),
            "forked, read, exited",
        ),
        ((at(3, "swapout"), at(3, "read")), "reclaimed, read"),
        (({"run": "reclaim", "nr": 8},), "6 reclaimed"),
        (({"run": "reclaim", "memcg": "top", "nr": 8},), "6 reclaimed"),
        (({"run": "readahead", "device": "swap0", "slot": 17},), "read"),
        (({"run": "zswap-writeback", "device": "swap0", "slot": 18},), "written"),
        (({"run": "zswap-writeback", "device": "swap0", "slot": 17},), "ENOMEM"),
        ((at(3, "swapout"), {"run": "zswap-shrink"}), "reclaimed, written"),
        (({"run": "memcg-offline", "memcg": "m1"}, at(17, "read")), "offline, read"),
        (({"run": "lru-drain"},), "drained"),
        ((index(6, "file-read"),), "read"),
        ((index(9, "file-read"),), "hole"),
        ((index(6, "file-write"), index(6, "file-read")), "stored, read"),
        ((index(1, "file-swapout"), index(1, "file-read")), "reclaimed, read"),
        ((index(9, "file-swapout"),), "nothing there"),
        ((index(4, "file-truncate", nr=4), index(5, "file-read")), "truncated, hole"),
        ((at(3, "uffd-move", to=30), at(30, "read")), "moved, read"),
        ((at(17, "uffd-move", to=3),), "EEXIST"),
        ((at(3, "migrate"), at(3, "read")), "migrated, read"),
        ((at(17, "migrate"),), "ENOENT"),
        ((at(8, "split"), at(9, "read")), "split, read"),
        ((at(17, "split"),), "nothing there"),
        (
            ({"run": "swapoff", "device": "swap0"}, at(17, "read")),
            "off, read",
        ),
        (
            ({"run": "swapoff", "device": "swap0"}, {"run": "swapon", "device": "swap0"}),
            "off, on",
        ),
        (({"run": "swapon", "device": "swap0"},), "EBUSY"),
        (
            (
                {"run": "image-alloc", "device": "swap0"},
                {"run": "image-free", "device": "swap0", "slot": 1},
            ),
            "slot 1, freed",
        ),
        (({"run": "memcg-create", "child": "m2"},), "id 3"),
        (({"run": "memcg-move", "process": "P", "memcg": "top"},), "moved"),
        ((at(3, "discard"), at(3, "read")), "discarded, read"),
        ((at(3, "store", zero=True), at(3, "read")), "stored, read"),
    ],
)
def test_deed(deeds: tuple[dict[str, Any], ...], returned: str) -> None:
    """Each kind does what its name says, and a task returns what its deeds did, in order."""
    assert result(*deeds) == returned


def test_every_kind_can_be_done() -> None:
    """What a file may ask for is what tasks can do."""
    assert list(_RUN) == list(DEED_KEYS)


def test_again_and_again() -> None:
    """A task with steps goes on until the execution has taken as many."""
    world = played(at(3, "store"), at(3, "read"), steps=300)

    assert world.results["task"] == "stored, read"
    assert world.kernel.tokens > 20


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_number_of_times(rounds: int) -> None:
    """A task does all that it does as often as its rounds say."""
    once, world = played(at(3, "store")), played(at(3, "store"), at(3, "read"), rounds=rounds)

    begun = once.kernel.tokens - 1
    assert world.kernel.tokens - begun == rounds
