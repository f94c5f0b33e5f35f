# SPDX-License-Identifier: MIT OR Apache-2.0
"""Large folios: their orders, and splitting them (mm/huge_memory.c, include/linux/huge_mm.h).

Source of the orders: tree M; without THP, the author's reply to v4 04/12.

A split turns a folio's pages into folios of their own while nobody can look. Page tables come
first: migration entries take the place of what maps it, so that users wait for its lock. Then
its references are frozen at 0, which fails if anybody else has one, and whoever finds it in the
swap cache spins. Under the cluster lock each new folio takes over its slots. The old one, which
is the first page now, is given back its references last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm import swap_state
from swaptrio.mm.deferred_split import folio_unqueue_deferred_split
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import Folio, PresentPte, hold
from swaptrio.mm.page_alloc import (
    folio_lock,
    folio_put,
    folio_try_get,
    folio_trylock,
    folio_unlock,
)
from swaptrio.mm.rmap import remove_migration_ptes, try_to_migrate
from swaptrio.mm.swap import lru_add
from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry
from swaptrio.sched import Kind, Mutex, point

if TYPE_CHECKING:
    from swaptrio.mm.memcontrol import MemCgroup
    from swaptrio.mm.mm_types import MmStruct

#: What is true of a folio is true of each of its parts.
_KEPT_BY_PIECES: Final = (
    "swapcache", "swapbacked", "uptodate", "dirty", "active", "workingset", "anon",
)  # fmt: skip


@kernel_function
def highest_order(kernel: Kernel, orders: int) -> int:
    """The index of the top bit of *orders*; -1 where it is 0; always 0 without THP."""
    return orders.bit_length() - 1 if kernel.config.thp else 0


@kernel_function
def next_order(kernel: Kernel, orders: int, prev: int) -> tuple[int, int]:
    """*orders* without the bit *prev*, and its highest order.

    Without THP the order is 0 and *orders* stays as it is. An empty set has the order -1 and,
    asked for what comes after -1, stays empty. The kernel clears the bit in place; here the
    caller gets both back.
    """
    if not kernel.config.thp:
        return orders, 0
    if prev >= 0:
        orders &= ~(1 << prev)
    return orders, highest_order(kernel, orders)


def one_shifted_as_int(order: int) -> int:
    """``1 << order`` of an int, widened to an unsigned long: the size of a folio in v3.

    For orders 0 to 30 that is 2**order. C defines no other; x86-64 looks at the lower five bits
    of the count, so that -1 shifts by 31, into the sign: 0xFFFFFFFF80000000. v4 shifts an
    unsigned long. Source: v3 04/12; the compiler's result is inference (catalogue A10).
    """
    count = order % 32
    return (1 << 64) - (1 << 31) if count == 31 else 1 << count


@kernel_function
def vma_thp_gfp_mask(kernel: Kernel, mm: MmStruct | None) -> str:
    """The allocation flags for large folios of a VMA. Flags have no effect in the model."""
    return "GFP_TRANSHUGE_LIGHT"


@kernel_function
def thp_limit_gfp_mask(kernel: Kernel, huge_gfp: str, limit_gfp: str) -> str:
    """*huge_gfp*, limited to what *limit_gfp* allows."""
    return f"{huge_gfp}&{limit_gfp}"


@kernel_function
async def split_huge_pages_pid(
    kernel: Kernel, mm: MmStruct, page: int, new_order: int = 0
) -> Errno | None:
    """Split the folio that *mm* maps at a virtual page, as debugfs asks for it. May sleep.

    ENOENT where nothing is mapped; otherwise as `split_huge_page_to_list_to_order`.
    """
    async with mm.ptl.hold("split_huge_pages_pid.ptl"):
        pte = mm.ptes.get(page)
        if not isinstance(pte, PresentPte) or not folio_try_get(kernel, pte.folio):
            return Errno.ENOENT
    folio = pte.folio
    await folio_lock(kernel, folio, "split_huge_pages_pid.folio_lock")
    error = await split_huge_page_to_list_to_order(kernel, folio, None, new_order)
    await folio_unlock(kernel, folio, "split_huge_pages_pid.unlock")
    folio_put(kernel, folio)
    return error


@kernel_function
async def split_folio(kernel: Kernel, folio: Folio) -> Errno | None:
    """Split a locked, anonymous folio into single pages. May sleep.

    The running task has one reference; *folio* itself becomes the first page, still locked.
    """
    return await split_folio_to_list(kernel, folio, None)


@kernel_function
async def split_folio_to_list(
    kernel: Kernel, folio: Folio, pages: list[Folio] | None
) -> Errno | None:
    """As `split_folio`; the running task also keeps a reference to each new page, in *pages*.

    That is for reclaim, which has isolated the folio.
    """
    return await split_huge_page_to_list_to_order(kernel, folio, pages, 0)


@kernel_function
async def split_huge_page_to_list_to_order(
    kernel: Kernel, folio: Folio, pages: list[Folio] | None, new_order: int
) -> Errno | None:
    """Split a locked, anonymous folio into folios of *new_order*. May sleep.

    EINVAL for an order that is not smaller, or not `uniform_split_supported`. EBUSY under
    writeback, or where nothing maps it; EAGAIN if somebody else refers to it. Nothing has
    changed then.

    The steps while references are frozen are from memory (spec 13).
    """
    if new_order >= folio.order or not uniform_split_supported(kernel, folio, new_order):
        return Errno.EINVAL
    if folio.writeback or not (folio.anon and folio.mapcount):
        return Errno.EBUSY
    if not can_split_folio(kernel, folio):
        return Errno.EAGAIN
    await try_to_migrate(kernel, folio)
    pieces = await _folio_freeze_and_split_unmapped(kernel, folio, new_order)
    for piece in [folio, *pieces]:
        await remove_migration_ptes(kernel, piece, piece)
    if not pieces:
        return Errno.EAGAIN
    for piece in pieces:
        if pages is not None:
            _keep_piece(piece, pages)
        await folio_unlock(kernel, piece, "split_huge_page_to_list_to_order.unlock")
        await swap_state.free_folio_and_swap_cache(kernel, piece)
    return None


@kernel_function
def uniform_split_supported(kernel: Kernel, folio: Folio, new_order: int) -> bool:
    """Whether an anonymous folio can be split into folios of an order.

    Not of order 1, which anonymous folios do not have from splitting; nor, where it is in the
    swap cache, of any but 0 (catalogue G02). Source: mails of 2025, as read.
    """
    return new_order != 1 and not (folio.swapcache and new_order)


def _keep_piece(piece: Folio, pages: list[Folio]) -> None:
    piece.refs += 1
    hold(piece)
    pages.append(piece)


@kernel_function
def can_split_folio(kernel: Kernel, folio: Folio) -> bool:
    """Whether nobody refers to a folio but the cache, page tables, and the running task."""
    return folio.mapcount == folio.refs - 1 - _cache_refs(folio)


def _cache_refs(folio: Folio) -> int:
    return folio.nr if folio.swapcache else 0


@kernel_function
async def _folio_freeze_and_split_unmapped(
    kernel: Kernel, folio: Folio, new_order: int
) -> list[Folio]:
    """Make single folios of an unmapped one; those behind the first, locked and held.

    None where references cannot be frozen, since somebody else has one. Until all words name
    their new folios nobody can get hold of the old one: lookups spin.
    """
    await point("folio_freeze_and_split_unmapped.freeze", Kind.WRITE, folio)
    if folio.refs != 1 + _cache_refs(folio):
        return []
    folio.refs, folio.frozen = 0, True
    folio_unqueue_deferred_split(kernel, folio)
    if not folio.swapcache:
        return _split_unmapped_folio(kernel, folio, new_order, None)
    ci = swap_state._swap_entry_to_cluster(kernel, folio.swap)
    async with ci.lock.hold("folio_freeze_and_split_unmapped.cluster"):
        return _split_unmapped_folio(kernel, folio, new_order, ci)


@kernel_function
def _split_unmapped_folio(
    kernel: Kernel, folio: Folio, new_order: int, ci: SwapClusterInfo | None
) -> list[Folio]:
    """Split a frozen folio, and unfreeze the parts, the first one last.

    *ci* is its cluster, whose lock is held, or none outside of the swap cache.
    """
    nr = 1 << new_order
    pieces = [
        _split_folio_to_order(kernel, folio, first, new_order)
        for first in range(nr, folio.nr, nr)
    ]
    folio.order, folio.nr = new_order, nr
    folio.pages, folio.exclusive = folio.pages[:nr], folio.exclusive[:nr]
    for piece in pieces:
        piece.refs = 1 + _cache_refs(piece)
        if folio.lru:
            lru_add(kernel, piece)
        if ci is not None:
            swap_state._swap_cache_replace_folio(kernel, ci, folio, piece)
    folio.refs, folio.frozen = 1 + _cache_refs(folio), False
    return pieces


def _split_folio_to_order(kernel: Kernel, folio: Folio, first: int, new_order: int) -> Folio:
    """A folio of the pages from *first*; it has all that the old one has, its lock too."""
    nr = 1 << new_order
    piece = Folio(folio.pfn + first, new_order, nr, Mutex(f"folio {folio.pfn + first:#x}"))
    piece.lock.take_free()
    hold(piece)
    for flag in _KEPT_BY_PIECES:
        setattr(piece, flag, getattr(folio, flag))
    if folio.swapcache:
        piece.swap = SwpEntry(folio.swap + first)
    piece.anon_vma, piece.index = folio.anon_vma, folio.index + first
    piece.memcg = folio.memcg
    piece.pages = folio.pages[first : first + nr]
    piece.exclusive = folio.exclusive[first : first + nr]
    kernel.folios[piece.pfn] = piece
    return piece


@kernel_function
async def deferred_split_scan(kernel: Kernel, memcg: MemCgroup | None, nr: int) -> int:
    """Split up to *nr* folios of a group's queue, oldest first; how many were. May sleep.

    Folios that are locked, or cannot be split now, stay on the queue or come back to it. That
    the kernel also splits folios of which most pages hold zeros is not modelled.
    """
    split = 0
    waiting = [folio for folio in kernel.deferred_split.values() if folio.memcg is memcg]
    for folio in waiting[:nr]:
        await point("deferred_split_scan.get", Kind.WRITE, folio)
        if not folio.deferred or not folio_try_get(kernel, folio):
            continue
        if await folio_trylock(kernel, folio, "deferred_split_scan.trylock"):
            split += await split_folio(kernel, folio) is None
            await folio_unlock(kernel, folio, "deferred_split_scan.unlock")
        folio_put(kernel, folio)
    return split
