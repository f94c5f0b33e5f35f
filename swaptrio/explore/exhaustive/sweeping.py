# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploring a program depth-first, by schedules or by states: one execution after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.result import Found, Outcome
from swaptrio.explore.exhaustive.stubborn import Stubborn
from swaptrio.explore.exhaustive.sweep import Sweep
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.sched.states import States

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.sched import Scheduler, Verdict


@attrs.define(eq=False)
class Sweeping(Exploration):
    """The search for all states (*cache*), or all schedules, within *bound* preemptions.

    *classes* are those that were met; with a cache they are not counted, since an execution
    that comes to a known state is not run to its end. *cut* counts those. A *stubborn* search
    for states leaves out steps that lead to nothing else. It may be *parted*: then others go on
    with parts of it. The first execution is to be *repeated*, or has been.
    """

    tally: Tally
    cache: bool
    bound: int | None = None
    reports: bool = True
    stubborn: bool = False
    cut: int = 0
    repeated: bool = False
    parted: bool = False
    classes: set[tuple[int, ...]] = attrs.Factory(set)
    sweep: Sweep | Stubborn = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sweep = self._begun()

    def _begun(self) -> Sweep | Stubborn:
        def final() -> object:
            return self.tally.final

        if self.stubborn:
            return Stubborn(States(), final=final)
        states = States(bounded=self.bound is not None) if self.cache else None
        return Sweep(states, self.bound, self.reports, final=final)

    @property
    def traces(self) -> int | None:
        """How many classes were met, without a cache."""
        return None if self.cache else len(self.classes)

    @property
    def states(self) -> int | None:
        """How many states were met, with a cache."""
        return self.sweep.met if self.cache else None

    @property
    def depth(self) -> int:
        """The length of the present trace."""
        return len(self.sweep.walk.trace)

    async def turn(self, scheduler: Scheduler) -> None:
        """Run one execution, and prepare the next."""
        tally, walk = self.tally, self.sweep.walk
        watched = not self.cache
        verdict = await tally.run(scheduler, walk, watched=watched)
        if walk.disordered:
            if not self.parted:
                self.begin_anew(walk.ordered)
            return
        if walk.cut:
            self.cut += 1
            if self.cache:
                tally.see(walk)
        elif not tally.trusts(walk, verdict):
            return
        else:
            news = tally.count(verdict)
            tally.see(walk)
            if not self.cache:
                self._write_down(verdict)
            if news or not self.repeated:
                self.repeated = True
                if not await tally.repeats(scheduler, walk, verdict, watched=watched):
                    return
        await self._go_round(scheduler)
        if tally.outcome is None:
            self.go_on()

    def go_on(self) -> None:
        """Prepare the next execution."""
        if not self.sweep.advance():
            bounded = self.bound is not None and self.sweep.dropped
            self.tally.outcome = Outcome.BOUNDED if bounded else Outcome.COMPLETE

    def _write_down(self, verdict: Verdict) -> None:
        tally, name = self.tally, self.sweep.walk.class_of()
        self.classes.add(name)
        if isinstance(self.sweep, Sweep) and self.sweep.log is not None:
            found = None if verdict.passed else Found(verdict)
            self.sweep.at_end(name, found, frozenset(tally.finals), tally.take_sights())
            tally.finals.clear()

    def begin_anew(self, ordered: Iterable[str]) -> None:
        """It has turned out that the order of adds to *ordered* can be seen."""
        self.sweep = self._begun()
        self.sweep.walk.ordered.update(dict.fromkeys(ordered))
        self.classes, self.cut = set(), 0
        self.tally.clear()

    async def _go_round(self, scheduler: Scheduler) -> None:
        """Show the livelock that was met just now, if there was one."""
        rounds = self.sweep.rounds
        self.tally.rounds, found = rounds.unfair, rounds.take()
        if found is None:
            return
        verdict = await self.tally.run(scheduler, found)
        if self.tally.conclusive(verdict):
            self.tally.count(verdict)
