# SPDX-License-Identifier: MIT OR Apache-2.0
"""Locks and wait queues on scheduling points.

A task waits for a lock by declaring the operation; the scheduler lets it go on only when it can
have the lock. Nothing is handed over at release and no queue is fair: who gets a free lock is a
decision like any other.

Release is part of the step that it ends: what others can do once the lock is free is decided at
the next point of the releasing task. A `Mutex` has a point before its release too, since
others look at what it protects without it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final

import attrs

from swaptrio.sched.errors import ModelError, SchedError, Violation
from swaptrio.sched.execution import Execution, Task, _current
from swaptrio.sched.operation import Kind
from swaptrio.sched.points import might_sleep, point, point_when

#: Exceptions that end an execution: a lock leaves them alone and takes no more decisions.
_FATAL: Final = (SchedError, AssertionError, GeneratorExit)


@attrs.define(eq=False)
class _Lock:
    """What both kinds of lock share."""

    name: str
    owner: Task | None = None
    pending: list[Task] = attrs.Factory(list)
    on_acquire: Callable[[], None] | None = None
    on_release: Callable[[], None] | None = None

    def holders(self) -> tuple[Task, ...]:
        """The owner, if any."""
        return () if self.owner is None else (self.owner,)

    def locked(self) -> bool:
        """Whether somebody holds the lock."""
        return self.owner is not None

    def owned(self) -> bool:
        """Whether the running task holds the lock."""
        execution = _current.get()
        return self.owner is not None and self.owner is execution.running

    def _free(self) -> bool:
        return self.owner is None

    async def _wait(self, label: str) -> Task:
        execution = _current.get()
        task = execution.me()
        if self.owner is task:
            raise Violation("I-SPIN", f"{task.name} takes {self.name} at {label} and holds it")
        await point_when(label, Kind.LOCK, self, self._free)
        return task

    def _take(self, execution: Execution, task: Task) -> None:
        self.owner = task
        task.held.append(self)
        if self.pending:
            execution.refresh(self)
        if self.on_acquire is not None:
            self.on_acquire()

    def _drop(self) -> None:
        execution = _current.get()
        if execution.verdict is not None:
            return
        task = execution.me()
        if self.owner is not task:
            held = "nobody" if self.owner is None else self.owner.name
            raise Violation("I-SPIN", f"{task.name} releases {self.name}, held by {held}")
        if self.on_release is not None:
            self.on_release()
        self.owner = None
        task.held.remove(self)
        if self.pending:
            execution.refresh(self)


@attrs.define(eq=False)
class SpinLock(_Lock):
    """A lock under which nobody may sleep.

    ``async with lock.hold("function.step"):`` takes it at that label and releases it at the end
    of the block.

    Raises:
        Violation: (I-SPIN) on recursion, on release by another task, on sleeping while held,
            on a task that ends with it.
    """

    def hold(self, label: str) -> _Hold:
        """The block that holds the lock, taken at *label*."""
        return _Hold(self, label)

    async def acquire(self, label: str) -> None:
        """Take the lock, when it is free."""
        task = await self._wait(label)
        self._take(_current.get(), task)
        task.spinning.append(self)

    def try_acquire(self) -> bool:
        """Take the lock if it is free. The caller has a `point` of kind TRYLOCK before."""
        if self.owner is not None:
            return False
        execution = _current.get()
        task = execution.me()
        self._take(execution, task)
        task.spinning.append(self)
        return True

    def release(self) -> None:
        """Give the lock back, within the current step."""
        owner = self.owner
        self._drop()
        if owner is not None and self.owner is None:
            owner.spinning.remove(self)


@attrs.frozen(eq=False)
class _Hold:
    lock: SpinLock
    label: str

    async def __aenter__(self) -> None:
        await self.lock.acquire(self.label)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(value, _FATAL):
            self.lock.release()


@attrs.define(eq=False)
class Mutex(_Lock):
    """A lock under which its owner may sleep.

    Raises:
        Violation: (I-SPIN) when taken under a spinlock or twice, released by another task, or
            kept at the end of the task.
    """

    async def acquire(self, label: str) -> None:
        """Take the lock, when it is free. May sleep."""
        might_sleep(label)
        task = await self._wait(label)
        self._take(_current.get(), task)

    async def try_acquire(self, label: str) -> bool:
        """Take the lock if it is free; whether it was."""
        await point(label, Kind.TRYLOCK, self)
        return self.take_free()

    def take_free(self) -> bool:
        """Take the lock if it is free, within the current step; whether it was."""
        if self.owner is not None:
            return False
        execution = _current.get()
        self._take(execution, execution.me())
        return True

    async def release(self, label: str) -> None:
        """Give the lock back."""
        await point(label, Kind.UNLOCK, self)
        self._drop()


@attrs.define(eq=False)
class WaitQueue:
    """Tasks that wait to be woken, or for a condition.

    `wait` is the bare one: a wake-up that comes before it is lost. `wait_for` looks at its
    condition first and again after each wake-up, and so loses none.
    """

    name: str
    pending: list[Task] = attrs.Factory(list)
    _tickets: list[_Ticket] = attrs.Factory(list)

    def holders(self) -> tuple[Task, ...]:
        """Nobody can be named."""
        return ()

    async def wait(self, label: str) -> None:
        """Wait for a wake-up that comes from now on. May sleep."""
        might_sleep(label)
        ticket = _Ticket()
        self._tickets.append(ticket)
        await point_when(label, Kind.WAIT, self, lambda: ticket.woken)

    async def wait_for(self, label: str, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds; it is looked at whenever somebody wakes. May sleep."""
        might_sleep(label)
        await point_when(label, Kind.WAIT, self, condition)

    async def wake_one(self, label: str) -> None:
        """Wake the task that has waited longest, if there is one."""
        await self._wake(label, 1)

    async def wake_all(self, label: str) -> None:
        """Wake everybody who waits now."""
        await self._wake(label, len(self._tickets))

    async def _wake(self, label: str, count: int) -> None:
        await point(label, Kind.WAKE, self)
        count = max(count, len(self._tickets)) if count > 1 else count
        for ticket in self._tickets[:count]:
            ticket.woken = True
        del self._tickets[:count]
        _current.get().refresh(self)


@attrs.define(eq=False)
class _Ticket:
    woken: bool = False


@attrs.define(eq=False)
class Completion:
    """An event that happens once, with a value for whoever waits for it."""

    name: str
    done: bool = False
    value: object = None
    pending: list[Task] = attrs.Factory(list)

    def holders(self) -> tuple[Task, ...]:
        """Nobody can be named."""
        return ()

    async def wait(self, label: str) -> object:
        """Wait until it has happened; returns its value. May sleep."""
        might_sleep(label)
        await point_when(label, Kind.WAIT, self, lambda: self.done)
        return self.value

    async def complete(self, label: str, value: object = None) -> None:
        """Let it happen, with *value*.

        Raises:
            ModelError: it has happened already.
        """
        await point(label, Kind.WAKE, self)
        if self.done:
            msg = f"{self.name} is completed twice"
            raise ModelError(msg)
        self.done, self.value = True, value
        _current.get().refresh(self)
