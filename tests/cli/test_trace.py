# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading traces from the shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from swaptrio.trace import open_trace

Run = Callable[..., Result]
Document = Callable[[Result], Any]


@pytest.fixture
def log(race: str, swaptrio: Run) -> str:
    """The trace of a violation."""
    swaptrio("replay", race, "--variant", "chris-literal")
    return "logs/race-chris-literal-between.jsonl"


def test_draws_what_the_replay_drew(race: str, log: str, swaptrio: Run) -> None:
    """A trace is drawn as the replay that recorded it was."""
    replayed = swaptrio("replay", race, "--variant", "chris-literal").stdout
    picture = swaptrio("trace", log).stdout

    assert picture[: picture.index("\nschedule:")] in replayed


def test_json_is_header_and_events(log: str, swaptrio: Run, document: Document) -> None:
    """Programs get the header and every event."""
    record = document(swaptrio("trace", log, "--json"))
    trace = open_trace(log)

    assert record["header"]["scenario"] == "race"
    assert [event["seq"] for event in record["events"]] == [e.seq for e in trace.events]


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        (["--task", "small"], lambda event: event["task"] == "small"),
        (["--label", "swap_cache_alloc."], lambda event: "swap_cache_alloc." in event["event"]),
        (
            ["--label", "lookup", "--label", "recheck"],
            lambda event: "lookup" in event["event"] or "recheck" in event["event"],
        ),
        (["--object", "swap0:19"], lambda event: "swap0:19" in event["changes"]),
        (["--first", "5", "--last", "8"], lambda event: 5 <= event["seq"] <= 8),
        (
            ["--task", "large", "--label", "recheck"],
            lambda event: event["task"] == "large" and "recheck" in event["event"],
        ),
    ],
)
def test_selects(
    options: list[str],
    fits: Callable[[dict[str, Any]], bool],
    log: str,
    swaptrio: Run,
    document: Document,
) -> None:
    """Options choose events by task, label, object and number, and all must fit."""
    everything = document(swaptrio("trace", log, "--json"))["events"]
    chosen = document(swaptrio("trace", log, *options, "--json"))["events"]

    assert chosen == [event for event in everything if fits(event)]
    assert 0 < len(chosen) < len(everything)


def test_width(log: str, swaptrio: Run) -> None:
    """--width sets the width of the picture, within bounds."""
    wide = swaptrio("trace", log, "--width", 150).stdout
    narrow = swaptrio("trace", log, "--width", 60).stdout

    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, wide.splitlines())) <= 150
    assert swaptrio("trace", log, "--width", 59).exit_code == 2


def test_word_that_is_nowhere(log: str, swaptrio: Run) -> None:
    """A word that fits nothing in the trace is a mistake; the nearest is named."""
    result = swaptrio("trace", log, "--task", "larg")

    assert result.exit_code == 2
    assert "did you mean 'large'?" in result.stderr


def test_command_replays_the_trace(swaptrio: Run) -> None:
    """Below the picture of a shipped scenario's failure stands what replays it."""
    swaptrio(
        "replay", "large-vs-small-neighbour", "--variant", "chris-literal", "--log", "x.jsonl"
    )
    text = swaptrio("trace", "x.jsonl").stdout
    command = shlex.split(text[text.index("swaptrio replay") :].replace("\\\n", ""))

    assert swaptrio(*command[1:]).exit_code == 0
    assert command[-1] == "x.jsonl"
