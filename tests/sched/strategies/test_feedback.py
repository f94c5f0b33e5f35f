# SPDX-License-Identifier: MIT OR Apache-2.0
"""Feedback: what it wishes for, what it keeps, and that all comes from its seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent

import pytest

from swaptrio.sched import Execution, Kind, Mutex, open_scheduler, point, run
from swaptrio.sched.strategies import Feedback, Pos, ReadsFrom, SeededStrategy

SETTERS = 60


def reorder(execution: Execution) -> None:
    """Who reads between the two writes of the first setter to write sees them swapped."""
    values = {"a": 0, "b": 0}

    async def access(label: str, kind: Kind, name: str) -> int:
        await point(label, kind, name)
        return values[name]

    async def setter() -> None:
        await point("setter.a", Kind.WRITE, "a")
        values["a"] = 1
        await point("setter.b", Kind.WRITE, "b")
        values["b"] = 1

    async def checker() -> None:
        a = await access("checker.a", Kind.READ, "a")
        b = await access("checker.b", Kind.READ, "b")
        assert a == b or a < b

    for number in range(SETTERS):
        execution.spawn(f"setter{number}", setter)
    execution.spawn("checker", checker)


async def first_bug(strategy: SeededStrategy, campaign: int, cap: int = 300) -> int:
    """How many executions a campaign takes."""
    async with open_scheduler("stepped") as scheduler:
        for number in range(1, cap):
            strategy.seed = 1000 * campaign + number
            verdict = (await scheduler.run(reorder, strategy)).verdict
            assert verdict is not None
            if not verdict.passed:
                return number
    return cap


async def test_it_finds_what_sampling_does_not() -> None:
    """One read from a setter and one from the start: a wish for each, whatever their number."""
    wished = [await first_bug(Feedback(0), campaign) for campaign in range(20)]
    sampled = [await first_bug(Pos(0), campaign) for campaign in range(5)]
    assert sum(wished) / len(wished) < 10
    assert sum(sampled) / len(sampled) > 40


class Wishing(Feedback):
    """Wishes for one thing only."""

    def _plan(self) -> list[tuple[str, str]]:
        return [("checker.a", "")]


async def test_wishes_come_true() -> None:
    """What can be shown is, in the first execution that wishes for it."""
    shown = ("a", "checker.a", "", False)
    async with open_scheduler("stepped") as scheduler:
        for seed in range(30):
            strategy = Wishing(seed)
            await scheduler.run(reorder, strategy)  # which learns the object of the label
            before = strategy.reads_from.seen.get(shown, 0)
            await scheduler.run(reorder, strategy)
            assert strategy.reads_from.seen[shown] == before + 1


def test_pairs() -> None:
    """An operation sees the last change of its object; a taking of a lock, the one before."""

    def locking(execution: Execution) -> None:
        mutex = Mutex("mutex")

        async def task(label: str) -> None:
            await mutex.acquire(f"{label}.lock")
            await point(f"{label}.write", Kind.WRITE, "x")
            await point(f"{label}.read", Kind.READ, "x")
            await mutex.release(f"{label}.unlock")

        execution.spawn("a", task, "one")
        execution.spawn("b", task, "two")

    class InTurn(Feedback):
        def _select(self, execution: Execution) -> int:
            return execution.enabled[0]

    strategy = InTurn(0)
    run(locking, strategy)
    assert list(strategy.reads_from.seen) == [
        ("mutex", "one.lock", "", False),
        ("x", "one.write", "", False),
        ("x", "one.read", "one.write", True),
        ("mutex", "two.lock", "one.lock", False),
        ("x", "two.write", "one.write", False),
        ("x", "two.read", "two.write", True),
    ]
    assert ("two.read", "one.write") in strategy.reads_from.wishes
    assert ("one.lock", "two.lock") in strategy.reads_from.wishes


def test_what_is_kept() -> None:
    """Executions that showed a pair for the first time, each pair with one of them."""
    strategy = Feedback(0)
    for strategy.seed in range(200):
        run(reorder, strategy)
    strategy.begin(Execution(strategy))
    pairs = [pair for kept in strategy.corpus for pair in kept.pairs]
    assert sorted(pairs) == sorted(strategy.reads_from.seen)
    assert all(kept.pairs for kept in strategy.corpus)
    assert len(strategy.corpus) < 20
    assert any(kept.wishes for kept in strategy.corpus)


def test_wishes_that_never_come_true_become_rare() -> None:
    """Drawn for the n-th time one stands with a probability of 2 / n; shown ones never do."""
    reads_from = ReadsFrom()
    reads_from.wishes.append(("never", "at all"))
    reads_from._shown["never", "at all"] = False
    stood = sum(reads_from.draw_wish(lambda: 0.1) is not None for _ in range(100))
    assert stood == 19
    reads_from._shown["never", "at all"] = True
    assert reads_from._unshown(0.5) is None


SCRIPT = """
    from swaptrio.sched import run
    from swaptrio.sched.strategies import parse
    from tests_program import program
    strategy = parse({name!r})
    for strategy.seed in range(40):
        print(run(program, strategy).verdict.schedule)
"""

PROGRAM = """
    from swaptrio.sched import Kind, Mutex, choose, point

    def program(execution):
        mutex = Mutex("mutex")

        async def task(label):
            await mutex.acquire(f"{label}.lock")
            await point(f"{label}.write", Kind.WRITE, "x")
            choose(f"{label}.data", ("ok", "fail"))
            await mutex.release(f"{label}.unlock")
            await point(f"{label}.read", Kind.READ, "x")

        for number in range(3):
            execution.spawn(f"t{number}", task, "ab"[number % 2])
"""


@pytest.mark.parametrize("name", ["feedback", "auto"])
def test_a_campaign_is_the_same_in_every_process(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same seeds give the same schedules, whatever the hash seed of the process."""
    folder = tmp_path_factory.mktemp("campaign")
    (folder / "tests_program.py").write_text(dedent(PROGRAM), encoding="utf-8")
    printed = [
        subprocess.run(
            [sys.executable, "-c", dedent(SCRIPT).format(name=name)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert len(set(printed[0].splitlines())) > 10
