# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio trace``: draw a recorded trace, or a part of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.cli.console import Console
    from swaptrio.trace import Event, Trace

_FILE = "logs/large-vs-small-neighbour-v3-between-checks.jsonl"


@click.command(
    epilog=epilog(
        f"trace {_FILE}",
        "trace FILE --task large --label swap_cache_alloc.",
        "trace FILE --object 'folio 0x1000' --json",
    )
)
@click.argument("file")
@click.option("--task", metavar="T", multiple=True, help="Only steps of this task.")
@click.option("--label", metavar="L", multiple=True, help="Only labels that contain this.")
@click.option(
    "--object",
    "touching",
    metavar="O",
    multiple=True,
    help="Only steps that touch an object, or change a key, that contains this.",
)
@click.option(
    "--first", metavar="N", type=click.IntRange(min=1), default=1, help="From step N."
)
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="Up to step N.")
@click.option(
    "--width",
    metavar="N",
    type=click.IntRange(60, 400),
    help="Columns, 60 to 400; else those of the terminal.",
)
@click.option("--daemons", is_flag=True, help="Give each daemon a column of its own.")
@click.option("--no-fold", is_flag=True, help="Draw rows of steps without a change, too.")
@shared
def trace(
    console: Console,
    file: str,
    task: tuple[str, ...],
    label: tuple[str, ...],
    touching: tuple[str, ...],
    first: int,
    last: int | None,
    width: int | None,
    daemons: bool,
    no_fold: bool,
) -> int:
    """Draw the trace in FILE, one column a task.

    --task, --label and --object may be given more than once: a step is drawn if it fits one of
    each that are given.
    """
    from swaptrio.trace import draw_lanes, open_trace, select

    found = open_trace(file)
    wanted = {"tasks": task, "labels": label, "touching": touching}
    events = select(found, **wanted, first=first, last=last)
    console.document(_record(found, events))
    if not console.json:
        picture = draw_lanes(
            found,
            events=events,
            width=width or console.width,
            daemons=daemons,
            fold=not no_fold,
            command=_command(console, found, file),
            color=console.color,
        )
        console.say(picture.rstrip("\n"))
    return codes.OK


def _record(found: Trace, events: Sequence[Event]) -> dict[str, Any]:
    from swaptrio.trace.records import event_record, header_record

    return {
        "header": header_record(found.header),
        "steps": found.header.steps,
        "events": [event_record(event) for event in events],
    }


def _command(console: Console, found: Trace, file: str) -> str:
    """What replays the trace, where its scenario and its variant can be named."""
    from swaptrio.scenario.files import names
    from swaptrio.variants import names as variants

    header = found.header
    if header.scenario not in names() or header.variant not in variants():
        return ""
    options = ["--variant", header.variant, "--schedule", file]
    return shlex.join([console.program, "replay", header.scenario, *options])
