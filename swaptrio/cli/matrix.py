# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio matrix``: every scenario in every version, as a table."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.explore.matrix import Cell, WindowResult
    from swaptrio.scenario.format import Scenario
    from swaptrio.variants import Variant

#: Where the trace of a window lies, by scenario, variant and window; none if nowhere.
Traces: TypeAlias = "dict[tuple[str, str, str], Path | None]"

#: The widest line of the table.
WIDTH: Final = 100

_COLUMN: Final = 7
_COLOURS: Final = {"ok": "green", "fails": "yellow", "WRONG": "red"}


@click.command(
    epilog=epilog(
        "matrix",
        "matrix two-faults-one-slot --variants v3,v5,path/to/mine.py",
        "matrix --variants all --format junit > results.xml",
        "matrix --format markdown",
    )
)
@click.argument("names", metavar="[NAME..]", nargs=-1)
@click.option(
    "--variants",
    metavar="V,..",
    default="",
    help="Variants, or .py files with one; all for mutants too. The versions if left out.",
)
@click.option(
    "--format",
    "report",
    type=click.Choice(["markdown", "junit"]),
    help="Print the matrix for another tool instead.",
)
@shared
def matrix(console: Console, names: tuple[str, ...], variants: str, report: str | None) -> int:
    """Play every window of each scenario NAME in each version.

    Without a NAME all scenarios are played. ok: it passes, as expected. fails: it fails as the
    file expects. n/a: its windows mean nothing to the version. WRONG: anything else; it is told
    below the table with the command that replays it and its trace, and then the exit code is 1.
    """
    if report is not None and console.json:
        msg = "standard output cannot have both the report and the JSON document"
        raise click.UsageError(msg)
    cells, traces = _played(console, names, variants)
    if report is not None:
        console.raw(_REPORTS[report](cells))
    console.document({"cells": [_record(console, cell, traces) for cell in cells]})
    for line in _lines(console, cells, traces) if report is None else ():
        console.say(line)
    wrong = any(cell.standing == "WRONG" for cell in cells)
    return codes.FAILED if wrong else codes.OK


def _played(
    console: Console, names: tuple[str, ...], variants: str
) -> tuple[list[Cell], Traces]:
    """All cells, and where the traces lie of the windows that did not end as they must."""
    import trio

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import LiveLine
    from swaptrio.cli.recording import record_window
    from swaptrio.explore.matrix import cell_of
    from swaptrio.sched import open_scheduler

    rows, columns, digests = _cases(console, names, variants)
    line = LiveLine(console)
    traces: Traces = {}

    async def play_all(stop: Callable[[], bool]) -> list[Cell]:
        cells: list[Cell] = []
        async with open_scheduler("stepped") as scheduler:
            for scenario in rows:
                for variant in columns:
                    if stop():
                        return cells
                    line.show(
                        f"{len(cells)} of {len(rows) * len(columns)}: "
                        f"{scenario.name}, {variant.name}"
                    )
                    cells.append(await cell_of(scheduler, scenario, variant))
                    case = Case(
                        scenario.name, variant.name, scenario, variant, digests[scenario.name]
                    )
                    for window, result in zip(scenario.window, cells[-1].windows, strict=True):
                        if result.missed:
                            path = await record_window(console, scheduler, case, window)
                            traces[scenario.name, variant.name, window.name] = path
        return cells

    with console.interrupts.listening() as stop:
        cells = trio.run(play_all, stop)
    line.clear()
    return cells, traces


def _cases(
    console: Console, names: tuple[str, ...], variants: str
) -> tuple[list[Scenario], list[Variant], dict[str, str]]:
    from swaptrio.cli.case import variant_of
    from swaptrio.errors import BadInput, Problem
    from swaptrio.scenario.files import digest, find
    from swaptrio.scenario.files import names as scenario_names
    from swaptrio.scenario.play import load_checked
    from swaptrio.variants import VERSIONS
    from swaptrio.variants import names as variant_names

    spelled = {"": list(VERSIONS), "all": list(variant_names())}.get(variants)
    problems: list[Problem] = []
    columns, rows = [], []
    digests: dict[str, str] = {}
    for name in spelled or [word.strip() for word in variants.split(",")]:
        try:
            columns.append(variant_of(console, name))
        except BadInput as error:
            problems += error.problems
    known = set(variant_names())
    own = next((variant for variant in columns if variant.name not in known), None)
    for name in names or scenario_names():
        try:
            rows.append(load_checked(find(name), own))
            digests[rows[-1].name] = digest(find(name))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    if not names:
        rows.sort(key=lambda scenario: (scenario.catalogue, scenario.name))
    return rows, columns, digests


