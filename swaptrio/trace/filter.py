# SPDX-License-Identifier: MIT OR Apache-2.0
"""Select events of a trace: by task, by label, by what they touch, by their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.errors import shown
from swaptrio.trace.problems import trace_error
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.trace.events import Event, Trace


def select(
    trace: Trace,
    *,
    tasks: Sequence[str] = (),
    labels: Sequence[str] = (),
    touching: Sequence[str] = (),
    first: int = 1,
    last: int | None = None,
) -> tuple[Event, ...]:
    """The events of *trace* that fit everything asked for; an empty argument asks for nothing.

    Args:
        trace: where to look.
        tasks: names of tasks; an event fits if its task is one of them.
        labels: labels or parts of them, such as ``swap_cache_alloc.``; its label must
            contain one of them.
        touching: parts of names of objects, or of keys that change; one must be in one of them.
        first: the number of the first step, from 1.
        last: the number of the last step, from 1; none for the end of the trace.

    Raises:
        TraceError: a word fits nothing in the whole trace (the nearest is named), or the range
            of steps is empty or lies outside of the trace.
    """
    _check_range(trace, first, last)
    _check_words("task", tasks, [task.name for task in trace.header.tasks], whole=True)
    _check_words("label", labels, list(_places(trace)))
    _check_words("object or key", touching, list(_things(trace)))
    return tuple(
        event
        for event in trace.events[first - 1 : last]
        if (not tasks or event.task in tasks)
        and _fits(labels, [event.label])
        and _fits(touching, [event.object, *event.changes])
    )


def _fits(parts: Sequence[str], names: Sequence[str]) -> bool:
    return not parts or any(part in name for part in parts for name in names)


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


def _check_words(
    place: str, words: Sequence[str], known: Sequence[str], *, whole: bool = False
) -> None:
    for word in words:
        if not (word in known if whole else _fits([word], known)):
            message = f"the trace has no such {place}"
            hint = nearest(word, known) or ""
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
