# SPDX-License-Identifier: MIT OR Apache-2.0
"""v4 (phase IV v4 04/12, 15 May 2026): callers say whether order 0 is allowed.

The loop ends when no order is left. What is here is what v4 changes over v3; that the size of
a folio is shifted as an unsigned long, with a debug check, is the rest. Without THP the helper
that gives the next order does not take the last one out of the set, and the loop does not end
on repeated ENOMEM: the author's own reply to the mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import Kernel, kernel_function, plain, warn_on
from swaptrio.mm.memory import thp_swapin_suitable_orders
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.shmem.swapin import shmem_swapin_sync
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.vmstat import count_mthp_stat, count_vm_event
from swaptrio.variants import v3

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, VmFault
    from swaptrio.mm.swap_h import SwpEntry

BASE: Final = "v3"


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
    """One attempt at one order, as in v3, with a debug check of the order."""
    warn_on(kernel, 1 << order > SWAPFILE_CLUSTER, "order is larger than a cluster")
    attempt = plain(v3._swap_cache_alloc)
    ret: Folio | Errno = await attempt(kernel, targ_entry, gfp, order, vmf, mpol, ilx)
    return ret


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

    The error of the last one tried; EINVAL, with a warning, where there is none.
    """
    order = highest_order(kernel, orders)
    if warn_on(kernel, not orders, "no order is allowed"):
        return Errno.EINVAL
    ret: Folio | Errno = Errno.EINVAL
    while orders:
        ret = await _swap_cache_alloc(kernel, targ_entry, gfp, order, vmf, mpol, ilx)
        if not isinstance(ret, Errno):
            return ret
        if ret not in (Errno.EBUSY, Errno.ENOMEM):
            return ret
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK")
        orders, order = next_order(kernel, orders, order)
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
    """Swap in for a fault, with order 0 allowed; none on any failure."""
    orders = await thp_swapin_suitable_orders(kernel, vmf) | 1
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
    """Swap in for a file, at the order of its entry or at order 0. May sleep.

    One call, with one interleave index for all orders; ENOMEM for any failure. Nothing large
    without THP, or where zswap was ever enabled.
    """
    if not kernel.config.thp or kernel.config.zswap_ever_enabled:
        order = 0
    ret = await shmem_swapin_sync(kernel, entry, 1 << order | 1, index >> order)
    return Errno.ENOMEM if isinstance(ret, Errno) else ret
