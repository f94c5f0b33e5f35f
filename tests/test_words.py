# SPDX-License-Identifier: MIT OR Apache-2.0
"""The nearest right word."""

from __future__ import annotations

import itertools

import pytest

from swaptrio.words import LONGEST_WORD, did_you_mean, nearest

KINDS = ("fault", "readahead", "zap", "zswap-writeback", "swapout", "store")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("fualt", "fault"), ("FAULT", "fault"), ("zswap_writeback", "zswap-writeback")],
)
def test_nearest(word: str, meant: str) -> None:
    """A slip of the pen, other case or another dash leads to the word that was meant."""
    assert nearest(word, KINDS) == meant


@pytest.mark.parametrize("word", ["", "quux", "x" * (LONGEST_WORD + 1)])
def test_nothing_near(word: str) -> None:
    """A word that is like no other gets no suggestion."""
    assert nearest(word, KINDS) is None


def test_nothing_known() -> None:
    """Where there are no words, none is suggested."""
    assert nearest("fault", ()) is None


def test_order_does_not_matter() -> None:
    """Of words that are equally near it is always the same one, in whatever order they come."""
    words = ("fault-a", "fault-b", "Fault-A")

    assert {nearest("fault-c", order) for order in itertools.permutations(words)} == {"fault-b"}


def test_did_you_mean() -> None:
    """A suggestion ends a message; without one the message stays as it is."""
    assert did_you_mean("fualt", KINDS) == "; did you mean 'fault'?"
    assert did_you_mean("quux", KINDS) == ""
