# SPDX-License-Identifier: MIT OR Apache-2.0
"""Run a set-up once, and keep nothing but the verdict and what the strategy has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.explore.listen import Listener, words_of
from swaptrio.scenario.play import BUDGET, nothing
from swaptrio.sched.both import Both

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup, World
    from swaptrio.sched import Execution, Observer, Scheduler, Strategy, Verdict


async def execute(
    scheduler: Scheduler,
    setup: Setup,
    strategy: Strategy,
    observer: Observer | None = None,
    *,
    watched: bool = True,
    reporting: bool = False,
) -> Verdict:
    """The verdict of *setup* under *strategy*; *observer* is told of every step.

    Where it is *watched* a state that comes back ends it (see `swaptrio.sched.lasso`), which
    costs something in each execution that is long. Chance does not go round for ever.

    Steps report what they touch if *reporting* is asked for, and while the strategy has words
    that listen, but for a variant that may have data races: there they report to who looks for
    these, or a schedule would end otherwise under one strategy than under another.
    """
    worlds: list[World] = []
    words = words_of(strategy)
    listens = words is not None and words.listens and not setup.variant.races
    reports = listens or (reporting and not setup.variant.races)
    if words is not None and listens:
        listener = Listener(words)
        observer = listener if observer is None else Both(listener, observer)

    def program(execution: Execution) -> None:
        lend = setup.lend_reporting if reports else setup.lend
        worlds.append(lend(execution))

    execution = await scheduler.run(
        program,
        strategy,
        budget=BUDGET,
        observer=observer,
        fingerprint=nothing if watched else None,
    )
    verdict = execution.verdict
    for world in worlds:
        setup.take_back(world)
    assert verdict is not None
    return verdict
