# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio doctor``: what is installed, whether replays repeat, what the model leaves out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from swaptrio.cli.console import Console

#: What is replayed, and how: a walk through everything that a strategy can decide.
SCENARIO: Final = "large-vs-small-neighbour"
SEED: Final = 7
HASH_SEEDS: Final = ("1", "4711")

_PACKAGES: Final = ("swaptrio", "trio", "attrs", "cattrs", "click", "structlog")

#: Seconds that a replay may take; it takes less than one.
_PATIENCE: Final = 60

#: What a verdict of ours does not say.
LIMITS: Final = (
    "Sequentially consistent interleavings only: no weak memory, no reordering.",
    "The series is swap table phase IV: as mailed (v3), as v4 and as merged (v5).",
    "Not modelled: NUMA, KSM, huge pages of a PMD.",
)


@click.command(epilog=epilog("doctor", "doctor --json"))
@shared
def doctor(console: Console) -> int:
    """Say what is installed, and test that replays are deterministic.

    The test replays a scenario in two processes with different hash seeds and compares the
    bytes of their traces. The exit code is 1 if they differ.
    """
    from swaptrio.checks import CHECKS
    from swaptrio.scenario.files import names
    from swaptrio.variants import names as variants

    test = _self_test()
    record = {
        "versions": _versions(),
        "scenarios": len(names()),
        "variants": len(variants()),
        "checks": len(CHECKS),
        "determinism": test,
        "limits": list(LIMITS),
    }
    console.document(record)
    for line in _lines(record):
        console.say(line)
    return codes.OK if test["passed"] else codes.FAILED


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _self_test() -> dict[str, Any]:
    """Replay in two processes; say what was done and what came of it."""
    import tempfile
    from pathlib import Path

    command = f"replay {SCENARIO} --seed {SEED}"
    with tempfile.TemporaryDirectory(prefix="swaptrio-") as folder:
        traces = []
        for hash_seed in HASH_SEEDS:
            path = Path(folder) / f"{hash_seed}.jsonl"
            failure = _replay(hash_seed, path)
            if failure:
                return {"command": command, "passed": False, "message": failure}
            traces.append(path.read_bytes())
    passed = traces[0] == traces[1] != b""
    seeds = " and ".join(HASH_SEEDS)
    same = "the same" if passed else "DIFFERENT"
    message = f"two processes, hash seeds {seeds}: {same} bytes, {len(traces[0])}"
    return {"command": command, "passed": passed, "message": message}


def _replay(hash_seed: str, path: Path) -> str:
    """Replay in a process of its own; what went wrong, if anything did."""
    import os
    import subprocess
    from pathlib import Path as AnyPath

    import swaptrio

    packages = str(AnyPath(swaptrio.__file__).resolve().parent.parent)
    options = ["replay", SCENARIO, "--seed", str(SEED), "--log", str(path)]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "swaptrio.cli", *options],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": packages},
            capture_output=True,
            timeout=_PATIENCE,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return f"a replay could not be run: {exc}"
    if done.returncode != codes.OK:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return f"a replay ended with code {done.returncode}: {last[0]}"
    return ""


def _lines(record: dict[str, Any]) -> Iterator[str]:
    for package, version in record["versions"].items():
        yield f"{package.ljust(10)} {version}"
    yield ""
    counts = (f"{record[what]} {what}" for what in ("scenarios", "variants", "checks"))
    yield ", ".join(counts)
    test = record["determinism"]
    yield f"determinism: {'passed' if test['passed'] else 'FAILED'}"
    yield f"  {test['command']}"
    yield f"  {test['message']}"
    yield ""
    yield "what the model leaves out:"
    yield from (f"  {line}" for line in record["limits"])
