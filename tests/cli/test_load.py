# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio load``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from swaptrio.cli.load_trace import RECORDED
from swaptrio.explore.load import LAST
from swaptrio.trace import parse_trace

Run = Callable[..., Result]

SMALL = ("--users", 8, "--clusters", 1, "--steps", 5_000)


def test_what_it_says(swaptrio: Run) -> None:
    """Steps with their cost, what was swapped, and the verdict; exit 0."""
    result = swaptrio("load", *SMALL)

    assert result.exit_code == 0
    assert "steps, " in result.stdout
    assert "pswpout" in result.stdout
    assert result.stdout.splitlines()[-1] == "passed"


def test_json(swaptrio: Run) -> None:
    """Everything that was asked for and came of it."""
    record = json.loads(swaptrio("load", *SMALL, "--seed", 3, "--json").stdout)

    assert (record["users"], record["seed"], record["variant"]) == (8, 3, "v5")
    assert record["verdict"] == "passed"
    assert record["taken"] > 5_000
    assert record["max_rss_kib"] > 0
    assert record["counters"]["pswpout"] > 0


def test_a_failure_can_be_repeated(swaptrio: Run) -> None:
    """The last steps are told, and a command that fails in the same way; exit 1."""
    result = swaptrio("load", "--steps", 20_000, "--variant", "no-second-check")

    command = result.stdout.splitlines()[-1]
    again = swaptrio(*shlex.split(command)[1:])
    assert result.exit_code == again.exit_code == 1
    assert "violation: I-ONE" in result.stdout
    assert "last steps:" in result.stdout
    assert result.stdout.split("violation")[1] == again.stdout.split("violation")[1]


@pytest.mark.usefixtures("here")
def test_a_failure_leaves_its_trace(swaptrio: Run) -> None:
    """Its last steps can be opened, end as it did, and name the command that takes them all."""
    result = swaptrio("load", "--steps", 20_000, "--variant", "no-second-check", "--json")
    record = json.loads(result.stdout)

    trace = parse_trace(Path(record["trace"]).read_bytes())
    assert trace.header.verdict.check == record["check"] == "I-ONE"
    assert len(trace.events) == trace.header.steps == RECORDED
    assert trace.header.window == (
        f"the last {RECORDED} of {record['taken']} steps of: {record['command']}",
    )
    steps = [f"{each.task} {each.label}" for each in trace.events if each.option is None]
    assert steps[-LAST:] == [text.partition(" ")[2] for text in record["last"]]
    assert swaptrio("trace", record["trace"]).exit_code == 0


def test_what_passes_leaves_no_trace(here: Path, swaptrio: Run) -> None:
    """There is nothing to look at."""
    result = swaptrio("load", *SMALL, "--json")

    assert json.loads(result.stdout)["trace"] is None
    assert list((here / "logs").iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [("--users", 0), ("--clusters", 65), ("--steps", 0), ("--variant", "v55")],
)
def test_bad_input(swaptrio: Run, wrong: tuple[str, object]) -> None:
    """Numbers out of their range, and unknown variants: exit 2."""
    assert swaptrio("load", *wrong).exit_code == 2
