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

from benchmarks import (
    executions,
    failures,
    load,
    memory,
    processes,
    start_up,
    steps,
    tasks,
    traces,
)
from benchmarks.promises import Promise


def _median_of(name: str) -> Callable[[dict[str, Any]], float]:
    return lambda f: f["milliseconds"][name]["median"]


@attrs.frozen
class Extent:
    """How much is run: *rounds* of each benchmark, and executions of the *campaign* of e."""

    rounds: int
    campaign: int


@attrs.frozen
class Benchmark:
    """What it measures, and by name what was promised and where that is found."""

    measure: Callable[[Extent], dict[str, Any]]
    promises: dict[str, tuple[Promise, Callable[[dict[str, Any]], float]]]


BENCHMARKS: Final = {
    "a": Benchmark(
        lambda extent: executions.measure(extent.rounds),
        {
            "a": (executions.PROMISE, lambda a: a["ratio"]["median"]),
            "a.carrier": (executions.STEPPED, lambda a: a["stepped_over_trio"]["median"]),
        },
    ),
    "b": Benchmark(
        lambda extent: steps.measure(extent.rounds),
        {
            "b": (steps.PROMISE, lambda b: b["over_loop"]["scheduler"]["median"]),
            "b.stepped": (
                steps.STEPPED,
                lambda b: b["over_loop"]["scheduler_stepped"]["median"],
            ),
        },
    ),
    "c": Benchmark(
        lambda extent: tasks.measure(extent.rounds),
        {"c": (tasks.PROMISE, lambda c: c["hand_over"]["spread"])},
    ),
    "d": Benchmark(
        lambda extent: processes.measure(extent.rounds),
        {"d": (processes.PROMISE, lambda d: d["ratio"]["median"])},
    ),
    "e": Benchmark(
        lambda extent: memory.measure(extent.campaign),
        {"e": (memory.PROMISE, lambda e: e["growth"])},
    ),
    "f": Benchmark(
        lambda extent: start_up.measure(extent.rounds),
        {
            f"f.{name}": (promise, _median_of(name))
            for name, promise in start_up.PROMISES.items()
        },
    ),
    "g": Benchmark(
        lambda extent: traces.measure_recording(extent.rounds),
        {"g": (traces.RECORDING, lambda g: g["ratio"]["median"])},
    ),
    "h": Benchmark(
        lambda extent: traces.measure_writing(extent.rounds),
        {"h": (traces.WRITING, lambda h: h["seconds"]["median"])},
    ),
    "i": Benchmark(lambda extent: failures.measure(100 * extent.rounds), {}),
    "j": Benchmark(
        lambda extent: load.measure(-(-extent.rounds // 5)),
        {"j": (load.PROMISE, lambda j: j["ratio"]["median"])},
    ),
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


def document(extent: Extent, names: tuple[str, ...]) -> dict[str, Any]:
    """Run the benchmarks called *names*; the whole document."""
    found: dict[str, Any] = {"machine": machine(), "rounds": extent.rounds}
    promises = {}
    for name in names:
        benchmark = BENCHMARKS[name]
        result = found[name] = benchmark.measure(extent)
        for key, (promise, measured) in benchmark.promises.items():
            promises[key] = promise.report(measured(result))
            click.echo(_line(key, promises[key]), err=True)
    return {**found, "promises": promises}


def _line(name: str, promise: dict[str, Any]) -> str:
    kept = "kept" if promise["kept"] else "NOT KEPT"
    return f"{name}  {promise['what']}: {promise['measured']} ({promise['wanted']}: {kept})"


@click.command
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True)
@click.option(
    "--campaign",
    type=click.IntRange(100),
    default=memory.EXECUTIONS,
    show_default=True,
    help="Executions of the campaign whose memory is watched.",
)
@click.option("--only", type=click.Choice(list(BENCHMARKS)), help="Run this one alone.")
def main(rounds: int, campaign: int, only: str | None) -> None:
    """Measure swaptrio, and print the results as JSON.

    \b
    a  executions/s of fuzzing, against the same model on plain Trio
    b  microseconds a step, against a loop over bare coroutines
    c  the cost of a step with 3, 30 and 300 tasks
    d  executions/s of a campaign with 1 and 2 processes
    e  memory of a campaign (of 10^6 executions: make bench-million)
    f  milliseconds of small commands as whole processes
    g  what it costs to record a trace
    h  how long it takes to write one of 100,000 events
    i  executions to each failure, by us, on plain Trio, and by Hypothesis
    j  the cost of a step under load in a small world and a large one
    """
    names = tuple(BENCHMARKS) if only is None else (only,)
    json.dump(document(Extent(rounds, campaign), names), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
