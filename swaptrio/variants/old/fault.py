# SPDX-License-Identifier: MIT OR Apache-2.0
"""Faults, which skip the cache where a slot has one owner and its device is synchronous.

A folio that was read past the cache is nobody else's: it cannot be found, and need not be
matched. What it holds is what the slot held when it was read, and the entry may have the same
value again although the slot was freed and used anew since. So the slot is claimed from before
the read until the page is mapped (13ddaf26be32), and cannot be freed meanwhile. Who meets the
claim sleeps for a tick and lets the access be tried again (01626a182302).

A page is mapped last, after the count of its slot is dropped and a cached folio has given its
slot back. A fault that comes in between finds neither, and has read in vain (B07).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import mem_cgroup_swapin_charge_folio
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.memory import (
    do_wp_page,
    pte_same,
    slots_are_alike,
    swap_pte_batch,
    thp_swapin_suitable_orders,
    wp_page_copy,
)
from swaptrio.mm.memory.swap_fault import (
    GFP_HIGHUSER_MOVABLE,
    _add_rmap,
    _folio_lock_or_retry,
    _is_exclusive,
    _nothing_read,
    _present,
    folio_handed_to_ptes,
)
from swaptrio.mm.mm_types import VmFaultReason
from swaptrio.mm.page_alloc import folio_put, folio_trylock, folio_unlock, vma_alloc_folio
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.rmap import set_pte_at
from swaptrio.mm.swap import folio_add_lru, lru_add_drain
from swaptrio.mm.swap_h import NO_ENTRY, SwpEntry, round_down, swp_cluster_offset
from swaptrio.mm.swap_state import (
    _swap_entry_to_cluster,
    folio_matches_swap_entry,
    swap_cache_get_folio,
    swapin_readahead,
)
from swaptrio.mm.swapfile import (
    folio_free_swap,
    get_swap_device,
    mem_cgroup_swap_full,
    put_swap_device,
)
from swaptrio.mm.vmstat import count_mthp_stat
from swaptrio.mm.workingset import workingset_refault
from swaptrio.sched import Kind, point
from swaptrio.variants.old.cache import swap_cache_get_shadow
from swaptrio.variants.old.slots import (
    _swap_count,
    schedule_timeout_uninterruptible,
    swap_free_nr,
    swapcache_clear,
    swapcache_prepare,
)

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, PresentPte, VmFault
    from swaptrio.mm.swap_h import SwapInfoStruct


@kernel_function
async def alloc_swap_folio(kernel: Kernel, vmf: VmFault, gfp: str) -> Folio | None:
    """Allocate and charge a folio of the largest order that suits; order 0 at the end."""
    orders = await thp_swapin_suitable_orders(kernel, vmf)
    order = highest_order(kernel, orders)
    while orders:
        folio = await _allocate_and_charge(kernel, vmf, gfp, order)
        if folio is not None:
            return folio
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK")
        orders, order = next_order(kernel, orders, order)
    return await _allocate_and_charge(kernel, vmf, gfp, 0)


async def _allocate_and_charge(
    kernel: Kernel, vmf: VmFault, gfp: str, order: int
) -> Folio | None:
    nr = 1 << order
    folio = await vma_alloc_folio(kernel, gfp, order, vmf.mm, vmf.page & -nr)
    if folio is None:
        return None
    entry = vmf.orig_pte.entry
    err = await mem_cgroup_swapin_charge_folio(kernel, folio, vmf.mm, gfp, entry)
    if err is None:
        return folio
    if order:
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK_CHARGE")
    await point("alloc_swap_folio.put")
    folio_put(kernel, folio)
    return None


@kernel_function
async def can_swapin_thp(kernel: Kernel, vmf: VmFault, nr: int) -> bool:
    """Whether the *nr* entries around a fault go together, and so do their slots.

    The page-table lock is held, the cluster lock is not: what is found may be over at once.
    """
    first = vmf.page & -nr
    if swap_pte_batch(kernel, vmf, first, nr) < nr:
        return False
    entry = round_down(vmf.orig_pte.entry, nr)
    unclaimed = await non_swapcache_batch(kernel, entry, nr)
    return unclaimed == nr and slots_are_alike(kernel, entry, nr)


@kernel_function
async def non_swapcache_batch(kernel: Kernel, entry: SwpEntry, max_nr: int) -> int:
    """How many of *max_nr* slots from *entry* have no bit, up to the first that has.

    Read without the cluster lock.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    start = swp_cluster_offset(entry)
    await point("non_swapcache_batch.read", Kind.READ, ci.lock)
    for off in range(start, start + max_nr):
        if off in ci.has_cache:
            return off - start
    return max_nr


