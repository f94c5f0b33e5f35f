# SPDX-License-Identifier: MIT OR Apache-2.0
"""Schedules to the first bug: the programs have their bugs, and counts are counted right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import pytest
from click.testing import CliRunner

from benchmarks.bugs.__main__ import STRATEGIES, judged, main
from benchmarks.bugs.hunt import AnyFailure, Counts, Limits, hunt
from benchmarks.bugs.programs import PROGRAMS
from benchmarks.bugs.published import STRETCH, TARGETS, published
from swaptrio.sched import Ending, FirstChoice, RandomWalk, open_scheduler, run
from swaptrio.sched.strategies import Feedback, parse

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bugs.memory import Granularity
    from swaptrio.sched import Verdict
    from swaptrio.sched.strategies import SeededStrategy

GRANULARITIES: tuple[Granularity, ...] = ("every", "shared")

#: Programs that do not fail by an assertion, and those that fail without preemption already.
DEADLOCKS = ("deadlock01",)
EASY = ("lazy01",)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_passes_and_fails(name: str, granularity: Granularity) -> None:
    """Without preemption it passes; some schedule shows the bug, and nothing else fails."""
    program = PROGRAMS[name].program(granularity)
    async with open_scheduler("stepped") as scheduler:
        verdict = (await scheduler.run(program, FirstChoice())).verdict
        assert verdict is not None
        assert verdict.passed is (name not in EASY)
        strategy = Feedback(0)
        for strategy.seed in range(300):
            verdict = (await scheduler.run(program, strategy)).verdict
            assert verdict is not None
            if not verdict.passed:
                break
    expected = Ending.DEADLOCK if name in DEADLOCKS else Ending.VIOLATION
    assert verdict.ending is expected, verdict


@pytest.mark.parametrize(("name", "steps"), [("reorder_3", 17), ("reorder_10", 52)])
def test_sizes_are_those_of_the_port(name: str, steps: int) -> None:
    """With shared operations only, a program has about as many steps as the port's source."""
    lengths = []
    for seed in range(20):
        verdict = run(PROGRAMS[name].program("shared"), RandomWalk(seed)).verdict
        assert verdict is not None
        lengths.append(verdict.steps)
    assert abs(max(lengths) - steps) <= 2


def test_private_steps() -> None:
    """Ten before each spawn, five before each join, four where a task starts."""
    lengths = {}
    for granularity in GRANULARITIES:
        verdict = run(PROGRAMS["reorder_3"].program(granularity), FirstChoice()).verdict
        assert verdict is not None
        lengths[granularity] = verdict.steps
    assert lengths["every"] - lengths["shared"] == 3 * (10 + 5 + 4)


REORDER = AnyFailure(PROGRAMS["reorder_3"].program("shared"))


def surw() -> SeededStrategy:
    """One that finds it."""
    return parse("surw")


def blind() -> SeededStrategy:
    """One that never does."""
    return parse("delay:0")


async def test_campaigns_are_counted() -> None:
    """Each has its own strategy and seeds; the same campaigns give the same counts."""
    async with open_scheduler("stepped") as scheduler:
        one = await hunt(scheduler, REORDER, surw, range(6), Limits())
        two = await hunt(scheduler, REORDER, surw, range(6), Limits())
        none = await hunt(scheduler, REORDER, blind, range(1), Limits(30))
        late = await hunt(scheduler, REORDER, blind, range(2), Limits(500, 0))
    assert one.found == two.found
    assert len(set(one.found)) > 1
    assert (none.found, none.vain, none.cut) == ([], [30], 0)
    assert (late.found, late.vain, late.cut) == ([], [], 64)


async def test_a_cell_goes_on() -> None:
    """What its limit has cut short is begun again, and it ends as without the limit."""
    async with open_scheduler("stepped") as scheduler:
        whole = await hunt(scheduler, REORDER, surw, range(6), Limits())
        cut = await hunt(scheduler, REORDER, surw, range(6), Limits(total=whole.found[0] + 1))
        assert (cut.found, cut.cut) == (whole.found[:1], 1)
        await hunt(scheduler, REORDER, surw, range(6), Limits(), cut)
    assert cut == whole


