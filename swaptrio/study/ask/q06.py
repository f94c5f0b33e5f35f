# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q6: whether the first lookup of a reader is needed, and what went with the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.checks import watch_accesses
from swaptrio.explore import Result
from swaptrio.mm.kernel import plain
from swaptrio.mm.memory import handle_mm_fault, madvise_dontneed
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.setup import start_daemons
from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swap_table import swap_table_get
from swaptrio.scenario.picture import short_word
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.small_world import SmallWorld, small_world
from swaptrio.variants import Variant, v3
from swaptrio.variants.pre import swap_entry_swapped

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwpEntry
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

#: The slot that is read, and the page that names it.
_SLOT: Final = 16

#: Whom the reader meets.
_OTHERS: Final = ("reader", "fault", "zap")

#: The scenario in which cluster readahead comes to a bad slot.
_BAD_SLOT: Final = "readahead-over-bad-slot"

_ONCE: Final = "v3 less the first lookup"
_FILTERED: Final = "v3 with the filter"
_VERSIONS: Final = ("pre", _FILTERED, "v3", _ONCE, "v4", "v5", "next")


async def read_filtered(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int, *, readahead: bool
) -> Folio | None:
    """The reader of v3, with the look of pre at whether the slot is in use."""
    if not await swap_entry_swapped(kernel, entry):
        return None
    read = plain(v3.swap_cache_read_folio)
    folio: Folio | None = await read(kernel, entry, gfp, mpol, ilx, readahead=readahead)
    return folio


@attrs.define(eq=False)
class Meeting:
    """A reader of a slot, and *other*: one more reader, a fault on it, or who drops it."""

    variant: Variant
    other: str
    got: dict[str, str] = attrs.Factory(dict)

    def __call__(self, execution: Execution) -> Callable[[], Hashable]:
        """Make the world and its tasks; what is returned tells all that one can see of it."""
        self.got.clear()
        world = small_world(self.variant, [_SLOT])
        others = {"reader": self._read, "fault": self._fault, "zap": self._zap}
        start_daemons(world.kernel, execution)
        execution.spawn("first", self._read, world, "first")
        execution.spawn("second", others[self.other], world, "second")
        watch_accesses(world.kernel, execution)
        return lambda: self._seen(world)

    def _seen(self, world: SmallWorld) -> Hashable:
        events = world.kernel.vmstat.events
        return (
            tuple(sorted(self.got.items())),
            short_word(swap_table_get(world.cluster(swp_entry(0, _SLOT)), _SLOT)),
            tuple(sorted((name, count) for name, count in events.items() if count)),
            tuple(world.kernel.warnings),
        )

    async def _read(self, world: SmallWorld, name: str) -> None:
        entry = swp_entry(0, _SLOT)
        folio = await swap_cache_read_folio(
            world.kernel, entry, "GFP", "task", 0, readahead=True
        )
        self.got[name] = "none" if folio is None else f"folio, {folio.pages}"
        if folio is not None:
            folio_put(world.kernel, folio)

    async def _fault(self, world: SmallWorld, name: str) -> None:
        self.got[name] = await handle_mm_fault(world.kernel, world.mm, _SLOT, write=False)

    async def _zap(self, world: SmallWorld, name: str) -> None:
        await madvise_dontneed(world.kernel, world.mm, _SLOT, 1)
        self.got[name] = "dropped"


@attrs.frozen
class Compared:
    """The reader of v3 beside *other*: as it is, and without its first lookup."""

    other: str
    twice: Result
    once: Result

    @property
    def same(self) -> bool:
        """Whether both are known as a whole, and end in the same ways."""
        whole = self.twice.complete and self.once.complete
        sound = not self.twice.violations and not self.once.violations
        return whole and sound and self.twice.finals == self.once.finals


async def answer(lab: Lab) -> Answer:
    """Explore the reader with and without the lookup, and what readahead does at a bad slot."""
    compared = [await _compared(lab, other) for other in _OTHERS]
    bad = {version: await _bad_slot(lab, version) for version in _VERSIONS}
    tables = (
        Table(
            "a reader of v3 beside another task: what its schedules end in",
            ("beside", "executions", "without the first lookup", "ends", "without", "same"),
            tuple(
                (
                    each.other,
                    str(each.twice.executions),
                    str(each.once.executions),
                    str(len(each.twice.finals)),
                    str(len(each.once.finals)),
                    "yes" if each.same else "no",
                )
                for each in compared
            ),
        ),
        Table(
            "cluster readahead over a bad slot (A15): all schedules, under all checks",
            ("version", "broken", "statement"),
            tuple((name, _broken(result), result.statement) for name, result in bad.items()),
        ),
    )
    return Answer(tables, _claims(compared, bad), Decided.PROVED, _BOUNDS)


_BOUNDS: Final = (
    "two tasks and one slot of count 1, no failures, read on a synchronous device; ends are "
    "what both got, the slot's word, events and warnings; of A15 one fault with a window of two"
)


def _variant(lab: Lab, name: str) -> Variant:
    """A version, or v3 with another reader: that of v4, which looks once, or a filtered one."""
    readers: dict[str, Any] = {
        _ONCE: lab.variant("v4").functions["swap_cache_read_folio"],
        _FILTERED: read_filtered,
    }
    if name not in readers:
        return lab.variant(name)
    base = lab.variant("v3")
    functions = {**base.functions, "swap_cache_read_folio": readers[name]}
    return attrs.evolve(base, functions=functions)


async def _compared(lab: Lab, other: str) -> Compared:
    twice, once = [
        await lab.explore(Meeting(_variant(lab, name), other), name=f"{name}, {other}")
        for name in ("v3", _ONCE)
    ]
    return Compared(other, twice, once)


async def _bad_slot(lab: Lab, name: str) -> Result:
    setup = attrs.evolve(lab.setup(_BAD_SLOT, "v3"), variant=_variant(lab, name))
    return await lab.explore(setup, name=f"{name}, {_BAD_SLOT}")


def _broken(result: Result) -> str:
    return ", ".join(each.verdict.check for each in result.violations) or "nothing"


def _claims(compared: Sequence[Compared], bad: dict[str, Result]) -> tuple[Claim, Claim]:
    executions = sum(each.twice.executions + each.once.executions for each in compared)
    differ = [each.other for each in compared if not each.same]
    ends = sum(len(each.twice.finals) for each in compared)
    broken = [name for name, result in bad.items() if _broken(result) == "I-KIND"]
    sound = [name for name, result in bad.items() if _broken(result) == "nothing"]
    return (
        Claim(
            not differ and ends > len(compared),
            f"Yes: in all {executions} executions beside a reader, a fault and a zap, v3 ends "
            f"in the same {ends} ways without it.",
            f"No: beside {', '.join(differ)} it makes a difference."
            if differ
            else "Nobody met the reader, so nothing is shown.",
        ),
        Claim(
            sound == ["pre", _FILTERED] and len(broken) == len(bad) - len(sound),
            "What is missed is the filter that is gone: pre and a v3 that keeps it leave a bad "
            "slot alone, and all others put a folio there, with that lookup or without (A15).",
            f"A bad slot is left alone by {', '.join(sound) or 'no version'}, and gets a folio "
            f"(I-KIND) in {', '.join(broken) or 'no version'}.",
        ),
    )


STUDY: Final = Study(
    6,
    "Is the first lookup in swap_cache_read_folio redundant?",
    "Youngjun Park, review of v3 04/12",
    answer,
)
