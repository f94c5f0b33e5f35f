# SPDX-License-Identifier: MIT OR Apache-2.0
"""What goes round at the end of an execution."""

from __future__ import annotations

import pytest

from swaptrio.sched.rounds import last_round, round_at_end


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("", ""),
        ("a", ""),
        ("ab", ""),
        ("aa", "a"),
        ("xabab", "ab"),
        ("abaab", ""),
        ("xabcabc", "abc"),
        ("ababab", "ab"),
        ("aabaab", "aab"),
    ],
)
def test_shortest_row_that_stands_twice(steps: str, found: str) -> None:
    """It is the shortest row that is repeated at the very end, and nothing else."""
    assert "".join(round_at_end(steps)) == found


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("", ""),
        ("a", ""),
        ("ab", ""),
        ("aa", "a"),
        ("xaybazba", "zba"),
        ("abcab", "cab"),
    ],
)
def test_row_since_the_last_step_was_taken_before(steps: str, found: str) -> None:
    """It ends with that step, and has it once."""
    assert "".join(last_round(steps)) == found
