# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trial sees what a strategy never meets, and goes on no longer than it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swaptrio.explore.campaign import Case, Plan
from swaptrio.explore.campaign.trial import MOST, try_out

CaseOf = Callable[[str], Case]


@pytest.mark.parametrize(
    ("strategy", "unmet"),
    [
        ("surw:swap0 cluster*", ()),
        ("surw:swap0 cluster*,nothing*", ("nothing*",)),
        ("window:swap_cache_alloc.check/swap_cache_alloc.recheck", ()),
        ("window:no.such/no.label", ("no.such/no.label",)),
        ("random", ()),
    ],
)
def test_what_was_not_met(case_of: CaseOf, strategy: str, unmet: tuple[str, ...]) -> None:
    """Words that fit something end the trial; the others are told after all executions."""
    case = case_of("v3")
    item = next(Plan(strategy, 5, 40, None, 40).items_of(case))
    trial = try_out(item, case.matter, "stepped")

    assert trial.unmet == unmet
    assert (trial.executions == 40) is bool(unmet)
    assert "swap_cache_alloc.recheck" in trial.words


def test_no_trial_is_as_long_as_a_campaign(
    case_of: CaseOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many seeds an item has, a trial has an end."""
    monkeypatch.setattr("swaptrio.explore.campaign.trial.MOST", 7)
    case = case_of("v3")
    item = next(Plan("surw:nothing", 0, MOST, None, MOST).items_of(case))

    assert try_out(item, case.matter, "stepped").executions == 7
