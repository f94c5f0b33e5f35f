# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio certify``: what it says of a version, in a mail and for a program."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from swaptrio.cli import certify as command
from swaptrio.cli.certify import certify
from swaptrio.scenario.files import find
from swaptrio.study.certify import Budget

Run = Callable[..., Result]
Document = Callable[[Result], Any]

PAGE = Path(__file__).parents[2] / "docs" / "your-own-version.md"

#: Of one class, of a few, of more than is run here, of none.
ONE, FEW, MANY, ABSENT = (
    "stats-before-charge",
    "v4-while-orders-without-thp",
    "two-faults-one-slot",
    "reserved-but-not-cached",
)
#: The race that comes back where the owner is not looked up again, and one that v5 has too.
RACE, KNOWN = "slot-recycled-between-checks", "readahead-over-bad-slot"

LITTLE = ("--executions", 5, "--seeds", 3, "--jobs", 1)


@pytest.fixture
def without_second_look(here: Path) -> str:
    """v5, but the owner is read at the first check only: the version that the docs write."""
    found = re.search(r"<!-- v6 -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    (here / "v6.py").write_text(found[1], encoding="utf-8")
    return "v6.py"


def repeat_of(text: str) -> list[str]:
    """The words of the command below a certificate, as a shell reads them."""
    _, _, repeat = text.partition("Repeat it:\n")
    return shlex.split(repeat.replace("\\\n", ""))


def by_name(document: Any) -> dict[str, Any]:
    """What the document says of each scenario."""
    return {each["scenario"]: each for each in document["scenarios"]}


def test_a_race_that_came_back(swaptrio: Run, without_second_look: str) -> None:
    """It is newly opened, with the check, the version without it, and a command: exit 1."""
    names = (RACE, KNOWN, FEW)
    result = swaptrio("certify", *names, "--variant", without_second_look, *LITTLE)

    assert result.exit_code == 1
    assert "3 scenarios: 1 newly opened, 1 open, 1 closed\n" in result.stdout
    _, _, told = result.stdout.partition("NEWLY OPENED: v6 fails in a way v5 was not seen to")
    told, _, _ = told.partition("\n\n")
    assert "A03 slot-recycled-between-checks" in told
    assert "violation of I-OWNER, window main" in told
    assert "v5: inconclusive; 5 classes, schedules: 3 of auto, 3 of random" in told
    line = next(line for line in told.splitlines() if line.startswith("swaptrio replay"))
    again = swaptrio(*shlex.split(line)[1:])
    assert "violation of I-OWNER" in again.stdout
    assert again.exit_code == 1


def test_what_fails_leaves_its_trace(swaptrio: Run, without_second_look: str) -> None:
    """Each failure of the version has a trace, and the command that opens it is on stderr."""
    names = (RACE, KNOWN, FEW)
    result = swaptrio("certify", *names, "--variant", without_second_look, *LITTLE)

    assert "logs/" not in result.stdout
    told = dict(line.split(": ") for line in result.stderr.splitlines())
    assert list(told) == [
        f"trace of {RACE}, violation of I-OWNER",
        f"trace of {KNOWN}, violation of I-KIND",
    ]
    for about, line in told.items():
        opened = swaptrio(*shlex.split(line)[1:])
        assert line.startswith("swaptrio trace logs/")
        assert about.rpartition(", ")[2] in opened.stdout


def test_what_passes_leaves_no_trace(swaptrio: Run, here: Path) -> None:
    """Where nothing fails nothing is written, and nothing is told."""
    result = swaptrio("certify", FEW, *LITTLE)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert not list(here.rglob("*.jsonl"))


def test_a_trace_that_cannot_be_kept(
    swaptrio: Run, here: Path, without_second_look: str
) -> None:
    """The certificate is told all the same, and that there is no trace, too."""
    words = ("certify", RACE, "--variant", without_second_look, *LITTLE)
    told = swaptrio(*words)
    [path] = (here / "logs").iterdir()
    path.unlink()
    path.mkdir()
    result = swaptrio(*words)

    assert result.stdout == told.stdout
    assert f"logs/{path.name}: " in result.stderr
    assert "swaptrio trace" not in result.stderr
    assert result.exit_code == 1


def test_head(swaptrio: Run, without_second_look: str) -> None:
    """Versions by name and content, what the model is, and what was looked at."""
    lines = swaptrio("certify", ONE, "--variant", without_second_look, *LITTLE).stdout
    text = " ".join(lines.partition("\n\n")[0].split())

    assert re.match(r"swaptrio \S+: v6 against v5 v6: sha256 [0-9a-f]{12} of v6.py,", text)
    assert "v5: the series as merged (mainline of mid 2026" in text
    assert re.search(r"model: sha256 [0-9a-f]{12} of its code", text)
    assert "no weak memory" in text
    assert "at most 5 executions" in text
    assert "3 of auto and 3 of random" in text


def test_the_version_under_review(swaptrio: Run, document: Document) -> None:
    """v3 has two races that v5 has closed, and one that both have; v5 opens nothing."""
    names = ("mixed-owner-range", "readahead-caches-hibernation-slot", KNOWN, ONE)
    opened = swaptrio("certify", *names, "--variant", "v3", *LITTLE, "--json")
    closed = swaptrio(
        "certify", *names, "--variant", "v5", "--against", "v3", *LITTLE,
        "--executions", 80, "--json",
    )  # fmt: skip

    standing = {name: each["standing"] for name, each in by_name(document(opened)).items()}
    assert list(standing.values()) == ["newly opened", "newly opened", "open", "closed"]
    assert opened.exit_code == 1
    standing = {name: each["standing"] for name, each in by_name(document(closed)).items()}
    assert list(standing.values()) == ["no longer seen", "newly closed", "open", "closed"]
    assert closed.exit_code == 0


def test_one_execution_never_proves(swaptrio: Run, document: Document) -> None:
    """With a bound of one nothing is closed but what has one class of executions."""
    names = (ONE, FEW, MANY, "alloc-charge-swap-rollback", "offline-memcg-swapin")
    result = swaptrio(
        "certify", *names, "--variant", "v5", "--executions", 1, "--seeds", 2, "--jobs", 1,
        "--json",
    )  # fmt: skip

    found = by_name(document(result))
    outcomes = {name: each["variant"]["outcome"] for name, each in found.items()}
    assert outcomes.pop(ONE) == "proved within bounds"
    assert set(outcomes.values()) == {"inconclusive"}
    assert found[ONE]["variant"]["classes"] == 1
    assert found[FEW]["variant"]["ended"] == "its 1 executions are over"


def test_it_fits_a_mail(swaptrio: Run, here: Path) -> None:
    """Less than 76 columns, whatever is called how; no line is a --- of its own."""
    deep = here / ("folder-" * 9)
    deep.mkdir()
    (deep / "mine.py").write_text('"""Mine."""\nBASE = "v4"\n', encoding="utf-8")
    names = (RACE, KNOWN, FEW, MANY, ABSENT, "charge-fail-clobbers-neighbour-shadows")
    text = swaptrio("certify", *names, "--variant", deep / "mine.py", *LITTLE).stdout

    assert text.isascii()
    assert max(map(len, text.splitlines())) < 76
    assert not any(line.startswith("---") for line in text.splitlines())


def test_text_and_document_say_the_same(
    swaptrio: Run, document: Document, without_second_look: str
) -> None:
    """Each scenario stands in the text below its standing, with the numbers of the JSON."""
    names = (RACE, KNOWN, FEW, MANY, ABSENT)
    arguments = ("certify", *names, "--variant", without_second_look, *LITTLE)
    text = swaptrio(*arguments).stdout
    found = document(swaptrio(*arguments, "--json"))

    sections = {part.partition(":")[0].lower(): part for part in text.split("\n\n")}
    for each in found["scenarios"]:
        section = " ".join(sections[each["standing"]].split())
        assert f"{each['catalogue']} {each['scenario']}" in section
        for failing in each["variant"]["failing"]:
            assert f"{failing['verdict']} of {failing['check']}, {failing['found']}" in section
        if each["standing"] == "n/a":
            assert each["variant"]["reason"] in section
        elif not each["variant"]["failing"]:
            chance = sum(each["variant"]["schedules"].values())
            runs = f"{each['variant']['classes']}{f'+{chance}' if chance else ''}"
            bounds = each["bounds"]
            assert (
                f"{each['scenario']} {runs} {bounds['tasks']} {bounds['slots'][0]} "
                f"{','.join(map(str, bounds['orders']))} {len(bounds['failures'])}"
            ) in section
    told = [f"{count} {name}" for name, count in found["counts"].items() if count]
    assert f"5 scenarios: {', '.join(told)}" in text
    assert sum(found["counts"].values()) == 5
    assert found["model"] in text
    assert found["variant"]["sha256"] in text
    assert shlex.split(found["command"]) == repeat_of(text)


def test_it_repeats(swaptrio: Run, without_second_look: str) -> None:
    """The command at the end gives the same text; and so do other numbers of processes."""
    names = (RACE, FEW, MANY)
    first = swaptrio("certify", *names, "--variant", without_second_look, *LITTLE).stdout

    assert swaptrio(*repeat_of(first)[1:], "--jobs", 1).stdout == first
    assert swaptrio(*repeat_of(first)[1:], "--jobs", 2).stdout == first


def test_it_is_the_same_in_any_process(spawn: Callable[..., Any]) -> None:
    """Neither the hash seed nor the process takes part."""
    texts = [
        spawn("certify", MANY, KNOWN, *LITTLE, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "4711")
    ]
    assert texts[0] == texts[1] != ""


def test_a_window_that_is_not_entered(swaptrio: Run, here: Path) -> None:
    """It has shown nothing, and that is told, whatever else has passed: exit 1."""
    text = find(FEW).read_text(encoding="utf-8")
    assert text.count("vma_alloc_folio.alloc") == 1
    led = text.replace("vma_alloc_folio.alloc", "swapoff.lock")
    (here / f"{FEW}.toml").write_text(led, encoding="utf-8")
    result = swaptrio("certify", f"{FEW}.toml", "--variant", "v5", *LITTLE)

    assert result.exit_code == 1
    assert "; 1 not as expected" in result.stdout
    _, _, told = result.stdout.partition("NOT AS EXPECTED of v5 (1)\n")
    assert told.startswith(f"A11 {FEW}: window allocation-fails was not entered:")


def test_a_window_that_passes_otherwise(swaptrio: Run, here: Path, document: Document) -> None:
    """Other results than the scenario expects are no failure, and no success: exit 1."""
    text = find(ONE).read_text(encoding="utf-8")
    count = '"m1.nr_swapcache" = 0'
    assert count in text
    other = text.replace(count, count.replace("0", "3"))
    (here / f"{ONE}.toml").write_text(other, encoding="utf-8")
    result = swaptrio("certify", f"{ONE}.toml", "--variant", "v5", *LITTLE, "--json")

    found = by_name(document(result))[ONE]
    assert found["standing"] == "closed"
    assert found["amiss"] == ["window main: counter m1.nr_swapcache: expected 3, got 0"]
    assert result.exit_code == 1


def test_all_words_that_nobody_knows_at_once(swaptrio: Run) -> None:
    """Both versions and the scenarios are looked up before anything is said: exit 2."""
    result = swaptrio(
        "certify", "two-fault-one-slot", "--variant", "v33", "--against", "v55", *LITTLE
    )

    assert result.exit_code == 2
    for word in ("two-faults-one-slot", "v33", "v55"):
        assert word in result.output
    assert result.output.count("did you mean") == 3


def test_two_versions_of_one_name(swaptrio: Run, here: Path) -> None:
    """Nobody could tell them apart in the text: exit 2."""
    (here / "v5.py").write_text('"""Mine."""\nBASE = "v5"\n', encoding="utf-8")
    result = swaptrio("certify", ONE, "--variant", "v5.py", *LITTLE)

    assert result.exit_code == 2
    assert "v5.py and v5 are both called v5" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strategy", "sruw"), "did you mean 'surw'"),
        (("--time", "nan"), "nan is no number of seconds"),
        (("--executions", "0"), "0 is not in the range"),
    ],
)
def test_usage(swaptrio: Run, arguments: tuple[str, ...], message: str) -> None:
    """What an option cannot take is told: exit 2."""
    result = swaptrio("certify", ONE, *arguments)

    assert result.exit_code == 2
    assert message in result.output


