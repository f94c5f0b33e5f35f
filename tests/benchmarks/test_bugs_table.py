# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of the documents are those of the results, and say what was not found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.bugs.__main__ import STRATEGIES
from benchmarks.bugs.programs import PROGRAMS
from benchmarks.bugs.published import TARGETS
from benchmarks.bugs.swap import failing
from benchmarks.bugs.table import BEGIN, END, PAGE, RESULTS, overall, page_with, tables
from swaptrio.sched import open_scheduler
from swaptrio.sched.strategies import parse

ROW: dict[str, Any] = {
    "granularity": "every",
    "program": "reorder_3",
    "strategies": {
        "random": {"campaigns": 2, "found": 0, "schedules_in_vain": 200},
        "surw": {"campaigns": 2, "found": 2, "mean": 6.5, "per_bug": 6.5},
        "lucky": {"campaigns": 2, "found": 1, "mean": 1.0, "per_bug": 50.0},
    },
    "published": {"surw_artifact": {"surw": 7}, "rff_artifact": {"rff": None}},
    "best": "surw",
    "target": 7,
    "target_met": True,
}
DOCUMENT = {"asked": {"campaigns": 2, "schedules": 100, "seconds_a_cell": 4.0}, "rows": [ROW]}


def results() -> dict[str, Any]:
    """The results that are kept."""
    document: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return document


def test_the_page_is_that_of_the_results() -> None:
    """Nobody has written a figure by hand, and none is of an older measurement."""
    page = PAGE.read_text(encoding="utf-8")

    assert page_with(page, list(tables(results()))) == page


def test_the_page_keeps_its_text() -> None:
    """Only what stands between the marks is replaced."""
    assert page_with(f"a\n{BEGIN}old\n{END}b\n", ["new"]) == f"a\n{BEGIN}new\n{END}b\n"


def test_a_row() -> None:
    """The best is bold, what was missed is said, and targets and figures of others stand by."""
    lines = list(tables(DOCUMENT))

    assert "| reorder_3 | none (0/2) | **6.5** | 1.0 (1/2) | 7 | none | 7 (met) |" in lines
    assert lines[-1].startswith("| *all, geometric* | 200.0 | 6.5 | 50.0 |")


def test_overall_counts_what_was_in_vain() -> None:
    """A lucky find does not hide the campaigns that found nothing."""
    assert overall([ROW], "surw") < overall([ROW], "lucky") < overall([ROW], "random")


def test_the_results_are_of_what_is_there() -> None:
    """All programs with a target were measured at both granularities, under all strategies."""
    rows = results()["rows"]
    measured = {(row["granularity"], row["program"]) for row in rows}

    assert {(size, name) for size in ("every", "shared") for name in PROGRAMS} <= measured
    assert all(tuple(row["strategies"]) == STRATEGIES for row in rows)
    missed = [row["program"] for row in rows if row.get("target_met") is False]
    assert not [name for name in missed if name.startswith("reorder")]
    assert TARGETS.keys() <= {name for _, name in measured}


@pytest.mark.parametrize("case", failing(), ids=lambda case: case.name)
async def test_a_failing_scenario_fails_by_chance(case: Any) -> None:
    """Each failing scenario can be found to fail without its window."""
    program = case.program()
    strategy = parse("auto")
    async with open_scheduler("stepped") as scheduler:
        for strategy.seed in range(3000):
            verdict = (await scheduler.run(program, strategy)).verdict
            assert verdict is not None
            if not verdict.passed:
                return
    pytest.fail("it was not found to fail")
