# SPDX-License-Identifier: MIT OR Apache-2.0
"""What goes to which stream, and what happens when nobody reads it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.cli.console import Console, LiveLine

if TYPE_CHECKING:
    from pathlib import Path

Spawn = Callable[..., "subprocess.CompletedProcess[str]"]

COMMAND = [sys.executable, "-m", "swaptrio.cli"]


def on_a_terminal(*args: str, typed: bool = False, **env: str) -> str:
    """What a command writes to stdout if that is a terminal, and stdin is if it is *typed*."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *args],
        stdin=end if typed else subprocess.DEVNULL,
        stdout=end,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **env},
    ):
        os.close(end)
        output = b""
        with suppress(OSError):
            while part := os.read(terminal, 65536):
                output += part
    os.close(terminal)
    return output.decode()


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["show", "race.toml"],
        ["replay", "race.toml"],
        ["fuzz", "race.toml", "--seeds", "20", "--variant", "pre"],
        ["trace", "logs/race-v3-between.jsonl"],
        ["conform", "v.jsonl"],
        ["doctor"],
    ],
    ids=lambda command: command[0],
)
def test_json_is_all_there_is(
    command: list[str], race: str, here: Any, vector: dict[str, Any], spawn: Spawn
) -> None:
    """With --json stdout holds one document; in a pipe nothing is said on stderr."""
    (here / "v.jsonl").write_text(json.dumps(vector) + "\n", encoding="utf-8")
    if command[0] == "trace":
        spawn("replay", race)
    result = spawn(*command, "--json")

    assert isinstance(json.loads(result.stdout), dict)
    assert result.stderr == ""


def test_no_progress_in_a_pipe(race: str, spawn: Spawn) -> None:
    """Without a terminal there is no progress line."""
    result = spawn("fuzz", race, "--seeds", 1000)

    assert result.returncode == 0
    assert result.stderr == ""
    assert "\r" not in result.stdout


def test_reader_that_goes_away(race: str) -> None:
    """A closed pipe ends the output without a word; the exit code stays that of the command."""
    for command, code in (["replay", race, "--window", "wrong"], 1), (["list"], 0):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*COMMAND, *command], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writing)

        assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_full_disk(race: str) -> None:
    """Output that cannot be written is said, and is no success."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 2
    assert done.stderr == "standard output cannot be written: No space left on device\n"


def test_stdout_that_is_closed(race: str) -> None:
    """Without any stdout a command still does its work."""
    command = " ".join([*COMMAND, "replay", race, ">&-"])
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_colours_only_on_a_terminal(race: str) -> None:
    """A terminal gets colours, unless NO_COLOR is set or it has none."""
    assert "\x1b[" in on_a_terminal("replay", race)
    assert "\x1b[" not in on_a_terminal("replay", race, NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("replay", race, TERM="dumb")


def test_colours_on_demand(race: str, spawn: Spawn) -> None:
    """FORCE_COLOR puts colours into a pipe; NO_COLOR is stronger, and 0 is no demand."""
    assert "\x1b[" in spawn("replay", race, env={"FORCE_COLOR": "1"}).stdout
    for env in (
        {"FORCE_COLOR": "1", "NO_COLOR": "1"},
        {"FORCE_COLOR": "0"},
        {"FORCE_COLOR": ""},
        {},
    ):
        assert "\x1b[" not in spawn("replay", race, env=env).stdout


@pytest.fixture
def pager(here: Path) -> str:
    """A pager that says that it was asked."""
    path = here / "pager"
    path.write_text("#!/bin/sh\necho PAGED $1\ncat\n", encoding="utf-8")
    path.chmod(0o755)
    return f"{path} well"


def paged(pager: str, *options: str, lines: str = "20", typed: bool = True) -> str:
    """What tracing a long trace writes to a terminal of some *lines*."""
    command = ("trace", "logs/race-v3-between.jsonl", *options)
    return on_a_terminal(*command, typed=typed, PAGER=pager, LINES=lines, COLUMNS="80")


def test_long_output_goes_through_a_pager(race: str, pager: str, spawn: Spawn) -> None:
    """On a terminal $PAGER shows what is longer than that."""
    spawn("replay", race)
    text = paged(pager)

    assert text.startswith("PAGED well\r\n")
    assert "race, variant v3, passed" in text


@pytest.mark.parametrize(
    "options",
    [
        {"options": ["--no-pager"]},
        {"options": ["--json"]},
        {"options": ["--task", "small"], "lines": "500"},
        {"typed": False},
        {"pager": ""},
        {"pager": "no-such-pager"},
        {"pager": "'unbalanced"},
    ],
    ids=str,
)
def test_output_without_a_pager(
    options: dict[str, Any], race: str, pager: str, spawn: Spawn
) -> None:
    """Who does not want one, sees all, or has none, gets the text itself."""
    spawn("replay", race)
    asked = {"pager": pager, **options}
    text = paged(asked.pop("pager"), *asked.pop("options", ()), **asked)

    assert "PAGED" not in text
    assert "race" in text
    assert "rror" not in text


def test_no_pager_in_a_pipe(race: str, pager: str, spawn: Spawn) -> None:
    """What another program reads goes through no pager."""
    spawn("replay", race)
    done = spawn("trace", "logs/race-v3-between.jsonl", env={"PAGER": pager, "LINES": "5"})

    assert "PAGED" not in done.stdout


def test_names_of_any_script_reach_any_terminal(race: str, here: Any, spawn: Spawn) -> None:
    """A text that the encoding of a stream does not have breaks nothing."""
    path = here / race
    text = path.read_text(encoding="utf-8").replace("Both want", "Beide möchten")
    path.write_text(text, encoding="utf-8")
    result = spawn("show", race, env={"PYTHONIOENCODING": "ascii"})

    assert result.returncode == 0
    assert "chten slot 19." in result.stdout


def test_a_line_of_progress_is_gone_when_its_block_ends(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where that is by Ctrl-C: what is said next does not stand in the middle of it."""
    monkeypatch.setattr(Console, "live", True)
    with suppress(KeyboardInterrupt), LiveLine(Console([])) as line:
        line.show("halfway")
        raise KeyboardInterrupt

    assert capfd.readouterr().err == "\rhalfway\r       \r"