@attrs.frozen
class NeverShown(AnyFailure):
    """A bug that nothing shows."""

    def shows(self, verdict: Verdict) -> bool:
        """No."""
        return False


async def test_what_shows_no_bug_does_not_count() -> None:
    """A campaign goes on after another failure than the one it looks for."""
    async with open_scheduler("stepped") as scheduler:
        counts = await hunt(scheduler, NeverShown(REORDER.program), surw, range(1), Limits(60))
    assert (counts.found, counts.vain) == ([], [60])


def test_summaries() -> None:
    """Means over what was found; all schedules over all bugs; nothing made up for none."""
    assert Counts([2, 4], [90], 4).summary()["per_bug"] == 50
    assert Counts([2, 4], [94]).summary() == {
        "campaigns": 3,
        "found": 2,
        "schedules_in_vain": 94,
        "mean": 3,
        "median": 3,
        "interval95": [1.04, 4.96],
        "per_bug": 50,
    }
    assert Counts([], [10]).summary() == {"campaigns": 1, "found": 0, "schedules_in_vain": 10}


def test_a_target_is_kept_by_a_strategy_that_always_finds() -> None:
    """The best one is the best among those that found it in every campaign."""
    cells = {
        "lucky": {"campaigns": 2, "found": 1, "mean": 1.0},
        "good": {"campaigns": 20, "found": 20, "mean": 6.5},
        "slow": {"campaigns": 3, "found": 3, "mean": 2.0},
    }
    said = judged("reorder_3", cells)
    assert said == {
        "best": "good",
        "mean": 6.5,
        "target": 7,
        "target_met": True,
        "stretch": 6,
        "stretch_met": False,
    }
    assert judged("reorder_3", {"lucky": cells["lucky"]}) == {"best": None}


def test_what_others_published() -> None:
    """Figures are of programs that we have, and targets too."""
    assert set(TARGETS) <= set(PROGRAMS)
    assert set(STRETCH) < set(TARGETS)
    assert published("reorder_3")["surw_artifact"]["surw"] == 7
    assert published("reorder_100")["rff_artifact"] == {"pos": None, "pct:3": 7447, "rff": 6}
    assert published("twostage") == {}


def test_the_command() -> None:
    """One JSON document on stdout, and a line for each program on stderr."""
    asked = ["--campaigns", "3", "--program", "deadlock01", "--granularity", "shared"]
    asked += ["--strategy", "surw", "--strategy", "delay:0", "--schedules", "40"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert row["program"] == "deadlock01"
    assert row["strategies"]["surw"]["found"] == 3
    assert row["strategies"]["delay:0"] == {
        "campaigns": 3,
        "found": 0,
        "schedules_in_vain": 120,
    }
    assert row["target_met"] is True
    assert "delay:0 none (0/3) [met]" in result.stderr


def test_a_command_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """From the cells that it has kept; in the end it says what one command would have said."""
    asked = ["--campaigns", "8", "--program", "deadlock01", "--granularity", "shared"]
    asked += ["--strategy", "surw", "--strategy", "pos"]
    short = [*asked, "--total", "5", "--keep", str(tmp_path / "cells")]

    first = json.loads(CliRunner().invoke(main, short).stdout)["rows"]
    rows = json.loads(CliRunner().invoke(main, [*short, "--total", "900"]).stdout)["rows"]

    assert first[0]["strategies"]["pos"]["campaigns"] < 8
    assert rows == json.loads(CliRunner().invoke(main, asked).stdout)["rows"]
    result = CliRunner().invoke(main, [*short, "--jobs", "2"])
    assert (result.exit_code, "one process only" in result.stderr) == (2, True)


def test_a_wrong_strategy_is_named() -> None:
    """Before anything runs."""
    result = CliRunner().invoke(main, ["--strategy", "surv"])
    assert result.exit_code == 2
    assert "did you mean 'surw'?" in result.stderr


@pytest.mark.parametrize("name", STRATEGIES)
def test_all_strategies_are_known(name: str) -> None:
    """Those that are compared by default."""
    assert parse(name, 3).seed == 3
