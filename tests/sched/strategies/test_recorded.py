# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recorded: replay, and how it notices that a schedule does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    Mutex,
    Program,
    RandomWalk,
    Recorded,
    Schedule,
    SendChannel,
    SpinLock,
    Verdict,
    choose,
    open_channel,
    point,
    run,
    sleep,
)
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable


def workload(execution: Execution) -> None:
    """Four tasks with locks, a channel, sleeps and draws; some schedules fail."""
    spin, mutex = SpinLock("spin"), Mutex("mutex")
    send: SendChannel[int]
    send, receive = open_channel("mail", 2)
    total = [0]

    async def producer() -> None:
        for number in range(3):
            await send.send(number)
            if choose("producer.data", ("ok", "slow", "lost")) == "slow":
                await sleep("producer.sleep", 10)

    async def consumer() -> None:
        for _ in range(3):
            await receive.receive()
            await point("consumer.read")
            seen = total[0]
            async with spin.hold("consumer.lock"):
                await point("consumer.write")
                total[0] = seen + 1

    async def nested(first: Mutex, second: SpinLock) -> None:
        await first.acquire("nested.mutex")
        async with second.hold("nested.spin"):
            total[0] += 1
        await first.release("nested.release")

    def check() -> None:
        if total[0] != 5:
            raise AssertionError(f"total is {total[0]}")

    execution.spawn("p", producer)
    execution.spawn("c", consumer)
    execution.spawn("n", nested, mutex, spin)
    execution.spawn("m", nested, mutex, spin)
    execution.at_end.append(check)


def verdict_of(program: Program, schedule: str) -> Verdict:
    """The verdict of a replay."""
    verdict = run(program, Recorded(Schedule.parse(schedule))).verdict
    assert verdict is not None
    return verdict


def test_replay_is_the_random_run() -> None:
    """The schedule of any random run gives the same steps, draws and verdict once more."""
    endings = set()
    for seed in range(150):
        first, again = Transcript(), Transcript()
        verdict = run(workload, RandomWalk(seed), observer=first).verdict
        assert verdict is not None
        token = str(verdict.schedule)
        replayed = run(workload, Recorded(Schedule.parse(token)), observer=again).verdict
        assert again.lines == first.lines
        assert replayed == verdict
        endings.add(verdict.ending)
    assert endings == {Ending.PASSED, Ending.VIOLATION}


def test_a_recorded_strategy_can_be_used_again() -> None:
    """The same strategy replays one execution after another."""
    schedule = run(workload, RandomWalk(3)).verdict
    assert schedule is not None
    strategy = Recorded(schedule.schedule)
    assert run(workload, strategy).verdict == run(workload, strategy).verdict == schedule


def steppers(label: str = "task.step", steps: int = 2) -> Program:
    """Two tasks with so many points of that label."""

    async def task() -> None:
        for _ in range(steps):
            await point(label)

    def program(execution: Execution) -> None:
        for name in "ab":
            execution.spawn(name, task)

    return program


async def _draws() -> None:
    choose("task.data", ("ok", "fail"))


def draws(execution: Execution) -> None:
    """One task with one draw of two options."""
    execution.spawn("a", _draws)


@pytest.mark.parametrize(
    ("program", "schedule", "message"),
    [
        (steppers(), "1:2", "step 1: expected number 2, found 2 candidates"),
        (
            steppers(),
            "2:1@c/start",
            "step 2: expected number 1, c at start, found b at start",
        ),
        (
            steppers(),
            "2:1@b/task.step",
            "step 2: expected number 1, b at task.step, found b at start",
        ),
        (steppers(), "4:1", "step 4: expected number 1, found 1 candidate"),
        (steppers(), "9:1", "step 9: expected number 1, found the end after 6 steps"),
        (
            steppers("task.renamed"),
            "1:1@b/start,2:1@a/start,3:1@b/task.step",
            "step 3: expected number 1, b at task.step, found b at task.renamed",
        ),
        (draws, "2:2", "step 2: expected number 2, found 2 options at task.data"),
        (
            draws,
            "2:1@a/task.other",
            "step 2: expected number 1, a at task.other, found a at task.data",
        ),
        (draws, "3:1@a/x", "step 3: expected number 1, a at x, found the end after 2 steps"),
    ],
)
def test_divergence(program: Program, schedule: str, message: str) -> None:
    """Where a schedule does not fit, the verdict says what was expected and what is there."""
    verdict = verdict_of(program, schedule)
    assert (verdict.ending, verdict.message) == (Ending.DIVERGED, message)


def test_a_schedule_by_hand_names_no_tasks() -> None:
    """Numbers alone are followed without comparing; the verdict's schedule has the names."""
    verdict = verdict_of(steppers(), "2:1")
    assert verdict.passed
    assert str(verdict.schedule) == "2:1@b/start"


@pytest.mark.parametrize("fits", [True, False])
def test_divergence_goes_before_checks_at_the_end(fits: bool) -> None:
    """A check at the end would judge another execution than the one that was recorded."""

    def program(execution: Execution) -> None:
        steppers()(execution)
        execution.at_end.append(complain)

    def complain() -> None:
        raise AssertionError("wrong sum")

    verdict = verdict_of(program, "-" if fits else "9:1")
    assert verdict.ending is (Ending.VIOLATION if fits else Ending.DIVERGED)


def test_an_earlier_failure_keeps_its_verdict() -> None:
    """An execution that fails before its last decision has failed, with a shorter schedule."""

    async def fails() -> None:
        raise ValueError("bad")

    def program(execution: Execution) -> None:
        execution.spawn("a", fails)
        execution.spawn("b", fails)

    verdict = verdict_of(program, "1:1,7:1")
    assert (verdict.message, str(verdict.schedule)) == ("ValueError: bad", "1:1@b/start")


def test_edited_code_is_noticed() -> None:
    """A schedule recorded before an edit does not silently run something else after it."""

    def program(extra: Callable[[], bool]) -> Program:
        async def task() -> None:
            if extra():
                await point("task.added")
            await point("task.step")

        def build(execution: Execution) -> None:
            for name in "ab":
                execution.spawn(name, task)

        return build

    recorded = run(program(lambda: False), Recorded(Schedule.parse("1:1,2:1,3:1"))).verdict
    assert recorded is not None
    assert str(recorded.schedule) == "1:1@b/start,2:1@a/start,3:1@b/task.step"
    verdict = verdict_of(program(lambda: True), str(recorded.schedule))
    assert verdict.message == "step 3: expected number 1, b at task.step, found b at task.added"


def test_first_choice_needs_no_schedule() -> None:
    """The schedule of a run by first choice is empty."""
    verdict = run(workload, FirstChoice()).verdict
    assert verdict is not None
    assert len(verdict.schedule) == 0
