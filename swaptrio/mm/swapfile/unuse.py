# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bringing back all that lies on a device that is to go.

Files first, then the processes: each entry that names the device is replaced by what it stands
for, or by a marker where that cannot be read. What is left are slots that only the cache keeps.
Whoever works on a slot meanwhile can hide it: a process that exits, a folio on its way out. So
the round is made again until no slot is in use, however often that takes.

The kernel goes round at once. A task that does so would keep those from running whom it waits
for, where nobody preempts it; so a round that was not the last sleeps for a moment of virtual
time.

Source: tree N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm import rmap, shmem, swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import PoisonPte, PresentPte, SwapPte, VmFault
from swaptrio.mm.page_alloc import (
    folio_lock,
    folio_put,
    folio_unlock,
    folio_wait_writeback,
)
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapInfoStruct,
    SwpEntry,
    _swap_entry_to_cluster,
    swap_cluster,
    swp_cluster_offset,
    swp_entry,
    swp_type,
)
from swaptrio.mm.swap_table import (
    swap_table_get,
    swp_tb_get_count,
    swp_tb_is_bad,
    swp_tb_is_null,
)
from swaptrio.mm.swapfile.freeing import folio_put_swap
from swaptrio.mm.swapfile.reclaim import folio_free_swap
from swaptrio.sched import Kind, point, sleep

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct, Pte

#: How long a round that was not the last sleeps, in nanoseconds.
ROUND: Final = 1_000_000

_GFP: Final = "GFP_HIGHUSER_MOVABLE"


@kernel_function
async def try_to_unuse(kernel: Kernel, number: int) -> Errno | None:
    """Bring back everything until no slot of a device is in use. May sleep.

    ENOMEM where something cannot be read for want of memory; EINTR after a signal, which is
    drawn; nothing else ends it.
    """
    si = kernel.devices[number]
    while si.inuse_pages:
        error = await shmem.shmem_unuse(kernel, number)
        if error is not None:
            return error
        for mm in list(kernel.processes):
            if not si.inuse_pages:
                break
            if mm.exited:
                continue
            error = await unuse_mm(kernel, mm, number)
            if error is not None:
                return error
        await _free_unused(kernel, si)
        if si.inuse_pages:
            if await kernel.injection.fails("signal"):
                return Errno.EINTR
            await sleep("try_to_unuse.again", ROUND)
    return None


