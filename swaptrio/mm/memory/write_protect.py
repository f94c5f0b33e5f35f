# SPDX-License-Identifier: MIT OR Apache-2.0
"""Write faults on pages that are mapped read-only: use the page again, or copy it.

Every anonymous page that is mapped read-only may be shared, and every one that is marked as
exclusive is not. So a write fault uses an exclusive page again without another look. Without
the mark it may do so only if it has the only reference left; a slot, which may have users in
other processes, counts, and so does whoever holds the folio for a moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import charge_memcg
from swaptrio.mm.mm_types import PresentPte, VmFaultReason, hold, let_go
from swaptrio.mm.page_alloc import (
    folio_put,
    folio_trylock,
    folio_unlock,
    vma_alloc_folio,
)
from swaptrio.mm.rmap import (
    folio_add_new_anon_rmap,
    folio_move_anon_rmap,
    folio_remove_rmap_ptes,
    ptep_clear_flush,
    set_pte_at,
)
from swaptrio.mm.swap import folio_add_lru, lru_add_drain
from swaptrio.mm.swap_state import free_swap_cache
from swaptrio.mm.swapfile import folio_free_swap
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct


@kernel_function
async def do_wp_page(kernel: Kernel, mm: MmStruct, page: int, pte: PresentPte) -> bool:
    """Let a page be written to that is mapped read-only by *pte*; whether it must be copied.

    The page-table lock is held. For a copy the running task has a reference to the old folio
    now; it drops the lock and calls `wp_page_copy` at once, which the kernel's function does
    itself.
    """
    folio = pte.folio
    if folio.exclusive[pte.index] or await wp_can_reuse_anon_folio(kernel, folio):
        folio.exclusive[pte.index] = True
        wp_page_reuse(kernel, mm, page, pte)
        return False
    folio.refs += 1
    hold(folio)
    return True


@kernel_function
async def wp_can_reuse_anon_folio(kernel: Kernel, folio: Folio) -> bool:
    """Whether the only reference to a folio is that of the entry that maps it read-only.

    The page-table lock is held. The slots are given back first if nobody else uses them. Of
    large folios none is used again: since 6.15 some are, whose mappings are all one process's.
    """
    if folio.nr > 1 or folio.refs > 3:
        return False
    if not folio.lru:
        await lru_add_drain(kernel)
    if folio.refs > 1 + folio.swapcache:
        return False
    if not await folio_trylock(kernel, folio, "wp_can_reuse_anon_folio.trylock"):
        return False
    if folio.swapcache:
        await folio_free_swap(kernel, folio)
    alone = folio.refs == 1
    if alone:
        folio_move_anon_rmap(kernel, folio)
    await folio_unlock(kernel, folio, "wp_can_reuse_anon_folio.unlock")
    return alone


@kernel_function
def wp_page_reuse(kernel: Kernel, mm: MmStruct, page: int, pte: PresentPte) -> None:
    """Make an entry writable. The page-table lock is held."""
    set_pte_at(kernel, mm, page, attrs.evolve(pte, writable=True, dirty=True, soft_dirty=True))


@kernel_function
async def wp_page_copy(
    kernel: Kernel, mm: MmStruct, page: int, pte: PresentPte
) -> VmFaultReason:
    """Map a copy of a page in its place, which can be written to. May sleep.

    The running task's reference to the old folio is dropped. If the entry is not *pte* any more
    nothing is done, and the access tried again. OOM where nothing can be allocated or charged.
    """
    old = pte.folio
    new = await folio_prealloc(kernel, mm, page)
    if new is None:
        folio_put(kernel, old)
        return VmFaultReason.OOM
    await point("wp_page_copy.copy", Kind.READ, old)
    new.pages[0] = old.pages[pte.index]
    new.uptodate = True
    async with mm.ptl.hold("wp_page_copy.ptl"):
        copied = mm.ptes.get(page) == pte
        if copied:
            _replace(kernel, mm, page, pte, new)
    folio_put(kernel, old if copied else new)
    if copied:
        await free_swap_cache(kernel, old)
    folio_put(kernel, old)
    return VmFaultReason.NONE


def _replace(kernel: Kernel, mm: MmStruct, page: int, pte: PresentPte, new: Folio) -> None:
    """Map *new* in place of the old folio; who refers to them change places.

    The new one's reference is the entry's now, and the old one's that of the running task.
    """
    ptep_clear_flush(kernel, mm, page)
    folio_add_new_anon_rmap(kernel, new, mm, page, exclusive=True)
    folio_add_lru(kernel, new)
    let_go(new)
    set_pte_at(kernel, mm, page, PresentPte(new, 0, True, True, True))
    folio_remove_rmap_ptes(kernel, pte.folio, 1)
    hold(pte.folio)


@kernel_function
async def folio_prealloc(kernel: Kernel, mm: MmStruct, page: int) -> Folio | None:
    """A charged folio of one page for the running task; none on any failure. May sleep."""
    folio = await vma_alloc_folio(kernel, "GFP_HIGHUSER_MOVABLE", 0, mm, page)
    if folio is None:
        return None
    if await charge_memcg(kernel, folio, 0, mm, "GFP_KERNEL") is not None:
        folio_put(kernel, folio)
        return None
    return folio
