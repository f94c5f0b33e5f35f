# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m swaptrio.study.necessity > docs/necessity.md`` writes the page of v3 and v5."""

import sys

import trio

from swaptrio.sched import open_scheduler
from swaptrio.study.necessity.page import page
from swaptrio.study.necessity.table import Studied, study
from swaptrio.variants import load
from swaptrio.variants.parts import Part


def _tell(number: int, part: Part) -> None:
    print(f"{number + 1}: {part.name}", file=sys.stderr)


async def _all() -> list[Studied]:
    async with open_scheduler("stepped") as scheduler:
        return [await study(scheduler, load(name), progress=_tell) for name in ("v3", "v5")]


print(page(trio.run(_all)), end="")
