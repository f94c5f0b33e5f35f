# SPDX-License-Identifier: MIT OR Apache-2.0
"""The model on plain Trio: it does the same work, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from benchmarks import plain
from benchmarks.executions import Calls, setup
from swaptrio import sched
from swaptrio.scenario.format import Window, WindowStep
from swaptrio.scenario.play import Played, play
from swaptrio.sched import RandomWalk, Violation, open_scheduler

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup, World

SEEDS = range(150)
SLOTS = [f"swap0:{number}" for number in (16, 17, 18, 19)]


@pytest.fixture(scope="module")
def lucky() -> Setup:
    """The scenario, where nothing fails."""
    model = setup()
    kernel = attrs.evolve(model.scenario.kernel, failures=())
    return attrs.evolve(model, scenario=attrs.evolve(model.scenario, kernel=kernel))


@pytest.fixture(scope="module")
def alone(lucky: Setup) -> Setup:
    """The fault alone: no schedule makes a difference."""
    scenario = attrs.evolve(
        lucky.scenario,
        task=lucky.scenario.task[:1],
        window=(Window(name="any", steps=(WindowStep(run="large"),)),),
    )
    return attrs.evolve(lucky, scenario=scenario)


def on_plain_trio(model: Setup, seeds: range = SEEDS) -> list[World]:
    """What each execution leaves."""
    with plain.primitives():
        return [plain.run(model, seed) for seed in seeds]


def on_ours(model: Setup, seeds: range = SEEDS) -> list[World]:
    """The same, by the scheduler."""

    async def main() -> list[Played]:
        async with open_scheduler() as scheduler:
            return [await play(scheduler, model, RandomWalk(seed)) for seed in seeds]

    played = trio.run(main)
    assert all(each.verdict.passed for each in played)
    return [each.world for each in played]


def end_of(world: World) -> tuple[object, ...]:
    """What an execution has come to."""
    results = tuple(sorted(world.results.items()))
    slots = tuple(world.slot(slot) for slot in SLOTS)
    return (results, slots, tuple(sorted(world.counters().items())))


def test_tasks_end_as_the_scenario_says(lucky: Setup) -> None:
    """Whatever Trio makes of the order, the fault ends mapped and the slot is read."""
    for world in on_plain_trio(lucky):
        assert world.results == {"large": "mapped", "small": "read"}
        assert not world.kernel.warnings


def test_ends_are_ends_of_ours(lucky: Setup) -> None:
    """Slots and counters are as our scheduler leaves them, in one of its executions."""
    ours = {end_of(world) for world in on_ours(lucky, range(1000))}
    assert {end_of(world) for world in on_plain_trio(lucky)} <= ours


def test_same_calls_without_a_race(alone: Setup) -> None:
    """Where the schedule cannot matter each function is called exactly as often."""
    ours, theirs = Calls(), Calls()
    on_ours(ours.setup(alone), range(20))
    on_plain_trio(theirs.setup(alone), range(20))
    assert ours.counts == theirs.counts
    assert ours.counts["do_swap_page"] == 20


def test_same_failures_are_drawn() -> None:
    """Allocations and charges fail about as often as under a random walk."""
    ours, theirs = Calls(), Calls()
    on_ours(ours.setup(setup()))
    on_plain_trio(theirs.setup(setup()))
    assert theirs.total() == pytest.approx(ours.total(), rel=0.2)


def test_oracles_are_on(lucky: Setup) -> None:
    """A reference too many is found at the end of a critical section or of the execution."""

    def never_freed(kernel: object, folio: object) -> None:
        """Drop nothing."""

    functions = {**lucky.variant.functions, "folio_put": never_freed}
    broken = attrs.evolve(lucky, variant=attrs.evolve(lucky.variant, functions=functions))
    with pytest.raises((Violation, ExceptionGroup)) as caught:
        on_plain_trio(broken)
    found = caught.value
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, Violation)


def test_everything_is_restored() -> None:
    """After the block, and after an exception in it, every global is what it was."""
    before = [dict(vars(module)) for module in plain.model_modules()]
    with pytest.raises(ZeroDivisionError), plain.primitives():
        raise ZeroDivisionError
    after = [dict(vars(module)) for module in plain.model_modules()]
    for old, new in zip(before, after, strict=True):
        assert old.keys() == new.keys()
        assert all(old[name] is new[name] for name in old)


def test_something_is_replaced() -> None:
    """In the block no module of the model has a primitive of ours left."""
    ours = {id(primitive) for primitive, _ in plain.INSTEAD}
    with plain.primitives():
        for module in plain.model_modules():
            left = [name for name, value in vars(module).items() if id(value) in ours]
            assert not left, module.__name__


def test_what_is_not_replaced_says_so() -> None:
    """A primitive of ours that the model should come to use fails, and is not run unseen."""
    with plain.primitives(), pytest.raises(sched.ModelError, match="running execution"):
        sched.now()
