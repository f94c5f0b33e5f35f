# SPDX-License-Identifier: MIT OR Apache-2.0
"""Delay bounding: how often somebody is passed over whose turn it is."""

from __future__ import annotations

import pytest

from swaptrio.sched import Execution, Mutex, Task, point, run, sleep
from swaptrio.sched.strategies import DelayBounding
from swaptrio.sched.testing import Transcript


def program(execution: Execution) -> None:
    """Four tasks with a lock; one sleeps."""
    mutex = Mutex("mutex")

    async def task(steps: int) -> None:
        for _ in range(steps):
            await point("task.step")
        await mutex.acquire("task.lock")
        await point("task.inside")
        await mutex.release("task.unlock")

    async def sleeper() -> None:
        await sleep("sleeper.sleep", 5)

    for number in range(3):
        execution.spawn("abc"[number], task, number)
    execution.spawn("s", sleeper)


class Delays(Transcript):
    """Counts how many tasks were passed over, by the rule of the scheduler underneath."""

    def __init__(self) -> None:
        super().__init__()
        self.delays = 0
        self.last: Task | None = None
        self.before: list[int] = []

    def step(self, execution: Execution, task: Task) -> None:
        """Compare with whose turn it was."""
        super().step(execution, task)
        among = [each.index for each in execution.candidates()]
        if self.last is not None and task.index in among:
            wanted = self._in_turn(sorted(among))
            self.delays += wanted.index(task.index)
        self.last = task

    def _in_turn(self, among: list[int]) -> list[int]:
        assert self.last is not None
        later = [index for index in among if index >= self.last.index]
        return later + [index for index in among if index < self.last.index]


@pytest.mark.parametrize("delays", [0, 1, 2, 4])
def test_no_more_delays_than_given(delays: int) -> None:
    """Nobody's turn is passed over more often than that in one execution."""
    strategy = DelayBounding(0, delays, length=25)
    seen = []
    for strategy.seed in range(150):
        watch = Delays()
        verdict = run(program, strategy, observer=watch).verdict
        assert verdict is not None
        assert verdict.passed
        seen.append(watch.delays)
    assert max(seen) == delays


def test_without_delays_there_is_no_chance() -> None:
    """The scheduler underneath goes round and round, whatever the seed."""
    lines = []
    for seed in range(5):
        transcript = Transcript()
        run(program, DelayBounding(seed, 0), observer=transcript)
        lines.append(transcript.lines)
    assert all(each == lines[0] for each in lines)


def test_the_length_is_measured() -> None:
    """The first execution has no delays; then the length is that of the longest so far."""
    strategy = DelayBounding(0, 3)
    run(program, strategy)
    assert strategy.length == 0
    run(program, strategy)
    assert strategy.length > 5
