# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search by several processes tells what one tells."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from benchmarks.counted import casrot, cinc, deadlock, lastzero, readers
from swaptrio.explore import exhaustive
from swaptrio.explore.campaign import matter_of
from swaptrio.explore.exhaustive import Limits, Outcome, Result, Settings, result_of
from swaptrio.explore.exhaustive.crew import Crew
from swaptrio.explore.exhaustive.errands import Errandry
from swaptrio.explore.exhaustive.jobs import drive_jobs
from swaptrio.explore.exhaustive.saved import load, save
from swaptrio.explore.exhaustive.stage import stage_of
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.sights import UNREACHABLE
from swaptrio.sched import Access, Shared, Violation, open_scheduler, point, touch
from swaptrio.trace.write import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.explore.exhaustive.saved import Kept
    from swaptrio.sched import Carrier, Execution, Program

ALL, NONE = Settings(), Limits()
CARRIERS: tuple[Carrier, ...] = ("trio", "stepped")


def explored(
    source: Callable[[], Program],
    count: int,
    settings: Settings = ALL,
    limits: Limits = NONE,
    carrier: Carrier = "stepped",
    **words: Any,
) -> Result:
    """What *count* processes tell that begin after 20 executions, or as *words* say."""
    words = {"alone": 20, "carrier": carrier, **words}

    async def main() -> Result:
        async with open_scheduler(carrier) as scheduler:
            search, seconds = await drive_jobs(
                scheduler, source, settings, limits, count, **words
            )
        return result_of("program", settings, search, seconds)

    return trio.run(main)


def failing(number: int, most: int = 3) -> Program:
    """Updates are lost in many ways; it is wrong that so many or fewer are left."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def increment() -> None:
            await x.write("increment.write", await x.read("increment.read") + 1)

        def check() -> None:
            if x.value <= min(most, number - 1):
                raise Violation(f"T-SUM-{x.value}", "updates are lost")

        for name in ("a", "b", "c", "d")[:number]:
            execution.spawn(name, increment)
        execution.at_end.append(check)

    return program


def awaited(writers: int) -> Program:
    """It turns out late that somebody waits for what others add."""

    def program(execution: Execution) -> None:
        x, y = Shared("x", 0), Shared("y", 0)

        async def add() -> None:
            await point("add.step")
            touch(x, Access.ADD)
            x._set(x._value + 1)
            await y.add("add.done", 1)

        async def wait() -> None:
            if await y.read("wait.look") == writers:
                await x.until("wait.until", lambda value: value == writers)

        for number in range(writers):
            execution.spawn(f"t{number}", add)
        execution.spawn("waiter", wait)

    return program


def carried() -> Program:
    """A program whose final state is how many Trio tasks have carried its two."""

    def program(execution: Execution) -> Callable[[], int]:
        x = Shared("x", 0)
        carriers: list[object] = []

        async def meet() -> None:
            carriers.append(trio.lowlevel.current_task())
            await x.add("meet.add", 1)
            await x.until("meet.until", lambda value: value == 2)

        execution.spawn("a", meet)
        execution.spawn("b", meet)
        return lambda: len(set(carriers))

    return program


def lost() -> Program:
    """A program that ends every other process that makes it."""
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return readers(6)


def broken() -> Program:
    """A program that no other process can make."""
    if multiprocessing.parent_process() is not None:
        raise LookupError("not here")
    return readers(6)


ROWS = {
    "readers(11)": (partial(readers, 11), 2048),
    "lastzero(9)": (partial(lastzero, 9), 1536),
    "casrot(8)": (partial(casrot, 8), 2048),
    "cinc(4)": (partial(cinc, 4), 13824),
}


@pytest.mark.parametrize(("name", "jobs"), [*((name, 3) for name in ROWS), ("casrot(8)", 2)])
def test_processes_have_the_published_count(
    name: str, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many processes share a search, it has the total of one."""
    lends = itertools.count()
    lend = Crew.lend
    monkeypatch.setattr(Crew, "lend", lambda *words: (next(lends), lend(*words)))
    source, count = ROWS[name]
    result = explored(source, jobs)
    assert next(lends) > 1
    assert (result.executions, result.traces) == (count, count)
    assert result.statement == f"complete: {count} executions, {count} classes, no violation"


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [
        ("alloc-charge-swap-rollback", "v3"),
        ("count-continuation-race", "v3"),
        ("readahead-caches-hibernation-slot", "v3"),
        ("readahead-has-cache-livelock", "v3"),
        ("stats-before-charge", "stats-before-charge"),
    ],
)
def test_processes_tell_the_same_of_a_scenario(scenario: str, variant: str) -> None:
    """The totals, the violations and their schedules do not depend on who explores."""
    source = partial(stage_of, matter_of(scenario, variant))
    alone, shared = explored(source, 1, alone=10_000), explored(source, 3, alone=5)
    assert alone.complete
    assert alone.statement == shared.statement
    assert alone.violations == shared.violations


