# SPDX-License-Identifier: MIT OR Apache-2.0
"""Explaining from the shell: in words, for programs, and what cannot be explained."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
Document = Callable[[Result], Any]

NAMES = "large#1@swap_cache_alloc.recheck -> small"
CASE = ("--variant", "no-second-check", "--schedule", NAMES)


def test_record(race: str, swaptrio: Run, document: Document) -> None:
    """The record has each necessary order with its steps, and a flip that passes."""
    result = swaptrio("explain", race, *CASE, "--json")
    record = document(result)

    assert result.exit_code == 0
    assert (record["verdict"], record["check"], record["names"]) == (
        "violation",
        "I-ONE",
        NAMES,
    )
    assert len(record["necessary"]) == 2
    for edge in record["necessary"]:
        assert edge["object"] == "swap0 cluster 0"
        assert edge["before"]["step"] < edge["after"]["step"]
        options = ("--variant", "no-second-check", "--json")
        flip = swaptrio("replay", race, "--schedule", edge["flip"]["schedule"], *options)
        assert document(flip)["verdict"] == edge["flip"]["verdict"] == "passed"
        named = swaptrio("replay", race, "--schedule", edge["flip"]["names"], *options)
        assert document(named)["schedule"] == edge["flip"]["schedule"]
    assert record["nearest"]["verdict"] == "passed"
    assert record["gaps"][0]["lock"] == "swap0 cluster 0"
    assert document(swaptrio(*shlex.split(record["command"])[1:], "--json"))["names"] == NAMES


def test_in_words(race: str, swaptrio: Run) -> None:
    """For people it is a chain, what allows it, and the two executions side by side."""
    text = " ".join(swaptrio("explain", race, *CASE).stdout.split())

    assert "1. large takes swap0 cluster 0 (in swap_cache_alloc, at .check, step " in text
    assert "before small takes swap0 cluster 0 (in swap_cache_alloc, at .recheck" in text
    assert "Where nobody comes between, it passes (tested)." in text
    assert "it takes swap0 cluster 0 held all the way, or a second look, at " in text
    assert "The nearest that passes: " in text
    assert "step fails step passes (the first " in text


def test_what_fuzz_finds_can_be_explained(
    race: str, mine: str, swaptrio: Run, document: Document
) -> None:
    """The command that fuzz prints explains the failure, in a variant of one's own too."""
    found = document(swaptrio("fuzz", race, "--variant", mine, "--seeds", 40, "--json"))
    [failure] = found["failures"]
    result = swaptrio(*shlex.split(failure["explain"])[1:], "--json")

    assert result.exit_code == 0
    assert document(result)["check"] == failure["check"]


def test_nothing_to_explain(race: str, swaptrio: Run, document: Document) -> None:
    """A schedule that passes has exit code 1, and one that does not fit 3."""
    passing = swaptrio("explain", race, "--schedule", "-")
    misfit = swaptrio("explain", race, "--schedule", "large#1@nowhere.at_all -> small")

    assert passing.exit_code == 1
    assert passing.stdout.endswith("nothing to explain: the schedule passes\n")
    assert misfit.exit_code == 3
    assert "never came to nowhere.at_all" in " ".join(misfit.stdout.split())


@pytest.mark.parametrize(
    "options", [[], ["--schedule", "a"], ["--schedule", "-", "--variant", "v33"]]
)
def test_usage(options: list[str], race: str, swaptrio: Run) -> None:
    """A schedule is needed, and has to be one."""
    assert swaptrio("explain", race, *options).exit_code == 2
