# SPDX-License-Identifier: MIT OR Apache-2.0
"""The numbers beside a run: worked by hand, and held against what they promise."""

from __future__ import annotations

import math
from random import Random

import pytest

from swaptrio.explore.chances import (
    Rate,
    executions_needed,
    missed_by_pct,
    pct_chance,
    unseen_mass,
)


@pytest.mark.parametrize(
    ("tasks", "length", "depth", "chance"),
    [
        (3, 60, 1, 1 / 3),
        (3, 60, 2, 1 / 180),
        (3, 60, 3, 1 / 10_800),
        (1, 1, 3, 1.0),
        (5, 5000, 10_000, 0.0),
    ],
)
def test_pct_chance(tasks: int, length: int, depth: int, chance: float) -> None:
    """The bound of PCT, as its paper has it."""
    assert pct_chance(tasks, length, depth) == pytest.approx(chance)


def test_executions_needed() -> None:
    """With so many executions the chance to miss the bug is what was asked for, no more."""
    needed = executions_needed(3, 60, 3)

    assert needed == 49_736  # ln(100) * 10,800, rounded up
    assert missed_by_pct(3, 60, 3, needed) <= 0.01
    assert missed_by_pct(3, 60, 3, needed // 2) > 0.01
    assert missed_by_pct(3, 60, 3, 0) == 1.0


def test_unseen_mass_by_hand() -> None:
    """The estimate is the share of classes seen once, the bound a known term above it."""
    mass = unseen_mass([1, 1, 3, 5])

    assert mass is not None
    assert mass.estimate == 0.2
    term = (2 * math.sqrt(2) + math.sqrt(3)) * math.sqrt(math.log(60) / 10)
    assert mass.bound == min(1.0, 0.2 + term) == 1.0
    assert unseen_mass([]) is None


def test_unseen_mass_holds() -> None:
    """On samples whose true unseen mass is known the bound holds, and the estimate is near."""
    random = Random(7)
    weights = [2.0**-number for number in range(1, 30)]
    errors = []
    for _ in range(40):
        drawn = random.choices(range(len(weights)), weights, k=400)
        counts = {kind: drawn.count(kind) for kind in sorted(set(drawn))}
        true = sum(w for kind, w in enumerate(weights) if kind not in counts) / sum(weights)
        mass = unseen_mass(counts.values())
        assert mass is not None
        assert true <= mass.bound
        errors.append(abs(mass.estimate - true))
    assert sum(errors) / len(errors) < 0.01


@pytest.mark.parametrize(
    ("rate", "low", "high", "text"),
    [
        (Rate(0, 300), 0.0, 0.01, "fewer than 1 in 100 (not hit in 300)"),
        (Rate(12, 300), 0.023, 0.069, "about 1 in 25 (12 of 300)"),
        (Rate(0, 0), 0.0, 1.0, "not sampled"),
        (Rate(5, 5), 0.56, 1.0, "about 1 in 1 (5 of 5)"),
    ],
)
def test_rates(rate: Rate, low: float, high: float, text: str) -> None:
    """A rate has an interval, in which nothing seen is not nothing."""
    assert rate.interval == pytest.approx((low, high), abs=0.006)
    assert str(rate) == text
