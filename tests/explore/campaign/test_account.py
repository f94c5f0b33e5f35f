# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a store shows of a case, and the curves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from swaptrio.explore.campaign import Borrowed, Case, Plan, Store, run_item
from swaptrio.explore.campaign.account import accounts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_curves_are_those_of_the_seeds(
    tmp_path: Path, plan: Plan, cases: tuple[Case, ...], carry_out: Callable[..., Store]
) -> None:
    """At each point of a curve so many windows were known as that many executions show."""
    with ThreadPoolExecutor(1) as executor:
        store = carry_out(tmp_path / "s", plan, cases, Borrowed(executor, 1))
    account, other = accounts_of(store)

    assert (account.executions, account.windows) == (90, len(store.windows(account.case)))
    for executions in (1, 17, 50):
        [item] = Plan("random", 10, executions, None, executions).items_of(cases[0])
        result = run_item(item, cases[0].matter)
        for curve, whole in (
            (account.coverage, result.windows),
            (account.distinct, result.failures),
        ):
            known = [number for at, number in curve if at <= executions]
            assert (known[-1] if known else 0) == len(whole)
    assert account.coverage[-1][1] == account.windows
    assert other.distinct == ()
