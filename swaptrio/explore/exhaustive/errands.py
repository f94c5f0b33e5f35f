# SPDX-License-Identifier: MIT OR Apache-2.0
"""A bounded search by several processes, with the result of one.

What `sweep` defers are ways, and each of them can be explored by somebody else: an *errand*.
Who does that knows fewer of the places that were reached before. So he may explore what belongs
to an errand before his, and writes down what he finds where: places, what is deferred there,
and executions that end there. It is taken in the order of the errands, and of a place only the
first time. So all is counted where one process would have counted it, and what is told is the
same to the last figure.

Nobody knows of places that belong to a later errand: errands are given out in their order, and
those of a level when the one before is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.rest import Rest
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.sweep import (
    Choice,
    End,
    Later,
    Met,
    Sweep,
    Used,
    path_of,
)
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.exhaustive.worker import Lost, Staff

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.part import Share
    from swaptrio.explore.exhaustive.worker import Seat
    from swaptrio.sched import Scheduler

#: Errands of one order, at most: some take no longer than it takes to tell of them.
MANY: Final = 8

#: How a search ends before its time.
_LAST: Final = (Outcome.VIOLATION, Outcome.INCONCLUSIVE)

#: What was found on one errand, in order.
Log: TypeAlias = tuple[Met | Later | End, ...]


@attrs.frozen
class Errands:
    """Ways to go, each with the preemptions used before; beside them places are *known*.

    *ordered* are the objects whose adds have an order.
    """

    number: int
    ways: tuple[tuple[tuple[Choice, ...], int], ...]
    known: tuple[bytes, ...]
    ordered: tuple[str, ...]


@attrs.frozen
class Done:
    """The logs of the errands of a *number*; the last one has ended with *outcome*.

    *ordered* and *added* are those of the `Walk`.
    """

    number: int
    logs: tuple[Log, ...]
    outcome: Outcome
    reason: str
    ordered: tuple[str, ...]
    added: tuple[str, ...]


@attrs.define(eq=False)
class Runner:
    """Goes on errands for a search that somebody else keeps the books of."""

    sweeping: Sweeping
    _errands: Errands | None = None

    def __attrs_post_init__(self) -> None:
        self.sweeping.repeated = self.sweeping.parted = True

    @property
    def sweep(self) -> Sweep:
        """The guide, which is that of a search over classes."""
        assert isinstance(self.sweeping.sweep, Sweep)
        return self.sweeping.sweep

    def takes(self, number: int) -> bool:
        """One at a time."""
        return self._errands is None

    def give(self, errands: Errands) -> None:
        """To be done as `hear` is called."""
        self.sweep.ways.update(errands.known)
        self.sweep.walk.ordered.update(dict.fromkeys(errands.ordered))
        self._errands = errands

    async def hear(self, scheduler: Scheduler) -> list[Done]:
        """Go on all of them."""
        errands, tally, walk = self._errands, self.sweeping.tally, self.sweep.walk
        assert errands is not None
        logs: list[Log] = []
        for way, used in errands.ways:
            await self._go(scheduler, way, used)
            logs.append(tuple(self.sweep.log or ()))
            if walk.disordered or tally.outcome in _LAST:
                break
        outcome = tally.outcome or Outcome.COMPLETE
        self._errands = None
        names = tuple(walk.ordered), tuple(walk.added)
        return [Done(errands.number, tuple(logs), outcome, tally.reason, *names)]

    def share(self, number: int) -> Share:
        """Nothing stays with it."""
        raise NotImplementedError

    async def _go(self, scheduler: Scheduler, way: tuple[Choice, ...], used: int) -> None:
        self.sweeping.tally.clear()
        self.sweep.dropped = False
        self.sweep.set_out(way, used)
        while self.sweeping.tally.outcome is None and not self.sweep.walk.disordered:
            await self.sweeping.turn(scheduler)


@attrs.define(eq=False)
class Errandry(Exploration):
    """The bounded search as its owner sees it: an exploration that *staff* goes on with.

    *waiting* are the ways of this level that are yet to go, the last one first, *deferred*
    those of the next; *places* are all that were met, *dropped* says that there was more beyond
    the bound. It is *disordered* or *lost* as a `Crew` is. *learned* are the places in the
    order in which they were met, and *told* how many of them each worker knows. *given* are the
    errands that somebody is on, by their numbers in order, and *done* those among them from
    which he is back.
    """

    tally: Tally
    staff: Staff
    ordered: tuple[str, ...]
    classes: set[tuple[int, ...]]
    waiting: list[Used | Later]
    deferred: list[Used]
    places: set[bytes]
    dropped: bool
    known: dict[str, None] = attrs.Factory(dict)
    added: dict[str, None] = attrs.Factory(dict)
    disordered: bool = False
    lost: bool = False
    _learned: list[bytes] = attrs.Factory(list)
    _told: dict[int, int] = attrs.Factory(dict)
    _given: dict[int, list[Used | Later]] = attrs.Factory(dict)
    _done: dict[int, Done] = attrs.Factory(dict)
    _numbered: int = 0

    @classmethod
    def of(cls, before: Sweeping, staff: Staff) -> Errandry:
        """Where *before* stands, to be gone on with by *staff*."""
        assert isinstance(before.sweep, Sweep)
        rest = Rest.of(before.sweep)
        errandry = cls(
            before.tally.copy(),
            staff,
            rest.ordered,
            set(before.classes),
            [*rest.left],
            [*rest.deferred],
            set(rest.places),
            rest.dropped,
        )
        errandry.added.update(dict.fromkeys(rest.added))
        errandry._learned += sorted(rest.places)
        return errandry

    def stand(self) -> Rest:
        """Where it stands. Nothing is known of errands that somebody is on."""
        given = [task for tasks in reversed(self._given.values()) for task in reversed(tasks)]
        return Rest(
            (*self.waiting, *given),
            tuple(self.deferred),
            frozenset(self.places),
            self.dropped,
            tuple(dict.fromkeys((*self.ordered, *self.known))),
            tuple(self.added),
        )

    @property
    def traces(self) -> int:
        """How many classes were met."""
        return len(self.classes)

    async def turn(self, scheduler: Scheduler) -> None:
        """Give out what can be, and hear what is told.

        Raises:
            Exception: what has made somebody give up.
        """
        if not self.waiting and not self._given:
            self.waiting, self.deferred = [*reversed(self.deferred)], []
        if not self.waiting and not self._given:
            self.tally.outcome = Outcome.BOUNDED if self.dropped else Outcome.COMPLETE
            return
        try:
            for place, seat in enumerate(self.staff.seats):
                if not seat.busy:
                    self._give(place, seat)
            busy = any(seat.busy for seat in self.staff.seats)
            for done in await self.staff.hear(scheduler) if busy else []:
                self._done[done.number] = done  # type: ignore[assignment]  # to errands
        except Lost:
            self.lost = True
            return
        while self._given and not self._is_over:
            first = next(iter(self._given))
            if first not in self._done:
                break
            del self._given[first]
            self._take(self._done.pop(first))

    @property
    def _is_over(self) -> bool:
        return self.tally.outcome is not None or self.disordered

    def _give(self, place: int, seat: Seat) -> None:
        self._note()
        ways = self._next_ways()
        if not ways:
            return
        known = tuple(self._learned[self._told.get(place, 0) :])
        self._told[place] = len(self._learned)
        plans = tuple([(tuple(path_of(way)), used) for way, used in ways])
        seat.busy = True
        seat.send(Errands(self._number([*ways]), plans, known, self.ordered))

    def _number(self, tasks: list[Used | Later]) -> int:
        number, self._numbered = self._numbered, self._numbered + 1
        self._given[number] = tasks
        return number

    def _note(self) -> None:
        """What is to be deferred next is found by an errand that takes no time."""
        while self.waiting and isinstance(later := self.waiting[-1], Later):
            self.waiting.pop()
            number = self._number([later])
            self._done[number] = Done(number, ((later,),), Outcome.COMPLETE, "", (), ())

    def _next_ways(self) -> list[Used]:
        ways: list[Used] = []
        many = max(1, min(MANY, len(self.waiting) // (2 * len(self.staff.seats))))
        while self.waiting and len(ways) < many:
            last = self.waiting[-1]
            if isinstance(last, Later):
                break
            ways.append(last)
            self.waiting.pop()
        return ways

    def _take(self, done: Done) -> None:
        self.known.update(dict.fromkeys(done.ordered))
        self.added.update(dict.fromkeys(done.added))
        self.disordered = any(
            key in self.added and key not in self.ordered for key in self.known
        )
        for log in done.logs:
            self._read(log)
        gave_up = done.outcome is Outcome.INCONCLUSIVE
        if gave_up and not self._is_over:
            self.tally.end(done.outcome, done.reason)

    def _read(self, log: Log) -> None:
        """What is found at a place counts where the place is met for the first time."""
        own: set[bytes] = set()
        for entry in log:
            if self._is_over:
                return
            if isinstance(entry, Met):
                if not entry.is_among(self.places):
                    self.places.add(entry.digest)
                    self._learned.append(entry.digest)
                    own.add(entry.digest)
            elif entry.place is None or entry.place.digest in own:
                self._count(entry)

    def _count(self, entry: Later | End) -> None:
        if isinstance(entry, Later):
            self.deferred += entry.ways
            self.dropped = self.dropped or entry.dropped
            return
        tally = self.tally
        tally.executions += 1
        tally.finals |= entry.final
        tally.add_sights(entry.sights)
        self.classes.add(entry.name)
        if entry.found is not None:
            tally.keep(entry.found)
            if tally.first:
                tally.outcome = Outcome.VIOLATION
