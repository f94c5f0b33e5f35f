# SPDX-License-Identifier: MIT OR Apache-2.0
"""Giving counts back, and freeing slots (spec 1.6, 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.mm.swapfile import (
    _swap_cluster_free_entries,
    folio_dup_swap,
    swap_put_entries_direct,
)
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


async def _free(world: Any, number: int, start: int, nr: int) -> None:
    ci = world.si.clusters[number]
    async with ci.lock.hold("main.lock"):
        _swap_cluster_free_entries(world.kernel, world.si, ci, start, nr)


@pytest.mark.parametrize(
    ("before", "after"), [("s1:7", "-"), ("s2:7", "s1:7"), ("s14:7", "s13:7")]
)
def test_put_of_shadow(world: Any, before: str, after: str) -> None:
    """Shadow, 1 is freed at once; a higher count goes down by one (spec 1.6)."""
    world.swapped(16, shadow=7, count=int(before[1:].split(":")[0]))

    async def main() -> None:
        await world.disown(16)

    world.play(main=main, oracles=True)
    assert world.slots(16) == after
    assert world.kernel.warnings == []


def test_put_of_cached(world: Any) -> None:
    """PFN, 1 becomes PFN, 0 where the folio is locked: its reclaim gives up (A07)."""
    world.swapped(16)

    async def owner() -> None:
        folio = await world.inserted(16)
        await world.unlock(folio)
        world.let_go(folio)

    async def putter() -> str:
        await world.disown(16)
        return str(world.slots(16))

    results = world.play(
        owner=owner,
        putter=putter,
        window=[Run("owner", "test.unlock"), Run("putter")],
        oracles=True,
    )

    assert results["putter"] == "f0"
    assert world.slots(16) == "f0"


def test_put_reclaims(world: Any) -> None:
    """A put that leaves a cached slot unused takes its folio out of the cache, if it can."""
    world.swapped(16)

    async def main() -> None:
        folio = await world.cached(16)
        await world.disown(16)
        assert folio.freed

    world.play(main=main, oracles=True)
    assert world.slots(16) == "-"
    assert (world.m1.memory, world.m1.swap, world.si.inuse_pages) == (0, 0, 0)


def test_put_of_cached_slots_reclaims_each_folio_once(make_world: Callable[..., Any]) -> None:
    """The attempts to reclaim go from folio to folio, not from slot to slot."""
    world = make_world(clusters=2)
    looks: list[int] = []

    async def lookup(kernel: Any, si: Any, offset: int, flags: int) -> int:
        looks.append(offset)
        return {512: -4, 516: 0, 517: 0, 518: 2}[offset]

    async def main() -> None:
        folio = await world.given_slots(3)
        await folio_dup_swap(world.kernel, folio, None)
        world.kernel.functions["_try_to_reclaim_swap"] = lookup
        await swap_put_entries_direct(world.kernel, world.entry(512), 8)
        await world.release(folio)

    world.play(main=main)
    assert looks == [512, 516, 517, 518]


def test_put_over_two_clusters(make_world: Callable[..., Any]) -> None:
    """A range over two clusters is put in each, and what is free there is freed in batches."""
    world = make_world(clusters=2)
    for slot in range(508, 516):
        world.swapped(slot, count=2 if slot == 510 else 1)
    freed: list[tuple[int, int]] = []
    world.kernel.functions["swap_range_free"] = lambda kernel, si, *run: freed.append(run)

    async def main() -> None:
        await swap_put_entries_direct(world.kernel, world.entry(508), 8)

    world.play(main=main)
    assert world.slots(508, 8) == "- - s1:0 - - - - -"
    assert freed == [(508, 2), (511, 1), (512, 4)]
    assert world.si.clusters[1].table is None
    assert world.si.users == 1


def test_put_of_unused(world: Any) -> None:
    """Putting a slot that nobody uses is warned of, and changes nothing."""

    async def main() -> None:
        await swap_put_entries_direct(world.kernel, world.entry(16), 1)

    world.play(main=main)
    assert world.slots(16) == "-"
    assert world.kernel.warnings == ["count of an unused slot dropped"]


@pytest.mark.parametrize(
    ("number", "nr", "warning"),
    [
        (3, 1, "counts dropped on a device that is not there"),
        (0, 500, "counts dropped past the end of the device"),
    ],
)
def test_put_of_what_is_not_there(world: Any, number: int, nr: int, warning: str) -> None:
    """A put finds out by itself whether the device and its slots are there, and warns."""

    async def main() -> None:
        await swap_put_entries_direct(world.kernel, swp_entry(number, 16), nr)

    world.play(main=main, oracles=True)
    assert world.kernel.warnings == [warning]
    assert world.si.users == 1


def test_freeing_uncharges_by_owner(world: Any) -> None:
    """Each run of slots with one owner is uncharged from that owner (spec 2.3)."""
    for slot, memcg in ((16, world.m1), (17, world.m1), (18, world.m2), (19, world.m1)):
        world.swapped(slot, memcg=memcg)
    ci = world.si.clusters[0]

    async def main() -> None:
        await _free(world, 0, 16, 4)

    world.play(main=main)
    assert (world.m1.swap, world.m2.swap, ci.memcg_table) == (0, 0, {})
    assert (world.si.inuse_pages, ci.count) == (0, 1)
    assert world.kernel.warnings == []


def test_freeing_forgets_what_hangs_on_the_slot(world: Any) -> None:
    """A freed slot has no word, no compressed copy and no data any more."""
    world.swapped(16, zswap=True)
    world.swapped(17)

    async def main() -> None:
        await _free(world, 0, 16, 2)

    world.play(main=main)
    assert world.word(16) == world.word(17) == SWP_TB_NULL
    assert (world.si.zswap, world.si.data) == ({}, {})


def test_the_device_is_told_last(world: Any) -> None:
    """Whoever sees a device unused finds nothing left of its slots (C08)."""
    world.swapped(16, zswap=True)
    seen: list[tuple[int, int]] = []

    def invalidate(kernel: Any, si: Any, slot: int) -> None:
        seen.append((slot, si.inuse_pages))
        si.zswap.pop(slot)

    world.kernel.functions["zswap_invalidate"] = invalidate

    async def main() -> None:
        await world.disown(16)

    world.play(main=main, oracles=True)
    assert seen == [(16, 1)]
    assert world.si.inuse_pages == 0


@pytest.mark.parametrize("count", [0, 2])
def test_freeing_warns(world: Any, count: int) -> None:
    """Only an uncached slot with a count of at most 1 may be freed."""
    world.swapped(16, count=count)

    async def main() -> None:
        await _free(world, 0, 16, 1)

    world.play(main=main)
    assert bool(world.kernel.warnings) == (count > 1)
