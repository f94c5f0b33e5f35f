# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whoever goes on the errands of a bounded search, all is told as if one had gone on them."""

from __future__ import annotations

from functools import partial
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, cast

import attrs
import trio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from swaptrio.explore.exhaustive import Limits, Settings, drive, explore_program, result_of
from swaptrio.explore.exhaustive.errands import Errandry, Errands, Runner
from swaptrio.explore.exhaustive.saved import load, save
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.sched import open_scheduler

if TYPE_CHECKING:
    import pytest

    from swaptrio.explore.exhaustive.rest import Rest
    from swaptrio.explore.exhaustive.result import Result
    from swaptrio.explore.exhaustive.worker import Staff
    from swaptrio.sched import Execution, Program, Scheduler


def sweeping_of(program: Program, how: Settings) -> Sweeping:
    """A bounded search that has not begun."""
    sweeping = how.begin(program)
    assert isinstance(sweeping, Sweeping)
    return sweeping


@attrs.define(eq=False)
class Place:
    """A seat in this process."""

    runner: Runner
    busy: bool = False

    def send(self, errands: Errands) -> None:
        """To be done some time."""
        self.runner.give(errands)


@attrs.define(eq=False)
class Several:
    """A staff of which one goes on at a time, as *random* will have it."""

    seats: list[Place]
    random: Random

    async def hear(self, scheduler: Scheduler) -> list[Any]:
        """Any that is busy is done."""
        seat = self.random.choice([seat for seat in self.seats if seat.busy])
        seat.busy = False
        return list(await seat.runner.hear(scheduler))


def shared(program: Program, how: Settings, seed: int, turns: int | None = None) -> Result:
    """What three tell who begin after one execution.

    After so many *turns* the search is kept, whoever is on what errand, and goes on alone.
    """

    async def main() -> Result:
        async with open_scheduler("stepped") as scheduler:
            before = sweeping_of(program, how)
            await before.turn(scheduler)
            if before.tally.outcome is not None:
                return result_of("program", how, before, 0.0)
            seats = [Place(Runner(sweeping_of(program, how))) for _ in range(3)]
            errandry = Errandry.of(before, cast("Staff", Several(seats, Random(seed))))
            asked = count()
            await drive(scheduler, errandry, Limits(), until=lambda: next(asked) == turns)
            if errandry.tally.outcome is not None:
                return result_of("program", how, errandry, 0.0)
            again = load(save(errandry, {}), {}, partial(how.begin, program))
            await drive(scheduler, again, Limits())
        return result_of("program", how, again, 0.0)

    return trio.run(main)


steps = st.one_of(
    st.tuples(st.just("read"), st.sampled_from("xy")),
    st.tuples(st.just("add"), st.sampled_from("xy")),
    st.tuples(st.just("until"), st.just("y"), st.just(1)),
    st.tuples(st.just("draw"), st.just("x"), st.just(2)),
    st.tuples(st.sampled_from(["fail", "bet"]), st.just("x"), st.integers(1, 2)),
    st.sampled_from([("send", "c", 1), ("lock", "m"), ("try", "n")]),
)
codes = st.lists(
    st.lists(steps, min_size=1, max_size=3, unique=True).map(tuple), min_size=2, max_size=3
)
#: More executions than this are left out.
MANY = 150

#: Two that meet again and again.
CROSSED = ((("add", "x"), ("add", "y"), ("read", "x")), (("add", "y"), ("add", "x")))


@settings(max_examples=30, deadline=None)
@given(ops=codes, bound=st.integers(1, 3), seed=st.integers(0, 9), turns=st.integers(0, 6))
@example(ops=list(CROSSED), bound=2, seed=1, turns=3)
def test_kept_while_others_are_on_errands(
    program_of: Any, ops: Any, bound: int, seed: int, turns: int
) -> None:
    """What nobody has come back from yet is gone again, and the total is that of one."""
    build = program_of(ops)

    def program(execution: Execution) -> None:
        build(execution)

    how = Settings(preemptions=bound)
    alone = explore_program(program, how, Limits(executions=MANY))
    assume(alone.executions < MANY)
    kept = shared(program, how, seed, turns)
    assert kept.statement == alone.statement
    assert kept.violations == alone.violations


def test_what_is_under_way_is_kept(program_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the errands forgotten that somebody is on, something would be missing."""
    build = program_of(CROSSED)

    def program(execution: Execution) -> None:
        build(execution)

    how = Settings(preemptions=2)
    alone = explore_program(program, how)
    assert shared(program, how, 1, 3).statement == alone.statement

    def forget(errandry: Errandry) -> Rest:
        errandry._given.clear()
        return rest(errandry)

    rest = Errandry.stand
    monkeypatch.setattr(Errandry, "stand", forget)
    assert shared(program, how, 1, 3).executions < alone.executions


@settings(max_examples=50, deadline=None)
@given(ops=codes, bound=st.integers(0, 3), seed=st.integers(0, 9), first=st.booleans())
@example(ops=list(CROSSED), bound=2, seed=1, first=False)
def test_errands_of_any_program(
    program_of: Any, ops: Any, bound: int, seed: int, *, first: bool
) -> None:
    """The counts, the violations and the final states are those of one process."""
    program = program_of((*ops, (("serve", "c"),)))
    how = Settings(preemptions=bound, stop_at_first=first)
    alone = explore_program(program, how, Limits(executions=MANY))
    assume(alone.executions < MANY)
    several = shared(program, how, seed)
    assert alone.statement == several.statement
    assert alone.violations == several.violations
    assert alone.finals == several.finals


def test_a_place_counts_once(program_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were all taken that is found, it would be counted as often as it was found."""
    program, how = program_of(CROSSED), Settings(preemptions=3)
    alone = explore_program(program, how)
    assert shared(program, how, 1).statement == alone.statement

    def take_all(errandry: Errandry, log: Any) -> None:
        for entry in log:
            if hasattr(entry, "place"):
                errandry._count(entry)

    monkeypatch.setattr(Errandry, "_read", take_all)
    assert shared(program, how, 1).executions > alone.executions
