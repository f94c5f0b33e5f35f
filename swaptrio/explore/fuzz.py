# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fuzz: one execution of chance after the other, from a scenario's set-up, without its window.

The loop is what a campaign spends its life in. It writes nothing and keeps nothing of an
execution that passed. What failed is counted by its fingerprint and kept once, as a schedule;
whoever wants to read it replays that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.pace import Pace
from swaptrio.explore.repeat import repeat
from swaptrio.scenario.play import failed
from swaptrio.scenario.world import Setup
from swaptrio.sched import RandomWalk, Schedule, Scheduler, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swaptrio.explore.coverage import Coverage
    from swaptrio.sched.strategies import SeededStrategy


@attrs.define
class Failure:
    """A distinct failure: how often it was seen, and *seed* and *verdict* of the first time."""

    fingerprint: Fingerprint
    seed: int
    verdict: Verdict
    count: int = 1

    @property
    def schedule(self) -> Schedule:
        """The schedule of the first time."""
        return self.verdict.schedule


@attrs.define
class Fuzzed:
    """What fuzzing has found so far; *failures* stand in the order of their first seeds.

    *stopped* says that it was asked to stop before its last seed. *repeated* executions were
    run again and went the same way; *difference* is where one did not, empty for none: then
    nothing is concluded. *seconds* is wall time, and the only thing here that differs from run
    to run.
    """

    setup: Setup
    executions: int = 0
    steps: int = 0
    seconds: float = 0.0
    stopped: bool = False
    repeated: int = 0
    difference: str = ""
    _failures: dict[Fingerprint, Failure] = attrs.Factory(dict)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The distinct failures."""
        return tuple(self._failures.values())

    @property
    def failed(self) -> int:
        """How many executions failed."""
        return sum(failure.count for failure in self._failures.values())

    def note(self, seed: int, verdict: Verdict) -> bool:
        """Count an execution that failed; whether none has failed so before."""
        fingerprint = Fingerprint.of(self.setup, verdict)
        known = self._failures.get(fingerprint)
        if known is None:
            self._failures[fingerprint] = Failure(fingerprint, seed, verdict)
        else:
            known.count += 1
        return known is None

    def distrust(self, difference: str) -> None:
        """A repetition went another way: conclude nothing."""
        self.difference = difference
        self._failures.clear()


async def fuzz(
    scheduler: Scheduler,
    setup: Setup,
    seeds: Iterable[int],
    *,
    strategy: SeededStrategy | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Fuzzed], None] | None = None,
    coverage: Coverage | None = None,
    every: int = 0,
) -> Fuzzed:
    """Run *setup* once for each of *seeds*.

    Args:
        scheduler: runs the executions.
        setup: the scenario and the variant.
        seeds: one execution each.
        strategy: decides, by each seed in turn; a random walk if left out.
        stop: asked before each execution; what was found until then is the result.
        progress: is told about ten times a second at most.
        coverage: looks at every execution; costs about a sixth more.
        every: one execution in so many is repeated, the first of all, and each that fails as
            none has before; a difference ends the run. 0: nothing is repeated.
    """
    fuzzed = Fuzzed(setup)
    pace = Pace.start()
    strategy = strategy or RandomWalk(0)
    for seed in seeds:
        if stop():
            fuzzed.stopped = True
            break
        strategy.seed = seed
        verdict = await execute(scheduler, setup, strategy, coverage, watched=False)
        fuzzed.executions += 1
        fuzzed.steps += verdict.steps
        news = failed(verdict) and fuzzed.note(seed, verdict)
        if every and (news or fuzzed.executions % every == 1 % every):
            difference = await repeat(scheduler, setup, verdict)
            if difference:
                fuzzed.distrust(difference)
                break
            fuzzed.repeated += 1
        if progress is not None and pace.is_time(fuzzed.executions):
            fuzzed.seconds = pace.told
            progress(fuzzed)
    fuzzed.seconds = pace.seconds
    return fuzzed
