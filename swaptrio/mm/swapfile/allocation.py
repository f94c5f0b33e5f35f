# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots for a folio: from the CPU's own cluster, or from the lists of a device.

A CPU goes on where it allocated last, device by device and order by order. Without such a place
it walks the devices in their order, and each device's lists. A cluster that is scanned is
locked all the time, but where a slot is cached and used by nobody: that may be reclaimed for
the newcomer if swap is nearly full, with the lock dropped. What was found before is looked at
again after that, and whether the device may be written to right before slots are taken.

Each task is its own CPU, so the kernel's local lock is never waited for, and not modelled.

Source: tree N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import mem_cgroup_try_charge_swap
from swaptrio.mm.swap_h import (
    SWAP_NR_ORDERS,
    SWAPFILE_CLUSTER,
    SWP_BLKDEV,
    SWP_PAGE_DISCARD,
    SWP_SOLIDSTATE,
    SWP_WRITEOK,
    Clusters,
    SwapClusterInfo,
    SwapInfoStruct,
    _swap_entry_to_cluster,
    swap_cluster,
    swp_entry,
)
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swap_table_set,
    _swp_tb_mk_count,
    shadow_to_swp_tb,
    swap_table_get,
    swp_tb_get_count,
    swp_tb_is_folio,
    swp_tb_is_null,
)
from swaptrio.mm.swapfile.clusters import (
    cluster_is_usable,
    cluster_offset,
    isolate_lock_cluster,
    relocate_cluster,
    swap_do_scheduled_discard,
)
from swaptrio.mm.swapfile.devices import (
    get_swap_device_info,
    plist_requeue,
    put_swap_device,
    swap_range_alloc,
    vm_swap_full,
)
from swaptrio.mm.swapfile.reclaim import (
    TTRS_ANYWAY,
    _try_to_reclaim_swap,
    swap_reclaim_full_clusters,
)
from swaptrio.mm.vmstat import PMD_ORDER
from swaptrio.sched import running_task

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
async def folio_alloc_swap(kernel: Kernel, folio: Folio) -> Errno | None:
    """Give a locked, uptodate folio slots, and put it in the cache there at once.

    EAGAIN for a large folio without THP, EINVAL for one above a cluster, ENOMEM if no device
    has room or the slots cannot be charged (v2). The slots have a count of 0: only the cache
    keeps them. May sleep.
    """
    warn_on(kernel, not folio.locked or not folio.uptodate, "swapped out, not ready for it")
    if folio.order and not kernel.config.thp:
        return Errno.EAGAIN
    if folio.nr > SWAPFILE_CLUSTER:
        return Errno.EINVAL
    await swap_alloc_entry(kernel, folio)
    if not folio.swapcache and not folio.order and await swap_sync_discard(kernel):
        await swap_alloc_entry(kernel, folio)
    if not folio.swapcache:
        return Errno.ENOMEM
    return await _charge_slots(kernel, folio)


async def _charge_slots(kernel: Kernel, folio: Folio) -> Errno | None:
    """Charge slots that are taken, in a critical section of its own; undo on failure."""
    ci = _swap_entry_to_cluster(kernel, folio.swap)
    async with ci.lock.hold("folio_alloc_swap.charge"):
        error = mem_cgroup_try_charge_swap(kernel, folio, folio.swap)
    if error is not None:
        await swap_state.swap_cache_del_folio(kernel, folio)
    return error


@kernel_function
async def swap_alloc_entry(kernel: Kernel, folio: Folio) -> None:
    """Find slots for a folio, by the fast way or the slow one."""
    if not await swap_alloc_fast(kernel, folio):
        await swap_alloc_slow(kernel, folio)


@kernel_function
async def swap_alloc_fast(kernel: Kernel, folio: Folio) -> bool:
    """Go on where this CPU allocated last for the folio's order; whether it has slots now."""
    number, offset = kernel.percpu_swap_cluster.get(_here(folio.order), (0, 0))
    if not offset or not get_swap_device_info(kernel, kernel.devices[number]):
        return False
    si = kernel.devices[number]
    ci = swap_cluster(si, offset)
    await ci.lock.acquire("swap_alloc_fast.lock")
    if cluster_is_usable(kernel, ci, folio.order):
        if ci.count == 0:
            offset = cluster_offset(ci)
        await alloc_swap_scan_cluster(kernel, si, ci, folio, offset)
    else:
        ci.lock.release()
    await put_swap_device(kernel, si)
    return folio.swapcache


@kernel_function
async def swap_alloc_slow(kernel: Kernel, folio: Folio) -> None:
    """Walk the devices with room, by priority and those of one priority in turn.

    A large folio tries one device only. Each is tried once: where devices of one priority are
    moved behind each other under the walk the kernel can come round again, which is left out.
    """
    tried: dict[int, None] = {}
    while True:
        async with kernel.swap_avail_lock.hold("swap_alloc_slow.lock"):
            avail = kernel.swap_avail.values()
            si = next((each for each in avail if each.type not in tried), None)
            if si is None:
                return
            plist_requeue(kernel, si)
        tried[si.type] = None
        if not get_swap_device_info(kernel, si):
            continue
        await cluster_alloc_swap_entry(kernel, si, folio)
        await put_swap_device(kernel, si)
        if folio.swapcache or folio.order:
            return


