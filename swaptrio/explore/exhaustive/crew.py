# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search in parts, as its owner sees it: who has his turn when, and what all of them count.

It goes in *rounds*. In each round every part that has something to do has one turn, in the
order of their numbers; what comes back to a part, and what is lent, waits for the next round.
Who carries out the turns may do several at a time, and end them in any order; here they are
taken in that of the numbers. So all that is told is the same, however many there are to do it:
the counts, and also which violation is the first.

Parts are lent so that there are `PARTS` with something to do. One that has not needed more than
its first turn is too small for that.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore.exhaustive.desk import Back, Hands, Order, Told
from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.exhaustive.worker import Lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.explore.exhaustive.part import News
    from swaptrio.sched import Scheduler

#: How many parts there are to be, whoever explores them: more than most machines have cores.
PARTS: Final = 16


@attrs.define(eq=False)
class Loan:
    """The part of a *number*, which that of number *owner* has lent at *pin*; -1 for the whole.

    It stands at *share*, if it has not begun here. *back* is what has come back to it and is
    yet to be told. *left* is about which part of the whole it still has to do; it is *grown*
    when it has had a turn, and *stuck* where it waits for what it has lent.
    """

    number: int
    owner: int
    pin: int
    share: Share | None
    left: float
    grown: bool = False
    stuck: bool = False
    back: list[Back] = attrs.Factory(list)

    @property
    def goes_on(self) -> bool:
        """Whether it has something to do."""
        return not self.stuck or bool(self.back)


@attrs.define(eq=False)
class Crew(Exploration):
    """The search of all *loans* by *hands*, as one exploration.

    *ordered* are the objects whose adds had an order from the beginning, and *known* those of
    which parts know; it is *disordered* where it has turned out that there are more, and *lost*
    where one who has explored a part is not there any more. What led to nothing that another
    part had not is one of the *probes*, and nothing is blocked. *turns* are those that are
    still to come in this round, with how many shares to lend; *numbered* is the next number.
    """

    tally: Tally
    hands: Hands
    ordered: tuple[str, ...] = ()
    classes: set[tuple[int, ...]] = attrs.Factory(set)
    probes: int = 0
    loans: dict[int, Loan] = attrs.Factory(dict)
    turns: deque[tuple[int, int]] = attrs.Factory(deque)
    numbered: int = 0
    known: dict[str, None] = attrs.Factory(dict)
    added: dict[str, None] = attrs.Factory(dict)
    depth: int = 0
    disordered: bool = False
    lost: bool = False
    _given: list[int] = attrs.field(factory=list, init=False)
    _told: dict[int, Told] = attrs.field(factory=dict, init=False)

    @property
    def traces(self) -> int:
        """How many classes were met."""
        return len(self.classes)

    def estimate(self) -> float:
        """About how many executions there are in all; infinite where nothing can be said."""
        explored = 1.0 - sum(loan.left for loan in self.loans.values())
        executions = self.tally.executions
        return max(executions / explored, executions) if explored > 0 else float("inf")

    def moved(self, hands: Hands) -> Crew:
        """The same for other *hands*, where nobody has begun."""
        loans = {
            number: attrs.evolve(loan, back=list(loan.back))
            for number, loan in self.loans.items()
        }
        return attrs.evolve(
            self,
            tally=self.tally.copy(),
            hands=hands,
            classes=set(self.classes),
            loans=loans,
            turns=deque(self.turns),
            known=dict(self.known),
            added=dict(self.added),
        )

    def lend(self, share: Share, owner: int = -1) -> None:
        """*share* is to be explored from the next round on; without an *owner* it is all."""
        number, self.numbered = self.numbered, self.numbered + 1
        loan = Loan(number, owner, share.floor - 1, share, share.weight, grown=owner < 0)
        self.loans[number] = loan

    async def turn(self, scheduler: Scheduler) -> None:
        """Give out what can be, and hear what is told.

        Raises:
            Exception: what has made somebody give up.
        """
        if not self.turns and not self._given:
            self._begin_round()
        await self._go_on(scheduler, [number for number, _ in self.turns])

    async def pause(self, scheduler: Scheduler) -> None:
        """Let those who have begun their turns end them, and all who would come before."""
        while self._given and self._goes_on:
            last = max(self._given)
            before = [number for number, _ in self.turns if number < last]
            await self._go_on(scheduler, before)

    def shares(self) -> dict[int, Share]:
        """Where all parts stand, while nobody is at work.

        Raises:
            Lost: one who has explored a part is not there any more.
        """
        if self.lost:
            raise Lost
        return {
            number: self.hands.share(number) if loan.share is None else loan.share
            for number, loan in self.loans.items()
        }

    @property
    def _goes_on(self) -> bool:
        """Whether there is something to learn, if only for another time."""
        ended = self.tally.outcome is not None and not self.tally.interrupted
        return not (ended or self.disordered or self.lost)

    def _begin_round(self) -> None:
        ready = [loan for loan in self.loans.values() if loan.goes_on]
        free = PARTS - len(ready)
        grown = [loan for loan in ready if loan.grown]
        each = -(-free // len(grown)) if grown else 0
        for loan in ready:
            many = max(0, min(each, free)) if loan.grown else 0
            free -= many
            self.turns.append((loan.number, many))

    async def _go_on(self, scheduler: Scheduler, numbers: Iterable[int]) -> None:
        try:
            for number in numbers:
                if self.hands.takes(number):
                    self._give(number)
            for told in await self.hands.hear(scheduler):
                self._told[told.number] = told
        except Lost:
            self.lost = True
            return
        while self._goes_on and self._given and self._is_next(self._given[0]):
            self._take(self._told.pop(self._given.pop(0)))

    def _is_next(self, number: int) -> bool:
        """Whether that turn is over, and all before it were taken."""
        return number in self._told and (not self.turns or self.turns[0][0] > number)

    def _give(self, number: int) -> None:
        loan = self.loans[number]
        (many,) = [many for which, many in self.turns if which == number]
        self.turns.remove((number, many))
        insort(self._given, number)
        order = Order(number, many, tuple(loan.back), loan.share)
        loan.share, loan.back = None, []
        self.hands.give(order)

    def _take(self, told: Told) -> None:
        """The next turn in the order is over."""
        loan = self.loans[told.number]
        self._count(loan, told.news)
        loan.grown, loan.stuck = True, told.stuck
        for share in told.lent:
            self.lend(share, told.number)
        if told.outcome is Outcome.COMPLETE:
            self._end(loan, told)
        elif told.outcome is not None:
            self.tally.end(told.outcome, told.reason)
        if not self.loans:
            self.tally.end(Outcome.COMPLETE)

    def _end(self, loan: Loan, told: Told) -> None:
        del self.loans[loan.number]
        if loan.owner >= 0:
            self.loans[loan.owner].back.append(Back(loan.pin, told.foreign))

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
        self.added.update(dict.fromkeys(news.added))
        self.disordered = any(
            key in self.added and key not in self.ordered for key in self.known
        )
