# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which page tables map a folio, and taking it out of them (mm/rmap.c).

An anonymous folio knows the virtual page at which it was first mapped, its *index*. Every
process that maps it does so there, or in the same distance for its later pages: fork keeps the
place, and who moves a page elsewhere has to move the index too. So whoever unmaps a folio finds
its entries by looking at that place in each address space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from swaptrio.mm.deferred_split import deferred_split_folio
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import Folio, MigrationPte, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_put_refs
from swaptrio.mm.swap_h import SwpEntry
from swaptrio.mm.swapfile import folio_dup_swap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.mm.errno import Errno
    from swaptrio.mm.mm_types import MmStruct, Pte


@kernel_function
def set_pte_at(kernel: Kernel, mm: MmStruct, page: int, pte: Pte) -> None:
    """Write a page-table entry. The page-table lock is held."""
    mm.ptes[page] = pte


@kernel_function
def ptep_clear_flush(kernel: Kernel, mm: MmStruct, page: int) -> None:
    """Clear an entry that something else is about to replace. The page-table lock is held.

    Who looks without the lock meanwhile takes the page for one that was never touched.
    """
    set_pte_at(kernel, mm, page, None)
    del mm.ptes[page]


@kernel_function
def folio_add_new_anon_rmap(
    kernel: Kernel, folio: Folio, mm: MmStruct, page: int, *, exclusive: bool
) -> None:
    """Note that a folio that was never mapped is mapped whole from *page* of *mm* on.

    The page-table lock is held. *exclusive*: it belongs to this process alone.
    """
    folio.swapbacked = folio.anon = True
    folio.anon_vma, folio.index = mm.anon_vma, page
    folio.mapcount += folio.nr
    folio.exclusive[:] = [exclusive] * folio.nr


@kernel_function
def folio_add_anon_rmap_ptes(
    kernel: Kernel, folio: Folio, first: int, nr: int, page: int, *, exclusive: bool
) -> None:
    """Note that *nr* pages of a folio, from *first*, are mapped from virtual page *page* on.

    The page-table lock is held, and the folio locked. It was mapped before, in the same place.
    """
    warn_on(kernel, folio.index + first != page, "mapped where its index does not say")
    folio.mapcount += nr
    for number in range(first, first + nr):
        folio.exclusive[number] |= exclusive


@kernel_function
def folio_try_dup_anon_rmap_pte(kernel: Kernel, folio: Folio, index: int) -> None:
    """Note that a page is mapped once more, by another process: it is exclusive no more.

    The page-table lock is held. The kernel refuses for an exclusive page that is pinned for
    DMA, which is not modelled.
    """
    folio.mapcount += 1
    folio.exclusive[index] = False


@kernel_function
def folio_try_share_anon_rmap_pte(kernel: Kernel, folio: Folio, index: int) -> None:
    """Note that a page is exclusive no more; its entry keeps the mark when it is swapped out.

    The page-table lock is held. The kernel refuses as above.
    """
    folio.exclusive[index] = False


@kernel_function
def folio_move_anon_rmap(kernel: Kernel, folio: Folio) -> None:
    """A locked folio belongs to one process alone now, which its pages' marks do not say.

    In the kernel it gets another anon_vma, which is not modelled.
    """
    warn_on(kernel, not folio.locked, "moved while not locked")


@kernel_function
def folio_remove_rmap_ptes(kernel: Kernel, folio: Folio, nr: int) -> None:
    """Note that *nr* pages of a folio are not mapped any more. The page-table lock is held.

    A large folio that is mapped in part now waits to be split.
    """
    folio.mapcount -= nr
    if folio.nr > 1 and folio.anon and folio.mapcount:
        deferred_split_folio(kernel, folio)


@kernel_function
async def try_to_unmap(kernel: Kernel, folio: Folio) -> bool:
    """Replace what maps a locked, cached folio by swap entries; whether all of it was.

    Every address space is looked at, in turn. A count that is full ends the walk.
    """
    for mm in rmap_walk(folio):
        if not await try_to_unmap_one(kernel, folio, mm):
            break
    return folio.mapcount == 0


def rmap_walk(folio: Folio) -> Iterator[MmStruct]:
    """Every address space that can map a folio, once.

    Those too that are forked while somebody goes through them; the kernel's lock of the
    anon_vma, which keeps them from being made, is not modelled.
    """
    done: list[MmStruct] = []
    family = folio.anon_vma or []
    while (mm := next((one for one in family if one not in done), None)) is not None:
        done.append(mm)
        yield mm


def maps(pte: Pte, folio: Folio) -> TypeGuard[PresentPte]:
    """Whether an entry maps a page of *folio*."""
    return isinstance(pte, PresentPte) and pte.folio is folio


