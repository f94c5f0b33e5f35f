# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots for a folio (spec 1.4, 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.swap_h import SWP_PAGE_DISCARD, SWP_WRITEOK, ClusterFlag, swp_offset
from swaptrio.mm.swapfile import folio_alloc_swap, folio_dup_swap
from swaptrio.mm.swapfile.allocation import cluster_scan_range
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


async def _give(world: Any, *orders: int) -> list[int]:
    """Slots for folios of these orders, one after the other; the first slot of each."""
    found = []
    for order in orders:
        folio = await world.given_slots(order)
        found.append(swp_offset(folio.swap))
        await world.release(folio)
    return found


async def _refused(world: Any, order: int = 0) -> Errno | None:
    """Ask for slots that there are none of; the answer."""
    folio = await world.resident(order)
    error = await folio_alloc_swap(world.kernel, folio)
    assert folio.swapcache is (error is None)
    await world.release(folio)
    return error


def test_alloc_swap(make_world: Callable[..., Any]) -> None:
    """Slots are given out with a count of 0, cached at once, charged and counted (spec 2.1)."""
    world = make_world(clusters=2)

    async def main() -> None:
        folio = await world.given_slots(2)
        assert folio.swap == world.entry(512)
        assert (folio.refs, folio.swapcache) == (5, True)
        await world.release(folio)

    world.play(main=main, oracles=True)
    assert world.slots(512, 5) == "f0 f0 f0 f0 -"
    assert (world.si.inuse_pages, world.si.clusters[1].count) == (4, 4)
    assert (world.m1.swap, world.kernel.vmstat.node["NR_SWAPCACHE"]) == (4, 4)
    assert world.si.clusters[1].memcg_table[1] == 1
    assert world.si.clusters[1].order == 2
    assert world.kernel.warnings == []


def test_the_first_free_slot_of_a_cluster_used_in_part(make_world: Callable[..., Any]) -> None:
    """A CPU that has allocated nothing yet takes the first free slot of the oldest cluster that
    is used in part, before any free cluster."""
    world = make_world(clusters=3)
    world.swapped(1)
    world.swapped(1100)

    async def main() -> list[int]:
        return await _give(world, 0, 0)

    assert world.play(main=main, oracles=True)["main"] == [2, 3]


def test_each_cpu_has_a_cluster_of_its_own(make_world: Callable[..., Any]) -> None:
    """What another CPU has allocated from comes last, so each gets a cluster to itself."""
    world = make_world(clusters=3)

    async def first() -> list[int]:
        return await _give(world, 0, 0)

    async def second() -> list[int]:
        return await _give(world, 0, 0)

    results = world.play(
        first=first, second=second, window=[Run("first"), Run("second")], oracles=True
    )
    assert results == {"first": [1, 2], "second": [512, 513]}
    assert world.kernel.percpu_swap_cluster == {("first", 0): (0, 3), ("second", 0): (0, 514)}


def test_orders_have_clusters_of_their_own(make_world: Callable[..., Any]) -> None:
    """A cluster is kept for the order that was first in it, and each order goes on there."""
    world = make_world(clusters=3)

    async def main() -> list[int]:
        return await _give(world, 2, 3, 2, 3, 0)

    assert world.play(main=main, oracles=True)["main"] == [512, 1024, 516, 1032, 1]


def test_large_slots_need_a_cluster_of_their_order(world: Any) -> None:
    """The first cluster, which has the header, is for order 0: without another there is no
    place for a large folio."""

    async def main() -> Errno | None:
        return await _refused(world, 1)

    assert world.play(main=main, oracles=True)["main"] is Errno.ENOMEM


def test_a_whole_cluster(make_world: Callable[..., Any]) -> None:
    """A folio as large as a cluster takes one that is free, whole; there is no place to go on
    at after that."""
    world = make_world(clusters=3)

    async def main() -> list[int]:
        return await _give(world, 9, 9)

    assert world.play(main=main, oracles=True)["main"] == [512, 1024]
    assert world.si.clusters[1].flags is ClusterFlag.FULL
    assert world.kernel.percpu_swap_cluster == {}


def test_order_0_steals_last(make_world: Callable[..., Any]) -> None:
    """Where nothing else is left a single page takes a slot that is kept for a larger order."""
    world = make_world(clusters=2)
    for slot in range(1, 512):
        world.swapped(slot)

    async def main() -> list[int]:
        folios = [await world.given_slots(order) for order in (3, 0)]
        found = [swp_offset(folio.swap) for folio in folios]
        found += await _give(world, 3)
        for folio in folios:
            await world.release(folio)
        return found

    assert world.play(main=main, oracles=True)["main"] == [512, 520, 528]
    assert world.si.clusters[1].order == 3


