# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.table SAVED``: a saved run as the table of docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


def table(document: dict[str, Any]) -> Iterator[str]:
    """The lines of the table: what was promised, and what of a campaign was measured."""
    machine = document["machine"]
    yield (
        f"{machine['implementation']} {machine['python']}, Trio {machine['trio']},"
        f" {machine['system']} on {machine['processor']}, {machine['cpus']} processors,"
        f" {document['rounds']} rounds."
    )
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
    memory = document["e"]
    yield ""
    yield (
        f"Memory of a campaign of {memory['executions']} executions, in MB after each tenth:"
        f" {', '.join(f'{each:.0f}' for each in memory['megabytes_after_each_tenth'])}."
    )


def _count(executions: float | None) -> str:
    return "none found" if executions is None else f"{executions:g}"


@click.command
@click.argument("saved", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(saved: Path) -> None:
    """Print the table for a saved run of the benchmarks."""
    for line in table(json.loads(saved.read_text(encoding="utf-8"))):
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.table")
