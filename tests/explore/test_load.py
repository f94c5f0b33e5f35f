# SPDX-License-Identifier: MIT OR Apache-2.0
"""Running the load generator: it is repeatable, keeps no decisions, and finds mistakes."""

from __future__ import annotations

import attrs
import pytest

from swaptrio.explore.load import LAST, Loaded, run_load
from swaptrio.sched import open_scheduler
from swaptrio.variants import load


async def loaded(variant: str, *, steps: int = 4_000, seed: int = 0) -> Loaded:
    """A small load."""
    async with open_scheduler("stepped") as scheduler:
        return await run_load(
            scheduler, load(variant), users=8, clusters=1, steps=steps, seed=seed
        )


async def test_a_seed_says_all() -> None:
    """The same seed gives the same steps and counters, another one others."""
    one, two, other = [await loaded("v5", seed=seed) for seed in (3, 3, 4)]

    assert attrs.evolve(one, seconds=0, max_rss=0) == attrs.evolve(two, seconds=0, max_rss=0)
    assert one.last != other.last


async def test_decisions_are_not_kept() -> None:
    """The verdict has no schedule: it would be as long as the execution."""
    found = await loaded("v5")

    assert found.verdict.passed
    assert found.verdict.steps > 4_000
    assert len(found.verdict.schedule) == 0
    assert len(found.last) == LAST


@pytest.mark.parametrize("mutant", ["no-second-check", "stats-before-charge"])
async def test_mistakes_are_found(mutant: str) -> None:
    """What breaks the swap cache is found under load, by name."""
    found = await loaded(mutant, steps=20_000)

    assert found.verdict.check in ("I-ONE", "Q-STATS")


async def test_progress() -> None:
    """Whoever waits is told how far it is."""
    told: list[int] = []
    async with open_scheduler("stepped") as scheduler:
        await run_load(
            scheduler,
            load("v5"),
            users=4,
            clusters=1,
            steps=20_000,
            seed=0,
            progress=told.append,
        )

    assert told == sorted(told)
    assert len(told) >= 2
