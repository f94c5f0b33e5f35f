# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shared variables, and how a program says what its steps touch.

A small program in ten lines::

    def program(execution):
        x, m = Shared("x", 0), Mutex("m")

        async def increment():
            await m.acquire("increment.lock")
            await x.write("increment.write", await x.read("increment.read") + 1)
            await m.release("increment.unlock")

        for name in ("a", "b"):
            execution.spawn(name, increment)
        execution.at_end.append(lambda: check(x.value == 2))

Each access is one scheduling point. `choose` draws data, `spawn` and `join` start tasks and
wait for their end, `Shared.until` waits for a value; locks and channels are those of this
package.

Whoever explores all interleavings up to equivalence has to know what each step has really
touched: a failed `Shared.cas` has only read, and a step goes on after its declared operation up
to the next point. So locks, queues, channels and shared variables report what they do, to
``Execution.touched``, a list while somebody listens and None otherwise. **A program must report
all accesses to what its tasks share.** What it shares beside the objects of this package (an
attribute, an entry of a list) it reports with `touch`; an access that nobody reports can hide
interleavings from an exhaustive search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from swaptrio.sched.execution import _current
from swaptrio.sched.operation import Access, Kind
from swaptrio.sched.points import point, point_when
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def touch(target: object, access: Access = Access.WRITE) -> None:
    """Report that the current step accesses *target*, as no declared operation says.

    Costs one look at a context variable while nobody listens. Outside of executions, and in
    set-up code before the first step, it says nothing to anybody.

    Args:
        target: the object, by its ``name``, or a name. Two of one name count as one object.
        access: what is done to it. Two of `Access.ADD` commute; nothing may look at the result.
    """
    execution = _current.get(None)
    if execution is not None and execution.touched is not None:
        execution.touched.append((target, access))


@attrs.define(eq=False)
class Shared(Generic[T]):
    """A variable that tasks share; each method is one scheduling point.

    *name* tells it from other objects of the program.
    """

    name: str
    _value: T
    pending: list[Task] = attrs.field(factory=list, init=False)

    def holders(self) -> tuple[Task, ...]:
        """Nobody can be named."""
        return ()

    @property
    def value(self) -> T:
        """The value, looked at within the current step."""
        touch(self, Access.READ)
        return self._value

    async def read(self, label: str) -> T:
        """The value."""
        await point(label, Kind.READ, self)
        return self._value

    async def write(self, label: str, value: T) -> None:
        """Set the value."""
        await point(label, Kind.WRITE, self)
        self._set(value)

    async def add(self, label: str, number: T) -> T:
        """Add *number* in one step; returns what was there before."""
        await point(label, Kind.WRITE, self)
        before = self._value
        self._set(before + number)  # type: ignore[operator]  # for values that can be added
        return before

    async def cas(self, label: str, expected: T, new: T) -> bool:
        """Set *new* in one step if *expected* is there; whether it was. If not, it reads."""
        await point(label, Kind.CAS, self)
        if self._value != expected:
            touch(self, Access.READ)
            return False
        touch(self, Access.WRITE)
        self._set(new)
        return True

    async def until(self, label: str, condition: Callable[[T], bool]) -> T:
        """Wait until *condition* holds for the value; returns it. One step, and no spinning.

        *condition* may look at nothing but the value.
        """
        await point_when(label, Kind.WAIT, self, lambda: condition(self._value))
        return self._value

    def _set(self, value: T) -> None:
        self._value = value
        if self.pending:
            _current.get().refresh(self)
