# SPDX-License-Identifier: MIT OR Apache-2.0
"""How this room says that a trace, or a question about one, is wrong."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from swaptrio.errors import Problem, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable


def trace_error(
    file: str, place: str, message: str, *, value: str = "", hint: str = ""
) -> TraceError:
    """A `TraceError` with one `Problem`."""
    return TraceError([Problem(file, place, value, message, hint)])


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of *words* that was probably meant by *word*; empty if none is like it."""
    close = get_close_matches(word, list(dict.fromkeys(words)), n=1, cutoff=0.5)
    return close[0] if close else ""
