# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture for a terminal or a mail: one column a task, time downwards.

It looks like what kernel people draw by hand into commit messages. Each step stands in the
column of its task, and a blank line marks every task switch. What the step did follows its
label, on the same line where there is room. A star after the number of a step says that a
decision of the schedule led to it, and a bar that the window was still being carried out. Below
stands the verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Ending
from swaptrio.trace.columns import Column, plan_columns
from swaptrio.trace.deciding import deciding
from swaptrio.trace.ending import ending_lines, outcome
from swaptrio.trace.entries import Entry, Plot
from swaptrio.trace.filter import Selection, select
from swaptrio.trace.layout import Paint, coloured, plain, share, task_style, wrap
from swaptrio.trace.window import window_end
from swaptrio.trace.words import Step, ascii_only, steps_of

if TYPE_CHECKING:
    from swaptrio.trace.events import Event, Trace

#: The narrowest and the widest picture that is drawn.
NARROWEST: Final = 60
WIDEST: Final = 400

#: So many steps are drawn, the last ones, where nobody has chosen others.
MOST: Final = 20_000

_GAP: Final = "  "

#: Between the signs of a step, which take one column of the gap, and its first cell.
_SPACE: Final = " "
_BROKEN: Final = frozenset({Ending.VIOLATION, Ending.DEADLOCK, Ending.LIVELOCK, Ending.ERROR})


def draw_lanes(
    trace: Trace,
    *,
    events: Selection | Sequence[Event] | None = None,
    width: int = 76,
    daemons: bool = False,
    fold: bool = True,
    marks: Collection[int] = (),
    command: str = "",
    color: bool = False,
) -> str:
    """*trace* as a text of lines no longer than *width*.

    Args:
        trace: what to draw.
        events: draw these events of it only (see `select`); the verdict stays whole. Without
            them, the last `MOST` are drawn.
        width: columns of the terminal, 60 to 400; 76 to 100 suit a mail.
        daemons: give every daemon that did something a column of its own. Otherwise they share
            one on the right if it fits, and are left out if not, which is said.
        fold: draw a long row of steps that changed nothing as one line.
        marks: numbers of steps to point at; they get a ``<--``, as the step that broke a rule
            and the few that decided it always do.
        command: what to type to see this again; the last line. Where it is too long it goes on
            after a backslash, as a shell reads it.
        color: use the colours of a terminal. They never carry a meaning of their own.

    Raises:
        ValueError: the width is out of its range.
    """
    if not NARROWEST <= width <= WIDEST:
        msg = f"a picture is {NARROWEST} to {WIDEST} columns wide, not {width}"
        raise ValueError(msg)
    paint = coloured if color else plain
    chosen = _selection(trace, events)
    steps = tuple(steps_of(trace, {event.seq: True for event in chosen}))
    columns, hidden = plan_columns(trace, steps, width - _gutter(trace), daemons)
    plot = _plot(trace, columns, marks, fold)
    steps = tuple(step for step in steps if step.event.task in plot.places)
    room, until = width - _gutter(trace), window_end(trace)
    lines = [
        *_title(trace, width, paint),
        *_Table(columns, plot, room, _gutter(trace), until, paint).lines(steps),
        *_window(trace, until, steps, width),
        *_left_out(trace, chosen, hidden, width),
        *ending_lines(trace, width, command, paint),
    ]
    return "".join(f"{line}\n" for line in lines)


def _selection(trace: Trace, events: Selection | Sequence[Event] | None) -> Selection:
    if events is None:
        return select(trace, most=MOST)
    return events if isinstance(events, Selection) else Selection(tuple(events))


def _gutter(trace: Trace) -> int:
    """The width of the numbers on the left, with a star and the gap behind them."""
    return max(4, len(str(len(trace.events)))) + 1 + len(_GAP)


def _plot(trace: Trace, columns: Sequence[Column], marks: Collection[int], fold: bool) -> Plot:
    verdict = trace.header.verdict
    marked = dict.fromkeys([*deciding(trace), *marks], "<--")
    if verdict.ending in _BROKEN and not trace.missing:
        marked[len(trace.events)] = ascii_only(f"<-- {verdict.check or verdict.ending}")
    return Plot(
        places={task: place for place, column in enumerate(columns) for task in column.tasks},
        named=[column.shared for column in columns],
        marks=marked,
        decided=frozenset(decision.step for decision in verdict.schedule.decisions),
        fold=fold,
    )


