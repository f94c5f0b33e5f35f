# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploring from the shell: the statement, the counterexample, and the exit code."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import Result

from swaptrio.cli import recording
from swaptrio.explore.stress import STRESSES
from swaptrio.sched import open_scheduler
from swaptrio.trace import open_trace

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from swaptrio.sched import Carrier, Scheduler

Run = Callable[..., Result]
Document = Callable[[Result], Any]

#: What other programs count on.
KEYS = [
    "scenario",
    "variant",
    "complete",
    "bound",
    "executions",
    "traces",
    "states",
    "seconds",
    "violations",
]


#: The ways to explore.
HOW: list[list[Any]] = [[], ["--preemptions", 2], ["--cache"], ["--cache", "--preemptions", 2]]

#: So often a search goes on, at most: a busy machine does little at a time.
TIMES = 30

#: What is swapped out finds no charge, and readahead looks for it meanwhile.
BUSY = """
name = "busy"
title = "A swap-out that is not charged meets readahead"
catalogue = "G06"
references = ["none: this is a test"]
status = "inference"
story = "Both want slot 1."

[[memcg]]
name = "m1"
swap_limit = 0

[[process]]
name = "P"

[[page]]
process = "P"
page = 3

[[task]]
name = "out"
run = "swapout"
process = "P"
page = 3

[[task]]
name = "ahead"
run = "readahead"
device = "swap0"
slot = 1

[[window]]
name = "all"
story = "One after the other."
steps = [{ run = "out" }]

[window.expect.v3]
verdict = "passed"
"""


@pytest.fixture
def calm(race: str) -> str:
    """The race with its small task alone, where nothing fails: it is soon explored."""
    text = Path(race).read_text(encoding="utf-8")
    head, rest = text.split("[kernel]")
    world, tasks = rest.split("[[task]]", 1)
    world = world[world.index("[[process]]") :]
    small = tasks[tasks.index('name = "small"') : tasks.index("[[window]]")]
    window = '[[window]]\nname = "all"\nstory = "It reads."\nsteps = [{ run = "small" }]\n'
    head = head.replace('"race"', '"calm"')
    expect = '[window.expect.v3]\nverdict = "passed"\n'
    text = f"{head}{world}[[task]]\n{small}{window}{expect}"
    Path("calm.toml").write_text(text, encoding="utf-8")
    return "calm.toml"


@pytest.fixture
def busy(here: Path) -> str:
    """A scenario with two tasks that is soon explored, and in which nothing fails."""
    (here / "busy.toml").write_text(BUSY, encoding="utf-8")
    return "busy.toml"


def test_complete(calm: str, swaptrio: Run, document: Document) -> None:
    """A search that ends says so, with the promised keys, and exits with 0."""
    text = swaptrio("explore", calm)
    result = swaptrio("explore", calm, "--json")
    record = document(result)

    assert text.exit_code == result.exit_code == 0
    assert list(record)[: len(KEYS)] == KEYS
    assert record["complete"] is True
    assert record["bound"] is None
    assert record["executions"] == record["traces"] > 0
    assert record["states"] is None
    assert record["violations"] == []
    last = " ".join(text.stdout.split())
    count = record["executions"]
    noun = "execution" if count == 1 else "executions"
    assert f": complete: {count} {noun}, " in last
    assert last.endswith(", no violation")


def test_cache_counts_states(calm: str, swaptrio: Run, document: Document) -> None:
    """With a cache states are counted, and classes are not."""
    record = document(swaptrio("explore", calm, "--cache", "--json"))
    assert record["complete"] is True
    assert record["traces"] is None
    assert record["states"] > record["executions"]


def test_bound_is_named(race: str, swaptrio: Run, document: Document) -> None:
    """The bound is in the record, whether or not the search came to its end."""
    options = ["--variant", "pre", "--preemptions", 0, "--time", 0.2, "--json"]
    record = document(swaptrio("explore", race, *options))
    assert record["complete"] is False
    assert record["bound"] == 0


