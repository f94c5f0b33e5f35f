# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replaying: what is played, how it is judged, what is said and kept."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from swaptrio.scenario.files import find, names
from swaptrio.scenario.load import load
from swaptrio.trace import draw_lanes, open_trace
from swaptrio.variants import names as variants

Run = Callable[..., Result]
Document = Callable[[Result], Any]

#: What other programs count on.
KEYS = (
    "scenario",
    "variant",
    "schedule",
    "verdict",
    "violation",
    "as_expected",
    "steps",
    "trace",
)


def arguments(command: str) -> list[str]:
    """What follows the program's name in a printed command."""
    program, *rest = shlex.split(command.replace("\\\n", ""))
    assert program == "swaptrio"
    return rest


@pytest.mark.parametrize("name", names())
def test_shipped_windows_are_as_expected(name: str, swaptrio: Run, document: Document) -> None:
    """Each window of each scenario ends as its file says of each variant that it names."""
    for window in load(find(name)).window:
        for variant in window.expect:
            result = swaptrio(
                "replay", name, "--variant", variant, "--window", window.name, "--json"
            )
            assert document(result)["as_expected"], result.stdout
            assert result.exit_code == 0


def test_first_window_is_played(race: str, swaptrio: Run, document: Document) -> None:
    """Without more, the first window is played with v3; the record has the promised keys."""
    result = swaptrio("replay", race, "--json")
    record = document(result)

    assert result.exit_code == 0
    assert list(KEYS) == [key for key in record if key in KEYS]
    assert (record["scenario"], record["variant"], record["window"]) == (
        "race",
        "v3",
        "between",
    )
    assert (record["verdict"], record["violation"]) == ("passed", None)
    assert record["as_expected"] is True
    assert record["trace"] == "logs/race-v3-between.jsonl"
    assert open_trace(record["trace"]).header.steps == record["steps"]


def test_expected_violation_is_success(race: str, swaptrio: Run, document: Document) -> None:
    """A bug that the scenario expects is as expected, and told with its place."""
    result = swaptrio("replay", race, "--variant", "chris-literal", "--json")
    violation = document(result)["violation"]

    assert result.exit_code == 0
    assert (violation["ending"], violation["check"]) == ("livelock", "I-PROGRESS")
    assert "order -1" in violation["message"]
    assert (violation["task"], violation["label"]) == ("large", "swap_cache_alloc.check")
    assert violation["cycle"] == ["large swap_cache_alloc.check"]


def test_missed_expectation_is_failure(race: str, swaptrio: Run, document: Document) -> None:
    """What is not as the scenario says is listed, and the exit code is 1."""
    text = swaptrio("replay", race, "--window", "wrong")
    result = swaptrio("replay", race, "--window", "wrong", "--json")

    assert text.exit_code == result.exit_code == 1
    message = "result of large: expected VM_FAULT_OOM, got mapped"
    assert f"NOT as expected:\n  {message}\n" in text.stdout
    assert document(result)["missed"] == [message]
    assert document(result)["as_expected"] is False


def test_not_applicable_says_why(race: str, swaptrio: Run, document: Document) -> None:
    """A window that means nothing to a variant is not played; the reason is told."""
    text = swaptrio("replay", race, "--variant", "pre")
    record = document(swaptrio("replay", race, "--variant", "pre", "--json"))

    assert text.exit_code == 0
    assert "not applicable\n  it has no second check\n" in text.stdout
    assert (record["verdict"], record["as_expected"]) == ("n/a", True)
    assert set(KEYS) <= set(record)
    assert list(Path("logs").iterdir()) == []


def test_window_that_is_not_reached(race: str, swaptrio: Run, document: Document) -> None:
    """A window that cannot be reached is a mistake in its file: exit code 2, and its place."""
    text = swaptrio("replay", race, "--window", "never")
    result = swaptrio("replay", race, "--window", "never", "--json")

    assert text.exit_code == result.exit_code == 2
    assert text.stderr.startswith("race.toml: window[2].steps[1]: the window cannot be reached")
    assert document(result)["verdict"] == "window-not-reached"
    assert document(result)["as_expected"] is False
    assert list(Path("logs").iterdir()) == []


@pytest.mark.parametrize("variant", ["chris-literal", "pre"])
def test_seed_is_judged_by_all_windows(
    variant: str, race: str, swaptrio: Run, document: Document
) -> None:
    """A random walk is as expected only if it passes or fails as some window must."""
    expected = 0 if variant == "chris-literal" else 1
    for seed in range(100):
        result = swaptrio("replay", race, "--variant", variant, "--seed", seed, "--json")
        record = document(result)
        if record["verdict"] != "passed":
            break

    assert record["violation"]["check"] == ("I-ERRNO" if expected else "I-PROGRESS")
    assert record["as_expected"] is (expected == 0)
    assert result.exit_code == expected
    assert (record["seed"], record["window"]) == (seed, None)
    assert record["trace"] == f"logs/race-{variant}-seed-{seed}.jsonl"


