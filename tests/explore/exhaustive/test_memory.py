# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search for states that is kept as text and goes on from it, here or in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.counted import readers
from benchmarks.faults import faults
from swaptrio.explore import exhaustive
from swaptrio.explore.campaign import matter_of
from swaptrio.explore.exhaustive import Limits, Settings, drive, explore_program, result_of
from swaptrio.explore.exhaustive.jobs import drive_jobs
from swaptrio.explore.exhaustive.saved import BadSave, load, save
from swaptrio.explore.exhaustive.stage import stage_of
from swaptrio.explore.exhaustive.stubborn import Stubborn
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.sched import Shared, open_scheduler, point, sleep
from swaptrio.trace.write import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.explore.exhaustive.result import Result
    from swaptrio.explore.exhaustive.saved import Kept
    from swaptrio.explore.exhaustive.stubborn import Memory
    from swaptrio.sched import Execution, Program

STUBBORN = Settings(cache=True, stubborn=True, windows=True)
CACHE = Settings(cache=True, windows=True)
BOUNDED = Settings(cache=True, preemptions=2, windows=True)
WAYS = {"stubborn": STUBBORN, "sleep": CACHE, "bounded": BOUNDED}

#: More executions than this are left out.
MANY = 60


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
                assert isinstance(again, Sweeping)
                search = again

    return trio.run(main)


def assert_same(pieces: Result, whole: Result) -> None:
    """All that is told is the same, but for the time."""
    assert pieces.statement == whole.statement
    assert pieces.violations == whole.violations
    assert pieces.sights is not None
    assert whole.sights is not None
    assert pieces.sights.rows() == whole.sights.rows()


steps = st.one_of(
    st.tuples(st.sampled_from(["read", "add", "skip", "bump"]), st.sampled_from("xy")),
    st.tuples(st.just("until"), st.just("y"), st.just(1)),
    st.tuples(st.just("draw"), st.just("x"), st.just(2)),
    st.tuples(st.sampled_from(["fail", "bet"]), st.just("x"), st.integers(1, 2)),
    st.sampled_from([("send", "c", 1), ("receive", "c"), ("lock", "m"), ("twice", "x", "y")]),
)
codes = st.lists(
    st.lists(steps, min_size=1, max_size=3, unique=True).map(tuple), min_size=2, max_size=3
)


@settings(max_examples=25, deadline=None)
@given(
    ops=codes,
    way=st.sampled_from(sorted(WAYS)),
    size=st.integers(1, 9),
    first=st.booleans(),
)
def test_pieces_have_the_same_total(
    program_of: Any, ops: Any, way: str, size: int, *, first: bool
) -> None:
    """The counts, the states, the violations and the windows are those of one piece."""
    program, how = silent(program_of(ops)), attrs.evolve(WAYS[way], stop_at_first=first)
    whole = explore_program(program, how, Limits(executions=MANY))
    assume(whole.executions < MANY)
    assert_same(in_pieces(program, how, size), whole)


def turning(execution: Execution) -> None:
    """One looks, and sleeps, until the other is done, who waits for that; a third draws."""
    x, y = Shared("x", 0), Shared("y", 0)

    async def poll() -> None:
        while await x.read("poll.read") < 1:
            await sleep("poll.sleep", 1)
        await y.add("poll.done", 1)

    async def work() -> None:
        await point("work.begin")
        await y.add("work.step", 1)
        await x.write("work.done", 1)

    execution.spawn("poll", poll)
    execution.spawn("work", work)
    execution.spawn("more", work)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 2])
def test_pieces_of_what_goes_round(way: str, size: int) -> None:
    """Rounds count once, and their components are closed as if nobody had looked away."""
    whole = explore_program(turning, WAYS[way])
    assert whole.rounds > 0
    assert_same(in_pieces(turning, WAYS[way], size), whole)


def without_known(memory: Memory) -> Memory:
    """Forget what lies ahead of the states."""
    return attrs.evolve(memory, known={})


def without_places(memory: Memory) -> Memory:
    """Forget what was seen below the places on the way."""
    for place in memory.places:
        place.ahead.everything = 0
        place.ahead.others = dict.fromkeys(place.ahead.others, 0)
    return memory