def test_violation_replays(race: str, swaptrio: Run, document: Document) -> None:
    """A violation that the scenario expects exits with 0, and its command shows it again."""
    result = swaptrio("explore", race, "--variant", "chris-literal", "--json")
    record = document(result)
    (violation,) = record["violations"]

    assert result.exit_code == 0
    assert record["complete"] is False
    assert violation["check"] == "I-PROGRESS"
    again = document(swaptrio(*shlex.split(violation["command"])[1:], "--json"))
    assert again["violation"]["check"] == "I-PROGRESS"
    assert again["schedule"] == violation["schedule"]


def test_a_smaller_scenario_is_told(race: str, swaptrio: Run, document: Document) -> None:
    """What the failure does not take is named, and the command without it fails so, too."""
    options = ["--variant", "chris-literal"]
    text = swaptrio("explore", race, *options).stdout
    (violation,) = document(swaptrio("explore", race, *options, "--json"))["violations"]
    smaller = violation["smaller"]
    again = document(swaptrio(*shlex.split(smaller["command"])[1:], "--json"))

    assert smaller["without"] == ["small", "failures.alloc"]
    assert "smaller: --without small --without failures.alloc --schedule" in text
    assert again["violation"]["check"] == violation["check"]
    assert again["schedule"] == smaller["schedule"]


def test_violation_leaves_its_trace(race: str, swaptrio: Run, document: Document) -> None:
    """The trace of the shortest counterexample lies in logs/; where, and how, is said."""
    options = ["--variant", "chris-literal"]
    (violation,) = document(swaptrio("explore", race, *options, "--json"))["violations"]
    text = swaptrio("explore", race, *options).stdout

    [log] = Path("logs").iterdir()
    assert violation["trace"] == str(log)
    assert open_trace(log).header.verdict.check == "I-PROGRESS"
    assert f"  trace: {log}\n  open it: swaptrio trace {log}\n" in text


def test_violation_outlives_its_trace(race: str, here: Path, swaptrio: Run) -> None:
    """Where the folder for traces takes none the violation is told, and its schedule."""
    (here / "logs").rmdir()
    (here / "logs").symlink_to("/proc")
    result = swaptrio("explore", race, "--variant", "chris-literal")

    assert result.exit_code == 2
    assert "I-PROGRESS" in result.stdout
    assert "schedule: " in result.stdout
    assert "trace: " not in result.stdout
    assert "cannot be written" in result.stderr


def test_unexpected_violation_fails(
    race: str, mine: str, swaptrio: Run, document: Document
) -> None:
    """A violation that no window expects exits with 1."""
    text = Path(race).read_text(encoding="utf-8")
    start = text.index("[window.expect.chris-literal]")
    end = text.index("[[window]]", start)
    Path(race).write_text(text[:start] + text[end:], encoding="utf-8")
    result = swaptrio("explore", race, "--variant", mine)
    assert result.exit_code == 1
    assert "I-PROGRESS" in result.stdout
    assert "not as expected: verdict: expected passed" in result.stdout
    assert "stopped at the first violation" in " ".join(result.stdout.split())


def test_no_conclusion_fails(race: str, swaptrio: Run, document: Document) -> None:
    """A search that its time has ended concludes nothing, and exits with 1."""
    result = swaptrio("explore", race, "--time", 0.01, "--json")
    record = document(result)
    assert result.exit_code == 1
    assert record["complete"] is False
    assert "inconclusive because its time of 0.01 s is over" in record["statement"]


@pytest.mark.parametrize(
    "options",
    [
        ["--preemptions", -1],
        ["--preemptions", 10**9],
        ["--time", 0],
        ["--time", -3],
        ["--time", "nan"],
    ],
)
def test_bad_bounds_are_refused(options: list[Any], race: str, swaptrio: Run) -> None:
    """A bound that means nothing is a mistake in the command line."""
    result = swaptrio("explore", race, *options)
    assert result.exit_code == 2
    assert str(options[0]) in result.stderr


