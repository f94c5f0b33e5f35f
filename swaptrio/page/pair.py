# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two traces side by side: rows that hold a step of one of them, or the same step of both.

A step is the same where its task and its label are. Whether it also did the same is another
question, and the first row for which the answer is no is where the two part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from swaptrio.trace.align import align

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.trace import Event, Trace

#: The number of the step here and there; 0 where only the other trace has it.
Row: TypeAlias = tuple[int, int]


@attrs.frozen
class Pair:
    """The *rows* of two traces, and the numbers from 0 of those in which they *differ*."""

    rows: tuple[Row, ...]
    differ: tuple[int, ...]

    def encoded(self) -> dict[str, Any]:
        """As plain values: runs of rows, and which differ."""
        return {"runs": _runs(self.rows), "differ": list(self.differ)}


def pair(here: Trace, there: Trace) -> Pair:
    """The steps of two traces in common rows."""
    places = align(_names(here), _names(there))
    rows = tuple((_seq(one), _seq(two)) for one, two in places)
    differ = (
        number
        for number, (one, two) in enumerate(rows)
        if not (one and two) or _deed(here.events[one - 1]) != _deed(there.events[two - 1])
    )
    return Pair(rows, tuple(differ))


def _names(trace: Trace) -> list[str]:
    return [f"{event.task}\n{event.label}" for event in trace.events]


def _seq(position: int | None) -> int:
    return 0 if position is None else position + 1


def _deed(event: Event) -> tuple[object, ...]:
    """What a step did, to be compared."""
    return event.kind, event.object, event.option, dict(event.changes), event.held


def _runs(rows: Iterable[Row]) -> list[list[int]]:
    """*rows* shortened: first row and length of each run; both numbers go on, or stay 0."""
    runs: list[list[int]] = []
    for here, there in rows:
        if runs and _goes_on(runs[-1], here, there):
            runs[-1][2] += 1
        else:
            runs.append([here, there, 1])
    return runs


def _goes_on(run: list[int], here: int, there: int) -> bool:
    first_here, first_there, length = run
    return here == (first_here and first_here + length) and there == (
        first_there and first_there + length
    )
