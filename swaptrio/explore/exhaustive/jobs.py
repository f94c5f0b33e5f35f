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
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, cast

import attrs

from swaptrio.explore.exhaustive.crew import Crew
from swaptrio.explore.exhaustive.desk import Desk
from swaptrio.explore.exhaustive.errands import Errandry, Runner
from swaptrio.explore.exhaustive.explore import Limits, Settings, drive
from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.saved import Begun, Kept
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.explore.exhaustive.worker import Lost, open_staff, serve
from swaptrio.explore.pace import Pace
from swaptrio.sched import Carrier, Program, Scheduler

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.exploration import Exploration

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
    begun: Begun | Crew | None = None,
    keep: Callable[[Kept], None] | None = None,
) -> tuple[Exploration, float]:
    """Explore the program of *source* by *jobs* processes; the search, and its seconds.

    Args:
        scheduler: runs what is explored here.
        source: makes the program, here and in each process. It is sent there, so it has to be
            known by its name.
        settings: how to explore.
        limits: what ends the search before its time.
        jobs: how many processes; where there are more than one, this one keeps the books. With
            a cache there can be no more.
        alone: how many executions run before the search goes on in parts.
        carrier: carries the tasks in them; it makes no difference to the search.
        begun: the search to go on with, if it does not begin.
        keep: is called now and then, and when the search has ended.

    Raises:
        Exception: the program cannot be set up.
    """
    assert jobs == 1 or not settings.cache
    begin = partial(settings.begin, source())
    search = begin() if begun is None else begun
    swept = isinstance(search, Sweeping)
    opened = partial(_runner if swept else _desk, source, settings)
    work = partial(serve, opened=opened, carrier=carrier)
    driver = _Driver(scheduler, settings, limits, begin, jobs, alone, work, keep)
    return await driver.explore(search), driver.pace.seconds


def parted_from(search: Reduction, begin: Callable[[], Reduction]) -> Crew:
    """Where *search* stands, as one part that *begin* can begin; to be explored here."""
    ordered, classes = tuple(search.search.walk.ordered), set(search.classes)
    crew = Crew(search.tally.copy(), Desk(begin), ordered, classes, search.probes)
    crew.lend(Share.of(search.search))
    return crew


@attrs.define(eq=False)
class _Driver:
    """Goes on with a search; *work* is what the other processes do."""

    scheduler: Scheduler
    settings: Settings
    limits: Limits
    begin: Callable[[], Begun]
    jobs: int
    alone: int
    work: Callable[[Connection], None]
    keep: Callable[[Kept], None] | None
    pace: Pace = attrs.Factory(Pace.start)

    async def explore(self, search: Begun | Crew) -> Exploration:
        """Go on to the end, first as one search and then in parts."""
        if isinstance(search, Sweeping):
            return await self._sweep(search)
        return await self._reduce(search)

    async def _reduce(self, exploration: Reduction | Crew) -> Exploration:
        """Explore by classes."""
        begin = cast("Callable[[], Reduction]", self.begin)
        while True:
            if isinstance(exploration, Reduction):
                await self._drive(exploration, partial(self._is_to_be_parted, exploration))
                if exploration.tally.outcome is not None:
                    return exploration
                exploration = parted_from(exploration, begin)
            crew = await self._in_parts(exploration)
            if not crew.disordered:
                break
            exploration = begin()
            exploration.begin_anew(crew.known)
        if crew.tally.outcome is Outcome.COMPLETE:
            await crew.tally.settle(self.scheduler)
        return crew

    async def _in_parts(self, crew: Crew) -> Crew:
        if self.jobs > 1:
            with open_staff(self.jobs, self.work) as staff:
                moved = crew.moved(staff)
                await self._drive(moved, partial(_is_over, moved))
            if not moved.lost:
                return moved
        await self._drive(crew, partial(_is_over, crew))
        return crew

    def _is_to_be_parted(self, search: Reduction) -> bool:
        parted = self.jobs > 1 or self.settings.stop_at_first
        return parted and search.tally.executions >= self.alone

    async def _sweep(self, sweeping: Sweeping) -> Exploration:
        """Explore within a bound, or by states."""
        while True:
            until = partial(_has_turned, sweeping, self.alone) if self.jobs > 1 else _never
            await self._drive(sweeping, until)
            if sweeping.tally.outcome is not None:
                return sweeping
            with open_staff(self.jobs, self.work) as staff:
                errandry = Errandry.of(sweeping, staff)
                await self._drive(errandry, partial(_is_over, errandry))
            if errandry.lost:
                await self._drive(sweeping, _never)
                return sweeping
            if not errandry.disordered:
                return errandry
            sweeping.begin_anew(errandry.known)

    async def _drive(self, exploration: Kept, until: Callable[[], bool]) -> None:
        """To the end, to a limit, or *until* that; keep it now and then, and at a limit."""
        if self.keep is None:
            await drive(self.scheduler, exploration, self.limits, self.pace, until)
            return
        tally, due = exploration.tally, self.pace.seconds + KEPT
        while True:
            await drive(
                self.scheduler,
                exploration,
                self.limits,
                self.pace,
                partial(_either, until, self.pace, due),
            )
            if tally.outcome is None and until():
                return
            begun = self.pace.seconds
            await self._keep(exploration, self.keep)
            took = self.pace.seconds - begun
            due = self.pace.seconds + max(KEPT, took / _SHARE)
            if tally.outcome is not None:
                return

    async def _keep(self, exploration: Kept, keep: Callable[[Kept], None]) -> None:
        if isinstance(exploration, Crew):
            await exploration.pause(self.scheduler)
        with suppress(Lost):  # what was kept before is as good
            keep(exploration)


def beginning(source: Callable[[], Program], settings: Settings) -> Callable[[], Reduction]:
    """What begins a search by classes of the program of *source*, which is made once."""
    program = source()

    def begin() -> Reduction:
        search = settings.begin(program)
        assert isinstance(search, Reduction)
        return search

    return begin


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
