# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.bugs.fewest``: whether the schedules of found.json could be simpler.

For each that has deviations all schedules are run that have fewer, up to three, or one that
stands for those that lead to the same place (see `swaptrio.explore.fewest`). Where none of
them fails in the same way, that is the proof that it takes as many, or more than three.

What is proved goes into fewest.json as it comes; what stands there for the same schedule is not
proved again. From nothing it takes about half an hour.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import trio

from benchmarks.bugs.found import known
from benchmarks.bugs.swap import SwapCase
from benchmarks.bugs.table import FEWEST, MOST
from swaptrio.explore import Fingerprint
from swaptrio.explore.execute import execute
from swaptrio.explore.fewest import fewest
from swaptrio.sched import NamedSchedule, open_scheduler
from swaptrio.sched.strategies import Named

if TYPE_CHECKING:
    from swaptrio.sched import Verdict

#: What a row has from that of found.json.
SHARED = ("scenario", "variant", "failure", "schedule", "deviations")


async def prove(row: dict[str, Any]) -> dict[str, Any]:
    """What comes of all schedules with fewer deviations than that of *row*, up to three.

    *simpler* is one that fails in the same way, if there is one.
    """
    setup = SwapCase(row["scenario"], row["variant"]).setup
    bound = min(row["deviations"] - 1, MOST)
    async with open_scheduler("stepped") as scheduler:
        named = Named(NamedSchedule.parse(row["schedule"]))
        wanted = Fingerprint.of(setup, await execute(scheduler, setup, named))

        def shows(verdict: Verdict) -> bool:
            return Fingerprint.of(setup, verdict) == wanted

        found = await fewest(scheduler, setup, shows, bound)
    return {
        **{name: row[name] for name in SHARED},
        "bound": bound,
        "executions": found.executions,
        "simpler": None if found.verdict is None else str(found.verdict.schedule),
    }


def proved() -> list[dict[str, Any]]:
    """What fewest.json has."""
    if not FEWEST.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(FEWEST.read_text(encoding="utf-8"))
    return rows


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in SHARED)


@click.command
def main() -> None:
    """Prove what fewest.json does not have, and put it there."""
    rows = {_key(row): row for row in proved()}
    wanted = [row for row in known() if row["deviations"]]
    for row in wanted:
        if _key(row) not in rows:
            new = rows[_key(row)] = trio.run(prove, row)
            click.echo(f"{row['scenario']}/{row['variant']}: {new['executions']}", err=True)
            kept = [rows[_key(each)] for each in wanted if _key(each) in rows]
            FEWEST.write_text(f"{json.dumps(kept, indent=1)}\n", encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.bugs.fewest")
