# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line in this process and in others, and files to give it.

Every test stands in an empty folder with a ``logs`` of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from swaptrio.cli.app import cli

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[str]"]

#: A race of its own: the tests of the command line shall not move with the shipped ones.
RACE = """
name = "race"
title = "An order-2 fault meets an order-0 readahead of its last slot"
catalogue = "A04"
references = ["none: this is a test"]
status = "inference"
story = "Both want slot 19."

[kernel]
failures = ["alloc", "charge"]

[[process]]
name = "P"
orders = [2]

[[slots]]
process = "P"
page = 16
first = 16
nr = 4

[[task]]
name = "large"
run = "fault"
process = "P"
page = 17

[[task]]
name = "small"
run = "readahead"
device = "swap0"
slot = 19

[[window]]
name = "between"
story = "The small one comes between the checks of the large one."
steps = [
    { run = "large", until = "swap_cache_alloc.recheck" },
    { run = "small", until = "charge_memcg.wait" },
]

[window.expect.pre]
verdict = "n/a"
reason = "it has no second check"

[window.expect.v3]
verdict = "passed"
results = { large = "mapped", small = "read" }

[window.expect.chris-literal]
verdict = "livelock"
check = "I-PROGRESS"

[[window]]
name = "wrong"
story = "It expects what is not so."
steps = [{ run = "large" }]

[window.expect.v3]
verdict = "passed"
results = { large = "VM_FAULT_OOM" }

[[window]]
name = "never"
story = "The first check stands before the second, and is not passed again."
steps = [
    { run = "large", until = "swap_cache_alloc.recheck" },
    { run = "large", until = "swap_cache_alloc.check" },
]

[window.expect.v3]
verdict = "passed"
"""

#: A variant of a user's own: v3 without its second check.
MINE = '''"""My own."""
from swaptrio.variants.mutants import MUTANTS

BASE = "v3"
[_mutant] = [mutant for mutant in MUTANTS if mutant.name == "chris-literal"]
print("this file talks")


async def swap_cache_alloc_folio(kernel, entry, gfp, orders, vmf, mpol, ilx):
    """What the mutant does."""
    theirs = _mutant.functions["swap_cache_alloc_folio"]
    return await theirs(kernel, entry, gfp, orders, vmf, mpol, ilx)
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with ``logs``, where the test stands."""
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "PAGER", "LESS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def race(here: Path) -> str:
    """The path of a scenario file of a user's own."""
    (here / "race.toml").write_text(RACE, encoding="utf-8")
    return "race.toml"


@pytest.fixture
def mine(here: Path) -> str:
    """The path of a variant file of a user's own, which prints when it is loaded."""
    (here / "mine.py").write_text(MINE, encoding="utf-8")
    return "mine.py"


@pytest.fixture
def swaptrio() -> Run:
    """Runs the command line in this process."""
    runner = CliRunner()
    return lambda *args: runner.invoke(cli, [str(arg) for arg in args], prog_name="swaptrio")


@pytest.fixture
def spawn(here: Path) -> Spawn:
    """Runs the command line in a process of its own, without pytest and Hypothesis."""

    def run(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **options.pop("env", {})}
        return subprocess.run(
            [sys.executable, "-m", "swaptrio.cli", *map(str, args)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=env,
            **options,
        )

    return run


@pytest.fixture
def document() -> Callable[[Result], Any]:
    """The one JSON document on a result's stdout; there is nothing else there."""

    def parse(result: Result) -> Any:
        assert result.stdout.endswith("}\n")
        return json.loads(result.stdout)

    return parse


@pytest.fixture
def vector() -> dict[str, Any]:
    """A vector that v3 matches: nothing can be allocated."""
    return {
        "id": "t1",
        "grp": "test",
        "in": {
            "base": 16, "target": 17, "orders": 1, "vmf": False, "mpol": False,
            "fault_page": None, "table": True, "win": ["s1:7"] * 16, "rest": "-",
            "alloc": [[False, []]], "charge": [],
        },
        "out": {
            "ret": {"errno": "ENOMEM"}, "win": ["s1:7"] * 16, "rest": [], "table": True,
            "alloc": [[0, "mpol", None, False]], "charge": [], "fallback": {},
            "fallback_charge": {}, "refault": None, "memcg1": [], "locks": 1, "folio": None,
            "lru": 0, "freed": [], "slots_freed": [], "nr_file": 0, "nr_swapcache": 0,
            "warn": 0, "trace": "L U A0m-",
        },
    }  # fmt: skip
