# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fuzzing from the shell: each failure once, short, with what replays it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import Result

from swaptrio.trace import open_trace

Run = Callable[..., Result]
Document = Callable[[Result], Any]

#: What other programs count on.
KEYS = ("scenario", "variant", "executions", "steps", "seconds", "failures")
FAILURE_KEYS = ("check", "count", "seed", "schedule")


def test_nothing_found(race: str, swaptrio: Run, document: Document) -> None:
    """Without a failure the exit code is 0, and the record has the promised keys."""
    text = swaptrio("fuzz", race, "--seeds", 50)
    result = swaptrio("fuzz", race, "--seeds", 50, "--json")
    record = document(result)

    assert text.exit_code == result.exit_code == 0
    assert text.stdout.startswith("race, variant v3: 50 executions, ")
    assert text.stdout.endswith("\n  no failure\n")
    assert list(KEYS) == [key for key in record if key in KEYS]
    assert (record["executions"], record["failures"]) == (50, [])
    assert list(Path("logs").iterdir()) == []


@pytest.mark.parametrize("variant", ["chris-literal", "no-second-check", "pre", "mine.py"])
def test_failure_is_told_once_and_replays(
    variant: str, race: str, mine: str, swaptrio: Run, document: Document
) -> None:
    """A failure has its first seed, a short schedule, a trace, and a command to repeat it."""
    options = ("--variant", variant, "--strategy", "random", "--seeds", 100, "--json")
    result = swaptrio("fuzz", race, *options)
    record = document(result)

    assert result.exit_code == 1
    assert len({failure["check"] for failure in record["failures"]}) == len(record["failures"])
    for failure in record["failures"]:
        assert set(FAILURE_KEYS) <= set(failure)
        assert 0 < failure["count"] <= 100
        again = document(swaptrio(*shlex.split(failure["command"])[1:], "--json"))
        assert again["violation"]["check"] == failure["check"]
        assert again["schedule"] == failure["schedule"]
        assert again["trace"] == failure["trace"]
        by_seed = ["replay", race, "--variant", variant, "--seed", failure["seed"], "--json"]
        first = document(swaptrio(*by_seed))
        assert first["violation"]["check"] == failure["check"]
        assert first["schedule"] == failure["first_schedule"]
        assert failure["schedule"].count(",") <= 1


def test_trace_of_a_failure_is_that_of_its_command(
    race: str, swaptrio: Run, document: Document
) -> None:
    """Fuzzing and replaying the command that it prints write the same bytes."""
    record = document(swaptrio("fuzz", race, "--variant", "pre", "--seeds", 100, "--json"))
    [failure] = record["failures"]
    written = Path(failure["trace"]).read_bytes()

    swaptrio(*shlex.split(failure["command"])[1:])

    assert Path(failure["trace"]).read_bytes() == written
    assert str(open_trace(failure["trace"]).header.schedule) == failure["schedule"]


def test_text_holds_the_command(race: str, mine: str, swaptrio: Run) -> None:
    """For people the command stands on a line of its own, ready to be pasted."""
    result = swaptrio("fuzz", race, "--variant", mine, "--seeds", 20)
    [line] = [line for line in result.stdout.splitlines() if " replay " in line]

    assert result.exit_code == 1
    assert swaptrio(*shlex.split(line)[1:]).exit_code == 1
    assert result.stderr.replace("this file talks\n", "") == ""


