# SPDX-License-Identifier: MIT OR Apache-2.0
"""Evidence: windows first, then the search, then chance, and what each of them shows."""

from __future__ import annotations

import itertools
from importlib import import_module
from typing import TYPE_CHECKING

import attrs
import pytest

import swaptrio.explore.execute
from swaptrio.explore.campaign import matter_of
from swaptrio.explore.execute import execute
from swaptrio.scenario.files import find
from swaptrio.scenario.format import Window, WindowStep
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Recorded, Schedule, Scheduler, open_scheduler
from swaptrio.study.certify import Bounds, Budget, Case, Outcome, examine, examine_all
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL = Budget(executions=20, seeds=5)

#: With one class, with a few, and with more than anybody runs here.
ONE, FEW, MANY = (
    "stats-before-charge",
    "v4-while-orders-without-thp",
    "two-faults-one-slot",
)


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    """A scheduler for the length of the test."""
    async with open_scheduler("stepped") as opened:
        yield opened


def setup(scenario: str, variant: str = "v5") -> Setup:
    """A scenario and a version, by name."""
    return Setup(load_checked(find(scenario)), load(variant))


async def test_a_search_that_ends_proves(scheduler: Scheduler) -> None:
    """All classes were run and none failed: chance is not asked."""
    evidence = await examine(scheduler, setup(FEW), SMALL)

    assert evidence.outcome is Outcome.PROVED
    assert evidence.search is not None
    assert evidence.search.classes == 3
    assert evidence.walks == ()


async def test_a_search_that_does_not_proves_nothing(scheduler: Scheduler) -> None:
    """What is left is how many schedules of whom have passed."""
    evidence = await examine(scheduler, setup(MANY), SMALL)

    assert evidence.outcome is Outcome.INCONCLUSIVE
    assert evidence.search is not None
    assert evidence.search.classes == 20
    assert evidence.search.reason == "its 20 executions are over"
    assert not evidence.search.gave_up
    assert [(walk.strategy, walk.executions) for walk in evidence.walks] == [
        ("auto", 5),
        ("random", 5),
    ]


@pytest.mark.parametrize("scenario", [FEW, MANY, "alloc-charge-swap-rollback"])
async def test_one_execution_proves_nothing(scheduler: Scheduler, scenario: str) -> None:
    """However small a scenario is, as long as there are two classes of executions."""
    evidence = await examine(scheduler, setup(scenario), Budget(executions=1, seeds=0))
    assert evidence.outcome is Outcome.INCONCLUSIVE


async def test_one_execution_proves_what_has_one_class(scheduler: Scheduler) -> None:
    """A single task that nothing fails has a single execution."""
    evidence = await examine(scheduler, setup(ONE), Budget(executions=1, seeds=0))
    assert evidence.outcome is Outcome.PROVED


async def test_a_window_that_fails_is_told_first(scheduler: Scheduler) -> None:
    """The same failure is found by the search too, and counts once."""
    evidence = await examine(scheduler, setup(ONE, "stats-before-charge"), SMALL)

    [failing] = evidence.failing
    assert (failing.check, failing.window) == ("Q-STATS", "main")
    assert evidence.outcome is Outcome.VIOLATED


def bare(whole: Setup) -> Setup:
    """A set-up with one window, in which its tasks run one after the other."""
    steps = tuple(WindowStep(run=task.name) for task in whole.scenario.task)
    window = Window(steps=steps)
    return attrs.evolve(whole, scenario=attrs.evolve(whole.scenario, window=(window,)))


@pytest.mark.parametrize(
    ("whole", "seeds", "check", "strategy"),
    [
        ((FEW, "v4"), 0, "I-PROGRESS", ""),
        ((MANY, "no-second-check"), 40, "I-ONE", "random"),
    ],
)
async def test_what_no_window_shows(
    scheduler: Scheduler, whole: tuple[str, str], seeds: int, check: str, strategy: str
) -> None:
    """The search finds it, or else chance does; made simple it is shorter and fails so."""
    without, budget = bare(setup(*whole)), Budget(3, seeds=seeds, strategies=("random",))
    plain = await examine(scheduler, without, budget)
    simple = await examine(scheduler, without, budget, simple=True)

    found = {failing.check: failing for failing in plain.failing}[check]
    made = {failing.check: failing for failing in simple.failing}[check]
    assert found.strategy == made.strategy == strategy
    assert found.window == ""
    assert len(made.schedule) < len(found.schedule)
    again = await execute(scheduler, without, Recorded(Schedule.parse(made.schedule)))
    ending = Ending.LIVELOCK if check == "I-PROGRESS" else Ending.VIOLATION
    assert (again.ending, again.check) == (ending, check)


async def test_no_end_within_the_budget_is_no_failure(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chance may hold somebody back; it is counted, and the rest has still passed."""
    monkeypatch.setattr(swaptrio.explore.execute, "BUDGET", 60)
    evidence = await examine(scheduler, setup(MANY), SMALL)

    assert evidence.outcome is Outcome.INCONCLUSIVE
    assert [walk.executions for walk in evidence.walks] == [5, 5]
    assert 0 < sum(walk.endless for walk in evidence.walks) < 10
    assert evidence.cut


async def test_a_search_gives_up_where_there_is_no_end(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An execution that is longer than the budget says nothing of all of them."""
    monkeypatch.setattr(import_module("swaptrio.study.certify.examine"), "BUDGET", 30)
    evidence = await examine(scheduler, setup(MANY), SMALL)

    assert evidence.outcome is Outcome.INCONCLUSIVE
    assert evidence.search is not None
    assert evidence.search.gave_up
    assert "no end after 30 steps" in evidence.search.reason


async def test_a_search_finds_a_livelock(scheduler: Scheduler) -> None:
    """A task may wait for ever for another's claim, if nobody lets that one go on."""
    without = bare(setup("readahead-has-cache-livelock", "no-tick"))
    evidence = await examine(scheduler, without, SMALL)

    assert evidence.outcome is Outcome.VIOLATED
    assert [failing.check for failing in evidence.failing] == ["starvation"]


async def test_what_means_nothing_is_not_run(scheduler: Scheduler) -> None:
    """No window has a meaning: there is a reason, and no search."""
    evidence = await examine(scheduler, setup("reserved-but-not-cached"), SMALL)

    assert evidence.outcome is Outcome.ABSENT
    assert evidence.absent
    assert evidence.search is None


def test_bounds() -> None:
    """What a scenario has of tasks, slots, orders and failures, and nothing else."""
    assert Bounds.of(setup("partial-count-drop-then-charge-fail").scenario) == Bounds(
        2, (512,), (0, 2), ("charge",)
    )


def test_processes_change_nothing() -> None:
    """Two processes come to the same as this one, by the numbers of the cases."""
    cases = [
        Case(matter_of(scenario, variant), simple=variant == "v4")
        for scenario in (FEW, ONE)
        for variant in ("v4", "v5")
    ]
    one = examine_all(cases, SMALL)
    two = examine_all(cases, SMALL, jobs=2)

    assert one == two
    assert list(one) == [0, 1, 2, 3]
    assert one[0].failing[0].check == "I-PROGRESS"


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_was_cut_off_is_left_out(jobs: int) -> None:
    """Whoever stops gets what is whole: half a search says less than it seems to."""
    asked = itertools.count()
    cases = [Case(matter_of(ONE, "v5")), *[Case(matter_of(MANY, "v5"))] * 3]
    found = examine_all(cases, Budget(), jobs=jobs, stop=lambda: next(asked) >= 8)

    assert set(found) <= {0}
