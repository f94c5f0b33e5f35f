# SPDX-License-Identifier: MIT OR Apache-2.0
"""How many events each task is expected to have, learned from the executions before.

Tasks are known from one execution to the next by their names, as in scripts and schedules. What
a task is expected to do includes what its children will that it has not spawned yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task


@attrs.define(eq=False)
class Profile:
    """Events by what they touch and by task, over all *executions* so far.

    *parents* knows who spawned whom; tasks that are there from the start have none.
    """

    executions: int = 0
    events: dict[str, dict[str, int]] = attrs.Factory(dict)
    parents: dict[str, str] = attrs.Factory(dict)
    runs: dict[str, int] = attrs.Factory(dict)

    def add(self, task: Task, parent: Task | None) -> None:
        """*task* takes part in this execution, spawned by *parent*."""
        self.runs[task.name] = self.runs.get(task.name, 0) + 1
        self.parents[task.name] = parent.name if parent is not None else ""

    def count(self, event: str, task: str) -> None:
        """*task* has performed an event that touches *event*."""
        events = self.events.get(event)
        if events is None:
            events = self.events[event] = {}
        events[task] = events.get(task, 0) + 1

    def expected(self, event: str) -> dict[str, float]:
        """Events of each task in one execution on average, its descendants' included."""
        own = self.events.get(event, {})
        expected = {task: own.get(task, 0) / runs for task, runs in self.runs.items()}
        for task in reversed(expected):
            parent = self.parents[task]
            if parent in expected:
                expected[parent] += expected[task]
        return expected

    def total(self, event: str) -> int:
        """How often *event* was touched in all executions."""
        return sum(self.events[event].values())


@attrs.define(eq=False)
class Remaining:
    """What each task of one execution, by index, still has before it: *left*.

    A task that no execution before had is expected to do as little as the least busy one, and
    nobody less than *floor*.
    """

    expected: dict[str, float] = attrs.Factory(dict)
    floor: float = 1.0
    left: list[float] = attrs.Factory(list)
    _unknown: float = 0.0

    def begin(self, expected: dict[str, float]) -> None:
        """Start with what is expected of each task by name."""
        self.expected = expected
        self._unknown = max(self.floor, min(expected.values(), default=0.0))
        self.left = []

    def spent(self, index: int) -> None:
        """The task with that *index* has performed an event."""
        self.left[index] = max(self.floor, self.left[index] - 1)

    def arrive(self, task: Task, parent: Task | None) -> None:
        """*task* is new; what it is expected to do is no longer its parent's."""
        left = max(self.floor, self.expected.get(task.name, self._unknown))
        self.left.append(left)
        if parent is not None:
            self.left[parent.index] = max(self.floor, self.left[parent.index] - left)


def newcomers(execution: Execution, known: int) -> list[Task]:
    """The tasks from number *known* on; seldom any, once an execution has begun."""
    return execution.tasks[known:] if known < len(execution.tasks) else []
