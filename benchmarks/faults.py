# SPDX-License-Identifier: MIT OR Apache-2.0
"""Faults on one slot of a cluster and a freer of its neighbour, as small as it can be.

It stands for the swap cache where other tools have been measured on such a program: a fault
looks at its slot without a lock, allocates and charges (either may fail), takes the cluster
lock, looks again, and puts its folio into the slot. Then it reads, and maps what is there. The
first fault may bring a large folio that covers the neighbour too; where the freer was there it
falls back to a small one. With two faults some thousands of states can be reached; with four,
some hundred thousands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.sched import Shared, SpinLock, Violation, choose, point

if TYPE_CHECKING:
    from swaptrio.sched import Execution, Program

SLOT, NEIGHBOUR = 0, 1

#: One of four fails.
OUTCOMES: Final = (True, False)


def faults(count: int, private: int = 24) -> Program:
    """*count* faults, the first of which may take a large folio, and the freer.

    A fault reads in *private* steps, which nobody else can see.
    """

    def program(execution: Execution) -> None:
        lock = SpinLock("cluster")
        table = [Shared("slot0", "swapped"), Shared("slot1", "swapped")]

        async def fault(name: str, order: int) -> None:
            while True:
                if await table[SLOT].read("fault.look") != "swapped":
                    return
                if not await allocated("fault.alloc") or not await allocated("fault.charge"):
                    if not order:
                        return
                    order = 0
                    continue
                if await insert(name, order):
                    break
                if not order:
                    return
                order = 0
            for _ in range(private):
                await point("fault.read")
            await lock.acquire("fault.map-lock")
            if await table[SLOT].read("fault.map") != name:
                raise Violation("F-OWNER", f"{name} maps what is not its own")
            for slot in range(1 << order):
                await table[slot].write("fault.free", "free")
            lock.release()

        async def allocated(label: str) -> bool:
            await point(label)
            return choose(label, OUTCOMES)

        async def insert(name: str, order: int) -> bool:
            await lock.acquire("insert.lock")
            fits = True
            for slot in range(1 << order):
                fits = fits and await table[slot].read("insert.check") == "swapped"
            if fits:
                for slot in range(1 << order):
                    await table[slot].write("insert.write", name)
            lock.release()
            return fits

        async def free() -> None:
            await point("free.begin")
            await lock.acquire("free.lock")
            if await table[NEIGHBOUR].read("free.check") == "swapped":
                await table[NEIGHBOUR].write("free.write", "free")
            lock.release()
            await point("free.end")

        for number in range(count):
            name = f"fault{number}"
            execution.spawn(name, fault, name, int(not number))
        execution.spawn("free", free)

    return program
