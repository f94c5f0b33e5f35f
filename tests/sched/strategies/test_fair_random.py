# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fair random: how long somebody can be passed over."""

from __future__ import annotations

import pytest

from swaptrio.sched import Execution, Task, point, run, sleep
from swaptrio.sched.strategies import FairRandom
from swaptrio.sched.testing import Transcript

TASKS = 5


def program(execution: Execution) -> None:
    """Five tasks with sixty steps each, and one that sleeps now and then."""

    async def task() -> None:
        for _ in range(60):
            await point("task.step")

    async def sleeper() -> None:
        for _ in range(5):
            await sleep("sleeper.sleep", 1)

    for number in range(TASKS):
        execution.spawn(f"t{number}", task)
    execution.spawn("s", sleeper)


class Waits(Transcript):
    """The longest row of decisions in which a candidate was passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: dict[str, int] = {}
        self.longest = 0

    def step(self, execution: Execution, task: Task) -> None:
        """Count for each candidate."""
        among = {each.name: each for each in execution.candidates()}
        if task.name not in among or len(among) < 2:
            return  # a sleeper: the clock has moved on
        self.waits = {name: self.waits.get(name, 0) + 1 for name in among}
        self.waits[task.name] = 0
        self.longest = max(self.longest, *self.waits.values())


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_nobody_waits_for_long(patience: int) -> None:
    """No candidate is passed over more than *patience* times plus once for each other task."""
    longest = 0
    for seed in range(60):
        waits = Waits()
        verdict = run(program, FairRandom(seed, patience), observer=waits).verdict
        assert verdict is not None
        assert verdict.passed
        longest = max(longest, waits.longest)
    assert patience <= longest <= patience + TASKS


def test_patience_leaves_room_for_chance() -> None:
    """With much patience it is a random walk, with none everybody takes turns."""
    orders = []
    for patience in (1, 1000):
        transcript = Transcript()
        run(program, FairRandom(1, patience), observer=transcript)
        orders.append([line.split()[1] for line in transcript.lines[: 4 * TASKS]])
    assert len(set(orders[0][:TASKS])) == TASKS
    assert len(set(orders[1][:TASKS])) < TASKS
