# SPDX-License-Identifier: MIT OR Apache-2.0
"""What happened before what: links between steps of different tasks, vector clocks, and holds.

Steps of one task happen one after the other. Between tasks these order, and nothing else does:

  ``lock``      who gave a lock back, before who took it next
  ``message``   who sent, before who received it (channels are first in, first out); who closed
                an empty channel, before who found it closed
  ``wake``      the last wake-up of a queue or completion, before who waited for it
  ``join``      the last step of a task, before who joined it
  ``spawn``     who spawned a task, before its first step

Reads and writes order nothing: two steps that touch the same and are not ordered are the two
sides of a race. What happens within a step and has no point of its own (``send_nowait``, a lock
tried within a step) cannot be seen in a trace, and orders nothing here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from swaptrio.sched import Kind
from swaptrio.trace.words import locks_moved

if TYPE_CHECKING:
    from swaptrio.trace.events import Event, Trace

#: The number of a step, and its task.
Source: TypeAlias = tuple[int, str]

#: For each task how many of its steps are known to have happened; tasks with none are left out.
Clock: TypeAlias = Mapping[str, int]


@attrs.frozen
class Link:
    """Step *source* happened before step *target* of another task, by *kind* through *object*.

    The kinds are those at the head of this module.
    """

    kind: str
    object: str
    source: int
    target: int


@attrs.frozen
class Hold:
    """*task* held *lock* from step *first* to the end of step *last*.

    A lock that was never given back is held to the last step of the trace, and is *open*.
    """

    lock: str
    task: str
    first: int
    last: int
    open: bool = False


def links(trace: Trace) -> tuple[Link, ...]:
    """All links of *trace*, in the order of their targets."""
    return tuple(link for link, _source, _target in linked(trace))


def linked(trace: Trace) -> Iterator[tuple[Link, str, str]]:
    """As `links`, one after the other, each with the tasks of its source and its target."""
    weaver = _Weaver({task.name: task.since for task in trace.header.tasks})
    for event in trace.events:
        for kind, thing, (source, task) in weaver.causes(event):
            if task != event.task:
                yield Link(kind, thing, source, event.seq), task, event.task
        weaver.follow(event)


def clocks(trace: Trace) -> tuple[Clock, ...]:
    """The vector clock of each event of *trace*, its own step included."""
    sources: dict[int, list[int]] = {}
    for link in links(trace):
        sources.setdefault(link.target, []).append(link.source)
    now: dict[str, dict[str, int]] = {}
    told: list[Clock] = []
    for event in trace.events:
        clock = dict(now.get(event.task, {}))
        for source in sources.get(event.seq, ()):
            for task, steps in told[source - 1].items():
                clock[task] = max(steps, clock.get(task, 0))
        clock[event.task] = clock.get(event.task, 0) + 1
        now[event.task] = clock
        told.append(clock)
    return tuple(told)


def holds(trace: Trace) -> tuple[Hold, ...]:
    """Who held which lock from when to when, in the order of the first steps."""
    return tuple(sorted(held(trace), key=lambda hold: (hold.first, hold.last)))


def held(trace: Trace) -> Iterator[Hold]:
    """As `holds`, one after the other, in the order of the last steps."""
    since: dict[tuple[str, str], int] = {}
    for event, taken, given in lock_moves(trace):
        since.update({(event.task, lock): event.seq for lock in taken})
        for lock in given:
            first = since.pop((event.task, lock), event.seq)
            yield Hold(lock, event.task, first, event.seq)
    end = len(trace.events)
    for (task, lock), first in since.items():
        yield Hold(lock, task, first, end, True)


def lock_moves(trace: Trace) -> Iterator[tuple[Event, list[str], list[str]]]:
    """Each event with the locks that it took and gave back, as `locks_moved` tells them."""
    had: dict[str, tuple[str, ...]] = {}
    for event in trace.events:
        yield event, *locks_moved(event, had.get(event.task, ()))
        had[event.task] = event.held


@attrs.define
class _Weaver:
    """What of the past may still be the cause of something."""

    spawned: Mapping[str, int]
    held: dict[str, tuple[str, ...]] = attrs.Factory(dict)
    freed: dict[str, Source] = attrs.Factory(dict)
    sent: dict[str, deque[Source]] = attrs.Factory(dict)
    closed: dict[str, Source] = attrs.Factory(dict)
    woken: dict[str, Source] = attrs.Factory(dict)
    last: dict[str, Source] = attrs.Factory(dict)
    births: dict[int, str] = attrs.Factory(dict)

    def causes(self, event: Event) -> Iterator[tuple[str, str, Source]]:
        """Kind, object and source of what led to *event*; the source may be its own task's."""
        taken, given = locks_moved(event, self.held.get(event.task, ()))
        had = self.held.get(event.task, ())
        for lock in dict.fromkeys([*taken, *(lock for lock in given if lock not in had)]):
            if lock in self.freed:
                yield "lock", lock, self.freed[lock]
        cause = self._cause(event)
        if cause is not None:
            kind, source = cause
            yield kind, event.object or event.task, source

    def _cause(self, event: Event) -> tuple[str, Source] | None:
        if event.kind is Kind.START:
            source = self.spawned.get(event.task, 0)
            parent = self.births.get(source)
            return None if parent is None else ("spawn", (source, parent))
        if event.kind is Kind.RECEIVE and self.sent.get(event.object):
            return "message", self.sent[event.object].popleft()
        where = {
            Kind.RECEIVE: ("message", self.closed),
            Kind.WAIT: ("wake", self.woken),
            Kind.JOIN: ("join", self.last),
        }
        for known, (kind, past) in where.items():
            if event.kind is known and event.object in past:
                return kind, past[event.object]
        return None

    def follow(self, event: Event) -> None:
        """Remember what *event* may lead to."""
        here = event.seq, event.task
        _, given = locks_moved(event, self.held.get(event.task, ()))
        self.freed.update(dict.fromkeys(given, here))
        self.held[event.task] = event.held
        self.last[event.task] = here
        if event.seq in self.spawned.values():
            self.births[event.seq] = event.task
        if event.kind is Kind.SEND:
            self.sent.setdefault(event.object, deque()).append(here)
        elif event.kind is Kind.CLOSE:
            self.closed[event.object] = here
        elif event.kind is Kind.WAKE:
            self.woken[event.object] = here
