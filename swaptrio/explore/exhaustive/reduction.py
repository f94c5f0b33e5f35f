# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploring a program by optimal reduction: one execution after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.normal import normal_form
from swaptrio.explore.exhaustive.place import event_of
from swaptrio.explore.exhaustive.probe import Probe
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.search import Search
from swaptrio.explore.exhaustive.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.explore.exhaustive.normal import Way
    from swaptrio.sched import Scheduler

#: Nodes behind which an estimate does not look any more: too little lies there.
HORIZON = 64


@attrs.define(eq=False)
class Reduction(Exploration):
    """The search for one execution of each class.

    *classes* are those that were met; were the reduction not exact they would be fewer than the
    executions. It may be *parted*: then others go on with parts of it. The very first execution
    runs twice, so that a program that cannot be repeated is noticed even if nothing else is to
    be explored.
    """

    tally: Tally
    search: Search = attrs.Factory(Search)
    classes: set[tuple[int, ...]] = attrs.Factory(set)
    blocked: int = 0
    probes: int = 0
    repeated: bool = False
    parted: bool = False

    @property
    def traces(self) -> int:
        """How many classes were met."""
        return len(self.classes)

    async def turn(self, scheduler: Scheduler) -> None:
        """Run one execution, and prepare the next."""
        tally, walk = self.tally, self.search.walk
        verdict = await tally.run(scheduler, walk)
        if not tally.trusts(walk, verdict):
            return
        if walk.disordered:
            if not self.parted:
                self.begin_anew(walk.ordered)
            return
        news = False
        if not walk.cut:
            news = tally.count(verdict, self._normal_form)
            tally.see(walk)
            self.classes.add(walk.class_of())
        self.blocked += self.search.blocked
        if news or not (self.repeated or walk.cut):
            self.repeated = True
            if not await tally.repeats(scheduler, walk, verdict):
                return
        self.search.look_for_races()
        await self._probe(scheduler)
        if tally.outcome is None:
            self.go_on()
        if tally.outcome is Outcome.COMPLETE and not self.parted:
            await tally.settle(scheduler)

    def go_on(self) -> None:
        """Prepare the next execution."""
        if not self.search.advance() and not self.search.stuck:
            self.tally.outcome = Outcome.COMPLETE

    def estimate(self) -> float:
        """About how many executions there are in all; at least those that have run."""
        if self.tally.outcome is not None:
            return float(self.tally.executions)
        explored, share = 0.0, 1.0
        for node in self.search.trace[:HORIZON]:
            branches = node.done + 1 + len(node.wishes)
            share /= branches
            explored += node.done * share
        return self.tally.executions / explored if explored else float("inf")

    @property
    def depth(self) -> int:
        """The length of the present trace."""
        return len(self.search.trace)

    def _normal_form(self) -> Way:
        return normal_form([event_of(node) for node in self.search.trace])

    def begin_anew(self, ordered: Iterable[str]) -> None:
        """It has turned out that the order of adds to *ordered* can be seen somewhere."""
        self.search = Search.of(reports=not self.search.walk.opaque)
        self.search.walk.ordered.update(dict.fromkeys(ordered))
        self.classes, self.blocked, self.probes = set(), 0, 0
        self.tally.clear()

    async def _probe(self, scheduler: Scheduler) -> None:
        """Ask for the races of which nobody knew whether they can be reversed."""
        for first, wish in self.search.unsure:
            assert wish.last is not None
            plan = [*(event_of(node) for node in self.search.trace[:first]), *wish.events]
            probe = Probe([(event.task, event.path) for event in plan], wish.last[0])
            verdict = await self.tally.run(scheduler, probe)
            self.probes += 1
            if probe.answer:
                self.search.wish(first, wish)
            elif probe.answer is None and not self.tally.conclusive(verdict):
                return
