# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that explores one part of a search after another.

About ten times a second it tells what is new, hears what has come back to its part, and lends
something if somebody is idle. It ends when nobody is there any more to talk to.
"""

from __future__ import annotations

import os
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import attrs
import trio

from swaptrio.explore.exhaustive.part import News, Part, Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.wish import Wish
from swaptrio.explore.pace import Pace
from swaptrio.sched import Carrier, open_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Scheduler


@attrs.frozen
class Back:
    """What was lent at *pin* is explored; *wishes* are left to who has lent it."""

    pin: int
    wishes: tuple[tuple[int, Wish], ...]


@attrs.frozen
class Order:
    """Go on with *share*, to which *back* has come back."""

    share: Share
    back: tuple[Back, ...] = ()


@attrs.frozen
class Answer:
    """What has come *back* to the part of a worker, and a *plea* to lend something."""

    back: tuple[Back, ...] = ()
    plea: bool = False


@attrs.frozen
class Told:
    """What a worker says of its part, and waits for an answer; or for an order, if that is all.

    *lent* is to be explored by somebody else. *left* is where the part stands that the worker
    is done with: it is stuck, or has ended with *outcome*, because of *reason*.
    """

    news: News
    lent: Share | None = None
    left: Share | None = None
    outcome: Outcome | None = None
    reason: str = ""


@attrs.frozen
class Broken:
    """The worker cannot go on."""

    failure: Exception


def serve(connection: Connection, begin: Callable[[], Reduction], carrier: Carrier) -> None:
    """Explore whatever *connection* orders; what *begin* gives tells of which program.
    *carrier* carries its tasks.

    The standard output is not ours to write to.
    """
    with suppress(OSError):
        os.dup2(2, 1)
    with suppress(EOFError, OSError):  # nobody is there any more
        try:
            trio.run(_Worker(connection, begin(), carrier).main)
        except (EOFError, OSError):
            raise
        except Exception as exc:  # it is the owner's to raise
            connection.send(Broken(exc))


@attrs.define(eq=False)
class _Worker:
    connection: Connection
    reduction: Reduction
    carrier: Carrier

    async def main(self) -> None:
        """Explore until nobody is there any more."""
        async with open_scheduler(self.carrier) as scheduler:
            while True:
                order: Order = self.connection.recv()
                part = Part.of(order.share, self.reduction)
                _deliver(part, order.back)
                await self._explore(scheduler, part)

    async def _explore(self, scheduler: Scheduler, part: Part) -> None:
        pace, turns = Pace.start(), 0
        while part.goes_on:
            await part.turn(scheduler)
            turns += 1
            if part.goes_on and pace.is_time(turns):
                self._talk(part)
        stands = part.share()
        left = stands if part.stuck else Share(foreign=stands.foreign)
        tally = part.tally
        told = Told(part.news(), left=left, outcome=tally.outcome, reason=tally.reason)
        self.connection.send(told)

    def _talk(self, part: Part) -> None:
        """Tell what is new; and lend something, if asked to."""
        answer = self._tell(Told(part.news()))
        _deliver(part, answer.back)
        lent = part.lend() if answer.plea else None
        if lent is not None:
            _deliver(part, self._tell(Told(part.news(), lent)).back)

    def _tell(self, told: Told) -> Answer:
        self.connection.send(told)
        answer: Answer = self.connection.recv()
        return answer


def _deliver(part: Part, backs: tuple[Back, ...]) -> None:
    for back in backs:
        part.deliver(back.pin, back.wishes)
