# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counting schedules to the first bug, and what to say of the counts."""

from __future__ import annotations

from math import inf
from statistics import fmean, median, stdev
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Program, Scheduler, Verdict  # noqa: TC004 -- a hint
    from swaptrio.sched.strategies.protocol import SeededStrategy

#: Seeds of two campaigns lie so far apart.
STRIDE = 1_000_003


class Quarry(Protocol):
    """What has a bug."""

    async def execute(self, scheduler: Scheduler, strategy: SeededStrategy) -> Verdict:
        """Run it once."""

    def shows(self, verdict: Verdict) -> bool:
        """Whether an execution that ended so has shown the bug."""


@attrs.frozen
class AnyFailure:
    """A program whose every failure is its bug."""

    program: Program

    async def execute(self, scheduler: Scheduler, strategy: SeededStrategy) -> Verdict:
        """Run it once."""
        verdict = (await scheduler.run(self.program, strategy)).verdict
        assert verdict is not None
        return verdict

    def shows(self, verdict: Verdict) -> bool:
        """Whether it did not pass."""
        return not verdict.passed


@attrs.frozen
class Limits:
    """When to give up: a campaign after *schedules*, a cell after *total* or after *seconds*.

    Seconds are wall time: with them it depends on the machine how many campaigns a cell has.
    """

    schedules: int = 10_000
    seconds: float = inf
    total: float = inf


@attrs.define
class Counts:
    """One cell: what each campaign needed (*found*), or spent in vain.

    Every execution counts, those in which a strategy only measures too. *cut* is what the last
    campaign had spent when the cell's limit was reached; whoever goes on begins that one again.
    """

    found: list[int] = attrs.Factory(list)
    vain: list[int] = attrs.Factory(list)
    cut: int = 0

    @property
    def ended(self) -> int:
        """How many campaigns have come to their end."""
        return len(self.found) + len(self.vain)

    @property
    def spent(self) -> int:
        """All schedules of all campaigns."""
        return sum(self.found) + sum(self.vain) + self.cut

    def summary(self) -> dict[str, Any]:
        """As JSON has it: ``per_bug`` is all schedules spent over all bugs found."""
        campaigns = self.ended + bool(self.cut)
        said: dict[str, Any] = {"campaigns": campaigns, "found": len(self.found)}
        if campaigns > len(self.found):
            said["schedules_in_vain"] = sum(self.vain) + self.cut
        if self.found:
            said["mean"] = _short(fmean(self.found))
            said["median"] = _short(median(self.found))
            said["interval95"] = [_short(end) for end in _interval(self.found)]
            said["per_bug"] = _short(self.spent / len(self.found))
        return said


async def hunt(
    scheduler: Scheduler,
    quarry: Quarry,
    make: Callable[[], SeededStrategy],
    campaigns: range,
    limits: Limits,
    counts: Counts | None = None,
) -> Counts:
    """Run *campaigns*, each with a strategy of its own, until its first bug.

    Those that have ended in *counts* are not run again.
    """
    counts = counts or Counts()
    counts.cut = 0
    end = perf_counter() + limits.seconds
    for campaign in campaigns[counts.ended :]:
        left = limits.total - counts.spent
        if left <= 0:
            break
        spent, found = await _first(scheduler, quarry, make(), campaign, limits, left, end)
        if found:
            counts.found.append(spent)
        elif spent == limits.schedules:
            counts.vain.append(spent)
        else:
            counts.cut = spent
        if perf_counter() > end:
            break
    return counts


async def _first(
    scheduler: Scheduler,
    quarry: Quarry,
    strategy: SeededStrategy,
    campaign: int,
    limits: Limits,
    left: float,
    end: float,
) -> tuple[int, bool]:
    """How many schedules one campaign spent, and whether it found the bug."""
    for number in range(1, limits.schedules + 1):
        strategy.seed = first_seed(campaign) + number - 1
        if quarry.shows(await quarry.execute(scheduler, strategy)):
            return number, True
        if number >= left or (number % 64 == 0 and perf_counter() > end):
            return number, False
    return limits.schedules, False


def first_seed(campaign: int) -> int:
    """The first seed of a campaign."""
    return campaign * STRIDE + 1


def _interval(values: list[int]) -> tuple[float, float]:
    """The 95 % interval of the mean, by the normal approximation."""
    middle = fmean(values)
    half = 1.96 * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return middle - half, middle + half


def _short(value: float) -> float:
    return float(f"{value:.4g}")
