# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.table SAVED MILLION``: saved runs as the table of docs/benchmarks.md.

*MILLION* is a run of benchmark e alone, which takes half an hour, with a machine of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


def table(document: dict[str, Any], million: dict[str, Any]) -> Iterator[str]:
    """The lines of the table: what was promised, and what of campaigns was measured."""
    yield f"{_machine(document)}, {document['rounds']} rounds."
    yield ""
    yield "| What | Wanted | Measured | |"
    yield "|---|---:|---:|---|"
    for promise in document["promises"].values():
        kept = "kept" if promise["kept"] else "**not kept**"
        yield f"| {promise['what']} | {promise['wanted']} | {promise['measured']:g} | {kept} |"
    yield ""
    yield "| Campaign of v3 | Processes | Executions/s | Points/s | By processor seconds |"
    yield "|---|---:|---:|---:|---:|"
    for scenario, found in document["d"]["scenarios"].items():
        for jobs, rate in found["executions_per_second"].items():
            points = found["points_per_second"][jobs]
            idle = found["ratio_by_processor_seconds"]["median"] if jobs == "2" else 1
            yield f"| {scenario} | {jobs} | {rate['median']:.0f} | {points:.0f} | x {idle:g} |"
    yield ""
    yield "| Executions to a failure of | Random walks | Plain Trio | Hypothesis |"
    yield "|---|---:|---:|---:|"
    for name, sides in document["i"].items():
        counts = " | ".join(_count(side["executions_per_failure"]) for side in sides.values())
        yield f"| {name} | {counts} |"
    for each in (document, million):
        yield ""
        yield _memory(each)


def _machine(document: dict[str, Any]) -> str:
    machine = document["machine"]
    return (
        f"{machine['implementation']} {machine['python']}, Trio {machine['trio']},"
        f" {machine['system']} on {machine['processor']}, {machine['cpus']} processors"
    )


def _memory(document: dict[str, Any]) -> str:
    memory = document["e"]
    after = ", ".join(f"{each:.0f}" for each in memory["megabytes_after_each_tenth"])
    return (
        f"Memory of a campaign of {memory['executions']} executions, in MB after each tenth:"
        f" {after}; at the end x {memory['growth']:g} ({_machine(document)},"
        f" {memory['seconds']:.0f} s)."
    )


def _count(executions: float | None) -> str:
    return "none found" if executions is None else f"{executions:g}"


@click.command
@click.argument("saved", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("million", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(saved: Path, million: Path) -> None:
    """Print the table for a saved run of the benchmarks, and one of the long campaign."""
    texts = (path.read_text(encoding="utf-8") for path in (saved, million))
    for line in table(*map(json.loads, texts)):
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.table")
