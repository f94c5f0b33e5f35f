# SPDX-License-Identifier: MIT OR Apache-2.0
"""next: the tree after the merge (N), which looks at zswap too, and leaves the LRU to callers.

What is here is what it changes over v5. A large folio that has just been inserted is taken out
again, EBUSY, if zswap holds any slot of its range: the insertion keeps new compressed copies
out, so that the answer stays true, which a look before it would not. All failures after the
insertion leave by one way. The folio is returned off the LRU; readers put it there. The
writeback of zswap does not: it has no use for the folio once it is written, and drops it then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm import vmscan
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, plain, warn_on
from swaptrio.mm.memcontrol import charge_memcg, folio_memcg_alloc_deferred
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.memory import thp_swapin_suitable_orders
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.shmem.swapin import GFP
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwpEntry, round_down, swp_offset, swp_type
from swaptrio.mm.swap_state import (
    _swap_entry_to_cluster,
    swap_cache_alloc_folio,
    swap_cache_get_folio,
)
from swaptrio.mm.vmstat import (
    count_mthp_stat,
    count_vm_event,
    lruvec_stat_mod_folio,
    node_stat_mod_folio,
)
from swaptrio.mm.workingset import workingset_refault
from swaptrio.sched import Kind, point
from swaptrio.variants.v5 import (
    _allocate,
    _limited,
    _recheck_and_insert,
    _roll_back,
    _swap_cache_add_check,
)

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, VmFault

BASE: Final = "v5"


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
    """One attempt at one order. Errors are those of the check, of zswap, and ENOMEM.

    Nothing is held at the start. At the end the folio is locked and off the LRU, and the caller
    has the reference of the allocation. May sleep.
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
    err = await _prepare(kernel, folio, entry, memcg_id, vmf, gfp)
    if err is not None:
        await _roll_back(kernel, ci, folio, entry, shadow)
        return err
    await _account(kernel, folio, entry, shadow)
    return folio


async def _prepare(
    kernel: Kernel, folio: Folio, entry: SwpEntry, memcg_id: int, vmf: VmFault | None, gfp: str
) -> Errno | None:
    """What can fail once a folio is inserted: zswap has part of it, the charge, the queue."""
    if folio.order and await zswap_entry_present(kernel, entry, folio.nr):
        return Errno.EBUSY
    mm = vmf.mm if vmf is not None else None
    if await charge_memcg(kernel, folio, memcg_id, mm, gfp) is not None:
        count_mthp_stat(kernel, folio.order, "SWPIN_FALLBACK_CHARGE")
        return Errno.ENOMEM
    if folio.order > 1 and await folio_memcg_alloc_deferred(kernel, folio) is not None:
        return Errno.ENOMEM
    return None


@kernel_function
async def zswap_entry_present(kernel: Kernel, entry: SwpEntry, nr: int) -> bool:
    """Whether zswap holds any of *nr* slots from *entry*.

    The slots are cached by the caller's locked folio, so no copy is added meanwhile. The
    kernel's name for it was not seen.
    """
    await point("zswap_entry_present.lookup", Kind.READ, "zswap tree")
    zswap = kernel.devices[swp_type(entry)].zswap
    offset = swp_offset(entry)
    return any(slot in zswap for slot in range(offset, offset + nr))


@kernel_function
async def _account(kernel: Kernel, folio: Folio, entry: SwpEntry, shadow: int) -> None:
    """Count a charged folio: memsw, refault, cached pages. The LRU is the caller's."""
    await point("swap_cache_alloc.memcg1", Kind.WRITE, "memcg")
    memcg1_swapin(kernel, entry, folio.nr)
    if shadow:
        await point("swap_cache_alloc.refault", Kind.WRITE, "workingset")
        workingset_refault(kernel, folio, shadow)
    await point("swap_cache_alloc.stat", Kind.WRITE, "vmstat")
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", folio.nr)


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
    await point("swap_cache_read_folio.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, ret)
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
    await point("swapin_sync.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, ret)
    await swap_read_folio(kernel, ret)
    return ret


@kernel_function
async def shmem_swapin_sync(
    kernel: Kernel, entry: SwpEntry, orders: int, ilx: int
) -> Folio | Errno:
    """As `swapin_sync`, for a file, which says which *orders*."""
    while True:
        folio = await swap_cache_get_folio(kernel, entry)
        if folio is not None:
            return folio
        ret = await swap_cache_alloc_folio(kernel, entry, GFP, orders, None, "shmem", ilx)
        if ret is not Errno.EEXIST:
            break
    if isinstance(ret, Errno):
        return ret
    await point("shmem_swapin_sync.lru", Kind.WRITE, "lru")
    folio_add_lru(kernel, ret)
    await swap_read_folio(kernel, ret)
    return ret


@kernel_function
def _account_removal(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """Count a folio that reclaim takes out while it belongs to its group, as the model does."""
    plain(vmscan._account_removal)(kernel, folio, entry)


@kernel_function
def zswap_mark_for_reclaim(kernel: Kernel, folio: Folio) -> None:
    """Let a folio that is on no LRU be dropped as soon as it is written."""
    folio.dropbehind = True
