# SPDX-License-Identifier: MIT OR Apache-2.0
"""The swap cache: what all versions of the patch share.

What they differ in (the range check, the allocation for one order, the order loop, the callers
that loop over lookup and allocation) stands in `swaptrio.variants`; their declarations are at
the end of this file. Source of the rest: tree M.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from swaptrio.mm import swapfile
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import Folio, hold, let_go, pfn_folio
from swaptrio.mm.page_alloc import folio_put, folio_try_get, folio_trylock, folio_unlock
from swaptrio.mm.swap_h import (
    NO_ENTRY,
    SwapClusterInfo,
    SwpEntry,
    _swap_entry_to_cluster,
    round_down,
    swp_cluster_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swap_table_set,
    _swp_tb_get_count,
    _swp_tb_get_flags,
    pfn_to_swp_tb,
    shadow_to_swp_tb,
    swap_table_get,
    swp_tb_is_folio,
    swp_tb_to_pfn,
)
from swaptrio.mm.vmstat import lruvec_stat_mod_folio, node_stat_mod_folio
from swaptrio.sched import Kind, point, point_when

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from swaptrio.mm.errno import Errno
    from swaptrio.mm.mm_types import VmFault


@kernel_function
async def swap_cache_get_folio(kernel: Kernel, entry: SwpEntry) -> Folio | None:
    """Look a folio up without any lock, and take a reference for the running task.

    The result is unlocked and may be gone from the slot already: lock it and match it before
    use. While the references of the folio are frozen the kernel spins; here that is one step,
    which cannot be made before something has changed: rounds in which nothing has would have
    no end for who goes through all schedules. Whoever has frozen them has the cluster locked
    when that changes.

    Args:
        entry: the slot; its device is kept alive by the caller.

    Raises:
        Violation: (BUG) the slot names a folio that was freed.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    while True:
        await point("swap_cache_get_folio.lookup", Kind.READ, ci.lock)
        swp_tb = swap_table_get(ci, swp_cluster_offset(entry))
        if not swp_tb_is_folio(swp_tb):
            return None
        folio = pfn_folio(kernel, swp_tb_to_pfn(swp_tb))
        await point("swap_cache_get_folio.get", Kind.WRITE, folio)
        if folio_try_get(kernel, folio):
            return folio
        changed = partial(_has_changed, ci, entry, swp_tb, folio)
        await point_when("swap_cache_get_folio.frozen", Kind.WAIT, ci.lock, changed)


def _has_changed(ci: SwapClusterInfo, entry: SwpEntry, swp_tb: int, folio: Folio) -> bool:
    """Whether another look at the slot, or at the references of its folio, can see more."""
    return folio.refs > 0 or swap_table_get(ci, swp_cluster_offset(entry)) != swp_tb


@kernel_function
def folio_matches_swap_entry(kernel: Kernel, folio: Folio, entry: SwpEntry) -> bool:
    """Whether the locked *folio* is the one that caches *entry*, any slot of its range."""
    warn_on(kernel, not folio.locked, "matched while not locked")
    return folio.swapcache and folio.swap == round_down(entry, folio.nr)


@kernel_function
def _swap_cache_do_add_folio(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry
) -> None:
    """Write a locked folio's words over its slots, whatever they hold but for their flags.

    The cluster lock is held; *entry* is the first slot, aligned to the folio. The cache gets
    one reference for each page. No counter is touched.
    """
    warn_on(kernel, not folio.locked, "added to the swap cache while not locked")
    warn_on(kernel, folio.swapcache, "added to the swap cache twice")
    warn_on(kernel, not folio.swapbacked, "added to the swap cache while not swapbacked")
    start = swp_cluster_offset(entry)
    for off in range(start, start + folio.nr):
        old_tb = _swap_table_get(kernel, ci, off)
        warn_on(kernel, swp_tb_is_folio(old_tb), "slot is cached already")
        flags = _swp_tb_get_flags(kernel, old_tb)
        _swap_table_set(ci, off, pfn_to_swp_tb(folio.pfn, flags))
    folio.refs += folio.nr
    folio.swapcache = True
    folio.swap = entry


@kernel_function
def _swap_cache_add_folio(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry
) -> None:
    """As `_swap_cache_do_add_folio`, with the counters. The cluster lock is held."""
    _swap_cache_do_add_folio(kernel, ci, folio, entry)
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", folio.nr)


