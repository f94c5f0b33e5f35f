# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploring a program depth-first, by schedules or by states: one execution after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.stubborn import Stubborn
from swaptrio.explore.exhaustive.sweep import Sweep
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.sched.states import States

if TYPE_CHECKING:
    from swaptrio.sched import Scheduler


@attrs.define(eq=False)
class Sweeping:
    """The search for all states (*cache*), or all schedules, within *bound* preemptions.

    *classes* are those that were met; with a cache they are not counted, since an execution
    that comes to a known state is not run to its end. *cut* counts those. A *stubborn* search
    for states leaves out steps that lead to nothing else.
    """

    tally: Tally
    cache: bool
    bound: int | None = None
    reports: bool = True
    stubborn: bool = False
    cut: int = 0
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
    def blocked(self) -> int:
        """None: what is cut is not counted as an execution."""
        return 0

    @property
    def probes(self) -> int:
        """None."""
        return 0

    @property
    def depth(self) -> int:
        """The length of the present trace."""
        return len(self.sweep.walk.trace)

    def estimate(self) -> float:
        """Nothing can be said."""
        return float("inf")

    async def turn(self, scheduler: Scheduler) -> None:
        """Run one execution, and prepare the next."""
        tally, walk = self.tally, self.sweep.walk
        verdict = await tally.run(scheduler, walk)
        if walk.disordered:
            self._begin_anew()
            return
        if walk.cut:
            self.cut += 1
        elif not tally.trusts(walk, verdict):
            return
        else:
            tally.count(verdict)
            if not self.cache:
                self.classes.add(walk.class_of())
            if tally.executions == 1 and not await tally.repeats(scheduler, walk, verdict):
                return
        if tally.outcome is None and not self.sweep.advance():
            bounded = self.bound is not None and self.sweep.dropped
            tally.outcome = Outcome.BOUNDED if bounded else Outcome.COMPLETE

    def _begin_anew(self) -> None:
        """It has turned out that the order of adds to some object can be seen."""
        ordered = self.sweep.walk.ordered
        self.sweep = self._begun()
        self.sweep.walk.ordered.update(ordered)
        self.classes, self.cut = set(), 0
        self.tally.clear()
