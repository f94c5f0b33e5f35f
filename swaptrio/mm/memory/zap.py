# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking pages out of an address space: unmapping a range, and the end of a process."""

from __future__ import annotations

from itertools import count, groupby
from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memory.suitable import swap_ptes_from
from swaptrio.mm.mm_types import Folio, PresentPte, SwapPte, hold
from swaptrio.mm.rmap import folio_remove_rmap_ptes, set_pte_at
from swaptrio.mm.swap_state import free_folio_and_swap_cache
from swaptrio.mm.swapfile import swap_put_entries_direct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from swaptrio.mm.mm_types import MmStruct


@kernel_function
async def zap_pte_range(
    kernel: Kernel, mm: MmStruct, page: int, nr: int, *, vma_stays: bool = False
) -> None:
    """Unmap *nr* virtual pages from *page*, and drop what they held.

    Swap entries drop their counts under the page-table lock, those that go together at once,
    and are cleared then. Folios are gathered there, and let go when it is released. What is
    unmapped lies in no VMA afterwards, unless *vma_stays*; `mmap_region` brings it back, as
    pages never touched.
    """
    gathered: list[Folio] = []
    async with mm.ptl.hold("zap_pte_range.ptl"):
        for first, length in _batches(mm, page, nr):
            pte = mm.ptes[first]
            if isinstance(pte, SwapPte):
                await swap_put_entries_direct(kernel, pte.entry, length)
            for number in range(first, first + length):
                mm.newest.pop(number, None)
                set_pte_at(kernel, mm, number, None)
                if vma_stays:
                    del mm.ptes[number]
            if isinstance(pte, PresentPte):
                folio_remove_rmap_ptes(kernel, pte.folio, 1)
                hold(pte.folio)
                gathered.append(pte.folio)
    for folio in gathered:
        await free_folio_and_swap_cache(kernel, folio)


def _batches(mm: MmStruct, page: int, nr: int) -> Iterator[tuple[int, int]]:
    """The entries of a range that are there, as the first and the length of those alike."""
    number, end = page, page + nr
    while number < end:
        pte = mm.ptes.get(number)
        length = 1
        if isinstance(pte, SwapPte):
            length = swap_ptes_from(mm, number, end - number, pte)
        if pte is not None:
            yield number, length
        number += length


async def pages_of(mm: MmStruct, label: str) -> list[int]:
    """The pages that have an entry, in order; none can be added, as the mmap_lock is held.

    Looked at with the page-table lock, taken at *label*: without it an entry that reclaim is
    about to replace is missing for a moment. The kernel goes by the VMA's range.
    """
    async with mm.ptl.hold(label):
        return sorted(mm.ptes)


def _runs(pages: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the length of each run of consecutive *pages*, which ascend."""
    number = count()
    groups = groupby(pages, lambda page: page - next(number))
    runs = [list(group) for _, group in groups]
    return [(run[0], len(run)) for run in runs]


@kernel_function
async def unmap_page_range(kernel: Kernel, mm: MmStruct, page: int, nr: int) -> None:
    """Unmap *nr* virtual pages from *page*, with the mmap_lock taken to read. May sleep."""
    await mm.mmap_lock.acquire_read("unmap_page_range.mmap_lock")
    await zap_pte_range(kernel, mm, page, nr)
    await mm.mmap_lock.release("unmap_page_range.mmap_unlock")


@kernel_function
async def madvise_dontneed(kernel: Kernel, mm: MmStruct, page: int, nr: int) -> None:
    """Drop what *nr* virtual pages from *page* hold, so that they read as zeros. (mm/madvise.c)

    They stay in the VMA: the mmap_lock is taken to read, beside faults. May sleep.
    """
    await mm.mmap_lock.acquire_read("madvise_dontneed.mmap_lock")
    await zap_pte_range(kernel, mm, page, nr, vma_stays=True)
    await mm.mmap_lock.release("madvise_dontneed.mmap_unlock")


@kernel_function
async def mmap_region(kernel: Kernel, mm: MmStruct, page: int, nr: int) -> None:
    """Let *nr* pages from *page* that were unmapped lie in the VMA again. (mm/vma.c)

    Takes the mmap_lock to write; may sleep. They read as zeros.
    """
    await mm.mmap_lock.acquire_write("mmap_region.mmap_lock")
    for number in range(page, page + nr):
        if mm.ptes.get(number) is None:
            mm.ptes.pop(number, None)
    await mm.mmap_lock.release("mmap_region.mmap_unlock")


@kernel_function
async def exit_mmap(kernel: Kernel, mm: MmStruct) -> None:
    """Unmap all pages of an address space that nobody runs in any more. (mm/mmap.c)

    Takes the mmap_lock to write; may sleep. It is on the list of processes no more.
    """
    await mm.mmap_lock.acquire_write("exit_mmap.mmap_lock")
    mm.exited = True
    for first, nr in _runs(await pages_of(mm, "exit_mmap.ptl")):
        await zap_pte_range(kernel, mm, first, nr)
    mm.ptes.clear()
    kernel.processes.remove(mm)
    mm.anon_vma.remove(mm)
    await mm.mmap_lock.release("exit_mmap.mmap_unlock")
