# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes with cached folios that are moved and split, or read ahead and waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm import page_io
from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import _split_unmapped_folio
from swaptrio.mm.kernel import plain
from swaptrio.mm.memcontrol_v1 import _memcg1_swapout
from swaptrio.mm.migrate import _folio_migrate_mapping
from swaptrio.mm.page_alloc import folio_wait_locked
from swaptrio.mm.rmap import folio_move_anon_rmap
from swaptrio.mm.swap_h import NO_ENTRY, SwpEntry, swp_cluster_offset
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swap_table_set,
    _swp_tb_get_flags,
    pfn_to_swp_tb,
)
from swaptrio.mm.userfaultfd import _move_entry, is_pte_pages_stable, swap_cache_has_folio
from swaptrio.variants.mutants.mutant import Mutant

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio, MmStruct, SwapPte
    from swaptrio.mm.swap_h import SwapClusterInfo


class EntryOfHead(int):
    """The entry of a moved folio of whose pages only the first one knows its slot."""


async def migrate_mapping_of_head(kernel: Kernel, dst: Folio, src: Folio) -> Errno | None:
    """Give a moved folio the entry of its head only, where each page has one of its own.

    When it is split its other pages do not know their slots.
    """
    error: Errno | None = await plain(_folio_migrate_mapping)(kernel, dst, src)
    if error is None and dst.swapcache:
        dst.swap = SwpEntry(EntryOfHead(dst.swap))
    return error


def split_moved_folio(
    kernel: Kernel, folio: Folio, new_order: int, ci: SwapClusterInfo | None
) -> list[Folio]:
    """Split a folio; if it was moved, its tails have no entry."""
    pieces: list[Folio] = plain(_split_unmapped_folio)(kernel, folio, new_order, ci)
    if isinstance(folio.swap, EntryOfHead):
        for piece in pieces:
            piece.swap = NO_ENTRY
    return pieces


async def read_ahead_waiting_first(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int
) -> Folio | None:
    """Wait for the slot that was asked for before what was queued is submitted.

    Its read is in the queue, of a task that waits for its end.
    """
    page_io.swap_start_plug(kernel)
    folio = await swap_cache_read_folio(kernel, entry, gfp, mpol, ilx, readahead=False)
    if folio is not None:
        await folio_wait_locked(kernel, folio, "swap_cluster_readahead.wait")
    await page_io.swap_finish_plug(kernel)
    return folio


def split_clobbering_entries(
    kernel: Kernel, folio: Folio, new_order: int, ci: SwapClusterInfo | None
) -> list[Folio]:
    """Split a folio, and write over the slots that the new ones have been told.

    They cannot be found by their slots, nor their slots by them.
    """
    pieces: list[Folio] = plain(_split_unmapped_folio)(kernel, folio, new_order, ci)
    for piece in pieces:
        piece.swap = NO_ENTRY
    return pieces


def split_to_any_order(kernel: Kernel, folio: Folio, new_order: int) -> bool:
    """Let a folio in the swap cache be split into large ones."""
    return new_order != 1


def replace_at_head_alone(kernel: Kernel, ci: SwapClusterInfo, old: Folio, new: Folio) -> None:
    """Let the first slot of a new folio name it, and no other.

    So a cache did that had an item for each slot of a folio, and one to be replaced.
    """
    off = swp_cluster_offset(new.swap)
    flags = _swp_tb_get_flags(kernel, _swap_table_get(kernel, ci, off))
    _swap_table_set(ci, off, pfn_to_swp_tb(new.pfn, flags))


async def move_whatever_was_found(
    kernel: Kernel, mm: MmStruct, dst: int, src: int, pte: SwapPte, folio: Folio | None
) -> Errno | None:
    """Move an entry with the folio that the lookup has found, wherever that is cached now.

    It may belong to another process, and be told that it lies at this one's new address.
    """
    async with mm.ptl.hold("move_swap_pte.ptl"):
        if not is_pte_pages_stable(mm, dst, src, pte):
            return Errno.EAGAIN
        if folio is not None:
            folio_move_anon_rmap(kernel, folio)
            folio.index = dst
        elif await swap_cache_has_folio(kernel, pte.entry):
            return Errno.EAGAIN
        _move_entry(kernel, mm, dst, src, attrs.evolve(pte, soft_dirty=True))
    return None


async def has_none_still(kernel: Kernel, entry: SwpEntry) -> bool:
    """Believe the lookup of some time ago that nothing is cached in a slot."""
    return False


def swapout_keeping_queued(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """Take a folio from its group while it waits in that group's queue to be split.

    Who takes it off the queue looks for it in another one, under another lock.
    """
    queued, folio.deferred = folio.deferred, False
    plain(_memcg1_swapout)(kernel, folio, entry)
    folio.deferred = queued


FOLIOS: Final = (
    Mutant(
        "split-clobbers-entry",
        "v3 that writes over the slots of the pages behind the first when it splits a folio",
        {"_split_unmapped_folio": split_clobbering_entries},
    ),
    Mutant(
        "nonzero-split",
        "v3 that splits a cached folio into large ones, and lets only their heads be found",
        {
            "uniform_split_supported": split_to_any_order,
            "_swap_cache_replace_folio": replace_at_head_alone,
        },
    ),
    Mutant(
        "uffd-any-folio",
        "v3 whose UFFDIO_MOVE takes along whatever its lookup has found",
        {"move_swap_pte": move_whatever_was_found},
    ),
    Mutant(
        "uffd-missed-folio",
        "v3 whose UFFDIO_MOVE does not ask again whether the slot is cached",
        {"swap_cache_has_folio": has_none_still},
    ),
    Mutant(
        "swapout-keeps-queued",
        "next whose v1 swap-out leaves a folio in its group's queue to be split",
        {"_memcg1_swapout": swapout_keeping_queued},
        base="next",
    ),
    Mutant(
        "per-page-entry",
        "v3 that keeps the slot of each page apart, and moves that of the first only",
        {
            "_folio_migrate_mapping": migrate_mapping_of_head,
            "_split_unmapped_folio": split_moved_folio,
        },
    ),
    Mutant(
        "wait-before-submit",
        "v3 whose readahead waits for a folio that it has only queued to be read",
        {"swap_cluster_readahead": read_ahead_waiting_first},
    ),
)
