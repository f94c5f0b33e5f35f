# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trace that is too large for memory: everything either streams or says that it is too long.

The file here has 11 MB, so that the tests are quick. As Python's objects its events would take
ten times as much, and the limit is below that; a file of a gigabyte takes hardly more.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from swaptrio.sched import Ending, Kind, Schedule, Verdict
from swaptrio.trace import Event, Header, Trace, TracedTask, render_trace
from swaptrio.trace.read import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS = 60_000
LOCK = "swap0 cluster 0"

#: In megabytes: what the process may ever have had, and what it may ask for.
RESIDENT, ADDRESSES = 100, 600

#: Runs command lines one after the other, and tells the exit codes and the most memory taken.
MEASURE = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) * 2**20,) * 2)
from swaptrio.cli.app import cli
codes = []
for line in json.loads(sys.argv[2]):
    try:
        cli(line)
    except SystemExit as exc:
        codes.append(exc.code)
[most] = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(json.dumps([codes, int(most.split()[1]) // 1024]), file=sys.stderr)
"""

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is read from /proc"
)


def events() -> Iterator[Event]:
    """Two tasks that take a lock in turn, change a slot, and give it back."""
    slot = "s1:102"
    for seq, kind in zip(
        range(1, STEPS + 1), cycle((Kind.LOCK, Kind.WRITE, Kind.UNLOCK)), strict=False
    ):
        task = f"task{(seq - 1) // 3 % 2}"
        held = () if kind is Kind.UNLOCK else (LOCK,)
        changes: dict[str, tuple[str, str]] = {}
        if kind is Kind.WRITE:
            slot, before = f"s1:{seq}", slot
            changes = {"swap0:17": (before, slot)}
        label = f"swap_entry_free.{kind.value}"
        yield Event(seq, seq * 10, task, kind, LOCK, label, None, changes, held)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file."""
    header = Header(
        tool="0",
        verdict=Verdict(Ending.PASSED, STEPS, Schedule()),
        tasks=(TracedTask("task0"), TracedTask("task1")),
        world={"swap0:17": "s1:102"},
    )
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    path.write_bytes(render_trace(Trace(header, tuple(events()))))
    assert path.stat().st_size > 1.2 * SMALL
    return path


@pytest.fixture
def measured(large: Path, here: Path) -> tuple[list[str], str]:
    """What the commands below have printed, in a process with a limit."""
    lines = [
        ["trace", str(large), *options]
        for options in (
            [],
            ["--task", "task1", "--label", "write", "--slot", "swap0:17"],
            ["--step", "40000", "--context", "2"],
            ["--state", "50000"],
            ["--format", "chrome", "-o", "large.json"],
            ["--format", "ftrace", "-o", "large.txt"],
            ["--diff", str(large)],
        )
    ]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(ADDRESSES), json.dumps(lines)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        cwd=here,
    )
    codes, resident = json.loads(done.stderr.splitlines()[-1])
    assert codes == [0] * len(lines)
    assert resident < RESIDENT
    return done.stderr.splitlines()[:-1], done.stdout


def test_a_large_trace_takes_little_memory(measured: tuple[list[str], str], here: Path) -> None:
    """Pictures, filters, a state, conversions and a difference of it all come out right."""
    told, text = measured

    assert told[0] == (
        "warning: 60000 steps fit, and the last 20000 are shown; --last 40000 goes on before "
        "them"
    )
    assert "(not drawn: 40000 steps before these; a part can be chosen)" in text
    assert "\n60000  " in text
    assert text.count("<--") == 1
    assert "state after step 50000, task" in text
    assert "no difference in any step" in text
    found = json.loads((here / "large.json").read_bytes())["traceEvents"]
    assert sum(each["ph"] == "X" and each["cat"] == "step" for each in found) == STEPS
    assert (here / "large.txt").read_bytes().count(b": tracing_mark_write: B|") == STEPS


def test_a_terminal_sees_how_far_it_is(large: Path, here: Path) -> None:
    """While a large file is read a line says how much of it is; nothing of it stays."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "swaptrio.cli", "trace", str(large), "--state", "50000"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=end, cwd=here
    ) as process:
        os.close(end)
        seen = b""
        with suppress(OSError):
            while part := os.read(terminal, 4096):
                seen += part
        assert process.stdout is not None
        text = process.stdout.read().decode()
    os.close(terminal)

    assert process.returncode == 0
    assert text.startswith("state after step 50000, task")
    parts = [int(part) for part in re.findall(r"\rreading [^\r]*: (\d+)%", seen.decode())]
    assert parts.count(100) == 1
    assert max(parts[parts.index(100) + 1 :]) in range(80, 90)
    assert not seen.decode().rpartition("\r")[2].strip()


@pytest.mark.parametrize(
    "options",
    [
        ["--format", "svg"],
        ["--format", "itf"],
        ["--format", "shiviz"],
        ["--format", "mermaid"],
        ["--diagram"],
    ],
)
def test_what_nobody_could_read_is_refused(
    options: list[str], large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pictures that would be too long say so at once, and how long they may be."""
    from swaptrio.cli.app import cli

    with pytest.raises(SystemExit) as ended:
        cli(["trace", str(large), *options])

    assert ended.value.code == 2
    assert "at most " in capsys.readouterr().err
    assert sorted(path.name for path in large.parent.iterdir()) == ["large.jsonl"]
