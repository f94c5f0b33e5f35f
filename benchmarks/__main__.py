# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks``: measure, and print one JSON document."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from typing import Any, Final

import attrs
import click
import trio

from benchmarks import executions, steps, tasks, traces
from benchmarks.promises import Promise


@attrs.frozen
class Benchmark:
    """One of them: what it measures, what was promised, and where that is found."""

    measure: Callable[[int], dict[str, Any]]
    promise: Promise
    measured: Callable[[dict[str, Any]], float]


BENCHMARKS: Final = {
    "a": Benchmark(executions.measure, executions.PROMISE, lambda a: a["ratio"]["median"]),
    "b": Benchmark(
        steps.measure, steps.PROMISE, lambda b: b["over_loop"]["scheduler"]["median"]
    ),
    "c": Benchmark(tasks.measure, tasks.PROMISE, lambda c: c["hand_over"]["spread"]),
    "d": Benchmark(traces.measure_recording, traces.RECORDING, lambda d: d["ratio"]["median"]),
    "e": Benchmark(traces.measure_writing, traces.WRITING, lambda e: e["seconds"]["median"]),
}


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "trio": trio.__version__,
        "system": platform.system(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
    }


def document(rounds: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Run the benchmarks called *names*; the whole document."""
    found: dict[str, Any] = {"machine": machine(), "rounds": rounds}
    promises = {}
    for name in names:
        benchmark = BENCHMARKS[name]
        result = found[name] = benchmark.measure(rounds)
        promise = promises[name] = benchmark.promise.report(benchmark.measured(result))
        click.echo(_line(name, promise), err=True)
    return {**found, "promises": promises}


def _line(name: str, promise: dict[str, Any]) -> str:
    kept = "kept" if promise["kept"] else "NOT KEPT"
    return f"{name}  {promise['what']}: {promise['measured']} ({promise['wanted']}: {kept})"


@click.command
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True)
@click.option("--only", type=click.Choice(list(BENCHMARKS)), help="Run this one alone.")
def main(rounds: int, only: str | None) -> None:
    """Measure swaptrio, and print the results as JSON.

    \b
    a  executions/s of fuzzing, against the same model on plain Trio
    b  microseconds a step, against a loop over bare coroutines
    c  the cost of a step with 3, 30 and 300 tasks
    d  what it costs to record a trace
    e  how long it takes to write one of 100,000 events
    """
    names = tuple(BENCHMARKS) if only is None else (only,)
    json.dump(document(rounds, names), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
