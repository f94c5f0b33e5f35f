# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking cached folios out of slots that nobody uses.

A count goes from 0 to 1 only with the cached folio locked. So whoever has the folio lock may
look at the counts without the cluster lock: it can be wrong about a slot that is still in use,
never about one that is not.

Source: tree N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm import swap_state
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.page_alloc import folio_put, folio_trylock, folio_unlock
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    ClusterFlag,
    SwapClusterInfo,
    SwapInfoStruct,
    _swap_entry_to_cluster,
    swp_cluster_offset,
    swp_entry,
)
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swp_tb_get_count,
    swap_table_get,
    swp_tb_get_count,
    swp_tb_is_folio,
)
from swaptrio.mm.swapfile.clusters import (
    cluster_offset,
    isolate_lock_cluster,
    relocate_cluster,
)
from swaptrio.mm.swapfile.devices import mem_cgroup_swap_full
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio

#: When to reclaim: always; if the folio is mapped nowhere; if swap is scarce for its group.
TTRS_ANYWAY: Final = 1 << 0
TTRS_UNMAPPED: Final = 1 << 1
TTRS_FULL: Final = 1 << 2


@kernel_function
async def _try_to_reclaim_swap(
    kernel: Kernel, si: SwapInfoStruct, offset: int, flags: int
) -> int:
    """Take the folio that caches a slot out of the cache, if nobody uses any slot of it.

    It only tries the folio lock: if that is taken the slot stays cached with a count of 0. That
    all slots of the folio are unused is looked at under the cluster lock.

    Args:
        offset: any slot of the folio, whose device is kept alive.
        flags: one or more of TTRS_ANYWAY, TTRS_UNMAPPED, TTRS_FULL; one must be the case.

    Returns:
        The pages of the folio that was taken out; the same, negative, of one that was not; 0
        where there was none.
    """
    entry = swp_entry(si.type, offset)
    while True:
        folio = await swap_state.swap_cache_get_folio(kernel, entry)
        if folio is None:
            return 0
        if not await folio_trylock(kernel, folio, "try_to_reclaim_swap.trylock"):
            folio_put(kernel, folio)
            return -folio.nr
        if swap_state.folio_matches_swap_entry(kernel, folio, entry):
            break
        await folio_unlock(kernel, folio, "try_to_reclaim_swap.again")
        folio_put(kernel, folio)
    reclaimed = _wanted(kernel, folio, flags) and await _reclaim_unused(kernel, folio)
    await folio_unlock(kernel, folio, "try_to_reclaim_swap.unlock")
    folio_put(kernel, folio)
    return folio.nr if reclaimed else -folio.nr


def _wanted(kernel: Kernel, folio: Folio, flags: int) -> bool:
    return bool(
        flags & TTRS_ANYWAY
        or (flags & TTRS_UNMAPPED and folio.mapcount == 0)
        or (flags & TTRS_FULL and mem_cgroup_swap_full(kernel, folio))
    )


async def _reclaim_unused(kernel: Kernel, folio: Folio) -> bool:
    """Take a locked folio out of the cache if no slot of it is in use; whether that was so."""
    if not folio_swapcache_freeable(kernel, folio):
        return False
    ci, slots = slots_of(kernel, folio, None)
    async with ci.lock.hold("try_to_reclaim_swap.verify"):
        words = [_swap_table_get(kernel, ci, off) for off in slots]
        warn_on(kernel, not all(map(swp_tb_is_folio, words)), "slot of a folio is not cached")
        in_use = any(map(swp_tb_get_count, words))
    if in_use:
        return False
    await swap_state.swap_cache_del_folio(kernel, folio)
    folio.dirty = True
    return True


@kernel_function
def folio_swapcache_freeable(kernel: Kernel, folio: Folio) -> bool:
    """Whether a locked folio may leave the cache now: it is there, and not under writeback.

    No folio may while hibernation has storage suspended: the image may hold it as a clean copy
    of its slot, and would find somebody else's data there.
    """
    return folio.swapcache and not folio.writeback and not kernel.storage_suspended


@kernel_function
async def folio_maybe_swapped(kernel: Kernel, folio: Folio) -> bool:
    """Whether a slot of the locked, cached folio is in use; read without the cluster lock.

    It may say so of one that has just lost its last user, and never misses one that is used.
    """
    ci, slots = slots_of(kernel, folio, None)
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


def slots_of(kernel: Kernel, folio: Folio, page: int | None) -> tuple[SwapClusterInfo, range]:
    """The cluster of a cached folio, and its slots there, or that of *page*."""
    ci = _swap_entry_to_cluster(kernel, folio.swap)
    start = swp_cluster_offset(folio.swap)
    if page is None:
        return ci, range(start, start + folio.nr)
    return ci, range(start + page, start + page + 1)


@kernel_function
async def swap_reclaim_full_clusters(
    kernel: Kernel, si: SwapInfoStruct, *, force: bool
) -> None:
    """Try to reclaim each slot of the first full cluster that is cached and used by nobody.

    With *force* as many clusters are gone through as the device's slots in use would fill.
    """
    to_scan = si.inuse_pages // SWAPFILE_CLUSTER if force else 1
    while True:
        ci = await isolate_lock_cluster(kernel, si, si.full_clusters)
        if ci is None:
            return
        await _reclaim_cluster(kernel, si, ci)
        if ci.flags is ClusterFlag.NONE:
            relocate_cluster(kernel, si, ci)
        ci.lock.release()
        to_scan -= 1
        if to_scan <= 0:
            return


async def _reclaim_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Go through the slots of a locked cluster, whose lock is dropped for each attempt."""
    offset = cluster_offset(ci)
    end = min(si.max, offset + SWAPFILE_CLUSTER)
    while offset < end:
        nr = 0
        swp_tb = swap_table_get(ci, offset % SWAPFILE_CLUSTER)
        if swp_tb_is_folio(swp_tb) and not _swp_tb_get_count(kernel, swp_tb):
            ci.lock.release()
            nr = await _try_to_reclaim_swap(kernel, si, offset, TTRS_ANYWAY)
            await ci.lock.acquire("swap_reclaim_full_clusters.relock")
        offset += abs(nr) or 1
