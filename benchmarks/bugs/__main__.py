# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.bugs``: schedules to the first bug, as one JSON document.

Two suites: programs that others measured, at two granularities, and the failing scenarios that
ship. Beside them stands how fast the strategies are.

Each cell is as many campaigns as asked for, each with a strategy that knows nothing yet and
seeds of its own. The counts are the same on every machine; only how many campaigns a cell gets
through before its time is up is not. A limit in schedules is the same everywhere, too.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import attrs
import click
import trio

from benchmarks.bugs import rates
from benchmarks.bugs.hunt import AnyFailure, Counts, Limits, Quarry, hunt
from benchmarks.bugs.memory import Granularity
from benchmarks.bugs.programs import PROGRAMS
from benchmarks.bugs.published import STRETCH, TARGETS, published
from benchmarks.bugs.swap import SwapCase, failing
from swaptrio.sched import open_scheduler
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

GRANULARITIES: Final = get_args(Granularity)

#: All that can be compared; with something behind the colon where others published that.
STRATEGIES: Final = (
    "random",
    "pct:3",
    "pct:10",
    "pos",
    "urw",
    "surw",
    "delay:3",
    "fair",
    "window",
    "feedback",
    "auto",
)


Cell: TypeAlias = tuple[str, str, str]


@attrs.frozen
class Kept:
    """The counts of cells in a *file*, one JSON document a line, the last one of a cell valid.

    Without a file nothing is known and nothing kept.
    """

    file: Path | None
    known: dict[Cell, Counts] = attrs.field(init=False)

    @known.default
    def _read(self) -> dict[Cell, Counts]:
        if self.file is None or not self.file.exists():
            return {}
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return {tuple(cell): Counts(**counts) for cell, counts in map(json.loads, lines)}

    def counts(self, cell: Cell) -> Counts:
        """What is known of *cell*."""
        return self.known.get(cell, Counts())

    def note(self, cell: Cell, counts: Counts) -> None:
        """Keep what is known of *cell* now."""
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(f"{json.dumps([cell, attrs.asdict(counts)])}\n")


@attrs.frozen
class Row:
    """One program at one granularity, or one failing scenario, under some strategies."""

    granularity: Granularity | Literal["swap"]
    program: str
    strategies: tuple[str, ...]
    campaigns: int
    limits: Limits

    @property
    def name(self) -> tuple[str, str]:
        """What the document knows it by."""
        return self.granularity, self.program

    def quarry(self) -> Quarry:
        """What is run."""
        if self.granularity == "swap":
            return SwapCase(*self.program.split("/"))
        return AnyFailure(PROGRAMS[self.program].program(self.granularity))

    def measure(self, keep: Path | None = None) -> dict[str, Any]:
        """The row's part of the document; it goes on from the cells in *keep*, if given."""
        return trio.run(self._measure, Kept(keep))

    async def _measure(self, kept: Kept) -> dict[str, Any]:
        quarry = self.quarry()
        cells = {}
        async with open_scheduler("stepped") as scheduler:
            for name in self.strategies:
                cell = (*self.name, name)
                counts = await hunt(
                    scheduler,
                    quarry,
                    lambda name=name: parse(name),  # type: ignore[misc]  # bound at once
                    range(self.campaigns),
                    self.limits,
                    kept.counts(cell),
                )
                kept.note(cell, counts)
                cells[name] = counts.summary()
        row: dict[str, Any] = {"granularity": self.granularity, "program": self.program}
        row["strategies"] = cells
        if self.granularity == "swap":
            return {**row, "best": thriftiest(cells)}
        row["published"] = published(self.program)
        return {**row, **judged(self.program, cells)}


def thriftiest(cells: dict[str, dict[str, Any]]) -> str | None:
    """The strategy that spent the fewest schedules for each bug that it found."""
    spent = {name: cell["per_bug"] for name, cell in cells.items() if cell["found"]}
    return min(spent, key=spent.__getitem__, default=None)


