# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario as a program to be explored."""

from __future__ import annotations

import attrs
import pytest

from swaptrio.errors import BadInput
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.variants import load


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