@kernel_function
async def swap_sync_discard(kernel: Kernel) -> bool:
    """Discard what waits for that on the first device that has any; whether there was one."""
    for si in list(kernel.devices):
        if si.flags & SWP_PAGE_DISCARD and get_swap_device_info(kernel, si):
            discarded = await swap_do_scheduled_discard(kernel, si)
            await put_swap_device(kernel, si)
            if discarded:
                return True
    return False


@kernel_function
async def cluster_alloc_swap_entry(
    kernel: Kernel, si: SwapInfoStruct, folio: Folio | None
) -> int:
    """Find slots on a device; the first of them, or 0. Without a folio one for hibernation.

    The device is kept alive. Large slots are for block devices only. A device that rotates has
    one place to go on at, for all CPUs and with a lock of its own.
    """
    order = folio.order if folio is not None else 0
    if order and not si.flags & SWP_BLKDEV:
        return 0
    if si.flags & SWP_SOLIDSTATE:
        return await _scan_lists(kernel, si, folio, order)
    async with si.global_cluster_lock.hold("cluster_alloc_swap_entry.global_lock"):
        found = await _go_on_globally(kernel, si, folio, order)
        return found or await _scan_lists(kernel, si, folio, order)


async def _go_on_globally(
    kernel: Kernel, si: SwapInfoStruct, folio: Folio | None, order: int
) -> int:
    """Go on where any CPU allocated last on a rotating device."""
    offset = si.global_cluster.get(order, 0)
    if not offset:
        return 0
    ci = swap_cluster(si, offset)
    await ci.lock.acquire("cluster_alloc_swap_entry.lock")
    if not cluster_is_usable(kernel, ci, order):
        ci.lock.release()
        return 0
    if ci.count == 0:
        offset = cluster_offset(ci)
    return await alloc_swap_scan_cluster(kernel, si, ci, folio, offset)


async def _scan_lists(
    kernel: Kernel, si: SwapInfoStruct, folio: Folio | None, order: int
) -> int:
    """Go through a device's lists, from the one that suits best.

    Where the device discards, fresh clusters come first, to spread out the writes. Full ones
    are reclaimed from once nothing else is left, and of those that were passed through before
    one only is looked at; order 0 then steals from the larger orders.
    """
    discards = bool(si.flags & SWP_PAGE_DISCARD)
    free, small = si.free_clusters, order < PMD_ORDER
    found = 0
    if discards:
        found = await alloc_swap_scan_list(kernel, si, free, folio, scan_all=False)
    if not found and small:
        nonfull = si.nonfull_clusters[order]
        found = await alloc_swap_scan_list(kernel, si, nonfull, folio, scan_all=True)
    if not found and not discards:
        found = await alloc_swap_scan_list(kernel, si, free, folio, scan_all=False)
    if found:
        return found
    if vm_swap_full(kernel):
        await swap_reclaim_full_clusters(kernel, si, force=False)
    if small:
        frag = si.frag_clusters[order]
        found = await alloc_swap_scan_list(kernel, si, frag, folio, scan_all=False)
    return found if found or order else await _steal(kernel, si, folio)


async def _steal(kernel: Kernel, si: SwapInfoStruct, folio: Folio | None) -> int:
    """Take a slot from a cluster that is kept for a larger order.

    The kernel takes the device's lock for each list. To spare steps it is taken once here, and
    lists that are empty then are passed over.
    """
    larger = range(1, SWAP_NR_ORDERS)
    async with si.lock.hold("cluster_alloc_swap_entry.steal"):
        pairs = [(si.frag_clusters[order], si.nonfull_clusters[order]) for order in larger]
        lists = [clusters for pair in pairs for clusters in pair if clusters]
    for clusters in lists:
        found = await alloc_swap_scan_list(kernel, si, clusters, folio, scan_all=True)
        if found:
            return found
    return 0


@kernel_function
async def alloc_swap_scan_list(
    kernel: Kernel,
    si: SwapInfoStruct,
    clusters: Clusters,
    folio: Folio | None,
    *,
    scan_all: bool,
) -> int:
    """Scan the first cluster of a list, or all until one has room; the first slot, or 0."""
    while True:
        ci = await isolate_lock_cluster(kernel, si, clusters)
        if ci is None:
            return 0
        found = await alloc_swap_scan_cluster(kernel, si, ci, folio, cluster_offset(ci))
        if found or not scan_all:
            return found


