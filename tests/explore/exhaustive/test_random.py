# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploration against brute force, on random small programs."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from swaptrio.explore.exhaustive import explore_program

if TYPE_CHECKING:
    from collections.abc import Callable

#: More executions than this are not counted by hand.
MANY = 2000

variables, locks, values = st.sampled_from("xy"), st.sampled_from("mn"), st.integers(1, 2)

plain = st.one_of(
    st.tuples(st.just("read"), st.sampled_from("xyz")),
    st.tuples(st.just("write"), variables, values),
    st.tuples(st.just("add"), st.sampled_from("xyz")),
    st.tuples(st.just("bump"), st.just("z")),
    st.tuples(st.just("cas"), variables, st.integers(0, 1), values),
    st.tuples(st.just("skip"), variables),
    st.tuples(st.just("until"), variables, st.integers(0, 2)),
    st.tuples(st.just("send"), st.just("c"), values),
    st.tuples(st.just("receive"), st.just("c")),
    st.tuples(st.sampled_from(["lock", "unlock", "try"]), locks),
)
drawing = st.one_of(
    st.tuples(st.just("draw"), variables, st.integers(2, 3)),
    st.sampled_from([("twice", "x", "y"), ("twice", "y", "x")]),
)


def tidy(ops: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """Without those that lock what the task may hold already, which is a violation."""
    held: set[str] = set()
    kept = []
    for op in ops:
        if op[0] == "lock" and op[1] in held:
            continue
        if op[0] in ("lock", "try"):
            held.add(op[1])
        elif op[0] == "unlock":
            held.discard(op[1])
        kept.append(op)
    return tuple(kept)


ending = st.one_of(
    st.tuples(st.just("fail"), st.sampled_from("xyz"), st.integers(0, 2)),
    st.tuples(st.just("bet"), st.sampled_from("xyz"), st.integers(0, 1)),
)


@st.composite
def codes(draw: st.DrawFn, steps: st.SearchStrategy[Any], most: int = 4) -> tuple[Any, ...]:
    """Up to *most* tasks; some join another."""
    count = draw(st.integers(2, most))
    code = []
    for task in range(count):
        others = st.sampled_from([other for other in range(count) if other != task])
        op = st.one_of(steps, steps, steps, steps, st.tuples(st.just("join"), others))
        code.append(tidy(draw(st.lists(op, min_size=1, max_size=4 if count == 2 else 3))))
    return tuple(code)


def check(naive: Any, program_of: Any, code: tuple[Any, ...]) -> None:
    """Hold an exploration against what was counted by hand."""
    _hold(naive(code, MANY), program_of(code))


def _hold(counted: Any, program: Any) -> None:
    assume(counted is not None)
    _, classes, finals = counted
    result = explore_program(program)
    assert result.complete
    assert (result.executions, result.traces, result.blocked) == (len(classes),) * 2 + (0,)
    assert result.finals == finals


@settings(max_examples=120, deadline=None)
@given(code=codes(plain))
def test_without_draws(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """Each class is executed once, none is blocked, and no final state is missed."""
    check(naive, program_of, code)


@settings(max_examples=120, deadline=None)
@given(code=codes(st.one_of(plain, drawing)))
@example(code=((("twice", "y", "x"),), (("skip", "y"),)))
@example(code=((("draw", "y", 2), ("add", "y")), (("cas", "y", 0, 1), ("twice", "y", "x"))))
def test_with_draws(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """Draws are explored as exactly, also where they decide what a step accesses."""
    check(naive, program_of, code)


@settings(max_examples=120, deadline=None)
@given(code=codes(st.one_of(plain, drawing, ending, ending), most=3))
@example(code=((("fail", "x", 0),), (("fail", "z", 1),)))
@example(code=((("until", "x", 2), ("fail", "x", 0)), (("fail", "z", 0),), (("read", "z"),)))
@example(code=((("draw", "x", 2),), (("read", "x"),), (("fail", "y", 0), ("until", "x", 0))))
def test_with_ends(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """A step that ends everything comes behind whatever others may have done until then."""
    _hold(naive(tuple((("start",), *ops) for ops in code), MANY), program_of(code))


@pytest.mark.parametrize("steps", [(0,), (1,), (3,), (0, 0), (1, 2), (1, 1, 1)])
@pytest.mark.parametrize("first", [True, False])
def test_one_end_among_others(program_of: Any, steps: tuple[int, ...], *, first: bool) -> None:
    """However far the others have come, alone or not, is another class.

    Each of them has started or not, and then done so many of its steps.
    """
    others = [(("read", "x"),) * count for count in steps]
    failing = [(("fail", "x", 0),)]
    result = explore_program(program_of(failing + others if first else others + failing))
    assert result.executions == prod(count + 2 for count in steps)
    (found,) = result.violations
    assert found.verdict.check == "T-FAIL"
