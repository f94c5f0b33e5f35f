# SPDX-License-Identifier: MIT OR Apache-2.0
"""A lock that many may hold to read, or one to write.

Whoever waits goes on when it can have the lock; nobody is preferred, so a writer can starve.
That is one of the schedules to explore, and a fair queue would hide the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.errors import Violation
from swaptrio.sched.execution import _current, running_task
from swaptrio.sched.operation import LOCK, UNLOCK, Access
from swaptrio.sched.points import might_sleep, point, point_when
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class RwSem:
    """A semaphore for readers and writers; its holders may sleep.

    Raises:
        Violation: (I-SPIN) when taken under a spinlock, taken twice by one task, released by
            one that does not hold it, or kept at the end of the task.

    *on_acquire* is called by the task that has just taken it.
    """

    name: str
    readers: list[Task] = attrs.Factory(list)
    writer: Task | None = None
    pending: list[Task] = attrs.Factory(list)
    on_acquire: Callable[[], None] | None = None

    def holders(self) -> tuple[Task, ...]:
        """The writer, or the readers."""
        return tuple(self.readers) if self.writer is None else (self.writer,)

    def owned(self) -> bool:
        """Whether the running task holds it, to read or to write."""
        return running_task() in self.holders()

    async def acquire_read(self, label: str) -> None:
        """Take it to read, when nobody writes. May sleep."""
        task = self._taker(label)
        await point_when(label, LOCK, self, lambda: self.writer is None)
        execution = _current.get()
        if execution.verdict is None:
            self.readers.append(task)
            self._taken(execution, task)

    async def acquire_write(self, label: str) -> None:
        """Take it to write, when nobody has it. May sleep."""
        task = self._taker(label)
        await point_when(label, LOCK, self, lambda: not self.holders())
        execution = _current.get()
        if execution.verdict is None:
            self.writer = task
            self._taken(execution, task)

    async def release(self, label: str) -> None:
        """Give back what the running task holds."""
        await point(label, UNLOCK, self)
        execution = _current.get()
        if execution.verdict is not None:
            return
        task = execution.me()
        if self.writer is task:
            self.writer = None
        elif task in self.readers:
            self.readers.remove(task)
        else:
            raise Violation("I-SPIN", f"{task.name} releases {self.name} and does not hold it")
        task.held.remove(self)
        self._changed(execution)

    def _taker(self, label: str) -> Task:
        """The running task, which does not hold it."""
        might_sleep(label)
        task = running_task()
        if task in self.holders():
            raise Violation("I-SPIN", f"{task.name} takes {self.name} at {label} and holds it")
        return task

    def _taken(self, execution: Execution, task: Task) -> None:
        task.held.append(self)
        self._changed(execution)
        if self.on_acquire is not None:
            self.on_acquire()

    def _changed(self, execution: Execution) -> None:
        if execution.touched is not None:
            execution.touched.append((self, Access.WRITE))
        if self.pending:
            execution.refresh(self)
