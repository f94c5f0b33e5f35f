# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs of which others have counted the executions that differ.

GenMC and Nidhugg keep such counts in their test suites, for sequential consistency and with the
order of writes. An exploration that is exact runs each of these programs that many times. The
programs are told in our own words.

`litmus` takes the accesses of each task as text: ``Rx`` reads x, ``Wx`` writes, ``Ax`` adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Mutex, Program, Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from swaptrio.sched import Execution


@attrs.frozen
class Counted:
    """A *program* and its *count*."""

    name: str
    program: Program
    count: int


def litmus(*tasks: str) -> Program:
    """One task for each text."""

    def program(execution: Execution) -> None:
        shared: dict[str, Shared[int]] = {}

        async def run(accesses: str) -> None:
            for access in accesses.split():
                variable = shared[access[1]]
                match access[0]:
                    case "R":
                        await variable.read("read")
                    case "W":
                        await variable.write("write", 1)
                    case _:
                        await variable.add("add", 1)

        for number, accesses in enumerate(tasks):
            for access in accesses.split():
                shared.setdefault(access[1], Shared(access[1], 0))
            execution.spawn(f"t{number}", run, accesses)

    return program


def tasks_of(count: int, body: Callable[[Shared[int], int], Awaitable[object]]) -> Program:
    """*count* tasks that run *body* on one variable, with their numbers from 1."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def run(number: int) -> None:
            await body(x, number)

        for number in range(1, count + 1):
            execution.spawn(f"t{number}", run, number)

    return program


async def increment(x: Shared[int], _number: int) -> None:
    """Read, then write."""
    await x.write("increment.write", await x.read("increment.read") + 1)


def inc(count: int) -> Program:
    """All read and then write."""
    return tasks_of(count, increment)


def cinc(count: int) -> Program:
    """All add to three variables."""
    return litmus(*["Ax Ay Az"] * count)


async def read_write(x: Shared[int], number: int) -> None:
    """Read, then write something else."""
    await x.read("rw.read")
    await x.write("rw.write", number)


def casrot(count: int) -> Program:
    """Task i replaces i - 1 by i."""
    return tasks_of(count, lambda x, i: x.cas("casrot.cas", i - 1, i))


def cas(count: int) -> Program:
    """All try to be the first."""
    return tasks_of(count, lambda x, i: x.cas("cas.cas", 0, i))


def lockinc(count: int) -> Program:
    """Increments under a lock."""

    def program(execution: Execution) -> None:
        x, lock = Shared("x", 0), Mutex("lock")

        async def run() -> None:
            await lock.acquire("lockinc.lock")
            await increment(x, 0)
            await lock.release("lockinc.unlock")

        for number in range(count):
            execution.spawn(f"t{number}", run)

    return program


def lastzero(count: int) -> Program:
    """A reader scans an array downwards for a zero, into which each writer carries one on."""

    def program(execution: Execution) -> None:
        array = [Shared(f"a{number}", 0) for number in range(count + 1)]

        async def reader() -> None:
            place = count
            while await array[place].read("reader.read"):
                place -= 1

        async def writer(number: int) -> None:
            before = await array[number - 1].read("writer.read")
            await array[number].write("writer.write", before + 1)

        execution.spawn("reader", reader)
        for number in range(1, count + 1):
            execution.spawn(f"w{number}", writer, number)

    return program


def indexer(count: int, *, size: int = 128, messages: int = 4) -> Program:
    """Each task puts messages into a hash table, by compare-and-swap from slot to slot."""

    def program(execution: Execution) -> None:
        table = [Shared(f"slot{number}", 0) for number in range(size)]

        async def run(task: int) -> None:
            for number in range(1, messages + 1):
                word = number * 11 + task
                place = word * 7 % size
                while not await table[place].cas("indexer.cas", 0, word):
                    place = (place + 1) % size

        for task in range(count):
            execution.spawn(f"t{task}", run, task)

    return program


def deadlock(count: int) -> Program:
    """All want a lock, and who has it never gives it back."""

    def program(execution: Execution) -> None:
        x, lock = Shared("x", 0), Mutex("lock")

        async def run() -> None:
            await lock.acquire("deadlock.lock")
            await x.add("deadlock.add", 1)
            await x.until("deadlock.wait", lambda value: value == count)

        for number in range(count):
            execution.spawn(f"t{number}", run)

    return program


def coa(count: int) -> Program:
    """Two that look at what others write, between writing and reading a variable of both."""
    return litmus("Wx Ry Rx", "Wx Rz Rx", *["Wy Wz"] * count)


def wrw(count: int) -> Program:
    """A writer, and that many who read and write."""
    return litmus("Wx", *["Rx Wx"] * count)


def readers(count: int) -> Program:
    """A writer and that many readers."""
    return litmus("Wx", *["Rx"] * count)


#: Rows that take a second at most.
QUICK: Final = (
    Counted("SB", litmus("Wx Ry", "Wy Rx"), 3),
    Counted("MP", litmus("Wx Wy", "Ry Rx"), 3),
    Counted("LB", litmus("Rx Wy", "Ry Wx"), 3),
    Counted("2+2W", litmus("Wx Wy", "Wy Wx"), 3),
    Counted("CoRR", litmus("Wx Wx", "Rx Rx"), 6),
    Counted("CoRR0", litmus("Wx", "Rx", "Rx"), 4),
    Counted("CoRR1", litmus("Wx", "Wx", "Rx Rx", "Rx"), 36),
    Counted("CoRR2", litmus("Wx", "Wx", "Rx Rx", "Rx Rx"), 72),
    Counted("IRIW", litmus("Wx", "Wy", "Rx Ry", "Ry Rx"), 15),
    Counted("LB3", litmus("Rx Wy", "Ry Wz", "Rz Wx"), 7),
    Counted("ISA2", litmus("Wx Wy", "Ry Wz", "Rz Rx"), 7),
    Counted("RWC", litmus("Wx", "Rx Ry", "Wy Rx"), 7),
    Counted("MP2", litmus("Wa Wc Wb Wd", "Rb Ra", "Rd Rc"), 9),
    Counted("small0", litmus("Rx", "Rx Wx", "Wx"), 9),
    Counted("small1", litmus("Ry Rz Rx", "Wx", "Wy Wz"), 8),
    Counted("three writers, four reads", litmus("Wx", "Wx", "Wx", "Rx Rx Rx Rx"), 210),
    Counted("two adds, reads, a write", litmus("Ax", "Ax", "Rx Rx", "Wx", "Rx Rx"), 600),
    Counted("five writers, one reader", litmus(*["Wx"] * 5, "Rx"), 720),
    *(Counted(f"readers({n})", readers(n), 2**n) for n in (2, 3, 4, 6, 8)),
    *(
        Counted(f"ainc({n})", litmus(*["Ax"] * n), count)
        for n, count in ((2, 2), (3, 6), (4, 24), (5, 120), (6, 720))
    ),
    *(
        Counted(f"lockinc({n})", lockinc(n), count)
        for n, count in ((2, 2), (3, 6), (4, 24), (5, 120), (6, 720))
    ),
    *(
        Counted(f"binc({n})", litmus(*["Ax Ay"] * n), count)
        for n, count in ((2, 4), (3, 36), (4, 576))
    ),
    *(Counted(f"cinc({n})", cinc(n), c) for n, c in ((2, 8), (3, 216))),
    *(Counted(f"inc({n})", inc(n), count) for n, count in ((2, 4), (3, 36), (4, 576))),
    *(
        Counted(f"casrot({n})", casrot(n), count)
        for n, count in ((2, 2), (3, 5), (4, 14), (5, 43), (6, 144), (7, 523), (8, 2048))
    ),
    Counted("lastzero(5)", lastzero(5), 64),
    Counted("indexer(12)", indexer(12), 8),
    *(Counted(f"cas({n})", cas(n), n) for n in (2, 3, 4, 5)),
    *(Counted(f"deadlock({n})", deadlock(n), n) for n in (2, 3)),
    *(
        Counted(f"wainc({n})", litmus("Wx", *["Ax"] * n), count)
        for n, count in ((2, 6), (3, 24), (4, 120))
    ),
    *(Counted(f"wrw({n})", wrw(n), count) for n, count in ((2, 22), (3, 300))),
    *(Counted(f"coa({n})", coa(n), count) for n, count in ((0, 4), (1, 15), (2, 130))),
    *(
        Counted(f"rw({n})", tasks_of(n, read_write), count)
        for n, count in ((2, 4), (3, 36), (4, 576))
    ),
)

#: Rows that take longer, up to a minute.
SLOW: Final = (
    Counted("readers(13)", readers(13), 8192),
    Counted("ainc(7)", litmus(*["Ax"] * 7), 5040),
    Counted("lockinc(7)", lockinc(7), 5040),
    Counted("cinc(4)", cinc(4), 13824),
    Counted("casrot(9)", casrot(9), 8597),
    Counted("lastzero(10)", lastzero(10), 3328),
    Counted("indexer(15)", indexer(15), 4096),
    Counted("wrw(4)", wrw(4), 6576),
    Counted("coa(3)", coa(3), 2028),
)
