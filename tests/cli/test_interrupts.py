# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ctrl-C and SIGTERM at several moments, in processes of their own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from swaptrio.trace import open_trace

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads from /proc which signals are caught"
)

#: Seconds after which a process that should have ended has not.
PATIENCE = 30


class Process:
    """The command line in a process whose stderr is a terminal."""

    def __init__(self, *args: object) -> None:
        self._terminal, end = pty.openpty()
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "swaptrio.cli", *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=end,
            text=True,
        )
        os.close(end)
        self.stderr = ""

    def until(self, text: str) -> None:
        """Read stderr until *text* has come."""
        while text not in self.stderr:
            part = self._read()
            assert part, self.stderr
            self.stderr += part

    def until_it_listens(self) -> None:
        """Wait until the process has its own handlers for SIGINT and SIGTERM."""
        wanted = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGTERM - 1)
        deadline = time.monotonic() + PATIENCE
        while self._caught() & wanted != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and stdout."""
        stdout, _ = self.popen.communicate(timeout=PATIENCE)
        while part := self._read():
            self.stderr += part
        assert "Traceback" not in self.stderr
        return self.popen.returncode, stdout

    def close(self) -> None:
        """Leave nothing behind."""
        self.popen.kill()
        self.popen.wait()
        os.close(self._terminal)

    def _caught(self) -> int:
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="ascii")
        [mask] = [line for line in status.splitlines() if line.startswith("SigCgt")]
        return int(mask.split()[1], 16)

    def _read(self) -> str:
        with suppress(OSError):
            return os.read(self._terminal, 4096).decode()
        return ""


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes, and ends them with the test."""
    started: list[Process] = []

    def begin(*args: object) -> Process:
        started.append(Process(*args))
        return started[-1]

    yield begin
    for process in started:
        process.close()


@pytest.fixture
def vectors(vector: dict[str, Any], here: Path) -> str:
    """A file that keeps conform busy for a while."""
    (here / "v.jsonl").write_text((json.dumps(vector) + "\n") * 40_000, encoding="utf-8")
    return "v.jsonl"


def whole_files() -> list[str]:
    """The names of the files in logs/, all of which are whole traces."""
    names = sorted(os.listdir("logs"))
    for name in names:
        open_trace(f"logs/{name}")
    return names


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("variant", ["v3", "pre"])
def test_fuzz_prints_what_it_has(number: int, variant: str, race: str, start: Start) -> None:
    """Stopped in the loop, fuzz prints its partial result and ends with 130."""
    process = start("fuzz", race, "--variant", variant, "--seeds", 10**9, "--json")
    process.until(" of 1000000000 seeds, ")
    process.popen.send_signal(number)
    code, stdout = process.end()
    record = json.loads(stdout)

    assert code == 130
    assert record["interrupted"] is True
    assert 0 < record["executions"] < 10**9
    assert [failure["check"] for failure in record["failures"]] == (
        ["I-ERRNO"] if variant == "pre" else []
    )
    traces = [Path(failure["trace"]).name for failure in record["failures"]]
    assert whole_files() == traces
    assert "stopping; once more to stop at once" in process.stderr


def test_fuzz_for_people(race: str, start: Start) -> None:
    """The text says that it is a partial result; the next scenarios are not begun."""
    process = start("fuzz", race, "two-faults-one-slot", "--seeds", 10**9)
    process.until("race: ")
    process.popen.send_signal(signal.SIGINT)
    code, stdout = process.end()

    assert code == 130
    assert stdout.startswith("race, variant v3: ")
    assert stdout.splitlines()[0].endswith(" s (interrupted)")
    assert "two-faults-one-slot" not in stdout