def test_schedule_repeats_the_execution(race: str, swaptrio: Run, document: Document) -> None:
    """The schedule of an execution gives it once more, from its token and from its trace."""
    first = document(swaptrio("replay", race, "--variant", "pre", "--seed", 3, "--json"))

    for schedule in (first["schedule"], first["trace"]):
        again = document(
            swaptrio("replay", race, "--variant", "pre", "--schedule", schedule, "--json")
        )
        for key in ("schedule", "verdict", "violation", "steps", "results"):
            assert again[key] == first[key]


@pytest.mark.parametrize("scenario", ["race.toml", "large-vs-small-neighbour"])
@pytest.mark.parametrize("variant", ["mine.py", "chris-literal"])
def test_failure_prints_what_replays_it(
    scenario: str, variant: str, race: str, mine: str, swaptrio: Run, document: Document
) -> None:
    """Below the picture of a failure stands a command that fails with the same check."""
    text = swaptrio("replay", scenario, "--variant", variant).stdout
    printed = text[text.index("swaptrio replay") : text.index("\n\n", text.index("swaptrio r"))]
    again = document(swaptrio(*arguments(printed), "--json"))

    assert again["violation"]["check"] == "I-PROGRESS"
    assert arguments(again["command"]) == arguments(printed)


def test_variant_of_ones_own(race: str, mine: str, swaptrio: Run, document: Document) -> None:
    """A variant file is held to what its BASE must do, and its talk does not reach stdout."""
    result = swaptrio("replay", race, "--variant", mine, "--json")
    record = document(result)

    assert result.exit_code == 1
    assert record["variant"] == "mine"
    assert "this file talks" in result.stderr
    assert any("expected passed" in line for line in record["missed"])


def test_crash_in_ones_own_variant(race: str, here: Path, swaptrio: Run) -> None:
    """An exception in a variant is a verdict of error that names its file and line."""
    text = 'BASE = "v3"\nasync def swap_cache_alloc_folio(*args):\n    return 1 / 0\n'
    (here / "broken.py").write_text(text, encoding="utf-8")

    result = swaptrio("replay", race, "--variant", "broken.py")

    assert result.exit_code == 1
    assert "ZeroDivisionError: division by zero" in result.stdout
    assert "raised in broken.py, line 3\n" in result.stdout
    assert "Traceback" not in result.output
    assert "Traceback" in swaptrio("replay", race, "--variant", "broken.py", "--debug").stderr


def test_divergence(race: str, swaptrio: Run, document: Document) -> None:
    """A schedule that does not fit ends with 3, and says step, expected and found."""
    token = "5:1@small/do_swap_page.nowhere"
    text = swaptrio("replay", race, "--schedule", token)
    result = swaptrio("replay", race, "--schedule", token, "--json")

    assert text.exit_code == result.exit_code == 3
    assert "diverged at step 5\n  expected: number 1, small at do_swap_page.n" in text.stdout
    assert "  found:    small at start\n" in text.stdout
    assert document(result)["diverged"] == {
        "step": 5,
        "expected": "number 1, small at do_swap_page.nowhere",
        "found": "small at start",
    }
    assert document(result)["as_expected"] is False
    assert list(Path("logs").iterdir()) == []


def test_trace_of_something_else(race: str, swaptrio: Run) -> None:
    """A trace of another scenario or variant is refused with 3, and said to be that."""
    swaptrio("replay", race, "--variant", "chris-literal")
    log = "logs/race-chris-literal-between.jsonl"

    other_variant = swaptrio("replay", race, "--schedule", log)
    other_scenario = swaptrio("replay", "large-vs-small-neighbour", "--schedule", log)

    assert other_variant.exit_code == other_scenario.exit_code == 3
    assert "the trace is one of variant 'chris-literal', not v3" in other_variant.stderr
    assert "the trace is one of scenario 'race', not large-vs" in other_scenario.stderr


def test_log_is_chosen(race: str, here: Path, swaptrio: Run, document: Document) -> None:
    """--log says where the trace goes, even that of an execution that diverged."""
    swaptrio("replay", race, "--log", "one.jsonl")
    swaptrio("replay", race, "--schedule", "5:1@a/b", "--log", "two.jsonl")

    assert open_trace("one.jsonl").header.verdict.passed
    assert open_trace("two.jsonl").header.verdict.ending == "diverged"
    assert list((here / "logs").iterdir()) == []


def test_logs_is_made(race: str, here: Path, swaptrio: Run, monkeypatch: Any) -> None:
    """Where there is no folder for traces, neither here nor in a checkout, one is made here."""
    monkeypatch.setattr("swaptrio.cli.recording.scenarios", lambda: here / "nowhere" / "x")
    (here / "logs").rmdir()

    assert swaptrio("replay", race).exit_code == 0
    assert [path.name for path in (here / "logs").iterdir()] == ["race-v3-between.jsonl"]