def _may_map(mm: MmStruct, folio: Folio) -> bool:
    """Whether an entry maps a page of *folio*, as seen without the page-table lock.

    That cannot become so while the folio is locked but by fork, whose child comes later.
    """
    pages = range(folio.index, folio.index + folio.nr)
    return any(maps(mm.ptes.get(page), folio) for page in pages)


@kernel_function
async def try_to_unmap_one(kernel: Kernel, folio: Folio, mm: MmStruct) -> bool:
    """As `try_to_unmap`, in *mm* alone.

    Each entry is cleared first, so that nobody writes to the page any more. The count of its
    slot is raised before the new entry is published. A count that is full stops the walk with
    that page mapped as before. The lock is not taken where nothing maps the folio.
    """
    if not _may_map(mm, folio):
        return True
    async with mm.ptl.hold("try_to_unmap_one.lock"):
        for page in range(folio.index, folio.index + folio.nr):
            pte = mm.ptes.get(page)
            if not maps(pte, folio):
                continue
            if await _unmap_page(kernel, folio, mm, page, pte) is not None:
                return False
    return True


async def _unmap_page(
    kernel: Kernel, folio: Folio, mm: MmStruct, page: int, pte: PresentPte
) -> Errno | None:
    """Replace one entry. That the page is exclusive or soft-dirty goes on in the new one."""
    ptep_clear_flush(kernel, mm, page)
    folio.dirty |= pte.dirty
    error = await folio_dup_swap(kernel, folio, pte.index)
    if error is not None:
        set_pte_at(kernel, mm, page, pte)
        return error
    exclusive = folio.exclusive[pte.index]
    if exclusive:
        folio_try_share_anon_rmap_pte(kernel, folio, pte.index)
    entry = SwpEntry(folio.swap + pte.index)
    set_pte_at(kernel, mm, page, SwapPte(entry, exclusive, pte.soft_dirty))
    folio_remove_rmap_ptes(kernel, folio, 1)
    folio_put_refs(kernel, folio, 1)
    return None


@kernel_function
async def try_to_migrate(kernel: Kernel, folio: Folio) -> None:
    """Replace what maps a locked folio by migration entries, in every address space.

    Whoever wants the pages waits for the folio's lock from then on.
    """
    for mm in rmap_walk(folio):
        if _may_map(mm, folio):
            await try_to_migrate_one(kernel, folio, mm)


@kernel_function
async def try_to_migrate_one(kernel: Kernel, folio: Folio, mm: MmStruct) -> None:
    """As `try_to_migrate`, in *mm* alone."""
    async with mm.ptl.hold("try_to_migrate_one.lock"):
        for page in range(folio.index, folio.index + folio.nr):
            pte = mm.ptes.get(page)
            if not maps(pte, folio):
                continue
            exclusive = folio.exclusive[pte.index]
            if exclusive:
                folio_try_share_anon_rmap_pte(kernel, folio, pte.index)
            folio.dirty |= pte.dirty
            pfn = folio.pfn + pte.index
            entry = MigrationPte(pfn, pte.writable, exclusive, pte.dirty, pte.soft_dirty)
            set_pte_at(kernel, mm, page, entry)
            folio_remove_rmap_ptes(kernel, folio, 1)
            folio_put_refs(kernel, folio, 1)


@kernel_function
async def remove_migration_ptes(kernel: Kernel, src: Folio, dst: Folio) -> None:
    """Map *dst* where migration entries name *src*, which may be the same; both are locked.

    (mm/migrate.c)
    """
    for mm in rmap_walk(src):
        if _migrates(mm, src):
            await remove_migration_pte(kernel, src, dst, mm)


def _migrates(mm: MmStruct, folio: Folio) -> bool:
    pages = range(folio.index, folio.index + folio.nr)
    return any(isinstance(mm.ptes.get(page), MigrationPte) for page in pages)


@kernel_function
async def remove_migration_pte(kernel: Kernel, src: Folio, dst: Folio, mm: MmStruct) -> None:
    """As `remove_migration_ptes`, in *mm* alone. (mm/migrate.c)"""
    async with mm.ptl.hold("remove_migration_pte.lock"):
        for page in range(src.index, src.index + src.nr):
            pte = mm.ptes.get(page)
            if not isinstance(pte, MigrationPte) or not 0 <= pte.pfn - src.pfn < src.nr:
                continue
            index = pte.pfn - src.pfn
            dst.refs += 1
            folio_add_anon_rmap_ptes(kernel, dst, index, 1, page, exclusive=pte.exclusive)
            present = PresentPte(dst, index, pte.writable, pte.dirty, pte.soft_dirty)
            set_pte_at(kernel, mm, page, present)
