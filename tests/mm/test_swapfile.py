# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots: put, freed, reclaimed, given out (spec 1.6, 2.1, 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.page_alloc import alloc_pages, folio_lock, folio_put, folio_unlock
from swaptrio.mm.swap_h import SWP_WRITEOK, swp_entry
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.mm.swapfile import (
    _swap_cluster_free_entries,
    _try_to_reclaim_swap,
    folio_alloc_swap,
    folio_dup_swap,
    folio_free_swap,
    folio_put_swap,
    get_swap_device,
    put_swap_device,
    swap_put_entries_direct,
)
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


async def _resident(world: Any, order: int = 0) -> Folio:
    """A locked folio with data, not in the cache."""
    folio = await alloc_pages(world.kernel, order)
    assert folio is not None
    await folio_lock(world.kernel, folio, "test.lock")
    folio.memcg, folio.uptodate, folio.swapbacked = world.m1, True, True
    world.m1.memory += folio.nr
    folio.pages[:] = [world.kernel.new_token() for _ in folio.pages]
    return folio


async def _cached(world: Any, order: int = 0) -> Folio:
    """As `_resident`, with slots that nobody uses yet."""
    folio = await _resident(world, order)
    assert await folio_alloc_swap(world.kernel, folio) is None
    return folio


@pytest.mark.parametrize(
    ("before", "after"), [("s1:7", "-"), ("s2:7", "s1:7"), ("s14:7", "s13:7")]
)
def test_put_of_shadow(world: Any, before: str, after: str) -> None:
    """Shadow, 1 is freed at once; a higher count goes down by one (spec 1.6)."""
    world.swapped(16, shadow=7, count=int(before[1:].split(":")[0]))

    async def main() -> None:
        await swap_put_entries_direct(world.kernel, world.entry(16), 1)

    world.play(main=main)
    assert world.slots(16) == after
    assert world.kernel.warnings == []


def test_put_of_cached(world: Any) -> None:
    """PFN, 1 becomes PFN, 0 where the folio is locked: its reclaim gives up (A07)."""
    world.swapped(16)

    async def owner() -> None:
        folio = await world.inserted(16)
        await folio_unlock(world.kernel, folio, "owner.unlock")
        folio_put(world.kernel, folio)

    async def putter() -> str:
        await swap_put_entries_direct(world.kernel, world.entry(16), 1)
        return str(world.slots(16))

    results = world.play(
        owner=owner, putter=putter, window=[Run("owner", "owner.unlock"), Run("putter")]
    )

    assert results["putter"] == "f0"
    assert world.slots(16) == "f0"


def test_put_reclaims(world: Any) -> None:
    """A put that leaves a cached slot unused takes its folio out of the cache, if it can."""
    world.swapped(16)

    async def main() -> None:
        folio = await world.cached(16)
        await swap_put_entries_direct(world.kernel, world.entry(16), 1)
        assert folio.freed

    world.play(main=main)
    assert world.slots(16) == "-"
    assert (world.m1.memory, world.m1.swap, world.si.inuse_pages) == (0, 0, 0)


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


def test_put_without_device(world: Any) -> None:
    """A put finds out by itself whether the device is there."""

    async def main() -> None:
        await swap_put_entries_direct(world.kernel, swp_entry(3, 16), 1)

    world.play(main=main)


def test_get_swap_device(world: Any) -> None:
    """A device is pinned if it is there, alive and has the slot, whatever is in it (spec 8)."""
    absent = [swp_entry(0, 0), swp_entry(1, 16), swp_entry(0, 512)]

    async def main() -> None:
        si = await get_swap_device(world.kernel, world.entry(16))
        assert si is not None
        assert si is world.si
        assert si.users == 2
        await put_swap_device(world.kernel, si)
        for entry in absent:
            assert await get_swap_device(world.kernel, entry) is None
        world.si.users = 0
        assert await get_swap_device(world.kernel, world.entry(16)) is None

    world.play(main=main)


def test_freeing_uncharges_by_owner(world: Any) -> None:
    """Each run of slots with one owner is uncharged from that owner (spec 2.3)."""
    for slot, memcg in ((16, world.m1), (17, world.m1), (18, world.m2), (19, world.m1)):
        world.swapped(slot, memcg=memcg)
    ci = world.si.clusters[0]

    _swap_cluster_free_entries(world.kernel, world.si, ci, 16, 4)

    assert (world.m1.swap, world.m2.swap, ci.memcg_table) == (0, 0, {})
    assert (world.si.inuse_pages, ci.count) == (0, 1)
    assert world.kernel.warnings == []


def test_freeing_forgets_what_hangs_on_the_slot(world: Any) -> None:
    """A freed slot has no word, no compressed copy and no data any more."""
    world.swapped(16, zswap=True)
    world.swapped(17)

    _swap_cluster_free_entries(world.kernel, world.si, world.si.clusters[0], 16, 2)

    assert world.word(16) == world.word(17) == SWP_TB_NULL
    assert (world.si.zswap, world.si.data) == ({}, {})


