# SPDX-License-Identifier: MIT OR Apache-2.0
"""The search for states: what counts as one, and what a bound on preemptions leaves out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benchmarks.counted import litmus, readers
from benchmarks.exhaustive import scenario
from benchmarks.faults import faults
from swaptrio.checks.containers import WatchedArray, WatchedMap, WatchedQueue, WatchedTally
from swaptrio.explore.exhaustive import Limits, Outcome, Settings, explore_program
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.sched import Shared, Violation, choose, open_scheduler, point
from swaptrio.sched.states import Moment, State, States, look_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Execution

CACHE = Settings(cache=True)
SILENT = Settings(cache=True, reports=False)

#: So many executions are looked at twice.
TURNS = 12

variables, values = st.sampled_from("xy"), st.integers(1, 2)
operations = st.one_of(
    st.tuples(st.sampled_from(["read", "add", "skip"]), variables),
    st.tuples(st.just("write"), variables, values),
    st.tuples(st.just("cas"), variables, st.integers(0, 1), values),
    st.tuples(st.just("until"), variables, st.integers(0, 2)),
    st.tuples(st.just("draw"), variables, st.integers(2, 3)),
    st.sampled_from([("twice", "x", "y"), ("send", "c", 1), ("receive", "c"), ("try", "m")]),
)
codes = st.lists(st.lists(operations, min_size=1, max_size=3), min_size=2, max_size=3)


@settings(max_examples=25, deadline=None)
@given(ops=codes)
def test_a_cache_hides_no_end(naive: Any, program_of: Any, ops: Any) -> None:
    """With and without sleep sets a cache finds each final state, and as many states."""
    code = tuple(tuple(task) for task in ops)
    counted = naive(code, 2000)
    assume(counted is not None)
    found = [explore_program(program_of(code), plan) for plan in (CACHE, SILENT)]
    assert all(result.complete for result in found)
    assert all(result.finals == counted[2] for result in found)
    assert found[0].states == found[1].states


@pytest.mark.parametrize("plan", [CACHE, SILENT])
def test_states_are_counted_once(plan: Settings) -> None:
    """A task that reads or writes once is at its start, at its access, or done."""
    assert explore_program(readers(3), plan).states == 3**4


def test_a_loop_that_comes_back_ends() -> None:
    """What a task did before does not matter if its state is the same again."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def turn() -> None:
            for _ in range(20):
                await x.write("turn.write", 1 - await x.read("turn.read"))

        async def spin() -> None:
            while await x.read("spin.read") < 2:
                pass

        execution.spawn("spin", spin)
        execution.spawn("turn", turn)

    # Reading for the first time and again are two places of the one, the other has 42.
    assert explore_program(program, CACHE, Limits(seconds=60)).states == 3 * 42


def test_values_without_a_name_are_part_of_the_state() -> None:
    """The rest of an expression that waits tells states apart."""

    def program(execution: Execution) -> Callable[[], int]:
        x, total = Shared("x", 0), Shared("total", 0)

        async def add() -> None:
            await total.write("add.write", await x.read("add.one") + await x.read("add.two"))

        async def change() -> None:
            await x.write("change.write", 1)

        execution.spawn("add", add)
        execution.spawn("change", change)
        return lambda: total.value

    assert explore_program(program, CACHE).finals == {0, 1, 2}


def test_closures_are_part_of_the_state() -> None:
    """What tasks share beside the objects of the scheduler tells states apart."""

    def program(execution: Execution) -> Callable[[], tuple[str, ...]]:
        seen: list[str] = []

        async def note(name: str) -> None:
            await point("note.step")
            seen.append(name)

        for name in "abc":
            execution.spawn(name, note, name)
        return lambda: tuple(seen)

    result = explore_program(program, SILENT)
    assert len(result.finals) == 6


def test_reports_are_believed() -> None:
    """A program that claims to report its accesses and does not is not explored in full."""

    def program(execution: Execution) -> Callable[[], tuple[str, ...]]:
        seen: list[str] = []

        async def note(name: str) -> None:
            await point("note.step")
            seen.append(name)

        for name in "ab":
            execution.spawn(name, note, name)
        return lambda: tuple(seen)

    assert len(explore_program(program).finals) == 1
    assert len(explore_program(program, Settings(reports=False)).finals) == 2


