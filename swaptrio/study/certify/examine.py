# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gather the evidence of one scenario in one version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore import Limits, Settings, fuzz, minimise
from swaptrio.explore.exhaustive import drive, result_of
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.explore.matrix import play_window
from swaptrio.scenario.play import BUDGET
from swaptrio.sched import Ending, Verdict
from swaptrio.sched.strategies import parse
from swaptrio.study.certify.bounds import Bounds
from swaptrio.study.certify.evidence import Evidence, Failing, Search, Walk

if TYPE_CHECKING:
    from swaptrio.explore.matrix import WindowResult
    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Scheduler
    from swaptrio.study.certify.bounds import Budget

Stop = Callable[[], bool]

#: Executions that making one schedule simple may take.
REPLAYS: Final = 2_000

#: Endings that are held against any version.
FAILURES: Final = (Ending.VIOLATION, Ending.DEADLOCK, Ending.LIVELOCK, Ending.ERROR)


@attrs.define(eq=False)
class _Found:
    """The ways to fail, each with the verdict that showed it first."""

    failing: list[tuple[Failing, Verdict]] = attrs.Factory(list)

    def note(
        self, verdict: Verdict, *, window: str = "", strategy: str = "", seed: int = 0
    ) -> None:
        """Keep *verdict* if it is a failure of a kind that nobody has seen yet."""
        failing = Failing(
            verdict.ending,
            verdict.check,
            verdict.message,
            str(verdict.schedule),
            window,
            strategy,
            seed,
        )
        known = [each.kind for each, _ in self.failing]
        if verdict.ending in FAILURES and failing.kind not in known:
            self.failing.append((failing, verdict))


async def examine(
    scheduler: Scheduler,
    setup: Setup,
    budget: Budget,
    *,
    simple: bool = False,
    stop: Stop = lambda: False,
) -> Evidence:
    """Play the windows of *setup*; explore all its interleavings; draw some, if not all were.

    Every step is taken whatever the ones before have found: two versions can be compared only
    if both were looked at alike.

    Args:
        scheduler: runs the executions.
        setup: the scenario and the version.
        budget: how much is looked at.
        simple: whether the schedule of each failure that no window shows is made short.
        stop: asked between executions; what was seen until then is the result.
    """
    bounds, found = Bounds.of(setup.scenario), _Found()
    windows = [await play_window(scheduler, setup, each) for each in setup.scenario.window]
    evidence = Evidence(bounds, tuple(windows))
    if evidence.absent:
        return evidence
    _note_windows(found, windows)
    search = await _search(scheduler, setup, budget, found, stop)
    walks = () if search.complete else await _walk(scheduler, setup, budget, found, stop)
    failing = [
        await _simple(scheduler, setup, each, verdict, stop) if simple else each
        for each, verdict in found.failing
    ]
    return attrs.evolve(evidence, search=search, walks=walks, failing=tuple(failing))


def _note_windows(found: _Found, windows: list[WindowResult]) -> None:
    for result in windows:
        if result.verdict is not None:
            found.note(result.verdict, window=result.window)


async def _search(
    scheduler: Scheduler, setup: Setup, budget: Budget, found: _Found, stop: Stop
) -> Search:
    settings, stage = Settings(budget=BUDGET), Stage(setup)
    exploration = settings.begin(stage)
    limits = Limits(budget.seconds, stop, executions=budget.executions)
    seconds = await drive(scheduler, exploration, limits)
    stage.clear()
    result = result_of(setup.scenario.name, settings, exploration, seconds)
    for violation in result.violations:
        found.note(violation.verdict)
    return Search(
        result.complete,
        result.traces or 0,
        result.reason,
        gave_up=bool(result.reason) and not exploration.tally.interrupted,
    )


async def _walk(
    scheduler: Scheduler, setup: Setup, budget: Budget, found: _Found, stop: Stop
) -> tuple[Walk, ...]:
    walks = []
    for name in budget.strategies:
        seeds = range(budget.seeds)
        fuzzed = await fuzz(scheduler, setup, seeds, strategy=parse(name), stop=stop)
        endless = [each for each in fuzzed.failures if each.verdict.check == "step-budget"]
        walks.append(Walk(name, fuzzed.executions, sum(each.count for each in endless)))
        for failure in fuzzed.failures:
            if failure not in endless:
                found.note(failure.verdict, strategy=name, seed=failure.seed)
    return tuple(walks)


async def _simple(
    scheduler: Scheduler, setup: Setup, failing: Failing, verdict: Verdict, stop: Stop
) -> Failing:
    if failing.window:
        return failing
    minimal = await minimise(scheduler, setup, verdict, replays=REPLAYS, stop=stop)
    return attrs.evolve(
        failing, schedule=str(minimal.schedule), message=minimal.verdict.message
    )
