# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q4: what takes the place of the look at cached slots in the walk over the page table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.checks import watch_accesses
from swaptrio.explore import Result
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import plain
from swaptrio.mm.setup import start_daemons
from swaptrio.mm.swap_h import swp_cluster_offset, swp_entry
from swaptrio.mm.swap_state import _swap_cache_do_add_folio, swapin_sync
from swaptrio.mm.swap_table import (
    _swap_cgroup_get,
    _swap_cgroup_set,
    _swap_table_set_zero,
    swap_table_get,
    swp_tb_is_folio,
    zero_of,
)
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.small_world import SmallWorld, small_world
from swaptrio.variants import Variant, load, v3, v5

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

#: The slots of a large folio, the one that faults, and the one that changes.
_SLOTS: Final = range(16, 20)
_TARGET: Final = 17
_CHANGES: Final = 18

#: What of a slot can be other than of the rest.
_KINDS: Final = ("cached", "owner", "zero flag")

#: The races in which that comes of a slot that is freed and used again.
_RACES: Final = ("mixed-owner-range", "mixed-zero-flags-range")

#: What is compared: the variant, and what of it is replaced in this study.
_PRE_TO_V4: Final = ("pre", "v3", "v4")
_WITHOUT_CHECK: Final = "no-range-check"
_WITHOUT_12: Final = "v5 less 12/12"
_WITHOUT_08: Final = "v5 less 08/12"
_COMPLETE: Final = ("v5", "next")

Check = tuple[Errno | None, int, int]


def owners_alone(
    kernel: Kernel, ci: SwapClusterInfo, targ_entry: SwpEntry, nr: int, *, owner: bool
) -> Check:
    """The range check of v3 with the owners of 08/12, and without the zero flags of 12/12."""
    err, shadow = plain(v3._swap_cache_add_check)(kernel, ci, targ_entry, nr)
    off = swp_cluster_offset(targ_entry)
    memcg_id = _swap_cgroup_get(ci, off)
    first = off & -nr
    owners = {_swap_cgroup_get(ci, each) for each in range(first, first + nr)}
    if err is None and owner and len(owners) > 1:
        return Errno.EBUSY, 0, 0
    return err, shadow, memcg_id


def zero_flags_alone(
    kernel: Kernel, ci: SwapClusterInfo, targ_entry: SwpEntry, nr: int, *, owner: bool
) -> Check:
    """The range check of v5 without the owners of 08/12."""
    check = plain(v5._swap_cache_add_check)
    err, shadow, _ = check(kernel, ci, targ_entry, nr, owner=False)
    return err, shadow, _swap_cgroup_get(ci, swp_cluster_offset(targ_entry))


_REPLACED: Final[Mapping[str, Callable[..., Check]]] = {
    _WITHOUT_12: owners_alone,
    _WITHOUT_08: zero_flags_alone,
}

_ROWS: Final = (*_PRE_TO_V4, _WITHOUT_CHECK, _WITHOUT_12, _WITHOUT_08, *_COMPLETE)


@attrs.define(eq=False)
class Walk:
    """A fault that may take four slots at once, and a task that changes one of them.

    *kind* says what it changes, in one step: the slot gets a folio, or was freed and used
    again meanwhile, by another group or for a page of zeros. The entry in the page table is
    what it was.
    """

    variant: Variant
    kind: str
    inserted: tuple[str, ...] = ()

    def __call__(self, execution: Execution) -> Callable[[], tuple[str, ...]]:
        """Make the world and its tasks; what is returned tells what folios were put over."""
        self.inserted = ()
        functions: dict[str, Any] = {
            **self.variant.functions,
            "_swap_cache_do_add_folio": self._insert,
        }
        world = small_world(attrs.evolve(self.variant, functions=functions), _SLOTS)
        world.mm.thp_orders = 0b100
        start_daemons(world.kernel, execution)
        execution.spawn("fault", self._fault, world)
        execution.spawn("other", self._change, world)
        watch_accesses(world.kernel, execution)
        return lambda: self.inserted

    async def _fault(self, world: SmallWorld) -> None:
        vmf = world.fault(_TARGET)
        await swapin_sync(world.kernel, vmf.orig_pte.entry, "GFP", vmf)

    async def _change(self, world: SmallWorld) -> None:
        if self.kind == "cached":
            await world.cache(_CHANGES)
            return
        ci = world.cluster(swp_entry(0, _CHANGES))
        async with ci.lock.hold("study.change"):
            if swp_tb_is_folio(swap_table_get(ci, _CHANGES)):
                return
            if self.kind == "owner":
                _swap_cgroup_set(ci, _CHANGES, 1, 2)
            else:
                _swap_table_set_zero(world.kernel, ci, _CHANGES)

    def _insert(
        self, kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry
    ) -> None:
        if folio.order:
            first = swp_cluster_offset(entry)
            self.inserted += (_over(ci, range(first, first + folio.nr)),)
        plain(_swap_cache_do_add_folio)(kernel, ci, folio, entry)


