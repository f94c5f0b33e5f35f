# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reclaim (mm/vmscan.c): folios off the LRU, out of page tables, to their slots, and free.

Who reclaims isolates folios first: off the LRU, with a reference of its own, so that no two
tasks work on one. It locks them by trylock only, since it may hold the lock of another folio.
What could not be freed goes back to the LRU. A folio under writeback is left to a later pass,
except where the caller may wait, as reclaim for a group of v1 does.

References of processors (accessed bits) are not modelled: a folio is reclaimed when its turn
comes, unless it is active, which puts that off by one turn. Source: N.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.huge_memory import can_split_folio, split_folio_to_list
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import MemCgroup, mem_cgroup_is_descendant
from swaptrio.mm.memcontrol_v1 import _memcg1_swapout
from swaptrio.mm.mm_types import Folio, PresentPte, let_go
from swaptrio.mm.page_alloc import (
    _folio_put,
    folio_put,
    folio_try_get,
    folio_trylock,
    folio_unlock,
    folio_wait_writeback,
)
from swaptrio.mm.page_io import swap_finish_plug, swap_start_plug, swap_writeout
from swaptrio.mm.rmap import try_to_unmap
from swaptrio.mm.shmem import shmem_writeout
from swaptrio.mm.swap import folio_isolate_lru, lru_add, lru_add_drain
from swaptrio.mm.swap_h import (
    _swap_entry_to_cluster,
    swp_cluster_offset,
)
from swaptrio.mm.swap_state import _swap_cache_do_del_folio
from swaptrio.mm.swap_table import SWP_TB_COUNT_MAX, count_of, swap_table_get
from swaptrio.mm.swapfile import folio_alloc_swap, folio_free_swap, mem_cgroup_swap_full
from swaptrio.mm.vmstat import lruvec_stat_mod_folio, node_stat_mod_folio
from swaptrio.mm.workingset import workingset_eviction
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import MmStruct
    from swaptrio.mm.swap_h import SwpEntry

#: Folios that are isolated at a time.
SWAP_CLUSTER_MAX = 32


class Pageout(StrEnum):
    """What became of a dirty folio (pageout_t). SUCCESS leaves it unlocked, the rest locked."""

    KEEP = "PAGE_KEEP"
    ACTIVATE = "PAGE_ACTIVATE"
    SUCCESS = "PAGE_SUCCESS"
    CLEAN = "PAGE_CLEAN"


@attrs.define(eq=False)
class ScanControl:
    """One reclaim: for which group, none for all, and what came of it.

    *may_wait* says that it waits for the end of writeback that it meets. *nr_reclaimed* counts
    the pages that were freed; *kept* says why a folio was kept, by frame number.
    """

    memcg: MemCgroup | None = None
    may_wait: bool = False
    nr_reclaimed: int = 0
    kept: dict[int, str] = attrs.Factory(dict)


@kernel_function
async def isolate_lru_folios(kernel: Kernel, nr: int, sc: ScanControl) -> list[Folio]:
    """Isolate up to *nr* folios, from the oldest on. Nothing is held but perhaps folio locks.

    Active ones get one more turn: they are active no more, but in the working set, and the
    youngest now. What nobody
    refers to any more is passed over, as whoever frees it takes it off.
    """
    await point("isolate_lru_folios.scan", Kind.WRITE, "lru")
    isolated: list[Folio] = []
    for folio in list(kernel.lru.values()):
        if len(isolated) == nr:
            break
        if sc.memcg is not None and not mem_cgroup_is_descendant(folio.memcg, sc.memcg):
            continue
        if folio.active:
            folio.active, folio.workingset = False, True
            kernel.lru[folio.pfn] = kernel.lru.pop(folio.pfn)
        elif folio_try_get(kernel, folio):
            folio.lru = False
            del kernel.lru[folio.pfn]
            isolated.append(folio)
    return isolated


@kernel_function
async def move_folios_to_lru(kernel: Kernel, folios: list[Folio]) -> None:
    """Put isolated folios back on the LRU, the youngest now, and drop their references."""
    for folio in folios:
        await point("move_folios_to_lru.add", Kind.WRITE, "lru")
        lru_add(kernel, folio)
        folio_put(kernel, folio)


@kernel_function
async def shrink_lruvec(kernel: Kernel, nr: int, memcg: MemCgroup | None = None) -> int:
    """Reclaim up to *nr* folios of a group and those below it, or of all; the pages freed.

    The caller may hold the lock of folios that are not on the LRU. May sleep. Reclaim for a
    group of v1 waits for the writeback that it meets.
    """
    sc = ScanControl(memcg, may_wait=memcg is not None and kernel.config.memcg_v1)
    await lru_add_drain(kernel)
    while nr > 0:
        folios = await isolate_lru_folios(kernel, min(nr, SWAP_CLUSTER_MAX), sc)
        if not folios:
            break
        nr -= len(folios)
        await reclaim_pages(kernel, folios, sc)
    return sc.nr_reclaimed


