# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio conform``: hold a variant against vectors recorded from kernel code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared, variant_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from swaptrio.cli.console import Console
    from swaptrio.conform import Mismatch, Report, Vector
    from swaptrio.variants import Variant

#: Columns of a field's name and of a value, so that a line has 80.
_NAME = 15
_CELL = 29


@click.command(
    epilog=epilog("conform vectors.jsonl --variant v3", "conform one.jsonl two.jsonl.gz --json")
)
@click.argument("files", metavar="FILE..", nargs=-1, required=True)
@variant_option
@shared
def conform(console: Console, files: tuple[str, ...], variant: str) -> int:
    """Compare a variant with the vectors in each FILE.

    A vector is one recorded call with everything around it scripted; files are JSON lines,
    plain or gzip. Every field is compared, and the first mismatches are printed.
    """
    from swaptrio.cli.case import variant_of

    with console.interrupts.listening() as stop:
        report = _compare(console, files, variant_of(console, variant), stop)
        stopped = stop()
    console.document(_record(report, stopped))
    for line in _lines(report, stopped):
        console.say(line)
    return codes.FAILED if report.mismatched else codes.OK


def _compare(
    console: Console, files: Iterable[str], variant: Variant, stop: Callable[[], bool]
) -> Report:
    from swaptrio.cli.console import LiveLine
    from swaptrio.cli.recording import with_scheduler
    from swaptrio.conform import conform as compare
    from swaptrio.explore import Pace

    line, pace = LiveLine(console), Pace.start()

    def progress(report: Report) -> None:
        if pace.is_time(report.vectors):
            rate = report.vectors / pace.told
            mismatched = f"{report.mismatched} mismatched"
            line.show(f"{report.vectors} vectors, {rate:.0f}/s, {mismatched}")

    with line:
        return with_scheduler(
            console,
            lambda scheduler: compare(scheduler, _vectors(files, stop), variant, progress),
        )


def _vectors(files: Iterable[str], stop: Callable[[], bool]) -> Iterator[Vector]:
    from pathlib import Path

    from swaptrio.conform import read

    for file in files:
        for vector in read(Path(file)):
            if stop():
                return
            yield vector


def _record(report: Report, stopped: bool) -> dict[str, Any]:
    return {
        "variant": report.variant,
        "vectors": report.vectors,
        "matched": report.matched,
        "mismatched": report.mismatched,
        "skipped": report.skipped,
        "first_mismatches": [_mismatch(mismatch) for mismatch in report.first_mismatches],
        "interrupted": stopped,
    }


def _mismatch(mismatch: Mismatch) -> dict[str, Any]:
    fields = [
        {"field": found.field, "expected": found.expected, "got": found.found}
        for found in mismatch.differences
    ]
    return {"id": mismatch.id, "source": mismatch.source, "fields": fields}


def _lines(report: Report, stopped: bool) -> Iterator[str]:
    for mismatch in report.first_mismatches:
        yield f"vector {mismatch.id} ({mismatch.source})"
        yield f"  {'field'.ljust(_NAME)}  {'expected'.ljust(_CELL)}  got"
        for found in mismatch.differences:
            yield _side_by_side(found.field, found.expected, found.found)
        yield ""
    left_out = report.mismatched - len(report.first_mismatches)
    if left_out > 0:
        yield f"{left_out} more vectors do not match."
    rest = f", {report.skipped} skipped" if report.skipped else ""
    cut = " (interrupted)" if stopped else ""
    counts = f"{report.matched} matched, {report.mismatched} mismatched{rest}"
    yield f"variant {report.variant}: {report.vectors} vectors, {counts}{cut}"


def _side_by_side(field: str, expected: Any, found: Any) -> str:
    left, right = json.dumps(expected), json.dumps(found)
    start = 0
    if max(len(left), len(right)) > _CELL:
        start = max(0, _common(left, right) - _CELL // 2)
    cells = f"{_part(left, start).ljust(_CELL)}  {_part(right, start)}"
    return f"  {field.ljust(_NAME)}  {cells}"


def _common(left: str, right: str) -> int:
    """The length of what both begin with."""
    pairs = zip(left, right, strict=False)
    differing = (place for place, (one, two) in enumerate(pairs) if one != two)
    return next(differing, min(len(left), len(right)))


def _part(text: str, start: int) -> str:
    """What a cell shows of *text* from *start* on."""
    before = "..." if start else ""
    room = _CELL - len(before)
    part = text[start:]
    return before + (part if len(part) <= room else f"{part[: room - 3]}...")
