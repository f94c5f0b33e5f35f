# SPDX-License-Identifier: MIT OR Apache-2.0
"""The swap cache, in which the bit of a slot outlives its folio at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import mem_cgroup_swapin_charge_folio
from swaptrio.mm.memcontrol_v1 import _memcg1_swapout, memcg1_swapin
from swaptrio.mm.mm_types import hold, let_go
from swaptrio.mm.page_alloc import folio_alloc_mpol, folio_put, folio_unlock
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.shmem.swapin import shmem_swapin_cluster
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import (
    NO_ENTRY,
    SwapClusterInfo,
    SwpEntry,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_state import (
    _swap_cache_add_folio,
    _swap_cache_del_folio,
    _swap_entry_to_cluster,
    swap_cache_get_folio,
)
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swap_table_set,
    _swp_tb_get_count,
    shadow_to_swp_tb,
    swap_table_get,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    swp_tb_to_shadow,
    zero_of,
)
from swaptrio.mm.vmstat import count_vm_event, count_vm_events
from swaptrio.mm.workingset import workingset_eviction, workingset_refault
from swaptrio.mm.zswap import zswap_decompress, zswap_invalidate
from swaptrio.sched import Kind, point
from swaptrio.variants.old.slots import (
    put_swap_folio,
    schedule_timeout_uninterruptible,
    swap_entry_swapped,
    swapcache_prepare,
)

if TYPE_CHECKING:
    from swaptrio.mm.memcontrol import MemCgroup
    from swaptrio.mm.mm_types import Folio, VmFault


@kernel_function
def _swp_tb_get_flags(kernel: Kernel, swp_tb: int) -> int:
    """What a word that takes the place of this one keeps of it: count << 1 | zero.

    Before 12/12 the word has the count alone, and the zero flag of a Bad slot, which stood in a
    bitmap of the device, was clear.
    """
    return _swp_tb_get_count(kernel, swp_tb) << 1 | zero_of(swp_tb)


@kernel_function
async def add_to_swap_cache(kernel: Kernel, folio: Folio, entry: SwpEntry) -> int:
    """Put a locked folio in slots that the caller has claimed; returns the last's shadow.

    Takes the cluster lock. That the XArray may have no memory for them is not modelled.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    first = swp_cluster_offset(entry)
    shadow = 0
    async with ci.lock.hold("add_to_swap_cache.lock"):
        for off in range(first, first + folio.nr):
            warn_on(kernel, off not in ci.has_cache, "slot is cached, and was not claimed")
            shadow = _shadow_of(ci, off) or shadow
        _swap_cache_add_folio(kernel, ci, folio, entry)
    return shadow


def _shadow_of(ci: SwapClusterInfo, off: int) -> int:
    swp_tb = swap_table_get(ci, off)
    return swp_tb_to_shadow(swp_tb) if swp_tb_is_shadow(swp_tb) else 0


@kernel_function
async def swap_cache_get_shadow(kernel: Kernel, entry: SwpEntry) -> int:
    """The shadow of a slot that the caller has claimed; 0 for none. Read without the lock."""
    ci = _swap_entry_to_cluster(kernel, entry)
    await point("swap_cache_get_shadow.read", Kind.READ, ci.lock)
    return _shadow_of(ci, swp_cluster_offset(entry))


