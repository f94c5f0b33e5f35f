# SPDX-License-Identifier: MIT OR Apache-2.0
"""Run a set-up once, and keep nothing but the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.scenario.play import BUDGET

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup, World
    from swaptrio.sched import Execution, Scheduler, Strategy, Verdict


async def execute(scheduler: Scheduler, setup: Setup, strategy: Strategy) -> Verdict:
    """The verdict of *setup* under *strategy*."""

    worlds: list[World] = []

    def program(execution: Execution) -> None:
        worlds.append(setup.build(execution))

    verdict = (await scheduler.run(program, strategy, budget=BUDGET)).verdict
    for world in worlds:
        world.oracles.detach()
    assert verdict is not None
    return verdict
