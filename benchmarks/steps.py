# SPDX-License-Identifier: MIT OR Apache-2.0
"""b: microseconds a scheduling point, against a loop that sends into bare coroutines.

The figures:

* ``fuzz``: a second of fuzzing, the set-up of its worlds and its oracles included, by its
  decisions.
* ``scheduler``: an empty model, three tasks that pass one `point` after the other under a
  random walk and do nothing else, each on its own Trio task; ``scheduler_stepped``: the same,
  all stepped from one.
* ``loop``: three bare coroutines, each of them `DEPTH` ``async def`` that await one another, as
  deep as the model's. The innermost awaits a generator that yields, once a step. The loop draws
  ``int(random() * 3)`` and sends into that coroutine. Nothing else happens in it: no trace, no
  enabled set.

The tasks of the empty model are as deep as those of the loop.
"""

from __future__ import annotations

from random import Random
from types import coroutine
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from benchmarks.executions import CARRIER, setup
from benchmarks.promises import Promise
from benchmarks.rounds import in_turn, seconds
from swaptrio.explore.fuzz import fuzz
from swaptrio.sched import Execution, RandomWalk, open_scheduler, point

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from swaptrio.scenario.world import Setup
    from swaptrio.sched.opening import Carrier

TASKS: Final = 3
DEPTH: Final = 5

PROMISE: Final = Promise("us a step of the scheduler alone, times a bare send", "<=", 16)

#: 1.5 us where a bare send takes 0.28.
STEPPED: Final = Promise("us a step of the stepped scheduler, times a bare send", "<=", 5.36)


@attrs.frozen
class Sizes:
    """One round: executions of the fuzz, of the empty model, points of a task, sends."""

    fuzzed: int = 300
    empty: int = 40
    points: int = 200
    sends: int = 100_000


def measure(rounds: int, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """Run the benchmark; its part of the document."""
    model = setup()
    found = in_turn(
        rounds,
        {
            "loop": lambda _: 1e6 * _loop(sizes),
            "scheduler": lambda number: 1e6 * _scheduler("trio", number, sizes),
            "scheduler_stepped": lambda number: 1e6 * _scheduler("stepped", number, sizes),
            "fuzz": lambda number: 1e6 * _fuzz(model, number, sizes),
        },
    )
    return {
        "tasks": TASKS,
        "awaits_deep": DEPTH,
        "microseconds_per_step": {name: figures.summary() for name, figures in found.items()},
        "over_loop": {
            name: figures.over(found["loop"]).summary() for name, figures in found.items()
        },
    }


async def nested(depth: int, body: Callable[[], Awaitable[None]]) -> None:
    """Await *body* at a depth of *depth* coroutines, *body* included."""
    if depth > 1:
        await nested(depth - 1, body)
    else:
        await body()


@coroutine
def _yield() -> Generator[None, None, None]:
    yield


async def _endless() -> None:
    while True:
        await _yield()


def _loop(sizes: Sizes) -> float:
    coroutines = [nested(DEPTH - 1, _endless) for _ in range(TASKS)]
    sends = [each.send for each in coroutines]
    random = Random(0).random

    def main() -> None:
        for _ in range(sizes.sends):
            sends[int(random() * TASKS)](None)

    main_seconds = seconds(main)
    for each in coroutines:
        each.close()
    return main_seconds / sizes.sends


def _scheduler(carrier: Carrier, number: int, sizes: Sizes) -> float:
    async def body() -> None:
        for _ in range(sizes.points):
            await point("empty.step")

    def program(execution: Execution) -> None:
        for index in range(TASKS):
            execution.spawn(f"task {index}", nested, DEPTH - 1, body)

    steps = 0

    async def main() -> None:
        nonlocal steps
        async with open_scheduler(carrier) as scheduler:
            for seed in range(number * sizes.empty, (number + 1) * sizes.empty):
                execution = await scheduler.run(program, RandomWalk(seed))
                assert execution.verdict is not None
                assert execution.verdict.passed
                steps += execution.verdict.steps

    taken = seconds(lambda: trio.run(main))
    return taken / steps


def _fuzz(model: Setup, number: int, sizes: Sizes) -> float:
    steps = 0

    async def main() -> None:
        nonlocal steps
        seeds = range(number * sizes.fuzzed, (number + 1) * sizes.fuzzed)
        async with open_scheduler(CARRIER) as scheduler:
            steps = (await fuzz(scheduler, model, seeds)).steps

    taken = seconds(lambda: trio.run(main))
    return taken / steps
