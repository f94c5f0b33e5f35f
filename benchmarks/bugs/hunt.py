# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counting schedules to the first bug, and what to say of the counts."""

from __future__ import annotations

from statistics import fmean, median, stdev
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swaptrio.sched import Program, Scheduler
    from swaptrio.sched.strategies.protocol import SeededStrategy

#: Seeds of two campaigns lie so far apart.
STRIDE = 1_000_003


@attrs.frozen
class Limits:
    """When to give up: a campaign after *schedules*, a cell after *seconds* of wall time."""

    schedules: int = 10_000
    seconds: float = 60.0


@attrs.define
class Counts:
    """One cell: what each campaign needed (*found*), or spent in vain.

    Every execution counts, those in which a strategy only measures too.
    """

    found: list[int] = attrs.Factory(list)
    vain: list[int] = attrs.Factory(list)

    @property
    def campaigns(self) -> int:
        """How many campaigns there were."""
        return len(self.found) + len(self.vain)

    def summary(self) -> dict[str, Any]:
        """As JSON has it: ``per_bug`` is all schedules spent over all bugs found."""
        said: dict[str, Any] = {"campaigns": self.campaigns, "found": len(self.found)}
        if self.vain:
            said["schedules_in_vain"] = sum(self.vain)
        if self.found:
            said["mean"] = _short(fmean(self.found))
            said["median"] = _short(median(self.found))
            said["interval95"] = [_short(end) for end in _interval(self.found)]
            said["per_bug"] = _short((sum(self.found) + sum(self.vain)) / len(self.found))
        return said


async def hunt(
    scheduler: Scheduler,
    program: Program,
    make: Callable[[], SeededStrategy],
    campaigns: Iterable[int],
    limits: Limits,
) -> Counts:
    """Run *campaigns*, each with a strategy of its own, until its first bug."""
    counts = Counts()
    end = perf_counter() + limits.seconds
    for campaign in campaigns:
        spent, found = await _first(scheduler, program, make(), campaign, limits, end)
        (counts.found if found else counts.vain).append(spent)
        if perf_counter() > end:
            break
    return counts


async def _first(
    scheduler: Scheduler,
    program: Program,
    strategy: SeededStrategy,
    campaign: int,
    limits: Limits,
    end: float,
) -> tuple[int, bool]:
    """How many schedules one campaign spent, and whether it found the bug."""
    for number in range(1, limits.schedules + 1):
        strategy.seed = campaign * STRIDE + number
        verdict = (await scheduler.run(program, strategy)).verdict
        assert verdict is not None
        if not verdict.passed:
            return number, True
        if number % 64 == 0 and perf_counter() > end:
            return number, False
    return limits.schedules, False


def _interval(values: list[int]) -> tuple[float, float]:
    """The 95 % interval of the mean, by the normal approximation."""
    middle = fmean(values)
    half = 1.96 * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return middle - half, middle + half


def _short(value: float) -> float:
    return float(f"{value:.4g}")