def test_last_slot_takes_the_table_along(make_world: Callable[..., Any]) -> None:
    """A cluster in which nothing is left gives its table back (spec 1.3)."""
    world = make_world(clusters=2)
    world.swapped(600)

    _swap_cluster_free_entries(world.kernel, world.si, world.si.clusters[1], 88, 1)

    assert world.si.clusters[1].table is None


@pytest.mark.parametrize("count", [0, 2])
def test_freeing_warns(world: Any, count: int) -> None:
    """Only an uncached slot with a count of at most 1 may be freed."""
    world.swapped(16, count=count)

    _swap_cluster_free_entries(world.kernel, world.si, world.si.clusters[0], 16, 1)

    assert bool(world.kernel.warnings) == (count > 1)


def test_folio_free_swap(world: Any) -> None:
    """A locked folio whose slots nobody uses gives them back, and is dirty (spec 2.3)."""

    async def main() -> None:
        folio = await _cached(world, order=1)
        assert world.slots(1, 3) == "- f0 f0"
        assert await folio_free_swap(world.kernel, folio)
        assert (folio.swapcache, folio.dirty) == (False, True)
        assert not await folio_free_swap(world.kernel, folio)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(2, 2) == "- -"


@pytest.mark.parametrize("why", ["in use", "writeback"])
def test_folio_free_swap_refuses(world: Any, why: str) -> None:
    """A folio keeps slots of which one is in use, and all while it is written (H04)."""

    async def main() -> None:
        folio = await _cached(world, order=1)
        if why == "in use":
            await folio_dup_swap(world.kernel, folio, 1)
        else:
            folio.writeback = True
        assert not await folio_free_swap(world.kernel, folio)
        folio.writeback = False
        assert folio.swapcache
        await world.release(folio)

    world.play(main=main)


def test_dup_and_put_of_all(world: Any) -> None:
    """Without a page number the counts of all slots change."""

    async def main() -> None:
        folio = await _cached(world, order=1)
        await folio_dup_swap(world.kernel, folio, None)
        await folio_dup_swap(world.kernel, folio, 1)
        assert world.slots(2, 2) == "f1 f2"
        await folio_put_swap(world.kernel, folio, None)
        assert world.slots(2, 2) == "f0 f1"
        await world.release(folio)

    world.play(main=main)


def test_dup_of_a_full_count(world: Any) -> None:
    """A count of 14 needs the extend table: ENOMEM, and no other slot is raised (spec 1.5)."""

    async def main() -> None:
        folio = await _cached(world, order=1)
        for _ in range(14):
            assert await folio_dup_swap(world.kernel, folio, 1) is None
        assert await folio_dup_swap(world.kernel, folio, None) is Errno.ENOMEM
        assert world.slots(2, 2) == "f0 f14"
        await world.release(folio)

    world.play(main=main)


def test_put_of_a_cached_unused_slot_warns(world: Any) -> None:
    """A folio's slot cannot be put below 0."""

    async def main() -> None:
        folio = await _cached(world)
        await folio_put_swap(world.kernel, folio, 0)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(1) == "f0"
    assert world.kernel.warnings == ["count of an unused slot dropped"]


def test_alloc_swap(world: Any) -> None:
    """Slots are given out with a count of 0, cached at once, charged and counted (spec 2.1)."""
    world.swapped(1)

    async def main() -> None:
        folio = await _cached(world, order=2)
        assert folio.swap == world.entry(4)
        assert (folio.refs, folio.swapcache) == (5, True)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(4, 4) == "f0 f0 f0 f0"
    assert (world.si.inuse_pages, world.si.clusters[0].count) == (5, 6)
    assert (world.m1.swap, world.kernel.vmstat.node["NR_SWAPCACHE"]) == (5, 4)
    assert world.si.clusters[0].memcg_table[5] == 1


def test_alloc_swap_in_a_free_cluster(make_world: Callable[..., Any]) -> None:
    """A cluster gets its table when it is given out."""
    world = make_world(clusters=2)
    for slot in range(1, 512):
        world.swapped(slot)

    async def main() -> None:
        folio = await _cached(world)
        assert folio.swap == world.entry(512)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(512, 2) == "f0 -"


def test_alloc_swap_v1(make_world: Callable[..., Any]) -> None:
    """With v1 slots are not charged when they are given out (spec 2.1)."""
    world = make_world(memcg_v1=True)

    async def main() -> None:
        folio = await _cached(world)
        await world.release(folio)

    world.play(main=main)
    assert (world.m1.memsw, world.m1.swap) == (0, 0)
    assert world.si.clusters[0].memcg_table == {}


