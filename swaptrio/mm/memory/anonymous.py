# SPDX-License-Identifier: MIT OR Apache-2.0
"""The first access to an anonymous page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import charge_memcg
from swaptrio.mm.memory.write_protect import folio_prealloc
from swaptrio.mm.mm_types import PresentPte, VmFaultReason, let_go
from swaptrio.mm.page_alloc import folio_put, vma_alloc_folio
from swaptrio.mm.rmap import folio_add_new_anon_rmap, set_pte_at
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.vmstat import PMD_ORDER

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct


@kernel_function
async def do_anonymous_page(
    kernel: Kernel, mm: MmStruct, page: int, *, write: bool
) -> VmFaultReason:
    """Map zeros at a page that was never touched. The mmap_lock is held to read; may sleep.

    The kernel maps its zero page for a read; here a read gets what a write does, a folio of
    zeros of its own. A large one if the VMA has orders that fit. Where somebody else was first
    nothing is done, and the access tried again. OOM where nothing can be allocated or charged.
    """
    folio = await alloc_anon_folio(kernel, mm, page)
    if folio is None:
        return VmFaultReason.OOM
    folio.pages[:] = [0] * folio.nr
    folio.uptodate = True
    first = page & -folio.nr
    async with mm.ptl.hold("do_anonymous_page.ptl"):
        mapped = pte_range_none(mm, first, folio.nr)
        if mapped:
            _map(kernel, mm, first, folio)
    if not mapped:
        folio_put(kernel, folio)
    return VmFaultReason.NONE


def pte_range_none(mm: MmStruct, first: int, nr: int) -> bool:
    """Whether none of *nr* pages was ever touched, and all of them lie in the VMA."""
    return not any(number in mm.ptes for number in range(first, first + nr))


def _map(kernel: Kernel, mm: MmStruct, first: int, folio: Folio) -> None:
    """Map a fresh folio, whose reference becomes that of the entries."""
    folio.refs += folio.nr - 1
    folio_add_new_anon_rmap(kernel, folio, mm, first, exclusive=True)
    folio_add_lru(kernel, folio)
    let_go(folio)
    for number in range(folio.nr):
        mm.newest.setdefault(first + number, 0)
        set_pte_at(kernel, mm, first + number, PresentPte(folio, number, True, True, True))


@kernel_function
async def alloc_anon_folio(kernel: Kernel, mm: MmStruct, page: int) -> Folio | None:
    """Allocate and charge a folio of the largest order that fits around *page*.

    An order that cannot be allocated or charged falls to the next. None if order 0 fails too.
    May sleep. The kernel counts the orders that failed; the model does not.
    """
    orders = _suitable_orders(mm, page) if kernel.config.thp and not mm.uffd else 0
    order = highest_order(kernel, orders)
    while orders and not pte_range_none(mm, page & -(1 << order), 1 << order):
        orders, order = next_order(kernel, orders, order)
    while orders:
        folio = await vma_alloc_folio(
            kernel, "GFP_TRANSHUGE_LIGHT", order, mm, page & -(1 << order)
        )
        if folio is not None:
            if await charge_memcg(kernel, folio, 0, mm, "GFP_TRANSHUGE_LIGHT") is None:
                return folio
            folio_put(kernel, folio)
        orders, order = next_order(kernel, orders, order)
    return await folio_prealloc(kernel, mm, page)


def _suitable_orders(mm: MmStruct, page: int) -> int:
    """The VMA's large orders below that of a PMD; every range of them lies in the VMA."""
    return mm.thp_orders & ((1 << PMD_ORDER) - 2)
