# SPDX-License-Identifier: MIT OR Apache-2.0
"""Making a trace into a file that something else opens."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import Result

from swaptrio.page import render_page
from swaptrio.trace import open_trace
from swaptrio.trace.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., Result]
Document = Callable[[Result], Any]


@pytest.fixture
def log(race: str, swaptrio: Run) -> str:
    """The trace of a violation."""
    swaptrio("replay", race, "--variant", "chris-literal")
    return "logs/race-chris-literal-between.jsonl"


@pytest.fixture
def other(race: str, swaptrio: Run) -> str:
    """The trace of another variant."""
    swaptrio("replay", race)
    return "logs/race-v3-between.jsonl"


@pytest.mark.parametrize("name", FORMATS)
def test_format_beside_the_trace(name: str, log: str, here: Path, swaptrio: Run) -> None:
    """Without a name the file lies beside the trace, with the suffix of its format."""
    result = swaptrio("trace", log, "--format", name)
    path = here / (log.removesuffix(".jsonl") + FORMATS[name].suffix)

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == f"written: {path.relative_to(here)}"
    assert path.read_bytes() == FORMATS[name].function(open_trace(log))


@pytest.mark.parametrize("name", FORMATS)
def test_format_on_stdout(name: str, log: str, here: Path, swaptrio: Run) -> None:
    """``-o -`` writes the bytes to stdout, and nothing else anywhere."""
    result = swaptrio("trace", log, "--format", name, "-o", "-")

    assert result.stdout_bytes == FORMATS[name].function(open_trace(log))
    assert sorted(path.name for path in (here / "logs").iterdir()) == [log.split("/")[1]]


def test_format_where_it_was_wanted(
    log: str, here: Path, swaptrio: Run, document: Document
) -> None:
    """``-o OUT`` names the file; --json says what was written."""
    record = document(swaptrio("trace", log, "--format", "svg", "-o", "x.svg", "--json"))
    size = (here / "x.svg").stat().st_size

    assert record == {"format": "svg", "file": "x.svg", "bytes": size}


def test_help_names_every_format(swaptrio: Run) -> None:
    """The help lists the formats with what they are for."""
    text = " ".join(swaptrio("trace", "--help").stdout.split())

    for each in FORMATS.values():
        assert f" {each.name} {each.summary}" in text


def test_page(log: str, here: Path, swaptrio: Run) -> None:
    """--html writes the page of the trace."""
    result = swaptrio("trace", log, "--html", "page.html")

    assert result.stdout.startswith("written: page.html\n")
    assert (here / "page.html").read_bytes() == render_page(open_trace(log))


def test_page_of_two(log: str, other: str, here: Path, swaptrio: Run) -> None:
    """--html with --diff writes a page with both traces; - is stdout."""
    result = swaptrio("trace", log, "--html", "-", "--diff", other)

    assert result.stdout_bytes == render_page(open_trace(log), open_trace(other))


@pytest.mark.parametrize("options", [["--format", "svg", "-o"], ["--html"]])
class TestFileThatIsWritten:
    """The rules for a file, whatever is in it."""

    def test_takes_the_place_of_an_old_one(
        self, options: list[str], log: str, here: Path, swaptrio: Run
    ) -> None:
        """What stood there is replaced, and nothing else is left behind."""
        (here / "out").write_text("old", encoding="utf-8")
        before = sorted(os.listdir(here))

        assert swaptrio("trace", log, *options, "out").exit_code == 0
        assert (here / "out").stat().st_size > 1000
        assert sorted(os.listdir(here)) == before

    @pytest.mark.parametrize("path", ["no/such/folder", "logs", "/proc/nowhere"])
    def test_that_has_no_place(
        self, options: list[str], path: str, log: str, here: Path, swaptrio: Run
    ) -> None:
        """What cannot be written is said in one line, and nothing is left behind."""
        before = sorted(here.rglob("*"))
        result = swaptrio("trace", log, *options, path)

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"{path}: ")
        assert result.stderr.count("\n") == 1
        assert sorted(here.rglob("*")) == before

    def test_never_takes_the_place_of_the_trace(
        self, options: list[str], log: str, other: str, here: Path, swaptrio: Run
    ) -> None:
        """The trace that is read is not written over, by whatever name."""
        data = (here / log).read_bytes()
        (here / "link").symlink_to(log)
        for path in (log, f"./{log}", "link"):
            result = swaptrio("trace", log, *options, path)
            assert result.exit_code == 2
            assert "would be written over" in result.stderr
        assert (here / log).read_bytes() == data

    def test_document_needs_stdout(
        self, options: list[str], log: str, swaptrio: Run, document: Document
    ) -> None:
        """With --json stdout is taken."""
        result = swaptrio("trace", log, *options, "-", "--json")

        assert result.exit_code == 2
        assert document(result)["error"]["kind"] == "usage"

    def test_is_readable_by_others(
        self, options: list[str], log: str, here: Path, swaptrio: Run
    ) -> None:
        """The file has the mode that any new file has."""
        (here / "new").touch()
        swaptrio("trace", log, *options, "out")

        assert stat.S_IMODE((here / "out").stat().st_mode) == stat.S_IMODE(
            (here / "new").stat().st_mode
        )


def test_trace_that_a_format_refuses(
    log: str, here: Path, swaptrio: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a format cannot show a trace, nothing is written."""
    monkeypatch.setattr("swaptrio.trace.formats.mermaid.MOST", 3)
    before = sorted(here.rglob("*"))
    result = swaptrio("trace", log, "--format", "mermaid")

    assert result.exit_code == 2
    assert sorted(here.rglob("*")) == before
