# SPDX-License-Identifier: MIT OR Apache-2.0
"""Minimise: the simplest execution that fails in the same way.

A strategy of chance leaves the default at every other decision, and few of that matters. Six
stages, each of which starts from the best that the others have found, over and over until none
finds a better one:

1. the normal form: the same partial order of steps with fewer switches, found without re-runs;
2. delta debugging over what leaves the default, by names: many at once and then one by one;
3. the same by numbers of steps, where a decision that is dropped moves all behind it;
4. all schedules with one entry, as it is and where whoever waits is served at once, which by
   default others may delay; then one entry in the place of any two, and of any one;
5. if the best still has more than two, the decisions of the failure as it was, dropped one at a
   time;
6. if it still has, all schedules with two deviations, and then those with three; if it has two,
   all with two, for the simplest of them.

"Better" is by `Size`, "the same way" by `Fingerprint`. Nothing here is drawn: the same failure
gives the same result. What is left leaves the default in as few places as the sweeps can prove
up to three, if there are replays enough, and as the exchanges find beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Final

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.fewest import fewest
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.follow import Guide, InOrder, draws_of
from swaptrio.explore.linearise import normal_forms
from swaptrio.explore.plan import Deviations, Plan, deviations_of
from swaptrio.explore.trail import Trail
from swaptrio.scenario.world import Setup
from swaptrio.sched import Observer, Schedule, Scheduler, Strategy, Verdict
from swaptrio.sched.names import Draw, Entry, NamedSchedule, Naming
from swaptrio.sched.strategies import Recorded

#: Executions that making one failure simple may take.
REPLAYS: Final = 20_000

#: Deviations up to which all schedules are run.
SWEPT: Final = 3


@attrs.frozen(order=True)
class Size:
    """How simple a failing execution is; the smaller the simpler, compared in this order.

    *tasks* are those of the scenario. *deviations* are what a schedule has to say, that is
    decisions other than the default. *switches* counts how often another task went on, by
    default or not, *faults* the draws among the deviations.
    """

    tasks: int
    deviations: int
    switches: int
    steps: int
    faults: int


@attrs.frozen
class Minimal:
    """The simplest execution found: its *verdict*, its schedule by *names*, and its *size*.

    *complete* says that the search ended by itself; else it was out of replays, or stopped.
    """

    verdict: Verdict
    names: NamedSchedule
    size: Size
    replays: int
    complete: bool

    @property
    def schedule(self) -> Schedule:
        """Its schedule by numbers."""
        return self.verdict.schedule


async def minimise(
    scheduler: Scheduler,
    setup: Setup,
    verdict: Verdict,
    *,
    replays: int = REPLAYS,
    stop: Callable[[], bool] = lambda: False,
) -> Minimal:
    """The simplest execution found of *setup* that fails as *verdict* does.

    Args:
        scheduler: runs the replays.
        setup: the scenario and the variant.
        verdict: the failure; its schedule fits.
        replays: executions to make at most, beside three that look at
            the failure as it is and as it has become.
        stop: asked before each; the simplest until then is the result.
    """
    search = await Search.begin(scheduler, setup, verdict, replays, stop)
    await search.run()
    return await search.result()


@attrs.frozen
class Tried:
    """What came of some entries: whether it *fails* in the same way, and what they did."""

    fails: bool
    used: tuple[Entry, ...]
    offers: tuple[Entry, ...] | None


@attrs.define(eq=False)
class Search:
    """One search that begins at *first*; *best* is the simplest failure so far, with its
    *entries* and *size*.
    """

    scheduler: Scheduler
    setup: Setup
    first: Verdict
    entries: tuple[Entry, ...]
    size: Size
    replays: int
    stop: Callable[[], bool]
    best: Verdict = attrs.field(init=False)
    wanted: Fingerprint = attrs.field(init=False)
    made: int = attrs.field(default=0, init=False)
    _swept: bool = attrs.field(default=False, init=False)
    _tried: dict[tuple[bool, tuple[Entry, ...]], Tried] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.best = self.first
        self.wanted = Fingerprint.of(self.setup, self.first)

    @classmethod
    async def begin(
        cls,
        scheduler: Scheduler,
        setup: Setup,
        verdict: Verdict,
        replays: int,
        stop: Callable[[], bool],
    ) -> Search:
        """Look at the failure as it is."""
        naming = Naming()
        await execute(scheduler, setup, Recorded(verdict.schedule), naming)
        guide = Guide(tuple(naming.entries))
        again = await execute(scheduler, setup, guide)
        size = _size(setup, again, guide)
        return cls(scheduler, setup, verdict, tuple(naming.entries), size, replays, stop)

    @property
    def over(self) -> bool:
        """Whether no more replays can be made."""
        return self.made >= self.replays or self.stop()

    async def result(self) -> Minimal:
        """What was found."""
        naming = Naming()
        await self._watch(Guide(self.entries), naming)
        return Minimal(self.best, naming.schedule, self.size, self.made, not self.over)

    def same(self, verdict: Verdict) -> bool:
        """Whether an execution that ended so fails in the same way."""
        return Fingerprint.of(self.setup, verdict) == self.wanted

    async def run(self) -> None:
        """All stages, until none of them finds anything better."""
        await self.tries(())
        await self._drop_by_number(self.first)
        size = None
        while self.size != size and not self.over:
            size = self.size
            await self.rewrite()
            await self.drop(self.entries)
            await self._sweep_one(prompt=False)
            if self.size.deviations > 1:
                await self._sweep_one(prompt=True)
            await self._exchange(2)
            await self._exchange(1)
            if self.size == size and self.size.deviations > 2:
                await self._drop_one_by_one()
            if self.size == size and self.size.deviations > 1 and not self._swept:
                await self._sweep_few()

    async def tries(
        self, entries: Iterable[Entry], *, offering: bool = False, prompt: bool = False
    ) -> Tried | None:
        """What comes of *entries*, kept if it is better; None if there are no more replays."""
        ordered = tuple(sorted(entries, key=_order))
        known = self._tried.get((prompt, ordered))
        if known is not None and (known.offers is not None or not offering):
            return known
        if self.over:
            return None
        self.made += 1
        guide = Guide(ordered, offering, prompt)
        verdict = await execute(self.scheduler, self.setup, guide)
        used = tuple(guide.used)
        fails = self.same(verdict)
        tried = Tried(fails, used, tuple(guide.offers) if offering else None)
        self._tried[prompt, ordered] = tried
        size = _size(self.setup, verdict, guide)
        if fails and size < self.size:
            self.best, self.entries, self.size = verdict, used, size
        return tried

    async def offers(self, entries: tuple[Entry, ...], *, prompt: bool = False) -> list[Entry]:
        """The entries that can be added to *entries*."""
        tried = await self.tries(entries, offering=True, prompt=prompt)
        return [] if tried is None or tried.offers is None else list(tried.offers)

    async def drop(self, entries: tuple[Entry, ...]) -> None:
        """Leave entries out, half of them at a time, then a quarter, and so on."""
        size = len(entries)
        while size and not self.over:
            size = min(size, len(entries)) // 2 or 1
            shorter = await self._drop_rows(entries, size)
            if size == 1 and shorter == entries:
                return
            entries = shorter

    async def _drop_rows(self, entries: tuple[Entry, ...], size: int) -> tuple[Entry, ...]:
        end = len(entries)
        while end > 0:
            start = max(0, end - size)
            tried = await self.tries(entries[:start] + entries[end:])
            if tried is not None and tried.fails and len(tried.used) < len(entries):
                entries = tried.used
            end = min(start, len(entries))
        return entries

    async def rewrite(self) -> None:
        """Try the normal forms of the best."""
        if self.over:
            return
        trail = Trail()
        await self._watch(Guide(self.entries), trail)
        draws = draws_of(self.entries)
        for order in normal_forms(trail.steps, at_end=trail.at_end):
            if self.over:
                return
            naming = Naming()
            await self._watch(InOrder(order, draws), naming)
            await self.tries(naming.entries)

    async def _drop_by_number(self, verdict: Verdict) -> None:
        """As `drop`, but a decision is known by the number of its step."""
        whole = deviations_of(verdict.schedule)
        size = len(whole)
        while size > 1:
            size = size // 2
            end = len(whole)
            while end > 0 and not self.over:
                start = max(0, end - size)
                whole = await self._still_fails(whole[:start] + whole[end:]) or whole
                end = min(start, len(whole))

    async def _still_fails(self, deviations: Deviations) -> Deviations:
        """What was decided under *deviations*, if it fails in the same way; else nothing."""
        naming = Naming()
        verdict = await self._watch(Plan(deviations), naming)
        if not self.same(verdict):
            return ()
        await self.tries(naming.entries)
        return deviations_of(verdict.schedule)

    async def _drop_one_by_one(self) -> None:
        """As greedy as can be: from the failure as it was, one decision after the other."""
        whole, place = deviations_of(self.first.schedule), 0
        while place < len(whole) and not self.over:
            shorter = await self._still_fails(whole[:place] + whole[place + 1 :])
            fits = 0 < len(shorter) < len(whole)
            whole, place = (shorter, 0) if fits else (whole, place + 1)

    async def _sweep_one(self, *, prompt: bool) -> None:
        for single in await self.offers((), prompt=prompt):
            tried = await self.tries((single,), prompt=prompt)
            if prompt and tried is not None and tried.fails:
                await self.drop(tried.used)

    async def _sweep_few(self) -> None:
        """All schedules with up to three deviations, or with what says the same.

        Where two are enough, those with two are looked through for the simplest.
        """
        two = self.size.deviations == 2
        bound = 2 if two else min(self.size.deviations - 1, SWEPT)
        found = await fewest(
            self.scheduler, self.setup, self.same, bound, simplest=two, stop=self._spend
        )
        self._swept = two and found.complete
        if found.verdict is not None:
            await self._take(found.verdict)

    def _spend(self) -> bool:
        """Make one more replay, if there is one; whether there is none."""
        over = self.over
        self.made += not over
        return over

    async def _take(self, verdict: Verdict) -> None:
        """Try what the execution of *verdict* has decided, by names."""
        naming = Naming()
        await self._watch(Recorded(verdict.schedule), naming)
        await self.tries(naming.entries)

    async def _exchange(self, many: int) -> None:
        """Put one entry in the place of *many*, wherever that leads to something simpler."""
        whole = self.entries
        if len(whole) < many:
            return
        for gone in combinations(whole, many):
            rest = tuple(entry for entry in whole if entry not in gone)
            for entry in await self.offers(rest):
                await self.tries((*rest, entry))
                if self.over or self.entries != whole:
                    return

    async def _watch(self, strategy: Strategy, observer: Observer) -> Verdict:
        self.made += 1
        return await execute(self.scheduler, self.setup, strategy, observer)


def _size(setup: Setup, verdict: Verdict, guide: Guide) -> Size:
    faults = sum(isinstance(entry, Draw) for entry in guide.used)
    tasks = len(getattr(setup.scenario, "task", ()))
    return Size(tasks, len(verdict.schedule), guide.switches, verdict.steps, faults)


def _order(entry: Entry) -> tuple[str, ...]:
    return (str(entry.at), str(entry))