@kernel_function
async def do_swap_page(kernel: Kernel, vmf: VmFault) -> VmFaultReason:
    """Swap in the page of a fault. The mmap_lock is held to read; may sleep.

    Returns as it does in later versions; NONE too where somebody else has claimed the slot.
    """
    si = await get_swap_device(kernel, vmf.orig_pte.entry)
    if si is None:
        return VmFaultReason.NONE
    reason = await _swap_in(kernel, vmf, si)
    await put_swap_device(kernel, si)
    return reason


async def _swap_in(kernel: Kernel, vmf: VmFault, si: SwapInfoStruct) -> VmFaultReason:
    entry = vmf.orig_pte.entry
    folio = await swap_cache_get_folio(kernel, entry)
    if folio is None and si.is_sync() and await _swap_count(kernel, entry) == 1:
        return await _skip_swapcache(kernel, vmf, si)
    if folio is None:
        folio = await swapin_readahead(kernel, entry, GFP_HIGHUSER_MOVABLE, vmf)
    if folio is None:
        return await _nothing_read(vmf)
    return await _lock_and_map(kernel, vmf, si, folio, cached=True)


async def _skip_swapcache(kernel: Kernel, vmf: VmFault, si: SwapInfoStruct) -> VmFaultReason:
    """Map a private folio, and let go of the slots after that, however it ended."""
    folio = await swapin_sync(kernel, vmf.orig_pte.entry, GFP_HIGHUSER_MOVABLE, vmf)
    if folio is None:
        return await _nothing_read(vmf)
    if isinstance(folio, Errno):
        return VmFaultReason.NONE
    entry, nr = round_down(vmf.orig_pte.entry, folio.nr), folio.nr
    reason = await _lock_and_map(kernel, vmf, si, folio, cached=False)
    await swapcache_clear(kernel, entry, nr)
    return reason