def test_seeds_begin_where_asked(race: str, swaptrio: Run, document: Document) -> None:
    """The first seed is that of --seed-start."""
    start = ["fuzz", race, "--variant", "chris-literal", "--seeds", 30, "--json"]
    seeds = {document(swaptrio(*start, "--seed-start", at))["failures"][0]["seed"]
             for at in (0, 40, 1000)}  # fmt: skip

    assert len(seeds) == 3
    assert [seed // 40 for seed in sorted(seeds)] == [0, 1, 25]


def test_several_scenarios(race: str, swaptrio: Run, document: Document) -> None:
    """Several names give a list of results, in their order."""
    both = [race, "large-vs-small-neighbour"]
    result = swaptrio("fuzz", *both, "--seeds", 5, "--json")
    text = swaptrio("fuzz", *both, "--seeds", 5)

    names = [record["scenario"] for record in document(result)["results"]]
    assert names == ["race", "large-vs-small-neighbour"]
    assert text.stdout.index("race, variant v3") < text.stdout.index("large-vs-small-neighbour")


def test_nothing_runs_if_one_name_is_wrong(race: str, swaptrio: Run) -> None:
    """All names are read before the first execution, and all that is wrong is told at once."""
    result = swaptrio("fuzz", race, "rac", "no-such.toml", "--variant", "v33", "--seeds", 10**9)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 3
    assert result.stdout == ""


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["race.toml", "--seeds", "0"],
        ["race.toml", "--seeds", "9" * 30],
        ["a", "--seed-start", "-1"],
    ],
)
def test_usage(options: list[str], swaptrio: Run) -> None:
    """A name is needed, a seed at least, not more than anybody runs, and none below 0."""
    assert swaptrio("fuzz", *options).exit_code == 2


def test_open_command(race: str, swaptrio: Run) -> None:
    """Below a failure stands what opens its trace."""
    text = swaptrio("fuzz", race, "--variant", "chris-literal", "--seeds", 50).stdout
    [command] = [line.split(": ")[1] for line in text.splitlines() if "open it: " in line]

    assert swaptrio(*shlex.split(command)[1:]).exit_code == 0


def test_ktap(race: str, swaptrio: Run) -> None:
    """--format ktap prints a test for each scenario, and nothing else."""
    good = swaptrio("fuzz", race, "--seeds", 20, "--format", "ktap")
    bad = swaptrio(
        "fuzz", race, "--seeds", 50, "--variant", "chris-literal", "--format", "ktap"
    )

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert good.stdout.startswith("KTAP version 1\n1..1\n  KTAP version 1\n")
    assert good.stdout.endswith("  ok 1 v3\nok 1 race\n")
    assert re.search(r"\n  # windows: \d+ passed, entered in \d+ ways", good.stdout)
    assert "\n  # no bound is known for auto; " in good.stdout
    assert "  # expected passed, got livelock (I-PROGRESS)\n" in bad.stdout
    assert "  # swaptrio replay race.toml --variant chris-literal --schedule" in bad.stdout
    assert re.search(r"  # open it: swaptrio trace logs/race-\S+\.jsonl\n", bad.stdout)
    assert bad.stdout.endswith("  not ok 1 chris-literal\nnot ok 1 race\n")
    assert good.stderr == bad.stderr == ""


def test_junit(race: str, swaptrio: Run) -> None:
    """--format junit prints XML, in which a failure is one."""
    text = swaptrio(
        "fuzz", race, "--seeds", 50, "--variant", "chris-literal", "--format", "junit"
    ).stdout
    suites = ElementTree.fromstring(text)

    assert (suites.get("tests"), suites.get("failures")) == ("1", "1")
    [failure] = suites.iter("failure")
    assert failure.get("type") == "livelock (I-PROGRESS)"
    assert (failure.text or "").splitlines()[-1].startswith("open it: swaptrio trace logs/")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "junitt"], "did you mean 'junit'?"),
        (["--format", "svg"], "there is no format 'svg'; there are ktap, junit"),
        (["--format", "ktap", "--json"], "cannot have both"),
    ],
)
def test_report_that_means_nothing(
    options: list[str], message: str, race: str, swaptrio: Run
) -> None:
    """A format of traces is none of results, and stdout holds one thing."""
    result = swaptrio("fuzz", race, *options)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize("strategy", ["pct:3", "pos", "urw", "feedback", "auto"])
