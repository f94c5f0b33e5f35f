# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same command gives the same bytes, in whatever process."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

Spawn = Callable[..., "subprocess.CompletedProcess[str]"]

#: Runs a command and says whether pytest or Hypothesis, which set Trio's order, were there.
PROGRAM = """
import sys
from swaptrio.cli.app import cli
try:
    cli.main(sys.argv[1:])
finally:
    assert not {"pytest", "hypothesis"} & set(sys.modules)
"""


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--variant", "chris-literal"],
        ["--seed", "11"],
        ["--variant", "pre", "--seed", "12"],
    ],
)
def test_replay_in_two_processes(options: list[str], race: str, here: Path) -> None:
    """Trace and output are byte for byte the same under two hash seeds."""
    results = []
    for hash_seed in ("1", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "replay", race, *options, "--log", "x.jsonl"],
            env={"PYTHONHASHSEED": hash_seed, "COLUMNS": "100"},
            capture_output=True,
            check=False,
        )
        assert done.stderr == b""
        results.append((done.stdout, (here / "x.jsonl").read_bytes()))

    assert results[0] == results[1]
    assert results[0][1]


def test_fuzz_in_two_processes(race: str, here: Path, spawn: Spawn) -> None:
    """Fuzzing finds and shortens the same, and keeps the same traces, under two hash seeds."""
    results = []
    for hash_seed in ("1", "4711"):
        done = spawn(
            "fuzz", race, "--variant", "pre", "--seeds", 200, env={"PYTHONHASHSEED": hash_seed}
        )
        logs = {path.name: path.read_bytes() for path in (here / "logs").iterdir()}
        results.append((done.stdout.splitlines()[1:], logs))

    assert results[0] == results[1]
    assert results[0][1]


@pytest.mark.parametrize("variant", ["chris-literal", "pre"])
def test_printed_command_works_in_a_shell(
    variant: str, race: str, here: Path, spawn: Spawn
) -> None:
    """The command below a find, and below a picture, repeats it when a shell runs it."""
    found = spawn("fuzz", race, "--variant", variant, "--seeds", 100).stdout
    [line] = [line.strip() for line in found.splitlines() if " replay " in line]
    program = shlex.join([sys.executable, "-m", "swaptrio.cli"])

    replayed = run_in_a_shell(line, program)
    start = replayed.index("\nswaptrio replay")
    picture = replayed[start : replayed.index("\n\n", start)]
    again = run_in_a_shell(picture, program)

    told = {"chris-literal": "livelock (I-PROGRESS)", "pre": "violation of I-ERRNO"}
    assert told[variant] in replayed
    assert again == replayed


def run_in_a_shell(command: str, program: str) -> str:
    """What *command* prints, where ``swaptrio`` is *program*."""
    script = f'swaptrio() {{ {program} "$@"; }}\n{command}\n'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout
