# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recognise a state that comes back: a livelock that no step budget has to wait for.

A state is the program's shared state (its own fingerprint) and, of every task, the operation it
has declared and its local variables, frame by frame. If a state comes back, and every task that
could run all the while has run in between, the same decisions for ever give an endless, fair
execution: nobody is starved, and yet nothing ends.

Brent's way keeps one old state only: the one at the last power of two. The watch begins after
`QUIET` steps, so ordinary executions never pay for it.

Objects among the local variables are told apart by the order in which the watch first met them;
no address takes part, and they are kept, so none is mistaken for a later one in its place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution, Task

#: Steps without any watch.
QUIET: Final = 256

_PLAIN: Final = (int, str, bytes, float, type(None))


@attrs.define(eq=False)
class Lasso:
    """The watch over one execution."""

    start: int = 0
    _state: Hashable = None
    _next: int = QUIET
    _ran: set[int] = attrs.Factory(set)
    _always: set[int] = attrs.Factory(set)
    _seen: dict[int, tuple[int, object]] = attrs.Factory(dict)

    def closes(
        self,
        execution: Execution,
        fingerprint: Callable[[], Hashable],
        declaring: Task | None,
        chosen: Task,
    ) -> bool:
        """Whether this state was there before, with a fair way in between.

        *declaring* is the task that executes right now, none where it has just ended; *chosen*
        the one that goes on.
        """
        if execution.step < QUIET:
            return False
        positions = tuple(self._position(task, declaring) for task in execution.tasks)
        state = (chosen.index, fingerprint(), positions)
        if execution.step >= self._next:
            self.start, self._state = execution.step, state
            self._next = 2 * execution.step
            self._ran = {chosen.index}
            self._always = set(execution.enabled)
            return False
        closed = state == self._state and self._always <= self._ran
        self._ran.add(chosen.index)
        self._always.intersection_update(execution.enabled)
        return closed

    def _position(self, task: Task, declaring: Task | None) -> Hashable:
        if task.finished:
            return None
        frames = _executing(task) if task is declaring else _suspended(task)
        return (
            task.label,
            task.enabled,
            tuple(
                (frame.f_code.co_name, frame.f_lasti, self._locals(frame)) for frame in frames
            ),
        )

    def _locals(self, frame: FrameType) -> Hashable:
        return tuple((name, self._value(value)) for name, value in frame.f_locals.items())

    def _value(self, value: object) -> Hashable:
        if isinstance(value, _PLAIN):
            return (type(value).__name__, value)
        if isinstance(value, tuple | list):
            return tuple(self._value(part) for part in value)
        if isinstance(value, dict):
            return tuple((self._value(key), self._value(part)) for key, part in value.items())
        number, _ = self._seen.setdefault(id(value), (len(self._seen), value))
        return ("object", number)


def _suspended(task: Task) -> list[FrameType]:
    """The frames of a parked task, outermost first."""
    frames = []
    awaited: Any = task.coro
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if isinstance(frame, FrameType):
            frames.append(frame)
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return frames


def _executing(task: Task) -> list[FrameType]:
    """The model's frames of the task that executes now, innermost first.

    The scheduler's own frames on top are left out: where they stand differs by nothing.
    """
    outermost = getattr(task.coro, "cr_frame", None)
    frames = []
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__package__") != __package__:
            frames.append(frame)
        if frame is outermost:
            return frames
        frame = frame.f_back
    return []
