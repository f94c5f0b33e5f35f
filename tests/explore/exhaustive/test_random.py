# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploration against brute force, on random small programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


@st.composite
def codes(draw: st.DrawFn, steps: st.SearchStrategy[Any]) -> tuple[Any, ...]:
    """Up to four tasks; some join another."""
    count = draw(st.integers(2, 4))
    code = []
    for task in range(count):
        others = st.sampled_from([other for other in range(count) if other != task])
        op = st.one_of(steps, steps, steps, steps, st.tuples(st.just("join"), others))
        code.append(tidy(draw(st.lists(op, min_size=1, max_size=4 if count == 2 else 3))))
    return tuple(code)


def check(naive: Any, program_of: Any, code: tuple[Any, ...]) -> None:
    """Hold an exploration against what was counted by hand."""
    counted = naive(code, MANY)
    assume(counted is not None)
    _, classes, finals = counted
    result = explore_program(program_of(code))
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