def two_switches(execution: Execution) -> None:
    """Fails if the second task runs in the middle of the first, and the other way round."""
    x = Shared("x", 0)

    async def first() -> None:
        await x.write("first.write", 1)
        if await x.read("first.read") == 3:
            raise Violation("T-MIDDLE", "both were left in the middle")

    async def second() -> None:
        if await x.read("second.read") == 1:
            await x.write("second.write", 2)
            if await x.read("second.again") == 2:
                await x.write("second.last", 3)

    execution.spawn("first", first)
    execution.spawn("second", second)


@pytest.mark.parametrize("cache", [False, True])
def test_a_bound_is_named(cache: bool) -> None:
    """What needs a preemption is not found without, and the statement says so."""
    result = explore_program(two_switches, Settings(cache=cache, preemptions=0))
    assert result.outcome is Outcome.BOUNDED
    assert result.statement.startswith("bounded by 0 preemptions: ")
    assert not result.violations
    assert explore_program(two_switches, Settings(cache=cache, preemptions=1)).violations


@pytest.mark.parametrize("cache", [False, True])
def test_a_bound_that_leaves_nothing_out_is_none(cache: bool) -> None:
    """Where no schedule has more preemptions the search is complete."""
    result = explore_program(litmus("Wx", "Rx"), Settings(cache=cache, preemptions=9))
    assert result.complete


@pytest.mark.parametrize("cache", [False, True])
def test_few_preemptions_come_first(cache: bool) -> None:
    """The first counterexample has as few preemptions as any."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def write() -> None:
            for value in (1, 2, 3):
                await x.write("write.write", value)

        async def read() -> None:
            seen = [await x.read("read.one"), await x.read("read.two")]
            if seen[0] != seen[1]:
                raise Violation("T-CHANGED", f"{len(set(seen))} values")

        execution.spawn("write", write)
        execution.spawn("read", read)

    plan = Settings(cache=cache, preemptions=5, stop_at_first=True)
    (found,) = explore_program(program, plan).violations
    # Once away from the reader between its reads; the writer before it runs to its end.
    assert len(found.schedule) <= 2


@settings(max_examples=25, deadline=None)
@given(ops=codes)
def test_a_wide_bound_meets_every_class(naive: Any, program_of: Any, ops: Any) -> None:
    """Within a bound that leaves nothing out all classes and all final states are met."""
    code = tuple(tuple(task) for task in ops)
    counted = naive(code, 2000)
    assume(counted is not None)
    result = explore_program(program_of(code), Settings(preemptions=50))
    assert result.complete
    assert result.traces == len(counted[1])
    assert result.finals == counted[2]
    cached = explore_program(program_of(code), Settings(preemptions=50, cache=True))
    assert cached.complete
    assert cached.finals == counted[2]


@settings(max_examples=25, deadline=None)
@given(ops=codes, bound=st.integers(0, 2))
def test_a_cache_changes_no_bound(program_of: Any, ops: Any, bound: int) -> None:
    """The ends within a bound are the same; who sees that nothing lies beyond is right."""
    program = program_of(tuple(tuple(task) for task in ops))
    by_class = explore_program(program, Settings(preemptions=bound))
    by_state = explore_program(program, Settings(preemptions=bound, cache=True))
    assert by_class.finals == by_state.finals
    if by_state.complete or by_class.complete:
        assert explore_program(program).finals == by_class.finals


SERVED = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.just("c"), st.integers(1, 2)),
        st.tuples(st.just("add"), st.sampled_from("xy")),
        st.tuples(st.just("read"), st.just("x")),
        st.tuples(st.just("until"), st.just("y"), st.just(1)),
        st.tuples(st.just("draw"), st.just("x"), st.just(2)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@settings(max_examples=60, deadline=None)
@given(
    ops=st.lists(SERVED, min_size=1, max_size=3), bound=st.integers(0, 2), first=st.booleans()
)
@example(ops=[(("send", "c", 1), ("read", "x"))], bound=0, first=False)
@example(ops=[(("add", "x"),), (("add", "x"), ("add", "x"))], bound=1, first=False)
def test_within_a_bound_where_daemons_serve(
    naive: Any, program_of: Any, ops: Any, bound: int, *, first: bool
) -> None:
    """Every class within the bound is met, whoever has begun and waits for work."""
    daemon = [(("serve", "c"),)]
    code = tuple(daemon + ops if first else ops + daemon)
    counted = naive(tuple((("start",), *task) for task in code), 4000, bound)
    assume(counted is not None)
    result = explore_program(program_of(code), Settings(preemptions=bound))
    assert result.traces == len(counted[1])
    assert result.finals == counted[2]


def test_negative_bound_is_refused() -> None:
    """There is no schedule with less than no preemption."""
    with pytest.raises(ValueError, match="0 or more: -1"):
        Settings(preemptions=-1)


def test_draws_are_explored_with_a_cache() -> None:
    """Each option leads to states of its own."""

    def program(execution: Execution) -> Callable[[], int]:
        x = Shared("x", 0)

        async def draw() -> None:
            first = choose("draw.first", (1, 2))
            await x.write("draw.write", first * choose("draw.second", (1, 10)))

        execution.spawn("draw", draw)
        return lambda: x.value

    assert explore_program(program, CACHE).finals == {1, 2, 10, 20}


def test_faults_are_the_same_with_and_without_cache() -> None:
    """Two faults and a freer: no violation by classes, nor by states."""
    by_class = explore_program(faults(2))
    by_state = explore_program(faults(2), CACHE)
    assert by_class.complete
    assert by_state.complete
    assert not by_class.violations
    assert not by_state.violations
    assert by_class.blocked == 0


class Twice(States):
    """Names each state a second time, by all objects and not by those that have changed."""

    count: int = 0

    def __repr__(self) -> str:
        return "states, each named twice"

    def name(self, execution: Execution, moment: Moment) -> State:
        """The state, twice the same."""
        state = super().name(execution, moment)
        kept = self._parts, self._last
        self._parts, self._last = {}, [None] * len(self._last)
        again = super().name(execution, moment)
        assert len(again) == len(state)
        assert [part for part, other in zip(state, again, strict=True) if part != other] == []
        self._parts, self._last = kept
        self.count += 1
        return state


def named_twice(program: Any, states: Twice) -> None:
    """Explore a little of *program*."""
    exploration = Settings(cache=True, stubborn=True).begin(program)
    assert isinstance(exploration, Sweeping)
    exploration.sweep.states = states

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            for _ in range(TURNS):
                if exploration.tally.outcome is None:
                    await exploration.turn(scheduler)

    trio.run(main)


@pytest.mark.parametrize("name", ["large-vs-small-neighbour", "two-faults-one-slot"])
def test_a_state_is_named_by_all_that_has_changed(name: str) -> None:
    """What is kept from the last look is what another look would find.

    There is something to keep only where an execution is looked at more than once.
    """
    states = Twice()
    named_twice(scenario(name), states)
    assert states.count > TURNS


def test_a_part_that_is_kept_too_long_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, with a comparison that takes everything for unchanged, fails."""
    states = Twice()
    monkeypatch.setattr("swaptrio.sched.states.id", lambda _: 0, raising=False)
    with pytest.raises(AssertionError):
        named_twice(faults(2), states)


