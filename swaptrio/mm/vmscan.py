# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reclaim of one anonymous folio (mm/vmscan.c), in the order of shrink_folio_list.

Source: N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import memcg1_swapout
from swaptrio.mm.mm_types import Folio, PresentPte, let_go
from swaptrio.mm.page_alloc import (
    _folio_put,
    folio_put,
    folio_try_get,
    folio_trylock,
    folio_unlock,
    folio_wait_writeback,
)
from swaptrio.mm.page_io import swap_writeout
from swaptrio.mm.rmap import try_to_unmap_one
from swaptrio.mm.swap_h import swap_cluster, swp_offset, swp_type
from swaptrio.mm.swap_state import _swap_cache_do_del_folio
from swaptrio.mm.swapfile import folio_alloc_swap
from swaptrio.mm.vmstat import lruvec_stat_mod_folio, node_stat_mod_folio
from swaptrio.mm.workingset import workingset_eviction
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import MmStruct


@kernel_function
async def shrink_folio_list(kernel: Kernel, mm: MmStruct, page: int) -> str:
    """Reclaim the anonymous folio that *mm* maps at virtual page *page*. May sleep.

    Returns ``reclaimed``, or why the folio was kept. A large folio that gets no slots is kept:
    splitting is not modelled.
    """
    await point("shrink_folio_list.isolate", Kind.READ, mm.ptl)
    pte = mm.ptes.get(page)
    if not isinstance(pte, PresentPte) or not folio_try_get(kernel, pte.folio):
        return "nothing there"
    folio = pte.folio
    if not await folio_trylock(kernel, folio, "shrink_folio_list.trylock"):
        return _keep(kernel, folio, "locked")
    if not folio.swapcache:
        if await folio_alloc_swap(kernel, folio) is not None:
            return await _keep_locked(kernel, folio, "no slots")
        folio.dirty = True
    if not await try_to_unmap_one(kernel, folio, mm):
        return await _keep_locked(kernel, folio, "count is full")
    if folio.mapcount:
        return await _keep_locked(kernel, folio, "mapped")
    if folio.dirty and not await pageout(kernel, folio):
        return _keep(kernel, folio, "being written")
    if not await _remove_mapping(kernel, folio):
        return await _keep_locked(kernel, folio, "in use")
    await folio_unlock(kernel, folio, "shrink_folio_list.free")
    folio.frozen = False
    _folio_put(kernel, folio)
    return "reclaimed"


def _keep(kernel: Kernel, folio: Folio, why: str) -> str:
    """Drop the reference of the isolation."""
    folio_put(kernel, folio)
    return why


async def _keep_locked(kernel: Kernel, folio: Folio, why: str) -> str:
    await folio_unlock(kernel, folio, "shrink_folio_list.keep")
    return _keep(kernel, folio, why)


@kernel_function
async def pageout(kernel: Kernel, folio: Folio) -> bool:
    """Write a locked, dirty folio; whether it is clean, out of writeback and locked again.

    The kernel would leave a folio under writeback to a later pass. Here the same pass waits,
    which the kernel does for a caller that may (legacy memcg reclaim), so that one task takes
    a page all the way out.
    """
    folio.dirty = False
    await swap_writeout(kernel, folio)
    await folio_wait_writeback(kernel, folio, "pageout.writeback")
    if not await folio_trylock(kernel, folio, "pageout.trylock"):
        return False
    if folio.dirty or folio.writeback:
        await folio_unlock(kernel, folio, "pageout.dirty")
        return False
    return True


@kernel_function
async def _remove_mapping(kernel: Kernel, folio: Folio) -> bool:
    """Take a locked, clean folio out of the swap cache, unless somebody else refers to it.

    References are frozen at 0 first and the dirty flag is looked at after that, so that a write
    through a reference that has just gone is not lost. While they are frozen lookups spin. They
    stay at 0 where it succeeds: nobody can get hold of the folio, and the caller frees it.

    v1: the memsw charge goes to the slots after the counters have gone down, where they went
    up, and before slots that nobody uses are freed, which gives their part back. Source: N; in
    M it goes before the counters (catalogue G05).
    """
    if not folio.swapcache:
        return False
    entry = folio.swap
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    async with ci.lock.hold("remove_mapping.lock"):
        if folio.refs != 1 + folio.nr:
            return False
        folio.refs, folio.frozen = 0, True
        await point("remove_mapping.frozen", Kind.WRITE, folio)
        if folio.dirty:
            folio.refs, folio.frozen = 1 + folio.nr, False
            return False
        shadow = workingset_eviction(kernel, folio)
        node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", -folio.nr)
        lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", -folio.nr)
        memcg1_swapout(kernel, folio, entry)
        _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
        let_go(folio, folio.nr + 1)
    return True
