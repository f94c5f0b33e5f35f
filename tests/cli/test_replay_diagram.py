# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replaying a drawing from the command line: is the drawn race possible in this variant?"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swaptrio.cli.app import cli
from swaptrio.trace import open_trace

Run = Callable[..., Result]
Document = Callable[[Result], Any]

DRAWINGS = Path(__file__).parents[1] / "diagram" / "drawings"

RACE = """
CPU0                CPU1
(large)             (small)
vma_alloc_folio()
                    insert
insert
"""


@pytest.fixture
def drawn(here: Path) -> Callable[[str], str]:
    """Writes a drawing, and gives its path."""

    def write(text: str) -> str:
        (here / "race.txt").write_text(text, encoding="utf-8")
        return "race.txt"

    return write


def test_a_possible_race(drawn: Callable[[str], str], race: str, swaptrio: Run) -> None:
    """What the drawing asks for happens, is drawn, and is kept with its window."""
    result = swaptrio("replay", race, "--diagram", drawn(f"{RACE} *** passed ***\n"))

    assert result.exit_code == 0, result.output
    assert "the drawn race is possible: passed\n" in result.stdout
    assert "as expected: passed\n" in result.stdout
    trace = open_trace("logs/race-v3-drawn-race.jsonl")
    assert trace.header.window[0] == "run large until swap_cache_alloc.recheck"


def test_the_window_is_written_as_a_scenario_has_it(
    drawn: Callable[[str], str], race: str, here: Path, swaptrio: Run, document: Document
) -> None:
    """The steps can be copied into a scenario file, and there they lead to the same trace."""
    file = drawn(RACE.replace("insert", "ends", 1))
    text = swaptrio("replay", race, "--diagram", file).stdout
    assert "the same as a window of a scenario:\n" in text
    steps = text[text.index("  steps = [") : text.index("\n  ]") + 4]
    record = document(swaptrio("replay", race, "--diagram", file, "--json"))
    assert tomllib.loads(steps)["steps"] == [
        {key: value for key, value in step.items() if value not in ("", 1)}
        for step in record["diagram"]["steps"]
    ]

    with (here / race).open("a", encoding="utf-8") as stream:
        stream.write(f'\n[[window]]\nname = "drawn"\nstory = "As drawn."\n{steps}\n')
        stream.write('\n[window.expect.v3]\nverdict = "passed"\n')
    played = document(swaptrio("replay", race, "--window", "drawn", "--json"))

    assert "error" not in played, played
    assert played["schedule"] == record["schedule"]


def test_a_label_that_no_scenario_may_name_is_told(
    drawn: Callable[[str], str], race: str, swaptrio: Run
) -> None:
    """The steps of channels are drawn and replayed, but not all can be copied."""
    text = swaptrio("replay", race, "--diagram", drawn(RACE)).stdout
    assert "(but a scenario file may not name charger.send):" in " ".join(text.split())


def test_an_impossible_race(race: str, drawn: Callable[[str], str], swaptrio: Run) -> None:
    """The line that cannot be carried out is named, with what happened instead; code 1."""
    text = "CPU0\n(small)\ninsert\ncheck\n"
    result = swaptrio("replay", race, "--diagram", drawn(text))

    assert result.exit_code == 1
    assert (
        "NOT as expected:\n  the drawn race is not possible at line 4: small" in result.stdout
    )
    assert result.stdout.count("not possible") == 1
    assert "steps = [" not in result.stdout


def test_a_result_that_is_not_the_drawn_one(
    race: str, drawn: Callable[[str], str], swaptrio: Run, document: Document
) -> None:
    """A drawing that tells another result than there is is not as expected."""
    file = drawn(f"{RACE} *** violation of BUG ***\n")
    record = document(swaptrio("replay", race, "--diagram", file, "--json"))

    assert record["missed"] == ["result: the drawing says violation of BUG, and it is passed"]
    assert (record["diagram"]["possible"], record["diagram"]["as_claimed"]) == (True, False)
    assert swaptrio("replay", race, "--diagram", file).exit_code == 1


def test_without_a_result_the_scenario_decides(
    race: str, drawn: Callable[[str], str], swaptrio: Run
) -> None:
    """A drawing that tells none is held against what the scenario expects of the variant."""
    file = drawn(RACE)

    bad = swaptrio("replay", race, "--variant", "chris-literal", "--diagram", file)
    assert bad.exit_code == 0
    assert "as expected: passed or livelock of I-PROGRESS\n" in bad.stdout


def test_what_is_not_understood(race: str, drawn: Callable[[str], str], swaptrio: Run) -> None:
    """Unknown functions get the nearest, ambiguous lines all that they may be; code 2."""
    text = "CPU0\n(large)\nvma_aloc_folio()\nlock\n"
    result = swaptrio("replay", race, "--diagram", drawn(text))

    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("race.txt: line 3: ")
    assert first.endswith("did you mean 'vma_alloc_folio.alloc'?")
    assert second.startswith("race.txt: line 4: this may be any of ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"nothing here\n", "there is no header"),
        (b" " * (4 * 2**20 + 1), "larger than 4 MB"),
    ],
)
def test_a_file_without_a_drawing(
    content: bytes | None, told: str, race: str, here: Path, swaptrio: Run
) -> None:
    """What cannot be read, or is no drawing, is said in one line."""
    if content is not None:
        (here / "race.txt").write_bytes(content)
    result = swaptrio("replay", race, "--diagram", "race.txt")

    assert result.exit_code == 2
    assert result.stderr.startswith("race.txt: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_drawing_from_a_pipe(race: str) -> None:
    """A minus stands for standard input, so that a mail can be piped in."""
    args = ["replay", race, "--diagram", "-"]
    result = CliRunner().invoke(cli, args, input=RACE, prog_name="swaptrio")

    assert result.exit_code == 0, result.output
    assert Path("logs/race-v3-drawn-stdin.jsonl").is_file()


@pytest.mark.parametrize("other", ["--window", "--schedule", "--seed"])
def test_a_drawing_alone_decides(other: str, race: str, swaptrio: Run) -> None:
    """Nothing else may say how the execution goes."""
    result = swaptrio("replay", race, "--diagram", "race.txt", other, "1")
    assert result.exit_code == 2
    assert "can be given" in result.stderr


def test_what_is_drawn_can_be_replayed(race: str, here: Path, swaptrio: Run) -> None:
    """The drawing of a trace leads, by way of its file, to the same result."""
    swaptrio("replay", race, "--variant", "chris-literal", "--log", "first.jsonl")
    drawing = swaptrio("trace", "first.jsonl", "--diagram").stdout
    (here / "again.txt").write_text(drawing, encoding="utf-8")

    result = swaptrio("replay", race, "--variant", "chris-literal", "--diagram", "again.txt")

    assert result.exit_code == 0, result.output
    assert "possible: livelock (I-PROGRESS)" in result.stdout


def test_a_drawing_by_hand_of_a_shipped_scenario(swaptrio: Run) -> None:
    """The drawings by hand of the tests of the room go this way, too."""
    file = DRAWINGS / "a06-neighbour-freed-between-checks.txt"
    name = "neighbour-freed-between-checks"
    result = swaptrio("replay", name, "--variant", "pre", "--diagram", file)

    assert result.exit_code == 0, result.output
    assert "the drawn race is possible: violation of I-ERRNO\n" in result.stdout
