# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenarios by name, their windows recorded, and drawings replayed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pytest
import trio

from swaptrio.diagram import Replayed, parse_diagram, replay_diagram
from swaptrio.scenario.files import find
from swaptrio.scenario.play import Played, Watched, load_checked, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Observer, Strategy, open_scheduler
from swaptrio.trace import Recorder, Trace
from swaptrio.variants import load

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario, Window

Recorded = tuple[Played, Trace]
Record = Callable[..., Recorded]
Replay = Callable[..., Replayed]


@cache
def scenario_of(name: str) -> Scenario:
    """The scenario called *name*."""
    return load_checked(find(name))


def _played(
    name: str, variant: str, strategy: Strategy, observer: Observer | None = None
) -> Played:
    async def main() -> Played:
        setup = Setup(scenario_of(name), load(variant))
        async with open_scheduler() as scheduler:
            return await play(scheduler, setup, strategy, observer)

    return trio.run(main)


def _record(
    name: str, variant: str, window: Window | None = None, strategy: Strategy | None = None
) -> Recorded:
    watched = Watched()
    watched.inner = recorder = Recorder(watched.snapshot)
    strategy = strategy or script_of(window or scenario_of(name).window[0], load(variant))
    played = _played(name, variant, strategy, watched)
    return played, recorder.trace(scenario=name, variant=variant)


def _replay(text: str, name: str, variant: str, observer: Observer | None = None) -> Replayed:
    async def main() -> Replayed:
        diagram = parse_diagram(text, "race.txt")
        async with open_scheduler() as scheduler:
            return await replay_diagram(
                scheduler, scenario_of(name), load(variant), diagram, observer
            )

    return trio.run(main)


@pytest.fixture
def record() -> Record:
    """Plays a window of a scenario (the first), or a strategy, and gives the trace too."""
    return _record


@pytest.fixture
def replay() -> Replay:
    """Replays a drawing, given as text, in a scenario and a variant."""
    return _replay
