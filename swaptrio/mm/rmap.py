# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking a folio out of page tables, and putting it in (mm/rmap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import Folio, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_put_refs
from swaptrio.mm.swap_h import SwpEntry
from swaptrio.mm.swapfile import folio_dup_swap

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import MmStruct, Pte


@kernel_function
def set_pte_at(kernel: Kernel, mm: MmStruct, page: int, pte: Pte) -> None:
    """Write a page-table entry. The page-table lock is held."""
    mm.ptes[page] = pte


@kernel_function
def folio_add_anon_rmap(kernel: Kernel, folio: Folio, nr: int) -> None:
    """Note that *nr* pages of a folio are mapped. The page-table lock is held."""
    folio.anon = True
    folio.mapcount += nr


@kernel_function
def folio_remove_rmap(kernel: Kernel, folio: Folio, nr: int) -> None:
    """Note that *nr* pages of a folio are not mapped any more. The page-table lock is held."""
    folio.mapcount -= nr


@kernel_function
async def try_to_unmap_one(kernel: Kernel, folio: Folio, mm: MmStruct) -> bool:
    """Replace what maps a locked, cached folio in *mm* by swap entries; whether all of it was.

    The count of each slot is raised before its entry is published. A count that is full stops
    the walk with that page mapped.
    """
    async with mm.ptl.hold("try_to_unmap_one.lock"):
        for page, pte in list(mm.ptes.items()):
            if not isinstance(pte, PresentPte) or pte.folio is not folio:
                continue
            if await folio_dup_swap(kernel, folio, pte.index) is not None:
                return False
            entry = SwpEntry(folio.swap + pte.index)
            set_pte_at(kernel, mm, page, SwapPte(entry))
            folio_remove_rmap(kernel, folio, 1)
            folio_put_refs(kernel, folio, 1)
    return True