@pytest.mark.parametrize("how", HOW)
def test_search_goes_on_from_a_file(
    how: list[Any], race: str, swaptrio: Run, document: Document
) -> None:
    """A search that was cut short goes on where it was, and counts on."""
    options = ["explore", race, *how, "--resume", "kept.json", "--time", 0.3, "--json"]
    counts = [document(swaptrio(*options))["executions"]]
    while len(counts) < TIMES and counts[-1] < 3 * max(1, counts[0]):
        counts.append(document(swaptrio(*options))["executions"])
    assert counts == sorted(counts)
    assert counts[-1] >= 3 * max(1, counts[0])
    kept = json.loads(Path("kept.json").read_text(encoding="utf-8"))
    assert kept["executions"] == counts[-1]


def test_a_search_that_has_not_begun_goes_on(
    race: str, swaptrio: Run, document: Document
) -> None:
    """What is kept where there was no time for one execution is no less a search."""
    for how in HOW:
        options = ["explore", race, *how, "--resume", "kept.json", "--json", "--time"]
        assert document(swaptrio(*options, 1e-9))["executions"] == 0
        assert Path("kept.json").exists()
        assert swaptrio(*options, 0.1).exit_code == 1
        Path("kept.json").unlink()


def test_search_goes_on_with_other_processes(
    race: str, swaptrio: Run, document: Document
) -> None:
    """However many processes have begun, any number goes on from the file."""
    counts = []
    for jobs, seconds in ((2, 4), (1, 2), (3, 2)):
        options = ["--resume", "kept.json", "--jobs", jobs, "--time", seconds, "--json"]
        counts.append(document(swaptrio("explore", race, *options))["executions"])
    assert 0 < counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("how", HOW)
def test_nothing_is_kept_of_a_search_that_is_done(
    how: list[Any], calm: str, swaptrio: Run
) -> None:
    """Where there is nothing to go on with there is no file."""
    assert swaptrio("explore", calm, *how, "--resume", "kept.json").exit_code == 0
    assert not Path("kept.json").exists()


