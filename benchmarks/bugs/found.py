# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.bugs.found``: every failing scenario found without its window.

Each scenario, in each variant that fails it, is hunted for by the strategy that measured best
on it in scenarios.json, or one that is told what is interesting: 20 campaigns with seeds that
had no part in that, each until a failure that the file expects. A strategy that is slower than
promised gives way to the next best. The first find is made simple, and kept as a schedule by
names.

What is found goes into found.json as it comes; what stands there already is not hunted again.
"""

from __future__ import annotations

import json
from functools import partial
from math import inf
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from benchmarks.bugs.hunt import STRIDE, Counts, Limits, first_seed, hunt
from benchmarks.bugs.swap import SwapCase, failing
from benchmarks.bugs.table import FOUND, SCENARIOS, overall
from swaptrio.explore import minimise
from swaptrio.sched import open_scheduler
from swaptrio.sched.strategies import parse
from swaptrio.variants import VERSIONS

if TYPE_CHECKING:
    from swaptrio.sched import Scheduler, Verdict  # noqa: TC004 -- a hint
    from swaptrio.sched.strategies import SeededStrategy

#: Campaigns of a pair, and the number of the first.
CAMPAIGNS: Final = 20
FIRST: Final = 1000

#: Schedules that the middle campaign may take.
MOST: Final = 20_000

#: Executions that may be spent on making the first find simple.
REPLAYS: Final = 4000


#: Where no strategy finds out soon what is interesting: those that are told.
INTERESTS: Final = {
    "uffd-move-foreign-folio/uffd-any-folio": "surw:swap0",
    "use-without-lock/no-rematch": "surw:do_swap_page.folio_lock",
    **{
        f"zero-rewrite-keeps-zswap-copy/{version}": (
            "surw:shrink_folio_list.retrylock,user_store.store"
        )
        for version in VERSIONS
    },
}


@attrs.define(eq=False)
class Remembered:
    """A pair, and the failure by which it was *first* found, with its *seed*."""

    case: SwapCase
    first: Verdict | None = None
    seed: int = 0

    async def execute(self, scheduler: Scheduler, strategy: SeededStrategy) -> Verdict:
        """Run the set-up once."""
        if self.first is None:
            self.seed = strategy.seed
        return await self.case.execute(scheduler, strategy)

    def shows(self, verdict: Verdict) -> bool:
        """Whether it ended as some window must."""
        shown = self.case.shows(verdict)
        if shown and self.first is None:
            self.first = verdict
        return shown


def best_first(rows: list[dict[str, Any]], pair: str) -> list[str]:
    """The strategies, those that spent little on *pair* before others.

    Where two have found nothing, the one that spends less on all of *rows* comes first.
    """
    cells = next(row["strategies"] for row in rows if row["program"] == pair)
    names = sorted(
        cells, key=lambda name: (cells[name].get("per_bug", inf), overall(rows, name), name)
    )
    told = INTERESTS.get(pair)
    return names if told is None else [told, *names]


async def campaigns_of(scheduler: Scheduler, pair: Remembered, strategy: str) -> Counts | None:
    """What each campaign needed; None once so many were in vain that the middle one is."""
    counts = Counts()
    for number in range(FIRST, FIRST + CAMPAIGNS):
        numbers = range(FIRST, number + 1)
        limits = Limits(MOST)
        await hunt(scheduler, pair, partial(parse, strategy), numbers, limits, counts)
        if 2 * len(counts.vain) >= CAMPAIGNS:
            return None
    return counts


async def find(case: SwapCase, strategies: list[str]) -> dict[str, Any]:
    """How *case* was found, by the first of *strategies* that keeps the promise.

    Raises:
        AssertionError: none does.
    """
    async with open_scheduler("stepped") as scheduler:
        for strategy in strategies:
            pair = Remembered(case)
            counts = await campaigns_of(scheduler, pair, strategy)
            if counts is not None:
                break
        assert counts is not None
        assert pair.first is not None
        needed = sorted(counts.found + counts.vain)
        start = first_seed(pair.seed // STRIDE)
        minimal = await minimise(scheduler, case.setup, pair.first, replays=REPLAYS)
    return {
        "scenario": case.scenario,
        "variant": case.variant,
        "failure": pair.first.check or pair.first.ending.value,
        "strategy": strategy,
        "found": len(counts.found),
        "median": median(needed),
        "most": needed[-1],
        "seed_start": start,
        "seeds": pair.seed - start + 1,
        "schedule": str(minimal.names),
        "deviations": minimal.size.deviations,
    }


def known() -> list[dict[str, Any]]:
    """What found.json has."""
    if not FOUND.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(FOUND.read_text(encoding="utf-8"))
    return rows


@click.command
def main() -> None:
    """Hunt for every pair that found.json does not have, and put it there."""
    rows = json.loads(SCENARIOS.read_text(encoding="utf-8"))["rows"]
    found = {f"{row['scenario']}/{row['variant']}": row for row in known()}
    cases = failing()
    for case in cases:
        if case.name not in found:
            row = found[case.name] = trio.run(find, case, best_first(rows, case.name))
            click.echo(f"{case.name}: {row['median']:g} by {row['strategy']}", err=True)
            kept = [found[each.name] for each in cases if each.name in found]
            FOUND.write_text(f"{json.dumps(kept, indent=1)}\n", encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.bugs.found")
