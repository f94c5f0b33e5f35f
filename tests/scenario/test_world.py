# SPDX-License-Identifier: MIT OR Apache-2.0
"""The world that a scenario describes, and the tasks that run in it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import attrs
import pytest

from swaptrio.mm.mm_types import PresentPte, SwapPte
from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.vmstat import Vmstat
from swaptrio.scenario.files import find, names
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
from swaptrio.scenario.play import load_checked, script_of
from swaptrio.scenario.tasks import device_of, process_of
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Execution, FirstChoice, Script, Task, run
from swaptrio.variants import load

#: Everything that a scenario can say of its world, once.
RICH = Scenario(
    name="rich",
    title="Everything once",
    catalogue="A00",
    references=(),
    status="inference",
    story="Nothing happens.",
    kernel=KernelSetup(memcg="v1", zswap=True, thp=False),
    device=(
        DeviceSetup(name="swap0", clusters=2, latency=7),
        DeviceSetup(name="swap1", sync=False),
    ),
    memcg=(MemcgSetup(name="m1", limit=5), MemcgSetup(name="m2")),
    process=(ProcessSetup(name="P", orders=(1, 3)), ProcessSetup(name="Q", memcg="m2")),
    slots=(
        SlotSetup(process="P", page=16, first=16, nr=2, shadows=(11, 12)),
        SlotSetup(process="Q", page=4, first=600, count=3),
        SlotSetup(device="swap1", first=9, zero=True, memcg="m2"),
        SlotSetup(device="swap1", first=10, zswap=True),
    ),
    page=(PageSetup(process="Q", page=8),),
    task=(TaskSetup(name="idle", run="zap", process="P", page=99),),
    window=(Window(),),
)


def played(scenario: Scenario, *tasks: TaskSetup, strategy: Any = None, **parts: Any) -> World:
    """The world after *tasks* ran in it, one after the other."""
    scenario = attrs.evolve(scenario, task=tasks or scenario.task, **parts)
    worlds: list[World] = []

    def program(execution: Execution) -> None:
        worlds.append(Setup(scenario, load("v3")).build(execution))

    verdict = run(program, strategy or FirstChoice(), budget=2000).verdict
    assert verdict is not None
    assert verdict.passed, verdict
    return worlds[0]


def test_slots_are_as_the_file_says() -> None:
    """Words, owners, data and counts of each slot; the header is bad."""
    world = played(RICH)
    slots = ("swap0:0", "swap0:1", "swap0:16", "swap0:600", "swap1:9", "swap1:10")
    assert [world.slot(slot) for slot in slots] == ["b", "-", "s1", "s3", "s1z", "s1"]
    swap0, swap1 = world.kernel.devices
    assert [ci.count for ci in swap0.clusters] == [3, 1]
    assert (swap0.inuse_pages, swap1.inuse_pages) == (3, 2)
    assert swap0.clusters[0].memcg_table == {16: 1, 17: 1}
    assert swap1.clusters[0].memcg_table == {9: 2, 10: 1}
    assert sorted(swap0.data) == [16, 17, 600]
    assert (sorted(swap1.data), sorted(swap1.zswap)) == ([], [10])


def test_a_slot_in_a_cluster_without_a_table_is_free() -> None:
    """Nothing is there to look at, and the answer is that of any free slot."""
    world = played(attrs.evolve(RICH, slots=()))
    assert world.kernel.devices[0].clusters[1].table is None
    assert world.slot("swap0:600") == "-"


def test_devices_are_as_the_file_says() -> None:
    """Size, latency, and whether readers wait."""
    swap0, swap1 = played(RICH).kernel.devices
    assert (swap0.max, swap0.is_sync(), swap0.latency) == (1024, True, 7)
    assert (swap1.max, swap1.is_sync()) == (512, False)


def test_processes_are_as_the_file_says() -> None:
    """Groups, large orders, an entry for each page, and what the user has stored there."""
    kernel = played(RICH).kernel
    p, q = process_of(kernel, "P"), process_of(kernel, "Q")
    assert (p.thp_orders, q.thp_orders) == (0b1010, 0)
    assert (p.memcg.name, p.memcg.limit, q.memcg.name) == ("m1", 5, "m2")
    assert p.ptes[17] == SwapPte(swp_entry(0, 17))
    assert q.ptes[4] == SwapPte(swp_entry(0, 600))
    assert kernel.devices[0].data[17] == p.newest[17]
    assert isinstance(q.ptes[8], PresentPte)
    assert kernel.devices[0].foreign_counts == {16: 0, 17: 0, 600: 2}


def test_the_kernel_is_built_as_the_file_says() -> None:
    """Large folios, the version of the memory controller, and zswap; what is charged for it."""
    world = played(RICH)
    config = world.kernel.config
    assert (config.thp, config.memcg_v1, config.zswap_ever_enabled) == (False, True, True)
    assert world.counters() == {"m1.memsw": 3, "m2.memory": 1, "m2.memsw": 3}


def test_v2_charges_slots_as_swap() -> None:
    """The two ways of counting differ."""
    world = played(RICH, kernel=KernelSetup(zswap=True))
    assert world.counters() == {"m1.swap": 3, "m2.memory": 1, "m2.swap": 2}


def test_every_world_is_a_new_one() -> None:
    """Executions of one set-up share nothing that any of them changes."""
    fault = TaskSetup(name="fault", run="fault", process="P", page=16)
    setup = Setup(attrs.evolve(RICH, task=(fault,)), load("v3"))
    worlds: list[World] = []
    for _ in range(2):
        run(lambda execution: worlds.append(setup.build(execution)), FirstChoice())
    first, second = worlds
    assert first.kernel is not second.kernel
    assert first.snapshot() == second.snapshot()
    assert "_note" not in setup.variant.functions
    assert "set_pte_at" not in setup.variant.functions


FAULT = TaskSetup(name="t", run="fault", process="P", page=16)


@pytest.mark.parametrize(
    ("task", "result"),
    [
        (FAULT, "mapped"),
        (attrs.evolve(FAULT, write=True), "mapped"),
        (attrs.evolve(FAULT, page=50), "mapped"),
        (TaskSetup(name="t", run="zap", process="P", page=16, nr=2), "zapped"),
        (TaskSetup(name="t", run="store", process="P", page=16), "stored"),
        (TaskSetup(name="t", run="store", process="P", page=50), "stored"),
        (TaskSetup(name="t", run="swapout", process="Q", page=8), "reclaimed"),
        (TaskSetup(name="t", run="swapout", process="Q", page=4), "nothing there"),
        (TaskSetup(name="t", run="readahead", device="swap0", slot=16), "read"),
        (TaskSetup(name="t", run="readahead", device="swap1", slot=9), "read"),
        (TaskSetup(name="t", run="readahead", device="swap0", slot=30), "skipped"),
        (TaskSetup(name="t", run="zswap-writeback", device="swap1", slot=10), "written"),
        (TaskSetup(name="t", run="zswap-writeback", device="swap0", slot=16), "ENOMEM"),
        (TaskSetup(name="t", run="zswap-writeback", device="swap0", slot=30), "ENOENT"),
    ],
)
def test_a_task_says_how_it_went(task: TaskSetup, result: str) -> None:
    """Each kind of task has words for its ends, which expectations use."""
    world = played(RICH, task, kernel=KernelSetup(zswap=True))
    assert world.results == {"t": result}


def test_a_fault_that_fails_says_why() -> None:
    """Out of memory, and a page that cannot be read."""
    failing = KernelSetup(thp=False, failures=("alloc", "read"))
    rich = attrs.evolve(RICH, slots=RICH.slots[:2], kernel=failing)
    script = Script((), {"alloc_pages.grant": ("fail",)})
    assert played(rich, FAULT, strategy=script).results == {"t": "VM_FAULT_OOM"}
    script = Script((), {"submit_bio.status": ("fail",)})
    assert played(rich, FAULT, strategy=script).results == {"t": "VM_FAULT_SIGBUS"}


def test_nothing_fails_that_the_file_does_not_let_fail() -> None:
    """What may not fail is no decision: a script that wants it to is not carried out."""
    rich = attrs.evolve(RICH, slots=RICH.slots[:1], kernel=KernelSetup())
    scenario = attrs.evolve(rich, task=(FAULT,))

    def program(execution: Execution) -> None:
        Setup(scenario, load("v3")).build(execution)

    verdict = run(program, Script((), {"alloc_pages.grant": ("fail",)})).verdict
    assert verdict is not None
    assert verdict.ending.value == "window-not-reached"


def test_a_limit_of_a_group_holds() -> None:
    """A charge past the limit fails without any decision."""
    memcgs = (MemcgSetup(name="m1", limit=0), MemcgSetup(name="m2"))
    world = played(RICH, FAULT, memcg=memcgs)
    assert world.results == {"t": "VM_FAULT_OOM"}


def test_things_are_found_by_their_names() -> None:
    """Devices and processes, as scenarios call them."""
    kernel = played(RICH).kernel
    assert device_of(kernel, "swap1") is kernel.devices[1]
    assert process_of(kernel, "Q") is kernel.processes[1]


def test_tasks_come_before_daemons() -> None:
    """The candidates of a decision are numbered in the file's own order of tasks."""
    executions: list[Execution] = []

    def program(execution: Execution) -> None:
        Setup(RICH, load("v3")).build(execution)
        executions.append(execution)

    run(program, FirstChoice())
    tasks = [(task.name, task.daemon) for task in executions[0].tasks]
    assert tasks[0] == ("idle", False)
    assert all(daemon for _, daemon in tasks[1:])