@kernel_function
async def swapin_sync(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | Errno | None:
    """Claim slots, and read them into a private folio, past the cache. May sleep.

    None if no folio could be allocated and charged; the error where the slots could not be
    claimed, after a tick. The folio knows its slots only while it is read. The steps stood in
    do_swap_page.
    """
    folio = await alloc_swap_folio(kernel, vmf, gfp)
    if folio is None:
        return None
    entry = round_down(entry, folio.nr)
    folio.lock.take_free()
    folio.swapbacked = True
    err = await swapcache_prepare(kernel, entry, folio.nr)
    if err is not None:
        await schedule_timeout_uninterruptible(kernel, "swapin_sync.tick")
        await folio_unlock(kernel, folio, "swapin_sync.discard")
        folio_put(kernel, folio)
        return err
    return await _read_privately(kernel, folio, entry)


async def _read_privately(kernel: Kernel, folio: Folio, entry: SwpEntry) -> Folio:
    """Count a locked folio and read slots into it, which it knows only meanwhile."""
    await point("swapin_sync.memcg1", Kind.WRITE, "memcg")
    memcg1_swapin(kernel, entry, folio.nr)
    shadow = await swap_cache_get_shadow(kernel, entry)
    if shadow:
        await point("swapin_sync.refault", Kind.WRITE, "workingset")
        workingset_refault(kernel, folio, shadow)
    await point("swapin_sync.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, folio)
    folio.swap = entry
    await swap_read_folio(kernel, folio)
    folio.swap = NO_ENTRY
    return folio


async def _lock_and_map(
    kernel: Kernel, vmf: VmFault, si: SwapInfoStruct, folio: Folio, *, cached: bool
) -> VmFaultReason:
    """Lock a folio, match it if it was found in the cache, and map it; the reference ends."""
    if not await folio_trylock(kernel, folio, "do_swap_page.folio_lock"):
        if await _folio_lock_or_retry(kernel, folio, vmf) is VmFaultReason.RETRY:
            folio_put(kernel, folio)
            return VmFaultReason.RETRY
    if cached and not folio_matches_swap_entry(kernel, folio, vmf.orig_pte.entry):
        await folio_unlock(kernel, folio, "do_swap_page.mismatch")
        folio_put(kernel, folio)
        return VmFaultReason.NONE
    if cached and vmf.write and not folio.lru:
        await lru_add_drain(kernel)
    return await _map(kernel, vmf, si, folio, cached=cached)


async def _map(
    kernel: Kernel, vmf: VmFault, si: SwapInfoStruct, folio: Folio, *, cached: bool
) -> VmFaultReason:
    """Map a locked folio; its lock and the reference end here."""
    reason = VmFaultReason.NONE
    mapped: PresentPte | None = None
    copy = False
    async with vmf.mm.ptl.hold("do_swap_page.ptl"):
        if not pte_same(kernel, vmf):
            pass
        elif not folio.uptodate:
            reason = VmFaultReason.SIGBUS
        else:
            mapped = await _install(kernel, vmf, si, folio, cached=cached)
        if mapped is not None:
            await folio_unlock(kernel, folio, "do_swap_page.unlock")
            if vmf.write and not mapped.writable:
                copy = await do_wp_page(kernel, vmf.mm, vmf.page, mapped)
    if mapped is None:
        await folio_unlock(kernel, folio, "do_swap_page.nomap")
        folio_put(kernel, folio)
    elif copy:
        return await wp_page_copy(kernel, vmf.mm, vmf.page, mapped)
    return reason


async def _install(
    kernel: Kernel, vmf: VmFault, si: SwapInfoStruct, folio: Folio, *, cached: bool
) -> PresentPte | None:
    """Give the slots back, then map the whole folio or, of a cached one, at least the page.

    A private folio belongs to this process alone. A large one that cannot be mapped whole is
    given up. The page-table lock is held, and the folio's. Returns the entry of the fault's
    page, or none.
    """
    index = vmf.orig_pte.entry - folio.swap if cached else vmf.page % folio.nr
    first = vmf.page - index
    whole = swap_pte_batch(kernel, vmf, first, folio.nr) == folio.nr
    if not cached and not whole:
        return None
    pages = range(folio.nr) if whole else range(index, index + 1)
    exclusive = not cached or _is_exclusive(vmf, si, folio)
    entry = SwpEntry(vmf.orig_pte.entry - index + pages.start)
    await swap_free_nr(kernel, entry, len(pages))
    if should_try_to_free_swap(kernel, si, folio, vmf, 1):
        await folio_free_swap(kernel, folio)
    await point("do_swap_page.map", Kind.WRITE, vmf.mm.ptl)
    folio.refs += len(pages) - 1
    _add_rmap(kernel, vmf, folio, pages, first, exclusive=exclusive)
    folio_handed_to_ptes(kernel, folio)
    for number in pages:
        pte = _present(vmf, folio, number, exclusive=exclusive)
        set_pte_at(kernel, vmf.mm, first + number, pte)
    return _present(vmf, folio, index, exclusive=exclusive)


@kernel_function
def should_try_to_free_swap(
    kernel: Kernel, si: SwapInfoStruct, folio: Folio, vmf: VmFault, extra_refs: int
) -> bool:
    """Whether a cached folio that is about to be mapped should give its slots back before.

    Where swap is nearly full; in a locked VMA; and at a write fault if nobody else refers to
    the folio. That a synchronous device is no reason yet is not verified.
    """
    if not folio.swapcache:
        return False
    if mem_cgroup_swap_full(kernel, folio) or vmf.mm.mlocked:
        return True
    return vmf.write and folio.refs == extra_refs + folio.nr
