# SPDX-License-Identifier: MIT OR Apache-2.0
"""An access to a virtual page, and the faults that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memory.anonymous import do_anonymous_page
from swaptrio.mm.memory.swap_fault import do_swap_page
from swaptrio.mm.memory.write_protect import do_wp_page, wp_page_copy
from swaptrio.mm.migrate import migration_entry_wait
from swaptrio.mm.mm_types import (
    MigrationPte,
    MmStruct,
    PresentPte,
    SwapPte,
    VmFault,
    VmFaultReason,
)
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from swaptrio.mm.mm_types import Pte


@kernel_function
async def handle_mm_fault(kernel: Kernel, mm: MmStruct, page: int, *, write: bool) -> str:
    """Access a virtual page until it is mapped, as a processor does that faults each time.

    Each try holds the mmap_lock to read, and is one fault. A try that ends in RETRY has dropped
    it; the next one waits for a locked folio with it. Nothing is held at the start; may sleep.

    Returns ``mapped`` (with *write*: and writable), ``unmapped`` where there is no VMA any
    more, or the fault's reason.
    """
    retry_allowed = True
    while True:
        await point("handle_mm_fault.access", Kind.READ, mm.ptl)
        if _allows(mm.ptes.get(page), write=write):
            return "mapped"
        if not await lock_mm_and_find_vma(kernel, mm, page):
            return "unmapped"
        reason = await handle_pte_fault(
            kernel, mm, page, write=write, retry_allowed=retry_allowed
        )
        retry_allowed = reason is not VmFaultReason.RETRY
        if retry_allowed:
            await mmap_read_unlock(kernel, mm)
        if reason not in (VmFaultReason.NONE, VmFaultReason.RETRY):
            return str(reason)


def _allows(pte: Pte, *, write: bool) -> bool:
    """Whether the processor lets an access through."""
    return isinstance(pte, PresentPte) and (pte.writable or not write)


@kernel_function
async def lock_mm_and_find_vma(kernel: Kernel, mm: MmStruct, page: int) -> bool:
    """Take the mmap_lock to read if a page lies in the VMA; whether it does. May sleep.

    (mm/mmap_lock.c) The lock of the VMA alone, which the kernel tries first, is not modelled.
    """
    await mm.mmap_lock.acquire_read("lock_mm_and_find_vma.acquire")
    if not mm.exited and (page not in mm.ptes or mm.ptes[page] is not None):
        return True
    await mmap_read_unlock(kernel, mm)
    return False


@kernel_function
def mmap_read_unlock(kernel: Kernel, mm: MmStruct) -> Awaitable[None]:
    """Give back the mmap_lock, which is held to read. (include/linux/mmap_lock.h)"""
    return mm.mmap_lock.release("mmap_read_unlock.release")


@kernel_function
async def handle_pte_fault(
    kernel: Kernel, mm: MmStruct, page: int, *, write: bool, retry_allowed: bool
) -> VmFaultReason:
    """Handle one fault by what the entry says. The mmap_lock is held to read; may sleep.

    Only RETRY, which *retry_allowed* permits, has dropped it.
    """
    pte = mm.ptes.get(page)
    if pte is None:
        return await do_anonymous_page(kernel, mm, page, write=write)
    if isinstance(pte, SwapPte):
        return await do_swap_page(kernel, VmFault(mm, page, pte, write, retry_allowed))
    if isinstance(pte, MigrationPte):
        await migration_entry_wait(kernel, mm, page)
        return VmFaultReason.NONE
    if not isinstance(pte, PresentPte):
        return VmFaultReason.HWPOISON
    copy = False
    async with mm.ptl.hold("handle_pte_fault.ptl"):
        if mm.ptes.get(page) == pte and write and not pte.writable:
            copy = await do_wp_page(kernel, mm, page, pte)
    if copy:
        return await wp_page_copy(kernel, mm, page, pte)
    return VmFaultReason.NONE
