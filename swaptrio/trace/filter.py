# SPDX-License-Identifier: MIT OR Apache-2.0
"""Select events of a trace: by task, label, slot, lock, what else they touch, and by time."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.errors import shown
from swaptrio.sched import Kind
from swaptrio.trace.changes import split_key
from swaptrio.trace.events import Event
from swaptrio.trace.problems import trace_error
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from swaptrio.trace.events import Trace

_NUMBERED: Final = re.compile(r".+:\d+")
_LOCKING: Final = frozenset({Kind.LOCK, Kind.UNLOCK, Kind.TRYLOCK})

#: Among so many names of a trace the nearest to a wrong one is looked for.
_NAMES: Final = 10_000


@attrs.frozen
class Selection:
    """Some *events* of a trace, in order; *left_out* is how many before them fit, too."""

    events: tuple[Event, ...]
    left_out: int = 0

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


def select(
    trace: Trace,
    *,
    tasks: Sequence[str] = (),
    labels: Sequence[str] = (),
    touching: Sequence[str] = (),
    slots: Sequence[str] = (),
    locks: Sequence[str] = (),
    first: int = 1,
    last: int | None = None,
    since: int | None = None,
    until: int | None = None,
    most: int | None = None,
) -> Selection:
    """The events of *trace* that fit everything asked for; an empty argument asks for nothing.

    Args:
        trace: where to look.
        tasks: names of tasks; an event fits if its task is one of them.
        labels: labels or parts of them, such as ``swap_cache_alloc.``; its label must
            contain one of them.
        touching: parts of names of objects, or of keys that change; one must be in one of them.
        slots: slots, such as ``swap0:17``, and no parts of them; one must be its object, or
            change.
        locks: parts of names of locks; an event fits if it takes one, gives it back or asks
            for it, or if its task holds it.
        first: the number of the first step, from 1.
        last: the number of the last step, from 1; none for the end of the trace.
        since: the virtual time from which events fit, in nanoseconds.
        until: the virtual time up to which they do.
        most: leave out all but as many, the last ones; none for no limit.

    Raises:
        TraceError: a word fits nothing in the whole trace (the nearest is named), or the range
            of steps or times is empty or lies outside of the trace.
    """
    _check_range(trace, first, last)
    _check_times(trace, since, until)
    _check_words("task", tasks, (task.name for task in trace.header.tasks), whole=True)
    _check_words("label", labels, _places(trace))
    _check_words("object or key", touching, _things(trace))
    _check_words("slot", slots, _slots(trace), whole=True)
    _check_words("lock", locks, (name for _, names in _with_locks(trace) for name in names))
    range_ = trace.events[first - 1 : last]
    if not (tasks or labels or touching or slots or locks or since or until is not None):
        count = len(range_)
        left_out = max(0, count - most) if most is not None else 0
        return Selection(tuple(range_[left_out:]), left_out)
    pairs = _with_locks(trace) if locks else ((event, ()) for event in range_)
    found: deque[Event] = deque(maxlen=most)
    count = 0
    for event, under in pairs:
        if (
            first <= event.seq <= (last or event.seq)
            and (not tasks or event.task in tasks)
            and _fits(labels, [event.label])
            and _fits(touching, [event.object, *event.changes])
            and (not slots or any(split_key(name)[0] in slots for name in _touched(event)))
            and _fits(locks, under)
            and (since is None or since <= event.time)
            and (until is None or event.time <= until)
        ):
            found.append(event)
            count += 1
    return Selection(tuple(found), count - len(found))


def around(trace: Trace, step: int, context: int) -> tuple[int, int]:
    """The numbers of the first and the last of *step* and *context* steps on either side.

    Raises:
        TraceError: there is no such step.
    """
    end = len(trace.events)
    if not 1 <= step <= end:
        message = f"there is no such step; the trace has steps 1 to {end}"
        raise trace_error("", "step", message, value=shown(step))
    return max(1, step - context), min(end, step + context)


def _fits(parts: Sequence[str], names: Sequence[str]) -> bool:
    return not parts or any(part in name for part in parts for name in names)


def _touched(event: Event) -> Iterator[str]:
    yield event.object
    yield from event.changes


def _with_locks(trace: Trace) -> Iterator[tuple[Event, tuple[str, ...]]]:
    """Each event with the locks that it has to do with."""
    held: dict[str, tuple[str, ...]] = {}
    for event in trace.events:
        asked = (event.object,) if event.kind in _LOCKING else ()
        yield event, (*held.get(event.task, ()), *event.held, *asked)
        held[event.task] = event.held


def _places(trace: Trace) -> Iterator[str]:
    """Every label of the trace, and the functions that they name."""
    for event in trace.events:
        yield event.label
        yield event.label.rpartition(".")[0] or event.label


def _things(trace: Trace) -> Iterator[str]:
    """Every name of an object and every key of the trace."""
    yield from trace.header.world
    for event in trace.events:
        if event.object:
            yield event.object
        yield from event.changes


def _slots(trace: Trace) -> Iterator[str]:
    """Every slot of the trace, and what else is numbered as slots are."""
    things = (split_key(name)[0] for name in _things(trace))
    return (thing for thing in things if _NUMBERED.fullmatch(thing))


def _check_words(
    place: str, words: Sequence[str], known: Iterable[str], *, whole: bool = False
) -> None:
    """Go through *known* until each of *words* was met."""
    missing = list(words)
    names: dict[str, bool] = {}
    for name in known if missing else ():
        if name not in names:
            missing = [word for word in missing if word != name and (whole or word not in name)]
            if not missing:
                return
            if len(names) < _NAMES:
                names[name] = True
    for word in missing:
        message = f"the trace has no such {place}"
        hint = nearest(word, list(names)) or ""
        raise trace_error("", place, message, value=shown(word), hint=hint)


def _check_range(trace: Trace, first: int, last: int | None) -> None:
    end = len(trace.events)
    for place, step in (("first", first), ("last", last)):
        if step is not None and not 1 <= step <= end and (step, place) != (1, "first"):
            message = f"there is no such step; the trace has steps 1 to {end}"
            raise trace_error("", place, message, value=str(step))
    if last is not None and last < first:
        message = f"the last step is before the first, {first}"
        raise trace_error("", "last", message, value=str(last))


def _check_times(trace: Trace, since: int | None, until: int | None) -> None:
    if since is not None and until is not None and until < since:
        message = f"the time ends before it begins, at {since} ns"
        raise trace_error("", "until", message, value=str(until))
    begin, end = (trace.events[0].time, trace.events[-1].time) if trace.events else (0, 0)
    message = f"no step was then; the trace lasts from {begin} to {end} ns"
    if since is not None and since > end:
        raise trace_error("", "since", message, value=str(since))
    if until is not None and until < begin:
        raise trace_error("", "until", message, value=str(until))
