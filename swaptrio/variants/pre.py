# SPDX-License-Identifier: MIT OR Apache-2.0
"""pre: the code right before the series (phases II and III).

A fault picks its order by a walk that looks at the cache without any lock, allocates and
charges the folio, and only then tries to put it in the cache. A large folio that meets a
conflict there is thrown away and nothing is left to fall back to: the fault sees its entry
unchanged and no folio, and calls that out of memory. The owner that is charged is read before
the insertion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import mem_cgroup_swapin_charge_folio
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.memory import (
    slots_are_alike,
    swap_pte_batch,
    thp_swapin_suitable_orders,
)
from swaptrio.mm.page_alloc import (
    folio_alloc_mpol,
    folio_put,
    folio_unlock,
    vma_alloc_folio,
)
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry, round_down, swp_cluster_offset
from swaptrio.mm.swap_state import (
    _swap_cache_add_folio,
    _swap_entry_to_cluster,
    swap_cache_get_folio,
)
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swp_tb_get_count,
    count_of,
    swap_table_get,
    swp_tb_is_bad,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_shadow,
    zero_of,
)
from swaptrio.mm.swapfile.hibernation import put_even_if_cached
from swaptrio.mm.vmscan import account_without_group
from swaptrio.mm.vmstat import count_mthp_stat, count_vm_event
from swaptrio.mm.workingset import workingset_refault
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, VmFault
    from swaptrio.mm.swap_h import SwapInfoStruct


@kernel_function
def _swap_cache_add_check(
    kernel: Kernel, ci: SwapClusterInfo, ci_off: int, nr: int
) -> tuple[Errno | None, int]:
    """Whether *nr* slots from *ci_off* can take a folio; and the last shadow among them.

    The cluster lock is held. The first slot that is cached or not in use decides the error,
    whichever slot was asked for.
    """
    if ci.table is None:
        return Errno.ENOENT, 0
    shadow = 0
    for off in range(ci_off, ci_off + nr):
        old_tb = _swap_table_get(kernel, ci, off)
        if swp_tb_is_folio(old_tb):
            return Errno.EEXIST, 0
        if not _swp_tb_get_count(kernel, old_tb):
            return Errno.ENOENT, 0
        if swp_tb_is_shadow(old_tb):
            shadow = swp_tb_to_shadow(old_tb)
    return None, shadow


@kernel_function
def _swp_tb_get_flags(kernel: Kernel, swp_tb: int) -> int:
    """What a word that takes the place of this one keeps of it: count << 1 | zero.

    Before 12/12 the word has the count alone, and the zero flag of a Bad slot, which stood in a
    bitmap of the device, was clear.
    """
    return _swp_tb_get_count(kernel, swp_tb) << 1 | zero_of(swp_tb)


@kernel_function
def _swap_cluster_put_hibernation(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, ci_off: int
) -> None:
    """Free a slot of an image even where readahead has put a folio there (catalogue A16)."""
    put_even_if_cached(kernel, si, ci, ci_off)


@kernel_function
def _account_removal(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """Count a folio that reclaim takes out when it belongs to no group (v1, catalogue G05)."""
    account_without_group(kernel, folio, entry)


@kernel_function
async def swap_cache_add_folio(
    kernel: Kernel, folio: Folio, entry: SwpEntry
) -> tuple[Errno | None, int]:
    """Put a locked folio in its slots if they can take it.

    Returns the error or none, and the shadow. Takes the cluster lock.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("swap_cache_add_folio.lock"):
        err, shadow = _swap_cache_add_check(kernel, ci, swp_cluster_offset(entry), folio.nr)
        if err is None:
            _swap_cache_add_folio(kernel, ci, folio, entry)
    return err, shadow