def sights_of(result: Result) -> dict[str, Any]:
    """What a search has seen of windows, in whatever order that was."""
    assert result.sights is not None
    rows = result.sights.rows()
    return {key: sorted(each) if isinstance(each, list) else each for key, each in rows.items()}


@pytest.mark.parametrize("bound", [None, 1])
def test_processes_see_the_same_windows(
    bound: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who came into which window, and how often, does not depend on who explores."""
    source = partial(stage_of, matter_of("alloc-charge-swap-rollback", "v3"))
    settings = Settings(windows=True, preemptions=bound)
    alone = explored(source, 1, settings, alone=10_000)
    shared = explored(source, 3, settings, alone=5)
    assert alone.unseen == shared.unseen
    assert alone.unseen.startswith(UNREACHABLE)
    assert sights_of(alone) == sights_of(shared)

    monkeypatch.setattr(Tally, "add_sights", lambda tally, sights: None)
    assert sights_of(alone) != sights_of(explored(source, 3, settings, alone=5))


@pytest.mark.parametrize(
    "source",
    [
        partial(failing, 4, 1),
        partial(stage_of, matter_of("readahead-caches-hibernation-slot", "v3")),
    ],
)
def test_first_violation_is_that_of_one_process(source: Callable[[], Program]) -> None:
    """Who stops at the first violation tells the same one, and the same counts."""
    settings = Settings(stop_at_first=True)
    alone, *shared = [explored(source, jobs, settings, alone=1) for jobs in (1, 2, 3)]
    assert alone.outcome is Outcome.VIOLATION
    assert alone.executions > 1
    for result in shared:
        assert alone.violations == result.violations
        assert alone.statement == result.statement


@pytest.mark.parametrize("source", [partial(failing, 4), partial(deadlock, 4)])
def test_all_violations_are_those_of_one_process(source: Callable[[], Program]) -> None:
    """Each violation is shown by the same schedule, in the same order."""
    alone = explored(source, 1, alone=10_000)
    shared = explored(source, 2, alone=3)
    assert alone.violations
    assert alone.violations == shared.violations
    assert alone.statement == shared.statement


FAILING = (
    partial(failing, 3),
    partial(deadlock, 3),
    partial(stage_of, matter_of("readahead-caches-hibernation-slot", "v3")),
)
PASSING = (
    partial(casrot, 5),
    partial(awaited, 3),
    partial(stage_of, matter_of("alloc-charge-swap-rollback", "v3")),
)


@pytest.mark.parametrize(
    ("source", "first"),
    [
        *((source, first) for source in FAILING for first in (True, False)),
        *((source, False) for source in PASSING),
    ],
)
def test_bounded_searches_tell_the_same(source: Callable[[], Program], *, first: bool) -> None:
    """Within a bound, too, nothing that is told depends on the number of processes."""
    settings = Settings(preemptions=2, stop_at_first=first)
    alone, *shared = [explored(source, count, settings, alone=3) for count in (1, 2, 3)]
    assert bool(alone.violations) is (source in FAILING)
    for result in shared:
        assert alone.statement == result.statement
        assert alone.violations == result.violations
        assert alone.finals == result.finals


def test_search_that_begins_anew() -> None:
    """Where the order of adds turns out to matter all of them begin anew."""
    alone = explored(partial(awaited, 3), 1, alone=10_000)
    shared = explored(partial(awaited, 3), 2, alone=1)
    assert alone.statement == shared.statement


@pytest.mark.parametrize(("carrier", "tasks"), [("trio", 2), ("stepped", 1)])
def test_everybody_has_the_carrier_asked_for(carrier: Carrier, tasks: int) -> None:
    """In each process the tasks are carried as in this one."""
    assert explored(carried, 2, alone=0, carrier=carrier).finals == {tasks}


def test_carrier_makes_no_difference() -> None:
    """Counts and violations are the same on Trio tasks."""
    source = partial(failing, 3)
    trio_tasks, stepped = (explored(source, 2, alone=3, carrier=each) for each in CARRIERS)
    assert trio_tasks.violations
    assert trio_tasks.violations == stepped.violations
    assert trio_tasks.statement == stepped.statement


def test_time_limit_ends_all() -> None:
    """When the time is over nobody goes on, and nothing is claimed."""
    result = explored(partial(cinc, 5), 2, limits=Limits(seconds=1.5))
    assert result.reason == "its time of 1.5 s is over"
    assert result.executions > 20
    assert not multiprocessing.active_children()


def test_lost_process_changes_nothing() -> None:
    """Where a process is lost the search goes on alone."""
    result = explored(lost, 2, alone=5)
    assert result.statement == "complete: 64 executions, 64 classes, no violation"


#: What is explored within which bound, kept, and gone on with.
KEPT_ROWS = {None: partial(casrot, 7), 1: partial(casrot, 6)}


def keep_in(path: str, bound: int | None) -> None:
    """Explore by two processes, keep that in *path* soon, and say when it is."""

    def keep(search: Kept) -> None:
        write_whole([save(search, {}).encode()], Path(path))
        if isinstance(search, Crew | Errandry):
            print("kept", file=sys.stderr, flush=True)

    exhaustive.jobs.KEPT = 0.1  # type: ignore[misc]  # a process of its own
    explored(KEPT_ROWS[bound], 2, Settings(preemptions=bound), keep=keep)


@pytest.mark.parametrize("bound", KEPT_ROWS)
@pytest.mark.parametrize("count", [1, 3])
def test_killed_search_goes_on(count: int, bound: int | None, tmp_path: Path) -> None:
    """What was kept of a search that was killed leads to the total, with any number."""
    path, settings = tmp_path / "kept.json", Settings(preemptions=bound)
    call = f"import sys, test_jobs; test_jobs.keep_in(sys.argv[1], {bound})"
    command = [sys.executable, "-c", call, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, cwd=Path(__file__).parent, env=environment, stderr=subprocess.PIPE
    ) as begun:
        assert begun.stderr is not None
        assert begun.stderr.readline() == b"kept\n"
        begun.kill()
    source = KEPT_ROWS[bound]
    search = load(path.read_text(encoding="utf-8"), {}, partial(settings.begin, source()))
    whole = explored(source, 1, settings)
    assert 0 < search.tally.executions < whole.executions
    assert explored(source, count, settings, begun=search).statement == whole.statement


def explore_unkept() -> None:
    """Explore past the time at which others are kept."""
    exhaustive.jobs.KEPT = 0.0  # type: ignore[misc]  # a process of its own
    print(explored(partial(casrot, 8), 1).statement)


def test_search_that_nobody_keeps_goes_on() -> None:
    """What is not to be kept does not wait for the time when it would be: that never ends."""
    call = "import test_jobs; test_jobs.explore_unkept()"
    done = subprocess.run(
        [sys.executable, "-c", call],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "complete: 2048 executions, 2048 classes, no violation\n"


def test_failure_elsewhere_is_raised_here() -> None:
    """What keeps a process from going on is no secret."""
    with pytest.raises(LookupError, match="not here"):
        explored(broken, 2, alone=5)
