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

from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import TYPE_CHECKING, Final, Self

import attrs

from swaptrio.sched.errors import ModelError, Violation
from swaptrio.sched.execution import Execution, _current, current, running_task
from swaptrio.sched.operation import LOCK, UNLOCK, WAIT, WAKE, Access, Deed, Kind
from swaptrio.sched.points import might_sleep, point, point_when
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from types import TracebackType


@coroutine
def _nothing() -> Generator[None, None, None]:
    """What there is to wait for where everything is done."""
    return
    yield


#: It has ended. Unlike a coroutine it can be awaited all the same, and then ends at once.
_READY: Final = _nothing()
next(_READY, None)


def _report(target: object, access: Access) -> None:
    """Tell whoever listens what this step does to *target*, beside its declared operation."""
    execution = _current.get(None)
    if execution is not None and execution.touched is not None:
        execution.touched.append((target, access))


@attrs.define(eq=False)
class _Lock:
    """What both kinds of lock share.

    *on_acquire* and *on_release* are called by the task that has just taken the lock, or is
    about to give it back.
    """

    name: str
    owner: Task | None = None
    pending: list[Task] = attrs.Factory(list)
    on_acquire: Callable[[], None] | None = None
    on_release: Callable[[], None] | None = None
    _since: tuple[int, int] = (-1, 0)

    def holders(self) -> tuple[Task, ...]:
        """The owner, if any."""
        return () if self.owner is None else (self.owner,)

    def locked(self) -> bool:
        """Whether somebody holds the lock."""
        _report(self, Access.READ)
        return self.owner is not None

    def owned(self) -> bool:
        """Whether the running task holds the lock."""
        execution = _current.get()
        return self.owner is not None and self.owner is execution.running

    def opens(self) -> tuple[Kind, ...]:
        """The kinds of operation that somebody who comes now need not wait for."""
        return (Kind.LOCK,) if self.owner is None else ()

    def _free(self) -> bool:
        return self.owner is None

    def _taker(self, label: str) -> Task:
        """The running task, which is about to wait for the lock and does not hold it."""
        task = running_task()
        if self.owner is task:
            raise Violation("I-SPIN", f"{task.name} takes {self.name} at {label} and holds it")
        return task

    def _take(self, execution: Execution, task: Task) -> None:
        if execution.verdict is not None:
            return
        if execution.touched is not None:
            self._since = execution.step, len(execution.touched)
            execution.touched.append((self, Access.WRITE))
        self.owner = task
        task.held.append(self)
        if self.pending:
            execution.refresh(self)
        if self.on_acquire is not None:
            self.on_acquire()

    def _report_release(self, step: int, touched: list[tuple[object, Access]]) -> None:
        """Tell of the release, or of the whole section where that is one step.

        Such a section has only found the lock free. Two that have changed something count as
        dependent all the same, for whoever looks at what the lock protects when it is released.
        """
        since, first = self._since
        if since != step or first >= len(touched):  # or who listens keeps nothing
            touched.append((self, Access.WRITE))
            return
        touched[first] = self, Access.READ
        if any(access is not Access.READ for _, access in touched[first:]):
            touched.append((f"{self.name} sections", Access.WRITE))

    def _drop(self, *, tell: bool = True) -> None:
        execution = _current.get()
        if execution.verdict is not None:
            return
        task = execution.running or execution.me()
        if self.owner is not task:
            held = "nobody" if self.owner is None else self.owner.name
            raise Violation("I-SPIN", f"{task.name} releases {self.name}, held by {held}")
        if execution.touched is not None:
            self._report_release(execution.step, execution.touched)
        if tell and self.on_release is not None:
            self.on_release()
        self.owner = None
        task.held.remove(self)
        if self.pending:
            execution.refresh(self)


@attrs.define(eq=False)
class SpinLock(_Lock):
    """A lock under which nobody may sleep.

    ``async with lock.hold("function.step"):`` takes it at that label and releases it at the end
    of the block. A block that an exception leaves releases it too, except where that exception
    ends the execution; after a failed assertion without calling *on_release*, which would look
    at a job half done.

    Raises:
        Violation: (I-SPIN) on recursion, on release by another task, on sleeping while held,
            on a task that ends with it.
    """

    _label: str = ""

    def hold(self, label: str) -> Self:
        """The block that holds the lock, taken at *label*.

        It is the lock itself, which keeps the label for the moment until the block begins.
        """
        self._label = label
        return self

    def __aenter__(self) -> Awaitable[None]:
        return self.acquire(self._label)

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Awaitable[None]:
        if value is None or isinstance(value, Exception):
            self._give_back(tell=not isinstance(value, AssertionError))
        return _READY

    async def acquire(self, label: str) -> None:
        """Take the lock, when it is free."""
        task = self._taker(label)
        await point_when(label, LOCK, self, self._free)
        self._take(_current.get(), task)
        task.spinning.append(self)

    def try_acquire(self) -> bool:
        """Take the lock if it is free, within the current step; whether it was.

        To let others come in before, the caller has a `point` of kind TRYLOCK.
        """
        if self.owner is not None:
            _report(self, Access.READ)
            return False
        execution = _current.get()
        task = execution.me()
        self._take(execution, task)
        task.spinning.append(self)
        return True

    def release(self) -> None:
        """Give the lock back, within the current step."""
        self._give_back(tell=True)

    def _give_back(self, *, tell: bool) -> None:
        owner = self.owner
        self._drop(tell=tell)
        if owner is not None and self.owner is None:
            owner.spinning.remove(self)


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
        task = self._taker(label)
        await point_when(label, LOCK, self, self._free)
        self._take(_current.get(), task)

    async def try_acquire(self, label: str) -> bool:
        """Take the lock if it is free; whether it was."""
        await point(label, Kind.TRYLOCK, self)
        return self.take_free()

    def take_free(self) -> bool:
        """Take the lock if it is free, within the current step; whether it was."""
        if self.owner is not None:
            _report(self, Access.READ)
            return False
        execution = _current.get()
        self._take(execution, execution.me())
        return True

    def hand_to(self, task: Task) -> None:
        """Pass the held lock on to *task*, which will release it (a page lock during I/O).

        Raises:
            Violation: (I-SPIN) the running task does not hold it, or *task* has ended.
        """
        execution = _current.get()
        if execution.verdict is not None:
            return
        giver = execution.me()
        if self.owner is not giver:
            raise Violation("I-SPIN", f"{giver.name} passes on {self.name}, not held")
        if task.finished:
            message = f"{giver.name} passes {self.name} on to {task.name}, which has ended"
            raise Violation("I-SPIN", message)
        _report(self, Access.WRITE)
        giver.held.remove(self)
        self.owner = task
        task.held.append(self)

    async def release(self, label: str) -> None:
        """Give the lock back."""
        await point(label, UNLOCK, self)
        self._drop()


