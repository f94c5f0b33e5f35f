# SPDX-License-Identifier: MIT OR Apache-2.0
"""Small programs that everybody uses, against brute force and against known counts."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.counted import litmus
from swaptrio.explore.exhaustive import Settings, explore_program
from swaptrio.sched import Ending, Mutex, Shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Execution, Program

CODES = {
    # Two numbers of a sequence, each the sum of both.
    "fib": (
        (("read", "x"), ("read", "y"), ("write", "x", 1)) * 2,
        (("read", "y"), ("read", "x"), ("write", "y", 1)) * 2,
    ),
    # Two flags and a turn; each looks once.
    "peterson": (
        (("write", "x", 1), ("write", "z", 2), ("read", "y"), ("read", "z")),
        (("write", "y", 1), ("write", "z", 1), ("read", "x"), ("read", "z")),
    ),
    # Each takes its fork first.
    "two philosophers": (
        (("lock", "m"), ("lock", "n"), ("unlock", "n"), ("unlock", "m")),
        (("lock", "n"), ("lock", "m"), ("unlock", "m"), ("unlock", "n")),
    ),
    # One that gives up where the second fork is taken.
    "polite philosophers": (
        (("lock", "m"), ("try", "n"), ("leave", "n"), ("unlock", "m")),
        (("lock", "n"), ("try", "m"), ("leave", "m"), ("unlock", "n")),
    ),
    "producers and a consumer": (
        (("send", "c", 1), ("write", "x", 1)),
        (("send", "c", 2), ("read", "x")),
        (("receive", "c"), ("receive", "c")),
    ),
    # Who finds a block free takes it; the others go on to the next.
    "file system": tuple(
        (("lock", "m"), ("cas", "x", 0, task), ("unlock", "m"), ("cas", "y", 0, task))
        for task in (1, 2, 3)
    ),
    "a barrier": (
        (("add", "z"), ("until", "z", 3), ("read", "x")),
        (("add", "z"), ("until", "z", 3), ("write", "x", 1)),
        (("add", "z"), ("until", "z", 3)),
    ),
    "a draw that two look at": (
        (("draw", "x", 3),),
        (("read", "x"), ("write", "y", 1)),
        (("skip", "x"), ("read", "y")),
    ),
}


@pytest.mark.parametrize("name", CODES)
def test_against_brute_force(
    name: str, naive: Callable[..., Any], program_of: Callable[..., Program]
) -> None:
    """As many executions as there are classes, and the same final states."""
    counted = naive(CODES[name], 200_000)
    assert counted is not None
    _, classes, finals = counted
    result = explore_program(program_of(CODES[name]))
    assert result.complete
    assert (result.executions, result.traces, result.blocked) == (len(classes),) * 2 + (0,)
    assert result.finals == finals


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_writers(count: int) -> None:
    """Writers of one variable: each order is another class."""
    result = explore_program(litmus(*["Wx"] * count))
    assert (result.executions, result.traces) == (factorial(count),) * 2


@pytest.mark.parametrize("count", [2, 3, 4])
def test_independent_tasks(count: int) -> None:
    """Who shares nothing has one class, however many steps there are."""
    result = explore_program(litmus(*[f"W{name} R{name} W{name}" for name in "wxyz"[:count]]))
    assert result.executions == 1


def philosophers(count: int) -> Callable[[Execution], Callable[[], object]]:
    """Each takes the fork at the left, then that at the right, and eats."""

    def program(execution: Execution) -> Callable[[], object]:
        forks = [Mutex(f"fork{number}") for number in range(count)]
        eaten = [Shared(f"eaten{number}", 0) for number in range(count)]

        async def dine(number: int) -> None:
            left, right = forks[number], forks[(number + 1) % count]
            await left.acquire("dine.left")
            await right.acquire("dine.right")
            await eaten[number].add("dine.eat", 1)
            await right.release("dine.right-back")
            await left.release("dine.left-back")

        for number in range(count):
            execution.spawn(f"p{number}", dine, number)
        return lambda: tuple(each.value for each in eaten)

    return program


@pytest.mark.parametrize("count", [2, 3, 4])
def test_philosophers(count: int) -> None:
    """A fork has two who want it, so two orders; all to the left, and nobody eats.

    Of the ways to order each fork all can be but the one round the table the other way: each
    is second at his left fork, so nobody could have begun.
    """
    result = explore_program(philosophers(count))
    assert (result.executions, result.traces) == (2**count - 1,) * 2
    (found,) = result.violations
    assert found.verdict.ending is Ending.DEADLOCK
    assert result.finals == {(1,) * count, (0,) * count}


def test_states_are_those_without_reduction() -> None:
    """The final states are the same by classes, by states and by all schedules."""
    ways = [Settings(), Settings(cache=True), Settings(preemptions=9), Settings(reports=False)]
    finals = [explore_program(philosophers(2), way).finals for way in ways]
    assert finals == [{(1, 1), (0, 0)}] * 4
