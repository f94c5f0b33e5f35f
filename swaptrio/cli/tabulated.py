# SPDX-License-Identifier: MIT OR Apache-2.0
"""The cells of the matrix: played, drawn as a table, and as reports for other tools."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from swaptrio.cli.case import Case, variant_of
from swaptrio.cli.console import LiveLine
from swaptrio.cli.recording import opening, record_window
from swaptrio.errors import BadInput, Problem
from swaptrio.explore.matrix import Cell, cell_of
from swaptrio.scenario.files import digest, find
from swaptrio.scenario.files import names as scenario_names
from swaptrio.scenario.play import load_checked
from swaptrio.sched import open_scheduler
from swaptrio.trace.formats.junit import to_junit
from swaptrio.trace.formats.results import Result
from swaptrio.variants import VERSIONS
from swaptrio.variants import names as variant_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.explore.matrix import WindowResult
    from swaptrio.sched import Scheduler

_COLUMN: Final = 7
_COLOURS: Final = {"ok": "green", "fails": "yellow", "WRONG": "red"}


@attrs.frozen
class Played:
    """A case that was played, and by window where traces of what is not as expected lie."""

    case: Case
    cell: Cell
    traces: dict[str, Path | None]


def play_cases(console: Console, names: tuple[str, ...], variants: str) -> list[Played]:
    """All cells, row by row."""
    cases = _cases(console, names, variants)
    line = LiveLine(console)

    async def play_all(stop: Callable[[], bool]) -> list[Played]:
        played: list[Played] = []
        async with open_scheduler("stepped") as scheduler:
            for case in cases:
                if stop():
                    break
                line.show(
                    f"{len(played)} of {len(cases)}: {case.scenario.name}, {case.variant.name}"
                )
                played.append(await _play(console, scheduler, case))
        return played

    with line, console.interrupts.listening() as stop:
        return trio.run(play_all, stop)


async def _play(console: Console, scheduler: Scheduler, case: Case) -> Played:
    cell = await cell_of(scheduler, case.scenario, case.variant)
    traces = {
        window.name: await record_window(console, scheduler, case, window)
        for window, result in zip(case.scenario.window, cell.windows, strict=True)
        if result.missed
    }
    return Played(case, cell, traces)


def _cases(console: Console, names: tuple[str, ...], variants: str) -> list[Case]:
    spelled = {"": list(VERSIONS), "all": list(variant_names())}.get(variants)
    problems: list[Problem] = []
    columns, rows = [], []
    for name in spelled or [word.strip() for word in variants.split(",")]:
        try:
            columns.append((name, variant_of(console, name)))
        except BadInput as error:
            problems += error.problems
    known = set(variant_names())
    own = next((variant for _, variant in columns if variant.name not in known), None)
    for name in names or scenario_names():
        try:
            rows.append((name, load_checked(find(name), own), digest(find(name))))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    if not names:
        rows.sort(key=lambda row: (row[1].catalogue, row[1].name))
    return [
        Case(name, spelled, scenario, variant, digested)
        for name, scenario, digested in rows
        for spelled, variant in columns
    ]


def lines_of(console: Console, played: Sequence[Played]) -> Iterator[str]:
    """The table, what it sums up to, and below it all that is not as expected."""
    cells = [each.cell for each in played]
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
    yield from unexpected_lines(console, played)


def unexpected_lines(console: Console, played: Sequence[Played]) -> Iterator[str]:
    """All that is not as expected, with the command that replays it and its trace."""
    for each in played:
        for result in each.cell.windows:
            if result.missed:
                yield ""
                yield f"{each.cell.scenario}, window {result.window}, {each.cell.variant}:"
                yield from (f"  {line}" for line in result.missed)
                yield f"  {_command(console, each.case, result)}"
                path = each.traces[result.window]
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


def _command(console: Console, case: Case, result: WindowResult) -> str:
    options = ["--variant", case.spelled, "--window", result.window]
    return shlex.join([console.program, "replay", case.name, *options])


def _trace(path: Path | None) -> str | None:
    return None if path is None else str(path)


def record(console: Console, played: Played) -> dict[str, Any]:
    """A cell for the JSON document."""
    cell = played.cell
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
                "trace": _trace(played.traces.get(result.window)),
                "command": _command(console, played.case, result),
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


REPORTS: Final = {"markdown": _markdown, "junit": _junit}
