# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search that is kept as text and goes on from it."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.counted import casrot, lastzero
from swaptrio.explore.exhaustive import Limits, Settings, drive, explore_program
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.saved import BadSave, load, save
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.sights import Sights
from swaptrio.sched import DEFAULT_BUDGET, Violation, open_scheduler

if TYPE_CHECKING:
    from swaptrio.sched import Execution, Program

ABOUT = {"program": "this one"}

#: So often a search goes through the text, whatever its length: each time costs all of it.
PIECES = 12


def begun(program: Program) -> Reduction:
    """A search that has done nothing yet."""
    return Reduction(Tally(program, DEFAULT_BUDGET, sights=Sights()))


def resumed(text: str, program: Program) -> Reduction:
    """The search of *text*."""
    search = load(text, ABOUT, partial(begun, program))
    assert isinstance(search, Reduction)
    return search


async def turns(reduction: Reduction, count: int) -> None:
    """Run that many executions, or fewer if the search ends."""
    async with open_scheduler("stepped") as scheduler:
        for _ in range(count):
            if reduction.tally.outcome is None:
                await reduction.turn(scheduler)


def in_pieces(program: Program, size: int) -> Reduction:
    """Explore, and go on from the text of the search after each *size* executions."""
    reduction = begun(program)
    trio.run(turns, reduction, size)
    while reduction.tally.outcome is None:
        reduction = resumed(save(reduction, ABOUT), program)
        trio.run(turns, reduction, size)
    return reduction


@pytest.mark.parametrize("program", [casrot(5), lastzero(5)], ids=["casrot", "lastzero"])
@pytest.mark.parametrize("size", [1, 7])
def test_pieces_have_the_same_total(program: Program, size: int) -> None:
    """A search in pieces runs the same executions as one that is never interrupted."""
    whole, pieces = explore_program(program), in_pieces(program, size)
    found = (pieces.tally.executions, pieces.traces, pieces.blocked)
    assert found == (whole.executions, whole.traces, 0)


draws = st.sampled_from([("twice", "x", "y"), ("draw", "y", 2)])
steps = st.sampled_from([("read", "x"), ("add", "y"), ("lock", "m"), ("until", "x", 7)])
codes = st.lists(
    st.lists(st.one_of(draws, steps), min_size=1, max_size=2), min_size=2, max_size=3
)


@settings(max_examples=30, deadline=None)
@given(ops=codes)
@example(ops=[[("twice", "x", "y")], [("read", "x"), ("until", "x", 7)]])
def test_pieces_of_any_program(program_of: Any, ops: Any) -> None:
    """Whatever tasks draw, wait for and lock, nothing is lost on the way through the text."""
    code = tuple(tuple(dict.fromkeys(task)) for task in ops)

    def program(execution: Execution) -> None:
        program_of(code)(execution)

    whole = explore_program(program)
    pieces = in_pieces(program, max(2, whole.executions // PIECES))
    assert (pieces.tally.executions, pieces.traces) == (whole.executions, whole.traces)
    assert len(pieces.tally.violations) == len(whole.violations)


def test_windows_are_kept(program_of: Any) -> None:
    """Who came into which window before the interruption is part of the result."""
    code = ((("write", "x", 1), ("write", "x", 2), ("read", "x")), (("add", "x"), ("add", "x")))

    def program(execution: Execution) -> None:
        program_of(code)(execution)

    whole = explore_program(program, Settings(windows=True)).sights
    pieces = in_pieces(program, 2).tally.sights
    assert whole is not None
    assert pieces is not None
    assert whole.entered
    assert pieces.rows() == whole.rows()


def test_violations_are_kept() -> None:
    """What was found before the interruption is part of the result."""

    def program(execution: Execution) -> None:
        casrot(3)(execution)

        def fail() -> None:
            raise Violation("T-END", "always")

        execution.at_end.append(fail)

    (found,) = in_pieces(program, 1).tally.violations.values()
    (whole,) = explore_program(program).violations
    assert (found.signature, found.schedule) == (whole.signature, whole.schedule)


def saved() -> str:
    """The text of a search that has just begun."""
    reduction = begun(casrot(4))
    trio.run(turns, reduction, 3)
    return save(reduction, ABOUT)


def test_another_program_is_refused() -> None:
    """A search goes on only with what it was about."""
    with pytest.raises(BadSave, match="another program: 'this one', not 'that one'"):
        load(saved(), {"program": "that one"}, partial(begun, casrot(4)))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_cut_text_is_refused(share: float) -> None:
    """A text that was cut anywhere is no search."""
    text = saved()
    with pytest.raises(BadSave, match="was cut"):
        load(text[: int(len(text) * share)], ABOUT, partial(begun, casrot(4)))


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 99}', "null", "7"])
def test_other_documents_are_refused(text: str) -> None:
    """What is no saved search of this format is refused."""
    with pytest.raises(BadSave, match="no saved search of format 4"):
        load(text, ABOUT, partial(begun, casrot(4)))


@pytest.mark.parametrize(
    "key", ["trace", "events", "primes", "executions", "classes", "ordered", "sights"]
)
@pytest.mark.parametrize("value", [None, [1], ["x"], [[1, 2]], {"a": 1}], ids=repr)
def test_spoilt_text_is_refused_or_harmless(key: str, value: object) -> None:
    """A part that is not what it should be is refused, and never a crash."""
    record = json.loads(saved())
    (record["whole"] if key in record["whole"] else record)[key] = value
    with suppress(BadSave):
        load(json.dumps(record), ABOUT, partial(begun, casrot(4)))


def test_final_states_are_not_saved() -> None:
    """A search whose program tells its final states says that it cannot be saved."""

    def program(execution: Execution) -> Any:
        casrot(3)(execution)
        return lambda: 0

    reduction = begun(program)
    trio.run(turns, reduction, 1)
    with pytest.raises(ValueError, match="final states"):
        save(reduction, ABOUT)


def test_interrupted_search_can_go_on() -> None:
    """A limit leaves a search at a place from which it can go on."""

    async def main() -> Reduction:
        reduction = begun(casrot(5))
        asked = iter(range(100))
        async with open_scheduler("stepped") as scheduler:
            await drive(scheduler, reduction, Limits(stop=lambda: next(asked) == 5))
        return reduction

    reduction = trio.run(main)
    assert reduction.tally.interrupted
    again = resumed(save(reduction, ABOUT), casrot(5))
    trio.run(turns, again, 1000)
    assert again.tally.executions == 43
    assert Settings().begin(casrot(5)).tally.outcome is None
