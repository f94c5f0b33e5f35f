# SPDX-License-Identifier: MIT OR Apache-2.0
"""zswap: compressed copies of slots, and writing them back (mm/zswap.c).

The tree of a device is a dict from slot to entry. Whoever stores or loads has the folio of the
slot locked and in the swap cache, so that nobody else changes that entry; the tree's own lock
is held for single steps only. All entries are on one LRU, where the kernel has one for each
group. Its lock protects the order: who shrinks picks an entry under it, copies the slot, and
lets go. From then on the entry may be freed at any time, and the slot be another's: it is not
looked into until `zswap_writeback_entry` has found it in the tree again, with the slot pinned
by a folio in the swap cache. Source: N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm import page_io, swap_state, swapfile
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.page_alloc import folio_put, folio_unlock, policy_of
from swaptrio.mm.swap_h import SwpEntry, ZswapEntry, swp_entry, swp_offset, swp_type
from swaptrio.mm.vmstat import count_vm_events
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapInfoStruct

#: Fruitless attempts after which shrinking ends; 16 in the kernel.
MAX_RECLAIM_RETRIES: Final = 2

#: A pool that was full takes pages again below this share of its limit, in percent.
ACCEPT_THRESHOLD: Final = 90


@kernel_function
def zswap_total_pages(kernel: Kernel) -> int:
    """The pages that zswap holds. What compressing them saves is not modelled."""
    return sum(len(si.zswap) for si in kernel.devices)


@kernel_function
def zswap_is_full(kernel: Kernel) -> bool:
    """Whether the pool has reached its limit (zswap_check_limits)."""
    limit = kernel.config.zswap_max_pool
    return bool(limit) and zswap_total_pages(kernel) >= limit


@kernel_function
def zswap_entry_free(kernel: Kernel, si: SwapInfoStruct, entry: ZswapEntry) -> None:
    """Free an entry that is in no tree any more, and take it off the LRU.

    The lock of the LRU is taken and given back within the step: nobody keeps it over a
    scheduling point.
    """
    slot = swp_entry(si.type, entry.offset)
    swapfile.lock_at_once(kernel.zswap_lru_lock)
    if kernel.zswap_lru.get(slot) is entry:
        del kernel.zswap_lru[slot]
    kernel.zswap_lru_lock.release()


@kernel_function
def zswap_invalidate(kernel: Kernel, si: SwapInfoStruct, offset: int) -> None:
    """Forget what zswap holds for a slot. May be called under the cluster lock."""
    entry = si.zswap.pop(offset, None)
    if entry is not None:
        zswap_entry_free(kernel, si, entry)


@kernel_function
def zswap_swapoff(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Free the tree of a device that is swapped off, whose slots are all free by then."""
    warn_on(kernel, bool(si.zswap), "zswap holds slots of a device that goes")
    for offset in list(si.zswap):
        zswap_invalidate(kernel, si, offset)


@kernel_function
async def zswap_store(kernel: Kernel, folio: Folio) -> bool:
    """Compress all pages of a locked, cached folio; whether that was done.

    All or none: where one cannot be stored, or zswap is off, what it holds for any of the slots
    is forgotten, since it is older than what will be written. Source: N.
    """
    warn_on(
        kernel, not folio.locked or not folio.swapcache, "stored in zswap, not ready for it"
    )
    if await _store_pages(kernel, folio):
        count_vm_events(kernel, "ZSWPOUT", folio.nr)
        return True
    si = kernel.devices[swp_type(folio.swap)]
    first = swp_offset(folio.swap)
    for slot in range(first, first + folio.nr):
        if slot in si.zswap:
            await point("zswap_store.invalidate", Kind.WRITE, "zswap tree")
            zswap_invalidate(kernel, si, slot)
    return False


async def _store_pages(kernel: Kernel, folio: Folio) -> bool:
    if not kernel.config.zswap_enabled:
        return False
    if zswap_is_full(kernel):
        await kernel.zswap_work.send(None)
        return False
    for index in range(folio.nr):
        if not await zswap_store_page(kernel, folio, index):
            return False
    return True


@kernel_function
async def zswap_store_page(kernel: Kernel, folio: Folio, index: int) -> bool:
    """Compress one page and let it take the place of an older copy; false if it cannot be.

    On the LRU it comes last: whoever shrinks sees entries that are in the tree.
    """
    if await kernel.injection.fails("zswap"):
        return False
    si = kernel.devices[swp_type(folio.swap)]
    offset = swp_offset(folio.swap) + index
    token = folio.pages[index]
    assert token is not None
    entry = ZswapEntry(offset, token, referenced=True)
    await point("zswap_store_page.tree", Kind.WRITE, "zswap tree")
    zswap_invalidate(kernel, si, offset)
    si.zswap[offset] = entry
    async with kernel.zswap_lru_lock.hold("zswap_store_page.lru"):
        kernel.zswap_lru[swp_entry(si.type, offset)] = entry
    return True


@kernel_function
async def zswap_decompress(kernel: Kernel, entry: ZswapEntry) -> int | None:
    """The data of an entry; none where it cannot be decompressed. May sleep."""
    await point("zswap_decompress.decompress")
    return None if await kernel.injection.fails("decompress") else entry.token


