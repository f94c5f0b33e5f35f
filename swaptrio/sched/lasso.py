# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recognise a state that comes back: a livelock that no step budget has to wait for.

If a state comes back, the same decisions for ever give an endless execution. It is a livelock
only if it is fair: every task that could run at some moment in between, the earliest sleeper
among them, has run, and no data was drawn, since an allocation need not fail for ever.

If some task that is neither done nor idle could not run at any moment in between, the others
starve it: they go round, and it waits for ever. The steps in between are the cycle to show.

A verdict must never accuse a program that makes progress, so a state is all that its future can
depend on:

* of the program, its own fingerprint. That has to tell whatever is neither a local variable nor
  known to the scheduler: attributes of objects, what a channel holds, which completion is done.
* of each task, its declared operation, its place among those who wait for the same object, the
  locks it holds, and what its frames refer to: the local variables, and the unnamed values of
  an expression or a ``for`` loop in progress. Python shows those of suspended frames only,
  which is why the carrier parks the running task while the watch is on.
* of the clock, how far the sleepers' deadlines lie ahead; and the time itself, once some task
  has read it.

Containers are compared by what they hold and by which of them are the same one. Other objects
are told apart by the order in which the watch first met them: no address takes part, and they
are kept, so none is mistaken for a later one in its place. An iterator that cannot be looked
into, such as a generator, is never the same twice; the step budget then has the last word.

Brent's way keeps one old state only: the one at the last power of two. The watch begins after
`QUIET` steps, so ordinary executions never pay for it.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Hashable
from enum import Enum
from types import CellType, CodeType, FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task

#: Steps without any watch.
QUIET: Final = 256

_PLAIN: Final = (int, str, bytes, float, complex, range, type(None), CodeType)

#: Iterators whose ``__reduce__`` shows their position and leaves it alone.
_SHOWN: Final[tuple[object, ...]] = (
    iter([]),
    reversed([]),
    iter(()),
    iter(range(0)),
    iter(""),
    iter(b""),
    iter({}),
    iter({}.values()),
    iter({}.items()),
    enumerate(()),
    zip(),
)
_OPEN: Final = tuple(type(iterator) for iterator in _SHOWN)

#: Modules whose frames hold nothing but what the declared operation tells.
_OURS: Final = frozenset(
    {"swaptrio.sched.points", "swaptrio.sched.locks", "swaptrio.sched.rwsem"}
)


@attrs.define(eq=False)
class Lasso:
    """The watch over one execution; *drawn* is set by whoever draws data.

    *start* is the step of the state that is kept, *way* the steps since then.
    """

    start: int = 0
    drawn: bool = False
    way: list[str] = attrs.Factory(list)
    _state: Hashable = None
    _next: int = QUIET
    _ran: set[int] = attrs.Factory(set)
    _could: set[int] = attrs.Factory(set)
    _seen: dict[int, tuple[int, object]] = attrs.Factory(dict)

    def closes(self, execution: Execution, fingerprint: Callable[[], Hashable]) -> bool:
        """Whether this state was there before, with a fair way in between."""
        state = self._look(execution, fingerprint())
        if execution.step >= self._next:
            self.start, self._state, self._next = execution.step, state, 2 * execution.step
            self._ran, self._could, self.drawn = set(), set(), False
            self.way = []
        elif not self.drawn and state == self._state and self._could <= self._ran:
            return True
        assert execution.running is not None
        self.way.append(f"{execution.running.name} {execution.running.label}")
        self._ran.add(execution.running.index)
        self._could.update(execution.enabled)
        if execution.sleepers:
            self._could.add(execution.sleepers[0][2].index)
        return False

    def starved(self, execution: Execution) -> tuple[Task, ...]:
        """Who has waited all the way, once the state is back."""
        return tuple(
            task
            for task in execution.tasks
            if not task.finished and not task.idle and task.index not in self._could
        )

    def _look(self, execution: Execution, shared: Hashable) -> Hashable:
        assert execution.running is not None
        view = _View(self._seen)
        return (
            execution.running.index,
            shared,
            execution.now if execution.time_read else None,
            tuple((time - execution.now, index) for time, index, _ in execution.sleepers),
            tuple(view.task(task) for task in execution.tasks),
        )