@kernel_function
def _swap_cache_do_del_folio(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Take a locked folio out of its slots and leave *shadow* in all of them.

    The cluster lock is held. Slots that nobody uses any more are freed: all at once where
    no slot is in use, one by one otherwise. The cache's references are the caller's now, to
    drop when it likes; so are the counters.

    Args:
        entry: the folio's first slot.
        shadow: what all its slots shall hold; 0 leaves the empty shadow.
    """
    warn_on(kernel, not folio.locked, "taken out of the swap cache while not locked")
    warn_on(kernel, not folio.swapcache, "taken out of the swap cache while not in it")
    warn_on(kernel, folio.writeback, "taken out of the swap cache under writeback")
    start = swp_cluster_offset(entry)
    folio_swapped = need_free = False
    for off in range(start, start + folio.nr):
        old_tb = _swap_table_get(kernel, ci, off)
        cached = swp_tb_is_folio(old_tb) and swp_tb_to_pfn(old_tb) == folio.pfn
        warn_on(kernel, not cached, "slot is not cached by this folio")
        if _swp_tb_get_count(kernel, old_tb):
            folio_swapped = True
        else:
            need_free = True
        flags = _swp_tb_get_flags(kernel, old_tb)
        _swap_table_set(ci, off, shadow_to_swp_tb(shadow, flags))
    folio.swap = NO_ENTRY
    folio.swapcache = False
    hold(folio, folio.nr)
    si = kernel.devices[swp_type(entry)]
    if not folio_swapped:
        swapfile._swap_cluster_free_entries(kernel, si, ci, start, folio.nr)
    elif need_free:
        for off in range(start, start + folio.nr):
            if not _swp_tb_get_count(kernel, _swap_table_get(kernel, ci, off)):
                swapfile._swap_cluster_free_entries(kernel, si, ci, off, 1)


@kernel_function
def _swap_cache_del_folio(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """As `_swap_cache_do_del_folio`, with the counters. The cluster lock is held."""
    _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", -folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", -folio.nr)


@kernel_function
def _swap_cache_replace_folio(
    kernel: Kernel, ci: SwapClusterInfo, old: Folio, new: Folio
) -> None:
    """Let *new* have the slots that its own entry says, in place of *old*.

    Both are locked and in the cache, and the cluster lock is held. Counts and zero flags stay,
    and no reference is moved. Where *old* was larger it keeps the rest: it has shrunk already,
    and what it has left must not lie in *new*. Source: N; in M that check looks at the wrong
    slots.
    """
    warn_on(kernel, not (old.swapcache and new.swapcache), "replaced while not in the cache")
    warn_on(kernel, not (old.locked and new.locked), "replaced while not locked")
    start = swp_cluster_offset(new.swap)
    for off in range(start, start + new.nr):
        flags = _swp_tb_get_flags(kernel, _swap_table_get(kernel, ci, off))
        _swap_table_set(ci, off, pfn_to_swp_tb(new.pfn, flags))
    if old.swap != new.swap:
        start = swp_cluster_offset(old.swap)
        words = (_swap_table_get(kernel, ci, off) for off in range(start, start + old.nr))
        kept = all(swp_tb_is_folio(word) and swp_tb_to_pfn(word) == old.pfn for word in words)
        warn_on(kernel, not kept, "replaced what the old folio was to keep")


@kernel_function
async def swap_cache_del_folio(kernel: Kernel, folio: Folio) -> None:
    """Take a locked folio out of the swap cache, with counters and references.

    It must be clean or its slots unused, or data is lost. The caller has a reference of its
    own, so that none of these is the last. Takes the cluster lock.
    """
    entry = folio.swap
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("swap_cache_del_folio.lock"):
        _swap_cache_del_folio(kernel, ci, folio, entry, 0)
    let_go(folio, folio.nr)
    folio.refs -= folio.nr


@kernel_function
async def free_folio_and_swap_cache(kernel: Kernel, folio: Folio) -> None:
    """Drop the running task's reference, and the slots too if nobody else uses them."""
    await free_swap_cache(kernel, folio)
    folio_put(kernel, folio)


@kernel_function
async def free_swap_cache(kernel: Kernel, folio: Folio) -> None:
    """Give a folio's slots back if nobody uses them.

    Only tried where the folio is mapped nowhere and its lock is free.
    """
    if folio.swapcache and folio.mapcount == 0:
        if await folio_trylock(kernel, folio, "free_swap_cache.trylock"):
            await swapfile.folio_free_swap(kernel, folio)
            await folio_unlock(kernel, folio, "free_swap_cache.unlock")


def swap_cache_alloc_folio(
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    orders: int,
    vmf: VmFault | None,
    mpol: str | None,
    ilx: int,
) -> Awaitable[Folio | Errno]:
    """Allocate a folio in the swap cache for the slot *targ_entry*. Every variant has its own.

    Args:
        targ_entry: the slot; its device is kept alive by the caller.
        gfp: allocation flags.
        orders: allowed orders, bit n for order n.
        vmf: the fault, or none.
        mpol: a memory policy, or none.
        ilx: interleave index for *mpol*.

    Returns:
        A locked folio in the cache, charged and not up to date, or an error number.
    """
    folio: Awaitable[Folio | Errno] = kernel.functions["swap_cache_alloc_folio"](
        kernel, targ_entry, gfp, orders, vmf, mpol, ilx
    )
    return folio


def swap_cache_read_folio(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int, *, readahead: bool
) -> Awaitable[Folio | None]:
    """Read one slot through the cache, for readahead. Every variant has its own."""
    folio: Awaitable[Folio | None] = kernel.functions["swap_cache_read_folio"](
        kernel, entry, gfp, mpol, ilx, readahead=readahead
    )
    return folio


def swapin_sync(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Awaitable[Folio | Errno | None]:
    """Swap in for a fault on a synchronous device. Every variant has its own.

    The name is that of v4 and later; v3 calls it swapin_entry, and `pre` swapin_folio.
    """
    folio: Awaitable[Folio | Errno | None]
    folio = kernel.functions["swapin_sync"](kernel, entry, gfp, vmf)
    return folio
