# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which seed takes the interpreter with it, and that the rest goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from swaptrio.errors import VariantError
from swaptrio.explore.campaign import CRASHED, Case, Plan, ProcessPool, Store, guard, run_item
from swaptrio.explore.campaign.guard import Report, run_child, run_guarded
from swaptrio.explore.campaign.work import Hooks, setup_of
from swaptrio.scenario.play import play
from swaptrio.sched import Recorded, Schedule, open_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAN = Plan("random", 0, 40, None, 40)


@pytest.fixture
def killers(deadly: Case, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that kill: they fail where the way out of the interpreter only raises."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "_exit", lambda code: 1 / 0)
        found = [
            item.first
            for item in attrs.evolve(PLAN, chunk=1).items_of(deadly)
            if run_item(item, deadly.matter).failures
        ]
    assert len(found) > 2
    return found


def test_an_innocent_item(case_of: Callable[[str], Case]) -> None:
    """Under guard an item has the result that it has elsewhere."""
    case = case_of("pre")
    [item] = PLAN.items_of(case)

    assert run_guarded(item, case.matter, "stepped") == run_item(item, case.matter)


async def test_the_seed_that_kills(
    deadly: Case, killers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, with a schedule that leads to it, and all other seeds count."""
    killer = killers[0]
    [item] = attrs.evolve(PLAN, seeds=killers[1]).items_of(deadly)

    result = run_guarded(item, deadly.matter, "stepped")
    others = await trio.to_thread.run_sync(
        lambda: run_item(item, deadly.matter, hooks=Hooks(skip=(killer,)))
    )

    [failure] = result.failures
    assert (failure.kind.ending, failure.kind.rule) == (
        CRASHED,
        "the interpreter ended with code 7",
    )
    assert (failure.first, failure.count) == (killer, 1)
    assert (result.executions, result.given_up) == (item.count, False)
    assert (result.steps, result.windows) == (others.steps, others.windows)
    monkeypatch.setattr(os, "_exit", lambda code: 1 / 0)
    async with open_scheduler() as scheduler:
        strategy = Recorded(Schedule.parse(failure.schedule))
        played = await play(scheduler, setup_of(deadly.matter), strategy)
    assert isinstance(played.execution.failure, ZeroDivisionError)


def test_an_item_that_is_given_up(
    deadly: Case, killers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where too many seeds kill, what came before the last of them counts."""
    monkeypatch.setattr(guard, "MOST", 2)
    first, second, *_ = killers
    [item] = PLAN.items_of(deadly)

    result = run_guarded(item, deadly.matter, "stepped")

    assert result.given_up
    assert result.executions == second + 1
    [failure] = result.failures
    assert (failure.first, failure.count) == (first, 2)


def test_one_that_was_killed_by_somebody(
    case_of: Callable[[str], Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that dies once is run again, and its seed is not taken for a killer."""
    case = case_of("v3")
    [item] = PLAN.items_of(case)
    reports = iter([Report(seed=3, code=-9)])
    monkeypatch.setattr(guard, "run_child", lambda task: next(reports, None) or run_child(task))

    assert run_guarded(item, case.matter, "stepped") == run_item(item, case.matter)


def test_one_that_cannot_be_loaded(tmp_path: Path, case_of: Callable[[str], Case]) -> None:
    """A variant that kills whoever loads it is a failure of the item."""
    (tmp_path / "dead.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    case = case_of(str(tmp_path / "dead.py"))
    [item] = PLAN.items_of(case)

    result = run_guarded(item, case.matter, "stepped")

    assert (result.executions, result.given_up) == (0, True)
    [failure] = result.failures
    assert failure.kind.rule == "the interpreter died of SIGABRT while the variant was loaded"


def test_what_a_child_raises(tmp_path: Path, case_of: Callable[[str], Case]) -> None:
    """Comes out of the parent as it was."""
    (tmp_path / "bad.py").write_text("1 / 0\n", encoding="utf-8")
    case = case_of(str(tmp_path / "bad.py"))
    [item] = PLAN.items_of(case)

    with pytest.raises(VariantError, match="ZeroDivisionError"):
        run_guarded(item, case.matter, "stepped")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (7, "the interpreter ended with code 7"),
        (-signal.SIGSEGV, "the interpreter died of SIGSEGV"),
        (-200, "the interpreter died of signal 200"),
    ],
)
def test_how_it_died(code: int, text: str) -> None:
    """Signals go by their names."""
    assert Report(code=code).death == text


def test_a_message_that_was_cut_off() -> None:
    """Is none."""
    whole = guard.message(b"s", b"12")
    reader, writer = os.pipe()
    os.write(writer, whole + whole[:-1])
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert list(guard.messages(pipe)) == [(b"s", b"12")]


def test_a_campaign_goes_on(
    tmp_path: Path,
    deadly: Case,
    killers: list[int],
    case_of: Callable[[str], Case],
    carry_out: Callable[..., Store],
) -> None:
    """The chunks that kill are narrowed down to their seeds, and all others are run."""
    cases = (deadly, case_of("pre"))
    last = killers[1]
    plan = attrs.evolve(PLAN, seeds=last + 1, chunk=last // 2 + 1)
    store = carry_out(tmp_path / "s.sqlite", plan, cases, ProcessPool(2))

    known, other = store.cases
    for case in (known, other):
        assert sum(each.executions for each in store.done(case)) == last + 1
        assert len(store.done(case)) == 2
    [crash] = store.failures(known)
    assert (crash.kind.ending, crash.count) == (CRASHED, 2)
    assert crash.first == killers[0]


def test_a_child_without_a_parent() -> None:
    """Ends without a word."""
    done = subprocess.run(
        [sys.executable, "-m", "swaptrio.explore.campaign.child"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
