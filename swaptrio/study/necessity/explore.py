# SPDX-License-Identifier: MIT OR Apache-2.0
"""Going through all interleavings of a scenario without a part that nobody misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.explore import Limits, Result
from swaptrio.explore.exhaustive import drive, result_of
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.study.ask.lab import ALL
from swaptrio.study.ask.short import Arranged, nothing, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.scenario.format import Scenario
    from swaptrio.sched import Scheduler
    from swaptrio.variants import Variant


async def explore(
    scheduler: Scheduler, scenario: Scenario, less: Variant, stop: Callable[[], bool]
) -> Result:
    """Explore *scenario* in *less*, in short surroundings; see `swaptrio.study.ask.short`."""
    stage = Stage(Arranged(scenario, shortened(less), nothing, lambda _world: 0))
    exploration = ALL.begin(stage)
    seconds = await drive(scheduler, exploration, Limits(stop=stop))
    stage.clear()
    return result_of(scenario.name, ALL, exploration, seconds)
