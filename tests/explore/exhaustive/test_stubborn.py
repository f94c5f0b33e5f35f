# SPDX-License-Identifier: MIT OR Apache-2.0
"""The search for states by stubborn sets: what it leaves out leads to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from swaptrio.explore.exhaustive import Settings, explore_program

if TYPE_CHECKING:
    from collections.abc import Callable

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


@settings(max_examples=150, deadline=None)
@given(code=codes())
def test_no_end_is_left_out(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """Each final state is found that brute force finds; also where tasks wait for ever."""
    counted = naive(code, MANY)
    assume(counted is not None)
    result = explore_program(program_of(code), STUBBORN)
    assert result.complete
    assert result.finals == counted[2]
