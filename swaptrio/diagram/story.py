# SPDX-License-Identifier: MIT OR Apache-2.0
"""Questions about the order of a trace, each answered from one pass over it."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.diagram.cast import cast_of, daemons_of
from swaptrio.diagram.frames import ROOTS
from swaptrio.sched import Kind
from swaptrio.trace.events import Event, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The first option of each draw, which needs no line.
_DEFAULTS: Final = ("ok", "0")


@attrs.frozen
class Story:
    """What of a *trace* a drawing has to know beyond its single steps."""

    trace: Trace

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Who has a column."""
        return cast_of(self.trace)

    @cached_property
    def daemons(self) -> tuple[str, ...]:
        """Who only serves others."""
        return daemons_of(self.trace)

    def following(self, event: Event) -> Event | None:
        """The next step of the task of *event*."""
        steps = self._steps[event.task]
        place = bisect_right(steps, event.seq, key=_seq)
        return steps[place] if place < len(steps) else None

    def draws(self, event: Event) -> bool:
        """Whether *event* drew an option that needs a line, or some event at its label will."""
        return event.kind is Kind.CHOOSE and event.seq <= self._last_draws.get(event.label, 0)

    def client(self, event: Event) -> str:
        """For whom a daemon draws: who waits for what it wakes next; otherwise the first."""
        wake = self.following(event)
        while wake is not None and wake.kind is not Kind.WAKE:
            wake = self.following(wake)
        task = self._waiters.get(wake.object, "") if wake else ""
        return task if task in self.tasks else self.tasks[0]

    def blocked_after(self, event: Event) -> Event | None:
        """The step at which the task of *event* stands next, if others must let it go on."""
        stands = self.following(event)
        if stands is None or stands.kind is Kind.WAIT:
            return stands
        blocked = stands.kind is Kind.LOCK and self._is_held(stands.object, event)
        return stands if blocked else None

    def root(self, task: str) -> str:
        """The function that *task* came in by."""
        labels = [event.label for event in self._steps[task]]
        if "handle_mm_fault.access" in labels:
            return ROOTS[0]
        functions = [label.partition(".")[0] for label in labels]
        return next((root for root in ROOTS[1:] if root in functions), ROOTS[-1])

    @cached_property
    def roots(self) -> Mapping[str, str]:
        """The function that each task with a column came in by."""
        return {task: self.root(task) for task in self.tasks}

    @cached_property
    def _steps(self) -> Mapping[str, Sequence[Event]]:
        steps: dict[str, list[Event]] = {event.task: [] for event in self.trace.events}
        for event in self.trace.events:
            if event.kind is not Kind.CHOOSE:
                steps[event.task].append(event)
        return steps

    @cached_property
    def _last_draws(self) -> Mapping[str, int]:
        return {
            event.label: event.seq
            for event in self.trace.events
            if event.kind is Kind.CHOOSE and event.option not in _DEFAULTS
        }

    @cached_property
    def _waiters(self) -> Mapping[str, str]:
        waits = (event for event in self.trace.events if event.kind is Kind.WAIT)
        return {event.object: event.task for event in waits}

    def _is_held(self, lock: str, event: Event) -> bool:
        """Whether another task holds *lock* when *event* is over."""
        for task, steps in self._steps.items():
            place = bisect_right(steps, event.seq, key=_seq)
            if task != event.task and place and lock in steps[place - 1].held:
                return True
        return False


def _seq(event: Event) -> int:
    return event.seq
