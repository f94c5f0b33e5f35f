# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a store shows of a case, and the curves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import trio

from swaptrio.explore import Coverage, fuzz
from swaptrio.explore.campaign import Borrowed, Case, Plan, Store, run_item
from swaptrio.explore.campaign.account import accounts_of
from swaptrio.explore.campaign.work import setup_of
from swaptrio.sched import open_scheduler
from swaptrio.sched.strategies import Pct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from swaptrio.explore.sights import Sights


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


async def fuzzed(case: Case, seeds: range) -> tuple[Pct, Sights]:
    """What fuzzing under PCT has learned and seen with *seeds*."""
    pct, coverage = Pct(0, depth=3), Coverage()
    async with open_scheduler("stepped") as scheduler:
        setup = setup_of(case.matter)
        await fuzz(scheduler, setup, seeds, strategy=pct, coverage=coverage)
    return pct, coverage.sights


@pytest.mark.parametrize("chunks", [1, 3])
def test_what_a_bound_needs(
    tmp_path: Path, case_of: Callable[[str], Case], carry_out: Callable[..., Store], chunks: int
) -> None:
    """Under PCT: the executions that fuzzing counts item by item, where they are as long.

    Items that have not met an execution as long as the longest could not look all through it.
    """
    case, size = case_of("v3"), 30
    starts = [chunk * size for chunk in range(chunks)]
    found = [trio.run(fuzzed, case, range(start, start + size)) for start in starts]
    span = max(pct.length for pct, _ in found)

    with ThreadPoolExecutor(1) as executor:
        plan = Plan("pct:3", 0, chunks * size, None, size)
        store = carry_out(tmp_path / "s", plan, (case,), Borrowed(executor, 1))
    [account] = accounts_of(store)

    assert account.settled == sum(pct.settled for pct, _ in found if pct.length == span) > 0
    assert account.longest == max(sights.longest for _, sights in found)
    assert account.tasks == max(sights.tasks for _, sights in found)
