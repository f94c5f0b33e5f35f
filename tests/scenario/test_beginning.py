# SPDX-License-Identifier: MIT OR Apache-2.0
"""Worlds that are put back: as if they had been made anew."""

from __future__ import annotations

from collections import deque
from enum import Enum
from functools import partial
from types import CoroutineType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.checks import watch_kernel
from swaptrio.explore import Limits, explore_program
from swaptrio.explore.execute import execute
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.scenario.beginning import Beginning
from swaptrio.scenario.files import find, names
from swaptrio.scenario.load import load
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Execution, RandomWalk, open_scheduler
from swaptrio.variants import load as load_variant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: A version that calls everything by its own name, and the one with the most of its own.
VERSIONS = ("v3", "next")

NEIGHBOUR = "large-vs-small-neighbour"


def described(value: Any, seen: dict[int, tuple[int, Any]]) -> Any:
    """*value* and all it leads to, so that it compares equal where nobody could tell it apart.

    What is met again is a number, so that it matters which objects are the same one.
    """
    if isinstance(value, int | float | str | type | Enum | None):
        return value
    if isinstance(value, FunctionType | CoroutineType):
        return value.__qualname__
    if id(value) in seen:
        return seen[id(value)][0]
    seen[id(value)] = len(seen), value
    return type(value).__name__, [described(part, seen) for part in parts_of(value)]


def parts_of(value: Any) -> list[Any]:
    """What *value* holds, in order; an error for what is not known here."""
    if isinstance(value, dict):
        twin = getattr(value, "_twin", None)
        return [twin, *(part for entry in value.items() for part in entry)]
    if isinstance(value, list | tuple | deque):
        return list(value)
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.items()]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    return [getattr(value, field.name) for field in attrs.fields(type(value))]


def look(world: World) -> Any:
    """Everything in a world."""
    return described((world.kernel, world.oracles, world.results), {})


def unstarted(begin: Callable[[Execution], World]) -> World:
    """The world that *begin* gives, none of whose tasks ever runs."""
    execution = Execution(RandomWalk(0))
    world = begin(execution)
    execution.close()
    world.kernel.device_tasks.clear()
    return world


def fresh(setup: Setup) -> World:
    """A world of *setup* that was made for this."""
    return unstarted(setup.build)


def lent(setup: Setup) -> World:
    """A world that *setup* lends."""
    return unstarted(setup.lend)


async def again(setup: Setup, executions: int) -> World:
    """A world of *setup* after so many executions, put back."""
    async with open_scheduler("stepped") as scheduler:
        for seed in range(executions):
            await execute(scheduler, setup, RandomWalk(seed))
    return lent(setup)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("scenario", names())
async def test_put_back_is_as_good_as_new(scenario: str, version: str) -> None:
    """Whatever executions have done, a world that is put back is like one that is made."""
    setup = Setup(load(find(scenario)), load_variant(version))

    world = await again(setup, 4)

    assert world.beginning is not None
    assert look(world) == look(fresh(setup))


def reporting(setup: Setup) -> World:
    """A world of *setup* that was made for this, and reports what is done to it."""
    world = fresh(setup)
    watch_kernel(world.kernel)
    return world


@pytest.mark.parametrize("scenario", names())
def test_put_back_it_reports_as_a_new_one(scenario: str) -> None:
    """So is one that reports what steps access, with containers that do."""
    setup = Setup(load(find(scenario)), load_variant("v3"))
    stage = Stage(setup)

    explore_program(stage, limits=Limits(executions=8))
    stage.clear()
    world = unstarted(setup.lend_reporting)

    assert world.beginning is not None
    assert look(world) == look(reporting(setup))


