# SPDX-License-Identifier: MIT OR Apache-2.0
"""f: how long the command takes for little things, as whole processes.

Milliseconds of the processor, of the process and of what it starts, so that a busy machine does
not count. Modules are compiled before, as they are for whoever has run the command once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.promises import Promise
from benchmarks.rounds import in_turn

#: What is run, by the name of its figure.
COMMANDS: Final = {
    "help": ("--help",),
    "replay": ("replay", "stats-before-charge"),
    "python": None,
}

PROMISES: Final = {
    "help": Promise("ms of swaptrio --help as a whole process", "<=", 150),
    "replay": Promise("ms of replaying a small scenario as a whole process", "<=", 600),
}


def measure(rounds: int) -> dict[str, Any]:
    """Run the benchmark; its part of the document."""
    with TemporaryDirectory() as folder:
        Path(folder, "logs").mkdir()
        for name in COMMANDS:
            _milliseconds(name, folder, 0)
        found = in_turn(
            rounds,
            {name: partial(_milliseconds, name, folder) for name in COMMANDS},
        )
    return {"milliseconds": {name: figures.summary() for name, figures in found.items()}}


def _milliseconds(name: str, folder: str, _number: int) -> float:
    command = COMMANDS[name]
    arguments = ["-c", "pass"] if command is None else ["-m", "swaptrio.cli", *command]
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=compiled, stdout=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return 1e3 * (used.ru_utime + used.ru_stime)