@kernel_function
async def try_to_free_mem_cgroup_pages(
    kernel: Kernel, memcg: MemCgroup, nr: int, *, may_swap: bool
) -> int:
    """Reclaim for a charge of *nr* pages to a group; the pages freed. May sleep.

    Without *may_swap* nothing is, as all pages of the model need a slot. The kernel asks for 32
    pages at least, the model for those that are needed.
    """
    return await shrink_lruvec(kernel, nr, memcg) if may_swap else 0


@kernel_function
async def reclaim_pages(kernel: Kernel, folios: list[Folio], sc: ScanControl) -> int:
    """Reclaim isolated folios, and put back what is left; the pages freed. May sleep."""
    kept = await shrink_folio_list(kernel, folios, sc)
    if sc.may_wait and (unfinished := [folio for folio in kept if folio.writeback]):
        kept = [folio for folio in kept if folio not in unfinished]
        kept += await shrink_folio_list(kernel, unfinished, sc)
    await move_folios_to_lru(kernel, kept)
    return sc.nr_reclaimed


@kernel_function
async def madvise_pageout(kernel: Kernel, mm: MmStruct, page: int) -> str:
    """Reclaim the folio that *mm* maps at virtual page *page* (MADV_PAGEOUT). May sleep.

    (mm/madvise.c) Where a writeback is under way it is waited for, and one more pass is made,
    so that one task takes a page all the way out; the kernel does so for groups of v1 only.

    Returns:
        ``reclaimed``, ``nothing there``, or why the folio was kept: ``in use`` (also where it
        is not on the LRU), ``locked``, ``no slots``, ``count is full``, ``mapped`` or
        ``being written``. Of a folio that was split: why the first piece was kept that was.
    """
    await lru_add_drain(kernel)
    async with mm.ptl.hold("madvise_pageout.lock"):
        pte = mm.ptes.get(page)
        if not isinstance(pte, PresentPte):
            return "nothing there"
        if not await folio_isolate_lru(kernel, pte.folio):
            return "in use"
    sc = ScanControl(may_wait=True)
    await reclaim_pages(kernel, [pte.folio], sc)
    return next(iter(sc.kept.values()), "reclaimed")


@kernel_function
async def shrink_folio_list(
    kernel: Kernel, folios: list[Folio], sc: ScanControl
) -> list[Folio]:
    """Reclaim isolated folios one after the other; returns those that are kept. May sleep."""
    kept = []
    swap_start_plug(kernel)
    while folios:
        folio = folios.pop(0)
        sc.kept.pop(folio.pfn, None)
        if not await folio_trylock(kernel, folio, "shrink_folio_list.trylock"):
            sc.kept[folio.pfn] = "locked"
        elif folio.writeback and sc.may_wait:
            await _wait_unlocked(kernel, folio)
            folios.append(folio)
            continue
        elif why := await _shrink_folio(kernel, folio, folios, sc):
            sc.kept[folio.pfn] = why
        if folio.pfn in sc.kept:
            kept.append(folio)
    await swap_finish_plug(kernel)
    return kept


async def _wait_unlocked(kernel: Kernel, folio: Folio) -> None:
    """Wait for the end of a writeback, after all that the task has queued is submitted."""
    await swap_finish_plug(kernel)
    swap_start_plug(kernel)
    await folio_unlock(kernel, folio, "shrink_folio_list.wait_unlock")
    await folio_wait_writeback(kernel, folio, "shrink_folio_list.writeback")


async def _get_slots(kernel: Kernel, folio: Folio, folios: list[Folio]) -> bool:
    """Give a locked, isolated folio slots; whether it has some.

    A large one that gets none, or of which some pages are mapped no more, is split: it is a
    single page then, and the others are put on *folios*. One that cannot be split, since
    somebody else refers to it, is not tried.
    """
    if folio.nr > 1 and not can_split_folio(kernel, folio):
        return False
    if folio.deferred and await split_folio_to_list(kernel, folio, folios) is not None:
        return False
    if await folio_alloc_swap(kernel, folio) is None:
        return True
    if folio.nr == 1 or await split_folio_to_list(kernel, folio, folios) is not None:
        return False
    return await folio_alloc_swap(kernel, folio) is None


async def _shrink_folio(
    kernel: Kernel, folio: Folio, folios: list[Folio], sc: ScanControl
) -> str:
    """Reclaim one locked folio; why it is kept, unlocked, or nothing where it was freed.

    What is split from it is put on *folios*.
    """
    if folio.writeback:
        folio.reclaim = True
        return await _activate_locked(kernel, folio, "being written")
    if folio.anon and not folio.swapcache:
        if not await _get_slots(kernel, folio, folios):
            return await _activate_locked(kernel, folio, "no slots")
        folio.dirty = True
    if folio.mapcount:
        if not await try_to_unmap(kernel, folio):
            return await _activate_locked(kernel, folio, _why_mapped(kernel, folio))
    if folio.dirty:
        why = await _write_dirty(kernel, folio)
        if why:
            return why
    if not await remove_and_free(kernel, folio, sc.memcg):
        return await _keep_locked(kernel, folio, "in use")
    sc.nr_reclaimed += folio.nr
    return ""


