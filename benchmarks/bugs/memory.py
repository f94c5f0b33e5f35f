# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs are written on: shared variables, locks, and a main task that spawns.

The granularity is a property of the `Machine`. With ``shared`` only what others can notice is a
scheduling point: accesses, locks, spawning, joining. With ``every`` so are private steps, as
where each instruction is instrumented: ten before each spawn, five before each join, four where
a task starts. Published figures differ tenfold between the two for the same scheduler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs

from swaptrio.sched import Kind, Mutex, join, point, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from swaptrio.sched import Task

Granularity = Literal["every", "shared"]

#: A task of a program; its variables are bound already.
Body = tuple[str, "Callable[[], Coroutine[Any, Any, None]]"]


@attrs.define(eq=False)
class Variable:
    """A shared variable; each access is a scheduling point before it."""

    name: str
    value: int = 0

    async def read(self, label: str) -> int:
        """Its value."""
        await point(label, Kind.READ, self.name)
        return self.value

    async def write(self, label: str, value: int) -> None:
        """Set it."""
        await point(label, Kind.WRITE, self.name)
        self.value = value

    async def add(self, label: str, number: int) -> int:
        """Add to it at once; the new value."""
        await point(label, Kind.WRITE, self.name)
        self.value += number
        return self.value


@attrs.define(eq=False)
class Hold:
    """A block under a lock, whose taking and release are named *label*."""

    lock: Mutex
    label: str

    async def __aenter__(self) -> None:
        await self.lock.acquire(f"{self.label}.lock")

    async def __aexit__(self, kind: object, value: BaseException | None, trace: object) -> None:
        if value is None:
            await self.lock.release(f"{self.label}.unlock")


@attrs.frozen
class Machine:
    """Runs the tasks of a program under a main task, at one granularity."""

    granularity: Granularity

    async def private(self, label: str, count: int) -> None:
        """So many steps that nobody else can notice."""
        if self.granularity == "every":
            for _ in range(count):
                await point(label)

    async def main(self, bodies: list[Body], *, joins: bool = True) -> None:
        """Spawn *bodies* in order, and join them in order."""
        tasks = [await self.start(name, body) for name, body in bodies]
        for task in tasks if joins else ():
            await self.join(task)

    async def start(self, name: str, body: Callable[[], Coroutine[Any, Any, None]]) -> Task:
        """Spawn one task."""
        await self.private("main.private", 10)
        await point("main.spawn")
        return spawn(name, self._run, body)

    async def join(self, task: Task) -> None:
        """Wait for one task."""
        await self.private("main.private", 5)
        await join(task, "main.join")

    async def _run(self, body: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self.private("task.private", 4)
        await body()
