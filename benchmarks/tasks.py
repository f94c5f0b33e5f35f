# SPDX-License-Identifier: MIT OR Apache-2.0
"""c: what a step costs with 3, 30 and 300 tasks.

The tasks do nothing but pass one `point` after the other. To leave out what it costs to make
and to end them, each figure is a slope: the time of a long execution less that of a short one,
by the steps that the long one has more.

* ``hand_over``: the strategy passes the baton round, so that every step goes from one Trio task
  to another.
* ``random_walk``: as fuzzing does. With n tasks one step in n stays with its task and is cheap,
  so few tasks are at an advantage here that has nothing to do with what is asked.
"""

from __future__ import annotations

from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import trio

from benchmarks.promises import Promise
from benchmarks.rounds import Figures, in_turn
from swaptrio.sched import Execution, RandomWalk, Scheduler, Strategy, open_scheduler, point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COUNTS: Final = (3, 30, 300)

PROMISE: Final = Promise("dearest step over the cheapest, with 3, 30 and 300 tasks", "<=", 1.3)


@attrs.frozen
class RoundRobin:
    """Every task in its turn, so that none follows itself."""

    asks_always: ClassVar[bool] = False

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The next one in the order of creation.

        While all are there, the number of the next is one above the index of the running task.
        """
        running = execution.running
        following = 1 if running is None else running.index + 1
        return following if following < count else count > 1

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The default."""
        return 0


@attrs.frozen
class Sizes:
    """Steps of the short and of the long execution, about, and how often each is run."""

    short: int = 3_000
    long: int = 12_000
    times: int = 3


def measure(rounds: int, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """Run the benchmark; its part of the document."""
    return {
        "tasks": list(COUNTS),
        "hand_over": _compare(rounds, sizes, lambda _: RoundRobin()),
        "random_walk": _compare(rounds, sizes, RandomWalk),
    }


def _compare(rounds: int, sizes: Sizes, strategy: Callable[[int], Strategy]) -> dict[str, Any]:
    def slope(count: int, number: int) -> float:
        return 1e6 * _slope(count, strategy(number), sizes)

    found = in_turn(rounds, {str(count): partial(slope, count) for count in COUNTS})
    fewest = found[str(COUNTS[0])]
    return {
        "microseconds_per_step": {name: figures.summary() for name, figures in found.items()},
        "over_3_tasks": {name: f.over(fewest).summary() for name, f in found.items()},
        "spread": _spread(found, fewest),
    }


def _spread(found: dict[str, Figures], fewest: Figures) -> float:
    """The dearest over the cheapest, from the medians of the paired ratios."""
    ratios = [figures.over(fewest).median for figures in found.values()]
    return float(f"{max(ratios) / min(ratios):.4g}")


def _slope(count: int, strategy: Strategy, sizes: Sizes) -> float:
    async def main() -> float:
        taken = steps = 0.0
        async with open_scheduler() as scheduler:
            await _execution(scheduler, strategy, count, sizes.short)  # starts the Trio tasks
            for _ in range(sizes.times):
                short = await _execution(scheduler, strategy, count, sizes.short)
                long = await _execution(scheduler, strategy, count, sizes.long)
                taken += long[0] - short[0]
                steps += long[1] - short[1]
        return taken / steps

    return trio.run(main)


async def _execution(
    scheduler: Scheduler, strategy: Strategy, count: int, steps: int
) -> tuple[float, int]:
    """Seconds and steps of one execution with *count* tasks."""

    async def body() -> None:
        for _ in range(steps // count):
            await point("task.step")

    def program(execution: Execution) -> None:
        for index in range(count):
            execution.spawn(f"task {index}", body)

    begun = process_time()
    execution = await scheduler.run(program, strategy, budget=2 * steps)
    taken = process_time() - begun
    assert execution.verdict is not None
    assert execution.verdict.passed
    return taken, execution.verdict.steps