def test_file_of_another_search_is_refused(calm: str, race: str, swaptrio: Run) -> None:
    """A search goes on only with the scenario, the variant and the options that it was of."""
    swaptrio("explore", race, "--resume", "kept.json", "--time", 0.3)
    before = Path("kept.json").read_bytes()
    for words in (
        [race, "--variant", "pre"],
        [calm],
        [race, "--all"],
        [race, "--preemptions", "3"],
        [race, "--cache"],
    ):
        result = swaptrio("explore", *words, "--resume", "kept.json")
        assert result.exit_code == 2
        assert "kept.json: cannot go on from it: it is of another" in result.stderr
        assert Path("kept.json").read_bytes() == before
    Path("kept.json").write_bytes(before[: len(before) // 2])
    result = swaptrio("explore", race, "--resume", "kept.json")
    assert result.exit_code == 2
    assert "was cut" in result.stderr
    assert Path("kept.json").read_bytes() == before[: len(before) // 2]


@pytest.mark.parametrize("options", [[], ["--preemptions", 99]])
def test_processes_tell_the_same(
    options: list[Any], calm: str, swaptrio: Run, document: Document
) -> None:
    """The record does not depend on the number of processes, but for the seconds."""
    command = ["explore", calm, *options, "--json", "--jobs"]
    records = [document(swaptrio(*command, jobs)) for jobs in (1, 2)]
    for record in records:
        record.pop("seconds")
    assert records[0] == records[1]
    assert records[0]["complete"] is True


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--cache"],
        ["--preemptions", 1],
        ["--jobs", 2],
        ["--variant", "chris-literal"],
    ],
)
def test_carriers_tell_the_same(
    options: list[Any],
    race: str,
    calm: str,
    swaptrio: Run,
    document: Document,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The record does not depend on who carries the tasks, and that is who was asked for."""
    used: list[str] = []

    def opened(carrier: Carrier) -> AbstractAsyncContextManager[Scheduler]:
        used.append(carrier)
        return open_scheduler(carrier)

    monkeypatch.setattr(recording, "open_scheduler", opened)
    name = race if "--variant" in options else calm
    records = []
    for carrier in ("trio", "stepped"):
        command = ["explore", name, *options, "--carrier", carrier, "--json"]
        records.append(document(swaptrio(*command)))
        records[-1].pop("seconds")

    assert records[0] == records[1]
    assert records[0]["executions"] > 0
    assert used == ["trio", "stepped"]


@pytest.mark.parametrize("jobs", [0, -2, 10_000, "many"])
def test_bad_numbers_of_processes_are_refused(jobs: Any, calm: str, swaptrio: Run) -> None:
    """No process, or more than a machine can have, is a slip of the finger."""
    result = swaptrio("explore", calm, "--jobs", jobs)
    assert result.exit_code == 2
    assert "--jobs" in result.stderr


def test_processes_do_not_share_states(calm: str, swaptrio: Run) -> None:
    """What one search keeps for itself cannot be shared out."""
    for options in (["--cache"], ["--cache", "--preemptions", 1]):
        result = swaptrio("explore", calm, "--jobs", 2, *options)
        assert result.exit_code == 2
        assert "--jobs works without --cache: which steps" in result.stderr


def test_numbers_beside_a_complete_search(busy: str, swaptrio: Run, document: Document) -> None:
    """Who never came into a window is proved not to, and no bound is left to be told."""
    text = " ".join(swaptrio("explore", busy).stdout.split())
    numbers = document(swaptrio("explore", busy, "--json"))["numbers"]

    assert "never seen (proved unreachable): " in text
    assert "unseen mass: none, as all was explored" in text
    assert "no failure that the checks can see was missed, of any depth; " in text
    assert text.endswith(", no violation")
    assert any(window["entered"] for window in numbers["windows"])
    assert {each["why"] for each in numbers["never_entered"]} == {"proved unreachable"}
    assert numbers["unseen_mass"] is None
    assert [each["missed"] for each in numbers["pct"]] == [0.0, 0.0, 0.0]
    assert 0 < numbers["pct"][0]["executions_needed"] < numbers["pct"][2]["executions_needed"]


def test_what_is_proved_unreachable_never_happens(
    busy: str, swaptrio: Run, document: Document
) -> None:
    """Chance comes into no window that a search has closed, and into all that it has opened."""
    searched = document(swaptrio("explore", busy, "--json"))["numbers"]
    options = ("--strategy", "random", "--seeds", 3000, "--json")
    sampled = document(swaptrio("fuzz", busy, *options))["numbers"]

    assert searched["never_entered"]
    assert ways(sampled["windows"]) == ways(searched["windows"])
    never = [{**each, "why": ""} for each in searched["never_entered"]]
    assert never == [{**each, "why": ""} for each in sampled["never_entered"]]


def ways(windows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Who came into which window."""
    return [
        (window["task"], window["opens"], window["closes"], by["task"], by["label"])
        for window in windows
        for by in window["entered"]
    ]


@pytest.mark.parametrize(
    ("options", "why", "bound"),
    [
        (["--time", 0.001], "not sampled", "a search that has not come to its end"),
        (
            ["--preemptions", 0],
            "proved unreachable within 0 preemptions",
            "failures that take more preemptions",
        ),
    ],
    ids=["cut", "bounded"],
)
def test_numbers_beside_a_search_that_is_not_complete(
    options: list[Any], why: str, bound: str, busy: str, swaptrio: Run, document: Document
) -> None:
    """What was not seen has the reason that goes with the search, and no bound is claimed."""
    text = " ".join(swaptrio("explore", busy, *options).stdout.split())
    numbers = document(swaptrio("explore", busy, *options, "--json"))["numbers"]

    assert f"never seen ({why}): " in text
    assert "unseen mass: not known, as a search draws nothing by chance" in text
    assert f"no bound is known for {bound}; to miss a bug of depth" in text
    assert {each["why"] for each in numbers["never_entered"]} == {why}
    assert [each["missed"] for each in numbers["pct"]] == [None, None, None]


def test_states_prove_nothing_of_windows(busy: str, swaptrio: Run, document: Document) -> None:
    """With a cache what follows a known state is not seen again, and that is said."""
    options = ("explore", busy, "--cache", "--time", 1)
    text = " ".join(swaptrio(*options).stdout.split())
    numbers = document(swaptrio(*options, "--json"))["numbers"]

    assert "what follows a state that was met before is not gone through again" in text
    assert {each["why"] for each in numbers["never_entered"]} == {"not sampled"}


def test_windows_are_those_of_the_whole_search(
    busy: str, swaptrio: Run, document: Document
) -> None:
    """A search that goes on from a file, or is shared, tells what one in one piece tells."""
    whole = document(swaptrio("explore", busy, "--json"))
    shared = document(swaptrio("explore", busy, "--jobs", 2, "--json"))
    assert shared["numbers"] == whole["numbers"]

    cut = {"complete": False, "numbers": {}}
    for _ in range(100):
        options = ("--resume", "kept.json", "--time", 0.02, "--json")
        before, cut = cut, document(swaptrio("explore", busy, *options))
        if cut["complete"]:
            break
    assert cut["numbers"] == whole["numbers"]
    assert before["numbers"] != whole["numbers"]


def test_each_window_is_listed(busy: str, swaptrio: Run, document: Document) -> None:
    """With --windows the text has every window, and the statement still comes last."""
    lines = swaptrio("explore", busy, "--windows").stdout.splitlines()
    numbers = document(swaptrio("explore", busy, "--json"))["numbers"]

    passed = [line for line in lines if ": passed " in line]
    never = [line for line in lines if line.strip().startswith("never by ")]
    assert len(passed) == len(numbers["windows"])
    assert len(never) == len(numbers["never_entered"])
    assert all(line.endswith(": proved unreachable") for line in never)
    assert lines[-1].strip().endswith("no violation")


def test_what_a_stress_test_would_hit(race: str, swaptrio: Run, document: Document) -> None:
    """A violation tells how often random walks hit it, as fuzzing tells it."""
    options = ("--variant", "chris-literal", "--json")
    (violation,) = document(swaptrio("explore", race, *options))["violations"]
    text = " ".join(swaptrio("explore", race, *options[:2]).stdout.split())
    walks = ("--strategy", "random", "--seeds", STRESSES)
    failures = document(swaptrio("fuzz", race, *options, *walks))["failures"]

    (same,) = [each for each in failures if each["check"] == violation["check"]]
    assert violation["stress"] == same["stress"]
    assert violation["stress"]["hits"] == same["count"] > 0
    assert "a plain stress test would hit it in about 1 in " in text


@pytest.mark.parametrize("how", [[], ["--cache"]])
def test_a_livelock_ends_by_its_cycle(
    how: list[str], swaptrio: Run, document: Document
) -> None:
    """It is the verdict that the scenario expects, and what goes round is told."""
    name = "readahead-has-cache-livelock"
    result = swaptrio("explore", name, "--variant", "no-tick", *how, "--json")

    assert result.exit_code == 0
    (found,) = document(result)["violations"]
    assert (found["verdict"], found["check"]) == ("livelock", "starvation")
    assert len(found["cycle"]) == 4
    assert "urgent read_swap_cache_async.tick" in found["cycle"]


@pytest.mark.parametrize("how", [[], ["--cache"]])
@pytest.mark.parametrize(
    ("name", "variant", "check", "first"),
    [
        ("shmem-direct-swapin-livelock", "no-tick", "starvation", "second"),
        ("charge-fail-clobbers-neighbour-shadows", "chris-literal", "I-PROGRESS", "fault"),
    ],
)
def test_a_cycle_is_shown(
    name: str, variant: str, check: str, first: str, how: list[str], swaptrio: Run
) -> None:
    """For people, too, in the order of its steps and back to the first."""
    result = swaptrio("explore", name, "--variant", variant, *how)
    assert f"livelock: {check}" in result.stdout
    assert f"goes round: {first} " in result.stdout
