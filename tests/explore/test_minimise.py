# SPDX-License-Identifier: MIT OR Apache-2.0
"""Minimising: still the same failure, simpler, always the same, within its bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
import trio
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from swaptrio.explore import Fingerprint, Minimal, Plan, fuzz, minimise
from swaptrio.explore.execute import execute
from swaptrio.explore.fewest import fewest
from swaptrio.explore.follow import Guide
from swaptrio.explore.minimise import Search
from swaptrio.explore.plan import Deviations, deviations_of
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    Recorded,
    Schedule,
    Scheduler,
    Verdict,
    Violation,
    open_scheduler,
    point,
)
from swaptrio.sched.names import Turn
from swaptrio.sched.strategies import Named, parse
from swaptrio.variants import load

SetupOf = Callable[[str], Setup]
Build = Callable[[Execution], None]
SetupAround = Callable[[Build], Any]

#: Failures that take more than three deviations, and the deviations among them by which nobody
#: is interrupted: the task that goes on waits, and by default another than its daemon would.
#: That no three are enough is proved (see `test_more_than_three_are_needed`).
LONG = {
    ("two-faults-one-slot", "no-second-check", "I-CLCOUNT"): 3,
}

#: Failures by scenario, variant and check, from all that chance finds in those that ship.
FAILURES = [
    ("large-vs-small-neighbour", "pre", "I-ERRNO"),
    ("large-vs-small-neighbour", "no-second-check", "I-ONE"),
    ("neighbour-freed-between-checks", "check-without-lock", "I-CLCOUNT"),
    ("partial-count-drop-then-charge-fail", "free-all", "I-COUNT"),
    ("slot-recycled-between-checks", "pre", "I-OWNER"),
    ("slot-recycled-between-checks", "check-without-lock", "I-ONE"),
    ("stats-before-charge", "stats-before-charge", "Q-STATS"),
    ("target-freed-during-alloc", "no-second-check", "BUG"),
    ("v4-while-orders-without-thp", "v4", "I-PROGRESS"),
    *LONG,
]


async def first_failure(scheduler: Scheduler, setup: Setup) -> Verdict:
    """The first failure that fuzzing finds."""
    return (await fuzz(scheduler, setup, range(500))).failures[0].verdict


async def failure_of(scheduler: Scheduler, setup: Setup, check: str) -> Verdict:
    """The first failure of *check* that the default strategy finds."""
    found = await fuzz(scheduler, setup, range(600), strategy=parse("auto"))
    (verdict,) = [each.verdict for each in found.failures if each.verdict.check == check]
    return verdict


def setup_called(scenario: str, variant: str) -> Setup:
    """A scenario that ships, and a variant."""
    return Setup(load_checked(find(scenario)), load(variant))


def interruptions(minimal: Minimal) -> int:
    """The deviations less those at which the task that stops has to wait anyhow."""
    waits = (".wait", ".receive", "sleep", ".transfer")
    turns = [each for each in minimal.names.entries if isinstance(each, Turn)]
    waiting = [each for each in turns if each.at and each.at.label.endswith(waits)]
    return minimal.size.deviations - len(waiting)


@pytest.mark.parametrize(("scenario", "variant", "check"), FAILURES)
async def test_few_deviations(
    scenario: str, variant: str, check: str, scheduler: Scheduler
) -> None:
    """What chance finds takes three deviations, or interrupts nobody more than three times."""
    setup = setup_called(scenario, variant)
    found = await failure_of(scheduler, setup, check)

    minimal = await minimise(scheduler, setup, found, replays=4000)

    assert Fingerprint.of(setup, minimal.verdict) == Fingerprint.of(setup, found)
    waiting = LONG.get((scenario, variant, check), 0)
    assert minimal.size.deviations <= 3 or waiting
    assert interruptions(minimal) <= minimal.size.deviations - waiting
    assert interruptions(minimal) <= 3
    again = await execute(scheduler, setup, Recorded(minimal.schedule))
    by_names = await execute(scheduler, setup, Named(minimal.names))
    assert again == by_names == minimal.verdict


@pytest.mark.parametrize(("scenario", "variant", "check"), LONG)
async def test_more_than_three_are_needed(
    scenario: str, variant: str, check: str, scheduler: Scheduler
) -> None:
    """No schedule with up to three deviations fails so."""
    setup = setup_called(scenario, variant)

    swept = await fewest(scheduler, setup, lambda verdict: verdict.check == check, 3)

    assert swept.complete
    assert swept.verdict is None


async def greedy_and_sweeps(scheduler: Scheduler, setup: Setup, verdict: Verdict) -> int:
    """The fewest deviations that dropping one at a time leaves, or any one, or any two make."""
    wanted = Fingerprint.of(setup, verdict)

    async def fails(deviations: Deviations) -> Deviations | None:
        plan = Plan(deviations)
        found = await execute(scheduler, setup, plan)
        counts[deviations] = plan.counts
        return deviations_of(found.schedule) if Fingerprint.of(setup, found) == wanted else None

    def after(before: Deviations) -> Iterator[tuple[int, int]]:
        last = before[-1][0] if before else 0
        for step, count in counts[before]:
            yield from ((step, index) for index in range(1, count) if step > last)

    counts: dict[Deviations, list[tuple[int, int]]] = {}
    if await fails(()) is not None:
        return 0
    best = deviations_of(verdict.schedule)
    place = 0
    while place < len(best):
        shorter = await fails(best[:place] + best[place + 1 :])
        best, place = (best, place + 1) if shorter is None else (shorter, 0)
    for single in list(after(())):
        if await fails((single,)) is not None:
            return min(1, len(best))
    if len(best) <= 2:
        return len(best)
    for single in list(after(())):
        for second in after((single,)):
            if await fails((single, second)) is not None:
                return 2
    return len(best)


@attrs.frozen
class Bug:
    """A program whose tasks take *counts* steps, and fail once all *orders* are as they say.

    An order is of two steps, each by its task and its number: the first comes before the other.
    """

    counts: tuple[int, ...]
    orders: tuple[tuple[tuple[int, int], tuple[int, int]], ...]

    def build(self, execution: Execution) -> None:
        """The program."""
        done: list[tuple[int, int]] = []

        async def task(number: int) -> None:
            for step in range(self.counts[number]):
                await point("task.step")
                done.append((number, step))
                if all(self._holds(done, *order) for order in self.orders):
                    raise Violation("T-ORDER", "it is so")

        for number in range(len(self.counts)):
            execution.spawn(f"task{number}", task, number)

    @staticmethod
    def _holds(
        done: list[tuple[int, int]], early: tuple[int, int], late: tuple[int, int]
    ) -> bool:
        return early in done and (late not in done or done.index(early) < done.index(late))


@st.composite
def bugs(draw: st.DrawFn) -> Bug:
    """Two or three tasks of up to three steps, and up to three orders of steps of two tasks."""
    counts = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    steps = [(task, step) for task, count in enumerate(counts) for step in range(count)]
    pairs = [(one, other) for one in steps for other in steps if one[0] != other[0]]
    orders = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=3))
    return Bug(tuple(counts), tuple(orders))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bug=bugs())
def test_never_worse_than_greedy_and_sweeps(bug: Bug, setup_around: SetupAround) -> None:
    """Dropping one at a time, and all schedules with one or two deviations, find no fewer."""

    async def main() -> tuple[Minimal, int] | None:
        setup = setup_around(bug.build)
        async with open_scheduler("stepped") as scheduler:
            found = (await fuzz(scheduler, setup, range(100))).failures
            if not found:
                return None
            minimal = await minimise(scheduler, setup, found[0].verdict)
            return minimal, await greedy_and_sweeps(scheduler, setup, found[0].verdict)

    result = trio.run(main)
    assume(result is not None)
    assert result is not None
    minimal, others = result
    assert minimal.complete
    assert minimal.size.deviations == len(minimal.schedule) <= others


#: Failing scenarios that are swept in a moment.
SWEPT = [
    ("charge-fail-clobbers-neighbour-shadows", "chris-literal", "I-PROGRESS"),
    ("neighbour-freed-between-checks", "check-without-lock", "I-CLCOUNT"),
    ("readahead-caches-hibernation-slot", "pre", "I-DELLOCK"),
    ("v4-while-orders-without-thp", "v4", "I-PROGRESS"),
]


@pytest.mark.parametrize(("scenario", "variant", "check"), SWEPT)
async def test_of_scenarios_neither(
    scenario: str, variant: str, check: str, scheduler: Scheduler
) -> None:
    """The same of failures that chance finds in scenarios, by sweeps that know no places."""
    setup = setup_called(scenario, variant)
    found = await failure_of(scheduler, setup, check)

    minimal = await minimise(scheduler, setup, found)

    assert minimal.complete
    others = await greedy_and_sweeps(scheduler, setup, found)
    assert minimal.size.deviations == len(minimal.schedule) <= others


async def test_of_those_with_two_deviations_the_simplest(scheduler: Scheduler) -> None:
    """Where two deviations are needed, no schedule with two has fewer switches or steps.

    What is left of a failure by chance, when entries are dropped and exchanged, is another way
    to fail here than the simplest.
    """
    setup = setup_called("count-continuation-race", "no-recheck-after-extend-alloc")
    found = (await fuzz(scheduler, setup, range(100))).failures[0].verdict

    minimal = await minimise(scheduler, setup, found)

    wanted = Fingerprint.of(setup, found)
    swept = await fewest(
        scheduler,
        setup,
        lambda verdict: Fingerprint.of(setup, verdict) == wanted,
        2,
        simplest=True,
        places=False,
    )
    assert minimal.complete
    assert swept.verdict is not None
    assert minimal.size.deviations == len(swept.verdict.schedule) == 2
    search = await Search.begin(scheduler, setup, swept.verdict, 1, lambda: False)
    assert minimal.size <= search.size


async def test_the_key_decides(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """Of two ways with as many deviations, the one with fewer switches and steps is taken."""

    def build(execution: Execution) -> None:
        done: list[str] = []

        async def task(name: str, steps: int) -> None:
            for _ in range(steps):
                await point("task.step")
            done.append(name)
            if done[0] != "slow":
                raise Violation("T-FIRST", name)

        execution.spawn("slow", task, "slow", 3)
        execution.spawn("long", task, "long", 9)
        execution.spawn("quick", task, "quick", 1)

    setup = setup_around(build)
    found = (await scheduler.run(build, Plan(((3, 1),)))).verdict
    assert found is not None
    assert found.message == "long"

    minimal = await minimise(scheduler, setup, found)

    assert str(minimal.names) == "start -> quick"
    size = minimal.size
    assert (size.deviations, size.switches, size.steps, size.faults) == (1, 0, 2, 0)


async def test_the_normal_form_needs_one_replay(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """Steps that have nothing to do with each other are sorted by task without trying."""

    def build(execution: Execution) -> None:
        async def task(name: str) -> None:
            for number in range(8):
                await point(f"{name}.{number}", target=name)
            if name == "b":
                raise Violation("T-END", "it always fails at the end of b")

        for name in "ab":
            execution.spawn(name, task, name)

    setup = setup_around(build)
    found = await first_failure(scheduler, setup)
    search = await Search.begin(scheduler, setup, found, 100, lambda: False)

    await search.rewrite()

    assert str((await search.result()).names) == "start -> b"
    assert search.made <= 9  # a look at the steps, and at most four forms, built and tried


async def test_a_guide_offers_each_single_deviation(
    scheduler: Scheduler, setup_around: SetupAround, bad_order: Build
) -> None:
    """By names there are as many schedules with one deviation as there are by numbers."""
    setup = setup_around(bad_order)
    plan, guide = Plan(), Guide((), offering=True)
    await execute(scheduler, setup, plan)
    await execute(scheduler, setup, guide)

    by_number = [(step, index) for step, count in plan.counts for index in range(1, count)]
    assert len(guide.offers) == len(set(guide.offers)) == len(by_number) > 0
    for single, entry in zip(by_number, guide.offers, strict=True):
        one = await execute(scheduler, setup, Plan((single,)))
        assert one == await execute(scheduler, setup, Guide((entry,)))


@pytest.mark.parametrize("variant", ["pre", "no-second-check", "check-without-lock"])
async def test_fails_in_the_same_way(
    variant: str, scheduler: Scheduler, setup_of: SetupOf
) -> None:
    """The short schedule breaks the same rule, and replays to the very same verdict."""
    setup = setup_of(variant)
    found = await first_failure(scheduler, setup)

    short = (await minimise(scheduler, setup, found)).verdict

    assert len(short.schedule) < len(found.schedule)
    assert Fingerprint.of(setup, short) == Fingerprint.of(setup, found)
    assert all(decision.task for decision in short.schedule.decisions)
    read_back = Schedule.parse(str(short.schedule))
    assert (await play(scheduler, setup, Recorded(read_back))).verdict == short


async def test_same_failure_same_schedule(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """The same failure is made the same execution each time."""
    setup = setup_of("pre")
    found = await first_failure(scheduler, setup)

    once = await minimise(scheduler, setup, found)
    assert await minimise(scheduler, setup, found) == once


async def test_finds_the_shortest(
    scheduler: Scheduler, setup_around: SetupAround, bad_order: Build
) -> None:
    """Where no schedule with one deviation fails, and some with two do, it finds one of two."""
    setup = setup_around(bad_order)
    found = await first_failure(scheduler, setup)
    assert len(found.schedule) > 2

    assert len((await minimise(scheduler, setup, found)).schedule) == 2


async def test_what_always_fails_needs_no_schedule(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """A failure of the default execution is made the empty schedule."""

    def build(execution: Execution) -> None:
        async def task() -> None:
            await point("task.step")
            raise Violation("T-ALWAYS", "it is always so")

        execution.spawn("one", task)
        execution.spawn("two", task)

    setup = setup_around(build)
    found = (await scheduler.run(build, Plan(((1, 1), (2, 1))))).verdict
    assert found is not None
    assert len(found.schedule) == 2

    short = await minimise(scheduler, setup, found)
    assert str(short.schedule) == "-"


@pytest.mark.parametrize("replays", [0, 1, 7, 50])
async def test_makes_no_more_replays_than_allowed(
    replays: int, scheduler: Scheduler, setup_around: SetupAround, bad_order: Build
) -> None:
    """It runs as often as it may and no more; without a replay the failure stays as it is."""
    made = 0

    def build(execution: Execution) -> None:
        nonlocal made
        made += 1
        bad_order(execution)

    setup = setup_around(build)
    found = await first_failure(scheduler, setup)
    made = 0

    short = await minimise(scheduler, setup, found, replays=replays)

    assert made <= replays + 3  # those that look at the failure, and at the result
    assert len(short.schedule) <= len(found.schedule)
    if replays == 0:
        assert short.verdict == found


async def test_stops_when_asked(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """When asked to stop it gives the shortest failure that it has, which replays."""
    setup = setup_of("pre")
    found = await first_failure(scheduler, setup)
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 5

    short = await minimise(scheduler, setup, found, stop=stop)

    replayed = await play(scheduler, setup, Recorded(short.schedule))
    assert replayed.verdict == short.verdict
    assert not short.complete


async def test_plan_takes_the_default_where_it_does_not_fit(
    scheduler: Scheduler, setup_of: SetupOf
) -> None:
    """A plan with an index or a step that does not exist goes on as if it were not there."""
    setup = setup_of("v3")
    plan = Plan(((3, 999), (100_000, 1)))

    verdict = await execute(scheduler, setup, plan)

    assert verdict == await execute(scheduler, setup, FirstChoice())
    assert deviations_of(verdict.schedule) == ()


async def test_plan_counts_what_there_was_to_decide(
    scheduler: Scheduler, setup_around: SetupAround, bad_order: Build
) -> None:
    """A plan lists the steps with a choice, and how many candidates each had."""
    plan = Plan()
    await scheduler.run(bad_order, plan)

    assert plan.counts[:4] == [(1, 4), (2, 4), (3, 4), (4, 3)]
    assert all(count > 1 for _, count in plan.counts)


async def test_a_livelock_is_replayed_to_its_first_return(scheduler: Scheduler) -> None:
    """Making one simple does not wait for a budget each time; what it finds has the cycle."""
    setup = setup_called("readahead-has-cache-livelock", "no-tick")
    script = script_of(setup.scenario.window[0], setup.variant)
    found = (await play(scheduler, setup, script)).verdict
    minimal = await minimise(scheduler, setup, found)

    assert minimal.verdict.check == "starvation"
    assert minimal.size.steps < 200
    assert len(minimal.schedule) == 0
    assert minimal.complete


@pytest.mark.parametrize("check", ["starvation", "state-repeats", "step-budget"])
def test_a_livelock_is_one_failure(check: str) -> None:
    """However it is noticed; another ending is another failure, by its check."""
    setup = setup_called("two-faults-one-slot", "v3")
    noticed = Verdict(Ending.LIVELOCK, 9, Schedule(()), check, "no end after 9 steps")
    spent = attrs.evolve(noticed, check="step-budget", message="no end after 5000 steps")
    assert Fingerprint.of(setup, noticed) == Fingerprint.of(setup, spent)
    other = attrs.evolve(noticed, ending=Ending.VIOLATION)
    assert Fingerprint.of(setup, other).rule == check
    told = attrs.evolve(noticed, check="I-PROGRESS")
    assert Fingerprint.of(setup, told).rule == "I-PROGRESS"
