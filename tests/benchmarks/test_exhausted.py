# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of explored programs is that of the results."""

from __future__ import annotations

from benchmarks.bugs.table import page_with
from benchmarks.exhausted import PAGE, results, table
from benchmarks.exhaustive import PROGRAMS, WAYS


def test_the_page_is_that_of_the_results() -> None:
    """Nobody has written a figure by hand, and none is of an older measurement."""
    page = PAGE.read_text(encoding="utf-8")
    assert page_with(page, list(table(results()))) == page


def test_the_results_are_of_what_is_there() -> None:
    """Each program was explored in each way."""
    measured = [(row["program"], row["way"]) for row in results()]
    assert measured == [(program, way) for program in PROGRAMS for way in WAYS]


def test_what_has_not_ended_is_said() -> None:
    """A search that was stopped is not shown as one that is done."""
    row = {
        "program": "p",
        "way": "states",
        "complete": False,
        "executions": 1234,
        "traces": None,
        "states": 5,
        "seconds": 20.04,
    }
    assert list(table([row]))[-1] == "| p | states | no | 1,234 | - | 5 | 20.0 |"
