# SPDX-License-Identifier: MIT OR Apache-2.0
"""URW: every interleaving is as likely as any other, once the counts are known."""

from __future__ import annotations

from collections import Counter
from math import factorial

import pytest

from swaptrio.sched import Execution, Program, open_scheduler, point, run, spawn
from swaptrio.sched.strategies import RandomWalk, SeededStrategy, Urw
from swaptrio.sched.testing import Transcript


def steppers(counts: dict[str, int]) -> Program:
    """Tasks with so many steps each, their starts counted."""

    async def task(steps: int) -> None:
        for _ in range(steps - 1):
            await point("task.step")

    def program(execution: Execution) -> None:
        for name, steps in counts.items():
            execution.spawn(name, task, steps)

    return program


def family(execution: Execution) -> None:
    """A parent that spawns a child of three steps after its first, and has one more."""

    async def child() -> None:
        await point("child.step")
        await point("child.step")

    async def parent() -> None:
        spawn("c", child)
        await point("parent.step")

    async def other() -> None:
        await point("other.step")

    execution.spawn("p", parent)
    execution.spawn("o", other)


async def seen_under(
    program: Program, strategy: SeededStrategy, executions: int
) -> Counter[str]:
    """How often each order of steps came, after one execution that measures."""
    seen: Counter[str] = Counter()
    async with open_scheduler("stepped") as scheduler:
        await scheduler.run(program, strategy)
        for strategy.seed in range(1, executions + 1):
            transcript = Transcript()
            await scheduler.run(program, strategy, observer=transcript)
            seen["".join(line.split()[1] for line in transcript.lines[:-1])] += 1
    return seen


def chi_square(seen: Counter[str], classes: int) -> float:
    """How far from even, with *classes* - 1 degrees of freedom."""
    expected = seen.total() / classes
    return sum((times - expected) ** 2 / expected for times in seen.values()) + expected * (
        classes - len(seen)
    )


@pytest.mark.parametrize(
    ("counts", "limit"),
    [({"a": 2, "b": 2}, 15.1), ({"a": 1, "b": 6}, 16.8), ({"a": 2, "b": 2, "c": 3}, 260.0)],
)
async def test_uniform(counts: dict[str, int], limit: float) -> None:
    """All interleavings of independent steps come equally often (chi-square at 1 %)."""
    classes = factorial(sum(counts.values()))
    for steps in counts.values():
        classes //= factorial(steps)
    seen = await seen_under(steppers(counts), Urw(0), 20 * classes + 1000)
    assert len(seen) == classes
    assert chi_square(seen, classes) < limit


async def test_a_random_walk_is_not() -> None:
    """The same measure tells a plain random walk."""
    seen = await seen_under(steppers({"a": 1, "b": 6}), RandomWalk(0), 1000)
    assert chi_square(seen, 7) > 500


async def test_children_count_for_their_parents() -> None:
    """A parent has its children's steps before it until it spawns them."""
    seen = await seen_under(family, Urw(0), 4000)
    # After p's first come its last and c's three in any of 4 orders; o's two stand anywhere.
    assert len(seen) == 4 * 21
    assert chi_square(seen, 84) < 115.9


def test_what_is_learned() -> None:
    """The profile is the average of the executions so far, by task and with the parents."""
    strategy = Urw(0)
    for strategy.seed in range(3):
        run(family, strategy)
    assert strategy.profile.executions == 3
    assert strategy.profile.parents == {"p": "", "o": "", "c": "p"}
    assert strategy.profile.expected("any") == {"p": 5, "o": 2, "c": 3}


def test_an_unknown_task_weighs_like_the_least() -> None:
    """A task that no execution before had can go on all the same."""
    strategy = Urw(0)
    run(steppers({"a": 2, "b": 9}), strategy)
    verdicts = []
    for strategy.seed in range(20):
        verdicts.append(run(steppers({"a": 2, "new": 3}), strategy).verdict)
    assert all(verdict is not None and verdict.passed for verdict in verdicts)
