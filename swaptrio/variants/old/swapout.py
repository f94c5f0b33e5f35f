# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots for a folio: claimed first, charged, and cached last (270f095179ff tells of it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import mem_cgroup_try_charge_swap
from swaptrio.mm.swap_h import (
    NO_ENTRY,
    SWAPFILE_CLUSTER,
    SWP_WRITEOK,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_entry,
)
from swaptrio.mm.swap_state import _swap_entry_to_cluster
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swap_table_set,
    _swp_tb_mk_count,
    shadow_to_swp_tb,
    swp_tb_get_count,
    swp_tb_is_null,
)
from swaptrio.mm.swapfile.allocation import (
    alloc_swap_scan_cluster,
    cluster_alloc_swap_entry,
    swap_sync_discard,
)
from swaptrio.mm.swapfile.clusters import cluster_is_usable, cluster_offset
from swaptrio.mm.swapfile.devices import (
    get_swap_device_info,
    plist_requeue,
    put_swap_device,
    swap_range_alloc,
    vm_swap_full,
)
from swaptrio.sched import running_task
from swaptrio.variants.old.cache import add_to_swap_cache
from swaptrio.variants.old.slots import put_swap_folio

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
async def folio_alloc_swap(kernel: Kernel, folio: Folio) -> Errno | None:
    """Give a locked, uptodate folio slots, and put it in the cache there after a while.

    EAGAIN for a large folio without THP, EINVAL for one above a cluster, ENOMEM if no device
    has room or the slots cannot be charged (v2). The slots have a count of 0 and their bits set
    meanwhile: who looks finds them neither free nor cached. May sleep.
    """
    warn_on(kernel, not folio.locked or not folio.uptodate, "swapped out, not ready for it")
    if folio.order and not kernel.config.thp:
        return Errno.EAGAIN
    if folio.nr > SWAPFILE_CLUSTER:
        return Errno.EINVAL
    entry = await swap_alloc_entry(kernel, folio)
    if not entry and not folio.order and await swap_sync_discard(kernel):
        entry = await swap_alloc_entry(kernel, folio)
    if not entry:
        return Errno.ENOMEM
    error = await _charge_slots(kernel, folio, entry)
    if error is not None:
        await put_swap_folio(kernel, entry, folio.nr)
        return error
    await add_to_swap_cache(kernel, folio, entry)
    return None


async def _charge_slots(kernel: Kernel, folio: Folio, entry: SwpEntry) -> Errno | None:
    """Charge slots that are claimed, in a critical section of its own."""
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("folio_alloc_swap.charge"):
        return mem_cgroup_try_charge_swap(kernel, folio, entry)


@kernel_function
async def swap_alloc_entry(kernel: Kernel, folio: Folio) -> SwpEntry:
    """Claim slots, by the fast way or the slow one; the first of them, or none."""
    return await swap_alloc_fast(kernel, folio) or await swap_alloc_slow(kernel, folio)


@kernel_function
async def swap_alloc_fast(kernel: Kernel, folio: Folio) -> SwpEntry:
    """Go on where this CPU allocated last for the folio's order; the first slot, or none."""
    place = kernel.percpu_swap_cluster.get((running_task().name, folio.order), (0, 0))
    number, offset = place
    if not offset or not get_swap_device_info(kernel, kernel.devices[number]):
        return NO_ENTRY
    si = kernel.devices[number]
    ci = swap_cluster(si, offset)
    found = 0
    await ci.lock.acquire("swap_alloc_fast.lock")
    if cluster_is_usable(kernel, ci, folio.order):
        if ci.count == 0:
            offset = cluster_offset(ci)
        found = await alloc_swap_scan_cluster(kernel, si, ci, folio, offset)
    else:
        ci.lock.release()
    await put_swap_device(kernel, si)
    return swp_entry(number, found) if found else NO_ENTRY


@kernel_function
async def swap_alloc_slow(kernel: Kernel, folio: Folio) -> SwpEntry:
    """Walk the devices with room, each once; the first slot, or none.

    A large folio tries one device only.
    """
    tried: dict[int, None] = {}
    while True:
        async with kernel.swap_avail_lock.hold("swap_alloc_slow.lock"):
            avail = kernel.swap_avail.values()
            si = next((each for each in avail if each.type not in tried), None)
            if si is None:
                return NO_ENTRY
            plist_requeue(kernel, si)
        tried[si.type] = None
        if not get_swap_device_info(kernel, si):
            continue
        found = await cluster_alloc_swap_entry(kernel, si, folio)
        await put_swap_device(kernel, si)
        if found:
            return swp_entry(si.type, found)
        if folio.order:
            return NO_ENTRY


@kernel_function
def cluster_scan_range(
    kernel: Kernel, ci: SwapClusterInfo, ci_off: int, nr: int
) -> tuple[bool, bool]:
    """Whether *nr* slots can be taken, and whether some have to be reclaimed for that.

    They have where their bit is set and nobody uses them, which is asked for only if swap is
    nearly full; that a folio is there is not known. The cluster lock is held.
    """
    need_reclaim = False
    for off in range(ci_off, ci_off + nr):
        swp_tb = _swap_table_get(kernel, ci, off)
        if swp_tb_is_null(swp_tb):
            continue
        unused = off in ci.has_cache and swp_tb_get_count(swp_tb) == 0
        if not unused or not vm_swap_full(kernel):
            return False, False
        need_reclaim = True
    return True, need_reclaim


@kernel_function
def _swap_cluster_alloc_entries(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio | None, ci_off: int
) -> bool:
    """Claim free slots for a folio, or take one for hibernation; whether that was done.

    It is not if the device may not be written to any more. The first slots of a cluster keep it
    for their order. The cluster lock is held.
    """
    if not si.flags & SWP_WRITEOK:
        return False
    order, nr = (folio.order, folio.nr) if folio is not None else (0, 1)
    for off in range(ci_off, ci_off + nr):
        _swap_table_set(ci, off, shadow_to_swp_tb(0, 0))
    if folio is not None:
        ci.has_cache.update(dict.fromkeys(range(ci_off, ci_off + nr)))
    else:
        _swap_table_set(ci, ci_off, _swp_tb_mk_count(shadow_to_swp_tb(0, 0), 1))
        si.image[cluster_offset(ci) + ci_off] = None
    if ci.count == 0:
        ci.order = order
    ci.count += nr
    swap_range_alloc(kernel, si, nr)
    return True
