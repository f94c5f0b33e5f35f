# SPDX-License-Identifier: MIT OR Apache-2.0
"""Copying an address space at fork.

Nothing is copied but page tables. Pages and slots are shared from then on, which both sides'
entries say: present ones are not writable, and none is exclusive any more. The parent's
mmap_lock keeps faults out; its threads run on, and store through entries that are writable
until they are copied.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memory.zap import exit_mmap, pages_of
from swaptrio.mm.mm_types import MigrationPte, MmStruct, PresentPte, SwapPte
from swaptrio.mm.rmap import folio_try_dup_anon_rmap_pte, set_pte_at
from swaptrio.mm.swapfile import swap_dup_entry_direct, swap_retry_table_alloc
from swaptrio.sched import RwSem, SpinLock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.mm.swap_h import SwpEntry

#: Virtual pages that one page table maps.
PTRS_PER_PTE = 512


@kernel_function
async def dup_mm(kernel: Kernel, oldmm: MmStruct, name: str) -> MmStruct | Errno:
    """A copy of an address space, called *name*, for a new process. (kernel/fork.c)

    Nothing is held; may sleep. On ENOMEM what was copied is unmapped again, and nothing is
    left. The child's VMA has no userfaultfd, and is not locked.
    """
    mm = MmStruct(
        name, oldmm.memcg, SpinLock(f"ptl {name}"), RwSem(f"mmap_lock {name}"), oldmm.thp_orders
    )
    mm.anon_vma = oldmm.anon_vma
    mm.anon_vma.append(mm)
    kernel.processes.append(mm)
    error = await dup_mmap(kernel, mm, oldmm)
    if error is None:
        return mm
    await exit_mmap(kernel, mm)
    return error


@kernel_function
async def dup_mmap(kernel: Kernel, mm: MmStruct, oldmm: MmStruct) -> Errno | None:
    """Copy all of *oldmm* to *mm*, which is empty. (mm/mmap.c) Takes both mmap_locks."""
    await oldmm.mmap_lock.acquire_write("dup_mmap.old_mmap_lock")
    await mm.mmap_lock.acquire_write("dup_mmap.mmap_lock")
    error = await copy_page_range(kernel, mm, oldmm)
    await mm.mmap_lock.release("dup_mmap.mmap_unlock")
    await oldmm.mmap_lock.release("dup_mmap.old_mmap_unlock")
    return error


@kernel_function
async def copy_page_range(kernel: Kernel, dst: MmStruct, src: MmStruct) -> Errno | None:
    """Copy the entries of *src*, page table by page table.

    Both mmap_locks are held to write. ENOMEM where the count of a slot is full and cannot be
    kept elsewhere; the entries before it are copied then.
    """
    known = await pages_of(src, "copy_page_range.ptl")
    tables = [list(pages) for _, pages in groupby(known, lambda page: page // PTRS_PER_PTE)]
    for pages in tables:
        error = await copy_pte_range(kernel, dst, src, pages)
        if error is not None:
            return error
    return None


@kernel_function
async def copy_pte_range(
    kernel: Kernel, dst: MmStruct, src: MmStruct, pages: list[int]
) -> Errno | None:
    """Copy the entries of *pages*, which lie in one page table, under both page-table locks.

    Where a count cannot be raised the locks are dropped, an extend table is asked for in a way
    that may sleep, and the rest is copied.
    """
    left: Sequence[int] = pages
    while (stopped := await _copy_under_locks(kernel, dst, src, left)) is not None:
        position, entry = stopped
        if await swap_retry_table_alloc(kernel, entry) is not None:
            return Errno.ENOMEM
        left = left[position:]
    return None


async def _copy_under_locks(
    kernel: Kernel, dst: MmStruct, src: MmStruct, pages: Sequence[int]
) -> tuple[int, SwpEntry] | None:
    """Copy entries up to one whose slot's count is full: its position and its slot, or none."""
    async with dst.ptl.hold("copy_pte_range.dst_ptl"):
        async with src.ptl.hold("copy_pte_range.src_ptl"):
            for position, page in enumerate(pages):
                full = await _copy_pte(kernel, dst, src, page)
                if full is not None:
                    return position, full
    return None


async def _copy_pte(kernel: Kernel, dst: MmStruct, src: MmStruct, page: int) -> SwpEntry | None:
    """Copy one entry; the slot whose count is full, where that keeps it from being copied."""
    pte = src.ptes.get(page)
    if page in src.newest:
        dst.newest[page] = src.newest[page]
    if isinstance(pte, SwapPte):
        if await copy_nonpresent_pte(kernel, dst, src, page, pte) is not None:
            return pte.entry
    elif isinstance(pte, PresentPte):
        copy_present_pte(kernel, dst, src, page, pte)
    elif isinstance(pte, MigrationPte):
        shared = attrs.evolve(pte, writable=False, exclusive=False)
        set_pte_at(kernel, src, page, shared)
        set_pte_at(kernel, dst, page, shared)
    elif page in src.ptes:
        set_pte_at(kernel, dst, page, pte)
    return None


@kernel_function
async def copy_nonpresent_pte(
    kernel: Kernel, dst: MmStruct, src: MmStruct, page: int, pte: SwapPte
) -> Errno | None:
    """Let a second entry name a slot; none of the two is exclusive. Both locks are held."""
    error = await swap_dup_entry_direct(kernel, pte.entry)
    if error is not None:
        return error
    shared = attrs.evolve(pte, exclusive=False)
    if pte.exclusive:
        set_pte_at(kernel, src, page, shared)
    set_pte_at(kernel, dst, page, shared)
    return None


@kernel_function
def copy_present_pte(
    kernel: Kernel, dst: MmStruct, src: MmStruct, page: int, pte: PresentPte
) -> None:
    """Map a page a second time; none of the two may be written to. Both locks are held."""
    pte.folio.refs += 1
    folio_try_dup_anon_rmap_pte(kernel, pte.folio, pte.index)
    shared = attrs.evolve(pte, writable=False)
    if pte.writable:
        set_pte_at(kernel, src, page, shared)
    set_pte_at(kernel, dst, page, shared)