@kernel_function
async def _swap_cache_prepare_and_add(
    kernel: Kernel, entry: SwpEntry, folio: Folio, gfp: str, *, charged: bool
) -> Folio | None:
    """Charge a folio unless it is *charged*, and put it in the cache.

    Returns the folio itself; or the one that was there first, with a reference, where it could
    wait for it; or none.
    """
    folio.lock.take_free()
    folio.swapbacked = True
    swapcache: Folio | None = None
    shadow = 0
    err: Errno | None = None
    if not charged:
        err = await mem_cgroup_swapin_charge_folio(kernel, folio, None, gfp, entry)
    while err is None:
        err, shadow = await swap_cache_add_folio(kernel, folio, entry)
        if err is None:
            break
        if err is not Errno.EEXIST or folio.nr > 1:
            break
        swapcache = await swap_cache_get_folio(kernel, entry)
        if swapcache is not None:
            break
        err = None
    if err is not None:
        await folio_unlock(kernel, folio, "swap_cache_prepare_and_add.failed")
        return swapcache
    await point("swap_cache_prepare_and_add.memcg1", Kind.WRITE, "memcg")
    memcg1_swapin(kernel, entry, folio.nr)
    if shadow:
        await point("swap_cache_prepare_and_add.refault", Kind.WRITE, "workingset")
        workingset_refault(kernel, folio, shadow)
    await point("swap_cache_prepare_and_add.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, folio)
    return folio


@kernel_function
async def swapin_folio(kernel: Kernel, entry: SwpEntry, folio: Folio) -> Folio | None:
    """Put a charged folio in the cache and read it; none on a conflict with a large one."""
    entry = round_down(entry, folio.nr)
    swapcache = await _swap_cache_prepare_and_add(kernel, entry, folio, "", charged=True)
    if swapcache is folio:
        await swap_read_folio(kernel, folio)
    return swapcache


@kernel_function
async def alloc_swap_folio(kernel: Kernel, vmf: VmFault, gfp: str) -> Folio | None:
    """Allocate and charge a folio of the largest order that suits; order 0 at the end."""
    orders = await thp_swapin_suitable_orders(kernel, vmf)
    order = highest_order(kernel, orders)
    while orders:
        folio = await _allocate_and_charge(kernel, vmf, gfp, order)
        if folio is not None:
            return folio
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK")
        orders, order = next_order(kernel, orders, order)
    return await _allocate_and_charge(kernel, vmf, gfp, 0)


async def _allocate_and_charge(
    kernel: Kernel, vmf: VmFault, gfp: str, order: int
) -> Folio | None:
    nr = 1 << order
    folio = await vma_alloc_folio(kernel, gfp, order, vmf.mm, vmf.page & -nr)
    if folio is None:
        return None
    entry = vmf.orig_pte.entry
    err = await mem_cgroup_swapin_charge_folio(kernel, folio, vmf.mm, gfp, entry)
    if err is None:
        return folio
    if order:
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK_CHARGE")
    await point("alloc_swap_folio.put")
    folio_put(kernel, folio)
    return None


@kernel_function
async def can_swapin_thp(kernel: Kernel, vmf: VmFault, nr: int) -> bool:
    """Whether the *nr* entries around a fault go together, and so do their slots.

    The page-table lock is held, the cluster lock is not: what is found may be over at once.
    """
    first = vmf.page & -nr
    if swap_pte_batch(kernel, vmf, first, nr) < nr:
        return False
    entry = round_down(vmf.orig_pte.entry, nr)
    uncached = await non_swapcache_batch(kernel, entry, nr)
    return uncached == nr and slots_are_alike(kernel, entry, nr)


@kernel_function
async def non_swapcache_batch(kernel: Kernel, entry: SwpEntry, max_nr: int) -> int:
    """How many of *max_nr* slots from *entry* are not cached, up to the first that is.

    Read without the cluster lock.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    start = swp_cluster_offset(entry)
    await point("non_swapcache_batch.read", Kind.READ, ci.lock)
    for off in range(start, start + max_nr):
        if swp_tb_is_folio(swap_table_get(ci, off)):
            return off - start
    return max_nr


@kernel_function
async def swapin_sync(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | Errno | None:
    """Swap in for a fault; none on any failure. The steps stood in do_swap_page."""
    folio = await alloc_swap_folio(kernel, vmf, gfp)
    if folio is None:
        return None
    swapcache = await swapin_folio(kernel, entry, folio)
    if swapcache is not folio:
        await point("swapin_sync.discard")
        folio_put(kernel, folio)
    return swapcache


@kernel_function
async def swap_entry_swapped(kernel: Kernel, entry: SwpEntry) -> bool:
    """Whether a slot is in use; a bad one is not. Read without the lock."""
    ci = _swap_entry_to_cluster(kernel, entry)
    await point("swap_entry_swapped.read", Kind.READ, ci.lock)
    swp_tb = swap_table_get(ci, swp_cluster_offset(entry))
    return not swp_tb_is_bad(swp_tb) and count_of(swp_tb) > 0


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
    """Order 0 only: allocate, charge, insert. *orders* and *vmf* are not looked at.

    The kernel's function returns the cached folio and a flag that says whether it is new; here
    a folio that was there already is EEXIST, and any other failure ENOMEM.
    """
    if not await swap_entry_swapped(kernel, targ_entry):
        return Errno.ENOENT
    folio = await folio_alloc_mpol(kernel, gfp, 0, mpol, ilx)
    if folio is None:
        return Errno.ENOMEM
    ret = await _swap_cache_prepare_and_add(kernel, targ_entry, folio, gfp, charged=False)
    if ret is folio:
        return folio
    await point("swap_cache_alloc_folio.discard")
    folio_put(kernel, folio)
    if ret is None:
        return Errno.ENOMEM
    folio_put(kernel, ret)
    return Errno.EEXIST


@kernel_function
async def swap_cache_read_folio(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int, *, readahead: bool
) -> Folio | None:
    """Read one slot through the cache, or find it there; none if it is not worth it."""
    while True:
        folio = await swap_cache_get_folio(kernel, entry)
        if folio is not None:
            return folio
        ret = await swap_cache_alloc_folio(kernel, entry, gfp, 1, None, mpol, ilx)
        if ret is not Errno.EEXIST:
            break
    if isinstance(ret, Errno):
        return None
    await swap_read_folio(kernel, ret)
    if readahead:
        ret.readahead = True
        count_vm_event(kernel, "SWAP_RA")
    return ret
