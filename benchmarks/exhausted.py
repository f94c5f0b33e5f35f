# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.exhausted``: the table of docs/exploring.md from exhaustive.jsonl.

The text around the table is written by hand; what stands between the two marks is not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from benchmarks.bugs.table import page_with

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "exhaustive.jsonl"
PAGE: Final = HERE.parent / "docs" / "exploring.md"


def results() -> list[dict[str, Any]]:
    """What was measured last."""
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of the table; a search that has not ended says how far it came."""
    yield "| Program | Way | Ended | Executions | Classes | States | Seconds |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for row in rows:
        counts = [_count(row[key]) for key in ("executions", "traces", "states")]
        ended = "yes" if row["complete"] else "no"
        cells = [row["program"], row["way"], ended, *counts, f"{row['seconds']:.1f}"]
        yield f"| {' | '.join(cells)} |"


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


@click.command()
def main() -> None:
    """Put the table of exhaustive.jsonl into docs/exploring.md."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page_with(page, list(table(results()))), encoding="utf-8")


if __name__ == "__main__":
    main()
