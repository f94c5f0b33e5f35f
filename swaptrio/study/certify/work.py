# SPDX-License-Identifier: MIT OR Apache-2.0
"""Examine many scenarios, here or by several processes; what comes out is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Final

import attrs
import trio

from swaptrio.errors import SwaptrioError
from swaptrio.explore.campaign import Matter, ProcessPool
from swaptrio.explore.campaign.work import setup_of
from swaptrio.sched import open_scheduler
from swaptrio.study.certify.examine import examine

if TYPE_CHECKING:
    from swaptrio.sched import Scheduler
    from swaptrio.study.certify.bounds import Budget
    from swaptrio.study.certify.evidence import Evidence

#: Seconds between two looks whether to stop.
BEAT: Final = 0.1


class WorkerLost(SwaptrioError):
    """A process has died of what it ran."""


@attrs.frozen
class Case:
    """A scenario and a version to be examined; *simple* as `examine` has it."""

    matter: Matter
    simple: bool = False


def examine_all(
    cases: Sequence[Case],
    budget: Budget,
    *,
    jobs: int = 1,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, Case], None] = lambda _done, _case: None,
) -> dict[int, Evidence]:
    """The evidence of each of *cases*, by its number; those that `stop` cut off are left out.

    Args:
        cases: what is examined. A user's own version runs.
        budget: how much is looked at of each.
        jobs: how many processes; 1 is this one.
        stop: asked several times a second.
        progress: is told how many are done, and of one of those that are next.

    Raises:
        WorkerLost: a process has died.
    """
    work = _here if jobs == 1 else _elsewhere
    return dict(work(cases, budget, jobs, stop, progress))


Evidences = Iterator[tuple[int, "Evidence"]]
Stop = Callable[[], bool]
Progress = Callable[[int, Case], None]


def _here(
    cases: Sequence[Case], budget: Budget, _jobs: int, stop: Stop, progress: Progress
) -> Evidences:
    for number, case in enumerate(cases):
        progress(number, case)
        evidence = run_case(case, budget, stop)
        if stop():
            return
        yield number, evidence


def _elsewhere(
    cases: Sequence[Case], budget: Budget, jobs: int, stop: Stop, progress: Progress
) -> Evidences:
    engine = ProcessPool(jobs)
    done = 0
    try:
        under_way: dict[Future[Evidence], int] = {
            engine.submit(run_case, case, budget): number for number, case in enumerate(cases)
        }
        while under_way and not stop():
            progress(done, cases[min(under_way.values())])
            ended, _ = wait(under_way, BEAT, FIRST_COMPLETED)
            for future in ended:
                yield under_way.pop(future), future.result()
                done += 1
    except engine.lost as exc:
        msg = f"a process has died while it ran one of these; --jobs 1 may show why: {exc}"
        raise WorkerLost(msg) from None
    finally:
        engine.close()


def run_case(case: Case, budget: Budget, stop: Stop = lambda: False) -> Evidence:
    """The evidence of one case, in a Trio run of its own."""

    async def main() -> Evidence:
        async with open_scheduler("stepped") as scheduler:
            return await _examine(scheduler, case, budget, stop)

    return trio.run(main)


async def _examine(scheduler: Scheduler, case: Case, budget: Budget, stop: Stop) -> Evidence:
    setup = setup_of(case.matter)
    return await examine(scheduler, setup, budget, simple=case.simple, stop=stop)
