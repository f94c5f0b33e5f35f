# SPDX-License-Identifier: MIT OR Apache-2.0
"""The options that the commands of campaigns share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from swaptrio.cli.options import MOST_SEEDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.cli.console import Console

#: More processes than this on one machine are a slip of the finger.
MOST_JOBS: Final = 512

#: The name of a store where none is named, in the folder for traces.
STORE: Final = "campaign.sqlite"

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd]?)", re.ASCII)


class Duration(click.ParamType[float]):
    """A time such as ``90``, ``90s``, ``10m``, ``8h`` or ``2d``, in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """*value* in seconds, more than 0."""
        if isinstance(value, float):
            return value
        match = _DURATION.fullmatch(value)
        seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
        if not seconds:
            from swaptrio.errors import shown

            self.fail(f"{shown(value)} is no time; write 90s, 10m, 8h or 2d", param, ctx)
        return seconds


class StorePath(click.ParamType[Path]):
    """The path of a store; ``logs/campaign.sqlite`` where none is given."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """*value* as a path."""
        path = Path(value)
        if "\0" in value or not path.name:
            from swaptrio.errors import shown

            self.fail(f"{shown(value)} is not the name of a file", param, ctx)
        return path


def default_jobs() -> int:
    """As many as there are processors for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def default_store() -> Path:
    """``campaign.sqlite`` in the folder for traces."""
    from swaptrio.cli.recording import log_folder

    return log_folder() / STORE


store_option: Final = click.option(
    "--store",
    metavar="FILE",
    type=StorePath(),
    help=f"The campaign's store; else {STORE} in logs/.",
)

variants_option: Final = click.option(
    "--variant",
    "variants",
    metavar="V",
    multiple=True,
    help="A variant, or the path of a .py file with one; may be repeated.",
)

files_option: Final = click.option(
    "--variant",
    "files",
    metavar="FILE",
    multiple=True,
    help="The file of a variant of your own that the campaign runs, once more.",
)

jobs_option: Final = click.option(
    "--jobs",
    metavar="J",
    type=click.IntRange(1, MOST_JOBS),
    default=default_jobs,
    show_default="the number of processors",
    help="How many processes.",
)

engine_option: Final = click.option(
    "--engine",
    type=click.Choice(["processes", "dask"]),
    default="processes",
    show_default=True,
    help="Who runs it: processes here, or a Dask cluster (the extra dask).",
)

scheduler_option: Final = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="The cluster's scheduler, such as tcp://host:8786; else one is started here.",
)

seeds_option: Final = click.option(
    "--seeds",
    metavar="N",
    type=click.IntRange(1, MOST_SEEDS),
    help="How many executions of each scenario and variant.",
)

time_option: Final = click.option(
    "--time",
    "time",
    metavar="T",
    type=Duration(),
    help="Go on for so long instead: 90s, 10m, 8h, 2d.",
)


def _stream(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """Have even what is wrong with the other options told in a line."""
    if value:
        console: Console = context.obj
        console.stream()


def streaming(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--json`` as a stream, ``--debug``, and the console."""
    json = click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_stream,
        help="One JSON document a line, as it goes.",
    )
    debug = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show tracebacks of internal errors."
    )
    return json(debug(click.pass_obj(function)))
