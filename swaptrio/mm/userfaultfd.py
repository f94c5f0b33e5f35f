# SPDX-License-Identifier: MIT OR Apache-2.0
"""Moving a page to another address, UFFDIO_MOVE (mm/userfaultfd.c).

An entry that names a slot can be moved only together with the folio that the slot has in the
cache, if any, since that knows its address. So the folio is looked up first, without a lock,
and under the page-table lock three things must be true: both entries are what they were; a
folio that was found is locked, cached, and caches this very slot (catalogue F01); and where
none was found there still is none (F02). Each of them can fail to be so, and then the move is
tried again.

Source: N. Both pages lie in one address space here, under one page-table lock; the kernel takes
two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm import swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import split_folio
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.migrate import migration_entry_wait
from swaptrio.mm.mm_types import MigrationPte, PresentPte, SwapPte, hold
from swaptrio.mm.page_alloc import (
    folio_lock,
    folio_put,
    folio_trylock,
    folio_unlock,
)
from swaptrio.mm.rmap import folio_move_anon_rmap, ptep_clear_flush, set_pte_at
from swaptrio.mm.swap_h import swp_cluster_offset
from swaptrio.mm.swap_table import swap_table_get, swp_tb_is_folio
from swaptrio.mm.swapfile import get_swap_device, put_swap_device
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct, Pte
    from swaptrio.mm.swap_h import SwpEntry


@kernel_function
async def move_pages(kernel: Kernel, mm: MmStruct, dst: int, src: int) -> Errno | None:
    """Move virtual page *src* to *dst*, which must be empty. Nothing is held; may sleep.

    The mmap_lock is held to read for each try. EAGAIN is tried again, as a user does; the other
    errors are those of `move_pages_pte`.
    """
    while True:
        await mm.mmap_lock.acquire_read("move_pages.mmap_lock")
        error = await move_pages_pte(kernel, mm, dst, src)
        await mm.mmap_lock.release("move_pages.mmap_unlock")
        if error is not Errno.EAGAIN:
            return error


@kernel_function
async def move_pages_pte(kernel: Kernel, mm: MmStruct, dst: int, src: int) -> Errno | None:
    """Move one page. The mmap_lock is held to read; may sleep.

    EEXIST where something is at *dst*; ENOENT where nothing is at *src*, or no VMA at *dst*;
    EFAULT for poison; EBUSY for a page that is shared, or in a large folio that cannot be
    split; EAGAIN where something has changed meanwhile, or a folio was split.
    """
    async with mm.ptl.hold("move_pages_pte.look"):
        if dst in mm.ptes:
            return Errno.ENOENT if mm.ptes[dst] is None else Errno.EEXIST
        pte = mm.ptes.get(src)
    if isinstance(pte, PresentPte):
        return await _move_present(kernel, mm, dst, src, pte)
    if isinstance(pte, SwapPte):
        return await _move_swapped(kernel, mm, dst, src, pte)
    if isinstance(pte, MigrationPte):
        await migration_entry_wait(kernel, mm, src)
        return Errno.EAGAIN
    return Errno.ENOENT if pte is None else Errno.EFAULT


async def _move_present(
    kernel: Kernel, mm: MmStruct, dst: int, src: int, pte: PresentPte
) -> Errno | None:
    """Lock the folio that is mapped, split it if it is large, and move it.

    A large folio is not waited for, as the reference would keep others from splitting it.
    """
    folio = pte.folio
    async with mm.ptl.hold("move_pages_pte.pin"):
        if mm.ptes.get(src) != pte:
            return Errno.EAGAIN
        if not folio.exclusive[pte.index]:
            return Errno.EBUSY
        locked = await folio_trylock(kernel, folio, "move_pages_pte.trylock")
        if not locked and folio.nr > 1:
            return Errno.EAGAIN
        folio.refs += 1
        hold(folio)
    if not locked:
        await folio_lock(kernel, folio, "move_pages_pte.folio_lock")
    if folio.nr == 1:
        error = await move_present_pte(kernel, mm, dst, src, pte)
    else:
        error = await split_folio(kernel, folio) or Errno.EAGAIN
    await folio_unlock(kernel, folio, "move_pages_pte.unlock")
    folio_put(kernel, folio)
    return error


@kernel_function
async def move_present_pte(
    kernel: Kernel, mm: MmStruct, dst: int, src: int, pte: PresentPte
) -> Errno | None:
    """Let *dst* map what *src* maps, whose folio is locked; EAGAIN, EBUSY as above."""
    async with mm.ptl.hold("move_present_pte.ptl"):
        if not is_pte_pages_stable(mm, dst, src, pte):
            return Errno.EAGAIN
        if pte.folio.nr > 1 or not pte.folio.exclusive[pte.index]:
            return Errno.EBUSY
        folio_move_anon_rmap(kernel, pte.folio)
        pte.folio.index = dst
        _move_entry(kernel, mm, dst, src, attrs.evolve(pte, writable=True, soft_dirty=True))
    return None


async def _move_swapped(
    kernel: Kernel, mm: MmStruct, dst: int, src: int, pte: SwapPte
) -> Errno | None:
    """Lock the folio that the slot has in the cache, if it has one, and move the entry."""
    if not pte.exclusive:
        return Errno.EBUSY
    si = await get_swap_device(kernel, pte.entry)
    if si is None:
        return Errno.EAGAIN
    folio = await swap_state.swap_cache_get_folio(kernel, pte.entry)
    if folio is None:
        error = await move_swap_pte(kernel, mm, dst, src, pte, None)
        await put_swap_device(kernel, si)
        return error
    if folio.nr > 1:
        folio_put(kernel, folio)
        await put_swap_device(kernel, si)
        return Errno.EBUSY
    if not await folio_trylock(kernel, folio, "move_pages_pte.trylock_cached"):
        await put_swap_device(kernel, si)
        await folio_lock(kernel, folio, "move_pages_pte.lock_cached")
        si = await get_swap_device(kernel, pte.entry)
    error = Errno.EAGAIN
    if si is not None:
        error = await move_swap_pte(kernel, mm, dst, src, pte, folio)
        await put_swap_device(kernel, si)
    await folio_unlock(kernel, folio, "move_pages_pte.unlock_cached")
    folio_put(kernel, folio)
    return error


@kernel_function
async def move_swap_pte(
    kernel: Kernel, mm: MmStruct, dst: int, src: int, pte: SwapPte, folio: Folio | None
) -> Errno | None:
    """Let *dst* name the slot that *src* names.

    *folio*, locked, is what the cache had for it, or none. EAGAIN if that is so no more, or one
    of the two entries has changed.
    """
    if folio is not None and not (folio.swapcache and folio.swap == pte.entry):
        return Errno.EAGAIN
    async with mm.ptl.hold("move_swap_pte.ptl"):
        if not is_pte_pages_stable(mm, dst, src, pte):
            return Errno.EAGAIN
        if folio is not None:
            folio_move_anon_rmap(kernel, folio)
            folio.index = dst
        elif await swap_cache_has_folio(kernel, pte.entry):
            return Errno.EAGAIN
        _move_entry(kernel, mm, dst, src, attrs.evolve(pte, soft_dirty=True))
    return None


def is_pte_pages_stable(mm: MmStruct, dst: int, src: int, pte: Pte) -> bool:
    """Whether *dst* is still empty and *src* still holds *pte*; under the page-table lock."""
    return dst not in mm.ptes and mm.ptes.get(src) == pte


@kernel_function
async def swap_cache_has_folio(kernel: Kernel, entry: SwpEntry) -> bool:
    """Whether a slot is cached. (mm/swap.h) Read without the cluster lock."""
    ci = swap_state._swap_entry_to_cluster(kernel, entry)
    await point("swap_cache_has_folio.read", Kind.READ, ci.lock)
    return swp_tb_is_folio(swap_table_get(ci, swp_cluster_offset(entry)))


def _move_entry(kernel: Kernel, mm: MmStruct, dst: int, src: int, pte: Pte) -> None:
    """Write an entry at its new place; the user looks for the data there from now on."""
    ptep_clear_flush(kernel, mm, src)
    mm.newest[dst] = mm.newest.pop(src)
    set_pte_at(kernel, mm, dst, pte)
