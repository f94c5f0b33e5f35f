# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whoever explores parts, and in whatever order they are done, what is told is the same."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from benchmarks.counted import casrot, lastzero
from swaptrio.explore.exhaustive import Settings, drive, result_of
from swaptrio.explore.exhaustive.crew import Crew
from swaptrio.explore.exhaustive.desk import TURN, Desk, Hands
from swaptrio.explore.exhaustive.explore import Limits
from swaptrio.explore.exhaustive.jobs import beginning, parted_from
from swaptrio.explore.exhaustive.saved import load, save
from swaptrio.sched import Shared, Violation, open_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.explore.exhaustive.desk import Order, Told
    from swaptrio.explore.exhaustive.part import Share
    from swaptrio.explore.exhaustive.result import Result
    from swaptrio.sched import Execution, Program, Scheduler


@attrs.define(eq=False)
class Several:
    """Many desks, of which one goes on at a time, as *random* will have it."""

    desks: list[Desk]
    random: Random
    homes: dict[int, Desk] = attrs.Factory(dict)

    def takes(self, number: int) -> bool:
        """Whether its desk is free."""
        home = self.homes.setdefault(number, self.random.choice(self.desks))
        return home.takes(number)

    def give(self, order: Order) -> None:
        """To its desk."""
        self.homes[order.number].give(order)

    async def hear(self, scheduler: Scheduler) -> list[Told]:
        """Any that is busy runs one execution."""
        busy = [desk for desk in self.desks if not desk.takes(0)]
        return await self.random.choice(busy).hear(scheduler)

    def share(self, number: int) -> Share:
        """Where its desk has it."""
        return self.homes[number].share(number)


def rarely(execution: Execution) -> None:
    """Four increments, which are not to be made in some of their orders."""
    x, order = Shared("x", 0), []

    async def increment(name: str) -> None:
        await x.write("increment.write", await x.read("increment.read") + 1)
        order.append(name)

    def check() -> None:
        if order in (["d", "c", "b", "a"], ["d", "b", "c", "a"], ["c", "d", "b", "a"]):
            raise Violation(f"T-{order[0]}{order[1]}", "in a wrong order")

    for name in "abcd":
        execution.spawn(name, increment, name)
    execution.at_end.append(check)


def told(source: Callable[[], Program], settings: Settings, hands: Hands | None) -> Result:
    """What a search in parts tells from its beginning on, by *hands* or by one desk."""
    begin = beginning(source, settings)
    crew = parted_from(begin(), begin)
    crew = crew if hands is None else crew.moved(hands)

    async def main() -> Result:
        async with open_scheduler("stepped") as scheduler:
            return result_of("program", settings, crew, await drive(scheduler, crew, Limits()))

    return trio.run(main)


def several(source: Callable[[], Program], settings: Settings, seed: int) -> Several:
    """Three desks for *source*."""
    return Several([Desk(beginning(source, settings)) for _ in range(3)], Random(seed))


SOURCES: dict[str, tuple[Callable[[], Program], int]] = {
    "casrot": (partial(casrot, 7), 523),
    "lastzero": (partial(lastzero, 7), 320),
    "rarely": (lambda: rarely, 576),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("seed", [1, 2])
def test_totals(name: str, seed: int) -> None:
    """The totals are those that are known, whoever has explored what when."""
    source, count = SOURCES[name]
    result = told(source, Settings(), several(source, Settings(), seed))
    assert (result.executions, result.traces) == (count, count)


FIRST = Settings(stop_at_first=True)


def told_first(seed: int) -> tuple[str, object]:
    """The statement and the violation of several who stop at the first."""
    source = SOURCES["rarely"][0]
    result = told(source, FIRST, several(source, FIRST, seed))
    return result.statement, result.violations


def test_first_violation() -> None:
    """Which violation is the first does not depend on who is done first."""
    alone = told(SOURCES["rarely"][0], FIRST, None)
    assert alone.executions > TURN
    assert {told_first(seed) for seed in range(6)} == {(alone.statement, alone.violations)}


async def in_pieces(source: Callable[[], Program], settings: Settings, seed: int) -> Crew:
    """Explore, and now and then go on from the text of the search, with other hands."""
    random, begin = Random(seed), beginning(source, settings)
    crew = parted_from(begin(), begin)
    async with open_scheduler("stepped") as scheduler:
        while crew.tally.outcome is None:
            crew = crew.moved(several(source, settings, seed))
            for _ in range(random.randrange(300)):
                if crew.tally.outcome is None:
                    await crew.turn(scheduler)
            await crew.pause(scheduler)
            if crew.tally.outcome is None:
                again = load(save(crew, {}), {}, begin)
                assert isinstance(again, Crew)
                crew = again
    return crew


@pytest.mark.parametrize("name", ["casrot", "rarely"])
def test_pieces_have_the_same_total(name: str) -> None:
    """A search in parts that is interrupted again and again has the same totals."""
    source, count = SOURCES[name]
    crew = trio.run(in_pieces, source, Settings(), 1)
    assert (crew.tally.executions, crew.traces) == (count, count)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pieces_have_the_same_first_violation(seed: int) -> None:
    """The search that goes on stops at the violation where it would have stopped."""
    source = SOURCES["rarely"][0]
    whole, crew = told(source, FIRST, None), trio.run(in_pieces, source, FIRST, seed)
    assert tuple(crew.tally.violations.values()) == whole.violations
    assert (crew.tally.executions, crew.traces) == (whole.executions, whole.traces)


def test_turns_are_taken_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were turns taken as they end, it would depend on it."""

    def as_it_comes(crew: Crew, _number: int) -> bool:
        crew._given.sort(key=lambda number: (number not in crew._told, number))
        return crew._given[0] in crew._told

    monkeypatch.setattr(Crew, "_is_next", as_it_comes)
    assert len({told_first(seed) for seed in range(6)}) > 1
