# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which tasks of a trace a drawing gives a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.trace.ending import concerned

if TYPE_CHECKING:
    from swaptrio.trace.events import Trace


def daemons_of(trace: Trace) -> tuple[str, ...]:
    """The tasks that only serve others."""
    return tuple(task.name for task in trace.header.tasks if task.daemon)


def cast_of(trace: Trace) -> tuple[str, ...]:
    """Who takes part, in the order in which they begin.

    That is who began by a decision or before one; whom a failure concerns; and of those who
    only came along later, whoever met one of these while it ran, at a cluster or a folio.
    """
    spans = _spans(trace)
    began = _last_decision(trace)
    needed = () if trace.header.verdict.passed else concerned(trace)
    names = [name for name, (first, _) in spans.items() if first <= began or name in needed]
    names = names or list(spans)[:1]
    end = max((spans[name][1] for name in names), default=0)
    shared = [thing for name in names for thing in _met(trace, name)]
    return tuple(
        name
        for name, (first, _) in spans.items()
        if name in names or (first < end and any(x in shared for x in _met(trace, name)))
    )


def _spans(trace: Trace) -> dict[str, tuple[int, int]]:
    """The first and the last step of each task that is no daemon."""
    spans: dict[str, tuple[int, int]] = {}
    daemons = daemons_of(trace)
    for event in trace.events:
        if event.task not in daemons:
            first, _ = spans.get(event.task, (event.seq, 0))
            spans[event.task] = (first, event.seq)
    return spans


def _last_decision(trace: Trace) -> int:
    """The last decision that chose a task which is no daemon."""
    tasks = {event.seq: event.task for event in trace.events}
    daemons = daemons_of(trace)
    decided = (decision.step for decision in trace.header.verdict.schedule.decisions)
    return max((seq for seq in decided if tasks.get(seq) not in daemons), default=1)


def _met(trace: Trace, task: str) -> tuple[str, ...]:
    """The clusters and folios that a task had to do with."""
    things = (event.object for event in trace.events if event.task == task)
    return tuple(dict.fromkeys(x for x in things if "cluster" in x or "folio" in x))
