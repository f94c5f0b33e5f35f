# SPDX-License-Identifier: MIT OR Apache-2.0
"""The comparison of the ways to explore sees where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.agreement import agree, compared
from benchmarks.bugs.swap import SwapCase
from swaptrio.explore import Result
from swaptrio.explore.exhaustive import Outcome
from swaptrio.explore.exhaustive.future import Futures

if TYPE_CHECKING:
    import pytest

CASE = SwapCase("alloc-charge-swap-rollback", "v3")


def test_a_scenario_is_explored_in_both_ways() -> None:
    """Both end, and have found the same."""
    row = compared(CASE, 60)
    assert row["agree"] is True
    assert row["classes"]["complete"]
    assert row["states"]["complete"]
    assert row["classes"]["finals"] == row["states"]["finals"] == 2


def test_a_search_that_misses_ends_does_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look at conflicts the search for states misses one of the two ends."""
    monkeypatch.setattr(Futures, "against", lambda *_: iter(()))
    row = compared(CASE, 60)
    assert row["agree"] is False
    assert row["states"]["finals"] == 1


def test_what_has_not_ended_is_not_compared() -> None:
    """Nothing is said of a search that was stopped, whatever it has found."""
    ended = Result("one", Outcome.COMPLETE, finals=frozenset({1}))
    other = Result("other", Outcome.COMPLETE, finals=frozenset({2}))
    stopped = Result("stopped", Outcome.INCONCLUSIVE)
    assert agree([ended, ended]) is True
    assert agree([ended, other]) is False
    assert agree([ended, stopped]) is None
