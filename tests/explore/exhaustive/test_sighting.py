# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a search tells of windows is what all schedules, run one by one, have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import assume, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from swaptrio.explore import Coverage
from swaptrio.explore.exhaustive import (
    Found,
    Limits,
    Outcome,
    Result,
    Settings,
    explore_program,
    sighting,
)
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.sights import NOT_SAMPLED, UNREACHABLE, Sights
from swaptrio.sched import (
    Ending,
    Execution,
    Schedule,
    Shared,
    Verdict,
    Violation,
    open_scheduler,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from swaptrio.sched import Program

    Maker = Callable[[Any], Program]

#: More executions than this are not run one by one.
MANY = 1500

ALL = Settings(windows=True)


@attrs.define(eq=False)
class EachInTurn:
    """A strategy that goes through all schedules, and counts preemptions on its way."""

    asks_always = False
    way: list[list[int]] = attrs.Factory(list)
    depth: int = 0
    preemptions: int = 0

    def begin(self, execution: Execution) -> None:
        """Repeat what is known of the way."""
        self.depth = self.preemptions = 0

    def pick(self, execution: Execution, count: int) -> int:
        """The next of the way, or the first one."""
        index = self._next(count)
        running = execution.running
        self.preemptions += bool(index and running is not None and running.enabled)
        return index

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """As `pick`."""
        return self._next(len(options))

    def _next(self, count: int) -> int:
        if self.depth == len(self.way):
            self.way.append([0, count])
        self.depth += 1
        return self.way[self.depth - 1][0]

    def advance(self) -> bool:
        """Go to the next way; False if there is none."""
        while self.way:
            self.way[-1][0] += 1
            if self.way[-1][0] < self.way[-1][1]:
                return True
            self.way.pop()
        return False


def by_hand(program: Program, bound: int | None = None) -> Sights | None:
    """What all schedules of *program* show, or those within *bound*; None if too many."""

    async def main() -> Sights | None:
        sights, strategy = Sights(), EachInTurn()
        async with open_scheduler("stepped") as scheduler:
            for _ in range(MANY):
                coverage = Coverage()
                await scheduler.run(program, strategy, observer=coverage)
                if bound is None or strategy.preemptions <= bound:
                    sights.add(coverage.sights)
                if not strategy.advance():
                    return sights
        return None

    return trio.run(main)


def entered(sights: Sights) -> set[tuple[Any, Any]]:
    """Who came into which window."""
    return {(window, place) for window, by in sights.entered.items() for place in by}


def unseen(sights: Sights) -> list[tuple[Any, Any]]:
    """Who never came into which window."""
    return [(each.window, each.by) for each in sights.unseen()]


def searched(program: Program, settings: Settings = ALL) -> tuple[Result, Sights]:
    """The result of a search, and what it has seen."""
    result = explore_program(program, settings)
    assert result.sights is not None
    return result, result.sights


def all_of(make: Maker, code: Any) -> Program:
    """The program of *code*, which keeps its final states to itself."""

    def program(execution: Execution) -> None:
        make(code)(execution)

    return program


ops = st.one_of(
    st.sampled_from([("read", "x"), ("write", "x", 1), ("add", "x"), ("skip", "x")]),
    st.sampled_from([("cas", "x", 0, 1), ("cas", "x", 5, 6), ("draw", "x", 2)]),
    st.sampled_from([("try", "m"), ("unlock", "m"), ("until", "x", 1), ("bump", "x")]),
)
codes = st.lists(st.lists(ops, min_size=1, max_size=3).map(tuple), min_size=2, max_size=3).map(
    tuple
)

#: Of the two orders in which this fails to exchange, a search runs one.
FAILED = ((("write", "x", 1), ("cas", "x", 5, 6)), (("cas", "x", 5, 6),))

#: Who reads last closes a window in a state that was met before, with somebody else inside.
MERGED = (
    (("write", "x", 1), ("write", "x", 1)),
    (("write", "x", 1), ("write", "x", 1)),
)


def failing(execution: Execution) -> None:
    """A violation between the second and the third step of the owner."""
    x = Shared("x", 0)

    async def owner() -> None:
        await x.write("owner.first", 1)
        await x.write("owner.second", 2)
        await x.write("owner.third", 3)

    async def other() -> None:
        if await x.add("other.add", 4) == 2:
            raise Violation("T-TWO", "it comes before the third")
        await x.add("other.again", 4)

    execution.spawn("owner", owner)
    execution.spawn("other", other)


@tried(max_examples=60, deadline=None)
@given(code=codes)
@example(code=FAILED)
def test_classes_show_what_all_schedules_show(program_of: Maker, code: Any) -> None:
    """Who comes in is found, who is never found cannot come in, and the sizes are those."""
    program = all_of(program_of, code)
    shown = by_hand(program)
    assume(shown is not None)
    result, sights = searched(program)

    assert shown is not None
    assert result.complete
    assert result.unseen == UNREACHABLE
    assert sights.passed.keys() == shown.passed.keys()
    assert entered(sights) == entered(shown)
    assert unseen(sights) == unseen(shown)
    assert (sights.longest, sights.tasks) == (shown.longest, shown.tasks)


@tried(max_examples=25, deadline=None)
@given(code=codes, bound=st.integers(0, 1))
@example(code=FAILED, bound=0)
def test_nobody_enters_within_a_bound_who_is_not_seen(
    program_of: Maker, code: Any, bound: int
) -> None:
    """What a bounded search proves holds within its bound, and what it has seen is real."""
    program = all_of(program_of, code)
    shown, within = by_hand(program), by_hand(program, bound)
    assume(shown is not None)
    result, sights = searched(program, attrs.evolve(ALL, preemptions=bound))

    assert shown is not None
    assert within is not None
    assert entered(within) <= entered(sights) <= entered(shown)
    assert within.passed.keys() <= sights.passed.keys() <= shown.passed.keys()
    if not result.complete:
        assert result.unseen.startswith(f"{UNREACHABLE} within {bound} preemption")


@tried(max_examples=25, deadline=None)
@given(code=codes)
@example(code=MERGED)
def test_states_prove_nothing_of_windows(program_of: Maker, code: Any) -> None:
    """What was seen on the way to all states is real, and of the rest nothing is claimed."""
    program = all_of(program_of, code)
    shown = by_hand(program)
    assume(shown is not None)
    result, sights = searched(program, attrs.evolve(ALL, cache=True))

    assert shown is not None
    assert entered(sights) <= entered(shown)
    assert result.unseen == NOT_SAMPLED


def test_states_miss_what_happens(program_of: Maker) -> None:
    """So it is with reason that states prove nothing: here they miss what can happen."""
    program = all_of(program_of, MERGED)
    shown = by_hand(program)
    result, sights = searched(program, attrs.evolve(ALL, cache=True))

    assert shown is not None
    assert result.complete
    assert entered(sights) < entered(shown)


def test_executions_that_end_in_a_known_state_show_something(program_of: Maker) -> None:
    """What is seen up to there counts as well: more than whole executions have passed."""
    result, sights = searched(all_of(program_of, MERGED), attrs.evolve(ALL, cache=True))

    assert result.executions < max(sights.passed.values())


def test_a_search_that_begins_anew_has_seen_nothing(
    program_of: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each class passes this window once, and so it counts, also where all began anew."""
    seen_before = []
    begin_anew = Reduction.begin_anew

    def counted(reduction: Reduction, ordered: Iterable[str]) -> None:
        seen_before.append(reduction.tally.executions)
        begin_anew(reduction, ordered)

    monkeypatch.setattr(Reduction, "begin_anew", counted)
    owner = (("bump", "x"), ("write", "y", 2), ("write", "y", 1))
    code = (owner, (("bump", "x"),), (("skip", "y"), ("until", "x", 2)))
    result, sights = searched(all_of(program_of, code))

    assert seen_before == [1]
    assert sights.passed == {("t0", "do.write_1", "do.write_2"): result.executions}


def test_one_execution_is_not_its_class(
    program_of: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were only the order of the steps looked at, what can happen would count as impossible."""
    program = all_of(program_of, FAILED)
    assert unseen(searched(program)[1]) == []

    monkeypatch.setattr(sighting, "_in_class", sighting._in_order)

    assert unseen(searched(program)[1]) != []


def test_windows_of_executions_that_fail() -> None:
    """Executions that end by a violation show what they show before it."""

    shown = by_hand(failing)
    result, sights = searched(failing)

    assert shown is not None
    assert len(result.violations) == 1
    assert entered(sights) == entered(shown)
    assert unseen(sights) == unseen(shown)
    late = ("owner", "owner.second", "owner.third"), ("other", "other.add")
    assert late in unseen(sights)


def test_who_is_stopped_proves_nothing(program_of: Maker) -> None:
    """A search that was cut short, or that stops at a violation, has only not sampled."""
    program = all_of(program_of, FAILED)
    cut = explore_program(program, ALL, Limits(executions=1))
    stopped = explore_program(failing, attrs.evolve(ALL, stop_at_first=True))

    assert cut.unseen == NOT_SAMPLED
    assert stopped.unseen == NOT_SAMPLED
    assert explore_program(failing, ALL).unseen == UNREACHABLE
    assert explore_program(program, ALL).unseen == UNREACHABLE


@pytest.mark.parametrize(
    ("ending", "why"), [("livelock", NOT_SAMPLED), ("deadlock", UNREACHABLE)]
)
def test_who_goes_round_proves_nothing(ending: str, why: str) -> None:
    """Behind a round that was cut short there may be windows that nobody has looked into."""
    found = Found(Verdict(Ending(ending), 7, Schedule()))

    result = Result("program", Outcome.COMPLETE, traces=3, violations=(found,))

    assert result.unseen == why


def test_nobody_pays_who_does_not_ask(program_of: Maker) -> None:
    """Windows are noted where they are asked for."""
    assert explore_program(all_of(program_of, FAILED)).sights is None