@attrs.define(eq=False)
class WaitQueue:
    """Tasks that wait to be woken, or for a condition.

    `wait` is the bare one: a wake-up that comes before it is lost. `wait_for` looks at its
    condition first and again after each wake-up, and so loses none; but somebody has to wake.

    A deadlock in which a task waits here tells a lost wake-up from others: see `lost`.
    """

    name: str
    pending: list[Task] = attrs.Factory(list)
    _tickets: list[_Ticket] = attrs.Factory(list)
    _last: Deed | None = None
    _unheard: Deed | None = None

    def holders(self) -> tuple[Task, ...]:
        """Nobody can be named."""
        return ()

    def lost(self, task: Task) -> str:
        """What wake-up *task*, which waits here for ever, has missed; empty for none.

        A condition that holds by now, and nobody has woken the task since: the last wake-up, if
        there was one, came too early. Or a wake-up that found nobody, before a bare `wait`
        began. Where that has told what it waits for, this has to have held already.
        """
        where = f"{task.name} waits at {task.label} for {self.name}"
        for ticket in self._tickets:
            if ticket.task is task and ticket.missed:
                return f"{where} and has slept through {_wakeup(ticket.unheard)}"
        if task.ready is None or not task.ready():
            return ""
        if self._last is None:
            return f"{where}; its condition holds, and nobody has woken it"
        return f"{where}; its condition holds, and did not yet at {_wakeup(self._last)}"

    async def wait(self, label: str, condition: Callable[[], bool] | None = None) -> None:
        """Wait for a wake-up that comes from now on. May sleep.

        The caller is in the queue at once, within its current step. What others can do between
        a check and this call, they do at a `point` between the two.

        Args:
            label: a stable name for this place.
            condition: what the caller waits for, to tell a wake-up that it has missed from one
                that was for others. It is looked at once, now, and decides nothing.

        Raises:
            Violation: the caller holds a spinlock (I-SPIN).
        """
        might_sleep(label)
        _report(self, Access.WRITE)
        missed = self._unheard is not None if condition is None else condition()
        ticket = _Ticket(running_task(), missed, self._unheard)
        self._tickets.append(ticket)
        await point_when(label, WAIT, self, lambda: ticket.woken)

    async def wait_for(self, label: str, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds; it is looked at whenever somebody wakes. May sleep.

        Every wake-up is for all who wait for a condition, so `wake_one` passes over them. Who
        was woken and finds the condition false again, for another was first, waits on; so when
        the caller goes on the condition holds.

        Raises:
            Violation: the caller holds a spinlock (I-SPIN).
        """
        might_sleep(label)
        _report(self, Access.READ)
        await point_when(label, WAIT, self, condition)
        while not condition() and current().verdict is None:
            await point_when(label, WAIT, self, condition)

    async def wake_one(self, label: str) -> None:
        """Wake the task that has waited longest in `wait`, if there is one."""
        await point(label, WAKE, self)
        self._wake(1)

    async def wake_all(self, label: str) -> None:
        """Wake everybody who waits when this step is performed."""
        await point(label, WAKE, self)
        self._wake(len(self._tickets))

    def _wake(self, count: int) -> None:
        execution = _current.get()
        waker = execution.running
        if waker is not None:
            self._last = Deed(waker.name, waker.label, execution.step)
        self._unheard = None if self._tickets else self._last
        for ticket in self._tickets[:count]:
            ticket.woken = True
        del self._tickets[:count]
        execution.refresh(self)


def _wakeup(deed: Deed | None) -> str:
    """A wake-up in words; where nobody knows of one, somebody else has noticed it."""
    return f"the wake-up of {deed}" if deed else "what made its condition hold"


@attrs.define(eq=False)
class _Ticket:
    """The place of *task* in a queue.

    *missed* says that it came too late, *unheard* is the wake-up that was too early for it.
    """

    task: Task
    missed: bool = False
    unheard: Deed | None = None
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
        """Wait until it has happened; returns its value. May sleep.

        Raises:
            Violation: the caller holds a spinlock (I-SPIN).
        """
        might_sleep(label)
        await point_when(label, WAIT, self, lambda: self.done)
        return self.value

    async def complete(self, label: str, value: object = None) -> None:
        """Let it happen, with *value*.

        Raises:
            ModelError: it has happened already.
        """
        await point(label, WAKE, self)
        if self.done:
            msg = f"{self.name} is completed twice"
            raise ModelError(msg)
        self.done, self.value = True, value
        _current.get().refresh(self)
