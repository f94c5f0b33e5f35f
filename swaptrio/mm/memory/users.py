# SPDX-License-Identifier: MIT OR Apache-2.0
"""Users, who read and write bytes of virtual pages.

Each store makes a token that was never seen before and notes it in the user's own mind
(``newest``). A read passes the token that it finds through `user_load`, where an oracle
compares the two; the model itself never does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memory.fault import handle_mm_fault
from swaptrio.mm.mm_types import MigrationPte, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_put, folio_try_get
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct, Pte


@kernel_function
def user_load(kernel: Kernel, mm: MmStruct, page: int, token: int | None) -> None:
    """A user has read *token* at a virtual page. Does nothing, and is there to be watched."""


@kernel_function
async def user_read(kernel: Kernel, mm: MmStruct, page: int) -> str:
    """Read a virtual page, which is swapped in for it. Nothing is held; may sleep.

    Returns ``read``, or what `handle_mm_fault` says of a page that cannot be mapped.
    """
    while True:
        result = await handle_mm_fault(kernel, mm, page, write=False)
        if result != "mapped":
            return result
        await point("user_read.load", Kind.READ, mm.ptl)
        pte = mm.ptes.get(page)
        if isinstance(pte, PresentPte):
            user_load(kernel, mm, page, pte.folio.pages[pte.index])
            return "read"


@kernel_function
async def user_store(kernel: Kernel, mm: MmStruct, page: int, *, zeros: bool = False) -> str:
    """Store something new in a virtual page, or *zeros*; it is swapped in for that. May sleep.

    The processor writes through an entry that is writable, and marks it as dirty; the folio
    learns of that when it is unmapped. Returns ``stored``, or what `handle_mm_fault` says of a
    page that cannot be mapped.
    """
    while True:
        result = await handle_mm_fault(kernel, mm, page, write=True)
        if result != "mapped":
            return result
        await point("user_store.store", Kind.WRITE, mm.ptl)
        pte = mm.ptes.get(page)
        if isinstance(pte, PresentPte) and pte.writable:
            mm.ptes[page] = attrs.evolve(pte, dirty=True)
            token = 0 if zeros else kernel.new_token()
            pte.folio.pages[pte.index] = mm.newest[page] = token
            return "stored"


@kernel_function
async def user_pin_store(kernel: Kernel, mm: MmStruct, page: int) -> str:
    """Store through a reference to the folio instead of the page table. May sleep.

    As a device does that was given the page by get_user_pages: the entry may be gone when the
    store happens. The folio is marked as dirty after it, and only then let go. The reference is
    a plain one; pages that are pinned for DMA, which cannot be unmapped, are not modelled.
    Returns as `user_store` does.
    """
    pte = None
    while pte is None:
        result = await handle_mm_fault(kernel, mm, page, write=True)
        if result != "mapped":
            return result
        pte = await gup_fast(kernel, mm, page)
    folio = pte.folio
    await point("user_pin_store.store", Kind.WRITE, folio)
    token = folio.pages[pte.index] = kernel.new_token()
    place = folio.index + pte.index  # it may have been moved since
    for other in mm.anon_vma:
        if _leads_to(other, place, folio, pte.index, own=other is mm):
            other.newest[place] = token
    await point("user_pin_store.dirty", Kind.WRITE, folio)
    folio.dirty = True
    folio_put(kernel, folio)
    return "stored"


def _leads_to(mm: MmStruct, page: int, folio: Folio, index: int, *, own: bool) -> bool:
    """Whether what a folio holds is what a user of *mm* reads at a page, sooner or later.

    In its *own* address space that is so too while the entry is being replaced.
    """
    if page not in mm.ptes:
        return own
    pte = mm.ptes[page]
    if isinstance(pte, PresentPte):
        return pte.folio is folio and pte.index == index
    if isinstance(pte, MigrationPte):
        return pte.pfn == folio.pfn + index
    return isinstance(pte, SwapPte) and folio.swapcache and pte.entry == folio.swap + index


@kernel_function
async def gup_fast(kernel: Kernel, mm: MmStruct, page: int) -> PresentPte | None:
    """Take a reference to what a writable entry maps, without a lock. (mm/gup.c)

    The entry is looked at again after that; none where it is another by then.
    """
    await point("gup_fast.read", Kind.READ, mm.ptl)
    pte: Pte = mm.ptes.get(page)
    if not isinstance(pte, PresentPte) or not pte.writable:
        return None
    await point("gup_fast.get", Kind.WRITE, pte.folio)
    if not folio_try_get(kernel, pte.folio):
        return None
    await point("gup_fast.recheck", Kind.READ, mm.ptl)
    if mm.ptes.get(page) == pte:
        return pte
    folio_put(kernel, pte.folio)
    return None
