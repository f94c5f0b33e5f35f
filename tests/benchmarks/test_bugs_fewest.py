# SPDX-License-Identifier: MIT OR Apache-2.0
"""No schedule that was found is longer than it must be, as far as that was looked at."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from benchmarks.bugs.fewest import SHARED, prove, proved
from benchmarks.bugs.found import known
from benchmarks.bugs.table import MOST, PAGE

#: Executions of a proof that a test repeats.
QUICK = 1000


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a schedule from others."""
    return tuple(row[name] for name in SHARED)


def quick() -> list[dict[str, Any]]:
    """The longest schedules among the proofs that take a moment, and the shortest."""
    rows = [row for row in proved() if row["executions"] <= QUICK]
    rows.sort(key=lambda row: (row["deviations"], row["executions"]))
    return [*rows[:2], *rows[-4:]]


def test_every_schedule_of_up_to_three_was_looked_at() -> None:
    """None is left out, and no proof is of another schedule than was found."""
    short = [key(row) for row in known() if 0 < row["deviations"] <= MOST]
    assert [key(row) for row in proved() if row["deviations"] <= MOST] == short
    there = [key(row) for row in known()]
    assert all(key(row) in there for row in proved())


def test_none_could_be_simpler() -> None:
    """With fewer deviations, up to three, none fails in the same way."""
    for row in proved():
        assert row["bound"] == min(row["deviations"] - 1, MOST)
        assert row["executions"] > 0
        assert row["simpler"] is None


def test_more_deviations_have_a_proof() -> None:
    """For each schedule with more than three deviations it is proved that three do not do."""
    reasons = {key(row) for row in proved() if row["bound"] == MOST}
    many = [row for row in known() if row["deviations"] > MOST]
    assert many
    assert [row for row in many if key(row) not in reasons] == []


def test_what_is_not_proved_is_called_open() -> None:
    """The page has the count of a proof, or calls the schedule open."""
    page = PAGE.read_text(encoding="utf-8")
    reasons = {key(row): row["executions"] for row in proved() if row["bound"] == MOST}
    for row in known():
        if row["deviations"] > MOST:
            words = [row[name] for name in ("scenario", "variant", "failure")]
            count = reasons.get(key(row))
            cells = [*words, str(row["deviations"]), "open" if count is None else f"{count:,}"]
            assert f"| {' | '.join(cells)} |" in page


@pytest.mark.parametrize("row", quick(), ids=lambda row: f"{row['scenario']}/{row['variant']}")
def test_a_sample_is_proved_again(row: dict[str, Any]) -> None:
    """The same executions are made, and none of them fails so."""
    assert trio.run(prove, row) == row


def test_a_schedule_that_is_too_long_is_found_out() -> None:
    """If a found schedule had a deviation too many, the proof would show the simpler one."""
    row = next(row for row in known() if row["deviations"] == 1)
    longer = {**row, "deviations": 2}

    found = trio.run(prove, longer)

    assert found["bound"] == 1
    assert found["simpler"] is not None
