# SPDX-License-Identifier: MIT OR Apache-2.0
"""The registry: every format is there, says what it is, and is a pure function."""

from __future__ import annotations

from typing import Any

import pytest

from swaptrio.trace import Trace, render_trace
from swaptrio.trace.formats import FORMATS, RESULT_FORMATS, Format, Result


def test_the_names() -> None:
    """What a user can ask for."""
    assert list(FORMATS) == ["chrome", "ftrace", "itf", "shiviz", "mermaid", "svg"]
    assert list(RESULT_FORMATS) == ["ktap", "junit"]


def test_every_format_describes_itself() -> None:
    """A name, a suffix, a summary in one line, and what is lost."""
    formats: list[Format[Any]] = [*FORMATS.values(), *RESULT_FORMATS.values()]

    assert [each.name for each in formats] == [*FORMATS, *RESULT_FORMATS]
    assert all(each.suffix.startswith(".") for each in formats)
    assert all(each.summary and "\n" not in each.summary for each in formats)
    assert all(each.lost for each in formats)
    assert len({each.suffix for each in formats}) == len(formats)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_pure(talk: Trace, name: str) -> None:
    """The same trace gives the same bytes, and stays as it was."""
    before = render_trace(talk)

    assert FORMATS[name].function(talk) == FORMATS[name].function(talk)
    assert render_trace(talk) == before


@pytest.mark.parametrize("name", RESULT_FORMATS)
def test_result_formats_are_pure(name: str) -> None:
    """The same results give the same bytes."""
    results = [Result("a", "v3", "passed", "passed")]

    assert RESULT_FORMATS[name].function(results) == RESULT_FORMATS[name].function(results)
