# SPDX-License-Identifier: MIT OR Apache-2.0
"""v5: the series as merged (mainline of mid 2026, with all of phase IV v5 applied).

As v3, but for: the second check compares the recorded owners of the slots and returns that of
the target, so that the charge goes to whom the slots belonged at the insertion (08/12); both
checks compare the zero flags (12/12); a charged folio of order 2 and up has to prepare for its
group's queue of deferred splits, which can fail and rolls back like a failed charge; callers
say whether order 0 is allowed; orders above a cluster are refused. That the slots of a range
have one owner and one zero flag is not asked in the page-table walk any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import (
    highest_order,
    next_order,
    thp_limit_gfp_mask,
    vma_thp_gfp_mask,
)
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import charge_memcg, folio_memcg_alloc_deferred
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.memory import thp_swapin_suitable_orders
from swaptrio.mm.mm_types import let_go
from swaptrio.mm.page_alloc import (
    folio_alloc_mpol,
    folio_put,
    folio_put_refs,
    folio_unlock,
    vma_alloc_folio,
)
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapClusterInfo,
    SwpEntry,
    round_down,
    swp_cluster_offset,
)
from swaptrio.mm.swap_state import (
    _swap_cache_do_add_folio,
    _swap_cache_do_del_folio,
    _swap_entry_to_cluster,
    swap_cache_get_folio,
)
from swaptrio.mm.swap_table import (
    _swap_cgroup_get,
    _swap_table_get,
    _swap_table_test_zero,
    _swp_tb_get_count,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_shadow,
)
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


@kernel_function
def _swap_cache_add_check(
    kernel: Kernel, ci: SwapClusterInfo, targ_entry: SwpEntry, nr: int, *, owner: bool
) -> tuple[Errno | None, int, int]:
    """Whether *nr* aligned slots around the target can take a folio.

    The cluster lock is held. The target is looked at first: EEXIST if it is cached, ENOENT if
    it is not in use. EBUSY says that the target is fine and another slot of the range is not:
    it is cached or not in use, its zero flag differs or, with *owner*, its recorded owner.

    Returns:
        The error or none, the target's shadow, and with *owner* the id of its owner.
    """
    if ci.table is None:
        return Errno.ENOENT, 0, 0
    ci_off = swp_cluster_offset(targ_entry)
    old_tb = _swap_table_get(kernel, ci, ci_off)
    if swp_tb_is_folio(old_tb):
        return Errno.EEXIST, 0, 0
    if not _swp_tb_get_count(kernel, old_tb):
        return Errno.ENOENT, 0, 0
    shadow = swp_tb_to_shadow(old_tb) if swp_tb_is_shadow(old_tb) else 0
    memcg_id = _swap_cgroup_get(ci, ci_off) if owner else 0
    if nr == 1:
        return None, shadow, memcg_id
    is_zero = _swap_table_test_zero(kernel, ci, ci_off)
    ci_off &= -nr
    for off in range(ci_off, ci_off + nr):
        old_tb = _swap_table_get(kernel, ci, off)
        if (
            swp_tb_is_folio(old_tb)
            or not _swp_tb_get_count(kernel, old_tb)
            or is_zero != _swap_table_test_zero(kernel, ci, off)
            or (owner and memcg_id != _swap_cgroup_get(ci, off))
        ):
            return Errno.EBUSY, 0, 0
    return None, shadow, memcg_id


@kernel_function
def _account_removal(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """Count a folio that reclaim takes out when it belongs to no group (v1, catalogue G05)."""
    account_without_group(kernel, folio, entry)


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
    nr = 1 << order
    warn_on(kernel, nr > SWAPFILE_CLUSTER, "order is larger than a cluster")
    entry = round_down(targ_entry, nr)
    ci = _swap_entry_to_cluster(kernel, targ_entry)

    async with ci.lock.hold("swap_cache_alloc.check"):
        err, _, _ = _swap_cache_add_check(kernel, ci, targ_entry, nr, owner=False)
    if err is not None:
        return err
    if order:
        gfp = _limited(kernel, gfp, vmf)
    folio = await _allocate(kernel, gfp, order, vmf, mpol, ilx)
    if folio is None:
        return Errno.ENOMEM
    err, shadow, memcg_id = await _recheck_and_insert(kernel, ci, folio, targ_entry)
    if err is not None:
        await point("swap_cache_alloc.discard")
        folio_put(kernel, folio)
        return err
    mm = vmf.mm if vmf is not None else None
    if await charge_memcg(kernel, folio, memcg_id, mm, gfp) is not None:
        await _roll_back(kernel, ci, folio, entry, shadow)
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK_CHARGE")
        return Errno.ENOMEM
    if order > 1 and await folio_memcg_alloc_deferred(kernel, folio) is not None:
        await _roll_back(kernel, ci, folio, entry, shadow)
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
) -> tuple[Errno | None, int, int]:
    """Check once more, and insert in the same critical section; error, shadow and owner."""
    async with ci.lock.hold("swap_cache_alloc.recheck"):
        err, shadow, memcg_id = _swap_cache_add_check(
            kernel, ci, targ_entry, folio.nr, owner=True
        )
        if err is None:
            _insert(kernel, ci, folio, round_down(targ_entry, folio.nr))
    return err, shadow, memcg_id


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
    """Try the allowed orders, of which there must be one, from the highest down.

    EINVAL if there is none or one is larger than a cluster; the error of the last order, EBUSY
    among them, where order 0 is not allowed.
    """
    order = highest_order(kernel, orders)
    invalid = not orders or 1 << order > SWAPFILE_CLUSTER
    if warn_on(kernel, invalid, "no order is allowed, or one that is too large"):
        return Errno.EINVAL
    while True:
        ret = await _swap_cache_alloc(kernel, targ_entry, gfp, order, vmf, mpol, ilx)
        if not isinstance(ret, Errno):
            return ret
        if not order or ret not in (Errno.EBUSY, Errno.ENOMEM):
            return ret
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK")
        orders, order = next_order(kernel, orders, order)
        if not orders:
            return ret


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


@kernel_function
async def swapin_sync(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | Errno | None:
    """Swap in for a fault, with order 0 allowed; an error number on failure."""
    orders = await thp_swapin_suitable_orders(kernel, vmf) | 1
    while True:
        folio = await swap_cache_get_folio(kernel, entry)
        if folio is not None:
            return folio
        ret = await swap_cache_alloc_folio(kernel, entry, gfp, orders, vmf, None, 0)
        if ret is not Errno.EEXIST:
            break
    if isinstance(ret, Errno):
        return ret
    await swap_read_folio(kernel, ret)
    return ret