def _over(ci: SwapClusterInfo, slots: range) -> str:
    """What is wrong with slots that a large folio is put over; ``alike`` for nothing."""
    words = [swap_table_get(ci, slot) for slot in slots]
    if any(swp_tb_is_folio(word) for word in words):
        return "cached"
    if len({_swap_cgroup_get(ci, slot) for slot in slots}) > 1:
        return "owner"
    return "zero flag" if len({zero_of(word) for word in words}) > 1 else "alike"


@attrs.frozen
class Found:
    """What all schedules of a `Walk` have come to."""

    result: Result

    @property
    def mixed(self) -> bool:
        """Whether in some schedule a large folio was put over slots that are not alike."""
        return bool({"cached", "owner", "zero flag"} & self._over)

    @property
    def large(self) -> bool:
        """Whether in some schedule a large folio was put where all are alike."""
        return "alike" in self._over

    @property
    def _over(self) -> set[str]:
        return {over for final in self.result.finals for over in final}  # type: ignore[attr-defined]  # what `Walk` tells

    def __str__(self) -> str:
        if not self.result.complete:
            return "not known"
        return "in some schedule" if self.mixed else "never"


async def answer(lab: Lab) -> Answer:
    """Explore each change in each version, and play the races."""
    found = {
        (row, kind): Found(
            await lab.explore(Walk(_variant(lab, row), kind), name=f"{row}, {kind}")
        )
        for row in _ROWS
        for kind in _KINDS
    }
    verdicts = {
        (row, race): await _verdict(lab, row, race)
        for row in (*_PRE_TO_V4, *_COMPLETE)
        for race in _RACES
    }
    tables = (
        Table(
            "a large folio is put over a slot that meanwhile was given another",
            ("version", *_KINDS, "executions"),
            tuple(
                (
                    row,
                    *(str(found[row, kind]) for kind in _KINDS),
                    str(sum(found[row, kind].result.executions for kind in _KINDS)),
                )
                for row in _ROWS
            ),
        ),
        Table(
            "the windows of A12 and A13, under all checks",
            ("version", *_RACES),
            tuple(
                (row, *(verdicts[row, race] for race in _RACES))
                for row in (*_PRE_TO_V4, *_COMPLETE)
            ),
        ),
    )
    return Answer(tables, _claims(found, verdicts), Decided.PROVED, _BOUNDS)


_BOUNDS: Final = (
    "one fault at slot 17 of 16 to 19 with orders 2 and 0, one task that changes slot 18 in "
    "one step; no failures; of A12 and A13 one window each"
)


def _variant(lab: Lab, row: str) -> Variant:
    if row not in _REPLACED:
        return lab.variant(row)
    base = load("v5")
    functions = {**base.functions, "_swap_cache_add_check": _REPLACED[row]}
    return attrs.evolve(base, functions=functions)


async def _verdict(lab: Lab, row: str, race: str) -> str:
    verdict = (await lab.window(lab.setup(race, row))).verdict
    return verdict.check or str(verdict.ending)


def _claims(
    found: Mapping[tuple[str, str], Found], verdicts: Mapping[tuple[str, str], str]
) -> tuple[Claim, Claim]:
    overwritten = [row for row in _ROWS if str(found[row, "cached"]) != "never"]
    large = all(each.large for each in found.values())
    mixed = {
        kind: [row for row in _ROWS if str(found[row, kind]) != "never"] for kind in _KINDS
    }
    before = [*_PRE_TO_V4, _WITHOUT_CHECK]
    as_before = mixed["owner"] == [*before, _WITHOUT_08]
    as_before &= mixed["zero flag"] == [*before, _WITHOUT_12]
    played = all(
        (verdicts[row, race] == "passed") == (row in _COMPLETE) for row, race in verdicts
    )
    return (
        Claim(
            overwritten == [_WITHOUT_CHECK] and large,
            "Because the check of the whole range under the cluster lock takes its place: no "
            "schedule puts a large folio over a cached slot, but for a mutant without it.",
            "A large folio is put over a cached slot in "
            f"{', '.join(overwritten) or 'no version, not even without the check'}.",
        ),
        Claim(
            as_before and played,
            "Owners and zero flags are not looked at there before 08/12 and 12/12: in v3 and "
            "v4, as in pre, a range can be mixed (A12, A13), and in v5 no schedule mixes it.",
            "A range is mixed by owner in "
            f"{', '.join(mixed['owner']) or 'no version'}, by zero flag in "
            f"{', '.join(mixed['zero flag']) or 'no version'}.",
        ),
    )


STUDY: Final = Study(
    4,
    "Why may non_swapcache_batch be dropped from the walk over the page table?",
    "David Hildenbrand, review of v3 05/12",
    answer,
)
