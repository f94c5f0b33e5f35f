# SPDX-License-Identifier: MIT OR Apache-2.0
"""The modelled world at one step, as tables grouped by object.

As in `changes`, only the shape of a key counts. Three shapes make tables:

  ``swap0:17`` and ``swap0:17.owner``   a row ``17`` of the table ``swap0``
  ``folio 0x1000.refs``                 a row ``0x1000`` of the table ``folio``
  ``m1.memory``                         a row ``m1`` of the table of all the others

Keys without a point, or with a number behind it, stand one after the other at the end. A star
marks what changed in this step. Where each task stands, and which locks it holds, comes first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.trace.changes import split_key, value_text
from swaptrio.trace.layout import row_lines, share, wrap
from swaptrio.trace.read import survey
from swaptrio.trace.words import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from swaptrio.trace.events import Change, Event, Trace, Value

#: A table: for each row, for each of its columns, what stands there.
Cells: TypeAlias = dict[str, dict[str, str]]

_NUMBERED: Final = re.compile(r"(.+):(\d+)")
_GAP: Final = "  "
_NARROWEST: Final = 40

#: The table of those objects whose name is one word.
_OTHERS: Final = ""

#: What heads the column of the values that rows have themselves.
_VALUE: Final = "value"

#: No column is made narrower than this for the sake of others.
_COLUMN: Final = 8


@attrs.frozen
class _Place:
    """Where a key stands: its *table*, its *row* there, and its *column*."""

    table: str
    row: str
    column: str


def draw_state(trace: Trace, seq: int, width: int = 76) -> str:
    """The state after step *seq* of *trace* (0: before the first), as a text.

    Args:
        trace: where to look.
        seq: the number of the step.
        width: no line is longer, 40 columns or more.

    Raises:
        TraceError: there is no such step.
        ValueError: the width is too small.
    """
    if width < _NARROWEST:
        msg = f"a table is at least {_NARROWEST} columns wide, not {width}"
        raise ValueError(msg)
    state, steps = survey(trace, seq)
    texts = _texts(state, trace.events[seq - 1].changes if seq else {})
    parts = [_title(trace, seq, width), _tasks(trace, steps, seq, width)]
    parts += [_table(name, cells, width) for name, cells in _tables(texts).items()]
    parts.append(_counters(texts, width))
    blocks = ["".join(f"{line}\n" for line in part) for part in parts]
    return "\n".join(block for block in blocks if block)


def _title(trace: Trace, seq: int, width: int) -> Iterator[str]:
    if not seq:
        yield "state before the first step"
        return
    event = trace.events[seq - 1]
    text = f"state after step {seq}, {event.task} at {event.label} (* changed in this step)"
    yield from wrap(ascii_only(text), width, _GAP)


def _tasks(trace: Trace, steps: Mapping[str, Event], seq: int, width: int) -> Iterator[str]:
    """Where each task stands that has begun, and the locks it holds."""
    cells: Cells = {}
    for event in steps.values():
        star = "*" if event.seq == seq else ""
        locks = ", ".join(event.held)
        cells[event.task] = {"at": event.label + star, "holds": locks + star * bool(locks)}
    order = [task.name for task in trace.header.tasks if task.name in cells]
    yield from _table("task", {name: cells[name] for name in order}, width)


def _texts(state: Mapping[str, Value], changes: Mapping[str, Change]) -> dict[str, str]:
    """What stands behind each key; what is gone is still there, as ``0*`` or ``-*``."""
    texts = {key: str(value) for key, value in state.items()}
    for key, (old, new) in changes.items():
        texts[key] = f"{value_text(None, old) if new is None else new}*"
    return texts


def _tables(texts: Mapping[str, str]) -> dict[str, Cells]:
    """The tables: those with numbers first, then those of objects, then the others."""
    tables: dict[str, Cells] = {}
    for key, text in texts.items():
        place = _place(key)
        if place is not None:
            tables.setdefault(place.table, {}).setdefault(place.row, {})[place.column] = text
    numbered = [name for name, cells in tables.items() if _all_numbers(cells)]
    rest = [name for name in tables if name not in numbered]
    rest.sort(key=lambda name: name == _OTHERS)
    sorted_rows = {name: dict(sorted(tables[name].items(), key=_number)) for name in numbered}
    return {**sorted_rows, **{name: tables[name] for name in rest}}


def _all_numbers(cells: Cells) -> bool:
    return all(row.isdecimal() for row in cells)


def _number(item: tuple[str, object]) -> tuple[int, str]:
    """Sorts rows as numbers; no number is made, as a text may be longer than one can be."""
    return len(item[0]), item[0]


def _place(key: str) -> _Place | None:
    thing, field = split_key(key)
    numbered = _NUMBERED.fullmatch(thing)
    if numbered:
        return _Place(numbered[1], numbered[2], field or _VALUE)
    if not field or field.isdecimal():
        return None
    family, _, name = thing.rpartition(" ")
    return _Place(family, name, field) if family and name else _Place(_OTHERS, thing, field)


def _table(title: str, cells: Cells, width: int) -> Iterator[str]:
    """*cells* under a heading, or as pairs where columns would be narrow or mostly empty."""
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    lines = [[ascii_only(title), *map(ascii_only, columns)]]
    for name, row in cells.items():
        lines.append([ascii_only(name), *(ascii_only(row.get(c, "")) for c in columns)])
    wanted = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    widths = share(width - len(_GAP) * (len(wanted) - 1), wanted)
    narrow = any(room < min(want, _COLUMN) for room, want in zip(widths, wanted, strict=True))
    if title == _OTHERS or narrow:
        yield from _pairs(title, cells, width)
    elif cells:
        for line in lines:
            yield from row_lines(line, widths, _GAP)


def _pairs(title: str, cells: Cells, width: int) -> Iterator[str]:
    for name, row in cells.items():
        facts = ", ".join(f"{field} {text}" for field, text in row.items() if text)
        yield from wrap(ascii_only(f"{title} {name}: {facts}".strip()), width, _GAP)


def _counters(texts: Mapping[str, str], width: int) -> Iterator[str]:
    facts = [f"{key} {text}" for key, text in texts.items() if _place(key) is None]
    if facts:
        yield from wrap(ascii_only(", ".join(facts)), width, _GAP)
