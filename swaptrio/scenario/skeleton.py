# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario file to start from: small, with comments, and one that runs as it is."""

from __future__ import annotations

import os
from string import Template
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.errors import Problem, ScenarioError
from swaptrio.scenario.files import SUFFIX
from swaptrio.scenario.rules import LOWER_NAME

if TYPE_CHECKING:
    from pathlib import Path

_TEXT: Final = Template("""\
name = "$name"
title = "One line: what races with what"
# The entry of the race catalogue, a letter from A to H and two digits; A00 for none.
catalogue = "A00"
# Where it was reported, discussed or fixed: commits, message ids.
references = []
# What it rests on: "verified" (a text that was read), "inference", or "hash" (a commit).
status = "inference"
story = \"\"\"
What happens, in order, in your own words.
\"\"\"

# The world. Left out here: [kernel], [[device]] and [[memcg]], which have defaults.
# A process may swap in large folios of these orders.
[[process]]
name = "P"
orders = [2]

# Four pages of it are swapped out, to the slots 16 to 19 of the first device.
[[slots]]
process = "P"
page = 16
first = 16
nr = 4

# The tasks, and what each does: "fault", "store", "zap", "swapout", "readahead" ...
[[task]]
name = "fault"
run = "fault"
process = "P"
page = 16

[[task]]
name = "zap"
run = "zap"
process = "P"
page = 18

# A window leads into the race: run a task until it stands at a label, then another one.
# 'swaptrio replay FILE --seed 1' shows the labels that there are.
[[window]]
name = "main"
story = "A neighbour is unmapped between the two checks."
steps = [
    { run = "fault", until = "swap_cache_alloc.recheck" },
    { run = "zap" },
]

# What it must end with, by variant: "passed", "violation" of a check, "deadlock", "livelock",
# or "n/a" with a reason. 'swaptrio list' names the variants.
[window.expect.v3]
verdict = "passed"
results = { fault = "mapped", zap = "zapped" }
slots = { "swap0:18" = "-" }

[window.expect.pre]
verdict = "n/a"
reason = "it has no second check"

[window.expect.old]
verdict = "n/a"
reason = "it has no second check"
""")


def write_skeleton(folder: Path, name: str) -> Path:
    """Write the scenario *name* to *folder*, whole; returns its path.

    Raises:
        ScenarioError: the name is none, there is such a file, or it cannot be written.
    """
    problems = [attrs.evolve(problem, place="name") for problem in LOWER_NAME(name)]
    if problems:
        raise ScenarioError(problems)
    path = folder / f"{name}{SUFFIX}"
    try:
        _write_new(path, _TEXT.substitute(name=name))
    except FileExistsError:
        raise _refusal(path, "is there already, and is left alone") from None
    except OSError as error:
        raise _refusal(path, f"cannot be written: {error.strerror or error}") from None
    return path


def _write_new(path: Path, text: str) -> None:
    """Write a file that was not there, so that nobody ever sees half of it."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_text(text, encoding="utf-8")
        os.link(half, path)
    finally:
        half.unlink(missing_ok=True)


def _refusal(path: Path, message: str) -> ScenarioError:
    return ScenarioError((Problem(str(path), "", "", message),))