def test_a_cluster_that_reclaim_has_emptied_is_not_found(
    make_world: Callable[..., Any],
) -> None:
    """Who reclaims all that a cluster holds sets it free, and cannot use it any more; the free
    list has been looked at by then, so that attempt fails and the next one does not."""
    world = make_world(clusters=2)
    for slot in range(1, 512):
        world.swapped(slot)

    async def main() -> tuple[Errno | None, list[int]]:
        await _give(world, 3)
        return await _refused(world), await _give(world, 0)

    assert world.play(main=main, oracles=True)["main"] == (Errno.ENOMEM, [512])


def test_a_cluster_that_was_passed_through_is_tried_again(world: Any) -> None:
    """The list of clusters that others have passed through is looked at when no better is
    left."""

    async def first() -> list[int]:
        return await _give(world, 0)

    async def second() -> list[int]:
        return await _give(world, 0)

    results = world.play(
        first=first, second=second, window=[Run("first"), Run("second")], oracles=True
    )
    assert results == {"first": [1], "second": [2]}


def test_the_cluster_of_a_cpu_can_be_lost(make_world: Callable[..., Any]) -> None:
    """A CPU's place is looked at again: where its cluster is full, or has gone to another
    order, it takes another one."""
    world = make_world(clusters=3)

    async def main() -> list[int]:
        found = await _give(world, 1)
        world.si.clusters[1].order = 4
        found += await _give(world, 1)
        world.si.clusters[1].order = 1
        return found

    assert world.play(main=main)["main"] == [512, 1024]


def test_the_cluster_of_a_cpu_can_be_freed(make_world: Callable[..., Any]) -> None:
    """Where all slots of a CPU's cluster were freed it is on the free list, has no table, and
    is not the CPU's any more."""
    world = make_world(clusters=3)

    async def main() -> list[int]:
        folio = await world.given_slots(1)
        await world.release(folio)
        found = [swp_offset(folio.swap)]
        await world.reclaim(found[0])
        assert world.si.clusters[1].table is None
        return [*found, *await _give(world, 1)]

    assert world.play(main=main, oracles=True)["main"] == [512, 1024]


def _nearly_full(world: Any) -> None:
    """Of the only cluster the first 10 slots are free, and swap counts as full.

    Tests leave one of them free: a device without any is not even looked at.
    """
    for slot in range(11, 512):
        world.swapped(slot)


async def _unused(world: Any, count: int, order: int = 0) -> list[Folio]:
    """Folios in slots that nobody uses, unlocked, each with a reference of the caller's."""
    folios = []
    for _ in range(count):
        folio = await world.given_slots(order)
        await world.unlock(folio)
        folios.append(folio)
    return folios


def test_slots_that_only_the_cache_keeps_are_taken_over(world: Any) -> None:
    """With swap nearly full a slot that is cached and used by nobody is reclaimed for the
    newcomer, and its folio loses it (spec 1.4)."""
    _nearly_full(world)

    async def first() -> None:
        folios = await _unused(world, 9)
        await point("first.full")
        assert [folio.swapcache for folio in folios] == [False, False, *[True] * 7]
        assert folios[0].dirty
        for folio in folios:
            world.let_go(folio)

    async def second() -> list[int]:
        return await _give(world, 0, 0)

    results = world.play(
        first=first,
        second=second,
        window=[Run("first", "first.full"), Run("second")],
    )
    assert results["second"] == [1, 2]


@pytest.mark.parametrize(("used", "answer"), [(300, (True, True)), (100, (False, False))])
def test_unused_slots_are_reclaimed_only_if_swap_is_full(
    world: Any, used: int, answer: tuple[bool, bool]
) -> None:
    """A range with a slot that only the cache keeps can be taken while swap is nearly full."""
    for slot in range(100, 100 + used):
        world.swapped(slot)
    ci = world.si.clusters[0]

    async def main() -> list[tuple[bool, bool]]:
        folio = await world.given_slots()
        looks = [(1, 1), (2, 1), (1, 2), (100, 1), (0, 1)]
        answers = [cluster_scan_range(world.kernel, ci, *look) for look in looks]
        await world.release(folio)
        return answers

    free, no = (True, False), (False, False)
    assert world.play(main=main)["main"] == [answer, free, answer, no, no]
    assert world.kernel.warnings == []


