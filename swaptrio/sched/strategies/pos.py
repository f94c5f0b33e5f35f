# SPDX-License-Identifier: MIT OR Apache-2.0
"""POS: Yuan, Yang, Gu, "Partial Order Aware Concurrency Sampling", CAV 2018.

Each declared operation, not each task, has a random number, and the highest that can go on
does. When an operation has been performed its task draws a number for the next one, and so does
every task whose declared operation races with it. Without this redraw, what has lost once
against one operation would be likelier to lose against the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.sched.operation import Kind
from swaptrio.sched.strategies.candidates import highest, number_of
from swaptrio.sched.strategies.races import is_shared, races
from swaptrio.sched.strategies.random_walk import Seeded
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class Pos(Seeded):
    """A random number for each operation, drawn again where a racing one went before."""

    asks_always: ClassVar[bool] = True

    _numbers: list[float] = attrs.field(factory=list, init=False)
    _done: Task | None = attrs.field(default=None, init=False)
    _kind: Kind = attrs.field(default=Kind.START, init=False)
    _target: object = attrs.field(default=None, init=False)

    def begin(self, execution: Execution) -> None:
        """Forget the numbers."""
        Seeded.begin(self, execution)
        self._numbers = []
        self._done = None
        self._target = None

    def pick(self, execution: Execution, count: int) -> int:
        """The candidate whose operation has the highest number."""
        numbers = self._numbers
        if self._done is not None:
            numbers[self._done.index] = self._random.random()
            if self._target is not None:
                self._redraw(execution)
        while len(numbers) < len(execution.tasks):
            numbers.append(self._random.random())
        chosen = self._select(execution)
        self._remember(execution.tasks[chosen])
        return number_of(execution, chosen)

    def _select(self, execution: Execution) -> int:
        return highest(execution, self._numbers)

    def _redraw(self, execution: Execution) -> None:
        """Draw again for what races with the operation that has just been performed."""
        kind, target, done = self._kind, self._target, self._done
        for task in execution.tasks[: len(self._numbers)]:
            if task.target is not None and task is not done and races(kind, target, task):
                self._numbers[task.index] = self._random.random()

    def _remember(self, task: Task) -> None:
        self._done, self._kind = task, task.kind
        self._target = task.target if is_shared(task.kind, task.target) else None
