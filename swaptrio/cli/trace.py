# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio trace``: draw a recorded trace or a part of it, and make it into other formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from click.core import ParameterSource

from swaptrio.cli.options import FormatName, Function, epilog, shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swaptrio.cli.console import Console

#: What adds an option to a command.
Decorator: TypeAlias = Callable[[Function], Function]

_FILE = "logs/large-vs-small-neighbour-v3-between-checks.jsonl"

#: Options that choose what is made of the trace; without one it is drawn.
_KINDS: Final = ("html", "format", "state", "diagram", "diff")

#: Which others have a meaning with them. Those that ask for a part of the picture have none.
_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "html": ("diff",),
    "format": ("output",),
    "state": ("width",),
    "diagram": ("width",),
    "diff": ("width",),
}
_ALWAYS: Final = ("file", "strict", "no_pager", "json", "debug")


class TraceCommand(click.Command):
    """A command whose help lists the formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the formats, and then what other commands have there, too."""
        from swaptrio.trace.formats import FORMATS

        with formatter.section("Formats"):
            formatter.write_dl([(each.name, each.summary) for each in FORMATS.values()])
        super().format_epilog(ctx, formatter)


def _many(name: str, *names: str, metavar: str, text: str) -> Decorator:
    return click.option(name, *names, metavar=metavar, multiple=True, help=text)


def _number(name: str, *names: str, text: str, least: int = 0, **others: Any) -> Decorator:
    kind = click.IntRange(min=least)
    return click.option(name, *names, metavar="N", type=kind, help=text, **others)


@click.command(
    cls=TraceCommand,
    epilog=epilog(
        f"trace {_FILE}",
        "trace FILE --task large --label swap_cache_alloc.",
        "trace FILE --step 20 --context 5",
        "trace FILE --state 20",
        "trace FILE --diff OTHER",
        "trace FILE --html page.html --diff OTHER",
        "trace FILE --format svg -o -",
        "trace FILE --object 'folio 0x1000' --json",
    ),
)
@click.argument("file")
@_many("--task", metavar="T", text="Only steps of this task.")
@_many("--label", metavar="L", text="Only labels that contain this.")
@_many(
    "--object",
    "touching",
    metavar="O",
    text="Only steps that touch an object, or change a key, that contains this.",
)
@_many("--slot", metavar="S", text="Only steps that touch this slot, such as swap0:17.")
@_many(
    "--lock",
    metavar="L",
    text="Only steps that take, give back or run under a lock that contains this.",
)
@_number("--first", least=1, default=1, text="From step N.")
@_number("--last", least=1, text="Up to step N.")
@_number("--step", least=1, text="Only step N and those around it.")
@_number(
    "--context", default=10, show_default=True, text="So many steps on either side of --step."
)
@_number("--since-time", "since", text="From virtual time N, in nanoseconds.")
@_number("--until-time", "until", text="Up to virtual time N, in nanoseconds.")
@click.option(
    "--width",
    metavar="N",
    type=click.IntRange(60, 400),
    help="Columns, 60 to 400; else those of the terminal.",
)
@click.option("--daemons", is_flag=True, help="Give each daemon a column of its own.")
@click.option("--no-fold", is_flag=True, help="Draw rows of steps without a change, too.")
@_number("--state", text="Instead, the modelled world after step N.")
@click.option(
    "--diagram", is_flag=True, help="Instead, what a changelog would show: CPU0, CPU1."
)
@click.option("--diff", metavar="B", help="Instead, what differs in the trace in B.")
@click.option(
    "--html",
    metavar="OUT",
    help="Instead, write a page to scrub through; with --diff both traces, side by side.",
)
@click.option(
    "--format",
    metavar="NAME",
    type=FormatName(),
    help="Instead, write it for another tool; see Formats below.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="The file for --format, - for stdout; else beside FILE, with a suffix of its own.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse a file that was cut off or edited; else there is a warning.",
)
@click.option(
    "--no-pager",
    is_flag=True,
    expose_value=False,
    help="No $PAGER for what is longer than the terminal.",
)
@shared
@click.pass_context
def trace(ctx: click.Context, console: Console, /, file: str, **options: Any) -> int:
    """Draw the trace in FILE, one column a task.

    --task, --label, --object, --slot and --lock may be given more than once: a step is drawn
    if it fits one of each that are given.

    Of a file whose end was cut off, what is there is shown. That, and an edit that the digest
    in the file tells, is a warning; with --strict it is an error, exit code 2. A file of any
    size can be read: of more than 20000 steps that fit, the last ones are drawn.
    """
    _check(ctx)
    from swaptrio.cli.traced import Asked, answer

    answer(console, Asked(file=file, **options))
    return 0


def _check(ctx: click.Context) -> None:
    """Refuse options that mean nothing together, rather than let one go unheard."""
    given = {
        param.name: param.opts[-1]
        for param in ctx.command.params
        if param.name is not None
        and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
        and param.name not in _ALWAYS
    }
    kind = next((name for name in _KINDS if name in given), None)
    if kind is not None:
        for name, option in given.items():
            if name != kind and name not in _WITH[kind]:
                _refuse(f"{option} means nothing with {given[kind]}")
    for name, wanted in (("output", "format"), ("context", "step")):
        if name in given and wanted not in given:
            _refuse(f"{given[name]} goes with --{wanted}")
    for name in ("first", "last"):
        if name in given and "step" in given:
            _refuse(f"{given[name]} and --step both say which steps; give one of them")


def _refuse(message: str) -> None:
    raise click.UsageError(message)