def test_a_slot_whose_folio_is_locked_is_not_taken_over(world: Any) -> None:
    """The allocator only tries folio locks; a slot that it cannot have it passes over."""
    _nearly_full(world)

    async def first() -> None:
        folios = await _unused(world, 9)
        await world.lock(folios[0])
        await point("first.full")
        await world.unlock(folios[0])
        for folio in folios:
            world.let_go(folio)

    async def second() -> list[int]:
        return await _give(world, 0)

    results = world.play(
        first=first, second=second, window=[Run("first", "first.full"), Run("second")]
    )
    assert results["second"] == [2]


def test_a_slot_that_gets_a_user_meanwhile_is_not_taken_over(world: Any) -> None:
    """While the cluster lock is dropped somebody may use the slot: it is looked at again."""
    _nearly_full(world)

    async def first() -> None:
        folios = await _unused(world, 9)
        await point("first.full")
        for folio in folios:
            await world.lock(folio)
            assert await folio_dup_swap(world.kernel, folio, None) is None
            await world.unlock(folio)
        await point("first.used")
        for folio in folios:
            world.let_go(folio)

    async def second() -> list[int]:
        return await _give(world, 0)

    results = world.play(
        first=first,
        second=second,
        window=[
            Run("first", "first.full"),
            Run("second", "swap_cache_get_folio.lookup"),
            Run("first", "first.used"),
            Run("second"),
        ],
    )
    assert results["second"] == [10]
    assert world.slots(1, 10) == " ".join(["f1"] * 9 + ["-"])


def test_a_cluster_can_be_lost_while_it_is_reclaimed_from(
    make_world: Callable[..., Any],
) -> None:
    """While the lock is dropped the last slot may go, and the cluster with it: it is left
    where it is, and the search goes on elsewhere."""
    world = make_world(clusters=2, device={"slots": 515})
    for slot in range(1, 512):
        world.swapped(slot)

    async def first() -> None:
        folios = await _unused(world, 2)
        await point("first.full")
        world.si.clusters[1].flags = ClusterFlag.DISCARD  # as if it waited to be discarded
        await point("first.lost")
        for folio in folios:
            world.let_go(folio)

    async def second() -> Errno | None:
        return await _refused(world)

    results = world.play(
        first=first,
        second=second,
        window=[
            Run("first", "first.full"),
            Run("second", "cluster_reclaim_range.relock"),
            Run("first", "first.lost"),
            Run("second"),
        ],
    )
    assert results["second"] is Errno.ENOMEM


def test_no_slot_is_taken_once_swapoff_has_begun(make_world: Callable[..., Any]) -> None:
    """The right to write is looked at again right before slots are taken (C03)."""
    world = make_world(clusters=2)

    async def main() -> Errno | None:
        return await _refused(world, 1)

    async def swapoff() -> None:
        world.si.flags &= ~SWP_WRITEOK

    results = world.play(
        main=main,
        swapoff=swapoff,
        window=[Run("main", "isolate_lock_cluster.lock"), Run("swapoff"), Run("main")],
        oracles=True,
    )
    assert results["main"] is Errno.ENOMEM
    assert (world.si.clusters[1].flags, world.si.inuse_pages) == (ClusterFlag.FREE, 0)


@pytest.mark.parametrize("order", [0, 1])
def test_what_waits_to_be_discarded_is_used_at_need(
    make_world: Callable[..., Any], order: int
) -> None:
    """If a single page finds no slot the clusters that wait to be discarded are at once, and
    it tries once more; a large folio does not (spec 2.1)."""
    world = make_world(clusters=2, device={"flags": SWP_PAGE_DISCARD})
    for slot in range(1, 513):
        world.swapped(slot)

    async def main() -> object:
        await world.disown(512)
        assert world.si.clusters[1].flags is ClusterFlag.DISCARD
        if order:
            return await _refused(world, order)
        return await _give(world, 0)

    results = world.play(main=main, oracles=True)
    assert results["main"] == (Errno.ENOMEM if order else [512])


def test_a_device_that_discards_prefers_free_clusters(make_world: Callable[..., Any]) -> None:
    """To spread out the writes free clusters come first there (spec 1.4)."""
    world = make_world(clusters=2, device={"flags": SWP_PAGE_DISCARD})

    async def main() -> list[int]:
        return await _give(world, 0)

    assert world.play(main=main, oracles=True)["main"] == [512]


