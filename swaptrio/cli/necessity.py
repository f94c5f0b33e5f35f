# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio necessity``: what each lock, check, reference and order of a version is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared, variant_option

if TYPE_CHECKING:
    from swaptrio.cli.console import Console


@click.command(
    epilog=epilog(
        "necessity",
        "necessity --variant v5 --json",
        "necessity --list",
        "necessity --variant path/to/mine.py _recheck_and_insert.lock1",
    )
)
@click.argument("parts", metavar="[PART..]", nargs=-1)
@variant_option
@click.option("--list", "only_list", is_flag=True, help="Name the parts, and run nothing.")
@shared
def necessity(console: Console, parts: tuple[str, ...], variant: str, only_list: bool) -> int:
    """Take each lock and check out of a version, and see who notices.

    References and orders go too: see swaptrio.variants.parts.

    Without a PART all of them are taken out, one at a time, which takes about a minute. For
    each the scenario and check are told that notice, with the simplest schedule found and the
    command that replays it: 'V~PART' is a variant like others. The whole version passes under
    the same schedule.

    The exit code is 0 if all are noticed, or at most three are not and each has its reason.
    """
    from swaptrio.cli.necessary import list_parts, parts_called, run

    version, wanted = parts_called(console, variant, parts)
    if only_list:
        list_parts(console, variant, wanted)
        return codes.OK
    return codes.OK if run(console, variant, version, wanted) else codes.FAILED
