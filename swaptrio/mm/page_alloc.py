# SPDX-License-Identifier: MIT OR Apache-2.0
"""Allocating and freeing folios (mm/page_alloc.c, mm/mempolicy.c, mm/swap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.deferred_split import folio_unqueue_deferred_split
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import mem_cgroup_uncharge
from swaptrio.mm.mm_types import Folio, let_go
from swaptrio.sched import (
    Kind,
    Mutex,
    Violation,
    current,
    might_sleep,
    point,
    point_when,
    running_task,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from swaptrio.mm.mm_types import MmStruct

FIRST_PFN: Final = 0x1000


@attrs.define(eq=False)
class PageAllocator:
    """Hands out page frame numbers, each once, aligned to the order."""

    next_pfn: int = FIRST_PFN

    def state_parts(self) -> tuple[object, ...]:
        """Nothing: the next folio gets a number that nobody has, whatever it is."""
        return ()

    def take(self, nr: int) -> int:
        """The first of *nr* (a power of two) aligned frame numbers."""
        pfn = -(-self.next_pfn // nr) * nr
        self.next_pfn = pfn + nr
        return pfn


def new_folio(kernel: Kernel, order: int) -> Folio:
    """A fresh folio with one reference, held by nobody yet. For set-up and the allocator."""
    nr = 1 << order
    pfn = kernel.page_allocator.take(nr)
    folio = Folio(pfn, order, nr, Mutex(f"folio {pfn:#x}"))
    folio.pages = [None] * nr
    folio.exclusive = [False] * nr
    kernel.folios[pfn] = folio
    return folio


@kernel_function
async def vma_alloc_folio(
    kernel: Kernel, gfp: str, order: int, mm: MmStruct, page: int
) -> Folio | None:
    """Allocate by the policy of a VMA, at the virtual page *page*; may sleep, none on failure.

    Args:
        gfp: allocation flags, without effect in the model.
        order: 0 to 9.
        mm: the address space whose VMA it is.
        page: the first virtual page of the folio, aligned to the order.
    """
    await point("vma_alloc_folio.alloc")
    return await alloc_pages(kernel, order)


def policy_of(kernel: Kernel, whose: str) -> str | None:
    """The memory policy of *whose* allocation it is; none where the kernel has no policies."""
    return whose if kernel.config.numa else None


@kernel_function
async def folio_alloc_mpol(
    kernel: Kernel, gfp: str, order: int, mpol: str | None, ilx: int
) -> Folio | None:
    """Allocate by the memory policy *mpol*, or by the task's where it is none; as above."""
    await point("folio_alloc_mpol.alloc")
    return await alloc_pages(kernel, order)


@kernel_function
async def alloc_pages(kernel: Kernel, order: int) -> Folio | None:
    """Allocate 2**order pages for the running task. May sleep; none on failure."""
    might_sleep("alloc_pages.alloc")
    if await kernel.injection.fails("alloc"):
        return None
    folio = new_folio(kernel, order)
    folio.holders[running_task().name] += 1
    return folio


@kernel_function
def folio_put(kernel: Kernel, folio: Folio) -> None:
    """Drop one reference that the running task holds."""
    let_go(folio)
    folio_put_refs(kernel, folio, 1)


@kernel_function
def folio_put_refs(kernel: Kernel, folio: Folio, refs: int) -> None:
    """Drop *refs* references; the last one frees the folio."""
    folio.refs -= refs
    if folio.refs < 0:
        raise Violation("I-REFS", f"{folio.name} has {folio.refs} references")
    if folio.refs == 0:
        _folio_put(kernel, folio)


@kernel_function
def _folio_put(kernel: Kernel, folio: Folio) -> None:
    """Free a folio that nobody refers to any more."""
    if folio.freed:
        raise Violation("BUG", f"{folio.name} is freed twice")
    warn_on(kernel, folio.locked, "freed while locked")
    warn_on(kernel, folio.swapcache, "freed while in the swap cache")
    if folio.lru:
        del kernel.lru[folio.pfn]
        folio.lru = False
    folio_unqueue_deferred_split(kernel, folio)
    mem_cgroup_uncharge(kernel, folio)
    folio.freed = True
    del kernel.folios[folio.pfn]


@kernel_function
def folio_try_get(kernel: Kernel, folio: Folio) -> bool:
    """Take a reference for the running task, unless there are none left to share."""
    if folio.refs == 0:
        return False
    folio.refs += 1
    folio.holders[running_task().name] += 1
    return True


@kernel_function
def folio_lock(kernel: Kernel, folio: Folio, label: str) -> Awaitable[None]:
    """Lock the folio, at *label*. May sleep."""
    return folio.lock.acquire(label)


@kernel_function
def folio_trylock(kernel: Kernel, folio: Folio, label: str) -> Awaitable[bool]:
    """Lock the folio if it is free, at *label*; whether it was."""
    return folio.lock.try_acquire(label)


@kernel_function
async def folio_wait_locked(kernel: Kernel, folio: Folio, label: str) -> None:
    """Wait, at *label*, until nobody has the folio locked; it is not locked then. May sleep."""
    might_sleep(label)
    await point_when(label, Kind.WAIT, folio.lock, lambda: folio.lock.owner is None)


@kernel_function
def folio_unlock(kernel: Kernel, folio: Folio, label: str) -> Awaitable[None]:
    """Unlock the folio, at *label*; whoever waits for it can go on."""
    return folio.lock.release(label)


@kernel_function
async def folio_wait_writeback(kernel: Kernel, folio: Folio, label: str) -> None:
    """Wait, at *label*, until the folio is not under writeback. May sleep."""
    if folio.writeback:
        await folio.wait.wait_for(label, lambda: not folio.writeback)


@kernel_function
def folio_end_writeback(kernel: Kernel, folio: Folio) -> None:
    """End the writeback of a folio, and let go on who waits for that."""
    folio.writeback = False
    current().refresh(folio.wait)
