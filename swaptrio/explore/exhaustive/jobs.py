# SPDX-License-Identifier: MIT OR Apache-2.0
"""An optimal search by several processes, with the result of one.

It begins as one search, and is often over before others could help. Then it goes on in parts
(see `crew`), which are explored by as many processes as there are; what is told does not depend
on that. Where only totals are told, as there is no first violation to stop at, one process goes
on as it has begun: it has the same totals, and parts cost a little.

Where a process is lost, what has been explored in parts is explored again, in this one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import attrs

from swaptrio.explore.exhaustive.crew import Crew
from swaptrio.explore.exhaustive.desk import Desk
from swaptrio.explore.exhaustive.errands import Errandry, Runner
from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.explore import Limits, Settings, drive
from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.explore.exhaustive.worker import Lost, open_staff, serve
from swaptrio.explore.pace import Pace
from swaptrio.sched import Carrier, Program, Scheduler

#: Executions before a search goes on in parts: as long as it takes to start a process.
ALONE: Final = 200

#: Seconds between two times that a search is kept.
KEPT: Final = 30.0

#: Keeping may take as much of the time.
_SHARE: Final = 0.05


async def drive_jobs(
    scheduler: Scheduler,
    source: Callable[[], Program],
    settings: Settings,
    limits: Limits,
    jobs: int,
    *,
    alone: int = ALONE,
    carrier: Carrier = "stepped",
    begun: Reduction | Crew | None = None,
    keep: Callable[[Reduction | Crew], None] | None = None,
) -> tuple[Exploration, float]:
    """Explore the program of *source* by *jobs* processes; the search, and its seconds.

    Args:
        scheduler: runs what is explored here.
        source: makes the program, here and in each process. It is sent there, so it has to be
            known by its name.
        settings: how to explore; without a cache.
        limits: what ends the search before its time.
        jobs: how many processes; where there are more than one, this one keeps the books.
        alone: how many executions run before the search goes on in parts.
        carrier: carries the tasks in them; it makes no difference to the search.
        begun: the search to go on with, if it does not begin; without a bound.
        keep: is called now and then, and when the search has ended, while nobody is at work;
            without a bound.

    Raises:
        Exception: the program cannot be set up.
    """
    if settings.preemptions is not None:
        return await _drive_bounded(scheduler, source, settings, limits, jobs, alone, carrier)
    begin = beginning(source, settings)
    driver = _Driver(scheduler, source, settings, limits, begin, jobs, alone, carrier, keep)
    exploration = await driver.explore(begun or begin())
    return exploration, driver.pace.seconds


def parted_from(search: Reduction, begin: Callable[[], Reduction]) -> Crew:
    """Where *search* stands, as one part that *begin* can begin; to be explored here."""
    ordered, classes = tuple(search.search.walk.ordered), set(search.classes)
    crew = Crew(search.tally.copy(), Desk(begin), ordered, classes, search.probes)
    crew.lend(Share.of(search.search))
    return crew


@attrs.define(eq=False)
class _Driver:
    scheduler: Scheduler
    source: Callable[[], Program]
    settings: Settings
    limits: Limits
    begin: Callable[[], Reduction]
    jobs: int
    alone: int
    carrier: Carrier
    keep: Callable[[Reduction | Crew], None] | None
    pace: Pace = attrs.Factory(Pace.start)

    async def explore(self, exploration: Reduction | Crew) -> Exploration:
        """Go on to the end, first as one search and then in parts."""
        while True:
            if isinstance(exploration, Reduction):
                await self._drive(exploration, partial(self._is_to_be_parted, exploration))
                if exploration.tally.outcome is not None:
                    return exploration
                exploration = parted_from(exploration, self.begin)
            crew = await self._in_parts(exploration)
            if not crew.disordered:
                break
            exploration = self.begin()
            exploration.begin_anew(crew.known)
        if crew.tally.outcome is Outcome.COMPLETE:
            await crew.tally.settle(self.scheduler)
        return crew

    async def _in_parts(self, crew: Crew) -> Crew:
        if self.jobs > 1:
            opened = partial(_desk, self.source, self.settings)
            work = partial(serve, opened=opened, carrier=self.carrier)
            with open_staff(self.jobs, work) as staff:
                moved = crew.moved(staff)
                await self._drive(moved, partial(_is_over, moved))
            if not moved.lost:
                return moved
        await self._drive(crew, partial(_is_over, crew))
        return crew

    def _is_to_be_parted(self, search: Reduction) -> bool:
        parted = self.jobs > 1 or self.settings.stop_at_first
        return parted and search.tally.executions >= self.alone

    async def _drive(self, exploration: Reduction | Crew, until: Callable[[], bool]) -> None:
        """To the end, to a limit, or *until* that; keep it now and then, and at a limit."""
        if self.keep is None:
            await drive(self.scheduler, exploration, self.limits, self.pace, until)
            return
        tally, due = exploration.tally, self.pace.seconds + KEPT
        while tally.outcome is None and not until():
            await drive(
                self.scheduler,
                exploration,
                self.limits,
                self.pace,
                partial(_either, until, self.pace, due),
            )
            if tally.outcome is not None or not until():
                begun = self.pace.seconds
                await self._keep(exploration, self.keep)
                took = self.pace.seconds - begun
                due = self.pace.seconds + max(KEPT, took / _SHARE)

    async def _keep(
        self, exploration: Reduction | Crew, keep: Callable[[Reduction | Crew], None]
    ) -> None:
        if isinstance(exploration, Crew):
            await exploration.pause(self.scheduler)
        with suppress(Lost):  # what was kept before is as good
            keep(exploration)


def beginning(source: Callable[[], Program], settings: Settings) -> Callable[[], Reduction]:
    """What begins a search of the program of *source*, which is made once, however often."""
    program = source()

    def begin() -> Reduction:
        search = settings.begin(program)
        assert isinstance(search, Reduction)
        return search

    return begin


async def _drive_bounded(
    scheduler: Scheduler,
    source: Callable[[], Program],
    settings: Settings,
    limits: Limits,
    jobs: int,
    alone: int,
    carrier: Carrier,
) -> tuple[Exploration, float]:
    """As `drive_jobs`, within a bound on preemptions."""
    pace, program = Pace.start(), source()
    ordered: dict[str, None] = {}
    work = partial(serve, opened=partial(_runner, source, settings), carrier=carrier)
    while True:
        sweeping = settings.begin(program)
        assert isinstance(sweeping, Sweeping)
        sweeping.begin_anew(ordered)
        until = partial(_has_turned, sweeping, alone) if jobs > 1 else _never
        await drive(scheduler, sweeping, limits, pace, until)
        if sweeping.tally.outcome is not None:
            return sweeping, pace.seconds
        with open_staff(jobs, work) as staff:
            errandry = Errandry.of(sweeping, staff)
            await drive(scheduler, errandry, limits, pace, partial(_is_over, errandry))
        if errandry.lost:
            return sweeping, await drive(scheduler, sweeping, limits, pace)
        if not errandry.disordered:
            return errandry, pace.seconds
        ordered = errandry.known


def _runner(source: Callable[[], Program], settings: Settings) -> Runner:
    sweeping = settings.begin(source())
    assert isinstance(sweeping, Sweeping)
    return Runner(sweeping)


def _has_turned(sweeping: Sweeping, turns: int) -> bool:
    return sweeping.cut + sweeping.tally.executions >= turns


def _never() -> bool:
    return False


def _desk(source: Callable[[], Program], settings: Settings) -> Desk:
    return Desk(beginning(source, settings))


def _is_over(crew: Crew | Errandry) -> bool:
    return crew.disordered or crew.lost


def _either(until: Callable[[], bool], pace: Pace, due: float) -> bool:
    return until() or pace.seconds >= due
