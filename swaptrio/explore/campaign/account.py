# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a campaign has shown of each case, with its curves.

A curve says how many windows, or kinds of failure, the executions up to a number had shown. It
is made of first seeds, so it is the same whatever the order in which items were run; while
items in the middle are still to be run it may yet rise to the left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from swaptrio.explore.campaign.result import Failure
from swaptrio.explore.campaign.store import Known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.explore.campaign.store import Store

#: Points (executions, number): from there on so many were known.
Curve: TypeAlias = tuple[tuple[int, int], ...]


@attrs.frozen
class Account:
    """One case: what was run of it, and what that has shown.

    *seconds* is the time of all workers together. *given_up* counts the items that killed too
    often to be run to their ends. *longest* is the longest execution in steps, and *tasks* are
    the most that one had; *settled* are those with PCT's bound. What an item learned of the
    length of executions no other one knows, so only those count that knew of the longest.
    """

    case: Known
    executions: int
    steps: int
    seconds: float
    given_up: int
    failures: tuple[Failure, ...]
    windows: int
    coverage: Curve
    distinct: Curve
    tasks: int
    longest: int
    settled: int


def accounts_of(store: Store) -> tuple[Account, ...]:
    """The account of each case of *store*, in order."""
    return tuple(_account(store, case) for case in store.cases)


def _account(store: Store, case: Known) -> Account:
    start = store.plan.first
    done = store.done(case)
    failures = store.failures(case)
    windows = store.windows(case)
    span = max((each.span for each in done), default=0)
    return Account(
        case,
        sum(each.executions for each in done),
        sum(each.steps for each in done),
        sum(each.seconds for each in done),
        sum(each.given_up for each in done),
        failures,
        len(windows),
        _curve(start, (each.first for each in windows)),
        _curve(start, (each.first for each in failures)),
        max((each.tasks for each in done), default=0),
        max((each.longest for each in done), default=0),
        sum(each.settled for each in done if each.span == span),
    )


def _curve(start: int, firsts: Iterable[int]) -> Curve:
    """From the seeds at which something was first seen, counted from *start*."""
    points: dict[int, int] = {}
    for number, seed in enumerate(sorted(firsts), 1):
        points[seed - start + 1] = number
    return tuple(points.items())
