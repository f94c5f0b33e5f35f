# SPDX-License-Identifier: MIT OR Apache-2.0
"""Run a set-up once, and keep nothing but the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.scenario.play import BUDGET

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup, World
    from swaptrio.sched import Execution, Observer, Scheduler, Strategy, Verdict


async def execute(
    scheduler: Scheduler, setup: Setup, strategy: Strategy, observer: Observer | None = None
) -> Verdict:
    """The verdict of *setup* under *strategy*; *observer* is told of every step."""

    worlds: list[World] = []

    def program(execution: Execution) -> None:
        worlds.append(setup.lend(execution))

    execution = await scheduler.run(program, strategy, budget=BUDGET, observer=observer)
    verdict = execution.verdict
    for world in worlds:
        setup.take_back(world)
    assert verdict is not None
    return verdict
