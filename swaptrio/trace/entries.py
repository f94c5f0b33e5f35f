# SPDX-License-Identifier: MIT OR Apache-2.0
"""The steps of the picture, turned into lines of their columns.

A turn is a row of steps of one task, from one task switch to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import attrs

from swaptrio.trace.layout import wrap
from swaptrio.trace.words import Step, ascii_only

#: As many quiet steps in a row are drawn; of more, all but the last become one line.
UNFOLDED: Final = 3

_INDENT: Final = "  "


@attrs.frozen
class Entry:
    """What is drawn for one step, or for several that are folded.

    *seq* is the number of the (first) step and *decided* whether a deviation of the schedule
    led to it; *lines* stand in column *column*, and *opens* says that a turn begins here.
    """

    seq: int
    decided: bool
    column: int
    lines: tuple[str, ...]
    opens: bool
    marked: bool


@attrs.frozen
class Plot:
    """How steps become entries.

    *places* gives the column of each task, *named* the columns whose lines name their task;
    *marks* maps the number of a step to the mark it gets, *decided* holds the numbers of those
    to which a deviation led. *fold* says whether quiet steps are folded.
    """

    places: Mapping[str, int]
    named: Sequence[bool]
    marks: Mapping[int, str]
    decided: frozenset[int]
    fold: bool

    def entries(self, steps: Sequence[Step], widths: Sequence[int]) -> Iterator[Entry]:
        """The entries for *steps*, in columns of *widths*."""
        for task, turn in groupby(steps, key=lambda step: step.event.task):
            place = self.places[task]
            prefix = f"{ascii_only(task)}: " if self.named[place] else ""
            function = ""
            opens = True
            for group in self._groups(turn):
                text = self._text(group, function)
                yield self._entry(group, place, (prefix + text[0], *text[1:]), widths, opens)
                function = "" if len(group) > 1 else _function(group[0])
                opens = False

    def _groups(self, turn: Iterator[Step]) -> Iterator[list[Step]]:
        """The steps of a *turn* in groups; those of a group are drawn as one line."""
        for dull, row in groupby(turn, key=self._dull):
            steps = list(row)
            if dull and self.fold and len(steps) > UNFOLDED:
                yield steps[:-1]
                steps = steps[-1:]
            yield from ([step] for step in steps)

    def _dull(self, step: Step) -> bool:
        seq = step.event.seq
        return step.quiet and seq not in self.marks and seq not in self.decided

    def _text(self, group: list[Step], function: str) -> list[str]:
        """The label and the words that follow it; *function* is where the task was before."""
        if len(group) > 1:
            return [f"({len(group)} steps without a change)"]
        step = group[0]
        label = ascii_only(step.event.label)
        if function and _function(step) == function:
            label = label.removeprefix(function)
        mark = self.marks.get(step.event.seq)
        return [label, *step.effects, *([mark] if mark else [])]

    def _entry(
        self,
        group: list[Step],
        place: int,
        text: Sequence[str],
        widths: Sequence[int],
        opens: bool,
    ) -> Entry:
        seq = group[0].event.seq
        lines = tuple(_fill(text, widths[place]))
        return Entry(seq, seq in self.decided, place, lines, opens, seq in self.marks)


def _function(step: Step) -> str:
    """The part of a label before its last point."""
    return ascii_only(step.event.label).rpartition(".")[0]


def _fill(text: Sequence[str], width: int) -> Iterator[str]:
    """All of *text* on one line if it fits; otherwise the first part, and below it the rest."""
    whole = _INDENT.join(text)
    if len(whole) <= width:
        yield whole
        return
    yield from wrap(text[0], width, _INDENT)
    for words in text[1:]:
        yield from (_INDENT + line for line in wrap(words, width - len(_INDENT), _INDENT))
