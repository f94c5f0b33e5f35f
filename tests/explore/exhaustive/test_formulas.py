# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs written as the documentation says, whose classes a formula or a paper counts."""

from __future__ import annotations

from math import comb, factorial
from typing import TYPE_CHECKING

import pytest

from swaptrio.explore import explore_program
from swaptrio.sched import Mutex, Shared, choose, join, open_channel, spawn

if TYPE_CHECKING:
    from swaptrio.sched import Execution, Program, ReceiveChannel, SendChannel

INODES, BLOCKS = 32, 26


def file_system(count: int) -> Program:
    """Each task takes a free block for its inode (Flanagan and Godefroid, POPL 2005)."""

    def program(execution: Execution) -> None:
        inode_locks = [Mutex(f"inode lock {i}") for i in range(INODES)]
        block_locks = [Mutex(f"block lock {b}") for b in range(BLOCKS)]
        inodes = [Shared(f"inode {i}", 0) for i in range(INODES)]
        busy = [Shared(f"block {b}", False) for b in range(BLOCKS)]

        async def create(task: int) -> None:
            inode, block = task % INODES, task * 2 % BLOCKS
            await inode_locks[inode].acquire("create.lock")
            if await inodes[inode].read("create.look") == 0:
                while not await taken(block):
                    block = (block + 1) % BLOCKS
                await inodes[inode].write("create.write", block + 1)
            await inode_locks[inode].release("create.unlock")

        async def taken(block: int) -> bool:
            await block_locks[block].acquire("taken.lock")
            free = not await busy[block].read("taken.look")
            if free:
                await busy[block].write("taken.take", True)
            await block_locks[block].release("taken.unlock")
            return free

        for task in range(count):
            execution.spawn(f"t{task}", create, task)

    return program


def first_example(execution: Execution) -> None:
    """The program by which optimal reduction was introduced (POPL 2014)."""
    x, y, z = (Shared(name, 0) for name in "xyz")

    async def p() -> None:
        await x.write("p.x", 1)

    async def q() -> None:
        await y.write("q.y", 1)

    async def r() -> None:
        if await y.read("r.y") == 0:
            await z.write("r.z", 1)

    async def s() -> None:
        if await z.read("s.z") == 1 and await y.read("s.y") == 0:
            await x.write("s.x", 2)

    for name, body in zip("pqrs", (p, q, r, s), strict=True):
        execution.spawn(name, body)


def ticket_lock(count: int) -> Program:
    """Whoever has the number that is served goes on: the tickets say all."""

    def program(execution: Execution) -> None:
        ticket, served, x = Shared("ticket", 0), Shared("served", 0), Shared("x", 0)

        async def run() -> None:
            mine = await ticket.add("run.ticket", 1)
            await served.until("run.wait", lambda number: number == mine)
            await x.write("run.write", await x.read("run.read") + 1)
            await served.write("run.next", mine + 1)

        for number in range(count):
            execution.spawn(f"t{number}", run)

    return program


def barrier(count: int) -> Program:
    """All arrive in some order, and go on in some order."""

    def program(execution: Execution) -> None:
        arrived, x = Shared("arrived", 0), Shared("x", 0)

        async def run() -> None:
            await arrived.add("run.arrive", 1)
            await arrived.until("run.wait", lambda number: number == count)
            await x.add("run.add", 1)

        for number in range(count):
            execution.spawn(f"t{number}", run)

    return program


def tree(depth: int) -> Program:
    """Each task begins two others and waits for them; the leaves add to one variable."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def node(name: str, below: int) -> None:
            if not below:
                await x.add("node.add", 1)
                return
            children = [spawn(name + side, node, name + side, below - 1) for side in "lr"]
            for child in children:
                await join(child)

        execution.spawn("n", node, "n", depth)

    return program


def ordered_philosophers(count: int) -> Program:
    """Each takes the fork with the smaller number first: nobody waits in a ring."""

    def program(execution: Execution) -> None:
        forks = [Mutex(f"fork {number}") for number in range(count)]

        async def dine(number: int) -> None:
            one, other = sorted((number, (number + 1) % count))
            await forks[one].acquire("dine.one")
            await forks[other].acquire("dine.other")
            await forks[other].release("dine.other-back")
            await forks[one].release("dine.one-back")

        for number in range(count):
            execution.spawn(f"p{number}", dine, number)

    return program


def drawn(tasks: int, options: int) -> Program:
    """Each writes what it draws."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def run() -> None:
            await x.write("run.write", choose("run.draw", range(options)))

        for number in range(tasks):
            execution.spawn(f"t{number}", run)

    return program


def two_looks(adds: int) -> Program:
    """One adds so many times, another looks twice."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def add() -> None:
            for _ in range(adds):
                await x.add("add.add", 1)

        async def look() -> None:
            await x.read("look.first")
            await x.read("look.second")

        execution.spawn("add", add)
        execution.spawn("look", look)

    return program


def gather(count: int) -> Program:
    """Workers send what they have to one who waits for their ends, and then receives."""

    def program(execution: Execution) -> None:
        ends: tuple[SendChannel[int], ReceiveChannel[int]] = open_channel("results", count)
        send, receive = ends

        async def work(number: int) -> None:
            await send.send(number)

        async def main() -> None:
            workers = [spawn(f"w{number}", work, number) for number in range(count)]
            for worker in workers:
                await join(worker)
            for _ in workers:
                await receive.receive()

        execution.spawn("main", main)

    return program


COUNTS = [
    *((f"file system of {n}", file_system(n), 2 ** max(0, n - 13)) for n in (12, 14, 16)),
    ("first example", first_example, 5),
    *((f"ticket lock of {n}", ticket_lock(n), factorial(n)) for n in (2, 3, 4)),
    *((f"barrier of {n}", barrier(n), factorial(n) ** 2) for n in (2, 3)),
    *((f"tree of {d}", tree(d), factorial(2**d)) for d in (1, 2)),
    # All directions of the ring's edges but the two that go round.
    *((f"philosophers of {n}", ordered_philosophers(n), 2**n - 2) for n in (3, 4)),
    *((f"draws of {n}, {k}", drawn(n, k), factorial(n) * k**n) for n, k in ((2, 3), (3, 2))),
    *((f"looks at {n} adds", two_looks(n), comb(n + 2, 2)) for n in (1, 2, 5)),
    *((f"gather from {n}", gather(n), factorial(n)) for n in (2, 3)),
]


@pytest.mark.parametrize(
    ("program", "count"), [pytest.param(*row, id=name) for name, *row in COUNTS]
)
def test_count_of_a_formula(program: Program, count: int) -> None:
    """As many executions run as there are classes, and all of them end well."""
    result = explore_program(program)
    assert result.complete
    assert (result.executions, result.traces, result.blocked) == (count, count, 0)
    assert result.violations == ()
