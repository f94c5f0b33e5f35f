# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reducing: what takes no part in a failure is taken out, and what does stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.explore import Fingerprint, Minimal, Reduced, fuzz, minimise, reduce
from swaptrio.explore.execute import execute
from swaptrio.scenario.files import find
from swaptrio.scenario.format import (
    DeedSetup,
    MemcgSetup,
    PageSetup,
    Scenario,
    SlotSetup,
    TaskSetup,
)
from swaptrio.scenario.parts import parts
from swaptrio.scenario.play import load_checked, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Recorded, Scheduler, Verdict
from swaptrio.sched.strategies import parse
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Callable

#: A race of two tasks, fault and zap, over the slots 16 to 19 of swap0.
RACE = "neighbour-freed-between-checks"
VARIANT = "no-second-check"

#: What the race does not need.
ZAP = TaskSetup(name="zap-another", run="zap", process="P", page=64)
AGAIN = DeedSetup(run="fault", process="P", page=18)


def more(scenario: Scenario, **tables: Any) -> Scenario:
    """*scenario* with more rows in some of its tables."""
    longer: Any = {key: (*getattr(scenario, key), *rows) for key, rows in tables.items()}
    return attrs.evolve(scenario, **longer)


def under_pressure(scenario: Scenario) -> Scenario:
    """*scenario* in a memory cgroup whose limit is soon reached."""
    return attrs.evolve(scenario, memcg=(MemcgSetup(name="m1", limit=8),))


def that_may_fail(scenario: Scenario) -> Scenario:
    """*scenario* with a kind of failure that is offered, and need not be drawn."""
    return attrs.evolve(scenario, kernel=attrs.evolve(scenario.kernel, failures=("alloc",)))


def with_a_deed(scenario: Scenario) -> Scenario:
    """*scenario* in which zap does something else after its part in the race."""
    fault, zap, *others = scenario.task
    return attrs.evolve(scenario, task=(fault, attrs.evolve(zap, then=(AGAIN,)), *others))


#: Scenarios with something that they do not need, and what that is called.
SUPERFLUOUS: dict[str, Callable[[Scenario], Scenario]] = {
    "zap-another": lambda scenario: more(scenario, task=[ZAP]),
    "zap.2": with_a_deed,
    "failures.alloc": that_may_fail,
    "limit.m1": under_pressure,
    "page.P:32": lambda scenario: more(scenario, page=[PageSetup(process="P", page=32)]),
    "slots.swap0:64": lambda scenario: more(scenario, slots=[SlotSetup(first=64, nr=4)]),
}


def race() -> Scenario:
    """The race itself."""
    return load_checked(find(RACE))


async def simple(scheduler: Scheduler, scenario: Scenario) -> tuple[Setup, Minimal]:
    """The failure that the window of *scenario* leads to, made simple."""
    setup = Setup(scenario, load(VARIANT))
    script = script_of(scenario.window[0], setup.variant)
    verdict = (await play(scheduler, setup, script)).verdict
    assert verdict.check == "I-CLCOUNT"
    return setup, await minimise(scheduler, setup, verdict)


async def same_failure(scheduler: Scheduler, setup: Setup, reduced: Reduced) -> bool:
    """Whether the smaller scenario fails as *setup* does, by the schedule that is told."""
    minimal = reduced.minimal
    again = await execute(scheduler, reduced.setup, Recorded(minimal.schedule))
    wanted = Fingerprint(setup.scenario.name, VARIANT, again.ending, "I-CLCOUNT")
    return again == minimal.verdict and Fingerprint.of(setup, again) == wanted


@pytest.mark.parametrize("name", SUPERFLUOUS)
async def test_what_takes_no_part_is_taken_out(name: str, scheduler: Scheduler) -> None:
    """A task, something done later, a fault, pressure, a page or slots: each goes, alone."""
    setup, minimal = await simple(scheduler, SUPERFLUOUS[name](race()))
    assert name in parts(setup.scenario)

    reduced = await reduce(scheduler, setup, minimal)

    assert reduced is not None
    assert name in reduced.without
    assert await same_failure(scheduler, setup, reduced)
    assert reduced.minimal.size <= minimal.size


async def test_what_takes_part_stays(scheduler: Scheduler) -> None:
    """Of the race itself nothing can go, so no smaller scenario is told."""
    setup, minimal = await simple(scheduler, race())
    assert parts(setup.scenario) == ("fault", "zap", "slots.swap0:16")
    assert await reduce(scheduler, setup, minimal) is None


async def test_everything_at_once(scheduler: Scheduler) -> None:
    """All that is too much goes, up to a fixed point, and leaves the race as it was."""
    scenario = race()
    for add in SUPERFLUOUS.values():
        scenario = add(scenario)
    setup, minimal = await simple(scheduler, scenario)

    reduced = await reduce(scheduler, setup, minimal)

    assert reduced is not None
    assert set(reduced.without) == set(SUPERFLUOUS)
    assert reduced.setup.scenario.task == race().task
    assert reduced.setup.scenario.slots == race().slots
    assert await same_failure(scheduler, setup, reduced)


async def failure_of(scheduler: Scheduler, setup: Setup, check: str) -> Verdict:
    """The first failure of *check* that the default strategy finds."""
    found = await fuzz(scheduler, setup, range(600), strategy=parse("auto"))
    (verdict,) = [each.verdict for each in found.failures if each.verdict.check == check]
    return verdict


async def test_a_task_that_takes_no_part_is_taken_out(scheduler: Scheduler) -> None:
    """A race of two tasks in a scenario of three leaves the two, and fails in the same way."""
    setup = Setup(load_checked(find("slot-recycled-between-checks")), load("no-second-check"))
    found = await failure_of(scheduler, setup, "I-CLCOUNT")
    minimal = await minimise(scheduler, setup, found)

    reduced = await reduce(scheduler, setup, minimal)

    assert reduced is not None
    assert reduced.without == ("swapout", "page.Q:9")  # what it swaps out goes with it
    assert reduced.minimal.size < minimal.size
    again = await execute(scheduler, reduced.setup, Recorded(reduced.minimal.schedule))
    assert again == reduced.minimal.verdict
    assert Fingerprint.of(setup, again) == Fingerprint.of(setup, found)


async def test_what_may_fail_is_taken_out_too(scheduler: Scheduler) -> None:
    """What is never drawn need not be able to fail; what the failure needs stays."""
    setup = Setup(load_checked(find("partial-count-drop-then-charge-fail")), load("free-all"))
    found = await failure_of(scheduler, setup, "I-COUNT")
    minimal = await minimise(scheduler, setup, found)
    assert minimal.size.faults == 1

    reduced = await reduce(scheduler, setup, minimal)

    kept = setup.scenario if reduced is None else reduced.setup.scenario
    assert "charge" in kept.kernel.failures
    assert len(kept.task) == 2
