# SPDX-License-Identifier: MIT OR Apache-2.0
"""An example: find a lost wake-up in a bounded buffer, replay it, and show that a fix holds.

Nothing here is about memory management. It is the way to test any program with this package:

1. Write the program with the package's locks and queues, and name each place where it waits.
2. Write a function that makes the objects and spawns the tasks.
3. Run that under `RandomWalk`, seed after seed, until a verdict has not passed.
4. Keep the verdict's schedule: it is one word, and `Recorded` gives the same execution again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from swaptrio.sched import (
    Ending,
    Execution,
    Mutex,
    RandomWalk,
    Recorded,
    Schedule,
    Verdict,
    WaitQueue,
    open_scheduler,
    point,
    run,
)
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

# 1. The program: a buffer with room for one item, guarded by a mutex. Whoever cannot go on
#    gives the mutex back and waits in a queue until somebody has changed the buffer.


class Buffer:
    """Room for one item. How to wait and whom to wake is left to the three below."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.mutex = Mutex("buffer.mutex")
        self.changed = WaitQueue("buffer.changed")

    async def put(self, item: str) -> None:
        """Add *item*, when there is room."""
        await self.mutex.acquire("put.lock")
        await self.wait_until("put", lambda: not self.items)
        assert not self.items, "the buffer overflows"
        self.items.append(item)
        await self.wake("put")
        await self.mutex.release("put.unlock")

    async def get(self) -> str:
        """Take the item, when there is one."""
        await self.mutex.acquire("get.lock")
        await self.wait_until("get", lambda: bool(self.items))
        assert self.items, "the buffer is empty"
        item = self.items.pop()
        await self.wake("get")
        await self.mutex.release("get.unlock")
        return item

    async def wait_until(self, who: str, condition: Callable[[], bool]) -> None:
        """Wait with the mutex held until *condition* holds."""
        raise NotImplementedError

    async def wake(self, who: str) -> None:
        """Tell a waiter that the buffer has changed."""
        raise NotImplementedError


class WakesOne(Buffer):
    """Wrong: producers and consumers share a queue, and the one who is woken may be of no use.

    A consumer that has emptied the buffer may wake another consumer. That one finds nothing and
    waits again; the producer, for whom the wake-up was meant, sleeps for ever.
    """

    async def wait_until(self, who: str, condition: Callable[[], bool]) -> None:
        """Wait and look again, as often as it takes."""
        while not condition():
            await self.mutex.release(f"{who}.wait_unlock")
            await self.changed.wait(f"{who}.wait")
            await self.mutex.acquire(f"{who}.wait_lock")

    async def wake(self, who: str) -> None:
        """Wake whoever has waited longest."""
        await self.changed.wake_one(f"{who}.wake")


class LooksOnce(Buffer):
    """Wrong: ``if`` where ``while`` is needed. Another may have the mutex before the woken."""

    async def wait_until(self, who: str, condition: Callable[[], bool]) -> None:
        """Look, and wait once if need be."""
        if not condition():
            await self.mutex.release(f"{who}.wait_unlock")
            await self.changed.wait(f"{who}.wait")
            await self.mutex.acquire(f"{who}.wait_lock")

    async def wake(self, who: str) -> None:
        """Wake all."""
        await self.changed.wake_all(f"{who}.wake")


class Correct(WakesOne):
    """Right: everybody is woken, and looks again before going on."""

    async def wake(self, who: str) -> None:
        """Wake all."""
        await self.changed.wake_all(f"{who}.wake")


# 2. The set-up: a function of the execution. It is called once for each execution, so nothing
#    is left over from the one before.


def shop(kind: type[Buffer]) -> Callable[[Execution], None]:
    """Two producers and two consumers around one buffer, each with two items."""

    async def produce(buffer: Buffer, name: str) -> None:
        for number in range(2):
            await point("produce.make")
            await buffer.put(f"{name}{number}")

    async def consume(buffer: Buffer, sold: list[str]) -> None:
        sold.append(await buffer.get())
        sold.append(await buffer.get())

    def program(execution: Execution) -> None:
        buffer, sold = kind(), list[str]()

        def everything_is_sold_once() -> None:
            assert sorted(sold) == ["apple0", "apple1", "pear0", "pear1"]

        execution.spawn("apples", produce, buffer, "apple")
        execution.spawn("pears", produce, buffer, "pear")
        execution.spawn("alice", consume, buffer, sold)
        execution.spawn("bob", consume, buffer, sold)
        execution.at_end.append(everything_is_sold_once)

    return program


# 3. The search. One `open_scheduler` for many executions is faster than `run` for each.


def first_failure(kind: type[Buffer], seeds: int) -> Verdict | None:
    """The first verdict that has not passed, of executions by the seeds from 0."""

    async def search() -> Verdict | None:
        async with open_scheduler() as scheduler:
            for seed in range(seeds):
                verdict = (await scheduler.run(shop(kind), RandomWalk(seed))).verdict
                if verdict is not None and not verdict.passed:
                    return verdict
        return None

    return trio.run(search)


def test_the_lost_wake_up_is_found() -> None:
    """Waking one of a mixed crowd ends in a deadlock, which says who waits where for what."""
    verdict = first_failure(WakesOne, seeds=100)
    assert verdict is not None
    assert verdict.ending is Ending.DEADLOCK
    assert {edge.object for edge in verdict.waiting} == {"buffer.changed"}
    assert {edge.label for edge in verdict.waiting} <= {"put.wait", "get.wait"}


def test_the_missing_second_look_is_found() -> None:
    """Looking once ends in a failed assertion, for the buffer had been changed once more."""
    verdict = first_failure(LooksOnce, seeds=100)
    assert verdict is not None
    assert verdict.ending is Ending.VIOLATION
    assert verdict.message.startswith("the buffer ")


# 4. The replay. A schedule prints as one word: mail it, or keep it as a test.


def test_the_failure_is_replayed_from_its_text() -> None:
    """The printed schedule gives the same verdict again, now with a record to read."""
    found = first_failure(WakesOne, seeds=100)
    assert found is not None
    word = str(found.schedule)

    transcript = Transcript()
    again = run(shop(WakesOne), Recorded(Schedule.parse(word)), observer=transcript).verdict

    assert again == found
    assert transcript.lines[-1].startswith("= deadlock: deadlock: nobody can go on: ")
    assert len(transcript.lines) == found.steps + 1


def test_the_correct_buffer_passes() -> None:
    """With everybody woken and looking again, five hundred seeds find nothing."""
    assert first_failure(Correct, seeds=500) is None
