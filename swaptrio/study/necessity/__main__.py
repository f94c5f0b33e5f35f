# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m swaptrio.study.necessity docs/necessity.md`` writes the page of v3 and v5.

Where a row of the page that is there still holds it stays; so a change of a scenario or of the
model costs a hunt for the few rows that it concerns. Without a file the page is printed.
"""

import sys
from pathlib import Path

import trio

from swaptrio.sched import open_scheduler
from swaptrio.study.necessity.page import noticed_in, page
from swaptrio.study.necessity.table import Studied, study
from swaptrio.trace.write import write_whole
from swaptrio.variants import load
from swaptrio.variants.parts import Part


def _tell(number: int, part: Part) -> None:
    print(f"{number + 1}: {part.name}", file=sys.stderr)


async def _all(text: str) -> list[Studied]:
    async with open_scheduler("stepped") as scheduler:
        return [
            await study(scheduler, load(name), known=noticed_in(text, name), progress=_tell)
            for name in ("v3", "v5")
        ]


files = [Path(argument) for argument in sys.argv[1:2]]
there = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
written = page(trio.run(_all, there))
for file in files:
    write_whole([written.encode()], file)
if not files:
    print(written, end="")
