# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading drawings: what people draw in all its forms, and what is no drawing."""

from __future__ import annotations

import pytest

from swaptrio.diagram import Column, Diagram, DiagramError, Line, parse_diagram
from swaptrio.diagram.parse import LONGEST_ROW, MOST_ROWS

PLAIN = """\
CPU0            CPU1
one()
  two
                three()
 *** boom ***
"""

#: The same drawing in other hands.
SAME = {
    "a mail around it": f"Hi,\n\nthis races (I think):\n\n{PLAIN}\nSigned-off-by: me\n",
    "tabs": "CPU0\t\tCPU1\none()\n  two\n\t\tthree()\n*** boom",
    "blank lines and rules": (
        "CPU0            CPU1\n----            ----\n\none()\n\n  two\n"
        "                three()\n\n*** boom ***"
    ),
    "comments": (
        "CPU0            CPU1\none()  // first\n  two (holds the lock)\n"
        "(now the other)\n                three() /* last */\n*** boom ***"
    ),
    "bars": (
        "CPU0         | CPU1\n-------------+-------\none()        |\n  two        |\n"
        "             | three()\n*** boom ***"
    ),
    "a frame of bars": (
        "| CPU0       | CPU1     |\n| one()      |          |\n|   two      |          |\n"
        "|            | three()  |\n*** boom ***"
    ),
    "a box": (
        "┌────────────┬──────────┐\n│ CPU0       │ CPU1     │\n├────────────┼──────────┤\n"
        "│ one()      │          │\n│   two      │          │\n│            │ three()  │\n"
        "└────────────┴──────────┘\n*** boom ***"
    ),
    "titles in the middle": (
        "       CPU0                    CPU1\n       ----                    ----\n"
        "  one()\n    two\n                          three()\n\n *** boom ***"
    ),
    "a space in the titles": PLAIN.replace("CPU0 ", "cpu 0").replace("CPU1", "Cpu 1"),
    "one row for both": "CPU0            CPU1\none()\n  two           three()\n*** boom ***",
}


def said(diagram: Diagram) -> list[tuple[int, str]]:
    """What a drawing says, by column."""
    return [(line.column, line.text) for line in diagram.lines]


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_the_same_drawing_in_other_hands(text: str) -> None:
    """Layout, frames, comments, and the mail around it do not matter."""
    diagram = parse_diagram(text)
    assert said(diagram) == [(0, "one()"), (0, "two"), (1, "three()")]
    assert [column.name for column in diagram.columns] == ["CPU0", "CPU1"]
    assert diagram.claim == "boom"
    first, second, _ = diagram.lines
    assert first.indent < second.indent


def test_a_drawing_as_values() -> None:
    """Columns with their tasks, lines with their numbers; the file is kept for messages."""
    assert parse_diagram("CPU0  CPU1\n(a)   (b)\nx()", "race.txt") == Diagram(
        (Column("CPU0", "a", 2), Column("CPU1", "b", 2)),
        (Line(3, 0, 0, "x()"),),
        "",
        "race.txt",
    )


def test_names_may_stand_beside_the_titles() -> None:
    """A task is named under its CPU or right beside it."""
    diagram = parse_diagram("CPU0 (zap)   CPU1 (fault)\nx()\n")
    assert [column.task for column in diagram.columns] == ["zap", "fault"]


def test_only_the_first_row_names_tasks() -> None:
    """Later rows in parentheses are comments, and so is a second one below the header."""
    diagram = parse_diagram("CPU0  CPU1\n(a)   (b)\n(waits here)\nx()\n")
    assert [column.task for column in diagram.columns] == ["a", "b"]
    assert said(diagram) == [(0, "x()")]


def test_text_runs_on_beneath_the_next_column() -> None:
    """Single spaces do not end a text; what is far from it begins another."""
    text = "CPU0      CPU1\na very long line of text here    and b\n"
    assert said(parse_diagram(text)) == [(0, "a very long line of text here"), (1, "and b")]


def test_arguments_are_no_comments() -> None:
    """Parentheses that follow a name belong to it."""
    assert said(parse_diagram("CPU0\nlock(&ci->lock);\n")) == [(0, "lock(&ci->lock);")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "race.txt: the drawing is empty"),
        (" \n\n\t\n", "race.txt: the drawing is empty"),
        (
            "fault()\n  zap()\n",
            "race.txt: there is no header; a drawing begins with a line such as CPU0   CPU1",
        ),
        ("CPU0  CPU1\n", "race.txt: nothing is drawn under the header"),
        ("CPU0  CPU1\n*** bug ***\nx()\n", "race.txt: nothing is drawn under the header"),
        (
            "CPU0  CPU0\nx()\n",
            "race.txt: line 1: the header names this CPU twice (got CPU0)",
        ),
        (
            "CPU0  CPU1\nx()\nCPU0  CPU1\ny()\n",
            "race.txt: line 3: a second header; a file holds one drawing",
        ),
        (
            "CPU0 | CPU1\nx() | y() | z()\n",
            "race.txt: line 2: the header has 2 columns; the bars here make others "
            "(got 'x() | y() | z()')",
        ),
        (
            f"CPU0\n{'x' * (LONGEST_ROW + 1)}\n",
            f"race.txt: line 2: a line has 1000 characters at most (got {LONGEST_ROW + 1})",
        ),
        (
            "CPU0\n" + "x\n" * MOST_ROWS,
            f"race.txt: line 2001: a drawing has 2000 lines at most (got {MOST_ROWS + 1})",
        ),
    ],
    ids=[
        "empty", "blank", "no-header", "no-lines", "result-only", "twice", "second-header",
        "bars", "long-line", "many-lines",
    ],
)  # fmt: skip
def test_what_is_no_drawing(text: str, message: str) -> None:
    """Each is told with its place."""
    with pytest.raises(DiagramError) as raised:
        parse_diagram(text, "race.txt")
    assert str(raised.value) == message


def test_all_problems_come_at_once() -> None:
    """A reader who mends one line does not meet the next error only then."""
    with pytest.raises(DiagramError) as raised:
        parse_diagram("CPU0 | CPU0\na | b | c\nCPU0 | CPU1\n")
    places = [problem.place for problem in raised.value.problems]
    assert places == ["line 1", "line 2", "line 3"]


def test_what_a_terminal_might_obey_is_escaped() -> None:
    """A drawing comes from a mail, and a message about it is harmless."""
    with pytest.raises(DiagramError) as raised:
        parse_diagram("CPU0 | CPU1\n\x1b[2J | b | c\n")
    assert "\x1b" not in str(raised.value)
