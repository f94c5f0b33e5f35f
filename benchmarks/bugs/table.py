# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.bugs.table``: the tables of docs/strategies.md from what was measured.

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
PROGRAMS: Final = HERE / "programs.json"
SCENARIOS: Final = HERE / "scenarios.json"
FOUND: Final = HERE / "found.json"
FEWEST: Final = HERE / "fewest.json"
PAGE: Final = HERE.parents[1] / "docs" / "strategies.md"

#: What the tables are made from.
MEASURED: Final = (PROGRAMS, SCENARIOS, FOUND, FEWEST)

BEGIN: Final = "<!-- tables -->\n"
END: Final = "<!-- end of tables -->\n"

#: Deviations up to which it is looked whether fewer are enough.
MOST: Final = 3

#: What the granularities of the programs are called, in order.
GRANULARITIES: Final = {
    "every": "Programs of SCTBench, every step a scheduling point",
    "shared": "Programs of SCTBench, shared operations only",
}

#: The columns of others, as far as they measured a row.
_OTHERS: Final = (("surw_artifact", "surw", "SURW's"), ("rff_artifact", "rff", "RFF's"))


def tables(
    programs: dict[str, Any],
    scenarios: dict[str, Any],
    found: list[dict[str, Any]],
    fewest: list[dict[str, Any]],
) -> Iterator[str]:
    """The lines of all tables."""
    for size, title in GRANULARITIES.items():
        rows = [row for row in programs["rows"] if row["granularity"] == size]
        yield from (f"### {title}", "", said(programs["asked"]), "")
        yield from (*_suite(rows, programs=True), "")
    yield from ("### Failing scenarios of swaptrio", "", said(scenarios["asked"]), "")
    yield from (*_suite(scenarios["rows"], programs=False), "")
    yield from ("### Found without the window", "", *_found(found), "")
    yield from ("### More than three deviations", "", *_fewest(fewest), "")
    yield from ("### Executions per second", "", *_rates(programs["rates"]))


def said(asked: dict[str, Any]) -> str:
    """How a suite was measured."""
    cell = asked.get("schedules_a_cell")
    limit = f"{cell} schedules" if cell else f"{_limits(asked['seconds_a_cell'])} s"
    return (
        f"Schedules spent for each failure found, in {asked['campaigns']} campaigns of at most "
        f"{asked['schedules']} schedules. A cell had {limit}; (k/n) where that made only n "
        f"campaigns, or only k of them found one."
    )


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
    never = [sum(not row["strategies"][name]["found"] for row in rows) for name in strategies]
    yield _line(["*never found*", *map(str, never), *[""] * (len(others) + programs)])


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
    spent = f"{cell['per_bug']:.1f}"
    spent = f"**{spent}**" if best else spent
    few = cell["found"] < cell["campaigns"]
    return f"{spent} ({cell['found']}/{cell['campaigns']})" if few else spent


def _found(found: list[dict[str, Any]]) -> Iterator[str]:
    slowest = max(found, key=lambda row: float(row["median"]))
    yield (
        f"All {len(found)} pairs are found; the slowest is `{slowest['scenario']}` in "
        f"`{slowest['variant']}`, after {slowest['median']:g} schedules in the median. "
        f"benchmarks/bugs/found.json has the seeds of a find, for `fuzz --seed-start`, and its "
        f"shortest schedule, by names. What ends as a livelock is left out, here and above: "
        f"strategies of chance are fair, and let the one go on for whom another spins."
    )
    yield ""
    yield _line(["scenario", "variant", "fails", "by", "median", "most", "found", "deviations"])
    yield _line(["---"] * 4 + ["---:"] * 4)
    for row in found:
        words = [row[name] for name in ("scenario", "variant", "failure", "strategy")]
        figures = [f"{row['median']:g}", str(row["most"]), f"{row['found']}/20"]
        yield _line([*words, *figures, str(row["deviations"])])


def _fewest(fewest: list[dict[str, Any]]) -> Iterator[str]:
    many = [row for row in fewest if row["deviations"] > MOST]
    yield (
        f"`python -m benchmarks.bugs.fewest` runs all schedules with fewer deviations than "
        f"those above, up to {MOST}, or one for all that lead to the same place. None of them "
        f"fails so. These take more than {MOST} for that reason, after so many runs; most "
        f"of the deviations interrupt nobody: a task waits, and its daemon has to come before "
        f"others that are ready."
    )
    yield ""
    yield _line(["scenario", "variant", "fails", "deviations", "executions"])
    yield _line(["---"] * 3 + ["---:"] * 2)
    for row in many:
        words = [row[name] for name in ("scenario", "variant", "failure")]
        yield _line([*words, str(row["deviations"]), f"{row['executions']:,}"])


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
    """Put the tables into docs/strategies.md."""
    page = PAGE.read_text(encoding="utf-8")
    lines = list(tables(*(json.loads(file.read_text("utf-8")) for file in MEASURED)))
    wanted = page_with(page, lines)
    if check:
        sys.exit(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.bugs.table")
