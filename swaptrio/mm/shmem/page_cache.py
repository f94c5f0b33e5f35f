# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a shmem file's page cache holds, and changing it (mm/shmem.c, mm/filemap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import AddressSpace, Folio, PoisonPte, ShmemSwap
from swaptrio.mm.page_alloc import folio_put, folio_put_refs, folio_try_get
from swaptrio.mm.swap_h import SwpEntry
from swaptrio.mm.swapfile import swap_put_entries_direct
from swaptrio.mm.vmstat import lruvec_stat_mod_folio, node_stat_mod_folio
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from collections.abc import Iterator


@kernel_function
def xas_store(
    kernel: Kernel, file: AddressSpace, index: int, entry: Folio | ShmemSwap | PoisonPte | None
) -> None:
    """Let *entry* stand at an index, or nothing. The i_pages lock is held. (lib/xarray.c)

    A large entry is stored at each index that it covers, as the same object.
    """
    if entry is not None:
        file.pages[index] = entry
    elif index in file.pages:
        del file.pages[index]


def span_of(index: int, order: int) -> range:
    """The indices of the entry of an order that stands at *index*."""
    base = index & -(1 << order)
    return range(base, base + (1 << order))


@kernel_function
async def filemap_get_entry(
    kernel: Kernel, file: AddressSpace, index: int
) -> Folio | ShmemSwap | PoisonPte | None:
    """What stands at an index, looked up without a lock; a folio with a reference.

    (mm/filemap.c) A folio that has no reference to share, or has left its place meanwhile, is
    looked up again.
    """
    while True:
        await point("filemap_get_entry.lookup", Kind.READ, file.i_pages)
        entry = file.pages.get(index)
        if not isinstance(entry, Folio):
            return entry
        await point("filemap_get_entry.get", Kind.WRITE, entry)
        if folio_try_get(kernel, entry):
            if file.pages.get(index) is entry:
                return entry
            folio_put(kernel, entry)


@kernel_function
async def shmem_confirm_swap(
    kernel: Kernel, file: AddressSpace, index: int, entry: SwpEntry
) -> int:
    """The order of the swap entry at an index, or -1 where it is not *entry* (any more).

    Read without the lock. A large entry is the same at all indices that it covers: that of its
    first slot.
    """
    await point("shmem_confirm_swap.read", Kind.READ, file.i_pages)
    there = file.pages.get(index)
    return there.order if isinstance(there, ShmemSwap) and there.entry == entry else -1


@kernel_function
async def shmem_add_to_page_cache(
    kernel: Kernel, folio: Folio, file: AddressSpace, index: int, expected: SwpEntry | None
) -> Errno | None:
    """Let a locked folio stand at its indices from *index*, which is aligned to its size.

    The whole range has to hold the swap entries that follow *expected*, of whatever orders, or
    nothing where that is none; EEXIST otherwise. The page cache gets a reference for each page.
    """
    folio.refs += folio.nr
    folio.mapping, folio.index = file, index
    async with file.i_pages.hold("shmem_add_to_page_cache.lock"):
        if _holds_expected(file, folio.nr, index, expected):
            for number in range(index, index + folio.nr):
                xas_store(kernel, file, number, folio)
            node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", folio.nr)
            lruvec_stat_mod_folio(kernel, folio, "NR_SHMEM", folio.nr)
            return None
    folio.mapping = None
    folio.refs -= folio.nr
    return Errno.EEXIST


def _holds_expected(file: AddressSpace, nr: int, index: int, expected: SwpEntry | None) -> bool:
    there = list(_entries(file, index, nr))
    if expected is None:
        return not there
    due = expected
    for entry in there:
        if not isinstance(entry, ShmemSwap) or entry.entry != due:
            return False
        due = SwpEntry(due + (1 << entry.order))
    return due - nr == expected


def _entries(file: AddressSpace, index: int, nr: int) -> Iterator[object]:
    """What stands at *nr* indices, each large entry once."""
    before: object = None
    for number in range(index, index + nr):
        entry = file.pages.get(number)
        if entry is not None and entry is not before:
            yield entry
        before = entry


@kernel_function
async def shmem_delete_from_page_cache(
    kernel: Kernel, folio: Folio, swap: ShmemSwap | None
) -> None:
    """Take a locked folio from its place, and let *swap* stand there, or nothing.

    The page cache's references are dropped; the caller has one of its own.
    """
    file = folio.mapping
    assert file is not None
    async with file.i_pages.hold("shmem_delete_from_page_cache.lock"):
        for number in range(folio.index, folio.index + folio.nr):
            xas_store(kernel, file, number, swap)
            if swap is None:
                file.newest.pop(number, None)
        folio.mapping = None
        node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", -folio.nr)
        lruvec_stat_mod_folio(kernel, folio, "NR_SHMEM", -folio.nr)
    folio_put_refs(kernel, folio, folio.nr)


@kernel_function
async def shmem_split_large_entry(
    kernel: Kernel, file: AddressSpace, index: int, entry: SwpEntry
) -> Errno | None:
    """Split a large swap entry into those of its slots; EEXIST if it is not *entry* any more.

    *entry* is the one that stands at *index*. Nothing is done to one that is split already.
    """
    async with file.i_pages.hold("shmem_split_large_entry.lock"):
        there = file.pages.get(index)
        if not isinstance(there, ShmemSwap) or there.entry != entry:
            return Errno.EEXIST
        if there.order:
            for offset, number in enumerate(span_of(index, there.order)):
                xas_store(kernel, file, number, ShmemSwap(SwpEntry(entry + offset)))
    return None


@kernel_function
async def shmem_free_swap(
    kernel: Kernel, file: AddressSpace, index: int, end: int, swap: ShmemSwap
) -> int:
    """Take a swap entry away and drop the counts of its slots; how many there were.

    None where another entry stands there now, or where it covers indices before *index* or from
    *end* on. Its order is that of the moment at which it is taken (catalogue E03).
    """
    async with file.i_pages.hold("shmem_free_swap.lock"):
        there = file.pages.get(index)
        if not isinstance(there, ShmemSwap) or there.entry != swap.entry:
            return 0
        span = span_of(index, there.order)
        if span.start < index or span.stop > end:
            return 0
        for number in span:
            xas_store(kernel, file, number, None)
            file.newest.pop(number, None)
    await swap_put_entries_direct(kernel, swap.entry, len(span))
    return len(span)
