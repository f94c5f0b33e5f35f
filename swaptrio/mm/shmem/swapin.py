# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bringing a shmem file's pages back (mm/shmem.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import page_io, swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import mem_cgroup_replace_folio
from swaptrio.mm.mm_types import AddressSpace, Folio, PoisonPte, ShmemSwap, hold, let_go
from swaptrio.mm.page_alloc import (
    folio_alloc_mpol,
    folio_lock,
    folio_put,
    folio_put_refs,
    folio_unlock,
    folio_wait_writeback,
    policy_of,
)
from swaptrio.mm.shmem.page_cache import (
    shmem_add_to_page_cache,
    shmem_confirm_swap,
    shmem_split_large_entry,
    span_of,
    xas_store,
)
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import NO_ENTRY, SwpEntry, round_down, swp_type
from swaptrio.mm.swapfile import folio_put_swap, get_swap_device, put_swap_device
from swaptrio.sched import point

if TYPE_CHECKING:
    from swaptrio.mm.swap_h import SwapInfoStruct

GFP = "GFP_HIGHUSER"


@kernel_function
async def shmem_swapin_folio(
    kernel: Kernel, file: AddressSpace, index: int, swap: ShmemSwap
) -> Folio | Errno:
    """Let a folio take the place of the swap entry at an index. May sleep.

    *swap* is what was seen there, without a lock.

    Returns:
        The folio, locked, dirty, in the page cache and in the swap cache no more, with a
        reference for the caller. EEXIST if something else stands there now, so that the caller
        looks again. EIO if it could not be read, and a poison stands there from now on; ENOMEM
        and others of the allocation; EINVAL if there is no such device.
    """
    si = await get_swap_device(kernel, swap.entry)
    order = await shmem_confirm_swap(kernel, file, index, swap.entry)
    if si is None:
        return Errno.EEXIST if order < 0 else Errno.EINVAL
    if order < 0:
        await put_swap_device(kernel, si)
        return Errno.EEXIST
    entry = SwpEntry(swap.entry + index - span_of(index, order).start)
    result = await _replace_entry(kernel, file, index, entry, ShmemSwap(swap.entry, order), si)
    await put_swap_device(kernel, si)
    return result


async def _replace_entry(
    kernel: Kernel,
    file: AddressSpace,
    index: int,
    entry: SwpEntry,
    swap: ShmemSwap,
    si: SwapInfoStruct,
) -> Folio | Errno:
    """Get the folio for the slot *entry*, part of *swap*, and let it take its place."""
    folio = await _cached_folio(kernel, index, entry, swap.order, sync=si.is_sync())
    if isinstance(folio, Errno):
        return await _or_changed(kernel, file, index, entry, folio)
    if swap.order > folio.order:
        error = await shmem_split_large_entry(kernel, file, index, swap.entry)
        if error is not None:
            folio_put(kernel, folio)
            return error
    index &= -folio.nr
    entry = round_down(entry, folio.nr)
    await folio_lock(kernel, folio, "shmem_swapin_folio.lock")
    return await _take_its_place(kernel, file, index, entry, folio)


async def _cached_folio(
    kernel: Kernel, index: int, entry: SwpEntry, order: int, *, sync: bool
) -> Folio | Errno:
    folio: Folio | None = await swap_state.swap_cache_get_folio(kernel, entry)
    if folio is not None:
        return folio
    if sync:
        return await shmem_swap_alloc_folio(kernel, index, entry, order)
    folio = await shmem_swapin_cluster(kernel, entry, index)
    return Errno.ENOMEM if folio is None else folio


async def _or_changed(
    kernel: Kernel, file: AddressSpace, index: int, entry: SwpEntry, error: Errno
) -> Errno:
    """EEXIST if the slot's own entry does not stand at the index, or else *error*.

    That of a large entry never does but at its first index, so that the caller tries again.
    """
    if await shmem_confirm_swap(kernel, file, index, entry) < 0:
        return Errno.EEXIST
    return error


async def _take_its_place(
    kernel: Kernel, file: AddressSpace, index: int, entry: SwpEntry, folio: Folio
) -> Folio | Errno:
    """Move a locked folio from the swap cache, where it begins at *entry*, to the page cache.

    That the first entry matches is enough to know that the folio is this file's; that all do is
    known when it takes their place. On errors it is unlocked, and the reference dropped.
    """
    matches = swap_state.folio_matches_swap_entry(kernel, folio, entry)
    if not matches or await shmem_confirm_swap(kernel, file, index, entry) < 0:
        return await _let_go(kernel, folio, Errno.EEXIST)
    if not folio.uptodate:
        await shmem_set_folio_swapin_error(kernel, file, index, folio, entry)
        return await _let_go(kernel, folio, Errno.EIO)
    await folio_wait_writeback(kernel, folio, "shmem_swapin_folio.writeback")
    if shmem_should_replace_folio(kernel, file, folio):
        new = await shmem_replace_folio(kernel, folio, index)
        if isinstance(new, Errno):
            return await _let_go(
                kernel, folio, await _or_changed(kernel, file, index, entry, new)
            )
        folio = new
    error = await shmem_add_to_page_cache(kernel, folio, file, index, entry)
    if error is not None:
        return await _let_go(kernel, folio, error)
    await folio_put_swap(kernel, folio, None)
    await swap_state.swap_cache_del_folio(kernel, folio)
    folio.dirty = True
    return folio


