# SPDX-License-Identifier: MIT OR Apache-2.0
"""d: executions and scheduling points a second of a campaign, with one process and with two.

Items go to the pool that `swaptrio campaign` uses, as its runner hands them out. The pool runs
before the clock does, so that what is measured is the campaign and not its beginning. Here the
clock is that of the wall, as it is the point that two processes work at the same time: on a
machine that does something else beside, the ratio is less than it could be.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks.promises import Promise
from benchmarks.rounds import in_turn
from swaptrio.explore.campaign import Case, Item, Plan, ProcessPool, Result, matter_of, run_item

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is run with one process and with two; the first is the one that counts.
SCENARIOS: Final = (
    "large-vs-small-neighbour",
    "two-faults-one-slot",
    "v4-while-orders-with-thp",
)
VARIANT: Final = "v3"
JOBS: Final = (1, 2)

PROMISE: Final = Promise("executions/s with 2 processes, times those with 1", ">=", 1.8)


@attrs.frozen
class Sizes:
    """Items that a process runs in a round, and the seeds of each."""

    items: int = 3
    seeds: int = 500


@attrs.define
class Counted:
    """Executions and steps that a pool has made in *seconds*."""

    executions: int = 0
    steps: int = 0
    seconds: float = 0.0


def measure(rounds: int, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """Run the benchmark; its part of the document."""
    found = {scenario: _scenario(rounds, scenario, sizes) for scenario in SCENARIOS}
    return {
        "variant": VARIANT,
        "seeds_per_item": sizes.seeds,
        "scenarios": found,
        "ratio": found[SCENARIOS[0]]["ratio"],
    }


def _scenario(rounds: int, scenario: str, sizes: Sizes) -> dict[str, Any]:
    case = Case(scenario, VARIANT, matter_of(scenario, VARIANT))
    pools = {str(jobs): ProcessPool(jobs) for jobs in JOBS}
    points: dict[str, list[float]] = {name: [] for name in pools}

    def rate(name: str, number: int) -> float:
        pool = pools[name]
        counted = run(pool, case, number, sizes)
        if number:
            points[name].append(counted.steps / counted.seconds)
        return counted.executions / counted.seconds

    try:
        figures = in_turn(rounds, {name: partial(rate, name) for name in pools})
    finally:
        for pool in pools.values():
            pool.close()
    one, two = (figures[str(jobs)] for jobs in JOBS)
    return {
        "executions_per_second": {name: figures[name].summary() for name in pools},
        "points_per_second": {name: max(values) for name, values in points.items()},
        "ratio": two.over(one).summary(),
    }


def run(pool: ProcessPool, case: Case, number: int, sizes: Sizes) -> Counted:
    """The items of round *number*, handed to *pool* as it takes them."""
    plan = Plan("random", 0, None, None, sizes.seeds)
    count = sizes.items * pool.jobs
    items = islice(plan.items_of(case), number * count, (number + 1) * count)
    counted = Counted()
    begun = perf_counter()
    for result in _results(pool, case, deque(items)):
        counted.executions += result.executions
        counted.steps += result.steps
    counted.seconds = perf_counter() - begun
    return counted


def _results(pool: ProcessPool, case: Case, items: deque[Item]) -> Iterator[Result]:
    under_way: dict[Future[Result], None] = {}
    while items or under_way:
        while items and len(under_way) < pool.width:
            under_way[pool.submit(run_item, items.popleft(), case.matter)] = None
        ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in [each for each in under_way if each in ended]:
            del under_way[future]
            yield future.result()
