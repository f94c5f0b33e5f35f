# SPDX-License-Identifier: MIT OR Apache-2.0
"""One task of the program under test, what it can wait for, and who may watch it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from swaptrio.sched.operation import IDLE_KINDS, Kind, Operation, name_of

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


class Resource(Protocol):
    """Something that a task can wait for."""

    name: str
    pending: list[Task]

    def holders(self) -> tuple[Task, ...]:
        """The tasks that could let a waiter go on; empty if nobody can be named."""


class Observer(Protocol):
    """What an execution tells whoever watches it.

    An observer looks and does not touch. What it raises from `step` or `choice` is a verdict,
    so an oracle may be one; what it raises from `end`, where the verdict is set already, comes
    out of `Scheduler.run`.
    """

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform the operation that it has declared."""

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """*task* has drawn *option* at *label*."""

    def end(self, execution: Execution) -> None:
        """The verdict is set."""


@attrs.define(eq=False)
class Task:
    """One task of the program under test.

    *kind*, *target* and *label* are the operation that it has declared and not yet performed;
    *ready* says, for a parked task, whether that can succeed. *spinning* are the spinlocks it
    holds, *held* all its locks, in the order of acquisition; *pending* are the tasks that wait
    for its end. *carrier* belongs to whoever sends the coroutine on.

    A *daemon* serves others: an execution may end while it waits to receive or to be woken. It
    counts as any other task while it works, sleeps, or is blocked on a lock.
    """

    name: str
    index: int
    coro: Coroutine[Any, Any, object]
    daemon: bool = False
    kind: Kind = Kind.START
    target: object = None
    label: str = "start"
    ready: Callable[[], bool] | None = None
    enabled: bool = True
    finished: bool = False
    result: object = None
    spinning: list[Any] = attrs.Factory(list)
    held: list[Any] = attrs.Factory(list)
    pending: list[Task] = attrs.Factory(list)
    carrier: Any = None

    @property
    def operation(self) -> Operation:
        """The declared operation, as a value."""
        return Operation(self.kind, name_of(self.target), self.label)

    @property
    def idle(self) -> bool:
        """Whether it waits for work that need not come."""
        return self.daemon and self.kind in IDLE_KINDS

    def holders(self) -> tuple[Task, ...]:
        """Who lets a joiner go on: the task itself."""
        return (self,)
