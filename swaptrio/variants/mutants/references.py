# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes with references, locks and page-table entries of folios that are in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.mm_types import let_go
from swaptrio.mm.swap_h import _swap_entry_to_cluster
from swaptrio.mm.swap_state import _swap_cache_do_del_folio
from swaptrio.mm.vmscan import _account_removal
from swaptrio.mm.workingset import workingset_eviction
from swaptrio.sched import Kind, point, running_task
from swaptrio.variants.mutants.mutant import Mutant

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.memcontrol import MemCgroup
    from swaptrio.mm.mm_types import Folio, VmFault


def folio_get(kernel: Kernel, folio: Folio) -> bool:
    """Take a reference even where there is none left to share.

    A lookup brings a folio back that reclaim has frozen.
    """
    folio.refs += 1
    folio.holders[running_task().name] += 1
    return True


async def remove_mapping_ignoring_others(
    kernel: Kernel, folio: Folio, target_memcg: MemCgroup | None = None
) -> bool:
    """Freeze the references of a folio, however many there are.

    Whoever has looked it up uses it after it was freed.
    """
    return await _remove(kernel, folio, target_memcg, others=True)


async def remove_mapping_dirty_first(
    kernel: Kernel, folio: Folio, target_memcg: MemCgroup | None = None
) -> bool:
    """Look whether the folio is dirty before its references are frozen.

    A store through a reference that goes in between is lost.
    """
    if folio.dirty:
        return False
    await point("remove_mapping.dirty", Kind.READ, folio)
    return await _remove(kernel, folio, target_memcg, dirty=True)


async def _remove(
    kernel: Kernel,
    folio: Folio,
    target_memcg: MemCgroup | None,
    *,
    others: bool = False,
    dirty: bool = False,
) -> bool:
    """`_remove_mapping`, where *others* may refer to the folio, or it may be *dirty*."""
    if not folio.swapcache:
        return False
    entry = folio.swap
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("remove_mapping.lock"):
        if folio.refs != 1 + folio.nr and not others:
            return False
        folio.refs, folio.frozen = 0, True
        await point("remove_mapping.frozen", Kind.WRITE, folio)
        if folio.dirty and not dirty:
            folio.refs, folio.frozen = 1 + folio.nr, False
            return False
        shadow = workingset_eviction(kernel, folio, target_memcg)
        _account_removal(kernel, folio, entry)
        _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
        let_go(folio, folio.nr + 1)
    return True


def freeable_under_writeback(kernel: Kernel, folio: Folio) -> bool:
    """Let a folio leave the cache while it is being written.

    Its slot is given to another while the old data are still on their way there.
    """
    return folio.swapcache


def pte_same_always(kernel: Kernel, vmf: VmFault) -> bool:
    """Take the page-table entry for the one that the fault has seen.

    What somebody else has mapped or unmapped meanwhile is overwritten.
    """
    return True


REFERENCES: Final = (
    Mutant(
        "get-without-try",
        "v3 whose lookups take a reference also of a folio that has none",
        {"folio_try_get": folio_get},
    ),
    Mutant(
        "freeze-ignores-extra",
        "v3 whose reclaim freezes folios that others refer to",
        {"_remove_mapping": remove_mapping_ignoring_others},
    ),
    Mutant(
        "swap-order",
        "v3 whose reclaim tests the dirty flag before it freezes the references",
        {"_remove_mapping": remove_mapping_dirty_first},
    ),
    Mutant(
        "free-under-writeback",
        "v3 that lets folios leave the cache while they are written",
        {"folio_swapcache_freeable": freeable_under_writeback},
    ),
    Mutant(
        "no-pte-recheck",
        "v3 whose faults do not look at the page-table entry again",
        {"pte_same": pte_same_always},
    ),
)
