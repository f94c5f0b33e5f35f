# SPDX-License-Identifier: MIT OR Apache-2.0
"""The names that swaptrio.sched promises."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import swaptrio.sched as sched


def test_exported_names() -> None:
    """What the package exports changes only on purpose."""
    assert sched.__all__ == [
        "DEFAULT_BUDGET",
        "Access",
        "BadSchedule",
        "Carrier",
        "Completion",
        "Decision",
        "Diverged",
        "Ending",
        "Execution",
        "FirstChoice",
        "Kind",
        "Livelock",
        "ModelError",
        "Mutex",
        "Named",
        "NamedSchedule",
        "Naming",
        "Observer",
        "Operation",
        "Program",
        "RandomWalk",
        "ReceiveChannel",
        "Recorded",
        "Run",
        "RwSem",
        "SchedError",
        "Schedule",
        "Scheduler",
        "Script",
        "SendChannel",
        "Shared",
        "SpinLock",
        "Strategy",
        "Task",
        "Verdict",
        "Violation",
        "WaitQueue",
        "Waiting",
        "WindowNotReached",
        "choose",
        "current",
        "join",
        "might_sleep",
        "name_of",
        "now",
        "open_channel",
        "open_scheduler",
        "point",
        "point_when",
        "run",
        "running_task",
        "sleep",
        "spawn",
        "touch",
    ]


def test_exported_names_exist() -> None:
    """Every exported name is there, and has a docstring if it can carry one of its own."""
    for name in sched.__all__:
        value = getattr(sched, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert value.__doc__, name


def test_nothing_of_the_upper_floors() -> None:
    """The lowest room imports nothing of swaptrio but itself, and the words at the root."""
    assert sched.__file__ is not None
    for path in sorted(Path(sched.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                allowed = name == "swaptrio.words" or name.startswith("swaptrio.sched")
                assert allowed or not name.startswith("swaptrio"), path
