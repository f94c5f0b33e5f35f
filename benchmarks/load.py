# SPDX-License-Identifier: MIT OR Apache-2.0
"""j: what a step of the load generator costs in a small world and in a large one.

The mix of what goes on is the same: one user in four uses a file, and there is a task that
reclaims for every eight. To leave out what it costs to make the worlds, each figure is a slope:
the time of a long execution less that of a short one, by the steps that the long one has more.
"""

from __future__ import annotations

from time import process_time
from typing import Any, Final

import attrs
import trio

from benchmarks.promises import Promise
from benchmarks.rounds import in_turn
from swaptrio.explore.load import run_load
from swaptrio.sched import open_scheduler
from swaptrio.variants import load

PROMISE: Final = Promise(
    "a step with 1,000 tasks and 64 clusters, times one with 4 users and 1 cluster", "<=", 1.5
)


@attrs.frozen
class Sizes:
    """Both worlds, in users and clusters, and the steps of the *short* and *long* execution."""

    small: tuple[int, int] = (4, 1)
    large: tuple[int, int] = (880, 64)
    short: int = 20_000
    long: int = 60_000


_SIZES: Final = Sizes()


def measure(rounds: int, sizes: Sizes = _SIZES) -> dict[str, Any]:
    """Microseconds a step in both worlds, and their ratio, round by round."""
    found = in_turn(
        rounds,
        {
            "small": lambda number: _cost(sizes, sizes.small, number),
            "large": lambda number: _cost(sizes, sizes.large, number),
        },
    )
    return {
        "microseconds": {name: figures.summary() for name, figures in found.items()},
        "ratio": found["large"].over(found["small"]).summary(),
    }


def _cost(sizes: Sizes, world: tuple[int, int], seed: int) -> float:
    short_time, short_steps = trio.run(_run, world, sizes.short, seed)
    long_time, long_steps = trio.run(_run, world, sizes.long, seed)
    return (long_time - short_time) / (long_steps - short_steps) * 1e6


async def _run(world: tuple[int, int], steps: int, seed: int) -> tuple[float, int]:
    users, clusters = world
    async with open_scheduler("stepped") as scheduler:
        begun = process_time()
        loaded = await run_load(
            scheduler, load("v5"), users=users, clusters=clusters, steps=steps, seed=seed
        )
        return process_time() - begun, loaded.verdict.steps
