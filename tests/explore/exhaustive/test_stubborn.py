# SPDX-License-Identifier: MIT OR Apache-2.0
"""The search for states by stubborn sets: what it leaves out leads to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.agreement import compared, ends, final
from benchmarks.bugs.swap import SwapCase
from benchmarks.faults import faults
from swaptrio.explore.exhaustive import Settings, explore_program
from swaptrio.explore.exhaustive.future import Ahead, Futures
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.explore.exhaustive.stubborn import Stubborn
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Shared, Violation
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Execution

STUBBORN = Settings(cache=True, stubborn=True)

#: More executions than this are not counted by hand.
MANY = 4000

variables, locks, values = st.sampled_from("xyz"), st.sampled_from("mn"), st.integers(1, 2)

operations = st.one_of(
    st.tuples(st.sampled_from(["read", "add", "skip", "bump"]), variables),
    st.tuples(st.just("write"), variables, values),
    st.tuples(st.just("cas"), variables, st.integers(0, 1), values),
    st.tuples(st.just("until"), variables, st.integers(0, 2)),
    st.tuples(st.just("draw"), variables, st.integers(2, 3)),
    st.sampled_from(
        [("twice", "x", "y"), ("twice", "y", "x"), ("send", "c", 1), ("receive", "c")]
    ),
    st.tuples(st.sampled_from(["lock", "unlock", "try"]), locks),
)


def tidy(ops: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """Without those that lock what the task may hold already, which is a violation."""
    taken = [op[1] if op[0] in ("lock", "try") else None for op in ops]
    return tuple(op for at, op in enumerate(ops) if op[0] != "lock" or op[1] not in taken[:at])


@st.composite
def codes(draw: st.DrawFn) -> tuple[Any, ...]:
    """Up to four tasks; some join another."""
    count = draw(st.integers(2, 4))
    code = []
    for task in range(count):
        others = st.sampled_from([other for other in range(count) if other != task])
        op = st.one_of(operations, operations, operations, st.tuples(st.just("join"), others))
        code.append(tidy(draw(st.lists(op, min_size=1, max_size=5 if count == 2 else 3))))
    return tuple(code)


@settings(max_examples=100, deadline=None)
@given(code=codes())
def test_no_end_is_left_out(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """Each final state is found that brute force finds; also where tasks wait for ever."""
    counted = naive(code, MANY)
    assume(counted is not None)
    result = explore_program(program_of(code), STUBBORN)
    assert result.complete
    assert result.finals == counted[2]


#: What a task sees of another's write decides; each needs one step to be left for another.
CODE = ((("read", "x"), ("write", "y", 1)), (("read", "y"), ("write", "x", 1)))

#: A task that waits for a value, and two of which one takes it away again.
PASSING = ((("add", "y"), ("read", "x")), (("until", "y", 1),), (("add", "y"),))


@pytest.mark.parametrize("code", [CODE, PASSING])
def test_nobody_seen_is_left_out(
    naive: Callable[..., Any],
    program_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    code: Any,
) -> None:
    """Without a look at conflicts ends are missed, so the test above can fail."""
    counted = naive(code, MANY)
    assert explore_program(program_of(code), STUBBORN).finals == counted[2]
    monkeypatch.setattr(Futures, "against", lambda *_: iter(()))
    assert explore_program(program_of(code), STUBBORN).finals < counted[2]


def test_who_waits_is_seen_where_he_stands(
    naive: Callable[..., Any], program_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes only after a step is hidden; that it could have come before is noted."""
    monkeypatch.setattr(Stubborn, "_waiting", lambda _, execution: _nothing(execution))
    counted = naive(PASSING, MANY)
    assert explore_program(program_of(PASSING), STUBBORN).finals < counted[2]


def _nothing(execution: Execution) -> Ahead:
    return Ahead(0, dict.fromkeys([task.name for task in execution.tasks], 0))


