# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.bugs.table``: the tables of docs/strategies.md from results.json.

The text around the tables is written by hand; what stands between the two marks is not. With
``--check`` nothing is written, and the exit code says whether the page is up to date.
"""

from __future__ import annotations

import json
import sys
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
PAGE: Final = HERE.parents[1] / "docs" / "strategies.md"

BEGIN: Final = "<!-- tables -->\n"
END: Final = "<!-- end of tables -->\n"

#: What each part of the rows is called, in order.
SUITES: Final = {
    "every": "Programs of SCTBench, every step a scheduling point",
    "shared": "Programs of SCTBench, shared operations only",
    "swap": "Failing scenarios of swaptrio",
}

#: The columns of others, as far as they measured a row.
_OTHERS: Final = (("surw_artifact", "surw", "SURW's"), ("rff_artifact", "rff", "RFF's"))


def tables(document: dict[str, Any]) -> Iterator[str]:
    """The lines of all tables."""
    asked = document["asked"]
    most, seconds = _limits(asked["schedules"]), _limits(asked["seconds_a_cell"])
    yield (
        f"Mean schedules to the first failure over {asked['campaigns']} campaigns, each of at "
        f"most {most} schedules; (k/n) where only k of n campaigns found one. A cell had "
        f"{seconds} s on a busy machine; n says how many campaigns that made."
    )
    for suite, title in SUITES.items():
        rows = [row for row in document["rows"] if row["granularity"] == suite]
        if rows:
            yield from ("", f"### {title}", "")
            yield from _suite(rows, programs=suite != "swap")
    if "rates" in document:
        yield from ("", "### Executions per second", "")
        yield from _rates(document["rates"])


def _limits(limits: float | dict[str, float]) -> str:
    """One limit, or where parts were measured apart the least and the most."""
    if not isinstance(limits, dict):
        return f"{limits:g}"
    return f"{min(limits.values()):g} to {max(limits.values()):g}"


def overall(rows: list[dict[str, Any]], strategy: str) -> float:
    """The geometric mean over *rows* of the schedules that *strategy* spent for each bug.

    Where it found none, what it spent in vain stands for that, which is too little.
    """
    return exp(sum(log(_spent(row["strategies"][strategy])) for row in rows) / len(rows))


def _spent(cell: dict[str, Any]) -> float:
    return float(cell.get("per_bug", cell.get("schedules_in_vain", 1)))


def _suite(rows: list[dict[str, Any]], *, programs: bool) -> Iterator[str]:
    strategies = list(rows[0]["strategies"])
    others = [title for _, _, title in _OTHERS] if programs else []
    yield _line(["", *strategies, *others, *(["target"] if programs else [])])
    yield _line(["---", *["---:"] * (len(strategies) + len(others) + programs)])
    for row in rows:
        cells = [_cell(row["strategies"][name], name == row["best"]) for name in strategies]
        yield _line([row["program"], *cells, *(_published(row) if programs else [])])
    means = [f"{overall(rows, name):.1f}" for name in strategies]
    yield _line(["*all, geometric*", *means, *[""] * (len(others) + programs)])


def _published(row: dict[str, Any]) -> list[str]:
    figures = [
        _figure(row["published"].get(artifact, {}), name) for artifact, name, _ in _OTHERS
    ]
    target = row.get("target")
    kept = {True: "met", False: "missed", None: ""}[row.get("target_met")]
    return [*figures, "" if target is None else f"{target} ({kept})"]


def _figure(figures: dict[str, Any], name: str) -> str:
    if name not in figures:
        return ""
    return "none" if figures[name] is None else f"{figures[name]:g}"


def _cell(cell: dict[str, Any], best: bool) -> str:
    if not cell["found"]:
        return f"none (0/{cell['campaigns']})"
    mean = f"{cell['mean']:.1f}"
    mean = f"**{mean}**" if best else mean
    few = cell["found"] < cell["campaigns"]
    return f"{mean} ({cell['found']}/{cell['campaigns']})" if few else mean


def _rates(rates: dict[str, Any]) -> Iterator[str]:
    yield f"Of `{rates['case']}`, medians of {rates['rounds']} rounds taken in turn."
    yield ""
    yield _line(["", "executions/s", "over random"])
    yield _line(["---", "---:", "---:"])
    for name, rate in rates["rates"].items():
        per_second = rate["executions_per_second"]["median"]
        yield _line([name, f"{per_second:.0f}", f"{rate['over_random']['median']:.2f}"])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page_with(page: str, lines: list[str]) -> str:
    """*page* with *lines* between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    text = "\n".join(lines)
    return f"{before}{BEGIN}{text}\n{END}{after}"


@click.command
@click.option(
    "--check", is_flag=True, help="Write nothing; say whether the page is up to date."
)
def main(check: bool) -> None:
    """Put the tables of results.json into docs/strategies.md."""
    page = PAGE.read_text(encoding="utf-8")
    lines = list(tables(json.loads(RESULTS.read_text(encoding="utf-8"))))
    wanted = page_with(page, lines)
    if check:
        sys.exit(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.bugs.table")
