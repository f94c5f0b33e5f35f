# SPDX-License-Identifier: MIT OR Apache-2.0
"""The difference of two traces as a text, in the order in which one asks for it.

How each ended; where they part, side by side; what each task did in one only; and what differs
in the world at the end. ``-`` is only in A, ``+`` only in B, ``~`` drawn otherwise in B.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from swaptrio.trace.changes import split_key, value_text
from swaptrio.trace.compare import MOST
from swaptrio.trace.ending import outcome
from swaptrio.trace.layout import Paint, coloured, plain, row_lines, share, wrap
from swaptrio.trace.words import Step, ascii_only, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from swaptrio.trace.compare import Difference, Divergence, Pair
    from swaptrio.trace.events import Change, Event, Trace, Value

#: The narrowest text that is drawn.
NARROWEST: Final = 60

#: Steps that are shown before and after the point where the traces part.
_BEFORE, _AFTER = 3, 6

#: Lines that one task, and keys that the world may take; the rest is counted.
_LISTED: Final = 30

_GAP: Final = "  "

_WHAT: Final = {
    "task": "another task runs",
    "step": "the task does something else",
    "choice": "another option is drawn",
    "effect": "the step does something else",
    "end": "one of them ends",
    "cut": "one file was cut off here, so what follows is not known",
}


def draw_diff(difference: Difference, *, width: int = 76, color: bool = False) -> str:
    """*difference* as a text of lines no longer than *width*.

    Args:
        difference: what `diff` has found.
        width: columns of the terminal, 60 or more.
        color: use the colours of a terminal. They never carry a meaning of their own.

    Raises:
        ValueError: the width is too small.
    """
    if width < NARROWEST:
        msg = f"a difference is at least {NARROWEST} columns wide, not {width}"
        raise ValueError(msg)
    paint = coloured if color else plain
    parts = [
        _endings(difference, width, paint),
        _world("before the first step", difference.start, width, paint),
        _parting(difference, width, paint),
        _tasks(difference, width, paint),
        _world(_when(difference), difference.end, width, paint),
    ]
    blocks = ["".join(f"{line}\n" for line in part) for part in parts]
    return "\n".join(block for block in blocks if block)


def _endings(difference: Difference, width: int, paint: Paint) -> Iterator[str]:
    for name, trace in (("A", difference.a), ("B", difference.b)):
        header = trace.header
        parts = [header.scenario or "trace"]
        parts += [f"variant {header.variant}"] if header.variant else []
        parts += [f"{outcome(header.verdict)} after {header.steps} steps"]
        parts += [f"cut off, {trace.missing} missing"] if trace.missing else []
        text = ascii_only(f"{name}: {', '.join(parts)}")
        yield from (paint(line, "head") for line in wrap(text, width, _GAP))
    if difference.same:
        yield "no difference in any step"


def _when(difference: Difference) -> str:
    cut = difference.a.missing or difference.b.missing
    return "at the end of what is there" if cut else "at the end"


def _parting(difference: Difference, width: int, paint: Paint) -> Iterator[str]:
    first = difference.first
    if first is None:
        return
    text = f"first divergence: step {first.seq}, {_WHAT[first.what]}"
    yield from (paint(line, "head") for line in wrap(text, width, _GAP))
    yield ""
    room = (width - len(_GAP)) // 2
    yield from row_lines(["A", "B"], [room, room], _GAP)
    columns = [_around(trace, first, room) for trace in (difference.a, difference.b)]
    for seq, cells in enumerate(zip_longest(*columns, fillvalue=""), _from(first)):
        style = "mark" if seq == first.seq else "dim"
        for line in row_lines(cells, [room, room], _GAP, _GAP):
            yield paint(line, style)


def _from(first: Divergence) -> int:
    return max(1, first.seq - _BEFORE)


def _around(trace: Trace, first: Divergence, room: int) -> list[str]:
    """The steps around the parting, one text each; where a trace has ended it says so."""
    start = _from(first) - 1
    steps = steps_of(trace, range(start + 1, first.seq + _AFTER + 1))
    texts = [_step_text(step) for step in steps]
    if len(texts) < first.seq + _AFTER - start:
        texts.append("(cut off)" if trace.missing else f"({outcome(trace.header.verdict)})")
    return [ascii_only(text) for text in texts]


def _step_text(step: Step) -> str:
    event = step.event
    words = ", ".join(step.effects)
    where = f"{event.seq} {event.task}: {event.label}"
    return f"{where}: {words}" if words else where


def _tasks(difference: Difference, width: int, paint: Paint) -> Iterator[str]:
    if difference.first is None:
        return
    if not difference.aligned:
        text = f"(what each task did is told of traces with at most {MOST} steps)"
        yield from wrap(text, width, _GAP)
        return
    text = "what the tasks did (- only in A, + only in B, ~ drawn otherwise)"
    yield from (paint(line, "head") for line in wrap(text, width, _GAP))
    alike = [name for name, pairs in difference.pairs.items() if not _apart(pairs)]
    for name, pairs in difference.pairs.items():
        if name not in alike:
            yield from wrap(ascii_only(f"{name}: {_count(pairs)}"), width, _GAP)
        lines = [line for pair in pairs for line in _pair_lines(pair)]
        for line in lines[:_LISTED]:
            yield from (_GAP + part for part in wrap(line, width - len(_GAP), _GAP))
        if len(lines) > _LISTED:
            yield f"{_GAP}(and {len(lines) - _LISTED} more)"
    if alike:
        yield from wrap(ascii_only(f"the same steps in both: {', '.join(alike)}"), width, _GAP)


def _apart(pairs: Sequence[Pair]) -> bool:
    return any(pair.a is None or pair.b is None or pair.drawn_apart for pair in pairs)


def _count(pairs: Sequence[Pair]) -> str:
    only_a = sum(pair.b is None for pair in pairs)
    only_b = sum(pair.a is None for pair in pairs)
    parts = [f"{len(pairs) - only_a - only_b} in both"]
    parts += [f"{only_a} only in A"] if only_a else []
    parts += [f"{only_b} only in B"] if only_b else []
    return ", ".join(parts)


def _pair_lines(pair: Pair) -> Iterator[str]:
    if pair.drawn_apart:
        assert pair.a is not None
        assert pair.b is not None
        text = f"~ {pair.a.seq}, {pair.b.seq} {pair.a.label}: chose {pair.a.option}, in B "
        yield ascii_only(text + str(pair.b.option))
    elif pair.b is None or pair.a is None:
        event: Event | None = pair.a or pair.b
        assert event is not None
        yield ascii_only(f"{'-' if pair.b is None else '+'} {event.seq} {event.label}")


def _world(when: str, changes: Mapping[str, Change], width: int, paint: Paint) -> Iterator[str]:
    if not changes:
        return
    yield paint(f"the world {when}, where it differs", "head")
    rows = list(_world_rows(changes))
    lines = [("", "A", "B"), *(tuple(map(ascii_only, row)) for row in rows[:_LISTED])]
    room = width - len(_GAP) * len(lines[0])
    widths = share(room, [max(len(line[place]) for line in lines) for place in range(3)])
    for line in lines:
        yield from (_GAP + part for part in row_lines(line, widths, _GAP))
    if len(rows) > _LISTED:
        yield f"{_GAP}(and {len(rows) - _LISTED} more)"


def _world_rows(changes: Mapping[str, Change]) -> Iterator[tuple[str, str, str]]:
    """A row a key; but an object that is in one world only, with two or more fields, is one."""
    things: dict[str, dict[str, Change]] = {}
    for key, change in changes.items():
        things.setdefault(split_key(key)[0], {})[key] = change
    for thing, part in things.items():
        sides = [[values[side] for values in part.values()] for side in (0, 1)]
        if len(part) > 1 and thing not in part and any(_nothing(side) for side in sides):
            facts = ", ".join(_facts(part))
            yield (thing, "-", facts) if _nothing(sides[0]) else (thing, facts, "-")
        else:
            for key, (a, b) in part.items():
                yield key, value_text(a, b), value_text(b, a)


def _nothing(values: Sequence[Value | None]) -> bool:
    return all(value is None for value in values)


def _facts(part: Mapping[str, Change]) -> Iterator[str]:
    for key, (a, b) in part.items():
        yield f"{split_key(key)[1]} {value_text(b if a is None else a)}"