@kernel_function
async def zswap_load(kernel: Kernel, folio: Folio) -> Errno | None:
    """Fill a locked, cached folio from zswap.

    Returns none if it did: the folio then is dirty, for its compressed copy is gone. ENOENT if
    zswap holds nothing of it, EINVAL for a large folio of which it holds anything, EIO if it
    cannot be decompressed: the copy stays, and the folio is not up to date.
    """
    si = kernel.devices[swp_type(folio.swap)]
    offset = swp_offset(folio.swap)
    await point("zswap_load.lookup", Kind.READ, "zswap tree")
    held = [slot for slot in range(offset, offset + folio.nr) if slot in si.zswap]
    if not held:
        return Errno.ENOENT
    if warn_on(kernel, folio.nr > 1, "a large folio is in zswap in part"):
        return Errno.EINVAL
    token = await zswap_decompress(kernel, si.zswap[offset])
    if token is None:
        return Errno.EIO
    folio.pages[0] = token
    folio.uptodate = True
    count_vm_events(kernel, "ZSWPIN", 1)
    folio.dirty = True
    await point("zswap_load.erase", Kind.WRITE, "zswap tree")
    zswap_invalidate(kernel, si, offset)
    return None


@kernel_function
def swap_zswap_tree(kernel: Kernel, entry: SwpEntry) -> dict[int, ZswapEntry]:
    """The compressed pages of an entry's device, by slot; something keeps the device there.

    A compressed page on the LRU does not: it may be gone, and the tree with it (catalogue D03).
    """
    return kernel.devices[swp_type(entry)].zswap


@kernel_function
async def zswap_writeback_entry(
    kernel: Kernel, entry: SwpEntry, remembered: ZswapEntry | None = None
) -> Errno | None:
    """Write one compressed slot to the device through the swap cache, to free its memory.

    The caller holds nothing, and has seen *remembered* for the slot; left out, it is what the
    tree has when the task begins. EEXIST says that somebody swaps the slot in at this moment,
    ENOMEM that the tree has another entry now, EIO that it cannot be decompressed; other errors
    are those of the allocation. The device is let go at once: the locked, cached folio keeps
    the slot in use.
    """
    remembered = remembered or kernel.devices[swp_type(entry)].zswap.get(swp_offset(entry))
    si = await swapfile.get_swap_device(kernel, entry)
    if si is None:
        return Errno.EEXIST
    folio = await swap_state.swap_cache_alloc_folio(
        kernel, entry, "GFP_KERNEL", 1, None, policy_of(kernel, "task"), 0
    )
    await swapfile.put_swap_device(kernel, si)
    if isinstance(folio, Errno):
        return folio
    await point("zswap_writeback_entry.match", Kind.READ, "zswap tree")
    tree = swap_zswap_tree(kernel, entry)
    if remembered is None or tree.get(swp_offset(entry)) is not remembered:
        return await _abort_writeback(kernel, folio, Errno.ENOMEM)
    token = await zswap_decompress(kernel, remembered)
    if token is None:
        return await _abort_writeback(kernel, folio, Errno.EIO)
    folio.pages[0] = token
    zswap_invalidate(kernel, si, swp_offset(entry))
    count_vm_events(kernel, "ZSWPWB", 1)
    folio.uptodate = True
    zswap_mark_for_reclaim(kernel, folio)
    await page_io._swap_writepage(kernel, folio)
    folio_put(kernel, folio)
    return None


@kernel_function
def zswap_mark_for_reclaim(kernel: Kernel, folio: Folio) -> None:
    """Let a folio be reclaimed as soon as it is written: nobody has asked for it.

    Source: M. In N, where it is not on the LRU, it is dropped at the end of its writeback
    (dropbehind, see `end_swap_bio_write`).
    """
    folio.reclaim = True


@kernel_function
async def _abort_writeback(kernel: Kernel, folio: Folio, error: Errno) -> Errno:
    """Leave the slot as it was: out of the cache, unlocked, let go."""
    await swap_state.swap_cache_del_folio(kernel, folio)
    await folio_unlock(kernel, folio, "zswap_writeback_entry.abort")
    folio_put(kernel, folio)
    return error


async def zswap_shrink_worker(kernel: Kernel) -> None:
    """The worker that makes room in a full pool. A daemon."""
    while True:
        await kernel.zswap_work_in.receive()
        await shrink_worker(kernel)


@kernel_function
async def shrink_worker(kernel: Kernel) -> None:
    """Write compressed pages back until the pool takes pages again, or nothing comes of it."""
    threshold = kernel.config.zswap_max_pool * ACCEPT_THRESHOLD // 100
    failures = 0
    while zswap_total_pages(kernel) > threshold and failures < MAX_RECLAIM_RETRIES:
        await point("shrink_worker.next")
        if await shrink_memcg_cb(kernel) is not None:
            failures += 1


@kernel_function
async def shrink_memcg_cb(kernel: Kernel) -> Errno | None:
    """Write back the oldest compressed page; ENOENT if there is none, or why it was not.

    EAGAIN: it was stored since the last look, and gets another turn. It stays on the LRU, the
    youngest now, so that an attempt that fails is not repeated at once.
    """
    async with kernel.zswap_lru_lock.hold("shrink_memcg_cb.lock"):
        if not kernel.zswap_lru:
            return Errno.ENOENT
        slot, entry = next(iter(kernel.zswap_lru.items()))
        kernel.zswap_lru[slot] = kernel.zswap_lru.pop(slot)
        if entry.referenced:
            entry.referenced = False
            return Errno.EAGAIN
    await point("shrink_memcg_cb.unlocked")
    return await zswap_writeback_entry(kernel, slot, entry)