@cache
def shipped() -> tuple[Scenario, ...]:
    """All scenarios that come with the package."""
    return tuple(load_checked(find(name)) for name in names())


class Shifted(Counter[Any]):
    """Counts from a thousand."""

    def __missing__(self, key: object) -> int:
        return 1000


@attrs.frozen
class Shifting(Setup):
    """A set-up whose statistics are others from the beginning."""

    def build(self, execution: Execution) -> World:
        """As any other, but for the counters."""
        world = super().build(execution)
        for field in attrs.fields(Vmstat):
            setattr(world.kernel.vmstat, field.name, Shifted())
        return world


def steps_of(setup: Setup, window: Window) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Who has performed what, and what the tasks have returned."""
    steps: list[tuple[str, str]] = []
    worlds: list[World] = []

    class Listening:
        def step(self, execution: Execution, task: Task) -> None:
            steps.append((task.name, task.label))

        def choice(self, *_: object) -> None: ...

        def end(self, *_: object) -> None: ...

    strategy = script_of(window, setup.variant)
    run(lambda execution: worlds.append(setup.build(execution)), strategy, observer=Listening())
    return steps, worlds[0].results


@pytest.mark.parametrize("name", ["old", "pre", "v3", "v4", "v5", "next"])
def test_no_step_reads_what_is_declared_unread(name: str) -> None:
    """Whatever the statistics say, all goes the same."""
    variant = load(name)
    for scenario in shipped():
        plain, shifted = Setup(scenario, variant), Shifting(scenario, variant)
        for window in scenario.window:
            assert steps_of(plain, window) == steps_of(shifted, window), scenario.name


def test_statistics_are_declared_unread() -> None:
    """Those of the model are; what a user's own variant reads nobody knows."""
    own = attrs.evolve(load("v5"), foreign=True)
    for variant, declared in ((load("v5"), True), (own, False)):
        execution = Execution(FirstChoice())
        kernel = Setup(RICH, variant).build(execution).kernel
        execution.close()
        held = [id(each) for each in execution.unread]
        assert held == ([id(kernel.vmstat)] if declared else [])
