# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a number of executions that found nothing is worth, and what one that failed was.

A test that passes says little by itself. These are the numbers to say beside it, each with what
it assumes.
"""

from __future__ import annotations

from math import ceil, log, sqrt
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How sure a bound is, unless somebody asks for another.
RISK: Final = 0.05

#: How seldom a bug may be missed where executions are counted that would find it.
MISSED: Final = 0.01


def pct_chance(tasks: int, length: int, depth: int) -> float:
    """The chance of one execution under PCT to find a bug of *depth*, at least.

    Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs",
    ASPLOS 2010: 1 / (tasks * length ** (depth - 1)).

    Args:
        tasks: how many there are, 1 or more.
        length: of the longest execution, in decisions, 1 or more.
        depth: how many orders of two events it takes, 1 or more.

    It is that of the schedule alone. Where the bug takes a draw as well, an allocation that
    fails for one, the chance of the draw comes on top.
    """
    chance: float = 1 / (tasks * length ** (depth - 1))  # whole numbers: none is too large
    return chance


def missed_by_pct(tasks: int, length: int, depth: int, executions: int) -> float:
    """The chance at most that so many *executions* under PCT have missed a bug of *depth*."""
    return (1.0 - pct_chance(tasks, length, depth)) ** executions


def executions_needed(tasks: int, length: int, depth: int, missed: float = MISSED) -> int:
    """How many executions under PCT miss a bug of *depth* with a chance of *missed* at most."""
    return ceil(log(1.0 / missed) / pct_chance(tasks, length, depth))


@attrs.frozen
class UnseenMass:
    """How likely the next execution is to be of a class that was never seen.

    *estimate* is that of Good and Turing, the share of classes that were seen once; *bound* is
    not passed but with a chance of `RISK` (McAllester and Schapire, COLT 2000). Both hold only
    if each execution was drawn like all others and independently of them.
    """

    estimate: float
    bound: float


def unseen_mass(counts: Iterable[int], risk: float = RISK) -> UnseenMass | None:
    """The unseen mass after classes were seen so often; None if there was no execution."""
    seen = list(counts)
    total = sum(seen)
    if not total:
        return None
    estimate = seen.count(1) / total
    more = (2 * sqrt(2) + sqrt(3)) * sqrt(log(3 / risk) / total)
    return UnseenMass(estimate, min(1.0, estimate + more))


@attrs.frozen
class Rate:
    """A chance as seen in a sample: *hits* of *tries*, and an interval that holds it.

    The interval is Wilson's with a risk of 5 %; where nothing was hit its upper end is 3 in so
    many tries.
    """

    hits: int
    tries: int

    @property
    def estimate(self) -> float:
        """The share of hits."""
        return self.hits / self.tries if self.tries else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The least and the largest chance that go with the sample."""
        if not self.tries:
            return 0.0, 1.0
        if not self.hits:
            return 0.0, min(1.0, 3.0 / self.tries)
        z, n, p = 1.96, self.tries, self.estimate
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.tries:
            return "not sampled"
        if not self.hits:
            return f"fewer than 1 in {self.tries // 3 or 1} (not hit in {self.tries})"
        return f"about 1 in {round(1 / self.estimate)} ({self.hits} of {self.tries})"
