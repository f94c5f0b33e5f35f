# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes with cached folios that are moved and split, or read ahead and waited for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from swaptrio.mm import page_io
from swaptrio.mm.huge_memory import _split_unmapped_folio
from swaptrio.mm.kernel import plain
from swaptrio.mm.migrate import _folio_migrate_mapping
from swaptrio.mm.page_alloc import folio_wait_locked
from swaptrio.mm.swap_h import NO_ENTRY, SwpEntry
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.variants.mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.errno import Errno
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapClusterInfo


async def migrate_mapping_of_head(kernel: Kernel, dst: Folio, src: Folio) -> Errno | None:
    """Give a moved folio the entry of its head only, where each page has one of its own.

    When it is split its other pages do not know their slots.
    """
    error: Errno | None = await plain(_folio_migrate_mapping)(kernel, dst, src)
    if error is None and dst.swapcache:
        before = kernel.functions.get("_split_unmapped_folio", plain(_split_unmapped_folio))
        kernel.functions["_split_unmapped_folio"] = partial(split_moved_folio, dst, before)
    return error


def split_moved_folio(
    moved: Folio,
    split: Callable[..., list[Folio]],
    kernel: Kernel,
    folio: Folio,
    new_order: int,
    ci: SwapClusterInfo | None,
) -> list[Folio]:
    """Split a folio; the tails of *moved* have no entry, others do as *split* says."""
    pieces = split(kernel, folio, new_order, ci)
    if folio is moved:
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


FOLIOS: Final = (
    Mutant(
        "per-page-entry",
        "v3 that keeps the slot of each page apart, and moves that of the first only",
        {"_folio_migrate_mapping": migrate_mapping_of_head},
    ),
    Mutant(
        "wait-before-submit",
        "v3 whose readahead waits for a folio that it has only queued to be read",
        {"swap_cluster_readahead": read_ahead_waiting_first},
    ),
)