@pytest.mark.parametrize("why", ["full", "not WRITEOK"])
def test_no_slots(world: Any, why: str) -> None:
    """Where no device has room, or may be written to, it is ENOMEM."""
    if why == "full":
        for slot in range(1, 512):
            world.swapped(slot)
    else:
        world.si.flags &= ~SWP_WRITEOK

    async def main() -> object:
        folio = await _resident(world)
        error = await folio_alloc_swap(world.kernel, folio)
        assert not folio.swapcache
        await world.release(folio)
        return error

    assert world.play(main=main)["main"] is Errno.ENOMEM


def test_large_without_thp(make_world: Callable[..., Any]) -> None:
    """A large folio gets no slots without THP: EAGAIN (spec 2.1)."""
    world = make_world(thp=False)

    async def main() -> object:
        folio = await _resident(world, order=1)
        error = await folio_alloc_swap(world.kernel, folio)
        await world.release(folio)
        return error

    assert world.play(main=main)["main"] is Errno.EAGAIN


def test_larger_than_a_cluster(world: Any) -> None:
    """A folio has to fit in a cluster: EINVAL (spec 2.1)."""

    async def main() -> object:
        folio = await _resident(world, order=10)
        error = await folio_alloc_swap(world.kernel, folio)
        await world.release(folio)
        return error

    assert world.play(main=main)["main"] is Errno.EINVAL


def test_charge_of_slots_fails(world: Any) -> None:
    """Slots that cannot be charged are given back, and uncharge nobody (G06)."""
    world.kernel.functions["mem_cgroup_try_charge_swap"] = lambda *_: Errno.ENOMEM

    async def main() -> object:
        folio = await _resident(world, order=1)
        error = await folio_alloc_swap(world.kernel, folio)
        assert (folio.swapcache, folio.refs) == (False, 1)
        await world.release(folio)
        return error

    assert world.play(main=main)["main"] is Errno.ENOMEM
    assert (world.slots(2, 2), world.m1.swap) == ("- -", 0)


def test_reclaim_gives_up_on_a_locked_folio(world: Any) -> None:
    """A trylock that fails leaves the slot as PFN, 0 (spec 2.3)."""

    async def main() -> bool:
        folio = await _cached(world)
        done = await _try_to_reclaim_swap(world.kernel, world.si, 1)
        assert folio.refs == 2
        await world.release(folio)
        return done

    assert world.play(main=main)["main"] is False
    assert world.slots(1) == "f0"


def test_reclaim(world: Any) -> None:
    """An unlocked folio that nobody maps or uses is reclaimed with all its slots."""

    async def main() -> bool:
        folio = await _cached(world, order=1)
        await world.release(folio)
        assert await _try_to_reclaim_swap(world.kernel, world.si, 3)
        assert not await _try_to_reclaim_swap(world.kernel, world.si, 3)
        return folio.freed

    assert world.play(main=main)["main"] is True
    assert world.slots(2, 2) == "- -"


@pytest.mark.parametrize("why", ["mapped", "writeback", "used"])
def test_reclaim_refuses(world: Any, why: str) -> None:
    """A folio that is mapped, is written or has a slot in use stays in the cache."""

    async def main() -> bool:
        folio = await _cached(world, order=1)
        if why == "used":
            await folio_dup_swap(world.kernel, folio, 1)
        folio.mapcount = int(why == "mapped")
        folio.writeback = why == "writeback"
        await world.release(folio)
        done = await _try_to_reclaim_swap(world.kernel, world.si, 2)
        folio.mapcount, folio.writeback = 0, False
        return done

    assert world.play(main=main)["main"] is False
    assert world.slots(2, 2) == ("f0 f1" if why == "used" else "f0 f0")


def test_reclaim_looks_again(world: Any) -> None:
    """A folio that has left the slot meanwhile is looked up again (spec 2.3)."""
    world.swapped(16)

    async def owner() -> None:
        folio = await world.inserted(16)
        await folio_put_swap(world.kernel, folio, 0)
        await folio_unlock(world.kernel, folio, "owner.unlock")
        await folio_lock(world.kernel, folio, "owner.lock")
        assert await folio_free_swap(world.kernel, folio)
        await world.release(folio)

    async def reclaimer() -> bool:
        return await _try_to_reclaim_swap(world.kernel, world.si, 16)

    results = world.play(
        owner=owner,
        reclaimer=reclaimer,
        window=[
            Run("owner", "owner.lock"),
            Run("reclaimer", "try_to_reclaim_swap.trylock"),
            Run("owner"),
        ],
    )

    assert results["reclaimer"] is False
    assert world.kernel.warnings == []


def test_worker_reclaims_cached_slots(world: Any) -> None:
    """Where no slot is free the device's worker reclaims cached ones that nobody uses."""
    for slot in range(1, 511):
        world.swapped(slot)

    async def main() -> None:
        folio = await _cached(world)
        assert folio.swap == world.entry(511)
        await world.release(folio)
        other = await _resident(world)
        assert await folio_alloc_swap(world.kernel, other) is Errno.ENOMEM
        await world.release(other)

    world.play(main=main)
    assert world.slots(511) == "-"
