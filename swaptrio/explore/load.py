# SPDX-License-Identifier: MIT OR Apache-2.0
"""Run the load generator once, and say what it cost.

A million steps of decisions are not kept: memory does not grow with the steps, and a failure is
repeated by its seed.
"""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.checks import Finding
from swaptrio.explore.pace import Pace
from swaptrio.scenario.load_generator import load_scenario
from swaptrio.scenario.play import Watched, play
from swaptrio.scenario.world import Setup
from swaptrio.sched import Observer, RandomWalk, Verdict
from swaptrio.sched.both import Both

if TYPE_CHECKING:
    from swaptrio.sched import Execution, Scheduler, Task
    from swaptrio.variants import Variant

#: Tells the state of the world that runs.
Look: TypeAlias = Callable[[], Mapping[str, str | int]]

#: Steps that are told of a failure.
LAST: Final = 30

#: Steps from one report of progress to the next.
_INTERVAL: Final = 8192

#: How many times the steps that were asked for an execution may take to come to its end.
_PATIENCE: Final = 4


@attrs.frozen
class Loaded:
    """What came of a load: its *verdict*, soft *findings*, *counters*, and the *last* steps.

    *seconds* is wall time since the first step, and *max_rss* the most memory that the process
    ever had, in KiB.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    counters: Mapping[str, int]
    last: tuple[tuple[int, str, str], ...]
    seconds: float
    max_rss: int


@attrs.define(eq=False)
class _Watch:
    """Keeps the last steps, and tells how far it is; *pace* begins with the first step."""

    progress: Callable[[int], None]
    pace: Pace = attrs.Factory(Pace.start)
    due: int = _INTERVAL
    last: deque[tuple[int, str, str]] = attrs.Factory(lambda: deque(maxlen=LAST))

    def step(self, execution: Execution, task: Task) -> None:
        if not self.last:
            self.pace = Pace.start()
        self.last.append((execution.step, task.name, task.label))
        if execution.step >= self.due:
            self.due += _INTERVAL
            self.progress(execution.step)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        pass

    def end(self, execution: Execution) -> None:
        pass


async def run_load(
    scheduler: Scheduler,
    variant: Variant,
    *,
    users: int,
    clusters: int,
    steps: int,
    seed: int,
    zswap: bool = True,
    progress: Callable[[int], None] = lambda _: None,
    observed: Callable[[Look], Observer] | None = None,
) -> Loaded:
    """Run `load_scenario` once under a random walk, with all checks on.

    Args:
        scheduler: runs the execution.
        variant: the version of the algorithm.
        users: see `load_scenario`.
        clusters: see `load_scenario`.
        steps: see `load_scenario`.
        seed: of the walk.
        zswap: see `load_scenario`.
        progress: is told the number of steps from time to time.
        observed: makes an observer that may look at the world.
    """
    scenario = load_scenario(users=users, clusters=clusters, steps=steps, zswap=zswap)
    setup = Setup(scenario, variant)
    watch = _Watch(progress)
    played = await play(
        scheduler,
        setup,
        RandomWalk(seed),
        watch if observed is None else _beside(watch, observed),
        budget=_PATIENCE * steps + 1000 * users + 10_000,
        recorded=False,
        watched=False,
    )
    return Loaded(
        played.verdict,
        tuple(played.world.oracles.findings),
        played.world.counters(),
        tuple(watch.last),
        watch.pace.seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


def _beside(watch: _Watch, observed: Callable[[Look], Observer]) -> Watched:
    """*watch* and the observer that *observed* makes."""
    watched = Watched()
    watched.inner = Both(watch, observed(watched.snapshot))
    return watched
