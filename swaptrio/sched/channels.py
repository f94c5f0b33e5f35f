# SPDX-License-Identifier: MIT OR Apache-2.0
"""Channels with Trio's interfaces, on scheduling points.

``send, receive = open_channel("bios", capacity=16)`` gives a `trio.abc.SendChannel` and a
`trio.abc.ReceiveChannel`. Sending waits while the buffer is full, receiving while it is empty;
a closed channel raises what Trio's memory channels raise. The labels of the points are the
channel's name with ``.send``, ``.receive`` or ``.close`` behind it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs
import trio

from swaptrio.sched.execution import _current
from swaptrio.sched.operation import RECEIVE, SEND, Access, Deed, Kind
from swaptrio.sched.points import might_sleep, point, point_when
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from types import TracebackType

    from swaptrio.sched.execution import Execution

T = TypeVar("T")


@attrs.define(eq=False)
class _Buffer(Generic[T]):
    """What both ends share.

    *expecting* are the tasks that have seen a message here and not received any since, with who
    has taken the last one from them.
    """

    name: str
    capacity: float
    values: deque[T] = attrs.Factory(deque)
    sender_closed: bool = False
    receiver_closed: bool = False
    pending: list[Task] = attrs.Factory(list)
    expecting: dict[str, Deed | None] = attrs.Factory(dict)

    def holders(self) -> tuple[Task, ...]:
        return ()

    def lost(self, task: Task) -> str:
        """Which message *task* waits for in vain, as it has seen one; empty for none."""
        taken = self.expecting.get(task.name)
        if taken is None or task.kind is not Kind.RECEIVE:
            return ""
        where = f"{task.name} waits at {task.label} for {self.name}"
        return f"{where}, and what it has seen there was taken by {taken}"

    def seen(self, task: Task) -> None:
        """*task* knows now whether there is a message."""
        if self.values:
            self.expecting[task.name] = None
        else:
            self.expecting.pop(task.name, None)

    def taken(self, execution: Execution) -> None:
        """The running task has received a message; who has seen one may find none."""
        task = execution.me()
        self.expecting.pop(task.name, None)
        if self.expecting and not self.values:
            deed = Deed(task.name, task.label, execution.step)
            self.expecting.update((name, seen or deed) for name, seen in self.expecting.items())

    def can_send(self) -> bool:
        return len(self.values) < self.capacity or self.sender_closed or self.receiver_closed

    def can_receive(self) -> bool:
        return bool(self.values) or self.sender_closed or self.receiver_closed

    def opens(self) -> tuple[Kind, ...]:
        """The kinds of operation that somebody who comes now need not wait for."""
        send = (Kind.SEND,) if self.can_send() else ()
        return (*send, Kind.RECEIVE) if self.can_receive() else send

    def changed(self) -> None:
        if self.pending:
            _current.get().refresh(self)

    def report(self, access: Access) -> None:
        """Tell whoever listens what this step does, beside its declared operation."""
        execution = _current.get(None)
        if execution is not None and execution.touched is not None:
            execution.touched.append((self, access))


class _End:
    """What both ends share: a block that a verdict leaves takes no more decisions."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if value is None or isinstance(value, Exception):
            await self.aclose()

    async def aclose(self) -> None:
        raise NotImplementedError


@attrs.frozen(eq=False, slots=False)  # the interfaces are plain classes, with a __dict__ anyhow
class SendChannel(_End, trio.abc.SendChannel[T]):
    """The sending end; made by `open_channel`."""

    _buffer: _Buffer[T]
    _label: str

    async def send(self, value: T) -> None:
        """Send *value*, when the buffer has room. May sleep.

        Raises:
            trio.ClosedResourceError: this end is closed.
            trio.BrokenResourceError: the other end is closed.
            Violation: the caller holds a spinlock (I-SPIN).
        """
        might_sleep(self._label)
        await point_when(self._label, SEND, self._buffer, self._buffer.can_send)
        if self._buffer.sender_closed:
            raise trio.ClosedResourceError
        if self._buffer.receiver_closed:
            raise trio.BrokenResourceError
        self._buffer.values.append(value)
        self._buffer.changed()

    def send_nowait(self, value: T) -> None:
        """Send *value* within the current step; allowed under a spinlock.

        Raises:
            trio.WouldBlock: the buffer is full.
            trio.ClosedResourceError: this end is closed.
            trio.BrokenResourceError: the other end is closed.
        """
        self._buffer.report(Access.WRITE)
        if self._buffer.sender_closed:
            raise trio.ClosedResourceError
        if self._buffer.receiver_closed:
            raise trio.BrokenResourceError
        if len(self._buffer.values) >= self._buffer.capacity:
            raise trio.WouldBlock
        self._buffer.values.append(value)
        self._buffer.changed()

    async def aclose(self) -> None:
        """Close this end; what is in the buffer can still be received."""
        await point(f"{self._buffer.name}.close", Kind.CLOSE, self._buffer)
        self._buffer.sender_closed = True
        self._buffer.changed()


@attrs.frozen(eq=False, slots=False)  # as above
class ReceiveChannel(_End, trio.abc.ReceiveChannel[T]):
    """The receiving end; made by `open_channel`."""

    _buffer: _Buffer[T]
    _label: str

    async def receive(self) -> T:
        """The oldest value, when there is one. May sleep.

        Raises:
            trio.ClosedResourceError: this end is closed.
            trio.EndOfChannel: the other end is closed and the buffer is empty.
            Violation: the caller holds a spinlock (I-SPIN).
        """
        might_sleep(self._label)
        await point_when(self._label, RECEIVE, self._buffer, self._buffer.can_receive)
        if self._buffer.receiver_closed:
            raise trio.ClosedResourceError
        if not self._buffer.values:
            raise trio.EndOfChannel
        value = self._buffer.values.popleft()
        if self._buffer.expecting:
            self._buffer.taken(_current.get())
        self._buffer.changed()
        return value

    def waiting(self) -> int:
        """How many values could be received now, without looking at any.

        By then another task may have received them: a deadlock of who waits for what it has
        seen here is a lost wake-up.
        """
        self._buffer.report(Access.READ)
        execution = _current.get(None)
        if execution is not None and execution.running is not None:
            self._buffer.seen(execution.running)
        return len(self._buffer.values)

    async def aclose(self) -> None:
        """Close this end; senders are told."""
        await point(f"{self._buffer.name}.close", Kind.CLOSE, self._buffer)
        self._buffer.receiver_closed = True
        self._buffer.values.clear()
        self._buffer.changed()


def open_channel(name: str, capacity: float) -> tuple[SendChannel[T], ReceiveChannel[T]]:
    """A channel called *name* whose buffer holds *capacity* values (1 or more, or math.inf).

    Raises:
        TypeError: the capacity is neither an int nor math.inf.
        ValueError: it is below 1; a rendezvous would need two tasks to run at once.
    """
    if not isinstance(capacity, int) and capacity != math.inf:
        msg = f"channel {name}: capacity must be an int or math.inf: {capacity!r}"
        raise TypeError(msg)
    if capacity < 1:
        msg = f"channel {name}: capacity must be 1 or more: {capacity}"
        raise ValueError(msg)
    buffer: _Buffer[T] = _Buffer(name, capacity)
    return SendChannel(buffer, f"{name}.send"), ReceiveChannel(buffer, f"{name}.receive")
