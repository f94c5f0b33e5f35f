# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio matrix``: every scenario in every version, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from swaptrio.cli.console import Console


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
    With --format that goes to standard error.
    """
    from swaptrio.cli.tabulated import (
        REPORTS,
        lines_of,
        play_cases,
        record,
        unexpected_lines,
    )

    if report is not None and console.json:
        msg = "standard output cannot have both the report and the JSON document"
        raise click.UsageError(msg)
    played = play_cases(console, names, variants)
    cells = [each.cell for each in played]
    console.document({"cells": [record(console, each) for each in played]})
    if report is None:
        for line in lines_of(console, played):
            console.say(line)
    else:
        console.raw(REPORTS[report](cells))
        for line in unexpected_lines(console, played):
            console.tell(line)
    wrong = any(cell.standing == "WRONG" for cell in cells)
    return codes.FAILED if wrong else codes.OK