class Marked(list[object]):
    """A list that has attributes beside."""


def test_entries_are_not_taken_for_attributes() -> None:
    """What a container holds and what it keeps beside cannot be told for one another."""
    one, other = Marked([1]), Marked([1, "mark", 2])
    one.mark = 2  # type: ignore[attr-defined]  # that is the point
    assert look_into(one) != look_into(other)


def test_attributes_are_the_same_at_each_look() -> None:
    """Nothing is made anew by a look, or no object with attributes would ever be unchanged."""
    held = Marked([object()])
    held.mark = object()  # type: ignore[attr-defined]  # as above
    first, again = look_into(held), look_into(held)
    assert first is not None
    assert again is not None
    assert list(map(id, first)) == list(map(id, again))


def _keep(_: object, value: object) -> object:
    return value


@pytest.mark.parametrize(
    "container",
    [
        WatchedArray([1], str, _keep),
        WatchedQueue([1], "queue", _keep),
        WatchedMap({0: 1}, "map", str, _keep),
        WatchedTally(Counter({0: 1}), str),
    ],
    ids=lambda container: type(container).__name__,
)
def test_a_watched_container_shows_what_it_holds(container: Any) -> None:
    """Its state is another one when an element is."""
    before = list(look_into(container) or ())
    container[0] = 2
    after = list(look_into(container) or ())
    assert (before.count(1), after.count(1), after.count(2)) == (1, 0, 1)