def test_a_time_is_told(swaptrio: Run, document: Document) -> None:
    """Where a clock has decided, the text says so, and the search why it ended."""
    arguments = ("certify", MANY, "--time", "0.001", "--seeds", 2, "--jobs", 1)
    text = swaptrio(*arguments).stdout
    found = by_name(document(swaptrio(*arguments, "--json")))[MANY]

    assert "at most 0.001 s, so that the counts depend on the machine" in " ".join(text.split())
    assert repeat_of(text)[-4:] == ["--time", "0.001", "--seeds", "2"]
    assert found["variant"]["ended"] == "its time of 0.001 s is over"


def test_against_itself(swaptrio: Run) -> None:
    """A version opens nothing that it has itself, and is told once."""
    result = swaptrio("certify", KNOWN, "--variant", "v5", *LITTLE)

    assert result.exit_code == 0
    assert result.stdout.count("the series as merged") == 1
    assert result.stdout.count("v5: fails (violation of I-KIND)") == 1


def test_the_defaults_are_those_of_the_study() -> None:
    """What the help says is what is run."""
    options = {option.name: option.default for option in certify.params}

    assert options["seeds"] == Budget().seeds
    assert options["strategies"] == Budget().strategies
    assert f"{Budget().executions} if no --time" in inspect.getsource(command)


def test_more_seeds_than_anybody_waits_for_are_refused(swaptrio: Run) -> None:
    """As they are by each command that draws."""
    result = swaptrio("certify", ONE, "--seeds", 10**12 + 1)

    assert result.exit_code == 2
    assert "--seeds" in result.stderr


def test_an_interest_that_fits_nothing_is_refused(swaptrio: Run) -> None:
    """Nothing is certified by schedules that were told to look at what is not there."""
    result = swaptrio("certify", MANY, *LITTLE, "--strategy", "surw:swap_cache_alloc.chekc")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "'swap_cache_alloc.chekc' fits nothing" in result.stderr
    assert "did you mean 'swap_cache_alloc.check'?" in result.stderr


def test_an_interest_is_not_asked_for_where_nothing_is_drawn(swaptrio: Run) -> None:
    """A search alone needs no strategy, so that what one is told does not matter."""
    result = swaptrio(
        "certify",
        ONE,
        "--executions",
        5,
        "--seeds",
        0,
        "--jobs",
        1,
        "--strategy",
        "surw:nothing",
    )

    assert result.exit_code == 0
