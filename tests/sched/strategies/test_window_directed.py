# SPDX-License-Identifier: MIT OR Apache-2.0
"""Window-directed: others come inside, uncovered windows first, and what was covered."""

from __future__ import annotations

from collections import Counter

from swaptrio.sched import Execution, Kind, point, run
from swaptrio.sched.strategies import RandomWalk, WindowDirected, Windows
from swaptrio.sched.testing import Transcript

WINDOW = ("checker.check", "checker.use")


def program(execution: Execution) -> None:
    """A check and its use, and somebody who changes the object after many steps."""
    value = [1]

    async def checker() -> None:
        await point("checker.check", Kind.READ, "x")
        await point("checker.prepare")
        await point("checker.use", Kind.READ, "x")
        assert value[0], "used after it was gone"

    async def changer() -> None:
        for _ in range(25):
            await point("changer.step")
        await point("changer.change", Kind.WRITE, "x")
        value[0] = 0

    execution.spawn("a", checker)
    execution.spawn("b", changer)


def test_somebody_comes_inside() -> None:
    """The checker is held until the change, which a random walk hardly ever reaches."""
    given = WindowDirected(0, Windows([WINDOW]))
    walk = RandomWalk(0)
    found = Counter[str]()
    for seed in range(50):
        given.seed = walk.seed = seed
        for name, strategy in (("given", given), ("walk", walk)):
            verdict = run(program, strategy).verdict
            assert verdict is not None
            found[name] += not verdict.passed
    # In half of the executions the change has to be a second one, or from another label.
    assert found["given"] >= 25
    assert found["walk"] <= 2


def test_coverage_can_be_read() -> None:
    """How often a window was entered, and by what others came inside; what nobody did."""
    strategy = WindowDirected(0, Windows([WINDOW, ("changer.change", "nowhere")]))
    for strategy.seed in range(30):
        run(program, strategy)
    windows = strategy.windows
    assert windows.entered[WINDOW] == 30
    assert windows.interfered[WINDOW] == ["changer.change"]
    assert windows.known == [WINDOW, ("changer.change", "nowhere")]


def test_windows_that_nobody_comes_into_stay_uncovered() -> None:
    """Reads do not interfere with reads, nor what is elsewhere; private labels take all."""
    windows = Windows([("a.one", "a.two"), ("c.private", "c.end")])

    def reads(execution: Execution) -> None:
        async def reader(name: str) -> None:
            await point(f"{name}.one", Kind.READ, "x")
            await point(f"{name}.two", Kind.READ, "x")

        async def private() -> None:
            await point("c.private")
            await point("c.end")

        execution.spawn("a", reader, "a")
        execution.spawn("b", reader, "b")
        execution.spawn("c", private)

    strategy = WindowDirected(0, windows)
    for strategy.seed in range(40):
        run(reads, strategy)
    assert windows.uncovered() == [("a.one", "a.two")]
    assert sorted(windows.interfered["c.private", "c.end"])[:2] == ["a.one", "a.two"]


def test_uncovered_windows_come_first() -> None:
    """As long as one is uncovered it is aimed at more often than any other."""
    impossible = ("nowhere", "never")
    strategy = WindowDirected(0, Windows([WINDOW, impossible]))
    for strategy.seed in range(100):
        run(program, strategy)
    assert strategy.windows.uncovered() == [impossible]
    assert strategy.aimed[impossible] > 1.5 * strategy.aimed[WINDOW] > 0


def test_windows_are_learned() -> None:
    """From each access of a task to the next, and to the next of the same object."""

    def accesses(execution: Execution) -> None:
        async def task() -> None:
            for label, name in (("one", "x"), ("two", "y"), ("three", "x")):
                await point(f"task.{label}", Kind.WRITE, name)

        execution.spawn("a", task)
        execution.spawn("b", task)

    strategy = WindowDirected(0)
    run(accesses, strategy)
    assert strategy.aim is None
    assert sorted(strategy.windows.known) == [
        ("task.one", "task.three"),
        ("task.one", "task.two"),
        ("task.two", "task.three"),
    ]
    run(accesses, strategy)
    assert strategy.aim in strategy.windows.known


def test_a_held_task_goes_on_where_nobody_else_can() -> None:
    """Holding is no deadlock."""

    def alone(execution: Execution) -> None:
        async def checker() -> None:
            await point("checker.check", Kind.READ, "x")
            await point("checker.use", Kind.READ, "x")

        execution.spawn("a", checker)

    verdict = run(alone, WindowDirected(0, Windows([WINDOW])), observer=Transcript()).verdict
    assert verdict is not None
    assert verdict.passed
