# SPDX-License-Identifier: MIT OR Apache-2.0
"""zswap: compressed copies of slots, and writing them back (mm/zswap.c).

The tree of a device is a dict from slot to entry. Only what the patch needs is here: load,
invalidate, and the writeback that uses the swap cache's allocation at order 0. Source: N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import page_io, swap_state, swapfile
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.page_alloc import folio_put, folio_unlock
from swaptrio.mm.swap_h import SwpEntry, swp_offset, swp_type
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapInfoStruct


@kernel_function
def zswap_invalidate(kernel: Kernel, si: SwapInfoStruct, offset: int) -> None:
    """Forget what zswap holds for a slot."""
    si.zswap.pop(offset, None)


@kernel_function
async def zswap_load(kernel: Kernel, folio: Folio) -> Errno | None:
    """Fill a locked folio from zswap.

    Returns none if it did: the folio then is dirty, for its compressed copy is gone. ENOENT if
    zswap holds nothing of it, EINVAL for a large folio of which it holds anything.
    """
    si = kernel.devices[swp_type(folio.swap)]
    offset = swp_offset(folio.swap)
    await point("zswap_load.lookup", Kind.READ, "zswap tree")
    held = [slot for slot in range(offset, offset + folio.nr) if slot in si.zswap]
    if not held:
        return Errno.ENOENT
    if warn_on(kernel, folio.nr > 1, "a large folio is in zswap in part"):
        return Errno.EINVAL
    folio.pages[0] = si.zswap.pop(offset).token
    folio.uptodate = folio.dirty = True
    return None


@kernel_function
async def zswap_writeback_entry(kernel: Kernel, entry: SwpEntry) -> Errno | None:
    """Write one compressed slot to the device through the swap cache, to free its memory.

    The caller has seen an entry for the slot, when this task begins, and holds nothing. EEXIST
    says that somebody swaps the slot in at this moment, ENOMEM that the entry is not the one
    that was seen; other errors are those of the allocation. Decompressing does not fail in the
    model. The device is let go at once: the locked, cached folio keeps the slot in use.
    """
    remembered = kernel.devices[swp_type(entry)].zswap.get(swp_offset(entry))
    si = await swapfile.get_swap_device(kernel, entry)
    if si is None:
        return Errno.EEXIST
    folio = await swap_state.swap_cache_alloc_folio(
        kernel, entry, "GFP_KERNEL", 1, None, "task", 0
    )
    await swapfile.put_swap_device(kernel, si)
    if isinstance(folio, Errno):
        return folio
    await point("zswap_writeback_entry.match", Kind.READ, "zswap tree")
    if remembered is None or si.zswap.get(swp_offset(entry)) is not remembered:
        await swap_state.swap_cache_del_folio(kernel, folio)
        await folio_unlock(kernel, folio, "zswap_writeback_entry.abort")
        folio_put(kernel, folio)
        return Errno.ENOMEM
    folio.pages[0] = remembered.token
    del si.zswap[swp_offset(entry)]
    folio.uptodate = True
    await page_io._swap_writepage(kernel, folio)
    folio_put(kernel, folio)
    return None
