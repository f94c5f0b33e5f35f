# SPDX-License-Identifier: MIT OR Apache-2.0
"""Nothing in the model, a scenario or a variant knows who carries its tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NoReturn

import attrs
import pytest
import trio

from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import BUDGET, Watched, load_checked, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import (
    Carrier,
    Decision,
    Ending,
    Kind,
    RandomWalk,
    Recorded,
    Run,
    Schedule,
    Script,
    Strategy,
    open_scheduler,
    point,
)
from swaptrio.trace import Recorder, Trace, render_trace
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Callable

#: The versions between which seeds alternate: one that comes through, and one that often fails.
VARIANTS = ("v3", "pre")


async def traced(
    setup: Setup, strategy: Strategy, carrier: Carrier, budget: int = BUDGET
) -> Trace:
    """The trace of one execution."""
    watched = Watched()
    watched.inner = recorder = Recorder(watched.snapshot)
    async with open_scheduler(carrier) as scheduler:
        await play(scheduler, setup, strategy, watched, budget=budget)
    return recorder.trace(scenario=setup.scenario.name, variant=setup.variant.name)


@pytest.mark.parametrize("name", names())
async def test_every_scenario_has_one_trace(name: str) -> None:
    """The same seed, and the schedule that it draws, give the same bytes on both carriers."""
    scenario = load_checked(find(name))
    for seed, variant in enumerate(VARIANTS):
        setup = Setup(scenario, load(variant))
        trace = await traced(setup, RandomWalk(seed), "trio")
        stepped = await traced(setup, RandomWalk(seed), "stepped")
        again = await traced(setup, Recorded(trace.header.verdict.schedule), "stepped")

        assert len(trace.events) > 1
        assert render_trace(trace) == render_trace(stepped) == render_trace(again)


async def crash(*_words: object) -> NoReturn:
    """A function of the model that breaks down."""
    await point("crash.step", Kind.STEP)
    raise LookupError("the model broke down")


def setup_of(name: str, variant: str, **functions: Callable[..., object]) -> Setup:
    """A scenario in a variant with *functions* of its own."""
    version = load(variant)
    version = attrs.evolve(version, functions={**version.functions, **functions})
    return Setup(load_checked(find(name)), version)


def window_of(setup: Setup) -> Script:
    """The first window of the scenario."""
    return script_of(setup.scenario.window[0], setup.variant)


def by_window(name: str, variant: str) -> tuple[Setup, Strategy]:
    """An execution that the first window of a scenario leads."""
    setup = setup_of(name, variant)
    return setup, window_of(setup)


def diverging() -> tuple[Setup, Strategy]:
    """A schedule that names more candidates than there are."""
    return setup_of("two-faults-one-slot", "v3"), Recorded(Schedule((Decision(5, 90),)))


def unreached() -> tuple[Setup, Strategy]:
    """A window that asks for a label to which nobody comes."""
    return setup_of("two-faults-one-slot", "v3"), Script((Run("first", "nowhere.at_all"),))


def crashing() -> tuple[Setup, Strategy]:
    """A task in which a function of the variant breaks down."""
    return setup_of("two-faults-one-slot", "v3", swap_cache_alloc_folio=crash), RandomWalk(1)


ENDINGS: dict[Ending, tuple[Callable[[], tuple[Setup, Strategy]], int]] = {
    Ending.PASSED: (partial(by_window, "two-faults-one-slot", "v3"), BUDGET),
    Ending.VIOLATION: (partial(by_window, "two-faults-one-slot", "no-second-check"), BUDGET),
    Ending.DEADLOCK: (
        partial(by_window, "readahead-waits-for-its-plug", "wait-before-submit"),
        BUDGET,
    ),
    Ending.LIVELOCK: (partial(by_window, "two-faults-one-slot", "v3"), 40),
    Ending.DIVERGED: (diverging, BUDGET),
    Ending.UNREACHED: (unreached, BUDGET),
    Ending.ERROR: (crashing, BUDGET),
}


async def test_who_asks_for_his_carrier_is_noticed() -> None:
    """A model that did one thing on Trio tasks and another stepped would have two traces."""
    home = trio.lowlevel.current_task()
    plain = load("v3").functions["swap_cache_alloc_folio"]

    async def asking(*words: object) -> object:
        if trio.lowlevel.current_task() is not home:
            await point("asking.step")
        return await plain(*words)

    setup = setup_of("two-faults-one-slot", "v3", swap_cache_alloc_folio=asking)
    trace, stepped = [
        await traced(setup, RandomWalk(1), carrier) for carrier in ("trio", "stepped")
    ]

    assert render_trace(trace) != render_trace(stepped)


@pytest.mark.parametrize("ending", Ending)
async def test_every_ending_has_one_trace(ending: Ending) -> None:
    """However an execution ends, it does so alike, with the same words."""
    begin, budget = ENDINGS[ending]
    trace, stepped = [
        await traced(*begin(), carrier, budget) for carrier in ("trio", "stepped")
    ]

    assert trace.header.verdict.ending is ending
    assert render_trace(trace) == render_trace(stepped)