def test_a_disk_has_one_place_for_all(make_world: Callable[..., Any]) -> None:
    """On a device that rotates all CPUs go on at the same place, one after the other."""
    world = make_world(clusters=3, device={"rotates": True})

    async def user() -> list[int]:
        return await _give(world, 0, 1, 0)

    results = world.play(
        first=user, second=user, window=[Run("first"), Run("second")], oracles=True
    )
    assert results == {"first": [1, 512, 2], "second": [3, 514, 4]}
    assert world.kernel.percpu_swap_cluster == {}


def test_the_place_on_a_disk_can_be_lost(make_world: Callable[..., Any]) -> None:
    """A disk's place is looked at again too, and taken from its start where it is empty."""
    world = make_world(clusters=3, device={"rotates": True})

    async def main() -> list[int]:
        found = await _give(world, 1)
        world.si.clusters[1].order = 4
        found += await _give(world, 1)
        world.si.clusters[1].order = 1
        return found

    assert world.play(main=main)["main"] == [512, 1024]


def test_no_large_slots_in_a_file(make_world: Callable[..., Any]) -> None:
    """Only a block device has slots for large folios (spec 1.1)."""
    world = make_world(clusters=3, device={"file": True})

    async def main() -> tuple[Errno | None, list[int]]:
        return await _refused(world, 1), await _give(world, 0)

    assert world.play(main=main, oracles=True)["main"] == (Errno.ENOMEM, [1])


def test_a_large_folio_tries_one_device(make_world: Callable[..., Any]) -> None:
    """A large folio that finds nothing on the first device is not tried on the next one."""
    world = make_world(device={"priority": 5})
    setup.new_device(world.kernel, "swap1", clusters=3)

    async def main() -> list[Errno | None]:
        return [await _refused(world, 1), await _refused(world, 1)]

    assert world.play(main=main, oracles=True)["main"] == [Errno.ENOMEM, Errno.ENOMEM]


def test_alloc_swap_v1(make_world: Callable[..., Any]) -> None:
    """With v1 slots are not charged when they are given out (spec 2.1)."""
    world = make_world(memcg_v1=True)

    async def main() -> list[int]:
        return await _give(world, 0)

    world.play(main=main, oracles=True)
    assert (world.m1.memsw, world.m1.swap) == (1, 0)
    assert world.si.clusters[0].memcg_table == {}


@pytest.mark.parametrize("why", ["full", "not WRITEOK"])
def test_no_slots(world: Any, why: str) -> None:
    """Where no device has room, or may be written to, it is ENOMEM."""
    if why == "full":
        for slot in range(1, 512):
            world.swapped(slot)
    else:
        world.si.flags &= ~SWP_WRITEOK

    async def main() -> Errno | None:
        return await _refused(world)

    assert world.play(main=main, oracles=True)["main"] is Errno.ENOMEM


@pytest.mark.parametrize(("order", "error"), [(1, Errno.EAGAIN), (0, None)])
def test_large_without_thp(
    make_world: Callable[..., Any], order: int, error: Errno | None
) -> None:
    """A large folio gets no slots without THP: EAGAIN (spec 2.1)."""
    world = make_world(thp=False, clusters=2)

    async def main() -> Errno | None:
        return await _refused(world, order)

    assert world.play(main=main, oracles=True)["main"] is error


def test_larger_than_a_cluster(world: Any) -> None:
    """A folio has to fit in a cluster: EINVAL (spec 2.1)."""

    async def main() -> Errno | None:
        return await _refused(world, 10)

    assert world.play(main=main)["main"] is Errno.EINVAL


def test_charge_of_slots_fails(world: Any) -> None:
    """Slots that cannot be charged are given back, and uncharge nobody (G06)."""
    world.kernel.functions["mem_cgroup_try_charge_swap"] = lambda *_: Errno.ENOMEM

    async def main() -> Errno | None:
        return await _refused(world)

    assert world.play(main=main, oracles=True)["main"] is Errno.ENOMEM
    assert (world.slots(1, 2), world.m1.swap) == ("- -", 0)


def test_worker_reclaims_cached_slots(world: Any) -> None:
    """When a device becomes full its worker reclaims cached slots that nobody uses."""
    for slot in range(1, 511):
        world.swapped(slot)

    async def main() -> None:
        assert await _give(world, 0) == [511]

    world.play(main=main, oracles=True)
    assert world.slots(511) == "-"
    assert world.si.clusters[0].flags is ClusterFlag.NONFULL