async def _free_unused(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Free the slots that only the cache keeps, as far as a scan of the tables finds them.

    A folio that has left its slot before it could be locked may be cached elsewhere by now:
    that is harmless, for only what nobody uses is freed.
    """
    offset = 0
    while si.inuse_pages and (offset := find_next_to_unuse(kernel, si, offset)):
        folio = await swap_state.swap_cache_get_folio(kernel, swp_entry(si.type, offset))
        if folio is None:
            continue
        await folio_lock(kernel, folio, "try_to_unuse.lock")
        await folio_wait_writeback(kernel, folio, "try_to_unuse.writeback")
        await folio_free_swap(kernel, folio)
        await folio_unlock(kernel, folio, "try_to_unuse.unlock")
        folio_put(kernel, folio)


@kernel_function
def find_next_to_unuse(kernel: Kernel, si: SwapInfoStruct, prev: int) -> int:
    """The first slot in use behind *prev*, 0 if there is none. Read without any lock."""
    offset = prev + 1
    while offset < si.max:
        ci = swap_cluster(si, offset)
        if ci.table is None:
            offset = (ci.number + 1) * SWAPFILE_CLUSTER
            continue
        swp_tb = swap_table_get(ci, offset % SWAPFILE_CLUSTER)
        if not swp_tb_is_null(swp_tb) and not swp_tb_is_bad(swp_tb):
            return offset
        offset += 1
    return 0


@kernel_function
async def unuse_mm(kernel: Kernel, mm: MmStruct, number: int) -> Errno | None:
    """Bring back what a process has on a device, with its mmap_lock held to read. May sleep."""
    await mm.mmap_lock.acquire_read("unuse_mm.mmap_lock")
    error = await unuse_pte_range(kernel, mm, number)
    await mm.mmap_lock.release("unuse_mm.mmap_unlock")
    return error


@kernel_function
async def unuse_pte_range(kernel: Kernel, mm: MmStruct, number: int) -> Errno | None:
    """Bring back the pages of all entries that name a device. May sleep.

    Entries are looked at without their lock. Where nothing can be read although the slot is in
    use it is ENOMEM. Entries that come up meanwhile are left to the next round.
    """
    for page in sorted(mm.ptes):
        if not _names_device(mm.ptes.get(page), number):
            continue
        await point("unuse_pte_range.look", Kind.READ, mm.ptl)
        pte = mm.ptes.get(page)
        if not isinstance(pte, SwapPte) or swp_type(pte.entry) != number:
            continue
        folio = await swap_state.swap_cache_get_folio(kernel, pte.entry)
        if folio is None:
            vmf = VmFault(mm, page, pte)
            folio = await swap_state.swapin_readahead(kernel, pte.entry, _GFP, vmf)
        if folio is not None:
            await _unuse_page(kernel, mm, page, pte.entry, folio)
        elif await _is_in_use(kernel, pte.entry):
            return Errno.ENOMEM
    return None


def _names_device(pte: Pte, number: int) -> bool:
    return isinstance(pte, SwapPte) and swp_type(pte.entry) == number


async def _is_in_use(kernel: Kernel, entry: SwpEntry) -> bool:
    """Whether a slot has an owner. Read without the lock."""
    ci = _swap_entry_to_cluster(kernel, entry)
    await point("unuse_pte_range.count", Kind.READ, ci.lock)
    return swp_tb_get_count(swap_table_get(ci, swp_cluster_offset(entry))) > 0


async def _unuse_page(
    kernel: Kernel, mm: MmStruct, page: int, entry: SwpEntry, folio: Folio
) -> None:
    """Lock a folio that was looked up, put it in the place of an entry, and let go of it."""
    await folio_lock(kernel, folio, "unuse_pte_range.lock")
    await folio_wait_writeback(kernel, folio, "unuse_pte_range.writeback")
    await unuse_pte(kernel, mm, page, entry, folio)
    await folio_free_swap(kernel, folio)
    await folio_unlock(kernel, folio, "unuse_pte_range.unlock")
    folio_put(kernel, folio)


@kernel_function
async def unuse_pte(
    kernel: Kernel, mm: MmStruct, page: int, entry: SwpEntry, folio: Folio
) -> None:
    """Map a page of a locked folio where *entry* still is, and drop the slot's count.

    Nothing is done where the folio has left the slot, or the entry has changed but for its
    flags: the next round comes back. A folio that could not be read leaves a marker. The page
    is mapped without the right to write, and whether it is shared is found out at need.
    """
    if not swap_state.folio_matches_swap_entry(kernel, folio, entry):
        return
    async with mm.ptl.hold("unuse_pte.ptl"):
        pte = mm.ptes.get(page)
        if not isinstance(pte, SwapPte) or pte.entry != entry:
            return
        index = entry - folio.swap
        new: Pte = PoisonPte()
        if folio.uptodate:
            _map(kernel, folio, index, mm, page, exclusive=pte.exclusive)
            new = PresentPte(folio, index, soft_dirty=pte.soft_dirty)
        rmap.set_pte_at(kernel, mm, page, new)
        await folio_put_swap(kernel, folio, index)


def _map(
    kernel: Kernel, folio: Folio, index: int, mm: MmStruct, page: int, *, exclusive: bool
) -> None:
    """Take a reference for a page-table entry, and note what it maps."""
    folio.refs += 1
    if folio.anon:
        rmap.folio_add_anon_rmap_ptes(kernel, folio, index, 1, page, exclusive=exclusive)
        return
    warn_on(kernel, folio.nr > 1, "large folio mapped in part before it was mapped")
    rmap.folio_add_new_anon_rmap(kernel, folio, mm, page, exclusive=exclusive)
