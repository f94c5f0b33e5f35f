# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fewest: all schedules with few deviations, for the failure that takes the fewest of them.

Or for the proof that none of them fails so. The schedule without deviations comes first, then
those with one, and so on: the first that fails has as few as any. Each is gone on from at the
decisions behind its last deviation.

Most of them say the same in other words. Where two executions stand at one *place* (see
`places`), the same follows by default, and the same can be decided. A place that was met before
was met with no more deviations, and was gone on from; so it is passed over. What has all the
deviations that are allowed is not gone on from, and nobody looks at its places.

In a variant with data races steps do not report what they touch (see `execute`), and no place
is taken for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs

from swaptrio.checks import watch_accesses
from swaptrio.explore.execute import execute
from swaptrio.explore.places import Place, Places, Prime
from swaptrio.scenario.play import BUDGET
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Scheduler, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from swaptrio.sched import Execution

#: Decisions by their number in the execution, from 0, and what leaves the default there.
Way: TypeAlias = tuple[tuple[int, int], ...]


@attrs.frozen
class Fewest:
    """What came of a sweep: the *verdict* that takes the fewest deviations.

    Where there is none, and the sweep is *complete*, no schedule with up to *deviations* of
    them fails so: *executions* stand for all of them.
    """

    deviations: int
    executions: int
    verdict: Verdict | None
    complete: bool


async def fewest(
    scheduler: Scheduler,
    setup: Setup,
    shows: Callable[[Verdict], bool],
    deviations: int,
    *,
    simplest: bool = False,
    places: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Fewest:
    """The execution of *setup* that *shows* a failure with the fewest deviations.

    Args:
        scheduler: runs the executions.
        setup: the scenario and the variant.
        shows: whether an execution that ended so is one.
        deviations: how many at most.
        simplest: whether to look at all that have as few, for the fewest switches among them,
            and then the fewest steps; else the first is taken.
        places: whether to pass over places that were met before.
        stop: asked before each execution; then the sweep is not complete.
    """
    looker = _Looker(scheduler, setup) if places and not setup.variant.races else None
    ways: list[Way] = [()]
    executions, found = 0, _Simplest()
    for level in range(deviations + 1):
        further: list[Way] = []
        for way in ways:
            if stop():
                return Fewest(deviations, executions, found.verdict, complete=False)
            executions += 1
            follower = Follower(way)
            if looker is None or level == deviations:
                verdict = await execute(scheduler, setup, follower)
            else:
                verdict = await looker.look(follower)
            if shows(verdict):
                found.note(verdict, follower.switches)
                if not simplest:
                    break
            elif level < deviations:
                further += follower.onward()
        if found.verdict is not None:
            break
        ways = further
    return Fewest(deviations, executions, found.verdict, complete=True)


@attrs.define(eq=False)
class _Simplest:
    """Of all that is noted, the *verdict* with the fewest switches and steps."""

    verdict: Verdict | None = None
    _size: tuple[int, int] = (0, 0)

    def note(self, verdict: Verdict, switches: int) -> None:
        """Keep *verdict*, if it is simpler than the one before."""
        size = switches, verdict.steps
        if self.verdict is None or size < self._size:
            self.verdict, self._size = verdict, size


@attrs.define(eq=False)
class _Looker:
    """Runs executions that tell their places, and knows those that were met."""

    scheduler: Scheduler
    setup: Setup
    _met: set[Place] = attrs.Factory(set)
    _primes: dict[object, Prime] = attrs.Factory(dict)

    async def look(self, follower: Follower) -> Verdict:
        """How an execution ends; what it offers are the places that are new."""
        places = follower.places = Places(self._primes)
        worlds: list[World] = []

        def program(execution: Execution) -> None:
            worlds.append(self.setup.build(execution))
            watch_accesses(worlds[0].kernel, execution)

        execution = await self.scheduler.run(program, follower, budget=BUDGET, observer=places)
        worlds[0].oracles.detach()
        follower.offers = list(self._new(follower.offers))
        assert execution.verdict is not None
        return execution.verdict

    def _new(self, offers: list[Offer]) -> Iterator[Offer]:
        for offer in offers:
            place = offer[2]
            assert place is not None
            if place not in self._met:
                self._met.add(place)
                yield offer


#: The number of a decision, how many ways it can go, and where it stands if that is known.
Offer: TypeAlias = tuple[int, int, Place | None]


@attrs.define(eq=False)
class Follower:
    """Follows *way* to its end, and takes the default from there on.

    *offers* are the decisions behind it. *switches* counts how often another task went on where
    there was something to decide, or where the running task had to wait.
    """

    asks_always: ClassVar[bool] = True

    way: Way
    places: Places | None = None
    offers: list[Offer] = attrs.Factory(list)
    switches: int = 0
    _wanted: dict[int, int] = attrs.Factory(dict)
    _number: int = -1

    def begin(self, execution: Execution) -> None:
        """Start afresh."""
        self._wanted, self._number = dict(self.way), -1
        self.offers, self.switches = [], 0

    def pick(self, execution: Execution, count: int) -> int:
        """Who goes on."""
        running = execution.running
        number = 0
        if count > 1:
            place = None if self.places is None else self.places.standing(execution)
            number = self._take(count, place)
        waits = running is not None and not running.enabled
        self.switches += waits or (running is not None and number > 0)
        return number

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What is drawn."""
        if len(options) == 1:
            return 0
        place = None if self.places is None else self.places.drawing()
        return self._take(len(options), place)

    def _take(self, count: int, place: Place | None) -> int:
        self._number += 1
        if not self.way or self._number > self.way[-1][0]:
            self.offers.append((self._number, count, place))
        return self._wanted.get(self._number, 0)

    def onward(self) -> Iterator[Way]:
        """The ways that have one more deviation."""
        for number, count, _ in self.offers:
            for index in range(1, count):
                yield (*self.way, (number, index))
