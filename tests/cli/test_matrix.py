# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio matrix``: the table, its other forms, and what is wrong in it."""

from __future__ import annotations

import errno
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result

from swaptrio.scenario.files import find, names
from swaptrio.variants import VERSIONS
from swaptrio.variants import names as variant_names

Run = Callable[..., Result]

SMALL = ("two-faults-one-slot", "v4-while-orders-without-thp")


@pytest.fixture
def altered(tmp_path: Path) -> str:
    """A scenario file that expects of v3 what does not come."""
    text = find("two-faults-one-slot").read_text(encoding="utf-8")
    path = tmp_path / "two-faults-one-slot.toml"
    entry = '[window.expect.v3]\nverdict = "passed"'
    assert entry in text
    path.write_text(
        text.replace(entry, entry.replace("passed", "deadlock"), 1), encoding="utf-8"
    )
    return str(path)


def test_everything_is_as_expected(swaptrio: Run) -> None:
    """All scenarios in all variants end as their files say, with one row and cell for each."""
    result = swaptrio("matrix", "--variants", "all", "--json")

    cells = json.loads(result.stdout)["cells"]
    assert result.exit_code == 0
    assert {(cell["scenario"], cell["variant"]) for cell in cells} == {
        (scenario, variant) for scenario in names() for variant in variant_names()
    }
    assert {cell["standing"] for cell in cells} == {"ok", "fails", "n/a"}


def test_table(swaptrio: Run) -> None:
    """A scenario a line, a version a column, in at most 100 columns."""
    lines = swaptrio("matrix").stdout.splitlines()

    assert lines[0].split() == list(VERSIONS)
    assert len(
        [line for line in lines if line[:1] in "ABCDEFGH" and line[1:3].isdigit()]
    ) == len(names())
    assert max(map(len, lines)) <= 100
    assert lines[-1].endswith(" 0 WRONG")


def test_some_of_it(swaptrio: Run) -> None:
    """Named scenarios and variants only, in the order in which they are named."""
    result = swaptrio("matrix", *SMALL, "--variants", "v4,pre", "--json")

    cells = json.loads(result.stdout)["cells"]
    assert [(cell["scenario"], cell["variant"]) for cell in cells] == [
        (scenario, variant) for scenario in SMALL for variant in ("v4", "pre")
    ]
    assert [cell["standing"] for cell in cells] == ["ok", "ok", "fails", "ok"]
    assert cells[2]["checks"] == ["I-PROGRESS"]


def test_unexpected(swaptrio: Run, altered: str) -> None:
    """A cell that is not as expected is told, with how to replay it: exit 1."""
    result = swaptrio("matrix", altered, "--variants", "v3")

    assert result.exit_code == 1
    assert "WRONG" in result.stdout
    assert "verdict: expected deadlock, got passed" in result.stdout
    command = next(line for line in result.stdout.splitlines() if "swaptrio replay" in line)
    assert shlex.split(command)[1:] == [
        "replay", altered, "--variant", "v3", "--window", "main"
    ]  # fmt: skip
    _, _, opener = result.stdout.partition("  open it: swaptrio ")
    assert swaptrio(*shlex.split(opener.splitlines()[0])).exit_code == 0


@pytest.mark.parametrize("report", ["markdown", "junit"])
def test_unexpected_beside_a_report(swaptrio: Run, altered: str, report: str) -> None:
    """What is not as expected is told beside a report, which is for another program."""
    result = swaptrio("matrix", altered, "--variants", "v3", "--format", report)

    assert result.exit_code == 1
    assert "open it" not in result.stdout
    _, _, opener = result.stderr.partition("  open it: swaptrio ")
    assert swaptrio(*shlex.split(opener.splitlines()[0])).exit_code == 0


def test_unexpected_outlives_its_trace(
    swaptrio: Run, altered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full the table stands, and the exit code."""

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("swaptrio.trace.write.os.fsync", full)
    result = swaptrio("matrix", altered, "--variants", "v3")

    assert result.exit_code == 1
    assert "verdict: expected deadlock, got passed" in result.stdout
    assert "trace: " not in result.stdout
    assert "cannot be written: No space left on device" in result.stderr


def test_what_is_as_expected_writes_nothing(swaptrio: Run) -> None:
    """Traces are kept of cells that are WRONG, and of no others."""
    assert swaptrio("matrix", *SMALL, "--variants", "v4").exit_code == 0
    assert list(Path("logs").iterdir()) == []


def test_the_command_replays_the_cell(swaptrio: Run) -> None:
    """What the JSON gives as a command plays that window in that version."""
    result = swaptrio("matrix", SMALL[1], "--variants", "v4", "--json")
    [cell] = json.loads(result.stdout)["cells"]

    again = swaptrio(*shlex.split(cell["windows"][0]["command"])[1:], "--json")

    assert json.loads(again.stdout)["verdict"] == cell["windows"][0]["verdict"]


def test_markdown(swaptrio: Run) -> None:
    """A table for a page, with the checks that are broken as expected."""
    lines = swaptrio("matrix", SMALL[1], "--format", "markdown").stdout.splitlines()

    assert lines[0] == f"| entry | scenario | {' | '.join(VERSIONS)} |"
    assert lines[2].startswith(f"| A11 | {SMALL[1]} |")
    assert "I-PROGRESS" in lines[2]


def test_junit(swaptrio: Run, altered: str) -> None:
    """A suite a window and a case a version; what is unexpected is a failure."""
    result = swaptrio("matrix", altered, "--format", "junit")

    suites = ElementTree.fromstring(result.stdout)
    failed = [
        case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["v3"]
    assert len(suites.findall(".//testcase")) == len(VERSIONS)


def test_own_variant(swaptrio: Run, tmp_path: Path) -> None:
    """A file with a variant is a column like any other."""
    path = tmp_path / "mine.py"
    path.write_text('"""Mine."""\nBASE = "v3"\n', encoding="utf-8")

    result = swaptrio("matrix", SMALL[0], "--variants", f"v3,{path}", "--json")

    cells = json.loads(result.stdout)["cells"]
    assert [cell["variant"] for cell in cells] == ["v3", "mine"]
    assert f"--variant {path}" in cells[1]["windows"][0]["command"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--variants", "v33"), "did you mean"),
        (("two-fault-one-slot",), "did you mean"),
        (("--format", "junit", "--json"), "standard output cannot have both"),
    ],
)
def test_bad_input(swaptrio: Run, arguments: tuple[str, ...], message: str) -> None:
    """Unknown names, and two documents on one stream, are errors: exit 2."""
    result = swaptrio("matrix", *arguments)

    assert result.exit_code == 2
    assert message in result.output
