# SPDX-License-Identifier: MIT OR Apache-2.0
"""Alignment: a longest common subsequence, and a common one in bounded time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaptrio.trace.align import PATIENCE, Place, align

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


def matched(one: Sequence[str], other: Sequence[str], places: list[Place]) -> int:
    """How many positions belong together; all are there, in order, and pairs are equal."""
    assert [i for i, _ in places if i is not None] == list(range(len(one)))
    assert [j for _, j in places if j is not None] == list(range(len(other)))
    pairs = [(i, j) for i, j in places if i is not None and j is not None]
    assert all(one[i] == other[j] for i, j in pairs)
    return len(pairs)


def longest(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of a longest common subsequence, by the textbook."""
    row = [0] * (len(other) + 1)
    for item in one:
        last = row
        row = [0]
        for j, there in enumerate(other):
            row.append(last[j] + 1 if item == there else max(last[j + 1], row[j]))
    return row[-1]


@given(WORDS, WORDS)
def test_short_sequences_are_aligned_best(one: list[str], other: list[str]) -> None:
    """As many items as possible belong together."""
    assert matched(one, other, align(one, other)) == longest(one, other)


def test_what_was_left_out_comes_before_what_was_put_in() -> None:
    """Between two pairs the positions of the first sequence stand first."""
    assert align("axb", "ayb") == [(0, 0), (1, None), (None, 1), (2, 2)]
    assert align("", "") == []
    assert align("", "a") == [(None, 0)]


@pytest.mark.parametrize(
    ("one", "other", "at_least"),
    [
        (["x"] * 10_000, ["x"] * 10_000, 10_000),
        (["x"] * 10_000, ["x"] * 9_000, 9_000),
        (["x"] * 10_000, ["y"] * 10_000, 0),
        (["x", "y"] * 5_000, ["y", "x"] * 5_000, 9_999),
        ([str(n) for n in range(5_000)], [str(n) for n in reversed(range(5_000))], 1),
        (["a"] * 4 * PATIENCE + ["b"] * 5, ["b"] * 5 + ["a"] * 4 * PATIENCE, 4 * PATIENCE),
        (["b"] * PATIENCE + ["a"] * 5000, ["c"] * PATIENCE + ["a"] * 5000, 5000),
    ],
)
def test_long_sequences_are_aligned_well(
    one: list[str], other: list[str], at_least: int
) -> None:
    """Alike or not, thousands of items are aligned in a moment."""
    assert matched(one, other, align(one, other)) >= at_least