def judged(program: str, cells: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The best strategy of a row, and whether it keeps what was promised.

    One that has missed the bug in some campaign is not the best, nor one whose time was up
    after a fifth of the campaigns of another.
    """
    enough = max(cell["campaigns"] for cell in cells.values()) / 5
    whole = {
        name: cell["mean"]
        for name, cell in cells.items()
        if cell["found"] == cell["campaigns"] >= enough
    }
    if not whole:
        return {"best": None}
    best = min(whole, key=whole.__getitem__)
    said: dict[str, Any] = {"best": best, "mean": whole[best]}
    for word, table in (("target", TARGETS), ("stretch", STRETCH)):
        if program in table:
            said[word] = table[program]
            said[f"{word}_met"] = whole[best] <= table[program]
    return said


def line(row: dict[str, Any]) -> str:
    """A row for a person: means, or how many campaigns found it."""
    cells = []
    for name, cell in row["strategies"].items():
        text = f"{cell['mean']:.1f}" if cell["found"] else "none"
        if cell["found"] < cell["campaigns"]:
            text += f" ({cell['found']}/{cell['campaigns']})"
        cells.append(f"{name} {text}")
    kept = {True: "met", False: "MISSED", None: "no target"}[row.get("target_met")]
    return f"{row['program']} @ {row['granularity']}: {', '.join(cells)} [{kept}]"


def measured(rows: list[Row], jobs: int, keep: Path | None) -> Iterator[dict[str, Any]]:
    """The rows, in order, in so many processes."""
    if jobs == 1:
        yield from (row.measure(keep) for row in rows)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(Row.measure, rows)


@click.command
@click.option("--campaigns", type=click.IntRange(1), default=100, show_default=True)
@click.option("--schedules", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--seconds", type=click.FloatRange(0), default=30.0, show_default=True)
@click.option("--total", type=click.IntRange(1), help="Instead of SECONDS, in schedules.")
@click.option("--program", "programs", multiple=True, type=click.Choice(list(PROGRAMS)))
@click.option("--strategy", "strategies", multiple=True)
@click.option("--granularity", "sizes", multiple=True, type=click.Choice(GRANULARITIES))
@click.option("--suite", type=click.Choice(["programs", "swap"]), default="programs")
@click.option("--rounds", type=click.IntRange(0), default=0, help="Of rates; 0 for none.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on from the cells in this file, and put them there; with one process only.",
)
def main(
    campaigns: int,
    schedules: int,
    seconds: float,
    total: int | None,
    programs: tuple[str, ...],
    strategies: tuple[str, ...],
    sizes: tuple[Granularity, ...],
    suite: str,
    rounds: int,
    jobs: int,
    keep: Path | None,
) -> None:
    """Count schedules to the first bug: at most SCHEDULES a campaign, and SECONDS a cell."""
    if keep is not None and jobs > 1:
        msg = "--keep goes with one process only"
        raise click.UsageError(msg)
    limits = Limits(schedules, total=total) if total else Limits(schedules, seconds)
    for name in strategies:
        try:
            parse(name)
        except ValueError as exc:
            raise click.BadParameter(str(exc)) from None
    names = strategies or STRATEGIES
    rows = [
        Row(size, program, names, campaigns, limits)
        for size in sizes or GRANULARITIES
        for program in programs or PROGRAMS
    ]
    if suite == "swap":
        rows = [Row("swap", case.name, names, campaigns, limits) for case in failing()]
    found = []
    for row in measured(rows, jobs, keep):
        found.append(row)
        click.echo(line(row), err=True)
    asked: dict[str, float] = {"campaigns": campaigns, "schedules": schedules}
    asked |= {"schedules_a_cell": total} if total else {"seconds_a_cell": seconds}
    document: dict[str, Any] = {"asked": asked, "rows": found}
    if rounds:
        document["rates"] = rates.measure(rounds, names)
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.bugs")
