# SPDX-License-Identifier: MIT OR Apache-2.0
"""POS: a number for each operation, and the redraw that takes the bias away."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from swaptrio.sched import Execution, Kind, Program, Task, open_scheduler, point
from swaptrio.sched.strategies import Pos
from swaptrio.sched.strategies.races import races
from swaptrio.sched.testing import Transcript

EXECUTIONS = 4000


def accesses(kinds: dict[str, list[tuple[Kind, str]]]) -> Program:
    """Tasks that do nothing but these accesses."""

    async def task(mine: list[tuple[Kind, str]]) -> None:
        for kind, name in mine:
            await point("task.access", kind, name)

    def program(execution: Execution) -> None:
        for name, mine in kinds.items():
            execution.spawn(name, task, mine)

    return program


async def wins(strategy: Pos) -> list[float]:
    """How often one write comes before the first, second and third of another task.

    Each is a share of the times in which it had not come before; only executions count in
    which both tasks have started before either writes.
    """
    write = (Kind.WRITE, "x")
    program = accesses({"a": [write, write, write], "b": [write]})
    places: Counter[int] = Counter()
    async with open_scheduler("stepped") as scheduler:
        for strategy.seed in range(EXECUTIONS):
            transcript = Transcript()
            await scheduler.run(program, strategy, observer=transcript)
            steps = [line.split()[1:3] for line in transcript.lines[:-1]]
            if [step[1] for step in steps[:2]] == ["start", "start"]:
                places["".join(step[0] for step in steps[2:]).index("b")] += 1
    return [places[n] / sum(places[m] for m in range(n, 4)) for n in range(3)]


async def test_a_race_that_was_lost_is_drawn_again() -> None:
    """Each of another task's writes is met with even odds, however often it lost before."""
    assert await wins(Pos(0)) == pytest.approx([0.5, 0.5, 0.5], abs=0.06)


class Undrawn(Pos):
    """POS without the redraw."""

    def _redraw(self, execution: Execution) -> None:
        """Leave the numbers as they are."""


async def test_what_the_redraw_is_for() -> None:
    """Left out, a task that lost once keeps losing."""
    shares = await wins(Undrawn(0))
    assert shares[1] < 0.4
    assert shares[2] < 0.35


async def test_numbers_stay_where_nothing_races() -> None:
    """An operation on another object, or a read beside a read, draws nothing again."""
    strategy = Pos(0)
    kept: list[bool] = []

    class Watch:
        before: tuple[list[float], Task | None] = ([], None)

        def step(self, execution: Execution, task: Task) -> None:
            numbers, last = self.before
            if last is not None:
                for index, number in enumerate(numbers):
                    if index != last.index:
                        kept.append(strategy._numbers[index] == number)
            self.before = (list(strategy._numbers), task)

        def choice(self, *_: Any) -> None: ...

        def end(self, execution: Execution) -> None: ...

    look = [(Kind.READ, "x")] * 4
    program = accesses({"a": look, "b": look, "c": [(Kind.WRITE, "y")] * 4})
    async with open_scheduler("stepped") as scheduler:
        for strategy.seed in range(20):
            await scheduler.run(program, strategy, observer=Watch())
    assert kept
    assert all(kept)


def test_what_races() -> None:
    """Same object, and not both of them look. Locks of one lock race; steps race with none."""

    async def nothing() -> None: ...

    coro = nothing()
    task = Task("t", 0, coro)
    coro.close()
    task.target = "x"
    outcomes = {}
    for kind in (Kind.READ, Kind.WRITE, Kind.LOCK, Kind.UNLOCK, Kind.STEP):
        task.kind = kind
        outcomes[kind] = (races(Kind.READ, "x", task), races(Kind.LOCK, "x", task))
        assert not races(Kind.WRITE, "y", task)
    assert outcomes == {
        Kind.READ: (False, True),
        Kind.WRITE: (True, True),
        Kind.LOCK: (True, True),
        Kind.UNLOCK: (False, False),
        Kind.STEP: (False, False),
    }
