# SPDX-License-Identifier: MIT OR Apache-2.0
"""d: executions and scheduling points a second of a campaign, with one process and with two.

Items go to the pool that `swaptrio campaign` uses, as its runner hands them out. The pool runs
before the clock does, so that what is measured is the campaign and not its beginning. Here the
clock is that of the wall, as it is the point that two processes work at the same time: on a
machine that does something else beside, the ratio is less than it could be, down to one where
the system shares the processors out between users. So there is a second ratio, by seconds of
the processor: what two processes would give if nobody else were there.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from itertools import islice
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from benchmarks.promises import Promise
from benchmarks.rounds import Figures, in_turn
from swaptrio.explore.campaign import (
    Case,
    Item,
    Matter,
    Plan,
    ProcessPool,
    Result,
    matter_of,
    run_item,
)

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

#: A result, and for how many seconds the processor was at it.
Timed: TypeAlias = tuple[Result, float]


@attrs.frozen
class Sizes:
    """Items that a process runs in a round, and the seeds of each.

    So many that what else the machine does for a moment evens out: what one process loses by
    it, the other waits for at the end of a round, and a campaign has no such end for hours.
    """

    items: int = 10
    seeds: int = 500


@attrs.define
class Counted:
    """Executions and steps that a pool has made in *seconds*, *busy* ones of the processor."""

    executions: int = 0
    steps: int = 0
    seconds: float = 0.0
    busy: float = 0.0


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
    idle: dict[str, list[float]] = {name: [] for name in pools}

    def rate(name: str, number: int) -> float:
        pool = pools[name]
        counted = run(pool, case, number, sizes)
        if number:
            points[name].append(counted.steps / counted.seconds)
            idle[name].append(pool.jobs * counted.executions / counted.busy)
        return counted.executions / counted.seconds

    try:
        figures = in_turn(rounds, {name: partial(rate, name) for name in pools})
    finally:
        for pool in pools.values():
            pool.close()
    apart = {name: Figures(tuple(values)) for name, values in idle.items()}
    one, two = (figures[str(jobs)] for jobs in JOBS)
    return {
        "executions_per_second": {name: figures[name].summary() for name in pools},
        "points_per_second": {name: max(values) for name, values in points.items()},
        "ratio": two.over(one).summary(),
        "ratio_by_processor_seconds": apart["2"].over(apart["1"]).summary(),
    }


def run(pool: ProcessPool, case: Case, number: int, sizes: Sizes) -> Counted:
    """The items of round *number*, handed to *pool* as it takes them."""
    plan = Plan("random", 0, None, None, sizes.seeds)
    count = sizes.items * pool.jobs
    items = islice(plan.items_of(case), number * count, (number + 1) * count)
    counted = Counted()
    begun, own = perf_counter(), process_time()
    for result, busy in _results(pool, case, deque(items)):
        counted.executions += result.executions
        counted.steps += result.steps
        counted.busy += busy
    counted.seconds = perf_counter() - begun
    counted.busy += process_time() - own
    return counted


def timed(item: Item, matter: Matter) -> Timed:
    """The result of *item*, and for how many seconds the processor was at it."""
    begun = process_time()
    result = run_item(item, matter)
    return result, process_time() - begun


def _results(pool: ProcessPool, case: Case, items: deque[Item]) -> Iterator[Timed]:
    under_way: dict[Future[Timed], None] = {}
    while items or under_way:
        while items and len(under_way) < pool.width:
            under_way[pool.submit(timed, items.popleft(), case.matter)] = None
        ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in [each for each in under_way if each in ended]:
            del under_way[future]
            yield future.result()
