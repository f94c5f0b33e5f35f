# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots: who holds them, and how they are given out and given back (mm/swapfile.c).

A cluster's lock protects its words, its count and its table. Counts go from 0 to 1 only with
the cached folio locked, which is why `folio_free_swap` may look at them without the lock: it
can be wrong about a slot that is still in use, never about one that is not.

Source: trees M and N. The lists of clusters, the discarding and the extend table are left out.
"""

from __future__ import annotations

from itertools import count, groupby
from typing import TYPE_CHECKING

from swaptrio.mm import swap_state, zswap
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import mem_cgroup_try_charge_swap, mem_cgroup_uncharge_swap
from swaptrio.mm.page_alloc import folio_put, folio_trylock, folio_unlock
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_WRITEOK,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    SWP_TB_COUNT_MAX,
    SWP_TB_NULL,
    _swap_cgroup_get,
    _swap_table_get,
    _swap_table_set,
    _swp_tb_get_count,
    _swp_tb_mk_count,
    swap_table_get,
    swp_tb_is_folio,
    swp_tb_is_null,
    swp_tb_is_shadow,
)
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from swaptrio.mm.mm_types import Folio


@kernel_function
async def get_swap_device(kernel: Kernel, entry: SwpEntry) -> SwapInfoStruct | None:
    """Keep the structures of an entry's device alive; none if it is not there (any more).

    It says nothing about the slot, which may be free or somebody else's by now. None too where
    *entry* is 0 or its slot is past the end.
    """
    await point("get_swap_device.get", Kind.READ, "swap devices")
    number = swp_type(entry)
    if not entry or number >= len(kernel.devices):
        return None
    si = kernel.devices[number]
    if si.users == 0 or swp_offset(entry) >= si.max:
        return None
    si.users += 1
    return si


@kernel_function
async def put_swap_device(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Give back what `get_swap_device` took."""
    await point("put_swap_device.put", Kind.WRITE, "swap devices")
    si.users -= 1