@kernel_function
async def alloc_swap_scan_cluster(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio | None, offset: int
) -> int:
    """Take slots of a usable, locked cluster, from *offset* on; the first, or 0 for none.

    The lock is given back, the cluster is on its list again, and the CPU (or a device that
    rotates) remembers where to go on.
    """
    order, nr = (folio.order, folio.nr) if folio is not None else (0, 1)
    found = following = 0
    if ci.count + nr <= SWAPFILE_CLUSTER:
        found = await _scan(kernel, si, ci, folio, offset)
        end = cluster_offset(ci) + SWAPFILE_CLUSTER
        if found and ci.count < SWAPFILE_CLUSTER and found + nr < end:
            following = found + nr
    relocate_cluster(kernel, si, ci)
    ci.lock.release()
    if not si.flags & SWP_SOLIDSTATE:
        si.global_cluster[order] = following
    elif following:
        kernel.percpu_swap_cluster[_here(order)] = (si.type, following)
    else:
        kernel.percpu_swap_cluster.pop(_here(order), None)
    return found


def _here(order: int) -> tuple[str, int]:
    """The CPU that the task runs on, and an order."""
    return running_task().name, order


async def _scan(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio | None, offset: int
) -> int:
    """Take the first range that suits, or that can be made to; its first slot, or 0."""
    nr = folio.nr if folio is not None else 1
    last = cluster_offset(ci) + SWAPFILE_CLUSTER - nr
    while offset <= last:
        suits, need_reclaim = cluster_scan_range(kernel, ci, offset % SWAPFILE_CLUSTER, nr)
        if need_reclaim:
            suits, usable = await cluster_reclaim_range(kernel, si, ci, offset, nr)
            if not usable:
                return 0
            if ci.count == 0:
                offset = cluster_offset(ci)
        if suits:
            taken = _swap_cluster_alloc_entries(
                kernel, si, ci, folio, offset % SWAPFILE_CLUSTER
            )
            return offset if taken else 0
        offset += nr
    return 0


@kernel_function
def cluster_scan_range(
    kernel: Kernel, ci: SwapClusterInfo, ci_off: int, nr: int
) -> tuple[bool, bool]:
    """Whether *nr* slots can be taken, and whether some have to be reclaimed for that.

    They have where they are cached and nobody uses them, which is asked for only if swap is
    nearly full. The cluster lock is held.
    """
    need_reclaim = False
    for off in range(ci_off, ci_off + nr):
        swp_tb = _swap_table_get(kernel, ci, off)
        if swp_tb_is_null(swp_tb):
            continue
        if not _is_unused_cache(kernel, swp_tb) or not vm_swap_full(kernel):
            return False, False
        need_reclaim = True
    return True, need_reclaim


def _is_unused_cache(kernel: Kernel, swp_tb: int) -> bool:
    """Whether a slot is cached and nobody uses it. Only a cached slot may have a count of 0."""
    count = swp_tb_get_count(swp_tb)
    if swp_tb_is_folio(swp_tb):
        return count == 0
    warn_on(kernel, count == 0, "slot in use, with a count of 0")
    return False


@kernel_function
async def cluster_reclaim_range(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, start: int, nr: int
) -> tuple[bool, bool]:
    """Reclaim *nr* slots from *start*, with the cluster lock dropped meanwhile.

    Returns:
        Whether all are free now, and whether the cluster may still be used: it can have been
        freed, filled, or given to another order.
    """
    ci.lock.release()
    for offset in range(start, start + nr):
        swp_tb = swap_table_get(ci, offset % SWAPFILE_CLUSTER)
        if swp_tb_get_count(swp_tb):
            break
        if swp_tb_is_folio(swp_tb):
            if await _try_to_reclaim_swap(kernel, si, offset, TTRS_ANYWAY) < 0:
                break
    await ci.lock.acquire("cluster_reclaim_range.relock")
    if not cluster_is_usable(kernel, ci, nr.bit_length() - 1):
        return False, False
    first = start % SWAPFILE_CLUSTER
    words = (_swap_table_get(kernel, ci, off) for off in range(first, first + nr))
    return all(swp_tb_is_null(swp_tb) for swp_tb in words), True


@kernel_function
def _swap_cluster_alloc_entries(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio | None, ci_off: int
) -> bool:
    """Take free slots for a folio, or one for hibernation; whether they were taken.

    They are not if the device may not be written to any more: who goes through swapoff waits
    for each cluster lock once, so that nobody takes a slot after that (catalogue C03). The
    first slots of a cluster keep it for their order. The cluster lock is held.
    """
    if not si.flags & SWP_WRITEOK:
        return False
    if folio is not None:
        entry = swp_entry(si.type, cluster_offset(ci) + ci_off)
        swap_state._swap_cache_add_folio(kernel, ci, folio, entry)
    else:
        _swap_table_set(ci, ci_off, _swp_tb_mk_count(shadow_to_swp_tb(0, 0), 1))
        si.image[cluster_offset(ci) + ci_off] = None
    order, nr = (folio.order, folio.nr) if folio is not None else (0, 1)
    if ci.count == 0:
        ci.order = order
    ci.count += nr
    swap_range_alloc(kernel, si, nr)
    return True