async def remove_and_free(
    kernel: Kernel, folio: Folio, target_memcg: MemCgroup | None = None
) -> bool:
    """Free a locked, clean folio unless somebody else refers to it; whether that was done."""
    if not await _remove_mapping(kernel, folio, target_memcg):
        return False
    await folio_unlock(kernel, folio, "shrink_folio_list.free")
    folio.frozen = False
    _folio_put(kernel, folio)
    return True


def _why_mapped(kernel: Kernel, folio: Folio) -> str:
    """Why a folio is still mapped: the count of a slot is full, or somebody forks."""
    ci = _swap_entry_to_cluster(kernel, folio.swap)
    start = swp_cluster_offset(folio.swap)
    counts = [count_of(swap_table_get(ci, off)) for off in range(start, start + folio.nr)]
    return "count is full" if max(counts) >= SWP_TB_COUNT_MAX - 1 else "mapped"


async def _write_dirty(kernel: Kernel, folio: Folio) -> str:
    """Write a locked folio; why it is kept, unlocked, or nothing where it is locked and clean.

    Where the write has ended already the folio may be freed at once. Others had it unlocked
    meanwhile, so it is looked at anew.
    """
    done = await pageout(kernel, folio)
    if done is Pageout.KEEP:
        return await _keep_locked(kernel, folio, "in use")
    if done is Pageout.ACTIVATE:
        return await _activate_locked(kernel, folio, "being written")
    if done is Pageout.CLEAN:
        return ""
    if folio.writeback or folio.dirty:
        return "being written"
    if not await folio_trylock(kernel, folio, "shrink_folio_list.retrylock"):
        return "locked"
    if folio.writeback or folio.dirty:
        return await _keep_locked(kernel, folio, "being written")
    return ""


async def _activate_locked(kernel: Kernel, folio: Folio, why: str) -> str:
    """Keep a folio that is not worth another look soon; scarce slots it gives back."""
    if folio.swapcache and mem_cgroup_swap_full(kernel, folio):
        await folio_free_swap(kernel, folio)
    folio.active = True
    return await _keep_locked(kernel, folio, why)


async def _keep_locked(kernel: Kernel, folio: Folio, why: str) -> str:
    await folio_unlock(kernel, folio, "shrink_folio_list.keep")
    return why


@kernel_function
async def pageout(kernel: Kernel, folio: Folio) -> Pageout:
    """Start to write a locked, dirty, unmapped folio. May sleep.

    KEEP where somebody else refers to it, who may be about to change it, or where it is in no
    cache any more, since it was truncated meanwhile. After SUCCESS it is unlocked, and under
    writeback unless that has ended.
    """
    if folio.refs != 1 + folio.nr or not (folio.swapcache or folio.mapping):
        return Pageout.KEEP
    if not folio.dirty:
        return Pageout.CLEAN
    folio.dirty = False
    folio.reclaim = True
    writeout = swap_writeout if folio.mapping is None else shmem_writeout
    written = await writeout(kernel, folio)
    if not folio.writeback:
        folio.reclaim = False
    return Pageout.SUCCESS if written else Pageout.ACTIVATE


@kernel_function
async def _remove_mapping(
    kernel: Kernel, folio: Folio, target_memcg: MemCgroup | None = None
) -> bool:
    """Take a locked, clean folio out of the swap cache, unless somebody else refers to it.

    *target_memcg* is the group that is reclaimed for, none for all.

    References are frozen at 0 first and the dirty flag is looked at after that, so that a write
    through a reference that has just gone is not lost. While they are frozen lookups spin. They
    stay at 0 where it succeeds: nobody can get hold of the folio, and the caller frees it.

    v1: the memsw charge goes to the slots before those that nobody uses are freed, which gives
    their part back. Source: N.
    """
    if not folio.swapcache:
        return False
    entry = folio.swap
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("remove_mapping.lock"):
        if folio.refs != 1 + folio.nr:
            return False
        folio.refs, folio.frozen = 0, True
        await point("remove_mapping.frozen", Kind.WRITE, folio)
        if folio.dirty:
            folio.refs, folio.frozen = 1 + folio.nr, False
            return False
        shadow = workingset_eviction(kernel, folio, target_memcg)
        _account_removal(kernel, folio, entry)
        _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
        let_go(folio, folio.nr + 1)
    return True


@kernel_function
def _account_removal(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """Count a folio that leaves the cache, and let its memsw charge stay with its slots (v1).

    The cluster lock is held, and the references are frozen. The counters go down first, where
    they went up; the folio belongs to no group after that. Source: N, where it is part of
    `_remove_mapping`. A version before it has `account_without_group` in its place.
    """
    _count_out(kernel, folio)
    _memcg1_swapout(kernel, folio, entry)


def account_without_group(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """As in M: the counters go down when the folio belongs to no group (catalogue G05)."""
    _memcg1_swapout(kernel, folio, entry)
    _count_out(kernel, folio)


def _count_out(kernel: Kernel, folio: Folio) -> None:
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", -folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", -folio.nr)
