# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio check``: whether scenario files can be used, and all that is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swaptrio.cli.options import DEFAULT_VARIANT, epilog, shared, variant_option

if TYPE_CHECKING:
    from swaptrio.cli.console import Console


@click.command(
    epilog=epilog(
        "check path/to/race.toml",
        "check path/to/race.toml --variant path/to/mine.py",
        "check two-faults-one-slot --json",
    )
)
@click.argument("names", metavar="NAME..", nargs=-1, required=True)
@variant_option
@shared
def check(console: Console, names: tuple[str, ...], variant: str) -> None:
    """Say whether each scenario NAME can be used, without running it.

    Keys, values, names and the words of the model: everything that is wrong is told at once,
    with its place and the nearest right word, and then the exit code is 2. With --variant a
    file may speak of that variant too. Whether its windows can be reached only a replay knows.
    """
    from swaptrio.cli.case import load_cases

    cases = load_cases(console, names, variant or DEFAULT_VARIANT)
    for case in cases:
        windows = ", ".join(window.name for window in case.scenario.window)
        console.say(f"{case.name}: fine ({case.scenario.catalogue}; windows {windows})")
    console.document(
        {
            "scenarios": [
                {
                    "name": case.scenario.name,
                    "digest": case.digest,
                    "windows": [window.name for window in case.scenario.window],
                }
                for case in cases
            ]
        }
    )