@attrs.define(eq=False)
class _View:
    """One look at all frames.

    *seen* numbers the opaque objects of all looks, *_shown* what was taken apart in this one;
    both keep the objects, since the address of one that is gone may be given to another.
    """

    seen: dict[int, tuple[int, object]]
    _shown: dict[int, tuple[int, object]] = attrs.Factory(dict)

    def task(self, task: Task) -> Hashable:
        if task.finished:
            return None
        waiting = getattr(task.target, "pending", ())
        return (
            task.kind.value,
            task.label,
            self._number(task.target),
            task.enabled,
            waiting.index(task) if task in waiting else None,
            tuple(self._number(lock) for lock in task.held),
            self._frames(task.coro),
        )

    def _frames(self, awaited: Any) -> Hashable:
        frames = []
        while awaited is not None:
            inner = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
            frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
            if not isinstance(frame, FrameType):
                frames.append(self._once())
            elif frame.f_globals.get("__name__") not in _OURS:
                frames.append((frame.f_lasti, self._names(frame), self._refers(awaited, inner)))
            awaited = inner
        return tuple(frames)

    def _names(self, frame: FrameType) -> Hashable:
        return tuple((name, self.value(value)) for name, value in frame.f_locals.items())

    def _refers(self, awaited: object, inner: object) -> Hashable:
        """What the frame of *awaited* refers to, the values without a name among it."""
        mapping = _mapping(awaited)
        return tuple(
            self.value(value)
            for value in gc.get_referents(awaited)
            if value is not inner and value is not mapping and not isinstance(value, FrameType)
        )

    def value(self, value: object) -> Hashable:
        """*value* as something that compares equal while its future is the same."""
        if isinstance(value, _PLAIN) and not isinstance(value, Enum):
            return (type(value).__name__, value)
        if isinstance(value, tuple):
            return ("tuple", tuple(self.value(part) for part in value))
        if isinstance(value, frozenset):
            return ("frozenset", frozenset(self.value(part) for part in value))
        return self._structure(value)

    def _structure(self, value: object) -> Hashable:
        if id(value) in self._shown:
            return ("again", self._shown[id(value)][0])
        parts = self._parts(value)
        if parts is None:
            return self._number(value)
        self._shown[id(value)] = (len(self._shown), value)
        return (type(value).__name__, parts())

    def _parts(self, value: Any) -> Callable[[], Hashable] | None:
        """How to take *value* apart, if it can be."""
        match value:
            case list() | deque() | bytearray():
                return lambda: tuple(self.value(part) for part in value)
            case dict():
                return lambda: tuple((self.value(k), self.value(v)) for k, v in value.items())
            case set():
                return lambda: frozenset(self.value(part) for part in value)
            case CellType():
                return lambda: self._cell(value)
            case MethodType():
                return lambda: (self.value(value.__self__), self.value(value.__func__))
            case FunctionType():
                inside = (value.__closure__, value.__defaults__, value.__kwdefaults__)
                return lambda: (value.__code__, self.value(inside))
        if isinstance(value, _OPEN):
            return lambda: self.value(value.__reduce__())
        if hasattr(type(value), "__next__"):
            return self._once
        return None

    def _cell(self, cell: CellType) -> Hashable:
        try:
            return self.value(cell.cell_contents)
        except ValueError:  # still empty
            return None

    def _number(self, value: object) -> Hashable:
        number, _ = self.seen.setdefault(id(value), (len(self.seen), value))
        return ("object", number)

    def _once(self) -> Hashable:
        """Something that no other state has."""
        return self._number(object())


def _mapping(awaited: object) -> object:
    """The mapping that Python up to 3.12 makes of a frame's variables when somebody asks."""
    frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
    return frame.f_locals if isinstance(frame, FrameType) else None
