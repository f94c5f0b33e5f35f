# SPDX-License-Identifier: MIT OR Apache-2.0
"""v3: the patch under review, as mailed (phase IV v3 04/12, 21 April 2026).

The slot is checked under the cluster lock, a folio is allocated without it, the slot is
checked again, and if nothing has changed the folio is inserted: from here on others can find
it, locked and not up to date. Only then is it charged, and only when it is charged does it
count as cached. A charge that fails takes the folio out again. A large order that conflicts
with a neighbour, or cannot be allocated or charged, gives way to the next smaller one; order 0
is always tried last.

Not in this patch: the owner of the slots is compared from 08/12 on, their zero flags from
12/12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import (
    highest_order,
    next_order,
    one_shifted_as_int,
    thp_limit_gfp_mask,
    vma_thp_gfp_mask,
)
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import mem_cgroup_swapin_charge_folio
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.memory import (
    slots_are_alike,
    swap_pte_batch,
    thp_swapin_suitable_orders,
)
from swaptrio.mm.mm_types import let_go
from swaptrio.mm.page_alloc import (
    folio_alloc_mpol,
    folio_put,
    folio_put_refs,
    folio_unlock,
    vma_alloc_folio,
)
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.shmem.swapin import shmem_swapin_sync
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry, round_down, swp_cluster_offset
from swaptrio.mm.swap_state import (
    _swap_cache_do_add_folio,
    _swap_cache_do_del_folio,
    _swap_entry_to_cluster,
    swap_cache_get_folio,
)
from swaptrio.mm.swap_table import (
    _swap_table_get,
    _swp_tb_get_count,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_shadow,
    zero_of,
)
from swaptrio.mm.swapfile.hibernation import put_even_if_cached
from swaptrio.mm.vmscan import account_without_group
from swaptrio.mm.vmstat import (
    count_mthp_stat,
    count_vm_event,
    lruvec_stat_mod_folio,
    node_stat_mod_folio,
)
from swaptrio.mm.workingset import workingset_refault
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, VmFault
    from swaptrio.mm.swap_h import SwapInfoStruct


@kernel_function
def _swap_cache_add_check(
    kernel: Kernel, ci: SwapClusterInfo, targ_entry: SwpEntry, nr: int
) -> tuple[Errno | None, int]:
    """Whether *nr* aligned slots around the target can take a folio; and the target's shadow.

    The cluster lock is held. The target is looked at first: EEXIST if it is cached, ENOENT if
    it is not in use. EBUSY says that the target is fine and another slot of the range is not.
    """
    if ci.table is None:
        return Errno.ENOENT, 0
    ci_off = swp_cluster_offset(targ_entry)
    old_tb = _swap_table_get(kernel, ci, ci_off)
    if swp_tb_is_folio(old_tb):
        return Errno.EEXIST, 0
    if not _swp_tb_get_count(kernel, old_tb):
        return Errno.ENOENT, 0
    shadow = swp_tb_to_shadow(old_tb) if swp_tb_is_shadow(old_tb) else 0
    if nr == 1:
        return None, shadow
    ci_off &= -nr
    for off in range(ci_off, ci_off + nr):
        old_tb = _swap_table_get(kernel, ci, off)
        if swp_tb_is_folio(old_tb) or not _swp_tb_get_count(kernel, old_tb):
            return Errno.EBUSY, 0
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
async def can_swapin_thp(kernel: Kernel, vmf: VmFault, nr: int) -> bool:
    """Whether the *nr* entries around a fault go together, and so do their slots.

    The page-table lock is held, the cluster lock is not. The owners are compared here until
    08/12, the zero flags until 12/12; that no slot is cached is not asked any more (05/12).
    """
    first = vmf.page & -nr
    if swap_pte_batch(kernel, vmf, first, nr) < nr:
        return False
    entry = round_down(vmf.orig_pte.entry, nr)
    await point("can_swapin_thp.slots", Kind.READ, _swap_entry_to_cluster(kernel, entry).lock)
    return slots_are_alike(kernel, entry, nr)


@kernel_function
async def _swap_cache_alloc(
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    order: int,
    vmf: VmFault | None,
    mpol: str | None,
    ilx: int,
) -> Folio | Errno:
    """One attempt at one order. Errors are those of the check, and ENOMEM.

    Nothing is held at the start. At the end the folio is locked, and the caller has the
    reference of the allocation. May sleep.
    """
    nr = one_shifted_as_int(order)
    entry = round_down(targ_entry, nr)
    ci = _swap_entry_to_cluster(kernel, targ_entry)

    async with ci.lock.hold("swap_cache_alloc.check"):
        err, _ = _swap_cache_add_check(kernel, ci, targ_entry, nr)
    if err is not None:
        return err
    if order:
        gfp = _limited(kernel, gfp, vmf)
    folio = await _allocate(kernel, gfp, order, vmf, mpol, ilx)
    if folio is None:
        return Errno.ENOMEM
    err, shadow = await _recheck_and_insert(kernel, ci, folio, targ_entry)
    if err is not None:
        await point("swap_cache_alloc.discard")
        folio_put(kernel, folio)
        return err
    mm = vmf.mm if vmf is not None else None
    if await mem_cgroup_swapin_charge_folio(kernel, folio, mm, gfp, entry) is not None:
        await _roll_back(kernel, ci, folio, entry, shadow)
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK_CHARGE")
        return Errno.ENOMEM
    await _account(kernel, folio, entry, shadow)
    return folio


def _limited(kernel: Kernel, gfp: str, vmf: VmFault | None) -> str:
    """The flags for a large folio; the allocation and the charge both get them."""
    mm = vmf.mm if vmf is not None else None
    return thp_limit_gfp_mask(kernel, vma_thp_gfp_mask(kernel, mm), gfp)


async def _allocate(
    kernel: Kernel, gfp: str, order: int, vmf: VmFault | None, mpol: str | None, ilx: int
) -> Folio | None:
    """Allocate by policy, or at the fault's place. Nothing is held; may sleep and reclaim."""
    if mpol or vmf is None:
        return await folio_alloc_mpol(kernel, gfp, order, mpol, ilx)
    return await vma_alloc_folio(kernel, gfp, order, vmf.mm, vmf.page & -(1 << order))


