# SPDX-License-Identifier: MIT OR Apache-2.0
"""Executions a second by strategy, as ratios to the random walk in the same rounds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio

from benchmarks.bugs.swap import SwapCase
from benchmarks.promises import Promise
from benchmarks.rounds import in_turn, seconds
from swaptrio.sched import open_scheduler
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from swaptrio.sched.strategies import SeededStrategy

#: A scenario that passes, so that every execution runs to its end.
CASE: Final = SwapCase("two-faults-one-slot", "v3")

#: Executions of one strategy in one round.
EXECUTIONS: Final = 300

#: What all are compared with.
BASE: Final = "random"

PROMISE: Final = Promise("slowest strategy, executions/s over random's", ">=", 0.5)


def measure(rounds: int, strategies: tuple[str, ...]) -> dict[str, Any]:
    """The median rate of each strategy, and its ratio to the random walk."""
    names = tuple(dict.fromkeys((BASE, *strategies)))
    figures = in_turn(rounds, {name: partial(_round, name) for name in names})
    rates = {
        name: {
            "executions_per_second": figures[name].summary(),
            "over_random": figures[name].over(figures[BASE]).summary(),
        }
        for name in names
    }
    slowest = min(rate["over_random"]["median"] for rate in rates.values())
    return {"case": CASE.name, "rounds": rounds, "rates": rates, **PROMISE.report(slowest)}


def _round(name: str, number: int) -> float:
    """Executions a second; a strategy has learned from a round that does not count."""
    strategy = parse(name)
    return EXECUTIONS / seconds(lambda: trio.run(_run, strategy, number))


async def _run(strategy: SeededStrategy, number: int) -> None:
    async with open_scheduler("stepped") as scheduler:
        for seed in range(number * EXECUTIONS, (number + 1) * EXECUTIONS):
            strategy.seed = seed
            await CASE.execute(scheduler, strategy)