def _title(trace: Trace, width: int, paint: Paint) -> Iterator[str]:
    header = trace.header
    parts = [header.scenario or "trace"]
    parts += [f"variant {header.variant}"] if header.variant else []
    parts += [f"seed {header.seed}"] if header.seed is not None else []
    parts += [outcome(header.verdict)]
    for line in wrap(ascii_only(", ".join(parts)), width, "  "):
        yield paint(line, "head")
    yield ""


def _window(trace: Trace, until: int, steps: Sequence[Step], width: int) -> Iterator[str]:
    """What the bar means, where one was drawn."""
    if any(step.event.seq <= until for step in steps):
        text = f"(| marks the window: {'; '.join(trace.header.window)})"
        yield from wrap(ascii_only(text), width, "  ")
        yield ""


def _left_out(
    trace: Trace, chosen: Selection, hidden: Sequence[str], width: int
) -> Iterator[str]:
    if chosen.left_out:
        text = f"(not drawn: {chosen.left_out} steps before these; a part can be chosen)"
        yield from wrap(text, width, "  ")
        yield ""
    if trace.events and not chosen:
        yield "(no step fits what was asked for)"
        yield ""
    if hidden:
        yield from wrap(ascii_only(f"(not drawn: {', '.join(hidden)})"), width, "  ")
        yield ""


@attrs.frozen
class _Table:
    """The columns in *room*, right of a *gutter* with the numbers of the steps.

    The steps up to number *until* have a bar there.
    """

    columns: Sequence[Column]
    plot: Plot
    room: int
    gutter: int
    until: int
    paint: Paint

    def lines(self, steps: Sequence[Step]) -> Iterator[str]:
        if not steps:
            return
        widths = self._widths(steps)
        yield from self._heading(widths)
        for number, entry in enumerate(self.plot.entries(steps, widths)):
            if entry.opens and number:
                yield ""
            yield from self._drawn(entry, widths)
        yield ""

    def _widths(self, steps: Sequence[Step]) -> list[int]:
        """As wide as their widest entry if there is room for that, otherwise fair shares."""
        wanted = [len(column.title) for column in self.columns]
        for entry in self.plot.entries(steps, [self.room] * len(self.columns)):
            wanted[entry.column] = max(wanted[entry.column], *map(len, entry.lines))
        return share(self.room - len(_GAP) * (len(self.columns) - 1), wanted)

    def _heading(self, widths: Sequence[int]) -> Iterator[str]:
        titles = [
            wrap(column.title, width)
            for column, width in zip(self.columns, widths, strict=True)
        ]
        for row in range(max(map(len, titles))):
            cells = [title[row] if row < len(title) else "" for title in titles]
            yield self._row("step" if row == 0 else "", cells, widths)
        rules = ["-" * max(map(len, title)) for title in titles]
        yield self._row("----", rules, widths)

    def _drawn(self, entry: Entry, widths: Sequence[int]) -> Iterator[str]:
        number = str(entry.seq)
        star = "*" if entry.decided else " "
        bar = "|" if entry.seq <= self.until else " "
        for line in entry.lines:
            cells = [line if place == entry.column else "" for place in range(len(widths))]
            yield self._row(number, cells, widths, star + bar, entry.marked)
            number, star = "", " "

    def _row(
        self,
        number: str,
        cells: Sequence[str],
        widths: Sequence[int],
        signs: str = "  ",
        marked: bool = False,
    ) -> str:
        """One line: each cell is padded up to the last that holds something."""
        row = f"{number.rjust(self.gutter - len(_GAP) - 1)}{signs}"
        last = max((place for place, cell in enumerate(cells) if cell), default=0)
        for place, cell in enumerate(cells[: last + 1]):
            style = "mark" if marked else task_style(place)
            padding = " " * (widths[place] - len(cell)) if place < last else ""
            row += (_GAP if place else _SPACE) + self.paint(cell, style) + padding
        return row
