# SPDX-License-Identifier: MIT OR Apache-2.0
"""New, fixed, slower to find, or not enough to tell."""

from __future__ import annotations

import pytest

from swaptrio.explore.campaign import Failure, FailureKind, Known
from swaptrio.explore.campaign.account import Account
from swaptrio.explore.campaign.compare import Change, compare, shared


def account(
    executions: int,
    *counts: int,
    rule: str = "I-ONE",
    scenario: str = "race",
    first: int = 3,
) -> Account:
    """A case in which failures of one rule, at other labels each, were seen *counts* times."""
    failures = tuple(
        Failure(
            FailureKind("violation", rule, (f"f.{number}",)),
            count,
            first + number,
            9,
            5,
            "-",
            "",
        )
        for number, count in enumerate(counts)
        if count
    )
    case = Known(1, scenario, "v3", ("a", "b"), (scenario, "v3"))
    return Account(case, executions, 0, 1.0, 0, failures, 0, (), (), 0, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (account(1000), account(1000, 1), Change.NEW),
        (account(1000), account(10, 1), Change.NEW),
        (account(1000, 5), account(1000), Change.FIXED),
        (account(1000, 5), account(999), Change.UNSEEN),
        (account(1000, 1), account(1000), Change.UNSEEN),
        (account(1000, 1), account(5000), Change.FIXED),
        (account(1000, 100), account(1000, 40), Change.SLOWER),
        (account(1000, 100), account(1000, 60), Change.SAME),
        (account(1000, 100), account(1000, 900), Change.SAME),
        (account(1000, 8), account(1000, 3), Change.SAME),
        (account(1000, 50, 50), account(1000, 0, 40), Change.SLOWER),
    ],
)
def test_what_became_of_a_failure(old: Account, new: Account, change: Change) -> None:
    """By rates and not by counts, and never by what may be chance."""
    [found] = compare([old], [new])

    assert found.change is change


def test_nothing_on_either_side() -> None:
    """Is nothing to tell."""
    assert compare([account(10)], [account(10)]) == ()


def test_labels_do_not_count() -> None:
    """The same rule at other labels is the same failure; counts add up over them."""
    [found] = compare([account(10, 2, 3, first=5)], [account(10, 0, 4)], old_start=5)

    assert (found.old.count, found.old.first, found.old.rate) == (5, 1, 0.5)
    assert (found.new.count, found.new.executions) == (4, 10)


def test_scenarios_and_rules_are_apart() -> None:
    """Each scenario and rule is compared with itself, in order."""
    old = [account(10, 1, scenario="b"), account(10, 1, scenario="a", rule="I-TWO")]
    new = [account(100, 1, scenario="a"), account(10, 1, scenario="b")]
    found = compare(old, new)

    assert [(each.scenario, each.rule, each.change) for each in found] == [
        ("a", "I-ONE", Change.NEW),
        ("a", "I-TWO", Change.FIXED),
        ("b", "I-ONE", Change.SAME),
    ]


def test_what_both_have_run() -> None:
    """A scenario that one side has not, or has not begun, is not compared."""
    old = [account(10, scenario="a"), account(10, scenario="b"), account(10, scenario="c")]
    new = [account(10, scenario="c"), account(0, scenario="b")]

    assert shared(old, new) == ("c",)
