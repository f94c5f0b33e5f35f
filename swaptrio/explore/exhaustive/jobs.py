# SPDX-License-Identifier: MIT OR Apache-2.0
"""An optimal search by several processes, with the result of one.

It begins here, alone, and is often over before others could help. Then workers go on with what
it has left, and part it among themselves (see `part`).

Where an execution fails, and where anything else ends a search before its time, a lost process
among it, the search goes on alone from where it stood when they began. So what is told, down to
the counts, is what one process tells, and costs at most as much again. That is so even where
all violations are wanted: a step that ends everything comes before whatever others could still
have done, and parts that are explored amid others do not find all orders of such steps.
"""

from __future__ import annotations

import multiprocessing
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Final

from swaptrio.explore.campaign.engine import deaf
from swaptrio.explore.exhaustive.crew import Crew, Seat
from swaptrio.explore.exhaustive.explore import drive
from swaptrio.explore.exhaustive.part import Part
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Outcome
from swaptrio.explore.exhaustive.tally import NONDETERMINISTIC, Tally
from swaptrio.explore.exhaustive.worker import serve
from swaptrio.explore.pace import Pace
from swaptrio.explore.sights import Sights
from swaptrio.sched import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from swaptrio.explore.exhaustive.explore import Exploration, Limits, Settings
    from swaptrio.sched import Carrier, Program, Scheduler

#: Executions before anybody is asked to help: as long as it takes to start a process.
ALONE: Final = 200

#: What workers import before they are forked.
_LOADED: Final = ["swaptrio.explore.exhaustive.worker", "swaptrio.explore.exhaustive.stage"]


async def drive_jobs(
    scheduler: Scheduler,
    source: Callable[[], Program],
    settings: Settings,
    limits: Limits,
    jobs: int,
    *,
    alone: int = ALONE,
    carrier: Carrier = "stepped",
) -> tuple[Exploration, float]:
    """Explore the program of *source* by *jobs* processes; the search, and its seconds.

    Args:
        scheduler: runs what is explored here.
        source: makes the program, here and in each process. It is sent there, so it has to be
            known by its name.
        settings: how to explore; neither with a cache nor within a bound.
        limits: what ends the search before its time.
        jobs: how many processes, beside this one, which keeps the books.
        alone: how many executions run here before they are started.
        carrier: carries the tasks in them; it makes no difference to the search.

    Raises:
        Exception: the program cannot be set up.
    """
    pace = Pace.start()
    search = _begun(source, settings)
    while True:
        await drive(scheduler, search, limits, pace, partial(_has_begun, search, alone))
        if search.tally.outcome is not None:
            return search, pace.seconds
        work = partial(serve, begin=partial(_begun, source, settings), carrier=carrier)
        with _workers(jobs, work) as seats:
            crew = _crew(search, seats)
            seconds = await drive(scheduler, crew, limits, pace, partial(_is_over, crew))
        if _fails(crew.tally) or not crew.disordered:
            break
        search.begin_anew(crew.known)
    if _is_told_alone(crew.tally):
        return search, await drive(scheduler, search, limits, pace)
    if crew.tally.outcome is Outcome.COMPLETE:
        await crew.tally.settle(scheduler)
    return crew, seconds


def _begun(source: Callable[[], Program], settings: Settings) -> Reduction:
    search = settings.begin(source())
    assert isinstance(search, Reduction)
    return search


def _has_begun(search: Reduction, executions: int) -> bool:
    return search.tally.executions >= executions


def _is_over(crew: Crew) -> bool:
    return crew.disordered or _fails(crew.tally)


def _fails(tally: Tally) -> bool:
    """Whether some execution has ended before others were done with what they could do."""
    endings = [found.verdict.ending for found in tally.violations.values()]
    return any(ending is not Ending.DEADLOCK for ending in endings)


def _crew(search: Reduction, seats: list[Seat]) -> Crew:
    """Everybody at *seats*, to go on where *search* stands."""
    before = search.tally
    tally = Tally(before.program, before.budget, before.first, before.executions)
    tally.finals |= before.finals
    tally.violations |= before.violations
    tally.sights = None if before.sights is None else Sights()
    tally.add_sights(before.sights)
    ordered = tuple(search.search.walk.ordered)
    crew = Crew(tally, seats, ordered, set(search.classes), search.probes)
    crew.lend(Part(before, search).share())
    return crew


def _is_told_alone(tally: Tally) -> bool:
    """Whether it matters who comes there first."""
    if tally.outcome is Outcome.INCONCLUSIVE:
        return not tally.interrupted and NONDETERMINISTIC not in tally.reason
    return tally.outcome is Outcome.VIOLATION or _fails(tally)


@contextmanager
def _workers(count: int, work: Callable[[Connection], None]) -> Iterator[list[Seat]]:
    """That many processes, which end with the block, whatever they do."""
    resource_tracker.ensure_running()
    with ExitStack() as stack:
        with deaf():
            seats = [Seat(stack.enter_context(_worker(work))) for _ in range(count)]
        yield seats


@contextmanager
def _worker(work: Callable[[Connection], None]) -> Iterator[Connection]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        ours.close()