def _lines(console: Console, cells: Sequence[Cell], traces: Traces) -> Iterator[str]:
    from swaptrio.cli.recording import opening

    variants = list(dict.fromkeys(cell.variant for cell in cells))
    blocks = [
        variants[first : first + _PER_BLOCK] for first in range(0, len(variants), _PER_BLOCK)
    ]
    for number, block in enumerate(blocks):
        if number:
            yield ""
        yield from _table(console, cells, block)
    yield ""
    yield _sum(cells)
    for cell in cells:
        for result in cell.windows:
            if result.missed:
                yield ""
                yield f"{cell.scenario}, window {result.window}, {cell.variant}:"
                yield from (f"  {line}" for line in result.missed)
                yield f"  {_command(console, cell, result)}"
                path = traces[cell.scenario, cell.variant, result.window]
                yield from (f"  {line}" for line in opening(console, path))


#: Columns that fit beside the longest name of a scenario.
_PER_BLOCK: Final = 6


def _table(console: Console, cells: Sequence[Cell], variants: list[str]) -> Iterator[str]:
    heads = [_head(variant) for variant in variants]
    yield f"{'':<44}{''.join(heads)}".rstrip()
    by_scenario: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        by_scenario.setdefault(cell.scenario, {})[cell.variant] = cell
    for scenario, row in by_scenario.items():
        first = next(iter(row.values()))
        words = [
            _coloured(console, row[variant].standing) for variant in variants if variant in row
        ]
        yield f"{first.catalogue:<4}{scenario[:39]:<40}{''.join(words)}".rstrip()


def _head(variant: str) -> str:
    return variant[: _COLUMN + 1].ljust(_COLUMN + 2)


def _coloured(console: Console, word: str) -> str:
    padded = word.ljust(_COLUMN + 2)
    colour = _COLOURS.get(word)
    return click.style(padded, fg=colour) if console.color and colour else padded


def _sum(cells: Sequence[Cell]) -> str:
    counts = dict.fromkeys(("ok", "fails", "n/a", "WRONG"), 0)
    for cell in cells:
        counts[cell.standing] += 1
    return (
        f"{len(cells)} cells: {counts['ok']} ok, {counts['fails']} fail as expected, "
        f"{counts['n/a']} n/a, {counts['WRONG']} WRONG"
    )


def _command(console: Console, cell: Cell, result: WindowResult) -> str:
    options = ["--variant", cell.variant, "--window", result.window]
    return shlex.join([console.program, "replay", cell.scenario, *options])


def _trace(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _record(console: Console, cell: Cell, traces: Traces) -> dict[str, Any]:
    return {
        "scenario": cell.scenario,
        "catalogue": cell.catalogue,
        "variant": cell.variant,
        "standing": cell.standing.value,
        "checks": list(cell.checks),
        "windows": [
            {
                "window": result.window,
                "expected": result.expect.verdict,
                "check": result.expect.check,
                "reason": result.expect.reason,
                "verdict": "n/a" if result.verdict is None else result.verdict.ending.value,
                "missed": list(result.missed),
                "trace": _trace(traces.get((cell.scenario, cell.variant, result.window))),
                "command": _command(console, cell, result),
            }
            for result in cell.windows
        ],
    }


def _markdown(cells: Sequence[Cell]) -> bytes:
    variants = list(dict.fromkeys(cell.variant for cell in cells))
    lines = [
        f"| entry | scenario | {' | '.join(variants)} |",
        f"|---|---|{'---|' * len(variants)}",
    ]
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.scenario, []).append(cell)
    for scenario, row in rows.items():
        words = " | ".join(_markdown_word(cell) for cell in row)
        lines.append(f"| {row[0].catalogue} | {scenario} | {words} |")
    return "".join(f"{line}\n" for line in lines).encode()


def _markdown_word(cell: Cell) -> str:
    if cell.standing == "fails":
        return ", ".join(cell.checks)
    return f"**{cell.standing.value}**" if cell.standing == "WRONG" else cell.standing.value


def _junit(cells: Sequence[Cell]) -> bytes:
    from swaptrio.trace.formats.junit import to_junit
    from swaptrio.trace.formats.results import Result

    return to_junit(
        [
            Result(
                f"{cell.scenario}, {result.window}",
                cell.variant,
                _ending(result.expect.verdict, result.expect.check),
                _verdict(result),
                "; ".join(result.missed),
            )
            for cell in cells
            for result in cell.windows
            if result.verdict is not None
        ]
    )


def _ending(verdict: str, check: str) -> str:
    return f"{verdict} of {check}" if check else verdict


def _verdict(result: WindowResult) -> str:
    """The expected ending where nothing is amiss; else what came instead."""
    assert result.verdict is not None
    expected = _ending(result.expect.verdict, result.expect.check)
    if not result.missed:
        return expected
    found = _ending(result.verdict.ending.value, result.verdict.check)
    return found if found != expected else f"{found}, and more amiss"


_REPORTS: Final = {"markdown": _markdown, "junit": _junit}