async def _let_go(kernel: Kernel, folio: Folio, error: Errno) -> Errno:
    await folio_unlock(kernel, folio, "shmem_swapin_folio.unlock")
    folio_put(kernel, folio)
    return error


@kernel_function
def shmem_should_replace_folio(kernel: Kernel, file: AddressSpace, folio: Folio) -> bool:
    """Whether a folio that was read lies where the file's pages must not (another zone)."""
    return file.zoned


@kernel_function
async def shmem_replace_folio(kernel: Kernel, old: Folio, index: int) -> Folio | Errno:
    """Let a new folio take the place of a locked one in the swap cache. May sleep.

    The new one is a copy, locked, with the caller's reference, and charged to the same group.
    The old one leaves the cache, is unlocked, and loses the caller's reference. ENOMEM where
    there is none. The kernel takes it out after the cluster lock; as it is locked nobody can
    tell. Counters do not change: both are of one group.
    """
    new = await folio_alloc_mpol(kernel, GFP, old.order, "shmem", index >> old.order)
    if new is None:
        return Errno.ENOMEM
    new.pages[:] = old.pages
    new.lock.take_free()
    new.swapbacked = new.uptodate = True
    ci = swap_state._swap_entry_to_cluster(kernel, old.swap)
    async with ci.lock.hold("shmem_replace_folio.lock"):
        new.refs += new.nr
        new.swap, new.swapcache = old.swap, True
        swap_state._swap_cache_replace_folio(kernel, ci, old, new)
        mem_cgroup_replace_folio(kernel, old, new)
        old.swap, old.swapcache = NO_ENTRY, False
        hold(old, old.nr)
    folio_add_lru(kernel, new)
    await folio_unlock(kernel, old, "shmem_replace_folio.unlock")
    let_go(old, old.nr + 1)
    folio_put_refs(kernel, old, old.nr + 1)
    return new


@kernel_function
async def shmem_swap_alloc_folio(
    kernel: Kernel, index: int, entry: SwpEntry, order: int
) -> Folio | Errno:
    """Swap in at the order of the page cache's entry, on a synchronous device. May sleep.

    *entry* is the slot of *index* itself, not the first of the large entry. On any error at a
    large order there is one attempt at order 0, with an interleave index of its own. Nothing
    large without THP, or where zswap was ever enabled. Source: v5.
    """
    if not kernel.config.thp or kernel.config.zswap_ever_enabled:
        order = 0
    result = await shmem_swapin_sync(kernel, entry, 1 << order, index >> order)
    if isinstance(result, Errno) and order:
        result = await shmem_swapin_sync(kernel, entry, 1, index)
    return result


@kernel_function
async def shmem_swapin_sync(
    kernel: Kernel, entry: SwpEntry, orders: int, ilx: int
) -> Folio | Errno:
    """The folio that caches a slot, or one that is allocated for it and read. May sleep.

    What a fault has for this asks the page table for its orders; this is told them.
    """
    while True:
        folio: Folio | Errno | None = await swap_state.swap_cache_get_folio(kernel, entry)
        if folio is not None:
            return folio
        folio = await swap_state.swap_cache_alloc_folio(
            kernel, entry, GFP, orders, None, "shmem", ilx
        )
        if folio is not Errno.EEXIST:
            break
    if not isinstance(folio, Errno):
        await page_io.swap_read_folio(kernel, folio)
    return folio


@kernel_function
async def shmem_swapin_cluster(kernel: Kernel, entry: SwpEntry, index: int) -> Folio | None:
    """Read a slot on a device that is not synchronous, at order 0, and those around it.

    May sleep.
    """
    mpol = policy_of(kernel, "shmem")
    return await swap_state.swap_cluster_readahead(kernel, entry, GFP, mpol, index)


@kernel_function
async def shmem_set_folio_swapin_error(
    kernel: Kernel, file: AddressSpace, index: int, folio: Folio, entry: SwpEntry
) -> None:
    """Let a poison take the place of a swap entry whose data cannot be read.

    The folio is locked, and gives its slots back. Whether a split entry that has a large folio
    gets more than one poison is not verified; here the poison covers what the folio does.
    """
    async with file.i_pages.hold("shmem_set_folio_swapin_error.lock"):
        there = file.pages.get(index)
        if not isinstance(there, ShmemSwap) or there.entry != entry:
            return
        poison = PoisonPte()
        for number in range(index, index + folio.nr):
            xas_store(kernel, file, number, poison)
    await folio_wait_writeback(kernel, folio, "shmem_set_folio_swapin_error.writeback")
    await folio_put_swap(kernel, folio, None)
    await swap_state.swap_cache_del_folio(kernel, folio)


@kernel_function
async def shmem_unuse(kernel: Kernel, number: int) -> Errno | None:
    """Bring back what all files have on a device that is to be swapped off. May sleep.

    ENOMEM ends it. What cannot be read is poisoned, and what others change meanwhile is looked
    for again.
    """
    for file in kernel.files:
        while True:
            await point("shmem_unuse.scan")
            found = [
                (index, swap)
                for index, swap in sorted(file.pages.items(), key=lambda item: item[0])
                if isinstance(swap, ShmemSwap) and swp_type(swap.entry) == number
            ]
            if not found:
                break
            for index, swap in found:
                folio = await shmem_swapin_folio(kernel, file, index, swap)
                if folio is Errno.ENOMEM:
                    return Errno.ENOMEM
                if not isinstance(folio, Errno):
                    await folio_unlock(kernel, folio, "shmem_unuse.unlock")
                    folio_put(kernel, folio)
    return None
