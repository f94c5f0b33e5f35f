# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.compare OLD NEW``: two documents of ``python -m benchmarks``.

Every figure that both have is told as a ratio. What counts is what was promised: a promise that
was kept and is not any more makes the exit code 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


def medians(document: dict[str, Any], place: str = "") -> Iterator[tuple[str, float]]:
    """The medians in *document*, by where they stand."""
    for key, value in document.items():
        if isinstance(value, dict):
            where = f"{place}.{key}" if place else key
            if "median" in value:
                yield where, float(value["median"])
            else:
                yield from medians(value, where)


def compare(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What has changed from *old* to *new*."""
    before, after = dict(medians(old)), dict(medians(new))
    broken = [
        name
        for name, promise in new["promises"].items()
        if not promise["kept"] and old["promises"].get(name, {}).get("kept", False)
    ]
    return {
        "same_machine": old["machine"] == new["machine"],
        "new_over_old": {
            name: float(f"{after[name] / before[name]:.3g}")
            for name in before
            if name in after and before[name]
        },
        "promises": {
            name: [old["promises"].get(name, {}).get("measured"), promise["measured"]]
            for name, promise in new["promises"].items()
        },
        "broken": broken,
    }


@click.command
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(old: Path, new: Path) -> None:
    """Compare two saved runs of the benchmarks, and print the result as JSON."""
    texts = (path.read_text(encoding="utf-8") for path in (old, new))
    result = compare(*map(json.loads, texts))
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")
    for name in result["broken"]:
        click.echo(f"{name}: the promise was kept, and is not any more", err=True)
    sys.exit(1 if result["broken"] else 0)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.compare")
