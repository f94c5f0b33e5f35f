# SPDX-License-Identifier: MIT OR Apache-2.0
"""An item is a function from a value to a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from swaptrio.errors import VariantError
from swaptrio.explore import fuzz
from swaptrio.explore.campaign import Case, Item, Plan, Window, run_item
from swaptrio.explore.campaign.work import Hooks, OtherCode, setup_of
from swaptrio.scenario.play import play
from swaptrio.sched import RandomWalk, Recorded, Schedule, open_scheduler
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from pathlib import Path

    from swaptrio.scenario.world import Setup

CaseOf = Callable[[str], Case]


def item_of(case: Case, strategy: str = "random", first: int = 0, count: int = 60) -> Item:
    """An item of *case*."""
    return next(Plan(strategy, first, count, None, count).items_of(case))


async def fuzzed(setup: Setup, strategy: str, seeds: range) -> tuple[int, int, list[object]]:
    """What fuzzing finds with the same seeds."""
    async with open_scheduler() as scheduler:
        found = await fuzz(scheduler, setup, seeds, strategy=parse(strategy))
    failures: list[object] = [
        (each.fingerprint.ending.value, each.fingerprint.rule, each.count, each.seed)
        for each in found.failures
    ]
    return found.executions, found.steps, failures


@pytest.mark.parametrize("strategy", ["random", "pct:3", "feedback"])
async def test_it_does_what_fuzzing_does(case_of: CaseOf, strategy: str) -> None:
    """The same executions, steps and failures as fuzzing by the same seeds."""
    case = case_of("pre")
    wanted = await fuzzed(setup_of(case.matter), strategy, range(20, 80))

    found = await trio.to_thread.run_sync(run_item, item_of(case, strategy, 20), case.matter)
    failures = [(f.kind.ending, f.kind.rule, f.count, f.first) for f in found.failures]
    assert (found.executions, found.steps, failures) == wanted
    assert failures


@pytest.mark.parametrize("variant", ["pre", "no-second-check", "v3"])
@pytest.mark.parametrize("strategy", ["random", "surw"])
def test_the_carrier_makes_no_difference(case_of: CaseOf, variant: str, strategy: str) -> None:
    """Trio tasks and stepped ones give the same result, windows and schedules included."""
    case = case_of(variant)
    item = item_of(case, strategy)

    assert run_item(item, case.matter, "trio") == run_item(item, case.matter, "stepped")


def test_twice_the_same(case_of: CaseOf) -> None:
    """A strategy that learns begins afresh with each item."""
    case = case_of("v3")
    item = item_of(case, "feedback", 500)

    assert run_item(item, case.matter) == run_item(item, case.matter)


async def test_a_schedule_leads_to_its_failure(case_of: CaseOf) -> None:
    """The schedule that is kept is the shortest of its kind, and fails in that way."""
    case = case_of("pre")

    result = await trio.to_thread.run_sync(run_item, item_of(case), case.matter)
    [failure] = result.failures
    setup = setup_of(case.matter)
    lengths = []
    async with open_scheduler() as scheduler:
        for seed in range(60):
            verdict = (await play(scheduler, setup, RandomWalk(seed))).verdict
            if not verdict.passed:
                lengths.append((len(verdict.schedule), seed))
        replayed = await play(scheduler, setup, Recorded(Schedule.parse(failure.schedule)))

    assert (failure.length, failure.by) == min(lengths)
    assert replayed.verdict.check == failure.kind.rule
    assert replayed.verdict.message == failure.message
    assert failure.kind.labels == ("put_swap_device.put",)


def test_windows_are_entered_by_first_seeds(case_of: CaseOf) -> None:
    """Each window has the lowest seed that enters it: two halves show what the whole does."""
    case = case_of("v3")

    def windows(first: int, count: int) -> tuple[Window, ...]:
        return run_item(item_of(case, "random", first, count), case.matter).windows

    whole = windows(0, 40)
    halves = windows(0, 20), windows(20, 20)
    first: dict[tuple[str, str], int] = {}
    for window in (*halves[0], *halves[1]):
        first.setdefault((window.stood, window.came), window.first)

    assert {(each.stood, each.came): each.first for each in whole} == first
    assert list(whole) == sorted(whole, key=lambda each: (each.stood, each.came))
    assert any(each.first >= 20 for each in whole)


def test_seeds_can_be_left_out(case_of: CaseOf) -> None:
    """What is skipped is not run, and the seeds are told before they begin."""
    case = case_of("v3")
    begun: list[int] = []
    hooks = Hooks(skip=(2, 3), begun=begun.append)

    result = run_item(item_of(case, count=6), case.matter, hooks=hooks)

    assert begun == [0, 1, 4, 5]
    assert result.executions == 4


def test_another_version_is_refused(case_of: CaseOf) -> None:
    """Who has other code than whoever asks does not run the item."""
    case = case_of("v3")
    item = attrs.evolve(item_of(case), variant="0" * 12)

    with pytest.raises(OtherCode, match=f"wanted {item.scenario}/000000000000, found"):
        run_item(item, case.matter)


def test_a_variant_comes_by_value(tmp_path: Path, case_of: CaseOf) -> None:
    """The file that it came from is not looked at again."""
    path = tmp_path / "mine.py"
    path.write_text('"""Mine."""\nBASE = "pre"\n', encoding="utf-8")
    case = case_of(str(path))
    path.unlink()

    assert run_item(item_of(case), case.matter).failures


def test_a_variant_that_is_none(tmp_path: Path, case_of: CaseOf) -> None:
    """Is an error as it is elsewhere."""
    path = tmp_path / "mine.py"
    path.write_text("1 / 0\n", encoding="utf-8")
    case = case_of(str(path))

    with pytest.raises(VariantError, match="ZeroDivisionError"):
        run_item(item_of(case), case.matter)
