# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes with what is noted of each slot: its count, its zero flag, its compressed copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import warn_on
from swaptrio.mm.memory import swap_pte_batch
from swaptrio.mm.mm_types import ShmemSwap
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.page_io import _swap_writepage, swap_writeout
from swaptrio.mm.shmem.page_cache import (
    shmem_add_to_page_cache,
    shmem_delete_from_page_cache,
    span_of,
    xas_store,
)
from swaptrio.mm.swap_h import SwpEntry, ZswapEntry, swp_offset, swp_type
from swaptrio.mm.swap_state import swap_cache_alloc_folio, swap_cache_del_folio
from swaptrio.mm.swap_table import (
    _swap_table_clear_zero,
    _swap_table_set_zero,
    swap_table_get,
    swp_tb_is_countable,
    zero_of,
)
from swaptrio.mm.swapfile import (
    folio_alloc_swap,
    folio_dup_swap,
    folio_put_swap,
    get_swap_device,
    put_swap_device,
    swap_put_entries_direct,
)
from swaptrio.mm.swapfile.reclaim import slots_of
from swaptrio.mm.zswap import (
    _abort_writeback,
    zswap_decompress,
    zswap_invalidate,
    zswap_mark_for_reclaim,
)
from swaptrio.sched import Kind, point
from swaptrio.variants.mutants.mutant import Mutant

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import AddressSpace, Folio, VmFault
    from swaptrio.mm.swap_h import SwapClusterInfo

#: Zero flags in one word of the bitmap.
_BITS_PER_LONG: Final = 64


async def swap_extend_table_alloc_unchecked(
    kernel: Kernel, ci: SwapClusterInfo, ci_off: int
) -> Errno | None:
    """Give a cluster an extend table without a look at what happened meanwhile.

    It takes the place of one that somebody else has put there, with the counts in it.
    """
    if await kernel.injection.fails("extend"):
        return Errno.ENOMEM
    async with ci.lock.hold("swap_extend_table_alloc.lock"):
        ci.extend_table = {}
    return None


async def swap_zeromap_folio_set_whole_words(
    kernel: Kernel, folio: Folio, *, zeros: bool
) -> None:
    """Read a word of the bitmap, change the folio's bits, and write the whole word.

    What others have changed in it between the two is undone.
    """
    ci, slots = slots_of(kernel, folio, None)
    base = slots.start & -_BITS_PER_LONG
    word = [zero_of(swap_table_get(ci, off)) for off in range(base, base + _BITS_PER_LONG)]
    await point("swap_zeromap_folio_set.read", Kind.READ, ci.lock)
    async with ci.lock.hold("swap_zeromap_folio_set.lock"):
        for off, old in enumerate(word, base):
            if swp_tb_is_countable(swap_table_get(ci, off)):
                set_to = zeros if off in slots else old
                change = _swap_table_set_zero if set_to else _swap_table_clear_zero
                change(kernel, ci, off)


async def zswap_writeback_unchecked(
    kernel: Kernel, entry: SwpEntry, remembered: ZswapEntry | None = None
) -> Errno | None:
    """Write what was picked without a look whether it is still the slot's.

    The slot may have been freed and hold newer data, of somebody else.
    """
    remembered = remembered or kernel.devices[swp_type(entry)].zswap.get(swp_offset(entry))
    si = await get_swap_device(kernel, entry)
    if si is None:
        return Errno.EEXIST
    folio = await swap_cache_alloc_folio(kernel, entry, "GFP_KERNEL", 1, None, "task", 0)
    await put_swap_device(kernel, si)
    if isinstance(folio, Errno):
        return folio
    if remembered is None:
        return await _abort_writeback(kernel, folio, Errno.ENOMEM)
    folio.pages[0] = await zswap_decompress(kernel, remembered)
    zswap_invalidate(kernel, si, swp_offset(entry))
    folio.uptodate = True
    zswap_mark_for_reclaim(kernel, folio)
    await _swap_writepage(kernel, folio)
    folio_put(kernel, folio)
    return None


