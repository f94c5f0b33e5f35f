# SPDX-License-Identifier: MIT OR Apache-2.0
"""One row of a drawing in cells: by bars where there are some, otherwise by position.

Text belongs to the last column that begins at or shortly before it. Titles may be centred: if
the first column's text begins left of its title, that holds for all. Text may run on beneath
the next column; only two spaces or more let another cell begin. Comments, which stand in
parentheses or behind two slashes, are blanked out, so that positions stay what they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Text may begin so far left of its column's title, or a quarter of the way to the one before.
_SLACK: Final = 4

_BAR: Final = re.compile("[│┃║╎╏┆┇┊┋]")
_BOX: Final = re.compile("[\u2500-\u257f]")
_RULE: Final = re.compile(r"[-=+_|\s]*")
_COMMENT: Final = re.compile(r"//.*|/\*.*?\*/|(?<!\S)\([^()]+\)")
_CHUNK: Final = re.compile(r"\S+(?: \S+)*")
_TITLES: Final = re.compile(r"\bCPU ?(\d{1,3})\b\s?(?:\(\s*([^()]*?)\s*\))?", re.IGNORECASE)
_NAMES: Final = re.compile(r"\(\s*([^()]*?)\s*\)")


@attrs.frozen
class Cell:
    """What one row says in one column."""

    column: int
    indent: int
    text: str


@attrs.frozen
class Header:
    """The columns: their *names*, *starts*, *tasks* where written, and the *bars* between.

    *frame* says whether bars stand left and right of it all. *shift* is how far left of the
    titles the text begins, where the titles are centred.
    """

    names: tuple[str, ...]
    starts: tuple[int, ...]
    tasks: tuple[str, ...]
    bars: int
    frame: tuple[bool, bool]
    shift: int = 0

    def over(self, rows: Sequence[str]) -> Header:
        """The same header, over these rows."""
        lefts = [len(row) - len(row.lstrip()) for row in rows if not is_rule(row)]
        return attrs.evolve(self, shift=max(0, self.starts[0] - min(lefts, default=0)))

    def column_at(self, position: int) -> int:
        """The column of text that begins at *position*."""
        found = 0
        for number in range(1, len(self.starts)):
            gap = self.starts[number] - self.starts[number - 1]
            left = min(self.shift, gap // 2) + min(_SLACK, gap // 4)
            if position >= self.starts[number] - left:
                found = number
        return found


def cleaned(row: str) -> str:
    """*row* with blanks for tabs, and bars and rules instead of drawn boxes."""
    return _BOX.sub("-", _BAR.sub("|", row.expandtabs(8))).rstrip()


def without_comments(row: str) -> str:
    """*row* with blanks where comments stand."""
    return _COMMENT.sub(lambda comment: " " * len(comment[0]), row)


def is_rule(row: str) -> bool:
    """Whether a cleaned row says nothing: blank, or lines that somebody drew."""
    return _RULE.fullmatch(row) is not None


def header_of(row: str) -> Header | None:
    """The header that a cleaned row is, if it is one."""
    titles = list(_TITLES.finditer(row))
    if not titles or not is_rule(_TITLES.sub("", row)):
        return None
    frame = (row.lstrip().startswith("|"), row.endswith("|"))
    return Header(
        tuple(f"CPU{int(title[1])}" for title in titles),
        tuple(title.start() for title in titles),
        tuple(title[2] or "" for title in titles),
        _inner(row, frame).count("|"),
        frame,
    )


def names_in(row: str, header: Header) -> Iterator[tuple[int, str]]:
    """The names by column, if a cleaned row holds names in parentheses and nothing else."""
    if is_rule(_NAMES.sub("", row)):
        for name in _NAMES.finditer(row):
            yield header.column_at(name.start()), name[1]


def cells_of(row: str, header: Header) -> Sequence[Cell] | None:
    """The cells of a cleaned row, from left to right; none where its bars do not fit."""
    row = without_comments(row)
    if header.bars and "|" in row:
        return _between_bars(_inner(row, header.frame), header)
    return _by_position(row.replace("|", " "), header)


def _inner(row: str, frame: tuple[bool, bool]) -> str:
    """*row* without the bars of a frame around it."""
    left, right = frame
    if left and row.lstrip().startswith("|"):
        row = row.replace("|", " ", 1)
    row = row.rstrip()
    return row.removesuffix("|") if right else row


def _between_bars(row: str, header: Header) -> Sequence[Cell] | None:
    parts = row.split("|")
    if len(parts) != header.bars + 1 or len(parts) != len(header.names):
        return None
    return [
        Cell(number, len(part) - len(part.lstrip()), " ".join(part.split()))
        for number, part in enumerate(parts)
        if part.strip()
    ]


def _by_position(row: str, header: Header) -> Sequence[Cell]:
    cells: list[Cell] = []
    for chunk in _CHUNK.finditer(row):
        column = header.column_at(chunk.start())
        if cells and cells[-1].column == column:
            cells[-1] = attrs.evolve(cells[-1], text=f"{cells[-1].text} {chunk[0]}")
        else:
            cells.append(Cell(column, chunk.start(), chunk[0]))
    return cells
