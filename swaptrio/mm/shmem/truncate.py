# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking pages away from a shmem file (mm/shmem.c)."""

from __future__ import annotations

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import AddressSpace, Folio, PoisonPte, ShmemSwap
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_unlock, folio_wait_writeback
from swaptrio.mm.shmem.page_cache import (
    filemap_get_entry,
    shmem_confirm_swap,
    shmem_delete_from_page_cache,
    shmem_free_swap,
    span_of,
    xas_store,
)
from swaptrio.mm.shmem.users import shmem_get_folio


@kernel_function
async def shmem_truncate_range(
    kernel: Kernel, file: AddressSpace, start: int, end: int
) -> None:
    """Take away what a file has from index *start* up to *end*, that excluded. May sleep.

    What crosses a border is brought back and keeps its place, with zeros within the range. The
    rest is dropped, and looked for again until nothing is found.
    """
    for border in dict.fromkeys((start, end - 1)):
        await _zero_partial(kernel, file, border, start, end)
    index = start
    while index < end:
        index = await _drop(kernel, file, index, start, end)


async def _zero_partial(
    kernel: Kernel, file: AddressSpace, index: int, start: int, end: int
) -> None:
    """Zero the part within the range of a folio that crosses its borders.

    The kernel splits such a folio after that, if it can; here it stays whole. Of what lies
    within the range as a whole nothing is brought back, which the kernel does for nothing.
    """
    there = file.pages.get(index)
    if not isinstance(there, Folio | ShmemSwap):
        return
    span = span_of(index, there.order)
    if span.start >= start and span.stop <= end:
        return
    folio = await shmem_get_folio(kernel, file, index, write=False)
    if folio is None or isinstance(folio, Errno):
        return
    if folio.index < start or folio.index + folio.nr > end:
        for number in range(max(start, folio.index), min(end, folio.index + folio.nr)):
            folio.pages[number - folio.index] = 0
            file.newest.pop(number, None)
        folio.dirty = True
    await folio_unlock(kernel, folio, "shmem_truncate_range.partial")
    folio_put(kernel, folio)


async def _drop(kernel: Kernel, file: AddressSpace, index: int, start: int, end: int) -> int:
    """Drop what stands at an index; the index to go on with, the same where it has changed."""
    entry = await filemap_get_entry(kernel, file, index)
    if isinstance(entry, Folio):
        return await _drop_folio(kernel, file, entry, index, start, end)
    if isinstance(entry, ShmemSwap):
        return await _drop_swap(kernel, file, entry, index, start, end)
    if isinstance(entry, PoisonPte):
        await _drop_poison(kernel, file, index)
    return index + 1


async def _drop_folio(
    kernel: Kernel, file: AddressSpace, folio: Folio, index: int, start: int, end: int
) -> int:
    await folio_lock(kernel, folio, "shmem_truncate_range.lock")
    after = index
    if folio.mapping is file:
        await folio_wait_writeback(kernel, folio, "shmem_truncate_range.writeback")
        after = folio.index + folio.nr
        if start <= folio.index and after <= end:
            folio.dirty = False
            await shmem_delete_from_page_cache(kernel, folio, None)
    await folio_unlock(kernel, folio, "shmem_truncate_range.unlock")
    folio_put(kernel, folio)
    return after


async def _drop_swap(
    kernel: Kernel, file: AddressSpace, swap: ShmemSwap, index: int, start: int, end: int
) -> int:
    """As above; a large entry that crosses a border has been zeroed once, and is passed."""
    freed = await shmem_free_swap(kernel, file, index, end, swap)
    if freed:
        return index + freed
    order = await shmem_confirm_swap(kernel, file, index, swap.entry)
    span = span_of(index, max(order, 0))
    if order > 0 and (span.start < start or span.stop > end):
        return span.stop
    return max(span.start, start)


async def _drop_poison(kernel: Kernel, file: AddressSpace, index: int) -> None:
    async with file.i_pages.hold("shmem_truncate_range.poison"):
        if isinstance(file.pages.get(index), PoisonPte):
            xas_store(kernel, file, index, None)
            file.newest.pop(index, None)
