# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading a drawing as people write it into a commit message.

A drawing begins with its header, ``CPU0   CPU1``, and ends with its result, ``*** result``, or
with the text. What stands before and after belongs to the mail around it and is not read. Under
the header may stand the names of tasks in parentheses, one below each CPU.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.diagram.drawing import Column, Diagram, DiagramError, Line
from swaptrio.diagram.rows import (
    Header,
    cells_of,
    cleaned,
    header_of,
    is_rule,
    names_in,
    without_comments,
)
from swaptrio.errors import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Rows that are read at most, and characters of a row.
MOST_ROWS: Final = 2000
LONGEST_ROW: Final = 1000

_RESULT: Final = re.compile(r"\W*\*\*\*\s*(.*?)\s*(?:\*+\W*)?")

Row = tuple[int, str]


def parse_diagram(text: str, file: str = "") -> Diagram:
    """The drawing in *text*.

    Args:
        text: the drawing, with whatever stands around it.
        file: the path as its user named it, for messages.

    Raises:
        DiagramError: it is no drawing; lists all that is wrong with it.
    """
    reader = _Reader(file)
    diagram = reader.read(_rows(text))
    problems = [*_too_large(text, file), *reader.problems]
    if diagram is None or problems:
        raise DiagramError(problems)
    return diagram


def _rows(text: str) -> Iterator[Row]:
    for number, row in enumerate(text.splitlines()[:MOST_ROWS], 1):
        yield number, cleaned(row[:LONGEST_ROW])


def _too_large(text: str, file: str) -> Iterator[Problem]:
    rows = text.splitlines()
    if len(rows) > MOST_ROWS:
        message = f"a drawing has {MOST_ROWS} lines at most"
        yield Problem(file, f"line {MOST_ROWS + 1}", str(len(rows)), message)
    for number, row in enumerate(islice(rows, MOST_ROWS), 1):
        if len(row) > LONGEST_ROW:
            message = f"a line has {LONGEST_ROW} characters at most"
            yield Problem(file, f"line {number}", str(len(row)), message)


def _down_to_the_result(rows: Iterator[Row]) -> tuple[list[Row], str]:
    body: list[Row] = []
    for number, row in rows:
        if result := _RESULT.fullmatch(row):
            return body, result[1]
        body.append((number, row))
    return body, ""


@attrs.define
class _Reader:
    """Reads the rows of one drawing, and keeps what is wrong with them."""

    file: str
    problems: list[Problem] = attrs.Factory(list)

    def read(self, rows: Iterator[Row]) -> Diagram | None:
        header = self._header(rows)
        if header is None:
            return None
        number, found = header
        columns = [
            Column(name, task, number)
            for name, task in zip(found.names, found.tasks, strict=True)
        ]
        lines, claim = self._body(rows, found, columns)
        if not lines and not self.problems:
            self._wrong("", "", "nothing is drawn under the header")
        return Diagram(tuple(columns), tuple(lines), claim, self.file)

    def _header(self, rows: Iterator[Row]) -> tuple[int, Header] | None:
        empty = True
        for number, row in rows:
            header = header_of(row)
            if header is not None:
                self._twice(number, header.names)
                return number, header
            empty = empty and not row
        if empty:
            self._wrong("", "", "the drawing is empty")
        else:
            message = "there is no header; a drawing begins with a line such as CPU0   CPU1"
            self._wrong("", "", message)
        return None

    def _twice(self, number: int, names: Sequence[str]) -> None:
        for place, name in enumerate(names):
            if name in names[:place]:
                self._wrong(f"line {number}", name, "the header names this CPU twice")

    def _body(
        self, rows: Iterator[Row], header: Header, columns: list[Column]
    ) -> tuple[list[Line], str]:
        """The lines down to the result, and the result."""
        body, claim = _down_to_the_result(rows)
        body = [(number, row) for number, row in body if not is_rule(row)]
        if body and self._named(*body[0], header, columns):
            body = body[1:]
        header = header.over([without_comments(row) for _, row in body])
        lines: list[Line] = []
        for number, row in body:
            if header_of(row) is not None:
                self._wrong(f"line {number}", "", "a second header; a file holds one drawing")
            else:
                lines += self._lines(number, row, header)
        return lines, claim

    def _named(self, number: int, row: str, header: Header, columns: list[Column]) -> bool:
        """Whether the row names tasks; they go into *columns*, where none stands yet."""
        names = dict(names_in(row, header))
        if not names or any(columns[place].task for place in names):
            return False
        for place, name in names.items():
            columns[place] = attrs.evolve(columns[place], task=name, line=number)
        return True

    def _lines(self, number: int, row: str, header: Header) -> Iterator[Line]:
        cells = cells_of(row, header)
        if cells is None:
            message = f"the header has {len(header.names)} columns; the bars here make others"
            self._wrong(f"line {number}", shown(row.strip()), message)
        for cell in cells or ():
            yield Line(number, cell.column, cell.indent, cell.text)

    def _wrong(self, place: str, value: str, message: str) -> None:
        self.problems.append(Problem(self.file, place, value, message))
