# SPDX-License-Identifier: MIT OR Apache-2.0
"""What holds for every strategy that has a name."""

from __future__ import annotations

from collections import Counter

import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    Kind,
    Mutex,
    Program,
    Recorded,
    SendChannel,
    choose,
    open_channel,
    open_scheduler,
    point,
    run,
    sleep,
    spawn,
)
from swaptrio.sched.strategies import STRATEGIES, Auto, parse
from swaptrio.sched.testing import Invariants, Transcript

#: Each name, and those with something behind the colon that leaves the paths of the others.
NAMES = [*STRATEGIES, "pct:1", "pct:20", "delay:5", "surw:x", "window:t.read/t.write"]


def workload(execution: Execution) -> None:
    """Locks both ways, a lost update, a channel, a sleep, a child, draws: all ways to end."""
    first, second = Mutex("first"), Mutex("second")
    send: SendChannel[int]
    send, receive = open_channel("mail", 1)
    total = [0]

    async def locker(one: Mutex, other: Mutex) -> None:
        await one.acquire("locker.one")
        await other.acquire("locker.other")
        await other.release("locker.release")
        await one.release("locker.end")

    async def adder() -> None:
        await point("t.read", Kind.READ, "x")
        seen = total[0]
        await point("t.write", Kind.WRITE, "x")
        total[0] = seen + 1

    async def parent() -> None:
        spawn("child", adder)
        if choose("parent.data", ("ok", "slow", "broken")) == "slow":
            await sleep("parent.sleep", 10)
        await send.send(1)

    async def device() -> None:
        while True:
            await receive.receive()
            await sleep("device.transfer", 5)

    def check() -> None:
        assert total[0] == 2, "an update was lost"

    execution.spawn("device", device, daemon=True)
    execution.spawn("ab", locker, first, second)
    execution.spawn("ba", locker, second, first)
    execution.spawn("parent", parent)
    execution.spawn("adder", adder)
    execution.at_end.append(check)


@pytest.mark.parametrize("name", NAMES)
async def test_seeds_decide(name: str) -> None:
    """The same seeds in the same order give the same executions, data included."""
    runs: list[list[str]] = []
    async with open_scheduler("stepped") as scheduler:
        for _ in range(2):
            strategy, transcript = parse(name), Transcript()
            for strategy.seed in range(60):
                await scheduler.run(workload, strategy, observer=transcript)
            runs.append(transcript.lines)
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", NAMES)
async def test_every_ending_is_reached(name: str) -> None:
    """Passes, violations and deadlocks; every option is drawn; the invariants hold."""
    endings = Counter[Ending]()
    drawn = Counter[str]()
    strategy = parse(name)
    async with open_scheduler("stepped") as scheduler:
        for strategy.seed in range(400):
            transcript = Transcript()
            verdict = (await scheduler.run(workload, strategy, observer=transcript)).verdict
            assert verdict is not None
            endings[verdict.ending] += 1
            drawn.update(
                line.rpartition(" ")[2] for line in transcript.lines if "data:" in line
            )
        for strategy.seed in range(5):
            await scheduler.run(workload, strategy, observer=Invariants())
    expected = {Ending.PASSED, Ending.VIOLATION, Ending.DEADLOCK}
    if name == "pct:1":  # priorities without a change point preempt nobody
        expected = {Ending.PASSED}
    assert expected <= set(endings) <= {Ending.PASSED, Ending.VIOLATION, Ending.DEADLOCK}
    assert sorted(drawn) == ["broken", "ok", "slow"]


@pytest.mark.parametrize("name", NAMES)
def test_schedules_replay(name: str) -> None:
    """What a strategy decided is replayed from the schedule alone, on the other carrier."""
    strategy = parse(name)
    for strategy.seed in range(20):
        verdict = run(workload, strategy).verdict
        assert verdict is not None
        assert run(workload, Recorded(verdict.schedule), carrier="stepped").verdict == verdict


def lonely(execution: Execution) -> None:
    """One task; nothing to decide."""

    async def task() -> None:
        await point("task.step")
        choose("task.data", ("only",))

    execution.spawn("a", task)


def empty(execution: Execution) -> None:
    """No task at all."""


def asleep(execution: Execution) -> None:
    """Nobody but sleepers."""

    async def task(duration: int) -> None:
        await sleep("task.sleep", duration)
        await sleep("task.again", duration)

    execution.spawn("a", task, 5)
    execution.spawn("b", task, 7)


@pytest.mark.parametrize("program", [lonely, empty, asleep])
@pytest.mark.parametrize("name", NAMES)
def test_small_programs(name: str, program: Program) -> None:
    """Where there is little or nothing to decide, nothing breaks, in any order of programs."""
    strategy = parse(name)
    for each in (program, workload, program, program):
        execution = run(each, strategy)
        strategy.seed += 1
        assert execution.verdict is not None
        assert execution.verdict.ending is not Ending.ERROR
        assert execution.verdict.ending is not Ending.LIVELOCK


def test_auto_lets_every_member_decide() -> None:
    """By the seed, as often as the weights say."""
    strategy = parse("auto")
    assert isinstance(strategy, Auto)
    chosen: Counter[int] = Counter()
    for strategy.seed in range(400):
        run(lonely, strategy, carrier="stepped")
        assert strategy.chosen.seed != strategy.seed
        chosen[strategy.members.index(strategy.chosen)] += 1
    for place, weight in enumerate(strategy.weights):
        assert abs(chosen[place] - 400 * weight) < 4 * (400 * weight) ** 0.5
