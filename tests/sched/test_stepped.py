# SPDX-License-Identifier: MIT OR Apache-2.0
"""The stepped carrier: nothing but its speed tells it from Trio tasks."""

from __future__ import annotations

import math

import pytest
import trio

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    ModelError,
    Mutex,
    Program,
    RandomWalk,
    Recorded,
    SpinLock,
    choose,
    join,
    open_channel,
    open_scheduler,
    point,
    run,
    sleep,
    spawn,
)
from swaptrio.sched.testing import Transcript


async def _once(label: str) -> None:
    await point(label)


def ordered_locks(execution: Execution) -> None:
    """Two tasks that take two locks in opposite order: passes, or deadlocks."""
    first, second = SpinLock("first"), SpinLock("second")

    async def take(outer: SpinLock, inner: SpinLock) -> None:
        async with outer.hold("take.outer"), inner.hold("take.inner"):
            pass

    execution.spawn("a", take, first, second)
    execution.spawn("b", take, second, first)


def lost_update(execution: Execution) -> None:
    """Two tasks that add without a lock: passes, or breaks an assertion."""
    total = [0]

    async def add() -> None:
        await point("add.read")
        value = total[0]
        await point("add.write")
        total[0] = value + 1

    async def check(tasks: list[object]) -> None:
        for task in tasks:
            await join(task)  # type: ignore[arg-type]  # the list holds Tasks
        assert total == [2]

    tasks: list[object] = [execution.spawn(name, add) for name in ("a", "b")]
    execution.spawn("check", check, tasks)


def served(execution: Execution) -> None:
    """A daemon behind a channel, draws, sleeps, and a task that is spawned on the way."""
    send, receive = open_channel("jobs", math.inf)  # type: ignore[var-annotated]  # of int

    async def serve() -> None:
        while True:
            await sleep("serve.work", await receive.receive())

    async def ask() -> None:
        for _ in range(choose("ask.jobs", (1, 2, 3))):
            await send.send(choose("ask.length", (5, 0, 7)))
        await join(spawn("late", _once, "late.step"))

    execution.spawn("server", serve, daemon=True)
    execution.spawn("a", ask)
    execution.spawn("b", _once, "b.step")


def failing(execution: Execution) -> None:
    """A task that raises while it holds a lock that another one wants."""
    lock = Mutex("lock")

    async def fail() -> None:
        await lock.acquire("fail.lock")
        await point("fail.step")
        msg = "no"
        raise ValueError(msg)

    async def want() -> None:
        await lock.acquire("want.lock")
        await lock.release("want.unlock")

    execution.spawn("fail", fail)
    execution.spawn("want", want)


def foreign(execution: Execution) -> None:
    """A task that awaits Trio itself."""

    async def stray() -> None:
        await point("stray.step")
        await trio.lowlevel.checkpoint()

    execution.spawn("stray", stray)
    execution.spawn("other", _once, "other.step")


def endless(execution: Execution) -> None:
    """A task that never ends."""

    async def spin() -> None:
        while True:
            await point("spin.step")

    execution.spawn("spin", spin)
    execution.spawn("other", _once, "other.step")


PROGRAMS = (ordered_locks, lost_update, served, failing, foreign, endless)


def transcripts(program: Program, seed: int, carrier: str) -> list[str]:
    """Everything an observer is told of one execution."""
    transcript = Transcript()
    run(
        program,
        RandomWalk(seed),
        budget=300,
        observer=transcript,
        carrier=carrier,  # type: ignore[arg-type]  # one of the two words
    )
    return transcript.lines


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_same_transcript(program: Program) -> None:
    """The same seed gives the same steps, draws and verdict on both carriers."""
    for seed in range(30):
        stepped = transcripts(program, seed, "stepped")

        assert stepped == transcripts(program, seed, "trio")
        assert stepped


@pytest.mark.parametrize(
    ("program", "ending"),
    [
        (ordered_locks, Ending.DEADLOCK),
        (lost_update, Ending.VIOLATION),
        (served, Ending.PASSED),
        (failing, Ending.ERROR),
        (foreign, Ending.ERROR),
        (endless, Ending.LIVELOCK),
    ],
)
def test_every_ending_occurs(program: Program, ending: Ending) -> None:
    """The programs above end in every way, so that the comparison has something to compare."""
    endings = set()
    for seed in range(30):
        verdict = run(program, RandomWalk(seed), budget=300, carrier="stepped").verdict
        assert verdict is not None
        endings.add(verdict.ending)

    assert ending in endings


def test_schedules_carry_over() -> None:
    """A schedule found on one carrier replays on the other."""
    found = run(ordered_locks, RandomWalk(1), carrier="stepped").verdict
    assert found is not None

    replayed = run(ordered_locks, Recorded(found.schedule), carrier="trio").verdict

    assert replayed == found


def test_repeated_state() -> None:
    """A state that comes back is recognised on this carrier too."""
    execution = run(endless, RandomWalk(1), fingerprint=lambda: 0, carrier="stepped")

    assert execution.verdict is not None
    assert execution.verdict.check == "state-repeats"


async def test_cancelled_between_executions() -> None:
    """A cancellation strikes between two executions, and leaves the scheduler fit."""
    ran = 0
    async with open_scheduler("stepped") as scheduler:
        with trio.CancelScope() as scope:
            scope.cancel()
            while ran < 5:
                ran += 1
                await scheduler.run(served, FirstChoice())
        assert scope.cancelled_caught
        execution = await scheduler.run(served, FirstChoice())

    assert ran == 1
    assert execution.verdict is not None
    assert execution.verdict.passed


async def test_closed() -> None:
    """After its block a scheduler runs nothing any more."""
    async with open_scheduler("stepped") as scheduler:
        pass

    with pytest.raises(ModelError, match="has been closed"):
        await scheduler.run(served, FirstChoice())
