# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who explores which part of a search that several processes share.

Here nothing is explored. What workers lend waits in a queue for those who are idle; what comes
back goes to who has lent it; and what all of them count is added up.

Workers speak, and are answered. So no two can wait for each other to read.
"""

from __future__ import annotations

from collections import deque
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.exhaustive.worker import Answer, Back, Broken, Order, Told
from swaptrio.explore.pace import INTERVAL

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.part import News
    from swaptrio.sched import Scheduler


class _Lost(Exception):
    """A worker has ended before its time, and what it knew is lost."""


@attrs.define(eq=False)
class Loan:
    """A part of the search, and who has lent it, at *pin*; nobody has lent the whole.

    Where no worker has it, it stands at *share*; *back* is what has come back to it and is yet
    to be told. *left* is about which part of the whole it still has to do.
    """

    owner: Loan | None
    pin: int
    share: Share | None
    left: float
    back: list[Back] = attrs.Factory(list)


@attrs.define(eq=False)
class Seat:
    """How to reach a worker, and what it has."""

    connection: Connection
    loan: Loan | None = None


@attrs.define(eq=False)
class Crew:
    """The search as its owner sees it: an exploration that the workers at *seats* go on with.

    *ordered* are the objects whose adds had an order from the beginning, and *known* those of
    which workers know; it is *disordered* where it has turned out that there are more.
    """

    tally: Tally
    seats: list[Seat]
    ordered: tuple[str, ...]
    classes: set[tuple[int, ...]] = attrs.Factory(set)
    probes: int = 0
    depth: int = 0
    disordered: bool = False
    known: dict[str, None] = attrs.Factory(dict)
    _added: dict[str, None] = attrs.Factory(dict)
    _loans: list[Loan] = attrs.Factory(list)
    _queue: deque[Loan] = attrs.Factory(deque)

    @property
    def traces(self) -> int:
        """How many classes were met."""
        return len(self.classes)

    @property
    def states(self) -> None:
        """None are kept."""

    @property
    def blocked(self) -> int:
        """None: what led to nothing that another process had not is among the probes."""
        return 0

    def estimate(self) -> float:
        """About how many executions there are in all; infinite where nothing can be said."""
        explored = 1.0 - sum(loan.left for loan in self._loans)
        executions = self.tally.executions
        return max(executions / explored, executions) if explored > 0 else float("inf")

    def lend(self, share: Share, owner: Loan | None = None) -> None:
        """*share* is to be explored by somebody; without an *owner* it is all there is."""
        loan = Loan(owner, share.floor - 1, share, share.weight)
        self._loans.append(loan)
        self._queue.append(loan)

    async def turn(self, _scheduler: Scheduler) -> None:
        """Give work to the idle, and hear what is told, for a tenth of a second at most.

        Raises:
            Exception: what has made a worker give up.
        """
        try:
            self._turn()
        except _Lost:
            self.tally.give_up("one of its processes was lost")
        if not self._loans:
            self.tally.outcome = Outcome.COMPLETE

    def _turn(self) -> None:
        for seat in self.seats:
            if seat.loan is None and self._queue:
                self._order(seat)
        speaking = wait([seat.connection for seat in self.seats], INTERVAL)
        for seat in self.seats:
            if seat.connection in speaking:
                self._hear(seat)

    def _order(self, seat: Seat) -> None:
        loan = self._queue.popleft()
        assert loan.share is not None
        seat.loan, order = loan, Order(loan.share, tuple(loan.back))
        loan.share, loan.back = None, []
        _send(seat, order)

    def _hear(self, seat: Seat) -> None:
        try:
            told: Told | Broken = seat.connection.recv()
        except (EOFError, OSError):
            raise _Lost from None
        if isinstance(told, Broken):
            raise told.failure
        loan = seat.loan
        assert loan is not None
        self._count(loan, told.news)
        if told.lent is not None:
            self.lend(told.lent, loan)
        if told.left is None:
            self._answer(seat, loan)
        else:
            seat.loan = None
            self._leave(loan, told, told.left)

    def _answer(self, seat: Seat, loan: Loan) -> None:
        """There is to be one loan more to be had than there are idle workers."""
        idle = sum(seat.loan is None for seat in self.seats)
        back, loan.back = tuple(loan.back), []
        _send(seat, Answer(back, plea=len(self._queue) <= idle))

    def _count(self, loan: Loan, news: News) -> None:
        self.tally.executions += news.executions
        self.tally.finals |= news.finals
        for found in news.violations:
            self.tally.keep(found)
        self.tally.add_sights(news.sights)
        self.classes.update(news.classes)
        self.probes += news.probes + news.blocked
        self.depth, loan.left = news.depth, news.left
        self.known.update(dict.fromkeys(news.ordered))
        self._added.update(dict.fromkeys(news.added))
        self.disordered = any(
            key in self._added and key not in self.ordered for key in self.known
        )

    def _leave(self, loan: Loan, told: Told, left: Share) -> None:
        """A worker is done with *loan*, as far as that goes."""
        if left.stuck:
            loan.share = left
            self._wake(loan)
        elif told.outcome is Outcome.COMPLETE:
            self._loans.remove(loan)
            if loan.owner is not None:
                loan.owner.back.append(Back(loan.pin, left.foreign))
                self._wake(loan.owner)
        else:
            self.tally.outcome, self.tally.reason = told.outcome, told.reason

    def _wake(self, loan: Loan) -> None:
        """Let somebody go on with a loan that was stuck, if something has come back to it."""
        if loan.share is not None and loan.back and loan not in self._queue:
            self._queue.append(loan)


def _send(seat: Seat, message: Order | Answer) -> None:
    try:
        seat.connection.send(message)
    except OSError:
        raise _Lost from None
