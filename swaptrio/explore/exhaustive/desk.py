# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where parts of a search are explored, one order at a time.

An order gives one part its turn: so many executions, or fewer if it is stuck or has ended. What
a turn does depends on nothing but the part and the order; so whoever has it carried out, and
when, learns the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from swaptrio.explore.exhaustive.part import News, Part, Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.wish import Wish

if TYPE_CHECKING:
    from swaptrio.sched import Scheduler

#: Executions of one turn: few enough to wait for, many beside what it costs to tell of them.
TURN: Final = 48


@attrs.frozen
class Back:
    """What was lent at *pin* is explored; *wishes* are left to who has lent it."""

    pin: int
    wishes: tuple[tuple[int, Wish], ...]


@attrs.frozen
class Order:
    """The turn of the part of a *number*, which stands at *share* if it has not begun here.

    Things have come *back* to it, and it is to lend so *many*, if it can.
    """

    number: int
    many: int = 0
    back: tuple[Back, ...] = ()
    share: Share | None = None


@attrs.frozen
class Told:
    """What the turn of the part of a *number* has come to, and what it has *lent*.

    Where it is over there is an *outcome*, because of *reason*; *foreign* is left to others.
    """

    number: int
    news: News
    lent: tuple[Share, ...] = ()
    stuck: bool = False
    outcome: Outcome | None = None
    reason: str = ""
    foreign: tuple[tuple[int, Wish], ...] = ()


class Hands(Protocol):
    """Who explores."""

    def takes(self, number: int) -> bool:
        """Whether the part of that number can have its turn now."""

    def give(self, order: Order) -> None:
        """Carry out *order*."""

    async def hear(self, scheduler: Scheduler) -> list[Told]:
        """What is done; this waits for a tenth of a second at most, or runs one execution."""

    def share(self, number: int) -> Share:
        """Where the part of that number stands, between two turns."""


@attrs.define(eq=False)
class Desk:
    """The parts that are explored here; *begin* makes a search that knows nothing."""

    begin: Callable[[], Reduction]
    _parts: dict[int, Part] = attrs.Factory(dict)
    _order: Order | None = None
    _lent: list[Share] = attrs.Factory(list)
    _done: int = 0

    def takes(self, number: int) -> bool:
        """One at a time."""
        return self._order is None

    def give(self, order: Order) -> None:
        """To be carried out as `hear` is called."""
        if order.share is not None:
            self._parts[order.number] = Part.of(order.share, self.begin())
        for back in order.back:
            self._parts[order.number].deliver(back.pin, back.wishes)
        self._order, self._lent, self._done = order, [], 0

    async def hear(self, scheduler: Scheduler) -> list[Told]:
        """Run one execution of the turn; at its end there is something to tell."""
        order = self._order
        assert order is not None
        part = self._parts[order.number]
        if part.goes_on and self._done < TURN:
            await part.turn(scheduler)
            self._done += 1
            self._lend(part, order)
        if part.goes_on and self._done < TURN:
            return []
        self._order = None
        return [self._told(order.number, part)]

    def share(self, number: int) -> Share:
        """Where the part of that number stands."""
        return self._parts[number].share()

    def _lend(self, part: Part, order: Order) -> None:
        if part.goes_on and len(self._lent) < order.many:
            share = part.lend()
            if share is not None:
                self._lent.append(share)

    def _told(self, number: int, part: Part) -> Told:
        tally = part.tally
        if part.ended:
            del self._parts[number]
        return Told(
            number,
            part.news(),
            tuple(self._lent),
            part.stuck,
            tally.outcome,
            tally.reason,
            part.share().foreign if part.ended else (),
        )