@kernel_function
def _swap_cache_do_del_folio(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Take a locked folio out of its slots and leave *shadow* in all of them.

    The cluster lock is held. The slots stay claimed: the caller clears the bits later, which
    frees those that nobody uses. The cache's references are the caller's now, to drop.
    """
    warn_on(kernel, not folio.locked, "taken out of the swap cache while not locked")
    warn_on(kernel, not folio.swapcache, "taken out of the swap cache while not in it")
    warn_on(kernel, folio.writeback, "taken out of the swap cache under writeback")
    start = swp_cluster_offset(entry)
    for off in range(start, start + folio.nr):
        old_tb = _swap_table_get(kernel, ci, off)
        cached = swp_tb_is_folio(old_tb) and swp_tb_to_pfn(old_tb) == folio.pfn
        warn_on(kernel, not cached, "slot is not cached by this folio")
        flags = _swp_tb_get_flags(kernel, old_tb)
        _swap_table_set(ci, off, shadow_to_swp_tb(shadow, flags))
    folio.swap = NO_ENTRY
    folio.swapcache = False
    hold(folio, folio.nr)


@kernel_function
async def swap_cache_del_folio(kernel: Kernel, folio: Folio) -> None:
    """Take a locked folio out of the swap cache, then let go of its slots.

    It must be clean or its slots unused, or data is lost. The caller has a reference of its
    own. Takes the cluster lock, twice.
    """
    entry = folio.swap
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("swap_cache_del_folio.lock"):
        _swap_cache_del_folio(kernel, ci, folio, entry, 0)
    await put_swap_folio(kernel, entry, folio.nr)
    let_go(folio, folio.nr)
    folio.refs -= folio.nr


@kernel_function
async def _remove_mapping(
    kernel: Kernel, folio: Folio, target_memcg: MemCgroup | None = None
) -> bool:
    """Take a locked, clean folio out of the swap cache, unless somebody else refers to it.

    As in later versions, but for its slots, which are let go of when the cluster lock has been
    given back once; and the memsw charge of v1, which goes to them after the removal.
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
        _swap_cache_del_folio(kernel, ci, folio, entry, shadow)
        _memcg1_swapout(kernel, folio, entry)
        let_go(folio, folio.nr + 1)
    await put_swap_folio(kernel, entry, folio.nr)
    return True


@kernel_function
async def _read_swap_cache_async(
    kernel: Kernel,
    entry: SwpEntry,
    gfp: str,
    mpol: str | None,
    ilx: int,
    *,
    skip_if_exists: bool,
) -> tuple[Folio | None, bool]:
    """The folio that caches a slot, or a new one; and whether it is new, and locked then.

    None where the slot is not in use, nothing could be allocated or charged, or, with
    *skip_if_exists*, somebody else has claimed it. Without that who loses the slot sleeps for a
    tick and looks again. The device is kept alive by the caller; may sleep.
    """
    new: Folio | None = None
    folio: Folio | None = None
    while folio is None:
        folio = await swap_cache_get_folio(kernel, entry)
        if folio is not None or not await swap_entry_swapped(kernel, entry):
            break
        if new is None:
            new = await folio_alloc_mpol(kernel, gfp, 0, mpol, ilx)
        if new is None:
            return None, False
        err = await swapcache_prepare(kernel, entry, 1)
        if err is None:
            return await _charge_and_add(kernel, new, entry, gfp), True
        if err is not Errno.EEXIST or skip_if_exists:
            break
        await schedule_timeout_uninterruptible(kernel, "read_swap_cache_async.tick")
    if new is not None:
        await point("read_swap_cache_async.discard")
        folio_put(kernel, new)
    return folio, False


async def _charge_and_add(
    kernel: Kernel, folio: Folio, entry: SwpEntry, gfp: str
) -> Folio | None:
    """Charge a new folio and put it in the slot that was claimed for it; none on failure."""
    folio.lock.take_free()
    folio.swapbacked = True
    if await mem_cgroup_swapin_charge_folio(kernel, folio, None, gfp, entry) is not None:
        await put_swap_folio(kernel, entry, 1)
        await folio_unlock(kernel, folio, "read_swap_cache_async.failed")
        folio_put(kernel, folio)
        return None
    shadow = await add_to_swap_cache(kernel, folio, entry)
    await point("read_swap_cache_async.memcg1", Kind.WRITE, "memcg")
    memcg1_swapin(kernel, entry, 1)
    if shadow:
        await point("read_swap_cache_async.refault", Kind.WRITE, "workingset")
        workingset_refault(kernel, folio, shadow)
    await point("read_swap_cache_async.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, folio)
    return folio


@kernel_function
async def swap_cache_alloc_folio(
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    orders: int,
    vmf: VmFault | None,
    mpol: str | None,
    ilx: int,
) -> Folio | Errno:
    """Order 0 only, for zswap's writeback, which called `_read_swap_cache_async` itself.

    A folio that is there already is EEXIST, and anything else that comes between ENOMEM.
    """
    folio, is_new = await _read_swap_cache_async(
        kernel, targ_entry, gfp, mpol, ilx, skip_if_exists=True
    )
    if folio is None:
        return Errno.ENOMEM
    if is_new:
        return folio
    folio_put(kernel, folio)
    return Errno.EEXIST


@kernel_function
async def swap_cache_read_folio(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int, *, readahead: bool
) -> Folio | None:
    """Read one slot through the cache, or find it there; none if it is not worth it."""
    folio, is_new = await _read_swap_cache_async(
        kernel, entry, gfp, mpol, ilx, skip_if_exists=False
    )
    if folio is None or not is_new:
        return folio
    await swap_read_folio(kernel, folio)
    if readahead:
        folio.readahead = True
        count_vm_event(kernel, "SWAP_RA")
    return folio


@kernel_function
async def shmem_swap_alloc_folio(
    kernel: Kernel, index: int, entry: SwpEntry, order: int
) -> Folio | Errno:
    """Read a slot of a file through the cache, at order 0, also on a synchronous device."""
    folio = await shmem_swapin_cluster(kernel, entry, index)
    return Errno.ENOMEM if folio is None else folio


@kernel_function
async def zswap_load(kernel: Kernel, folio: Folio) -> Errno | None:
    """Fill a locked folio from zswap; what it holds is erased only if the folio is cached.

    A private folio may be thrown away, and then the copy is all there is (25cd241408a2). The
    errors are those of later versions.
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
    if zswap_owns(kernel, folio):
        folio.dirty = True
        await point("zswap_load.erase", Kind.WRITE, "zswap tree")
        zswap_invalidate(kernel, si, offset)
    return None


@kernel_function
def zswap_owns(kernel: Kernel, folio: Folio) -> bool:
    """Whether a folio that was loaded keeps the data from now on, and zswap need not."""
    return folio.swapcache
