# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario as a program to be explored."""

from __future__ import annotations

import attrs
import pytest
import trio

from swaptrio.errors import BadInput
from swaptrio.explore import Limits, Settings
from swaptrio.explore.exhaustive.explore import drive
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.scenario.beginning import Beginning
from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import open_scheduler
from swaptrio.variants import load

#: Scenarios of different kinds: faults, a fork, a file, a device that goes.
LENT = (
    "two-faults-one-slot",
    "count-continuation-race",
    "shmem-truncate-vs-split",
    "swapoff-vs-alloc",
)


def setup_of(name: str, *, steps: int) -> Setup:
    """A scenario whose first task goes on for so many *steps*."""
    variant = load("v3")
    scenario = load_checked(find(name), variant)
    first, *others = scenario.task
    changed = (attrs.evolve(first, steps=steps), *others)
    return Setup(attrs.evolve(scenario, task=changed), variant)


def test_whoever_counts_the_steps_of_all_is_not_explored() -> None:
    """When it ends depends on steps that are taken for independent of it."""
    with pytest.raises(BadInput) as caught:
        Stage(setup_of("free-vs-swapoff", steps=50))

    (problem,) = caught.value.problems
    assert (problem.place, problem.value, problem.hint) == ("task[0].steps", "50", "rounds")


@pytest.mark.parametrize("name", names())
def test_all_scenarios_can_be_explored(name: str) -> None:
    """None of ours counts steps."""
    assert Stage(setup_of(name, steps=0)).watched


class Anew(Setup):
    """A set-up of which each execution has a world of its own."""


CLASSES, STATES = Settings(), Settings(cache=True, stubborn=True)


def explored(setup: Setup, settings: Settings) -> object:
    """What the first executions of *setup* are, event by event, or the states they meet."""
    exploration = settings.begin(Stage(setup, final=lambda world: len(world.results)))

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            await drive(scheduler, exploration, Limits(executions=20))

    trio.run(main)
    classes = exploration.classes
    return classes, exploration.states, exploration.tally.reason


@pytest.mark.parametrize("settings", [CLASSES, STATES])
@pytest.mark.parametrize("name", LENT)
def test_a_world_that_is_lent_makes_no_difference(name: str, settings: Settings) -> None:
    """Executions are the same ones, step by step, in a world put back and in a new one."""
    variant = load("v3")
    scenario = load_checked(find(name), variant)
    lent, anew = Setup(scenario, variant), Anew(scenario, variant)
    assert explored(lent, settings) == explored(anew, settings)


def test_a_world_that_is_not_put_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above can fail."""
    variant = load("v3")
    scenario = load_checked(find(LENT[0]), variant)
    expected = explored(Setup(scenario, variant), CLASSES)
    monkeypatch.setattr(Beginning, "restore", lambda _: None)
    assert explored(Setup(scenario, variant), CLASSES) != expected