def test_trace_header_says_what_ran(race: str, swaptrio: Run) -> None:
    """The trace names scenario, variant, window and seed, so that it stands for itself."""
    swaptrio("replay", race, "--log", "window.jsonl")
    swaptrio("replay", race, "--seed", 4, "--log", "seed.jsonl")
    window, seed = open_trace("window.jsonl").header, open_trace("seed.jsonl").header

    assert (window.scenario, window.variant, window.seed) == ("race", "v3", None)
    assert window.window == (
        "run large until swap_cache_alloc.recheck",
        "run small until charge_memcg.wait",
    )
    assert (seed.window, seed.seed) == ((), 4)
    assert len(seed.scenario_digest) == 12


@pytest.mark.parametrize(("columns", "width"), [("40", 76), ("100", 100), ("500", 120)])
def test_picture_has_the_width_of_the_terminal(
    columns: str, width: int, race: str, swaptrio: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is as wide as the terminal, between 76 and 120, and has no colours here."""
    monkeypatch.setenv("COLUMNS", columns)
    result = swaptrio("replay", race)

    picture = draw_lanes(open_trace("logs/race-v3-between.jsonl"), width=width)
    assert picture in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--seed", "1", "--schedule", "-"],
        ["--window", "between", "--seed", "1"],
        ["--seed", "-1"],
        ["--seed", "x"],
    ],
)
def test_options_that_do_not_go_together(options: list[str], race: str, swaptrio: Run) -> None:
    """One execution is asked for in one way; a seed counts from 0."""
    result = swaptrio("replay", race, *options)

    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: swaptrio replay")


def test_unknown_window_gets_a_hint(race: str, swaptrio: Run) -> None:
    """A window that is nearly right is named right."""
    result = swaptrio("replay", race, "--window", "betwen")

    assert result.exit_code == 2
    assert "(got 'betwen'); did you mean 'between'?" in result.stderr


def test_all_variants_can_be_named(race: str, swaptrio: Run) -> None:
    """Each shipped variant plays a race that does not know it."""
    for variant in variants():
        result = swaptrio("replay", race, "--variant", variant, "--window", "wrong")
        assert result.exit_code in (0, 1)


def test_schedule_by_names(race: str, swaptrio: Run, document: Document) -> None:
    """A schedule by names leads where that by numbers does, and each prints the other."""
    options = ("--variant", "no-second-check", "--json")
    names = "large#1@swap_cache_alloc.recheck -> small"
    one = document(swaptrio("replay", race, "--schedule", names, *options))
    other = document(swaptrio("replay", race, "--schedule", one["schedule"], *options))

    assert one["violation"]["check"] == "I-ONE"
    assert one["names"] == other["names"] == names
    assert one == other


def test_schedule_by_names_that_does_not_fit(race: str, swaptrio: Run) -> None:
    """A label that was renamed is told with the nearest that the task comes to."""
    wrong = swaptrio("replay", race, "--schedule", "large#1@swap_cache_alloc.rechecks -> small")
    worse = swaptrio("replay", race, "--schedule", "large -> small")

    assert wrong.exit_code == 3
    assert "is it swap_cache_alloc.recheck now?" in " ".join(wrong.stdout.split())
    assert worse.exit_code == 2
    assert "no place TASK#N@LABEL in 'large'" in worse.stderr


def test_a_part_taken_out(race: str, swaptrio: Run, document: Document) -> None:
    """Tasks and kinds of failure can be taken out; the command that replays it says so."""
    out = ("--without", "small", "--without", "failures.alloc")
    options = (*out, "--variant", "chris-literal", "--seed", 3, "--json")
    result = document(swaptrio("replay", race, *options))
    again = document(swaptrio(*shlex.split(result["command"])[1:], "--json"))

    assert list(result["results"]) in ([], ["large"])
    assert "--without small --without failures.alloc" in result["command"]
    assert again["verdict"] == result["verdict"]
    assert again["steps"] == result["steps"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--without", "smal", "--seed", "1"], "there are large, small, failures.alloc"),
        (["--without", "large", "--without", "small", "--seed", "1"], "no task would be left"),
        (["--without", "slots.swap0:17", "--seed", "1"], "did you mean 'slots.swap0:16'?"),
        (["--without", "small"], "a window needs the whole scenario"),
    ],
)
def test_what_cannot_be_taken_out(
    options: list[str], message: str, race: str, swaptrio: Run
) -> None:
    """What is not there, all tasks, and anything of a window cannot be taken out."""
    result = swaptrio("replay", race, *options)

    assert result.exit_code == 2
    assert message in result.stderr
