# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes that explore parts of a search, and how to speak with them.

A part stays in the process where it has begun. One is spoken to where it has nothing to do, and
then answers once; so no two can wait for each other to read. It ends when nobody is there any
more to talk to.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from swaptrio.explore.campaign.engine import deaf
from swaptrio.explore.pace import INTERVAL
from swaptrio.sched import Carrier, open_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.explore.exhaustive.desk import Order, Told
    from swaptrio.explore.exhaustive.part import Share
    from swaptrio.sched import Scheduler

#: What workers import before they are forked.
_LOADED: Final = ["swaptrio.explore.exhaustive.worker", "swaptrio.explore.exhaustive.stage"]


class Lost(Exception):
    """A worker has ended before its time, and what it knew is lost."""


@attrs.frozen
class Broken:
    """The worker cannot go on."""

    failure: Exception


def serve(connection: Connection, opened: Callable[[], Any], carrier: Carrier) -> None:
    """Carry out what *connection* orders; *opened* gives who does that, a `Desk` or a `Runner`.
    *carrier* carries the tasks of the program.

    The standard output is not ours to write to.
    """
    with suppress(OSError):
        os.dup2(2, 1)
    with suppress(EOFError, OSError):  # nobody is there any more
        try:
            trio.run(_serve, connection, opened(), carrier)
        except (EOFError, OSError):
            raise
        except Exception as exc:  # it is the owner's to raise
            connection.send(Broken(exc))


async def _serve(connection: Connection, desk: Any, carrier: Carrier) -> None:
    async with open_scheduler(carrier) as scheduler:
        while True:
            asked = connection.recv()
            if isinstance(asked, int):
                connection.send(desk.share(asked))
                continue
            desk.give(asked)
            told: list[Any] = []
            while not told:
                told = await desk.hear(scheduler)
            connection.send(told[0])


@attrs.define(eq=False)
class Seat:
    """How to reach a worker, the parts that it has, and whether it has to do."""

    connection: Connection
    parts: set[int] = attrs.Factory(set)
    busy: bool = False

    def send(self, message: object) -> None:
        """Tell it something.

        Raises:
            Lost: it has ended.
        """
        try:
            self.connection.send(message)
        except OSError:
            raise Lost from None

    def receive(self) -> Any:
        """What it says.

        Raises:
            Lost: it has ended.
            Exception: what has made it give up.
        """
        try:
            said = self.connection.recv()
        except (EOFError, OSError):
            raise Lost from None
        if isinstance(said, Broken):
            raise said.failure
        return said


@attrs.define(eq=False)
class Staff:
    """Workers as `Hands`."""

    seats: list[Seat]

    def takes(self, number: int) -> bool:
        """Whether the worker that has it has nothing to do; or any, if none has it."""
        return not self._seat(number).busy

    def give(self, order: Order) -> None:
        """Send *order* where its part is."""
        seat = self._seat(order.number)
        seat.parts.add(order.number)
        seat.busy = True
        seat.send(order)

    async def hear(self, _scheduler: Scheduler) -> list[Told]:
        """Wait a little for those who are busy."""
        busy = {seat.connection: seat for seat in self.seats if seat.busy}
        return [self._told(busy[which]) for which in wait(list(busy), INTERVAL)]  # type: ignore[index]  # it gives what it got

    def share(self, number: int) -> Share:
        """Ask where the part of that number stands."""
        seat = self._seat(number)
        seat.send(number)
        share: Share = seat.receive()
        return share

    def _told(self, seat: Seat) -> Told:
        told: Told = seat.receive()
        seat.busy = False
        if told.outcome is not None:
            seat.parts.discard(told.number)
        return told

    def _seat(self, number: int) -> Seat:
        for seat in self.seats:
            if number in seat.parts:
                return seat
        return min(self.seats, key=lambda seat: (seat.busy, len(seat.parts)))


@contextmanager
def open_staff(count: int, work: Callable[[Connection], None]) -> Iterator[Staff]:
    """That many processes, which end with the block, whatever they do."""
    resource_tracker.ensure_running()
    with ExitStack() as stack:
        with deaf():
            seats = [Seat(stack.enter_context(_worker(work))) for _ in range(count)]
        yield Staff(seats)


@contextmanager
def _worker(work: Callable[[Connection], None]) -> Iterator[Connection]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        ours.close()
