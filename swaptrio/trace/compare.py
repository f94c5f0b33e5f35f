# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two traces held against each other: two variants of a scenario, or a failure and a pass.

`diff` finds three things. Where the executions part: the first step at which another task runs,
or the same task does something else. What each task did in one and not in the other: its labels
are aligned, so that a step more does not put all that follows out of line. And what differs in
the world at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.trace.align import align
from swaptrio.trace.events import Change, Event, Trace
from swaptrio.trace.read import state_at

if TYPE_CHECKING:
    from swaptrio.trace.events import Value


#: Of longer traces the steps of each task are not aligned.
MOST: Final = 50_000


@attrs.frozen
class Pair:
    """A step of one task in both traces, or in one; none stands for no such step."""

    a: Event | None
    b: Event | None

    @property
    def drawn_apart(self) -> bool:
        """Whether both made this step, and drew different options in it."""
        return self.a is not None and self.b is not None and self.a.option != self.b.option


@attrs.frozen
class Divergence:
    """The first step at which two executions differ.

    *a* and *b* are what happened there; none where a trace has ended. *what* is that which
    differs: ``task``, ``step``, ``choice``, ``effect`` or ``end``; ``cut`` where nothing was
    seen to differ before the end of a file that was cut.
    """

    what: str
    a: Event | None
    b: Event | None

    @property
    def seq(self) -> int:
        """The number of the step, which is the same in both."""
        event = self.a or self.b
        assert event is not None
        return event.seq


@attrs.frozen
class Difference:
    """What differs between *a* and *b*.

    *first* is where they part, none if they do not. *pairs* are, for each task of either, its
    steps in both; of traces longer than `MOST` they are not *aligned*, and there are none.
    *start* and *end* are the keys whose values differ before the first step and after the last;
    of each pair of values the first is that of *a*.
    """

    a: Trace
    b: Trace
    first: Divergence | None
    pairs: Mapping[str, tuple[Pair, ...]]
    start: Mapping[str, Change]
    end: Mapping[str, Change]
    aligned: bool = True

    @property
    def same(self) -> bool:
        """Whether the executions are the same, step for step, and end the same way."""
        verdicts = [(t.header.verdict.ending, t.header.verdict.check) for t in (self.a, self.b)]
        return self.first is None and not self.start and verdicts[0] == verdicts[1]


def diff(a: Trace, b: Trace) -> Difference:
    """What differs between *a* and *b*. Takes a second for 10,000 steps that all differ."""
    aligned = max(len(a.events), len(b.events)) <= MOST
    return Difference(
        a=a,
        b=b,
        first=_first(a, b),
        pairs=_paired(a, b) if aligned else {},
        start=_differences(a.header.world, b.header.world),
        end=_differences(state_at(a, len(a.events)), state_at(b, len(b.events))),
        aligned=aligned,
    )


def _paired(a: Trace, b: Trace) -> dict[str, tuple[Pair, ...]]:
    names = dict.fromkeys(task.name for trace in (a, b) for task in trace.header.tasks)
    steps_a, steps_b = _by_task(a), _by_task(b)
    return {name: _pairs(steps_a.get(name, []), steps_b.get(name, [])) for name in names}


def _by_task(trace: Trace) -> dict[str, list[Event]]:
    steps: dict[str, list[Event]] = {}
    for event in trace.events:
        steps.setdefault(event.task, []).append(event)
    return steps


def _pairs(a: list[Event], b: list[Event]) -> tuple[Pair, ...]:
    places = align([event.label for event in a], [event.label for event in b])
    return tuple(
        Pair(None if i is None else a[i], None if j is None else b[j]) for i, j in places
    )


def _first(a: Trace, b: Trace) -> Divergence | None:
    for one, other in zip_longest(a.events, b.events):
        what = _what(one, other)
        if (one is None and a.missing) or (other is None and b.missing):
            what = "cut"
        if what:
            return Divergence(what, one, other)
    return None


def _what(one: Event | None, other: Event | None) -> str:
    """What differs between the same step of two traces; empty for nothing."""
    if one is None or other is None:
        return "end"
    if one.task != other.task:
        return "task"
    if (one.label, one.kind, one.object) != (other.label, other.kind, other.object):
        return "step"
    if one.option != other.option:
        return "choice"
    return "" if (one.changes, one.held) == (other.changes, other.held) else "effect"


def _differences(one: Mapping[str, Value], other: Mapping[str, Value]) -> dict[str, Change]:
    keys = dict.fromkeys([*one, *other])
    return {
        key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)
    }
