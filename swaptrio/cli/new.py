# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio new``: a scenario file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from swaptrio.cli.console import Console


@click.command(epilog=epilog("new my-race", "new my-race --to path/to/folder"))
@click.argument("name", metavar="NAME")
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write it. The current folder if left out.",
)
@shared
def new(console: Console, name: str, folder: Path) -> None:
    """Write NAME.toml, a small scenario that runs, with comments.

    NAME is a lower-case letter, then such letters, digits or -. A file that is there already is
    left alone.
    """
    from swaptrio.cli.console import short
    from swaptrio.scenario.skeleton import write_skeleton

    path = write_skeleton(folder, name)
    console.say(f"{short(path)} is there; 'swaptrio replay {short(path)}' plays it")
    console.document({"path": short(path)})
