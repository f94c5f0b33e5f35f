# SPDX-License-Identifier: MIT OR Apache-2.0
"""Swapping a shmem file's pages out (mm/shmem.c)."""

from __future__ import annotations

from swaptrio.mm import page_io, swap_state, swapfile
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import Folio, ShmemSwap
from swaptrio.mm.shmem.page_cache import shmem_add_to_page_cache, shmem_delete_from_page_cache


@kernel_function
async def shmem_writeout(kernel: Kernel, folio: Folio) -> bool:
    """Write a locked folio of a file, no longer dirty and mapped nowhere, to slots. May sleep.

    It moves from the page cache to the swap cache: slots, then counts, then the entries that
    name them (catalogue E04), then the data. Where the folio may not be written it goes back,
    unless somebody has taken its entries away meanwhile.

    Returns:
        As `swap_writeout`: whether it was written, and is unlocked. False if not, also where
        there are no slots: it is locked, and dirty.
    """
    file, index = folio.mapping, folio.index
    assert file is not None
    if await swapfile.folio_alloc_swap(kernel, folio) is not None:
        folio.dirty = True
        return False
    error = await swapfile.folio_dup_swap(kernel, folio, None)
    warn_on(kernel, error is not None, "the count of a fresh slot is full")
    entry = folio.swap
    await shmem_delete_from_page_cache(kernel, folio, ShmemSwap(entry, folio.order))
    if await page_io.swap_writeout(kernel, folio):
        return True
    if await shmem_add_to_page_cache(kernel, folio, file, index, entry) is None:
        await swapfile.folio_put_swap(kernel, folio, None)
    await swap_state.swap_cache_del_folio(kernel, folio)
    folio.dirty = True
    return False