async def abort_writeback_keeping_folio(kernel: Kernel, folio: Folio, error: Errno) -> Errno:
    """Take the folio out of the cache, and leave it locked.

    Whoever waits for it waits for ever.
    """
    await swap_cache_del_folio(kernel, folio)
    return error


async def shmem_writeout_publishing_first(kernel: Kernel, folio: Folio) -> bool:
    """Let the entries name slots whose counts are still to be raised.

    Who truncates the file meanwhile drops counts that nobody has raised.
    """
    file, index = folio.mapping, folio.index
    assert file is not None
    if await folio_alloc_swap(kernel, folio) is not None:
        folio.dirty = True
        return False
    entry = folio.swap
    await shmem_delete_from_page_cache(kernel, folio, ShmemSwap(entry, folio.order))
    error = await folio_dup_swap(kernel, folio, None)
    warn_on(kernel, error is not None, "the count of a fresh slot is full")
    if await swap_writeout(kernel, folio):
        return True
    if await shmem_add_to_page_cache(kernel, folio, file, index, entry) is None:
        await folio_put_swap(kernel, folio, None)
    await swap_cache_del_folio(kernel, folio)
    folio.dirty = True
    return False


async def can_swapin_unlike_slots(kernel: Kernel, vmf: VmFault, nr: int) -> bool:
    """Let a large folio be read from slots of which some are flagged as zeros."""
    return swap_pte_batch(kernel, vmf, vmf.page & -nr, nr) == nr


async def read_by_flag_of_first(kernel: Kernel, folio: Folio) -> bool:
    """Look whether the first slot is flagged as zeros, and at no other.

    Where one behind it is, nothing was written that could be read.
    """
    ci, slots = slots_of(kernel, folio, None)
    if not zero_of(swap_table_get(ci, slots.start)):
        return False
    folio.pages[:] = [0] * folio.nr
    folio.uptodate = True
    return True


async def shmem_free_swap_of_seen_order(
    kernel: Kernel, file: AddressSpace, index: int, end: int, swap: ShmemSwap
) -> int:
    """Take a swap entry away with as many slots as it had when it was seen.

    One that was split since has the same value, and other slots behind it.
    """
    span = span_of(index, swap.order)
    if span.start < index or span.stop > end:
        return 0
    async with file.i_pages.hold("shmem_free_swap.lock"):
        there = file.pages.get(index)
        if not isinstance(there, ShmemSwap) or there.entry != swap.entry:
            return 0
        for number in span:
            xas_store(kernel, file, number, None)
            file.newest.pop(number, None)
    await swap_put_entries_direct(kernel, swap.entry, len(span))
    return len(span)


SLOTS: Final = (
    Mutant(
        "zeromap-of-first",
        "v3 that reads slots of which some hold zeros as one folio, by the flag of the first",
        {
            "can_swapin_thp": can_swapin_unlike_slots,
            "swap_read_folio_zeromap": read_by_flag_of_first,
        },
    ),
    Mutant(
        "truncate-seen-order",
        "v3 whose truncation drops as many slots as the entry had when it was seen",
        {"shmem_free_swap": shmem_free_swap_of_seen_order},
    ),
    Mutant(
        "no-recheck-after-extend-alloc",
        "v3 that puts an extend table in place without looking at the cluster again",
        {"swap_extend_table_alloc": swap_extend_table_alloc_unchecked},
    ),
    Mutant(
        "no-tree-recheck",
        "v3 whose zswap writes back what it has picked, whosever the slot is now",
        {"zswap_writeback_entry": zswap_writeback_unchecked},
    ),
    Mutant(
        "abort-leak",
        "v3 whose zswap writeback, when it gives up, leaves its folio locked",
        {"_abort_writeback": abort_writeback_keeping_folio},
    ),
    Mutant(
        "non-atomic-bitmap",
        "v3 that writes back the zero flags of all slots around as it has read them",
        {"swap_zeromap_folio_set": swap_zeromap_folio_set_whole_words},
    ),
    Mutant(
        "publish-before-dup",
        "v3 that names slots in a file before it raises their counts",
        {"shmem_writeout": shmem_writeout_publishing_first},
    ),
)
