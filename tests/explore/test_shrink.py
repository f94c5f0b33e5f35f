# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shrinking: still the same failure, shorter, always the same, within its bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from swaptrio.explore import Fingerprint, Plan, fuzz, shrink
from swaptrio.explore.execute import execute
from swaptrio.explore.plan import deviations_of
from swaptrio.scenario.play import play
from swaptrio.scenario.world import Setup
from swaptrio.sched import (
    Execution,
    FirstChoice,
    Recorded,
    Schedule,
    Scheduler,
    Verdict,
    Violation,
    point,
)

SetupOf = Callable[[str], Setup]
Build = Callable[[Execution], None]
SetupAround = Callable[[Build], Any]


async def first_failure(scheduler: Scheduler, setup: Setup) -> Verdict:
    """The first failure that fuzzing finds."""
    return (await fuzz(scheduler, setup, range(500))).failures[0].verdict


@pytest.mark.parametrize("variant", ["pre", "no-second-check", "check-without-lock"])
async def test_fails_in_the_same_way(
    variant: str, scheduler: Scheduler, setup_of: SetupOf
) -> None:
    """The short schedule breaks the same rule, and replays to the very same verdict."""
    setup = setup_of(variant)
    found = await first_failure(scheduler, setup)

    short = await shrink(scheduler, setup, found)

    assert len(short.schedule) < len(found.schedule)
    assert Fingerprint.of(setup, short) == Fingerprint.of(setup, found)
    assert all(decision.task for decision in short.schedule.decisions)
    read_back = Schedule.parse(str(short.schedule))
    assert (await play(scheduler, setup, Recorded(read_back))).verdict == short


async def test_same_failure_same_schedule(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """The same failure shrinks to the same execution each time."""
    setup = setup_of("pre")
    found = await first_failure(scheduler, setup)

    once = await shrink(scheduler, setup, found)
    assert await shrink(scheduler, setup, found) == once


async def test_finds_the_shortest(
    scheduler: Scheduler, setup_around: SetupAround, bad_order: Build
) -> None:
    """Where no schedule with one deviation fails, and some with two do, it finds one of two."""
    setup = setup_around(bad_order)
    found = await first_failure(scheduler, setup)
    assert len(found.schedule) > 2

    assert len((await shrink(scheduler, setup, found)).schedule) == 2


async def test_what_always_fails_needs_no_schedule(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """A failure of the default execution shrinks to the empty schedule."""

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

    short = await shrink(scheduler, setup, found)
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

    short = await shrink(scheduler, setup, found, replays=replays)

    assert made <= replays
    assert len(short.schedule) <= len(found.schedule)
    if replays == 0:
        assert short == found


async def test_stops_when_asked(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """When asked to stop it gives the shortest failure that it has, which replays."""
    setup = setup_of("pre")
    found = await first_failure(scheduler, setup)
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 5

    short = await shrink(scheduler, setup, found, stop=stop)

    replayed = await play(scheduler, setup, Recorded(short.schedule))
    assert replayed.verdict == short


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
