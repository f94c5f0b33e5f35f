# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whoever runs a campaign, and however often it is stopped, its store holds the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest

from swaptrio.explore.campaign import Borrowed, Case, Plan, ProcessPool, Runner, Store
from swaptrio.explore.campaign.runner import MOST_LOSSES, WorkersLost
from swaptrio.explore.campaign.work import OtherCode

CarryOut = Callable[..., Store]
Content = Callable[[Store], Any]


@pytest.fixture
def threads() -> Iterator[Borrowed]:
    """An executor that is not ours."""
    with ThreadPoolExecutor(2) as executor:
        yield Borrowed(executor, 2)


def children(parent: int) -> list[int]:
    """The processes that descend from *parent*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found


def test_workers_make_no_difference(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: CarryOut,
    content: Content,
    threads: Borrowed,
) -> None:
    """One process, eight, and somebody's own executor: the same store."""
    engines = {"one": ProcessPool(1), "eight": ProcessPool(8), "threads": threads}
    found = [content(carry_out(tmp_path / name, plan, cases, engine))
             for name, engine in engines.items()]  # fmt: skip

    assert found[0] == found[1] == found[2]
    [(_, items, failures, windows), _] = found[0]
    assert [each[:2] for each in items] == [(10, 40), (50, 40), (90, 10)]
    assert failures
    assert windows


def test_a_stop_makes_no_difference(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: CarryOut,
    content: Content,
    threads: Borrowed,
    listener: Any,
) -> None:
    """A campaign that is stopped at each result goes on to its end, and does nothing twice."""
    whole = content(carry_out(tmp_path / "whole", plan, cases, threads))
    done = [0]
    while done[-1] < 6:
        store = carry_out(
            tmp_path / "parts", plan, cases, threads, lambda: done[-1] < listener.done < 6
        )
        done.append(sum(len(store.done(case)) for case in store.cases))
        store.close()

    assert len(done) > 2
    assert content(Store.open(tmp_path / "parts")) == whole
    assert sum(each.executions for each in Store.open(tmp_path / "parts").sessions) == 180


def test_time_decides(
    tmp_path: Path, plan: Plan, cases: tuple[Case, ...], carry_out: CarryOut, threads: Borrowed
) -> None:
    """It ends after its time, and resumed has nothing more to do; what it ran has no gaps."""
    timed = attrs.evolve(plan, seeds=None, time=0.3, chunk=5)
    store = carry_out(tmp_path / "s", timed, cases, threads)
    for case in store.cases:
        firsts = [each.first for each in store.done(case)]
        assert firsts == list(range(10, 10 + 5 * len(firsts), 5))
        assert firsts
    executions = store.executions()
    store.close()

    again = carry_out(tmp_path / "s", timed, cases, threads)
    assert again.executions() == executions


def test_it_can_go_further(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: CarryOut,
    content: Content,
    threads: Borrowed,
) -> None:
    """With more seeds than it was to have, from where it is."""
    further = attrs.evolve(plan, seeds=120)
    whole = content(carry_out(tmp_path / "whole", further, cases, threads))
    carry_out(tmp_path / "s", attrs.evolve(plan, seeds=80), cases, threads).close()
    store = Store.open(tmp_path / "s", write=True)
    store.extend(further)
    store.close()

    assert content(carry_out(tmp_path / "s", further, cases, threads)) == whole


def test_it_can_go_further_from_the_middle_of_an_item(
    tmp_path: Path, plan: Plan, cases: tuple[Case, ...], carry_out: CarryOut, threads: Borrowed
) -> None:
    """Where the last item was a short one the rest of it is run too, and no seed twice."""
    further = attrs.evolve(plan, seeds=120)
    whole = carry_out(tmp_path / "whole", further, cases, threads)
    found = carry_out(tmp_path / "s", attrs.evolve(plan, seeds=15), cases, threads)
    for seeds in (55, 60, 100, 120):
        found.extend(attrs.evolve(plan, seeds=seeds))
        found.close()
        found = carry_out(tmp_path / "s", further, cases, threads)

    for ours, theirs in zip(found.cases, whole.cases, strict=True):
        covered = found.covered(ours)
        seeds_run = [seed for at in covered for seed in range(at, at + covered[at])]
        assert seeds_run == list(range(10, 130))
        assert found.failures(ours) == whole.failures(theirs)
        assert found.windows(ours) == whole.windows(theirs)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc")
def test_workers_that_are_killed(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: CarryOut,
    content: Content,
    listener: Any,
) -> None:
    """All of them, once: the items are run again, and nobody is taken for a killer."""
    long = attrs.evolve(plan, seeds=2000, chunk=200)
    whole = content(carry_out(tmp_path / "whole", long, cases, ProcessPool(2)))
    beats = count()
    before = children(os.getpid())

    def kill_once() -> bool:
        if next(beats) == 3:
            for process in children(os.getpid()):
                if process not in before:
                    os.kill(process, signal.SIGKILL)
        return False

    store = carry_out(tmp_path / "s", long, cases, ProcessPool(2), kill_once)

    assert listener.losses
    assert content(store) == whole


def test_workers_that_always_die(
    tmp_path: Path, plan: Plan, cases: tuple[Case, ...], listener: Any
) -> None:
    """End the campaign with a word, and not in a circle."""

    class Mortal(ProcessPool):
        def submit(self, function: Any, /, *args: object) -> Any:
            return super().submit(os._exit, 1)

    store = Store.make(tmp_path / "s", plan, cases)
    with pytest.raises(WorkersLost, match="lost 11 times in a row"):
        Runner(store, cases, Mortal(1), listener, lambda: False).run()
    assert len(listener.losses) == MOST_LOSSES


def test_what_a_worker_raises_comes_out(
    tmp_path: Path, plan: Plan, cases: tuple[Case, ...], threads: Borrowed, listener: Any
) -> None:
    """A worker that cannot run its item is no lost worker."""
    store = Store.make(tmp_path / "s", plan, cases)
    changed = attrs.evolve(cases[0].matter, text=cases[0].matter.text + b"\n")

    class Elsewhere(Borrowed):
        def submit(self, function: Any, /, *args: object) -> Any:
            item, _, *rest = args
            return super().submit(function, item, changed, *rest)

    engine = Elsewhere(threads.executor, 2)
    with pytest.raises(OtherCode):
        Runner(store, cases, engine, listener, lambda: False).run()


def test_new_failures_are_told_once(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: CarryOut,
    threads: Borrowed,
    listener: Any,
) -> None:
    """A kind is told when it first comes in, and not again by who resumes."""
    store = carry_out(tmp_path / "s", attrs.evolve(plan, seeds=40), cases, threads)
    store.extend(plan)
    store.close()
    carry_out(tmp_path / "s", plan, cases, threads)

    assert [str(each.kind) for each in listener.failures] == [
        "violation: I-ERRNO at put_swap_device.put"
    ]
    assert listener.beats
