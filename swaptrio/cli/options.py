# SPDX-License-Identifier: MIT OR Apache-2.0
"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import Any, Final

import click

from swaptrio.cli import codes

Function = Callable[..., Any]

#: The variant where none is named: the patch under review.
DEFAULT_VARIANT: Final = "v3"

#: What decides where no strategy is named; docs/strategies.md says why.
DEFAULT_STRATEGY: Final = "auto"


class InOrder(click.Group):
    """A group that lists its commands in the order in which one meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, as they were added."""
        return list(self.commands)


def shared(function: Function) -> Function:
    """``--json`` and ``--debug``, which the console has read; and the console itself."""
    json = click.option(
        "--json", is_flag=True, expose_value=False, help="One JSON document, nothing else."
    )
    debug = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show tracebacks of internal errors."
    )
    return json(debug(click.pass_obj(function)))


class FormatName(click.ParamType[str]):
    """The name of a format of traces, or of *results*. They are imported once one is named."""

    name = "format"

    def __init__(self, *, results: bool = False) -> None:
        self.results = results

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """*value*, if there is such a format."""
        from swaptrio.errors import shown
        from swaptrio.trace.formats import FORMATS, RESULT_FORMATS
        from swaptrio.words import did_you_mean

        known = list(RESULT_FORMATS if self.results else FORMATS)
        if value not in known:
            hint = did_you_mean(value, known)
            self.fail(f"there is no format {shown(value)}; there are {', '.join(known)}{hint}")
        return str(value)


#: More seeds than anybody waits for.
MOST_SEEDS: Final = 10**12

#: What seeds a random walk.
SEED: Final = click.IntRange(min=0)

variant_option: Final = click.option(
    "--variant",
    metavar="V",
    default=DEFAULT_VARIANT,
    show_default=True,
    help="A variant, or the path of a .py file with one.",
)

without_option: Final = click.option(
    "--without",
    metavar="PART",
    multiple=True,
    help="Take a part out of the scenario: a task, failures.alloc, limit.m1, page.P:16 ...",
)

carrier_option: Final = click.option(
    "--carrier",
    type=click.Choice(["trio", "stepped"]),
    default="stepped",
    show_default=True,
    help="Who runs the tasks: Trio, one each, or all stepped from one; same executions.",
)

windows_option: Final = click.option(
    "--windows",
    is_flag=True,
    help="List each window: who came into it, and who never did and why.",
)


#: A day, in seconds.
LONG: Final = 86_400.0


def _not_nan(
    _context: click.Context, _parameter: click.Parameter, value: float | None
) -> float | None:
    """*value*, which an option has read, if it is a number.

    Raises:
        click.BadParameter: it is none.
    """
    if value is not None and isnan(value):
        msg = "nan is no number of seconds"
        raise click.BadParameter(msg)
    return value


seconds_option: Final = click.option(
    "--time",
    "seconds",
    metavar="S",
    type=click.FloatRange(0, LONG, min_open=True),
    callback=_not_nan,
    help="Stop a search after S seconds; how far it comes depends on the machine.",
)


def epilog(*examples: str) -> str:
    """The end of a command's help: *examples*, and the exit codes."""
    lines = "\n".join(f"  swaptrio {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n{codes.EXPLAINED}"
