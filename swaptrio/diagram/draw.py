# SPDX-License-Identifier: MIT OR Apache-2.0
"""The minimal drawing of a trace, as people put it into changelogs.

Only what matters is drawn: the steps that touch slots, page tables or the life of folios, what
failed by decision, and whatever a task did last before another one went on, for without that
the order could not be told. Daemons have no column. The drawing can be read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.diagram.chosen import Drawn, chosen
from swaptrio.diagram.frames import Frames
from swaptrio.trace.ending import outcome
from swaptrio.trace.formats.texts import refuse_longer
from swaptrio.trace.layout import cut
from swaptrio.trace.words import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.events import Trace

#: A line, and the number of its column.
Text: TypeAlias = tuple[int, str]

#: The narrowest and the widest drawing.
NARROWEST: Final = 60
WIDEST: Final = 400

#: The longest trace that is drawn.
MOST: Final = 20_000

#: Columns begin so far apart at least: indentation must not look like another column.
_APART: Final = 12

#: A text in the last column may be so wide before it loses some of its words.
_WIDEST_TEXT: Final = 48


def draw_diagram(trace: Trace, width: int = 76) -> str:
    """*trace* as a drawing with lines shorter than *width*, ``*** result`` at its end.

    Raises:
        ValueError: the width is not from 60 to 400.
        TraceError: the trace has more than `MOST` steps.
    """
    if not NARROWEST <= width <= WIDEST:
        msg = f"a drawing is {NARROWEST} to {WIDEST} columns wide, not {width}"
        raise ValueError(msg)
    refuse_longer("a drawing", len(trace.events), MOST, "--step shows a part in full")
    tasks, drawn = chosen(trace)
    sheet = _Sheet(tasks, _framed(tasks, drawn), width - 1)
    lines = [*sheet.header(), *sheet.body(), "", *_result(trace)]
    return "".join(f"{cut(line, width - 1).rstrip()}\n" for line in lines)


def _framed(tasks: Sequence[str], drawn: Sequence[Drawn]) -> tuple[Text, ...]:
    """All lines with their columns, and the lines that open calls between them."""
    frames = {task: Frames() for task in tasks}
    places = {task: place for place, task in enumerate(tasks)}
    return tuple(
        (places[entry.task], line)
        for entry in drawn
        for line in frames[entry.task].lines(entry)
    )


def _result(trace: Trace) -> Iterator[str]:
    yield f" *** {ascii_only(outcome(trace.header.verdict))} ***"


def _fitting(text: str, room: int) -> str:
    """*text* with as many of its words, which commas part, as there is room for."""
    while len(text) > room and ", " in text:
        text = text.rpartition(", ")[0]
    return cut(text, room)


@attrs.frozen
class _Sheet:
    """Columns for *tasks* in *room*; a text may run on beneath the next column."""

    tasks: Sequence[str]
    texts: Sequence[Text]
    room: int

    def start(self, place: int) -> int:
        """Where a column begins: the last one so that its text fits, the others between."""
        return 1 + place * self._apart

    @cached_property
    def _apart(self) -> int:
        last = len(self.tasks) - 1
        texts = (len(text) for place, text in self.texts if place == last)
        widest = min(max(texts, default=0), _WIDEST_TEXT)
        named = max(map(len, self.tasks), default=0) + 3
        fair = self.room // max(len(self.tasks), 1)
        return max(_APART, named, min((self.room - widest - 1) // max(last, 1), fair))

    def header(self) -> Iterator[str]:
        """The CPUs, and the names of the tasks below them."""
        yield self._row([f"CPU{place}" for place in range(len(self.tasks))])
        yield self._row([f"({ascii_only(task)})" for task in self.tasks])

    def _row(self, cells: Sequence[str]) -> str:
        row = ""
        for place, cell in enumerate(cells):
            row = row.ljust(self.start(place)) + cell
        return row

    def body(self) -> Iterator[str]:
        """The lines, with a blank one wherever another task goes on."""
        column = -1
        for place, text in self.texts:
            if place != column:
                yield ""
            column = place
            yield " " * self.start(place) + _fitting(text, self.room - self.start(place))
