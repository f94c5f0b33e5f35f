# SPDX-License-Identifier: MIT OR Apache-2.0
"""What readers of a semaphore do commutes, unless somebody waits to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from swaptrio.explore.exhaustive import Settings, explore_program
from swaptrio.sched import Access, RwSem

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Task

#: More executions than this are not counted by hand.
MANY = 3000

STUBBORN = Settings(cache=True, stubborn=True)

inside = st.one_of(
    st.tuples(st.sampled_from(["read", "add"]), st.sampled_from("xy")),
    st.tuples(st.just("write"), st.sampled_from("xy"), st.integers(1, 2)),
)


@st.composite
def codes(draw: st.DrawFn, ways: list[str]) -> tuple[Any, ...]:
    """Two or three tasks, each of which takes the semaphore once or twice in one of *ways*."""
    return tuple(
        tuple(
            op
            for _ in range(draw(st.integers(1, 2 if count == 2 else 1)))
            for op in (
                (draw(st.sampled_from(ways)), "s"),
                *draw(st.lists(inside, max_size=1)),
                ("drop", "s"),
            )
        )
        for count in [draw(st.integers(2, 3))]
        for _ in range(count)
    )


@settings(max_examples=60, deadline=None)
@given(code=codes(["share"]))
def test_readers_commute(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """Each class is executed once, where two readers in another order make no other one."""
    counted = naive(code, MANY)
    assume(counted is not None)
    result = explore_program(program_of(code))
    assert (result.executions, result.traces, result.blocked) == (len(counted[1]),) * 2 + (0,)
    assert result.finals == explore_program(program_of(code), STUBBORN).finals == counted[2]


@settings(max_examples=80, deadline=None)
@given(code=codes(["share", "own"]))
def test_writers_wait_for_them(naive: Callable[..., Any], program_of: Any, code: Any) -> None:
    """With a writer each order of readers is a class of its own, and no end is missed."""
    counted = naive(code, MANY)
    assume(counted is not None)
    result = explore_program(program_of(code))
    assert result.complete
    assert (result.executions, result.traces, result.blocked) == (len(counted[1]),) * 2 + (0,)
    assert result.finals == explore_program(program_of(code), STUBBORN).finals == counted[2]


READER = ("share", "s"), ("read", "x"), ("drop", "s")
WRITER = ("own", "s"), ("add", "x"), ("drop", "s")


def test_two_readers_are_one_class(program_of: Any) -> None:
    """They were six, when the order of comings and goings counted."""
    assert explore_program(program_of((READER, READER))).traces == 1


def _blind(sem: RwSem, task: Task) -> RwSem:
    return sem


def _silent(self: RwSem, execution: Any, access: Access) -> None:
    if execution.touched is not None:
        execution.touched.append((self, access))
    if self.pending:
        execution.refresh(self)


@pytest.mark.parametrize(
    ("method", "broken"), [("wanted_by", _blind), ("_changed", _silent)], ids=["wants", "adds"]
)
def test_a_writer_that_is_told_too_little_misses_ends(
    naive: Callable[..., Any],
    program_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    broken: Any,
) -> None:
    """So the tests above can fail: what he waits for, and what is added, both count."""
    code = (READER, READER, WRITER)
    counted = naive(code, MANY)
    assert explore_program(program_of(code)).finals == counted[2]
    monkeypatch.setattr(RwSem, method, broken)
    assert explore_program(program_of(code)).finals < counted[2]