def test_a_violation_is_not_left_out() -> None:
    """A step that ends everything comes before all that others could still have done."""

    def program(execution: Execution) -> None:
        x, y = Shared("x", 0), Shared("y", 0)

        async def first() -> None:
            await x.write("first.x", 1)
            if await y.read("first.y") == 0:
                raise Violation("T-FIRST", "the first was alone")

        async def second() -> None:
            await y.write("second.y", 1)
            if await x.read("second.x") == 0:
                raise Violation("T-SECOND", "the second was alone")

        execution.spawn("first", first)
        execution.spawn("second", second)

    result = explore_program(program, STUBBORN)
    assert result.complete
    assert {found.verdict.check for found in result.violations} == {"T-FIRST", "T-SECOND"}


def test_a_loop_that_comes_back_leaves_nobody_out() -> None:
    """A task that turns for ever hides nothing of what the others do.

    Nothing is written yet where it is first seen to turn: that is how the livelock ends.
    """

    def program(execution: Execution) -> Callable[[], int]:
        x, y = Shared("x", 0), Shared("y", 0)

        async def spin() -> None:
            while not await x.read("spin.read"):
                pass

        async def write(values: tuple[int, ...]) -> None:
            for value in values:
                await y.write("write.y", value)
            await x.write("write.x", 1)

        execution.spawn("spin", spin)
        execution.spawn("one", write, (1, 2))
        execution.spawn("other", write, (3,))
        return lambda: y.value

    result = explore_program(program, STUBBORN)
    assert result.complete
    assert [found.verdict.check for found in result.violations] == ["starvation"]
    assert result.finals == {0} | {2, 3}


def test_far_fewer_states_are_met() -> None:
    """Of 5,273 states two faults need to be led through some hundreds."""
    result = explore_program(faults(2), STUBBORN)
    assert result.complete
    assert not result.violations
    assert (result.states or 0) < 1000


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("alloc-charge-swap-rollback", "v3"),
        ("alloc-charge-swap-rollback", "pre"),
        ("charge-fail-clobbers-neighbour-shadows", "v3"),
        ("charge-fail-clobbers-neighbour-shadows", "pre"),
        ("charge-fail-clobbers-neighbour-shadows", "chris-literal"),
        ("charge-fail-clobbers-neighbour-shadows", "free-before-unlock"),
        ("empty-shadow-counts-as-refault", "stats-before-charge"),
        ("offline-memcg-swapin", "unref-id"),
        ("readahead-over-bad-slot", "v3"),
        ("readahead-waits-for-its-plug", "wait-before-submit"),
    ],
)
def test_scenarios_end_as_by_classes(name: str, variant: str) -> None:
    """The other search, which keeps no states, finds the same ends and the same violations."""
    row = compared(SwapCase(name, variant), 60)
    assert row["classes"]["complete"]
    assert row["states"]["complete"]
    assert row["agree"] is True


def test_what_an_oracle_looks_at_without_a_lock_is_ordered() -> None:
    """A group may come between a charge and the look at it, or after both: it is not the same.

    All searches see both, where the number of a group is given away too early.
    """
    variant = load("unref-id")
    setup = Setup(load_checked(find("offline-memcg-swapin"), variant), variant)
    classes, states, stubborn = (
        explore_program(Stage(setup, final=final), plan)
        for plan in (Settings(), Settings(cache=True), STUBBORN)
    )

    assert classes.complete
    assert classes.finals == states.finals == stubborn.finals
    counted = [dict(counters) for _, counters, _ in cast("set[Any]", classes.finals)]
    swapped = [counters for counters in counted if counters.get("m3.swap") == -1]
    assert any(counters.get("m2.memory") == 1 for counters in swapped)


@pytest.mark.parametrize("plan", [Settings(), STUBBORN], ids=["classes", "states"])
def test_what_an_oracle_looks_at_where_a_function_is_called_is_ordered(plan: Settings) -> None:
    """A tree may be freed before it is searched: nothing but the look of an oracle tells."""
    result = explore_program(
        ends(SwapCase("zswap-lru-vs-swapoff", "tree-before-cache").setup), plan
    )

    assert result.complete
    assert [found.verdict.check for found in result.violations] == ["I-DEV"]
