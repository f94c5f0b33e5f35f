# SPDX-License-Identifier: MIT OR Apache-2.0
"""The programs, in our own words, after SCTBench. Each has a bug that some schedules show.

``reorder_100`` has 99 setters and one checker, ``reorder_20`` ten of each; the others one
checker. ``twostage`` has one task of each sort; the split of ``twostage_100``, 99 and one, is
our inference.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks.bugs import unlike_c
from benchmarks.bugs.memory import Body, Granularity, Hold, Machine, Variable
from swaptrio.sched import Mutex

if TYPE_CHECKING:
    from swaptrio.sched import Execution, Program


def _named(name: str, count: int, body: Callable[[], Coroutine[Any, Any, None]]) -> list[Body]:
    return [(f"{name}{number}", body) for number in range(1, count + 1)]


async def reorder(setters: int, checkers: int, machine: Machine) -> None:
    """Two writes that seem to swap for who reads them in between."""
    a, b = Variable("a"), Variable("b")

    async def setter() -> None:
        await a.write("setter.a", 1)
        await b.write("setter.b", -1)

    async def checker() -> None:
        if await a.read("checker.a") == 0 and await b.read("checker.b") == 0:
            return
        seen = await a.read("checker.a_again") == 1 and await b.read("checker.b_again") == -1
        assert seen, "neither (0, 0) nor (1, -1)"

    bodies = [*_named("setter", setters, setter), *_named("checker", checkers, checker)]
    await machine.main(bodies)


async def twostage(writers: int, readers: int, machine: Machine) -> None:
    """Two values that belong together, each under a lock of its own."""
    one, two = Variable("one"), Variable("two")
    lock_one, lock_two = Mutex("lock one"), Mutex("lock two")

    async def writer() -> None:
        async with Hold(lock_one, "writer.first"):
            await one.write("writer.one", 1)
        async with Hold(lock_two, "writer.second"):
            value = await one.read("writer.read")
            await two.write("writer.two", value + 1)

    async def reader() -> None:
        async with Hold(lock_one, "reader.first"):
            first = await one.read("reader.one")
        if first == 0:
            return
        async with Hold(lock_two, "reader.second"):
            second = await two.read("reader.two")
        assert second == first + 1, "the second stage is missing"

    await machine.main([*_named("writer", writers, writer), *_named("reader", readers, reader)])


async def wronglock(others: int, machine: Machine) -> None:
    """A variable under two different locks."""
    data = Variable("data")
    right, wrong = Mutex("right lock"), Mutex("wrong lock")

    async def locked() -> None:
        async with Hold(right, "locked"):
            before = await data.read("locked.before")
            await data.write("locked.write", await data.read("locked.read") + 1)
            assert await data.read("locked.check") == before + 1, "somebody else wrote"

    async def other() -> None:
        async with Hold(wrong, "other"):
            await data.write("other.write", await data.read("other.read") + 1)

    await machine.main([("locked", locked), *_named("other", others, other)])


async def deadlock(machine: Machine) -> None:
    """Two locks in either order."""
    a, b = Mutex("lock a"), Mutex("lock b")

    async def both(first: Mutex, second: Mutex, name: str) -> None:
        async with Hold(first, f"{name}.outer"), Hold(second, f"{name}.inner"):
            pass

    bodies: list[Body] = [("ab", partial(both, a, b, "ab")), ("ba", partial(both, b, a, "ba"))]
    await machine.main(bodies)


async def bluetooth(machine: Machine) -> None:
    """A driver that is stopped between a check and the use."""
    stopping, pending, stopped = (
        Variable("stopping"),
        Variable("pending", 1),
        Variable("stopped"),
    )

    async def stopper() -> None:
        await stopping.write("stopper.stopping", 1)
        if await pending.add("stopper.pending", -1) == 0:
            await stopped.write("stopper.stopped", 1)

    task = await machine.start("stopper", stopper)
    if await stopping.read("adder.stopping") == 0:
        await pending.add("adder.pending", 1)
        assert not await stopped.read("adder.stopped"), "used after it was stopped"
        await pending.add("adder.done", -1)
    await machine.join(task)


@attrs.frozen
class Case:
    """A program by name."""

    name: str
    main: Callable[[Machine], Coroutine[Any, Any, None]]

    def program(self, granularity: Granularity) -> Program:
        """What a scheduler runs."""

        def build(execution: Execution) -> None:
            execution.spawn("main", self.main, Machine(granularity))

        return build


def _cases() -> list[Case]:
    splits = {3: (2, 1), 4: (3, 1), 5: (4, 1), 10: (9, 1), 20: (10, 10), 100: (99, 1)}
    return [
        *(Case(f"reorder_{size}", partial(reorder, *split)) for size, split in splits.items()),
        Case("twostage", partial(twostage, 1, 1)),
        Case("twostage_100", partial(twostage, 99, 1)),
        Case("wronglock", partial(wronglock, 7)),
        Case("wronglock_3", partial(wronglock, 3)),
        Case("deadlock01", deadlock),
        Case("bluetooth", bluetooth),
        Case("stack", partial(unlike_c.stack, 10)),
        Case("account", unlike_c.account),
        Case("lazy01", unlike_c.lazy),
        Case("token_ring", unlike_c.token_ring),
    ]


#: All programs, by name.
PROGRAMS: Final = {case.name: case for case in _cases()}
