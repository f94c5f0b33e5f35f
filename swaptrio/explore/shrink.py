# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shrink: a schedule with fewer deviations that fails in the same way.

A random walk leaves the default at every other step, and few of these deviations matter. First
they are dropped, many at once and then one by one, as long as the execution still fails. What
is left need not be the shortest, since each is dropped in the company of the others. So then
all schedules with one deviation are tried, and with two, as far as the replays reach.

Nothing here is drawn: the same failure shrinks to the same schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.plan import Deviations, Plan, deviations_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Scheduler, Verdict

#: Executions that making one failure short may take.
REPLAYS: Final = 400


async def shrink(
    scheduler: Scheduler,
    setup: Setup,
    verdict: Verdict,
    *,
    replays: int = REPLAYS,
    stop: Callable[[], bool] = lambda: False,
) -> Verdict:
    """The shortest execution found of *setup* that fails as *verdict* does.

    Its schedule is as recorded, with the names of what each decision led to.

    Args:
        scheduler: runs the replays.
        setup: the scenario and the variant.
        verdict: the failure.
        replays: executions to make at most.
        stop: asked before each; the shortest until then is the result.
    """
    search = _Search(scheduler, setup, verdict, replays, stop)
    if not await search.tries(()):
        await _drop(search)
        await _sweep_one(search)
        await _sweep_two(search)
    return search.best


@attrs.define(eq=False)
class _Search:
    scheduler: Scheduler
    setup: Setup
    best: Verdict
    left: int
    stop: Callable[[], bool]
    wanted: Fingerprint = attrs.field(init=False)
    #: Steps with more than one candidate of every plan tried so far.
    tried: dict[Deviations, list[tuple[int, int]]] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.wanted = Fingerprint.of(self.setup, self.best)

    @property
    def deviations(self) -> Deviations:
        return deviations_of(self.best.schedule)

    @property
    def over(self) -> bool:
        return self.left <= 0 or self.stop()

    async def tries(self, deviations: Deviations) -> bool:
        """Run *deviations*; whether that is a shorter way to the same failure."""
        if deviations in self.tried or self.over:
            return False
        self.left -= 1
        plan = Plan(deviations)
        verdict = await execute(self.scheduler, self.setup, plan)
        self.tried[deviations] = plan.counts
        shorter = len(verdict.schedule) < len(self.best.schedule)
        if not shorter or Fingerprint.of(self.setup, verdict) != self.wanted:
            return False
        self.best = verdict
        return True

    def singles(self, before: Deviations = ()) -> Iterator[tuple[int, int]]:
        """All deviations that can follow on *before*, which has been tried."""
        last = before[-1][0] if before else 0
        for step, count in self.tried.get(before, ()):
            if step > last:
                yield from ((step, index) for index in range(1, count))


async def _drop(search: _Search) -> None:
    """Leave deviations out, half of them at a time, then a quarter, and so on."""
    size = len(search.deviations)
    while size and not search.over:
        size = min(size, len(search.deviations)) // 2 or 1
        dropped = await _drop_rows(search, size)
        if size == 1 and not dropped:
            return


async def _drop_rows(search: _Search, size: int) -> bool:
    """Leave each row of *size* deviations out, from the last; whether one could be."""
    dropped = False
    end = len(search.deviations)
    while end > 0 and not search.over:
        start = max(0, end - size)
        whole = search.deviations
        dropped |= await search.tries(whole[:start] + whole[end:])
        end = min(start, len(search.deviations))
    return dropped


async def _sweep_one(search: _Search) -> None:
    for single in search.singles():
        if len(search.best.schedule) <= 1 or search.over:
            return
        await search.tries((single,))


async def _sweep_two(search: _Search) -> None:
    """What the schedule at hand begins with is the likeliest to be half of a shorter one."""
    likely = search.deviations[:1]
    for first in (*likely, *search.singles()):
        await search.tries((first,))
        for second in search.singles((first,)):
            if len(search.best.schedule) <= 2 or search.over:
                return
            await search.tries((first, second))
