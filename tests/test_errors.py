# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a user is told about bad input."""

from __future__ import annotations

import itertools
import pickle
from datetime import date

import pytest

from swaptrio.errors import (
    MOST_LISTED,
    BadInput,
    Problem,
    ScenarioError,
    ScheduleError,
    SwaptrioError,
    TraceError,
    VariantError,
    VectorError,
    harmless,
    place,
    shown,
)


def test_full_message() -> None:
    """A problem names file, place, message, value and the nearest right word, in this order."""
    problem = Problem("a.toml", "task[0].run", "'fualt'", "must be one of fault, zap", "fault")

    assert str(problem) == (
        "a.toml: task[0].run: must be one of fault, zap (got 'fualt'); did you mean 'fault'?"
    )


def test_bare_message() -> None:
    """What a problem does not have leaves no trace in its message."""
    assert str(Problem("", "", "", "is empty")) == "is empty"


def test_one_line_per_problem() -> None:
    """An error is told in one line for each problem."""
    error = BadInput([Problem("f", "line 1", "", "bad"), Problem("f", "line 2", "", "worse")])

    assert str(error) == "f: line 1: bad\nf: line 2: worse"


def test_no_control_characters() -> None:
    """Nothing from a file, its name included, reaches the terminal as a control character."""
    problem = Problem("a\n\x1b[2J.toml", place("\x1b]0;"), shown("\r\u202e"), "bad", "\x07")

    text = str(problem)

    assert text.isprintable()
    assert text == (
        r"""a\n\x1b[2J.toml: "\x1b]0;": bad (got '\r\u202e'); did you mean '\x07'?"""
    )


def test_surrogates() -> None:
    """The name of a file that is not UTF-8 can be printed."""
    assert harmless("caf\udce9.toml") == r"caf\udce9.toml"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (17, "17"),
        (-(2**63), "-9223372036854775808"),
        pytest.param(2**40_000, "a number of 40001 bits", id="huge"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        ("fualt", "'fualt'"),
        ("", "''"),
        ("x" * 61, f"'{'x' * 60}...'"),
        ([1, [2]], "a list"),
        ((), "a list"),
        ({"a": 1}, "a table"),
        (date(2026, 4, 21), "2026-04-21"),
    ],
)
def test_shown(value: object, text: str) -> None:
    """A value is shown as its file would write it, and never at any length or depth."""
    assert shown(value) == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((), ""),
        (("window", 0, "steps", 1, "until"), "window[0].steps[1].until"),
        (("choices", "alloc.grant", 0), 'choices."alloc.grant"[0]'),
        (("k" * 61,), f"{'k' * 60}..."),
    ],
)
def test_place(parts: tuple[str | int, ...], text: str) -> None:
    """A place is written as a person would write it in the file, indices in brackets."""
    assert place(*parts) == text


@pytest.mark.parametrize(
    ("inner", "text"), [("until", "steps[1].until"), ("[3]", "steps[1][3]"), ("", "steps[1]")]
)
def test_under(inner: str, text: str) -> None:
    """A problem of an inner value becomes one of the outer value."""
    assert Problem("", inner, "", "bad").under("steps", 1).place == text


def test_of() -> None:
    """A problem can be given its file later."""
    assert Problem("", "x", "", "bad").of("a.toml") == Problem("a.toml", "x", "", "bad")


def test_endless_problems() -> None:
    """An error lists a hundred problems and says that there are more, even of endless ones."""
    error = BadInput(Problem("f", str(number), "", "bad") for number in itertools.count())

    assert len(error.problems) == MOST_LISTED + 1
    assert str(error).splitlines()[-2:] == [
        "f: 99: bad",
        "f: more problems follow; these are the first 100",
    ]


def test_exactly_as_many_as_listed() -> None:
    """An error with just a hundred problems lists them, and says nothing of others."""
    problems = tuple(Problem("f", str(number), "", "bad") for number in range(MOST_LISTED))

    assert BadInput(problems).problems == problems


@pytest.mark.parametrize("count", [1, MOST_LISTED + 5])
def test_pickled(count: int) -> None:
    """An error comes back from another process as it was."""
    error = ScenarioError(Problem("f", str(number), "", "bad") for number in range(count))

    back = pickle.loads(pickle.dumps(error))

    assert type(back) is ScenarioError
    assert back.problems == error.problems


@pytest.mark.parametrize(
    "kind", [ScenarioError, TraceError, VariantError, VectorError, ScheduleError]
)
def test_tree(kind: type[BadInput]) -> None:
    """Whoever catches SwaptrioError catches every kind of bad input."""
    assert issubclass(kind, BadInput)
    assert issubclass(BadInput, SwaptrioError)
