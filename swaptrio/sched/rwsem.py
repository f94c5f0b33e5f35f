# SPDX-License-Identifier: MIT OR Apache-2.0
"""A lock that many may hold to read, or one to write.

Whoever waits goes on when it can have the lock; nobody is preferred, so a writer can starve.
That is one of the schedules to explore, and a fair queue would hide the others.

What readers do commutes, as none of them can tell how many others there are. So a semaphore
reports to be two objects. A reader waits for itself to be free of writers and only reads it; it
adds itself to those who read, and takes itself from them. A writer writes both, and waits for
those who read: only to him does it matter when one comes or goes. As long as no writer has ever
waited those are additions like any other (see `exhaustive.event`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.errors import Violation
from swaptrio.sched.execution import _current, running_task
from swaptrio.sched.operation import LOCK, UNLOCK, Access, Kind
from swaptrio.sched.points import might_sleep, point, point_when
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


#: Holders have no order of their own.
_INDEX: Final = attrgetter("index")


@attrs.define(eq=False)
class _Reading:
    """Those who hold *sem* to read, as what a writer waits for."""

    name: str
    sem: RwSem

    def opens(self) -> tuple[Kind, ...]:
        """The kinds of operation that a writer who comes now need not wait for."""
        return () if self.sem.holders() else (LOCK,)


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
    _to_write: list[Task] = attrs.Factory(list)
    _reading: _Reading = attrs.Factory(
        lambda self: _Reading(f"{self.name} readers", self), takes_self=True
    )

    def holders(self) -> tuple[Task, ...]:
        """The writer, or the readers."""
        return tuple(self.readers) if self.writer is None else (self.writer,)

    def opens(self) -> tuple[Kind, ...]:
        """The kinds of operation that a reader who comes now need not wait for."""
        return (LOCK,) if self.writer is None else ()

    def wanted_by(self, task: Task) -> object:
        """What *task*, which waits for the semaphore, needs to change."""
        return self._reading if task in self._to_write else self

    def owned(self) -> bool:
        """Whether the running task holds it, to read or to write."""
        return running_task() in self.holders()

    async def acquire_read(self, label: str) -> None:
        """Take it to read, when nobody writes. May sleep."""
        task = self._taker(label)
        await point_when(label, LOCK, self, lambda: self.writer is None)
        execution = _current.get()
        if execution.verdict is None:
            insort(self.readers, task, key=_INDEX)
            self._taken(execution, task, Access.READ)

    async def acquire_write(self, label: str) -> None:
        """Take it to write, when nobody has it. May sleep."""
        task = self._taker(label)
        self._to_write.append(task)
        await point_when(label, LOCK, self, lambda: not self.holders())
        execution = _current.get()
        if execution.verdict is None:
            self._to_write.remove(task)
            self.writer = task
            self._taken(execution, task, Access.WRITE)

    async def release(self, label: str) -> None:
        """Give back what the running task holds."""
        await point(label, UNLOCK, self)
        execution = _current.get()
        if execution.verdict is not None:
            return
        task, access = execution.me(), Access.READ
        if self.writer is task:
            self.writer, access = None, Access.WRITE
        elif task in self.readers:
            self.readers.remove(task)
        else:
            raise Violation("I-SPIN", f"{task.name} releases {self.name} and does not hold it")
        task.held.remove(self)
        self._changed(execution, access)

    def _taker(self, label: str) -> Task:
        """The running task, which does not hold it."""
        might_sleep(label)
        task = running_task()
        if task in self.holders():
            raise Violation("I-SPIN", f"{task.name} takes {self.name} at {label} and holds it")
        return task

    def _taken(self, execution: Execution, task: Task, access: Access) -> None:
        task.held.append(self)
        self._changed(execution, access)
        if self.on_acquire is not None:
            self.on_acquire()

    def _changed(self, execution: Execution, access: Access) -> None:
        if execution.touched is not None:
            members = Access.ADD if access is Access.READ else access
            execution.touched += [(self, access), (self._reading, members)]
        if self.pending:
            execution.refresh(self)
