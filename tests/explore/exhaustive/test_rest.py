# SPDX-License-Identifier: MIT OR Apache-2.0
"""A bounded search that is kept as text and goes on from it."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benchmarks.counted import casrot
from swaptrio.explore.exhaustive import Limits, Settings, explore_program, result_of
from swaptrio.explore.exhaustive.rest import Rest
from swaptrio.explore.exhaustive.saved import BadSave, load, save
from swaptrio.explore.exhaustive.sweep import Later
from swaptrio.sched import open_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.explore.exhaustive.result import Result
    from swaptrio.explore.exhaustive.sweep import Sweep
    from swaptrio.sched import Execution, Program

#: More executions than this are left out.
MANY = 100

#: What one has drawn is there while the others may go on in two ways, and meet.
DRAWN = ((("draw", "x", 2),), (("read", "x"), ("add", "y")), (("add", "x"), ("add", "y")))


def silent(program: Callable[[Execution], object]) -> Program:
    """The same, but that it tells no final state: these are not kept."""

    def build(execution: Execution) -> None:
        program(execution)

    return build


def in_pieces(program: Program, how: Settings, size: int) -> Result:
    """Explore, and go on from the text of the search after each *size* executions."""
    begin = partial(how.begin, program)

    async def main() -> Result:
        search = begin()
        async with open_scheduler("stepped") as scheduler:
            while True:
                for _ in range(size):
                    if search.tally.outcome is None:
                        await search.turn(scheduler)
                if search.tally.outcome is not None:
                    return result_of("program", how, search, 0.0)
                again = load(save(search, {}), {}, begin)
                assert type(again) is type(search)
                search = again

    return trio.run(main)


steps = st.one_of(
    st.tuples(st.just("read"), st.sampled_from("xy")),
    st.tuples(st.just("add"), st.sampled_from("xy")),
    st.tuples(st.just("until"), st.just("y"), st.just(1)),
    st.tuples(st.just("draw"), st.just("x"), st.just(2)),
    st.tuples(st.sampled_from(["fail", "bet"]), st.just("x"), st.integers(1, 2)),
    st.sampled_from([("send", "c", 1), ("lock", "m"), ("bump", "y"), ("twice", "x", "y")]),
)
codes = st.lists(
    st.lists(steps, min_size=1, max_size=3, unique=True).map(tuple), min_size=2, max_size=3
)


@settings(max_examples=30, deadline=None)
@given(ops=codes, bound=st.integers(0, 3), size=st.integers(2, 20), first=st.booleans())
@example(ops=list(DRAWN), bound=2, size=1, first=False)
def test_pieces_have_the_same_total(
    program_of: Any, ops: Any, bound: int, size: int, *, first: bool
) -> None:
    """The counts, the violations and the windows are those of a search in one piece."""
    program = silent(program_of((*ops, (("serve", "c"),))))
    how = Settings(preemptions=bound, stop_at_first=first, windows=True)
    whole = explore_program(program, how, Limits(executions=MANY))
    assume(whole.executions < MANY)
    pieces = in_pieces(program, how, size)
    assert pieces.statement == whole.statement
    assert pieces.violations == whole.violations
    assert pieces.sights is not None
    assert whole.sights is not None
    assert pieces.sights.rows() == whole.sights.rows()


def without_places(rest: Rest, sweep: Sweep) -> None:
    """Forget what was met."""
    lay(attrs.evolve(rest, places=frozenset()), sweep)


def without_later(rest: Rest, sweep: Sweep) -> None:
    """Forget what is to be deferred some time."""
    left = tuple([task for task in rest.left if not isinstance(task, Later)])
    lay(attrs.evolve(rest, left=left), sweep)


def without_deferred(rest: Rest, sweep: Sweep) -> None:
    """Forget the next level."""
    lay(attrs.evolve(rest, deferred=()), sweep)


lay = Rest.lay


@pytest.mark.parametrize("forget", [without_places, without_later, without_deferred])
def test_what_is_kept_is_needed(
    program_of: Any, forget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were any of it left out the total would be another one."""
    program, how = silent(program_of(DRAWN)), Settings(preemptions=2)
    whole = explore_program(program, how)
    assert in_pieces(program, how, 1).statement == whole.statement
    monkeypatch.setattr(Rest, "lay", forget)
    assert in_pieces(program, how, 1).statement != whole.statement


def test_nothing_has_begun() -> None:
    """A search that was kept before its first execution begins when it goes on."""
    how = Settings(preemptions=1)
    begin = partial(how.begin, casrot(3))
    whole = explore_program(casrot(3), how)
    again = load(save(begin(), {}), {}, begin)
    assert again.tally.outcome is None

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            while again.tally.outcome is None:
                await again.turn(scheduler)

    trio.run(main)
    assert result_of("program", how, again, 0.0).statement == whole.statement


@pytest.mark.parametrize("key", ["left", "deferred", "ways", "places", "ordered", "added"])
@pytest.mark.parametrize("value", [None, [1], ["x"], [[1, 2]], [[1, 2, 3]], {"a": 1}], ids=repr)
def test_spoilt_text_is_refused_or_harmless(key: str, value: object) -> None:
    """A part that is not what it should be is refused, and never a crash."""
    begin = partial(Settings(preemptions=1).begin, casrot(3))
    record = json.loads(save(begin(), {}))
    record["rest"][key] = value
    with suppress(BadSave):
        load(json.dumps(record), {}, begin)


def test_another_kind_of_search_is_refused() -> None:
    """A text of a search by classes is none of a bounded one."""
    begin, other = (partial(Settings(preemptions=n).begin, casrot(3)) for n in (1, None))
    with pytest.raises(BadSave, match="does not hold what a saved search holds"):
        load(save(other(), {}), {}, begin)
    with pytest.raises(BadSave, match="does not hold what a saved search holds"):
        load(save(begin(), {}), {}, other)
