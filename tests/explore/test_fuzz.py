# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fuzzing: what it counts, keeps and tells, and when it stops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.explore import Fuzzed, fuzz
from swaptrio.scenario.play import play
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Execution, RandomWalk, Scheduler, point
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from pathlib import Path

SetupOf = Callable[[str], Setup]
SetupAround = Callable[[Callable[[Execution], None]], Any]


def seen(fuzzed: Fuzzed) -> list[tuple[object, ...]]:
    """Everything that a run has found, in a form to compare."""
    return [
        (failure.fingerprint, failure.seed, failure.count, failure.verdict)
        for failure in fuzzed.failures
    ]


async def test_every_seed_is_one_random_walk(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """A run counts what the random walks of its seeds do, one by one."""
    setup = setup_of("no-second-check")
    verdicts = {seed: (await play(scheduler, setup, RandomWalk(seed))).verdict
                for seed in range(30, 80)}  # fmt: skip
    failing = {seed: verdict for seed, verdict in verdicts.items() if not verdict.passed}

    fuzzed = await fuzz(scheduler, setup, range(30, 80))

    assert fuzzed.executions == 50
    assert fuzzed.steps == sum(verdict.steps for verdict in verdicts.values())
    assert fuzzed.failed == len(failing) > 0
    first, *more = fuzzed.failures
    assert not more
    assert (first.seed, first.verdict) == next(iter(failing.items()))


async def test_same_seeds_same_finds(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """The same seeds find the same, with the same first seeds and schedules."""
    one = await fuzz(scheduler, setup_of("pre"), range(60))
    other = await fuzz(scheduler, setup_of("pre"), range(60))

    assert seen(one) == seen(other) != []
    assert (one.executions, one.steps) == (other.executions, other.steps)


async def test_distinct_failures_are_kept_once(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """Failures that differ in their rule are kept apart, those that differ in numbers not."""
    numbers = count()

    def build(execution: Execution) -> None:
        number = next(numbers)

        async def task() -> None:
            await point("task.step")
            if number % 2:
                raise KeyError(number)
            raise ValueError(f"number {number} at {number:#x}")

        execution.spawn("task", task)

    fuzzed = await fuzz(scheduler, setup_around(build), range(10))

    assert [failure.fingerprint.rule for failure in fuzzed.failures] == [
        "ValueError: number # at #",
        "KeyError: #",
    ]
    assert [failure.count for failure in fuzzed.failures] == [5, 5]
    assert {failure.fingerprint.ending for failure in fuzzed.failures} == {Ending.ERROR}


async def test_stops_when_asked(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """A run that is asked to stop gives what it has found until then, and says so."""
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 20

    fuzzed = await fuzz(scheduler, setup_of("pre"), count(), stop=stop)
    whole = await fuzz(scheduler, setup_of("pre"), range(20))

    assert fuzzed.stopped
    assert not whole.stopped
    assert fuzzed.executions == 20
    assert seen(fuzzed) == seen(whole)


async def test_tells_ten_times_a_second(
    scheduler: Scheduler, setup_of: SetupOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is told ten times a second at most, and the clock is read little more often."""
    now, reads, told = 0.0, 0, []

    def clock() -> float:
        nonlocal reads
        reads += 1
        return now

    def seeds() -> Iterator[int]:
        nonlocal now
        for seed in range(400):
            now += 0.002
            yield seed

    monkeypatch.setattr("swaptrio.explore.pace.perf_counter", clock)
    fuzzed = await fuzz(
        scheduler,
        setup_of("v3"),
        seeds(),
        progress=lambda so_far: told.append((so_far.executions, so_far.seconds)),
    )

    assert fuzzed.executions == 400
    assert fuzzed.seconds == pytest.approx(0.8)
    assert 4 <= len(told) <= 8
    assert reads < 40
    assert told == sorted(told)


async def test_writes_nothing(
    scheduler: Scheduler,
    setup_of: SetupOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The loop writes to no file and to no stream, whatever it finds."""
    monkeypatch.chdir(tmp_path)
    await fuzz(scheduler, setup_of("chris-literal"), range(20))

    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")


async def test_v3_is_not_flagged(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """The patch as mailed passes where its mutants do not."""
    assert (await fuzz(scheduler, setup_of("v3"), range(200))).failures == ()


def changing(steps: Callable[[int], int], fails: Callable[[int], bool]) -> Any:
    """A program whose *n*-th execution has so many steps, and fails or not."""
    numbers = count()

    def build(execution: Execution) -> None:
        number = next(numbers)

        async def task() -> None:
            for step in range(steps(number)):
                await point(f"task.step-{step}")
            if fails(number):
                raise ValueError("now and then")

        execution.spawn("task", task)

    return build


@pytest.mark.parametrize("first", [1, 2, 4, 9])
async def test_repeats_see_what_is_not_deterministic(
    scheduler: Scheduler, setup_around: SetupAround, first: int
) -> None:
    """One more step than before, whenever it comes in, ends the run: nothing is concluded."""
    build = changing(lambda number: 2 + (number >= first and number % 2), lambda _: False)

    fuzzed = await fuzz(scheduler, setup_around(build), range(50), every=4)

    assert fuzzed.executions < 10
    assert "expected" in fuzzed.difference
    assert "task.step-2" in fuzzed.difference or "after 4 steps" in fuzzed.difference
    assert fuzzed.failures == ()


async def test_a_failure_that_does_not_come_again_is_none(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """What fails once, and not under the same schedule, is told as that, not as a failure."""
    build = changing(lambda _: 2, lambda number: number == 12)

    fuzzed = await fuzz(scheduler, setup_around(build), range(50), every=1000)

    assert fuzzed.failures == ()
    assert fuzzed.difference.startswith("step 3: expected error: ValueError: now and then")
    assert "found passed after 3 steps" in fuzzed.difference


async def test_repeats_change_nothing(scheduler: Scheduler, setup_of: SetupOf) -> None:
    """Whoever repeats now and then finds what one who does not finds."""
    plain = await fuzz(scheduler, setup_of("pre"), range(40), strategy=parse("feedback"))
    sure = await fuzz(
        scheduler, setup_of("pre"), range(40), strategy=parse("feedback"), every=7
    )

    assert seen(sure) == seen(plain) != []
    assert (plain.repeated, sure.difference) == (0, "")
    assert sure.repeated >= 6
