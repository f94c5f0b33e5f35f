# SPDX-License-Identifier: MIT OR Apache-2.0
"""e: memory of a campaign, which has to stay what it is however long it runs.

A campaign of two processes runs in a store that is thrown away, and after each tenth the memory
of the command and of its workers is read from the system. The first tenth does not count: until
then caches fill.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks.promises import Promise
from swaptrio.explore.campaign import (
    Case,
    Failure,
    Known,
    Plan,
    ProcessPool,
    Runner,
    State,
    Store,
    matter_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIO: Final = "large-vs-small-neighbour"

#: One that fails now and then, so that failures are among what is kept.
VARIANT: Final = "no-second-check"

PROMISE: Final = Promise("memory at the end of a campaign, times that after a tenth", "<=", 1.1)


#: Executions of the campaign where nothing is said; a million take half an hour.
EXECUTIONS: Final = 20_000


def measure(executions: int) -> dict[str, Any]:
    """Run the benchmark with so many *executions*, once; its part of the document."""
    case = Case(SCENARIO, VARIANT, matter_of(SCENARIO, VARIANT))
    plan = Plan("random", 0, executions, None, max(1, min(1000, executions // 20)))
    with TemporaryDirectory() as folder:
        store = Store.make(Path(folder, "memory.sqlite"), plan, (case,))
        watching = Watching(executions)
        state = Runner(store, (case,), ProcessPool(2), watching, lambda: False).run()
        store.close()
    after = [each for tenth, each in sorted(watching.megabytes.items()) if tenth]
    return {
        "scenario": SCENARIO,
        "variant": VARIANT,
        "executions": state.executions,
        "seconds": round(state.seconds, 1),
        "megabytes_after_each_tenth": after,
        "growth": round(after[-1] / after[0], 3),
    }


@attrs.define(eq=False)
class Watching:
    """A listener that reads the memory after each tenth of *executions*."""

    executions: int
    megabytes: dict[int, float] = attrs.Factory(dict)

    def beat(self, state: State) -> None:
        """Read it, if a tenth is over."""
        tenth = 10 * state.executions // self.executions
        if tenth not in self.megabytes:
            self.megabytes[tenth] = round(sum(_megabytes(each) for each in family()), 1)

    def found(self, case: Known, failure: Failure) -> None:
        """Nothing to say."""

    def lost(self, items: int) -> None:
        """Nothing to say."""


def family() -> Iterator[int]:
    """This process and those that descend from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = path.read_text(encoding="ascii", errors="replace")
            parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    ours = {os.getpid()}
    while found := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= found
    yield from sorted(ours)


def _megabytes(process: int) -> float:
    """What *process* has in memory and shares with nobody."""
    with suppress(OSError):
        resident, shared = map(
            int, Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1:3]
        )
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0