def test_worlds_that_report_are_lent_apart() -> None:
    """Who wants one that reports gets no other, nor the other way round."""
    setup = Setup(load(find(NEIGHBOUR)), load_variant("v3"))

    plain, loud = lent(setup), unstarted(setup.lend_reporting)
    setup.take_back(plain)
    setup.take_back(loud)

    assert unstarted(setup.lend_reporting).kernel is loud.kernel
    assert lent(setup).kernel is plain.kernel
    assert type(loud.kernel) is not type(plain.kernel)


@pytest.mark.parametrize("left_out", ["__init__", "__setitem__", "update", "_empty"])
async def test_nothing_can_be_left_out(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of which one kind of thing is not put back differs from one that is made."""
    setup = Setup(load(find(NEIGHBOUR)), load_variant("v3"))
    restore = Beginning.restore

    def forgetful(beginning: Beginning) -> None:
        steps = [step for step in beginning._steps if step.func.__name__ != left_out]
        empty = () if left_out == "_empty" else beginning._empty
        restore(Beginning(tuple(steps), empty))

    monkeypatch.setattr(Beginning, "restore", forgetful)

    assert look(await again(setup, 20)) != look(fresh(setup))


async def test_one_world_serves_all_executions() -> None:
    """The world that was given back is lent again; two that are lent at once are two."""
    setup = Setup(load(find(NEIGHBOUR)), load_variant("v3"))

    first, second = lent(setup), lent(setup)
    setup.take_back(first)
    third = lent(setup)

    assert third.kernel is first.kernel is not second.kernel


async def test_a_users_variant_gets_worlds_of_its_own(tmp_path: Path) -> None:
    """What a user's functions keep by kernel ends with the execution: no kernel comes back."""
    path = tmp_path / "mine.py"
    path.write_text('"""Mine."""\n\nBASE = "v3"\n')
    setup = Setup(load(find(NEIGHBOUR)), load_variant(str(path)))

    first = lent(setup)
    setup.take_back(first)

    assert lent(setup).kernel is not first.kernel
    assert not first.kernel.functions


def test_containers_hold_again_what_they_held() -> None:
    """In the same order, and as the same objects; frozen ones are passed through."""
    inner = Box([1, 2])
    held: dict[str, Any] = {
        "deque": deque([inner, 3]),
        "partial": partial(described, {}),
        "frozen": Frozen(inner),
    }
    was = described(held, {})
    beginning = Beginning.of(held)

    inner.held.append(3)
    inner.held = ()
    held["deque"].rotate()
    held["partial"].args[0]["more"] = held.pop("deque")
    beginning.restore()

    assert described(held, {}) == was


@attrs.frozen
class Noting(Setup):
    """Notes each world that it makes."""

    made: list[World] = attrs.field(factory=list)

    def build(self, execution: Execution) -> World:
        """Note the world."""
        self.made.append(super().build(execution))
        return self.made[-1]


def test_what_a_subclass_makes_of_a_world_is_not_passed_over() -> None:
    """It makes each world that is lent."""
    setup = Noting(load(find(NEIGHBOUR)), load_variant("v3"))

    for _ in range(2):
        setup.take_back(lent(setup))

    assert len(setup.made) == 2


@attrs.define
class Box:
    """Holds something."""

    held: Any


@attrs.frozen
class Frozen:
    """Holds something for ever."""

    held: Any


@attrs.define
class Thing:
    """Holds something; whether the constructor takes it is up to *held*."""

    held: Any = attrs.field(kw_only=True)


@attrs.define
class Counting:
    """Does more than to set its fields when it is made."""

    made: int = 0

    def __attrs_post_init__(self) -> None:
        self.made += 1


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([{1}], "a set cannot be put back"),
        ({"a": iter(())}, "a tuple_iterator cannot be put back"),
        ((Thing(held=1),), "the constructor of Thing does more"),
        (deque([Counting()]), "the constructor of Counting does more"),
    ],
)
def test_what_is_not_known_is_refused(value: object, why: str) -> None:
    """Nothing is passed over in silence."""
    with pytest.raises(TypeError, match=why):
        Beginning.of(value)