@kernel_function
def swap_cluster_alloc_table(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """Give a free cluster its table, all NULL. The cluster lock is held."""
    ci.table = [SWP_TB_NULL] * SWAPFILE_CLUSTER


@kernel_function
def swap_cluster_free_table(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """Take the table from a cluster that has become empty. The cluster lock is held.

    Lockless readers see no table, or all NULL: RCU keeps the old one for them.
    """
    ci.table = None


@kernel_function
def _swap_cluster_free_entries(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, start: int, nr: int
) -> None:
    """Free *nr* slots from *start*: Shadow words with a count of at most 1 become NULL.

    The owners' charges and what depends on the slots go with them; if nothing is left in the
    cluster its table goes too. The cluster lock is held.
    """
    warn_on(kernel, ci.count < nr, "more slots freed than are in use")
    ci.count -= nr
    for off in range(start, start + nr):
        old_tb = _swap_table_get(kernel, ci, off)
        usable = swp_tb_is_shadow(old_tb) and _swp_tb_get_count(kernel, old_tb) <= 1
        warn_on(kernel, not usable, "slot freed while cached or in use")
        _swap_table_set(ci, off, SWP_TB_NULL)
    offset = ci.number * SWAPFILE_CLUSTER + start
    _uncharge_by_owner(kernel, si, ci, start, nr)
    swap_range_free(kernel, si, offset, nr)
    if ci.count == 0:
        swap_cluster_free_table(kernel, ci)


def _uncharge_by_owner(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, start: int, nr: int
) -> None:
    """Uncharge each run of slots that have the same recorded owner."""
    offset = ci.number * SWAPFILE_CLUSTER
    for _, run in groupby(range(start, start + nr), lambda off: _swap_cgroup_get(ci, off)):
        slots = list(run)
        entry = swp_entry(si.type, offset + slots[0])
        mem_cgroup_uncharge_swap(kernel, entry, len(slots))


@kernel_function
def swap_range_free(kernel: Kernel, si: SwapInfoStruct, offset: int, nr: int) -> None:
    """Give *nr* slots from *offset* back to the device. The cluster lock is held.

    What depends on the slots goes first and the device's count last, so that whoever sees the
    device unused finds nothing left.
    """
    for slot in range(offset, offset + nr):
        zswap.zswap_invalidate(kernel, si, slot)
        si.data.pop(slot, None)
    si.inuse_pages -= nr


@kernel_function
async def swap_put_entries_direct(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Drop one count of each of *nr* slots from *entry*. May be called under a page-table lock.

    Slots that nobody uses and that are not cached are freed; those that are cached are left to
    an attempt to reclaim their folio. The range may go over more than one cluster, each of
    which is locked in turn. Keeps the device alive by itself.
    """
    si = await get_swap_device(kernel, entry)
    if si is None:
        return
    offset = swp_offset(entry)
    for _, slots in groupby(range(offset, offset + nr), lambda slot: slot // SWAPFILE_CLUSTER):
        await swap_put_entries_cluster(kernel, si, list(slots))
    await put_swap_device(kernel, si)


@kernel_function
async def swap_put_entries_cluster(
    kernel: Kernel, si: SwapInfoStruct, slots: list[int]
) -> None:
    """Drop one count of each of *slots*, consecutive ones of one cluster, and reclaim after it.

    Those at count 1 that are not cached are freed in batches.
    """
    ci = swap_cluster(si, slots[0])
    base = ci.number * SWAPFILE_CLUSTER
    async with ci.lock.hold("swap_put_entries_direct.lock"):
        last = [slot for slot in slots if _is_last_use(kernel, ci, slot - base)]
        others = (slot for slot in slots if slot not in last)
        cached = [slot for slot in others if _swap_cluster_put_entry(kernel, ci, slot - base)]
        for first, nr in _runs(last):
            _swap_cluster_free_entries(kernel, si, ci, first - base, nr)
    for slot in cached:
        await _try_to_reclaim_swap(kernel, si, slot)


def _is_last_use(kernel: Kernel, ci: SwapClusterInfo, off: int) -> bool:
    swp_tb = _swap_table_get(kernel, ci, off)
    return swp_tb_is_shadow(swp_tb) and _swp_tb_get_count(kernel, swp_tb) == 1


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the length of each run of consecutive *numbers*, which ascend."""
    start = count()
    for _, group in groupby(numbers, lambda number: number - next(start)):
        run = list(group)
        yield run[0], len(run)


@kernel_function
def _swap_cluster_put_entry(kernel: Kernel, ci: SwapClusterInfo, off: int) -> bool:
    """Drop one count of a slot; whether it is cached and nobody uses it now.

    The cluster lock is held. Nothing is freed: the last count of a slot that is not cached is
    not dropped here.
    """
    swp_tb = _swap_table_get(kernel, ci, off)
    swap_count = _swp_tb_get_count(kernel, swp_tb)
    if warn_on(kernel, swap_count == 0, "count of an unused slot dropped"):
        return False
    _swap_table_set(ci, off, _swp_tb_mk_count(swp_tb, swap_count - 1))
    return swap_count == 1 and swp_tb_is_folio(swp_tb)


@kernel_function
async def _try_to_reclaim_swap(kernel: Kernel, si: SwapInfoStruct, offset: int) -> bool:
    """Take the folio that caches a slot out of the cache, if nobody uses it; trylock only.

    If the folio lock is taken it gives up, and the slot stays cached with a count of 0. That
    all slots of the folio are unused is looked at under the cluster lock. Of the conditions
    under which the kernel reclaims, the simplest is modelled: the folio is mapped nowhere.
    """
    entry = swp_entry(si.type, offset)
    while True:
        folio = await swap_state.swap_cache_get_folio(kernel, entry)
        if folio is None:
            return False
        if not await folio_trylock(kernel, folio, "try_to_reclaim_swap.trylock"):
            folio_put(kernel, folio)
            return False
        if swap_state.folio_matches_swap_entry(kernel, folio, entry):
            break
        await folio_unlock(kernel, folio, "try_to_reclaim_swap.again")
        folio_put(kernel, folio)
    reclaimed = folio.mapcount == 0 and await _reclaim_unused(kernel, folio)
    await folio_unlock(kernel, folio, "try_to_reclaim_swap.unlock")
    folio_put(kernel, folio)
    return reclaimed


async def _reclaim_unused(kernel: Kernel, folio: Folio) -> bool:
    """Take a locked folio out of the cache if no slot of it is in use; whether that was so."""
    if not folio_swapcache_freeable(kernel, folio):
        return False
    ci, slots = _slots_of(kernel, folio, None)
    async with ci.lock.hold("try_to_reclaim_swap.verify"):
        words = [_swap_table_get(kernel, ci, off) for off in slots]
        in_use = any(_swp_tb_get_count(kernel, swp_tb) for swp_tb in words)
    if in_use:
        return False
    await swap_state.swap_cache_del_folio(kernel, folio)
    folio.dirty = True
    return True


@kernel_function
def folio_swapcache_freeable(kernel: Kernel, folio: Folio) -> bool:
    """Whether a locked folio may leave the cache now: it is there, and not under writeback.

    The kernel also says no while a hibernation image is written, which is not modelled.
    """
    return folio.swapcache and not folio.writeback


@kernel_function
async def folio_maybe_swapped(kernel: Kernel, folio: Folio) -> bool:
    """Whether a slot of the locked, cached folio is in use; read without the cluster lock.

    It may say so of one that has just lost its last user, and never misses one that is used.
    """
    ci, slots = _slots_of(kernel, folio, None)
    await point("folio_maybe_swapped.read", Kind.READ, ci.lock)
    words = (swap_table_get(ci, off) for off in slots)
    return any(_swp_tb_get_count(kernel, swp_tb) for swp_tb in words)


@kernel_function
async def folio_free_swap(kernel: Kernel, folio: Folio) -> bool:
    """Take a locked folio out of the cache and free its slots, if nobody uses any of them.

    It is dirty then, as the device has no copy any more. Whether it was taken out.
    """
    if not folio_swapcache_freeable(kernel, folio):
        return False
    if await folio_maybe_swapped(kernel, folio):
        return False
    await swap_state.swap_cache_del_folio(kernel, folio)
    folio.dirty = True
    return True


@kernel_function
async def folio_dup_swap(kernel: Kernel, folio: Folio, page: int | None) -> Errno | None:
    """Raise the count of one page's slot, or of all; ENOMEM where a count is full.

    The folio is locked and cached, so a count may go from 0 to 1 here. Counts of 15 and more
    need the extend table, which the kernel tries to allocate first. Here that always fails.

    Args:
        page: the page's number in the folio; none for all. If one cannot be raised none is.
    """
    ci, slots = _slots_of(kernel, folio, page)
    async with ci.lock.hold("folio_dup_swap.lock"):
        words = {off: _swap_table_get(kernel, ci, off) for off in slots}
        counts = {off: _swp_tb_get_count(kernel, word) for off, word in words.items()}
        if any(number >= SWP_TB_COUNT_MAX - 1 for number in counts.values()):
            return Errno.ENOMEM
        for off, word in words.items():
            _swap_table_set(ci, off, _swp_tb_mk_count(word, counts[off] + 1))
    return None


@kernel_function
async def swap_dup_entry_direct(kernel: Kernel, entry: SwpEntry) -> Errno | None:
    """Raise the count of a slot that is in use, for fork; ENOMEM where it is full.

    The page-table lock over an entry that names the slot is held, which keeps it in use.
    """
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    off = swp_cluster_offset(entry)
    async with ci.lock.hold("swap_dup_entry_direct.lock"):
        swp_tb = _swap_table_get(kernel, ci, off)
        number = _swp_tb_get_count(kernel, swp_tb)
        warn_on(kernel, number == 0, "count of an unused slot raised")
        if number >= SWP_TB_COUNT_MAX - 1:
            return Errno.ENOMEM
        _swap_table_set(ci, off, _swp_tb_mk_count(swp_tb, number + 1))
    return None


@kernel_function
async def folio_put_swap(kernel: Kernel, folio: Folio, page: int | None) -> None:
    """Lower the count of one page's slot, or of all (*page* is none).

    The folio is locked and cached, and so nothing is freed.
    """
    ci, slots = _slots_of(kernel, folio, page)
    async with ci.lock.hold("folio_put_swap.lock"):
        for off in slots:
            _swap_cluster_put_entry(kernel, ci, off)


def _slots_of(kernel: Kernel, folio: Folio, page: int | None) -> tuple[SwapClusterInfo, range]:
    """The cluster of a cached folio, and its slots there, or that of *page*."""
    ci = swap_cluster(kernel.devices[swp_type(folio.swap)], swp_offset(folio.swap))
    start = swp_cluster_offset(folio.swap)
    if page is None:
        return ci, range(start, start + folio.nr)
    return ci, range(start + page, start + page + 1)


@kernel_function
async def folio_alloc_swap(kernel: Kernel, folio: Folio) -> Errno | None:
    """Give a locked, uptodate folio slots, and put it in the cache there at once.

    EAGAIN for a large folio without THP, EINVAL for one above a cluster, ENOMEM if no device
    has room or the slots cannot be charged (v2). The lists of clusters are reduced to one
    rule: the first aligned free range of the first cluster that has one. Slots that are cached
    and unused are not taken over; the device's worker is asked to reclaim them.
    """
    warn_on(kernel, not folio.locked or not folio.uptodate, "swapped out, not ready for it")
    if folio.order and not kernel.config.thp:
        return Errno.EAGAIN
    if folio.nr > SWAPFILE_CLUSTER:
        return Errno.EINVAL
    for si in kernel.devices:
        for ci in si.clusters:
            async with ci.lock.hold("folio_alloc_swap.lock"):
                start = _find_free(ci, folio.nr) if si.flags & SWP_WRITEOK else None
                if start is not None:
                    _take_slots(kernel, si, ci, folio, start)
            if start is not None:
                return await _charge_slots(kernel, ci, folio)
        schedule_work(kernel, si)
    return Errno.ENOMEM


def _find_free(ci: SwapClusterInfo, nr: int) -> int | None:
    if ci.table is None:
        return 0
    for start in range(0, SWAPFILE_CLUSTER, nr):
        if all(swp_tb_is_null(ci.table[off]) for off in range(start, start + nr)):
            return start
    return None


def _take_slots(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio, start: int
) -> None:
    if ci.table is None:
        swap_cluster_alloc_table(kernel, ci)
    entry = swp_entry(si.type, ci.number * SWAPFILE_CLUSTER + start)
    swap_state._swap_cache_add_folio(kernel, ci, folio, entry)
    ci.count += folio.nr
    si.inuse_pages += folio.nr


async def _charge_slots(kernel: Kernel, ci: SwapClusterInfo, folio: Folio) -> Errno | None:
    """Charge slots that are taken, in a critical section of its own; undo on failure."""
    async with ci.lock.hold("folio_alloc_swap.charge"):
        error = mem_cgroup_try_charge_swap(kernel, folio, folio.swap)
    if error is not None:
        await swap_state.swap_cache_del_folio(kernel, folio)
    return error


@kernel_function
def schedule_work(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Ask the device's worker to reclaim cached slots that nobody uses. Does not sleep."""
    si.work.send_nowait("reclaim")


async def swap_reclaim_work(kernel: Kernel, si: SwapInfoStruct) -> None:
    """The worker of a device's clusters: reclaims cached slots that nobody uses. A daemon."""
    while True:
        await si.work_in.receive()
        for ci in si.clusters:
            await swap_reclaim_full_clusters(kernel, si, ci)


@kernel_function
async def swap_reclaim_full_clusters(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo
) -> None:
    """Try to reclaim each slot of a cluster that is cached and has a count of 0."""
    await point("swap_reclaim_full_clusters.scan", Kind.READ, ci.lock)
    for off in range(SWAPFILE_CLUSTER):
        swp_tb = swap_table_get(ci, off)
        if swp_tb_is_folio(swp_tb) and _swp_tb_get_count(kernel, swp_tb) == 0:
            await _try_to_reclaim_swap(kernel, si, ci.number * SWAPFILE_CLUSTER + off)