@kernel_function
async def _recheck_and_insert(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, targ_entry: SwpEntry
) -> tuple[Errno | None, int]:
    """Check once more, and insert in the same critical section; the error or the shadow."""
    async with ci.lock.hold("swap_cache_alloc.recheck"):
        err, shadow = _swap_cache_add_check(kernel, ci, targ_entry, folio.nr)
        if err is None:
            _insert(kernel, ci, folio, round_down(targ_entry, folio.nr))
    return err, shadow


@kernel_function
def _insert(kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry) -> None:
    """Let the folio be found in its slots: locked and uncharged. The cluster lock is held."""
    folio.lock.take_free()
    folio.swapbacked = True
    _swap_cache_do_add_folio(kernel, ci, folio, entry)


@kernel_function
async def _roll_back(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Take an uncharged folio out again: words, then lock, then references.

    Every slot gets the target's shadow, and those that nobody uses any more are freed.
    """
    async with ci.lock.hold("swap_cache_alloc.rollback"):
        _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
    await folio_unlock(kernel, folio, "swap_cache_alloc.rollback_unlock")
    await point("swap_cache_alloc.rollback_put", Kind.WRITE, folio)
    folio_put_allocated(kernel, folio)


@kernel_function
def folio_put_allocated(kernel: Kernel, folio: Folio) -> None:
    """Drop the references that were the cache's, and the one from the allocation."""
    let_go(folio, folio.nr + 1)
    folio_put_refs(kernel, folio, folio.nr + 1)


@kernel_function
async def _account(kernel: Kernel, folio: Folio, entry: SwpEntry, shadow: int) -> None:
    """Count a charged folio: memsw, refault, cached pages, and last the LRU."""
    await point("swap_cache_alloc.memcg1", Kind.WRITE, "memcg")
    memcg1_swapin(kernel, entry, folio.nr)
    if shadow:
        await point("swap_cache_alloc.refault", Kind.WRITE, "workingset")
        workingset_refault(kernel, folio, shadow)
    await point("swap_cache_alloc.stat", Kind.WRITE, "vmstat")
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", folio.nr)
    await point("swap_cache_alloc.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, folio)


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
    """Try the allowed orders from the highest down, and order 0 in any case.

    *orders* 0 means order 0. EEXIST and ENOENT speak of the target and end the loop; so does
    anything at order 0. Beyond these only ENOMEM is returned. See `swaptrio.mm.swap_state` for
    the arguments.
    """
    order = 0
    if orders:
        orders |= 1
        order = highest_order(kernel, orders)
    while True:
        ret = await _swap_cache_alloc(kernel, targ_entry, gfp, order, vmf, mpol, ilx)
        if not isinstance(ret, Errno):
            return ret
        if not order or ret not in (Errno.EBUSY, Errno.ENOMEM):
            return ret
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK")
        orders, order = next_order(kernel, orders, order)


@kernel_function
async def swap_cache_read_folio(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int, *, readahead: bool
) -> Folio | None:
    """Read one slot through the cache, or find it there; none if it is not worth it.

    The lookup before the loop is one too many; v4 does without it. May sleep.
    """
    folio = await swap_cache_get_folio(kernel, entry)
    if folio is not None:
        return folio
    while True:
        folio = await swap_cache_get_folio(kernel, entry)
        if folio is not None:
            return folio
        ret = await swap_cache_alloc_folio(kernel, entry, gfp, 0, None, mpol, ilx)
        if ret is not Errno.EEXIST:
            break
    if isinstance(ret, Errno):
        return None
    await swap_read_folio(kernel, ret)
    if readahead:
        ret.readahead = True
        count_vm_event(kernel, "SWAP_RA")
    return ret


@kernel_function
async def swapin_sync(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | Errno | None:
    """Swap in for a fault; none on any failure. v3 calls it swapin_entry.

    The orders are the large ones that suit the fault; the callee adds order 0. May sleep.
    """
    orders = await thp_swapin_suitable_orders(kernel, vmf)
    while True:
        folio = await swap_cache_get_folio(kernel, entry)
        if folio is not None:
            return folio
        ret = await swap_cache_alloc_folio(kernel, entry, gfp, orders, vmf, None, 0)
        if ret is not Errno.EEXIST:
            break
    if isinstance(ret, Errno):
        return None
    await swap_read_folio(kernel, ret)
    return ret


@kernel_function
async def shmem_swap_alloc_folio(
    kernel: Kernel, index: int, entry: SwpEntry, order: int
) -> Folio | Errno:
    """Swap in for a file, at the order of its entry; the callee adds order 0. May sleep.

    One call, with one interleave index for all orders; ENOMEM for any failure. Nothing large
    without THP, or where zswap was ever enabled.
    """
    if not kernel.config.thp or kernel.config.zswap_ever_enabled:
        order = 0
    ret = await shmem_swapin_sync(kernel, entry, 1 << order, index >> order)
    return Errno.ENOMEM if isinstance(ret, Errno) else ret
