# SPDX-License-Identifier: MIT OR Apache-2.0
"""Same program, same strategy, same seed: the same transcript, everywhere.

Importing Hypothesis, which pytest-trio does, makes Trio's own order of tasks repeatable in the
whole process, so that a test of determinism could pass for the wrong reason. Those here run
with that switch off, and in interpreters that have imported neither.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import trio

from swaptrio.sched import (
    Execution,
    Mutex,
    RandomWalk,
    SendChannel,
    SpinLock,
    choose,
    open_channel,
    open_scheduler,
    point,
    run,
    sleep,
    spawn,
)
from swaptrio.sched.testing import Transcript

#: Prints the transcripts of a few seeds; no line of it knows of pytest or Hypothesis.
SCRIPT = """
import sys
from swaptrio.sched import *
from swaptrio.sched.testing import Transcript
import trio._core._run as inside

def program(execution):
    lock, (send, receive) = SpinLock("lock"), open_channel("mail", 2)
    async def sends(name):
        for word in sorted({name + "x", name + "y", name + "z"}):
            async with lock.hold("sends.lock"):
                await point("sends.inside")
            await send.send(choose("sends.data", (word, "other")))
            await sleep("sends.sleep", 3)
    async def receives():
        for _ in range(9):
            await receive.receive()
    for name in "abc":
        execution.spawn(name, sends, name)
    execution.spawn("r", receives)

for seed in range(12):
    transcript = Transcript()
    verdict = run(program, RandomWalk(seed), observer=transcript).verdict
    print(*transcript.lines, verdict.schedule, sep="\\n")
assert "hypothesis" not in sys.modules and "pytest" not in sys.modules
assert inside._ALLOW_DETERMINISTIC_SCHEDULING is False
"""


@pytest.fixture(params=[False, True], ids=["shuffled batches", "sorted batches"])
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trio's private switch for repeatable batches, in both positions."""
    monkeypatch.setattr(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", request.param)


def program(execution: Execution) -> None:
    """Seven tasks, one spawned on the way, with all that the package offers."""
    spin, mutex = SpinLock("spin"), Mutex("mutex")
    send: SendChannel[int]
    send, receive = open_channel("mail", 2)

    async def sends(number: int) -> None:
        async with spin.hold("sends.lock"):
            await point("sends.inside")
        await send.send(number)

    async def receives() -> None:
        for _ in range(4):
            await receive.receive()
            await mutex.acquire("receives.lock")
            await sleep("receives.sleep", choose("receives.data", (1, 2, 3)))
            await mutex.release("receives.release")

    async def spawns() -> None:
        spawn("late", sends, 9)

    execution.spawn("r", receives)
    execution.spawn("q", receives, daemon=True)
    for number in range(3):
        execution.spawn(f"s{number}", sends, number)
    execution.spawn("spawns", spawns)


def lines_of(seed: int) -> list[str]:
    """The transcript of one run in a `trio.run` of its own."""
    transcript = Transcript()
    run(program, RandomWalk(seed), observer=transcript)
    return transcript.lines


@pytest.mark.usefixtures("batches")
def test_fifty_times_in_one_process() -> None:
    """One seed gives one transcript, fifty times over, whatever Trio does with its batches."""
    for seed in range(4):
        assert len({tuple(lines_of(seed)) for _ in range(50)}) == 1


@pytest.mark.usefixtures("batches")
async def test_tasks_kept_from_run_to_run_decide_nothing() -> None:
    """The first execution of a scheduler and the fiftieth are the same."""
    seen = set()
    async with open_scheduler() as scheduler:
        for number in range(50):
            await scheduler.run(program, RandomWalk(number))
            transcript = Transcript()
            await scheduler.run(program, RandomWalk(7), observer=transcript)
            seen.add(tuple(transcript.lines))
    assert len(seen) == 1


@pytest.mark.usefixtures("batches")
async def test_other_trio_tasks_decide_nothing() -> None:
    """Trio tasks that run beside an execution change nothing in it."""

    async def busy() -> None:
        while True:
            await trio.lowlevel.checkpoint()

    seen = set()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            async with open_scheduler() as scheduler:
                transcript = Transcript()
                await scheduler.run(program, RandomWalk(3), observer=transcript)
                seen.add(tuple(transcript.lines))
            nursery.start_soon(busy)
        nursery.cancel_scope.cancel()
    assert len(seen) == 1


def test_seeds_differ() -> None:
    """Different seeds give different transcripts, or none of this would mean anything."""
    assert len({tuple(lines_of(seed)) for seed in range(20)}) == 20


def test_hash_seeds_and_fresh_interpreters() -> None:
    """Without pytest and Hypothesis, under any hash seed and optimised, all is the same."""
    outputs = set()
    for hash_seed, flags in (("0", []), ("4711", []), ("4711", ["-O"])):
        done = subprocess.run(
            [sys.executable, *flags, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) > 200