def test_other_strategies(strategy: str, race: str, swaptrio: Run, document: Document) -> None:
    """Any strategy can decide; what it finds replays like any other failure."""
    options = ("--variant", "no-second-check", "--seeds", 60, "--strategy", strategy, "--json")
    record = document(swaptrio("fuzz", race, *options))

    (failure,) = [each for each in record["failures"] if each["check"] == "I-ONE"]
    command = shlex.split(failure["command"])
    assert document(swaptrio(*command[1:], "--json"))["violation"]["check"] == "I-ONE"


def test_unknown_strategy(race: str, swaptrio: Run) -> None:
    """A strategy that there is not is refused, with the nearest one."""
    result = swaptrio("fuzz", race, "--strategy", "randon")

    assert result.exit_code == 2
    assert "did you mean 'random'?" in result.stderr


def test_numbers_beside_no_failure(race: str, swaptrio: Run, document: Document) -> None:
    """What a run without a failure is worth is said: windows, classes, and what is left."""
    options = ("--strategy", "random", "--seeds", 60)
    text = " ".join(swaptrio("fuzz", race, *options).stdout.split())
    numbers = document(swaptrio("fuzz", race, *options, "--json"))["numbers"]

    assert "ways were never seen (not sampled): " in text
    assert "the next is of a new one with a chance of " in text
    assert "no bound is known for random" in text
    assert 0 < numbers["classes"] <= 60
    once = numbers["classes_seen_once"]
    assert numbers["unseen_mass"]["estimate"] == once / 60 < numbers["unseen_mass"]["bound"]
    assert any(window["entered"] for window in numbers["windows"])
    assert {each["why"] for each in numbers["never_entered"]} == {"not sampled"}
    assert [each["depth"] for each in numbers["pct"]] == [1, 2, 3]
    assert [each["missed"] for each in numbers["pct"]] == [None, None, None]


def test_no_unseen_mass_where_nothing_is_drawn_alike(
    race: str, swaptrio: Run, document: Document
) -> None:
    """A strategy that learns draws no two executions alike, so nothing is said of the rest."""
    learned = document(swaptrio("fuzz", race, "--seeds", 60, "--json"))["numbers"]
    text = " ".join(swaptrio("fuzz", race, "--seeds", 60).stdout.split())

    assert learned["unseen_mass"] is None
    assert "auto does not draw them independently" in text


def test_bound_of_pct(race: str, swaptrio: Run, document: Document) -> None:
    """Under PCT the chance to have missed a bug is bounded, up to its depth."""
    options = ("--seeds", 200, "--strategy", "pct:2")
    bounds = document(swaptrio("fuzz", race, *options, "--json"))["numbers"]["pct"]
    text = " ".join(swaptrio("fuzz", race, *options).stdout.split())

    assert 0 < bounds[0]["missed"] == bounds[1]["missed"] < 1
    assert bounds[2]["missed"] is None
    assert "by PCT's bound: of depth 1 with" in text
    assert "no bound is known beyond depth 2" in text


def test_bound_of_a_depth_beyond_all_numbers(
    race: str, swaptrio: Run, document: Document
) -> None:
    """However deep PCT goes, what it may have missed is a number, and no error."""
    options = ("--seeds", 20, "--strategy", "pct:9999", "--json")
    bounds = document(swaptrio("fuzz", race, *options))["numbers"]["pct"]

    assert [each["missed"] for each in bounds] == [1.0, 1.0, 1.0]


def test_bound_of_pct_counts_no_execution_that_only_measures(
    race: str, swaptrio: Run, document: Document
) -> None:
    """One execution under PCT has no change points, so that it bounds nothing."""
    options = ("--seeds", 1, "--strategy", "pct:2", "--json")
    bounds = document(swaptrio("fuzz", race, *options))["numbers"]["pct"]

    assert [each["missed"] for each in bounds] == [1.0, 1.0, None]


