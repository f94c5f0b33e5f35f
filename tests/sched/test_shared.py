# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shared variables, and what steps report that they touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.sched import (
    Access,
    Ending,
    Execution,
    FirstChoice,
    Mutex,
    Shared,
    SpinLock,
    WaitQueue,
    choose,
    name_of,
    now,
    open_channel,
    point,
    run,
    sleep,
    touch,
)
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable


def reported(function: Callable[[], object]) -> list[tuple[str, str]]:
    """What the only task of a program reports, in order."""
    touched: list[tuple[object, Access]] = []

    def program(execution: Execution) -> None:
        execution.touched = touched
        execution.spawn("only", function)  # type: ignore[arg-type]  # all here are coroutines

    execution = run(program, FirstChoice())
    assert execution.verdict is not None
    assert execution.verdict.passed, execution.verdict
    assert execution.touched is None
    return [(name_of(target), access.value) for target, access in touched]


def test_each_method_is_one_step() -> None:
    """A variable declares what it is about to do, at the label that it is given."""
    x = Shared("x", 1)
    results: list[object] = []

    async def all_methods() -> None:
        results.append(await x.read("all.read"))
        await x.write("all.write", 5)
        results.append(await x.add("all.add", 2))
        results.append(await x.cas("all.cas", 7, 8))
        results.append(await x.cas("all.again", 7, 9))
        results.append(await x.until("all.until", lambda value: value == 8))

    transcript = Transcript()
    run(lambda execution: execution.spawn("a", all_methods), FirstChoice(), observer=transcript)
    assert transcript.lines == [
        "1 a start (start)",
        "2 a all.read (read x)",
        "3 a all.write (write x)",
        "4 a all.add (write x)",
        "5 a all.cas (cas x)",
        "6 a all.again (cas x)",
        "7 a all.until (wait x)",
        "= passed",
    ]
    assert results == [1, 5, True, False, 8]


def test_until_waits_for_a_write() -> None:
    """Who waits for a value is disabled until it is there, and does not spin."""
    x = Shared("x", 0)

    async def wait() -> None:
        assert await x.until("wait.until", lambda value: value >= 2) == 2

    async def write() -> None:
        await x.write("write.one", 1)
        await x.add("write.two", 1)

    def program(execution: Execution) -> None:
        execution.spawn("wait", wait)
        execution.spawn("write", write)

    execution = run(program, FirstChoice())
    assert execution.verdict is not None
    assert execution.verdict.passed
    assert execution.step == 5


def test_a_wait_that_nobody_ends_is_a_deadlock() -> None:
    """A value that never comes leaves its waiter behind."""
    x = Shared("x", 0)

    async def wait() -> None:
        await x.until("wait.until", bool)

    execution = run(lambda execution: execution.spawn("wait", wait), FirstChoice())
    assert execution.verdict is not None
    assert execution.verdict.ending is Ending.DEADLOCK
    assert str(execution.verdict.waiting[0]) == "wait waits at wait.until for x"


def test_a_cas_says_afterwards_what_it_did() -> None:
    """A failed one has read, a successful one has written."""
    x = Shared("x", 0)

    async def twice() -> None:
        await x.cas("twice.one", 0, 1)
        await x.cas("twice.two", 0, 1)

    assert reported(twice) == [("x", "write"), ("x", "read")]


def test_what_happens_within_a_step_is_reported() -> None:
    """Looking at a value, and whatever a program reports itself."""
    x = Shared("x", 0)

    async def look() -> None:
        await point("look.point")
        assert x.value == 0
        touch("folio.flags")
        touch("vmstat", Access.ADD)

    assert reported(look) == [("x", "read"), ("folio.flags", "write"), ("vmstat", "add")]


def test_locks_report_what_they_are_used_for() -> None:
    """Taking and releasing write a lock, in steps of their own; asking reads it."""
    spin, mutex = SpinLock("spin"), Mutex("mutex")

    async def use() -> None:
        async with spin.hold("use.spin"):
            assert spin.locked()
            assert not spin.try_acquire()
        assert await mutex.try_acquire("use.try")
        assert not mutex.take_free()
        await mutex.release("use.release")

    assert reported(use) == [
        ("spin", "read"),
        ("spin", "read"),
        ("spin", "read"),
        ("mutex", "write"),
        ("mutex", "read"),
        ("mutex", "write"),
    ]


def test_a_section_of_one_step_has_only_found_its_lock_free() -> None:
    """Two that look can change places; those that change something keep their order."""
    lock = SpinLock("lock")

    async def use() -> None:
        async with lock.hold("use.look"):
            touch("x", Access.READ)
        async with lock.hold("use.change"):
            touch("x")
        async with lock.hold("use.stay"):
            await point("use.inside")

    assert reported(use) == [
        ("lock", "read"),
        ("x", "read"),
        ("lock", "read"),
        ("x", "write"),
        ("lock sections", "write"),
        ("lock", "write"),
        ("lock", "write"),
    ]


def test_queues_channels_and_the_clock_report() -> None:
    """Getting in line, sending without waiting, sleeping and asking for the time."""
    queue = WaitQueue("queue")
    send, receive = open_channel("bios", 2)  # type: ignore[var-annotated]  # of int

    async def use() -> None:
        send.send_nowait(1)
        assert receive.waiting() == 1
        await queue.wait_for("use.wait", lambda: True)
        await sleep("use.sleep", 5)
        assert now() == 5

    assert reported(use) == [
        ("bios", "write"),
        ("bios", "read"),
        ("queue", "read"),
        ("clock", "write"),
        ("clock", "read"),
    ]


def test_nobody_listens_outside_of_executions() -> None:
    """Set-up code and code after the end may look at values and touch what it likes."""
    x = Shared("x", 3)
    touch(x)
    assert x.value == 3


def test_draws_are_reported_to_nobody() -> None:
    """A choice touches nothing that is shared."""

    async def draw() -> None:
        choose("draw.one", (1, 2))

    assert reported(draw) == []