@pytest.mark.parametrize("how", [["--cache"], ["--preemptions", 1]])
def test_explore_goes_on_after_an_interrupt(
    how: list[object], start: Start, spawn: Callable[..., Any]
) -> None:
    """Stopped in the loop, explore keeps where it stands; then it tells what one run tells.

    In processes of their own: pytest writes other code for assertions, and states know it.
    """
    words = ["explore", "count-continuation-race", *how, "--all", "--json"]
    process = start(*words, "--resume", "kept.json")
    process.until(" executions, ")
    process.popen.send_signal(signal.SIGINT)
    code, stdout = process.end()
    cut = json.loads(stdout)

    assert code == 130
    assert "interrupted" in cut["statement"]
    assert Path("kept.json").exists()

    whole, rest = (
        json.loads(spawn(*words, *more).stdout) for more in ([], ["--resume", "kept.json"])
    )
    assert cut["executions"] < whole["executions"]
    assert {**rest, "seconds": 0} == {**whole, "seconds": 0}
    assert not Path("kept.json").exists()


def test_conform_prints_what_it_has(vectors: str, start: Start) -> None:
    """Stopped in the loop, conform prints its partial counts and ends with 130."""
    process = start("conform", vectors, "--json")
    process.until(" vectors, ")
    process.popen.send_signal(signal.SIGINT)
    code, stdout = process.end()
    record = json.loads(stdout)

    assert code == 130
    assert record["interrupted"] is True
    assert 0 < record["vectors"] == record["matched"] < 40_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_certify_says_how_far_it_came(number: int, race: str, start: Start) -> None:
    """The certificate tells what was examined in both versions, and that it was interrupted."""
    endless = ("--executions", 10**9, "--seeds", 10**9)
    process = start("certify", "v2-no-mpol-no-vmf", race, *endless, "--json")
    process.until("2 of 4 done")
    process.popen.send_signal(number)
    code, stdout = process.end()
    record = json.loads(stdout)

    assert code == 130
    assert record["interrupted"] is True
    assert [row["scenario"] for row in record["scenarios"]] == ["v2-no-mpol-no-vmf"]
    assert "stopping; once more to stop at once" in process.stderr
    assert whole_files() == []


@pytest.mark.parametrize("command", ["fuzz", "conform", "replay", "certify", "list", "doctor"])
def test_at_the_very_beginning(command: str, race: str, vectors: str, start: Start) -> None:
    """As soon as the command line listens, Ctrl-C ends it with 130 and without a traceback."""
    arguments: dict[str, list[object]] = {
        "fuzz": [race, "--seeds", 10**9],
        "conform": [vectors] * 10,
        "replay": [race],
    }
    process = start(command, *arguments.get(command, []))
    process.until_it_listens()
    process.popen.send_signal(signal.SIGINT)

    assert process.end()[0] == 130
    whole_files()


@pytest.mark.parametrize("moment", [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4])
def test_at_any_moment(moment: float, race: str, start: Start) -> None:
    """Whenever it comes, files are whole and the exit code is 130, as a shell sees it.

    Where it comes while an imported module makes a named tuple, Python remembers that, and in
    the end dies of the signal whatever was done about it. To a shell that is 130 as well.
    """
    process = start("fuzz", race, "--variant", "pre", "--seeds", 10**9, "--json")
    process.until_it_listens()
    with suppress(subprocess.TimeoutExpired):
        process.popen.wait(moment)
    process.popen.send_signal(signal.SIGINT)
    code, stdout = process.end()

    assert code in (130, -signal.SIGINT)
    assert isinstance(json.loads(stdout), dict)
    whole_files()


def test_second_one_does_not_wait(race: str, here: Path, start: Start) -> None:
    """A variant that never comes to a scheduling point is left by the second Ctrl-C."""
    text = (
        'import sys\nBASE = "v3"\nasync def swap_cache_alloc_folio(*args):\n'
        '    sys.stderr.write("round and round\\n")\n    while True:\n        pass\n'
    )
    (here / "loop.py").write_text(text, encoding="utf-8")
    process = start("replay", race, "--variant", "loop.py")
    process.until("round and round")
    process.popen.send_signal(signal.SIGINT)
    process.until("once more to stop at once")
    process.popen.send_signal(signal.SIGINT)
    code, stdout = process.end()

    assert code == 130
    assert stdout == ""
    assert "interrupted" in process.stderr
    assert whole_files() == []
