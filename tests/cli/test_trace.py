# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading traces from the shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import Result

from swaptrio.diagram import draw_diagram
from swaptrio.trace import diff, draw_diff, draw_state, open_trace, state_at

if TYPE_CHECKING:
    from pathlib import Path

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
        (
            ["--slot", "swap0:19"],
            lambda event: any(key.split(".")[0] == "swap0:19" for key in event["changes"]),
        ),
        (["--until-time", "0", "--task", "small"], lambda event: event["task"] == "small"),
        (["--step", "6", "--context", "2"], lambda event: 4 <= event["seq"] <= 8),
        (["--step", "1", "--context", "2"], lambda event: event["seq"] <= 3),
        (["--step", "12", "--context", "0"], lambda event: event["seq"] == 12),
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


def test_lock(log: str, swaptrio: Run, document: Document) -> None:
    """--lock chooses what happens under a lock, and what takes it or gives it back."""
    everything = document(swaptrio("trace", log, "--json"))["events"]
    chosen = document(swaptrio("trace", log, "--lock", "ptl P", "--json"))["events"]
    under = [event["seq"] for event in everything if "ptl P" in event["held"]]
    numbers = [event["seq"] for event in chosen]

    assert under
    assert [seq for seq in under if seq not in numbers] == []
    assert len(numbers) < len(everything)


def test_step_is_pointed_at(log: str, swaptrio: Run) -> None:
    """--step draws the step with an arrow, and a few around it."""
    lines = swaptrio("trace", log, "--step", 5, "--context", 1).stdout.splitlines()
    steps = [line.split()[0].rstrip("*|") for line in lines if line[:4].strip().isdigit()]

    assert steps == ["4", "5", "6"]
    assert "<--" in "\n".join(lines)


def test_diagram(log: str, swaptrio: Run, document: Document) -> None:
    """--diagram draws what a changelog would show, in fewer columns than a mail has."""
    drawing = draw_diagram(open_trace(log))

    assert drawing.splitlines()[0].split()[0] == "CPU0"
    assert swaptrio("trace", log, "--diagram").stdout.rstrip() == drawing.rstrip()
    assert document(swaptrio("trace", log, "--diagram", "--json"))["diagram"] == drawing
    assert swaptrio("trace", log, "--diagram", "--task", "fault").exit_code == 2


def test_state(log: str, swaptrio: Run, document: Document) -> None:
    """--state prints the world after a step, 0 being before the first."""
    trace = open_trace(log)

    assert swaptrio("trace", log, "--state", 0).stdout == draw_state(trace, 0, 80)
    assert swaptrio("trace", log, "--state", 12).stdout == draw_state(trace, 12, 80)
    narrow = swaptrio("trace", log, "--state", 12, "--width", 60).stdout
    assert max(map(len, narrow.splitlines())) <= 60
    record = document(swaptrio("trace", log, "--state", 12, "--json"))
    assert record["state"] == state_at(trace, 12)
    assert record["event"]["seq"] == record["step"] == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "larg"], "did you mean 'large'?"),
        (["--lock", "swap0 clustre"], "did you mean 'swap0 cluster 0'?"),
        (["--slot", "swap0:1"], "did you mean 'swap0:1"),
        (["--step", 999], "there is no such step; the trace has steps 1 to "),
        (["--state", 999], "there is no such step; the trace has steps 0 to "),
        (["--since-time", 10**15], "no step was then; the trace lasts from 0 to "),
        (["--format", "svgg"], "did you mean 'svg'?"),
        (["--format", "ktap"], "there is no format 'ktap'; there are chrome, ftrace, "),
        (["--html", "x", "--step", 3], "--step means nothing with --html"),
        (["--html", "x", "--format", "svg"], "--format means nothing with --html"),
        (["--format", "svg", "--diff", "x"], "--diff means nothing with --format"),
        (["--state", 3, "--task", "large"], "--task means nothing with --state"),
        (["--diff", "x", "--object", "y"], "--object means nothing with --diff"),
        (["-o", "x"], "--output goes with --format"),
        (["--context", 3], "--context goes with --step"),
        (["--step", 3, "--last", 5], "--last and --step both say which steps"),
        (["--diff", "missing.jsonl"], "missing.jsonl: cannot be read"),
    ],
)
def test_what_means_nothing(
    options: list[Any], message: str, log: str, swaptrio: Run, here: Path
) -> None:
    """A word, a step or a combination that means nothing is refused, with what would."""
    before = sorted(path.name for path in here.rglob("*"))
    result = swaptrio("trace", log, *options)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert sorted(path.name for path in here.rglob("*")) == before


def test_diff(race: str, log: str, swaptrio: Run, document: Document) -> None:
    """--diff tells where two traces part and what differs at the end; --json has it too."""
    swaptrio("replay", race)
    other = "logs/race-v3-between.jsonl"
    difference = diff(open_trace(log), open_trace(other))
    result = swaptrio("trace", log, "--diff", other)
    record = document(swaptrio("trace", log, "--diff", other, "--json"))

    assert result.exit_code == 0
    assert result.stdout == draw_diff(difference, width=80)
    assert difference.first is not None
    assert record["first"]["step"] == difference.first.seq
    assert record["a"]["header"]["variant"] == "chris-literal"
    assert record["b"]["header"]["variant"] == "v3"
    assert record["same"] is False
    assert {key: tuple(value) for key, value in record["end"].items()} == difference.end
    assert [1, 1] in record["tasks"]["large"]


def test_no_difference(log: str, swaptrio: Run, document: Document) -> None:
    """A trace does not differ from itself."""
    record = document(swaptrio("trace", log, "--diff", log, "--json"))

    assert "no difference in any step" in swaptrio("trace", log, "--diff", log).stdout
    assert (record["same"], record["first"], record["end"]) == (True, None, {})


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
