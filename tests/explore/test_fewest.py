# SPDX-License-Identifier: MIT OR Apache-2.0
"""The fewest deviations: no end is passed over, and few executions stand for many."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import pytest

from swaptrio.explore.execute import execute
from swaptrio.explore.fewest import Fewest, Follower, Way, fewest
from swaptrio.explore.minimise import Search
from swaptrio.explore.places import Place, Places
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Execution, Recorded, Scheduler, Shared, Verdict, point
from swaptrio.variants import load

Build = Callable[[Execution], None]

#: What is told apart of an end: two executions of one class agree in it.
End: TypeAlias = tuple[Ending, str, str, int]

#: Scenarios and variants, small ones: between them they wait, draw, and fail in several ways.
CASES = [
    ("readahead-caches-hibernation-slot", "pre"),
    ("charge-fail-clobbers-neighbour-shadows", "chris-literal"),
]


def setup_called(scenario: str, variant: str) -> Setup:
    """A scenario that ships, and a variant."""
    return Setup(load_checked(find(scenario)), load(variant))


async def swept(
    scheduler: Scheduler, setup: Setup, *, places: bool = True
) -> tuple[set[End], Fewest]:
    """How all executions with two deviations at most end, and the sweep that met them."""
    ends = set()

    def note(verdict: Verdict) -> bool:
        ends.add((verdict.ending, verdict.check, verdict.message, verdict.steps))
        return False

    return ends, await fewest(scheduler, setup, note, 2, places=places)


@pytest.mark.parametrize(("scenario", "variant"), CASES)
async def test_what_is_passed_over_ends_as_something_that_is_not(
    scenario: str, variant: str, scheduler: Scheduler
) -> None:
    """Places save half of the executions, and not one of the ends."""
    setup = setup_called(scenario, variant)

    ends, saving = await swept(scheduler, setup)
    all_ends, plain = await swept(scheduler, setup, places=False)

    assert ends == all_ends
    assert len(ends) > 1
    assert saving.executions * 2 < plain.executions
    assert saving.complete
    assert plain.complete


async def test_a_sweep_that_confuses_places_loses_ends(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a place only told how many tasks have run, the sweep would miss how some end."""
    setup = setup_called(*CASES[0])
    standing = Places.standing

    def less(places: Places, execution: Execution) -> Place:
        who, now, *done = standing(places, execution)
        return who, now, len(done)

    all_ends, _ = await swept(scheduler, setup)
    monkeypatch.setattr(Places, "standing", less)
    ends, _ = await swept(scheduler, setup)

    assert ends < all_ends


@pytest.mark.parametrize("one_object", [False, True])
async def test_a_place_is_who_runs_and_what_was_done(
    one_object: bool, scheduler: Scheduler
) -> None:
    """Two steps in either order lead to one place but for who runs, unless they conflict."""

    def build(execution: Execution) -> None:
        async def task(name: str) -> None:
            await Shared("x" if one_object else name, 0).write("task.write", 1)
            await point("task.end", target=name)

        for name in "ab":
            execution.spawn(name, task, name)

    primes: dict[Hashable, int] = {}

    async def behind(way: Way) -> Place:
        """Where the execution stands once the four steps on *way* are over."""
        follower = Follower(way, Places(primes))
        await scheduler.run(build, follower, observer=follower.places)
        (place,) = [place for number, _, place in follower.offers if number == 4]
        assert place is not None
        return place

    # a starts, b starts, b writes, a writes; and a starts, a writes, b starts, b writes
    first = await behind(((1, 1), (3, 1)))
    other = await behind(((2, 1),))
    assert first[0] == "a"
    assert other[0] == "b"
    assert (first[1:] == other[1:]) is not one_object


async def test_the_first_that_is_found_has_the_fewest(scheduler: Scheduler) -> None:
    """What takes three deviations is not found with two, and with three it is; it replays."""
    setup = setup_called("readahead-caches-hibernation-slot", "pre")

    def fails(verdict: Verdict) -> bool:
        return not verdict.passed

    assert (await fewest(scheduler, setup, fails, 2)).verdict is None
    found = await fewest(scheduler, setup, fails, 4)

    assert found.verdict is not None
    assert len(found.verdict.schedule) == 3
    again = await execute(scheduler, setup, Recorded(found.verdict.schedule))
    assert again == found.verdict


async def test_counts_by_hand(
    scheduler: Scheduler, setup_around: Callable[[Build], Any]
) -> None:
    """Two tasks of two steps each, A and B: six schedules, sorted by their deviations.

    None: AABB. One: BBAA, ABBA. Two: ABAB, BAAB. Three: BABA.
    """

    def build(execution: Execution) -> None:
        async def task() -> None:
            await point("task.step")

        execution.spawn("a", task)
        execution.spawn("b", task)

    setup = setup_around(build)
    counts = [
        (await fewest(scheduler, setup, lambda verdict: False, bound)).executions
        for bound in range(4)
    ]
    assert counts == [1, 3, 5, 6]


@pytest.mark.parametrize(
    ("simplest", "expected", "switches"), [(False, "acab", 3), (True, "aacb", 2)]
)
async def test_the_simplest_of_those_with_as_few(
    simplest: bool,
    expected: str,
    switches: int,
    scheduler: Scheduler,
    setup_around: Callable[[Build], Any],
) -> None:
    """A does two things, B one and C one, and one deviation lets C come before B.

    Of ACAB and AACB the first is found first, and switches at A's first, C's and A's end; the
    second needs no way back to A.
    """

    def build(execution: Execution) -> None:
        async def task(name: str, times: int) -> None:
            for _ in range(times):
                await point("task.step")
                done.append(name)

        done: list[str] = []
        for name, times in (("a", 2), ("b", 1), ("c", 1)):
            execution.spawn(name, task, name, times)
        execution.at_end.append(lambda: ends.append("".join(done)))

    ends: list[str] = []
    setup = setup_around(build)

    def shows(verdict: Verdict) -> bool:
        return ends[-1] in ("acab", "aacb")

    found = await fewest(scheduler, setup, shows, 1, simplest=simplest)

    assert found.verdict is not None
    search = await Search.begin(scheduler, setup, found.verdict, 1, lambda: False)
    assert (ends[-1], search.size.switches) == (expected, switches)


async def test_says_that_it_was_stopped(scheduler: Scheduler) -> None:
    """A sweep that was stopped proves nothing, and says so."""
    setup = setup_called(*CASES[0])
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 10

    stopped = await fewest(scheduler, setup, lambda verdict: False, 2, stop=stop)

    assert not stopped.complete
    assert (stopped.verdict, stopped.executions) == (None, 10)
