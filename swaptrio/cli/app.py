# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line as a whole: its commands, its help, and what it says without a command.

Nothing heavy is imported at the top of any module of this room that ``--help`` needs: a command
imports Trio and the model when it runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from swaptrio import __version__
from swaptrio.cli import codes
from swaptrio.cli.ask import ask
from swaptrio.cli.campaign import campaign
from swaptrio.cli.certify import certify
from swaptrio.cli.check import check
from swaptrio.cli.conform import conform
from swaptrio.cli.console import Console
from swaptrio.cli.doctor import doctor
from swaptrio.cli.edge import at_edge
from swaptrio.cli.explain import explain
from swaptrio.cli.explore import explore
from swaptrio.cli.fuzz import fuzz
from swaptrio.cli.list import list_
from swaptrio.cli.load import load
from swaptrio.cli.matrix import matrix
from swaptrio.cli.necessity import necessity
from swaptrio.cli.new import new
from swaptrio.cli.options import InOrder
from swaptrio.cli.replay import replay
from swaptrio.cli.show import show
from swaptrio.cli.trace import trace

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What to try first, and what it does.
EXAMPLES: Final = (
    ("list", "the named races"),
    ("replay large-vs-small-neighbour", "one of them, drawn"),
    ("replay large-vs-small-neighbour --variant pre", "before the patch"),
    ("fuzz two-faults-one-slot --seeds 5000", "look for more"),
    ("--help", "all commands"),
)


class App(InOrder):
    """A group whose every way out goes over the edge, in tests as in a shell."""

    def main(  # type: ignore[override]  # click's overloads; this one never returns
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **_extra: Any,
    ) -> NoReturn:
        """Run the command line in *args*, or that of the process, and exit."""
        arguments = list(sys.argv[1:] if args is None else args)
        console = Console(arguments)
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        run = super().main
        sys.exit(
            at_edge(
                console,
                lambda: run(arguments, prog_name, standalone_mode=False, obj=console),
            )
        )


@click.group(
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=f"""\b
Examples:
  swaptrio list
  swaptrio replay large-vs-small-neighbour
  swaptrio replay large-vs-small-neighbour --variant path/to/mine.py
  swaptrio fuzz two-faults-one-slot --seeds 5000 --json

{codes.EXPLAINED}
""",
)
@click.version_option(__version__, message="swaptrio %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Replay, fuzz, explore and trace races of the Linux swap cache.

    NAME is a scenario that 'swaptrio list' names, or the path of a .toml file.
    A variant is a version of the algorithm: a name, or the path of a .py file.
    """
    if ctx.invoked_subcommand is None:
        _welcome(ctx.obj)


def _welcome(console: Console) -> None:
    from swaptrio.scenario.files import names

    width = max(len(command) for command, _ in EXAMPLES)
    for command, what in EXAMPLES:
        console.say(f"  {console.program} {command.ljust(width)}  {what}")
    console.say()
    console.say(f"{len(names())} scenarios are at hand.")


for _command in (
    list_, show, new, check, replay, fuzz, explain, explore, matrix, ask, certify, necessity,
    load, campaign, trace, conform, doctor,
):  # fmt: skip
    cli.add_command(_command)