def test_each_window_is_listed(race: str, swaptrio: Run, document: Document) -> None:
    """With --windows the text has every window: who came in, and who never did and why."""
    options = ("fuzz", race, "--strategy", "random", "--seeds", 60)
    lines = [line.strip() for line in swaptrio(*options, "--windows").stdout.splitlines()]
    numbers = document(swaptrio(*options, "--json"))["numbers"]

    for window in numbers["windows"]:
        text = f"{window['task']}, from {window['opens']} to {window['closes']}: passed "
        place = next(at for at, line in enumerate(lines) if line.startswith(text))
        for by in window["entered"]:
            place += 1
            told = f"entered by {by['task']} at {by['label']}: {by['times']} times"
            assert lines[place] == told
    never = [line for line in lines if line.startswith("never by ")]
    assert len(never) == len(numbers["never_entered"])
    assert all(line.endswith(": not sampled") for line in never)


@pytest.mark.parametrize("strategy", ["random", "pos"])
def test_what_a_stress_test_would_hit(
    strategy: str, race: str, swaptrio: Run, document: Document
) -> None:
    """A failure tells how often random walks fail so, whatever strategy has found it."""
    options = ("--variant", "chris-literal", "--seeds", 100, "--json")
    walked = document(swaptrio("fuzz", race, *options, "--strategy", "random"))["failures"]
    found = document(swaptrio("fuzz", race, *options, "--strategy", strategy))["failures"]

    stress = found[0]["stress"]
    assert stress["executions"] == 100
    assert stress["hits"] == walked[0]["count"]
    low, high = stress["interval95"]
    assert 0 <= low <= stress["chance"] <= high <= 1


@pytest.mark.parametrize(
    "interest",
    [
        "swap0 cluster 0",
        "swap0:17",
        "folio 0x1000",
        "swap_cache_alloc.check/swap_cache_alloc.recheck",
    ],
    ids=["lock", "slot", "folio", "window"],
)
def test_what_surw_finds_interesting(interest: str, race: str, swaptrio: Run) -> None:
    """One lock, one slot's word, one folio or one window: the code is known to touch each."""
    result = swaptrio("fuzz", race, "--seeds", 20, "--strategy", f"surw:{interest}")

    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("surw:swap0:99", "'swap0:99' fits nothing in any of 20 executions of race"),
        ("surw:no.such/no.label", "'no.such/no.label' fits nothing"),
        ("surw:swap_cache_alloc.rechek", "did you mean 'swap_cache_alloc.recheck'?"),
        ("surw:nothing*", "'nothing*' fits nothing in any of 20 executions of race"),
        ("window:nowhere.at/nowhere.else", "'nowhere.at/nowhere.else' fits nothing"),
    ],
)
def test_an_interest_that_nothing_touches(
    strategy: str, message: str, race: str, swaptrio: Run
) -> None:
    """A strategy that was told to look at what never comes is no success, and says so."""
    result = swaptrio("fuzz", race, "--seeds", 20, "--strategy", strategy)
    good = swaptrio("fuzz", race, "--seeds", 20, "--strategy", "surw:swap0 cluster*")

    assert (result.exit_code, good.exit_code) == (2, 0)
    assert message in result.stderr
    assert good.stderr == ""


NONDETERMINISTIC = '''"""Fails now, and not when it is asked again."""

from itertools import count

from swaptrio.mm.kernel import plain
from swaptrio.sched import point
from swaptrio.variants import v3

BASE = "v3"
CALLS = count()


async def swapin_sync(kernel, *args, **named):
    """As v3, with a step more in every other execution."""
    if next(CALLS) % 4 < 2:
        await point("swapin_sync.sometimes")
    return await plain(v3.swapin_sync)(kernel, *args, **named)
'''


@pytest.mark.parametrize("options", [(), ("--json",), ("--format", "ktap")])
def test_program_that_is_not_deterministic(
    options: tuple[str, ...], race: str, swaptrio: Run
) -> None:
    """It is noticed, its first differing step told, and nothing is concluded from it."""
    Path("dice.py").write_text(NONDETERMINISTIC, encoding="utf-8")

    result = swaptrio("fuzz", race, "--variant", "dice.py", "--seeds", 50, *options)

    assert result.exit_code == 3
    assert "swapin_sync.sometimes" in " ".join(result.stdout.split())
    assert "no failure" not in result.stdout
    assert "windows:" not in result.stdout