def without_habits(memory: Memory) -> Memory:
    """Forget what guesses go by."""
    memory.habits.futures.clear()
    return memory


@pytest.mark.parametrize("forget", [without_known, without_places, without_habits])
def test_what_is_kept_is_needed(
    forget: Callable[[Memory], Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were any of it left out the total would be another one."""
    whole = explore_program(faults(2), STUBBORN)
    assert_same(in_pieces(faults(2), STUBBORN, 12), whole)
    remember = Stubborn.remember
    monkeypatch.setattr(Stubborn, "remember", lambda one, all_: remember(one, forget(all_)))
    assert in_pieces(faults(2), STUBBORN, 12).statement != whole.statement


SCENARIO = partial(stage_of, matter_of("offline-memcg-swapin", "v3"))


def go_on(path: str, turns: int) -> None:
    """Go on with what is kept in *path*, if it is, so many times; tell of it at the end."""
    begin = partial(STUBBORN.begin, SCENARIO())
    file = Path(path)
    text = file.read_text(encoding="utf-8") if file.exists() else save(begin(), {})
    search = load(text, {}, begin)

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            for _ in range(turns):
                if search.tally.outcome is None:
                    await search.turn(scheduler)

    trio.run(main)
    if search.tally.outcome is None:
        file.write_text(save(search, {}), encoding="utf-8")
    else:
        print(result_of("program", STUBBORN, search, 0.0).statement)


def keep_in(path: str) -> None:
    """Explore, keep that in *path* after each execution, and say so."""

    def keep(search: Kept) -> None:
        write_whole([save(search, {}).encode()], Path(path))
        print("kept", flush=True)

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            await drive_jobs(scheduler, SCENARIO, STUBBORN, Limits(), 1, keep=keep)

    exhaustive.jobs.KEPT = 0.05  # type: ignore[misc]  # a process of its own
    exhaustive.jobs._SHARE = 1e9  # type: ignore[misc]  # as above
    trio.run(main)


def begun(seed: int, call: str, path: Path) -> subprocess.Popen[str]:
    """A process whose hashes have that *seed*, and which calls one of the functions above.

    It has not the code that pytest writes for assertions, which states would know.
    """
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, test_memory; test_memory.{call}", str(path)],
        cwd=Path(__file__).parent,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONHASHSEED": str(seed),
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def test_another_process_knows_the_states(tmp_path: Path) -> None:
    """Names of states mean the same in each process, whatever the seed of its hashes."""
    whole = explore_program(SCENARIO(), STUBBORN)
    path, told = tmp_path / "kept.json", ""
    for seed, turns in enumerate([6, 6, 999]):
        with begun(seed, f"go_on(sys.argv[1], {turns})", path) as process:
            told, _ = process.communicate(timeout=60)
    assert told == whole.statement + "\n"


def test_killed_search_goes_on(tmp_path: Path) -> None:
    """What was kept of a search that was killed leads to the total."""
    whole, path = explore_program(SCENARIO(), STUBBORN), tmp_path / "kept.json"
    with begun(1, "keep_in(sys.argv[1])", path) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["kept\n"] * 3
        process.kill()
    before = json.loads(path.read_text(encoding="utf-8"))["executions"]
    with begun(2, "go_on(sys.argv[1], 999)", path) as process:
        told, _ = process.communicate(timeout=60)
    assert 0 < before < whole.executions
    assert told == whole.statement + "\n"


@pytest.mark.parametrize(("way", "key"), [("stubborn", "stubborn"), ("bounded", "states")])
@pytest.mark.parametrize("value", [None, [1], ["x"], [[1, 2]], {"a": 1}, -1], ids=repr)
def test_spoilt_text_is_refused_or_harmless(way: str, key: str, value: object) -> None:
    """A part that is not what it should be is refused, and never a crash."""
    begin = partial(WAYS[way].begin, readers(2))
    search = begin()

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            await drive(scheduler, search, Limits(executions=1))

    trio.run(main)
    text = save(search, {})
    assert isinstance(load(text, {}, begin), Sweeping)
    for part in json.loads(text)[key]:
        record = json.loads(text)
        record[key][part] = value
        with suppress(BadSave):
            load(json.dumps(record), {}, begin)
