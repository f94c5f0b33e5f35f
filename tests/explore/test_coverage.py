# SPDX-License-Identifier: MIT OR Apache-2.0
"""Coverage: who came into which window, who never did, and how many classes there were."""

from __future__ import annotations

from itertools import permutations

import pytest

from swaptrio.explore import Coverage
from swaptrio.explore.follow import InOrder
from swaptrio.sched import Execution, Kind, RandomWalk, Scheduler, Shared, choose, point


def two_writers(execution: Execution) -> None:
    """A reader that looks at a number twice, a writer of it, and a writer of another."""
    number, other = Shared("number", 0), Shared("other", 0)

    async def reader() -> None:
        await number.read("reader.first")
        await number.read("reader.second")

    async def writer() -> None:
        await number.write("writer.write", 1)

    async def apart() -> None:
        await other.write("apart.write", 1)

    for task in (reader, writer, apart):
        execution.spawn(task.__name__, task)


WINDOW = ("reader", "reader.first", "reader.second")

#: The orders of the steps of `two_writers`, less the starts.
ORDERS = sorted(set(permutations(["reader", "reader", "writer", "apart"])))


async def run_in(scheduler: Scheduler, coverage: Coverage, order: tuple[str, ...]) -> None:
    """Run `two_writers` once, everybody started first."""
    tasks = ["reader", "writer", "apart", *order]
    await scheduler.run(two_writers, InOrder(tasks), observer=coverage)


async def test_a_window_is_entered(scheduler: Scheduler) -> None:
    """Who operates on the object between two operations of a task has entered its window."""
    coverage = Coverage()
    await run_in(scheduler, coverage, ("reader", "writer", "apart", "reader"))

    assert coverage.sights.passed == {WINDOW: 1}
    assert coverage.sights.entered == {WINDOW: {("writer", "writer.write"): 1}}
    assert list(coverage.sights.unseen()) == []


async def test_what_was_never_seen_inside(scheduler: Scheduler) -> None:
    """An operation that could enter a window and never did is listed."""
    coverage = Coverage()
    await run_in(scheduler, coverage, ("writer", "reader", "apart", "reader"))
    await run_in(scheduler, coverage, ("reader", "apart", "reader", "writer"))

    (unseen,) = coverage.sights.unseen()
    assert (unseen.window, unseen.by) == (WINDOW, ("writer", "writer.write"))


async def test_looks_do_not_enter(scheduler: Scheduler) -> None:
    """Between two looks another look changes nothing, so it has not entered."""

    def readers(execution: Execution) -> None:
        number = Shared("number", 0)

        async def reader(name: str) -> None:
            await number.read(f"{name}.first")
            await number.read(f"{name}.second")

        for name in ("a", "b"):
            execution.spawn(name, reader, name)

    coverage = Coverage()
    for seed in range(20):
        await scheduler.run(readers, RandomWalk(seed), observer=coverage)

    assert len(coverage.sights.passed) == 2
    assert coverage.sights.entered == {}
    assert list(coverage.sights.unseen()) == []


@pytest.mark.parametrize("middle", [Kind.READ, Kind.WRITE])
@pytest.mark.parametrize("closes", [Kind.READ, Kind.WRITE])
@pytest.mark.parametrize("opens", [Kind.READ, Kind.WRITE])
async def test_who_enters_conflicts_with_both_ends(
    opens: Kind, closes: Kind, middle: Kind, scheduler: Scheduler
) -> None:
    """What might as well stand before or behind a window is not inside, and never could be."""

    def program(execution: Execution) -> None:
        async def owner() -> None:
            await point("owner.opens", opens, "thing")
            await point("owner.closes", closes, "thing")

        async def other() -> None:
            await point("other.comes", middle, "thing")

        execution.spawn("owner", owner)
        execution.spawn("other", other)

    inside, outside = Coverage(), Coverage()
    starts = ("owner", "other")
    await scheduler.run(program, InOrder([*starts, "owner", "other", "owner"]), observer=inside)
    await scheduler.run(
        program, InOrder([*starts, "owner", "owner", "other"]), observer=outside
    )

    conflicts = middle is Kind.WRITE or (opens is Kind.WRITE and closes is Kind.WRITE)
    assert bool(inside.sights.entered) is conflicts
    assert list(inside.sights.unseen()) == []
    assert bool(list(outside.sights.unseen())) is conflicts


async def test_classes_are_those_of_dependence(scheduler: Scheduler) -> None:
    """All orders of a program fall into as many classes as its dependent steps have orders."""
    coverage = Coverage()
    for order in ORDERS:
        await run_in(scheduler, coverage, order)

    assert coverage.executions == len(ORDERS) == 12
    assert len(coverage.classes) == 3  # the writer before, between and after the two looks
    assert sorted(coverage.classes.values()) == [4, 4, 4]


async def test_draws_and_places_tell_classes_apart(scheduler: Scheduler) -> None:
    """Executions that draw otherwise, or go on at other labels, are of other classes."""

    def drawing(execution: Execution) -> None:
        async def task() -> None:
            await point("task.step", Kind.WRITE, "thing")
            if choose("task.draw", ("a", "b", "c")) == "c":
                await point("task.more", Kind.WRITE, "thing")

        execution.spawn("task", task)

    coverage = Coverage()
    for seed in range(60):
        await scheduler.run(drawing, RandomWalk(seed), observer=coverage)

    assert len(coverage.classes) == 3


async def test_swapped_labels_are_two_classes(scheduler: Scheduler) -> None:
    """The numbers of classes do not fall together where two labels change their places."""

    coverage = Coverage()
    labels = [f"task.step_{number}" for number in range(12)]
    for first in labels:
        for second in labels:

            def program(execution: Execution, pair: tuple[str, str] = (first, second)) -> None:
                async def task() -> None:
                    for label in pair:
                        await point(label, Kind.WRITE, "thing")

                execution.spawn("task", task)

            await scheduler.run(program, RandomWalk(0), observer=coverage)

    assert len(coverage.classes) == len(labels) ** 2
