# SPDX-License-Identifier: MIT OR Apache-2.0
"""A lock for many readers or one writer: what it allows, and what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from swaptrio.sched import (
    Access,
    Ending,
    Execution,
    FirstChoice,
    RandomWalk,
    Run,
    RwSem,
    Script,
    SpinLock,
    Strategy,
    Verdict,
    current,
    name_of,
    point,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Body: TypeAlias = "Callable[[], Coroutine[Any, Any, object]]"


def verdict_of(*bodies: Body, strategy: Strategy | None = None) -> Verdict:
    """The verdict of an execution with one task, ``a``, ``b`` and so on, for each body."""

    def program(execution: Execution) -> None:
        for name, body in zip("abcdef", bodies, strict=False):
            execution.spawn(name, body)

    verdict = run(program, strategy or FirstChoice()).verdict
    assert verdict is not None
    return verdict


def test_a_writer_excludes_everybody() -> None:
    """Whatever the schedule, no two writers and no writer and reader are inside together."""
    for seed in range(60):
        sem = RwSem("sem")
        inside: list[str] = []

        async def write(sem: RwSem = sem, inside: list[str] = inside) -> None:
            await sem.acquire_write("write.lock")
            assert inside == []
            inside.append("writer")
            await point("write.inside")
            inside.remove("writer")
            await sem.release("write.unlock")

        async def read(sem: RwSem = sem, inside: list[str] = inside) -> None:
            await sem.acquire_read("read.lock")
            assert "writer" not in inside
            inside.append("reader")
            await point("read.inside")
            inside.remove("reader")
            await sem.release("read.unlock")

        assert verdict_of(write, read, read, write, strategy=RandomWalk(seed)).passed


def test_readers_share() -> None:
    """Two tasks can read at the same time."""
    sem = RwSem("sem")
    most = [0]

    async def read() -> None:
        await sem.acquire_read("read.lock")
        await point("read.inside")
        most[0] = max(most[0], len(sem.readers))
        await sem.release("read.unlock")

    window = Script((Run("a", "read.inside"), Run("b", "read.inside")), {})
    assert verdict_of(read, read, strategy=window).passed
    assert most == [2]


@pytest.mark.parametrize("first", ["read", "write"])
def test_a_deadlock_names_the_holders(first: str) -> None:
    """Who waits for a writer, or for readers, is told for whom."""
    sems = RwSem("one"), RwSem("two")

    async def both(one: RwSem, two: RwSem) -> None:
        await (one.acquire_read if first == "read" else one.acquire_write)("both.first")
        await two.acquire_write("both.second")

    window = Script((Run("a", "both.second"), Run("b", "both.second")), {})
    verdict = verdict_of(lambda: both(*sems), lambda: both(*reversed(sems)), strategy=window)
    assert verdict.ending is Ending.DEADLOCK
    assert [edge.holders for edge in verdict.waiting] == [("b",), ("a",)]


async def _taken_twice(sem: RwSem) -> None:
    await sem.acquire_read("twice.first")
    await sem.acquire_write("twice.second")


async def _never_taken(sem: RwSem) -> None:
    await sem.release("never.release")


async def _kept(sem: RwSem) -> None:
    await sem.acquire_write("kept.lock")


async def _under_a_spinlock(sem: RwSem) -> None:
    async with SpinLock("spin").hold("under.spin"):
        await sem.acquire_read("under.lock")


@pytest.mark.parametrize("misuse", [_taken_twice, _never_taken, _kept, _under_a_spinlock])
def test_misuse_is_told(misuse: Callable[[RwSem], Coroutine[Any, Any, None]]) -> None:
    """Recursion, a release too many, an end with it held, and sleeping under a spinlock."""
    verdict = verdict_of(lambda: misuse(RwSem("sem")))
    assert (verdict.ending, verdict.check) == (Ending.VIOLATION, "I-SPIN")


def test_who_holds_it() -> None:
    """A holder knows that it is one, whether it reads or writes."""
    sem = RwSem("sem")
    seen = []

    async def hold() -> None:
        seen.append(sem.owned())
        await sem.acquire_read("hold.read")
        seen.append(sem.owned())
        await sem.release("hold.release")
        await sem.acquire_write("hold.write")
        seen.append(sem.owned())
        await sem.release("hold.again")

    assert verdict_of(hold).passed
    assert seen == [False, True, True]


def test_accesses_are_reported() -> None:
    """Each taking and giving back is told to whoever listens; readers only add to readers."""
    sem = RwSem("sem")
    told: list[tuple[str, Access]] = []

    async def hold() -> None:
        execution = current()
        execution.touched = []
        await sem.acquire_read("hold.read")
        await sem.release("hold.release")
        await sem.acquire_write("hold.write")
        await sem.release("hold.again")
        told.extend((name_of(target), access) for target, access in execution.touched)

    assert verdict_of(hold).passed
    reads = [("sem", Access.READ), ("sem readers", Access.ADD)]
    writes = [("sem", Access.WRITE), ("sem readers", Access.WRITE)]
    assert told == [*reads, *reads, *writes, *writes]


def test_holders_have_no_order_of_their_own() -> None:
    """Whoever has come first, who holds it to read is told in the order of the tasks."""
    sem = RwSem("sem")
    seen: list[tuple[str, ...]] = []

    async def read() -> None:
        await sem.acquire_read("read.lock")
        await point("read.inside")
        seen.append(tuple(task.name for task in sem.holders()))
        await sem.release("read.unlock")

    window = Script(
        (Run("b", "read.inside"), Run("a", "read.inside"), Run("b", "read.unlock")), {}
    )
    assert verdict_of(read, read, strategy=window).passed
    assert seen[0] == ("a", "b")


def test_whoever_asked_is_called_when_it_is_taken() -> None:
    """By the task that has taken it, to read or to write."""
    calls: list[tuple[str, bool]] = []
    sem = RwSem("sem")
    sem.on_acquire = lambda: calls.append((current().me().label, sem.owned()))

    async def hold() -> None:
        await sem.acquire_read("hold.read")
        await sem.release("hold.release")
        await sem.acquire_write("hold.write")
        await sem.release("hold.release")

    assert verdict_of(hold).passed
    assert calls == [("hold.read", True), ("hold.write", True)]
