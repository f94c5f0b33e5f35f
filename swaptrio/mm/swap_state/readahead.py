# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading slots ahead, by their neighbours on the device or by those in memory.

Whoever needs one slot of a device that takes its time reads those around it as well, and lets
them lie in the cache. Nobody asks whether they are anybody's: a slot of another process may be
among them, a bad one, or one of hibernation (catalogue A15, A16).

How large the window is depends on earlier hits in the kernel, up to 2**page_cluster slots. That
heuristic is left out: the window always has its full size. What is read ahead is queued and
submitted in one go; the slot itself is looked up after that, when nothing is held back that its
reader could wait for.

Source: tree N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm import page_io, swapfile
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import SwapPte
from swaptrio.mm.page_alloc import folio_put, policy_of
from swaptrio.mm.swap import lru_add_drain
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_SOLIDSTATE,
    SWP_USED,
    SwpEntry,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_state.cache import swap_cache_read_folio
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, VmFault

#: The largest window by virtual pages, as a base-two logarithm.
SWAP_RA_ORDER_CEILING: Final = 5


@kernel_function
async def swapin_readahead(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | None:
    """Read a slot for a fault, and others ahead; the folio of the slot, at order 0, or none.

    The slot's device is kept alive. Its folio need not be read yet, nor need it be cached any
    more. May sleep.
    """
    if swap_use_vma_readahead(kernel):
        return await swap_vma_readahead(kernel, entry, gfp, vmf)
    return await swap_cluster_readahead(kernel, entry, gfp, policy_of(kernel, "vma"), 0)


@kernel_function
def swap_use_vma_readahead(kernel: Kernel) -> bool:
    """Whether to read ahead by virtual pages: not if that is off, or any device rotates."""
    if not kernel.config.vma_readahead:
        return False
    used = [si.flags for si in kernel.devices if si.flags & SWP_USED]
    return all(flags & SWP_SOLIDSTATE for flags in used)


@kernel_function
async def swap_cluster_readahead(
    kernel: Kernel, entry: SwpEntry, gfp: str, mpol: str | None, ilx: int
) -> Folio | None:
    """Read the aligned window of slots around one, and that one; its folio, or none.

    The window ends at the ends of the device, whose header is left out. May sleep.
    """
    number, offset = swp_type(entry), swp_offset(entry)
    size = 1 << kernel.config.page_cluster
    if size > 1:
        start = max(offset & -size, 1)
        end = min(offset | (size - 1), kernel.devices[number].max - 1)
        page_io.swap_start_plug(kernel)
        for slot in range(start, end + 1):
            await _read(kernel, swp_entry(number, slot), entry, gfp, mpol, ilx)
        await page_io.swap_finish_plug(kernel)
        await lru_add_drain(kernel)
    return await swap_cache_read_folio(kernel, entry, gfp, mpol, ilx, readahead=False)


@kernel_function
async def swap_vma_readahead(
    kernel: Kernel, targ_entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | None:
    """Read what the pages around a fault have in swap, and its own slot; its folio, or none.

    The entries of the other pages are looked at without their lock. One can name another
    device, which nobody keeps alive for it: it is pinned while its slot is read (1c2a936edd71).
    May sleep.
    """
    window = swap_vma_ra_win(kernel, vmf.page)
    if len(window) > 1:
        page_io.swap_start_plug(kernel)
        for page in window:
            await point("swap_vma_readahead.look", Kind.READ, vmf.mm.ptl)
            pte = vmf.mm.ptes.get(page)
            if isinstance(pte, SwapPte):
                await _read_neighbour(kernel, pte.entry, targ_entry, gfp)
        await page_io.swap_finish_plug(kernel)
        await lru_add_drain(kernel)
    return await swap_cache_read_folio(kernel, targ_entry, gfp, "vma", 0, readahead=False)


@kernel_function
def swap_vma_ra_win(kernel: Kernel, page: int) -> range:
    """The virtual pages to read around a fault: within its page table, its VMA being larger."""
    size = 1 << min(kernel.config.page_cluster, SWAP_RA_ORDER_CEILING)
    left = page - (size - 1) // 2
    table = page & -SWAPFILE_CLUSTER  # as many entries as a cluster has slots
    return range(max(left, table), min(left + size, table + SWAPFILE_CLUSTER))


async def _read_neighbour(
    kernel: Kernel, entry: SwpEntry, targ_entry: SwpEntry, gfp: str
) -> None:
    if swp_type(entry) == swp_type(targ_entry):
        await _read(kernel, entry, targ_entry, gfp, "vma", 0)
        return
    si = await swapfile.get_swap_device(kernel, entry)
    if si is not None:
        await _read(kernel, entry, targ_entry, gfp, "vma", 0)
        await swapfile.put_swap_device(kernel, si)


async def _read(
    kernel: Kernel, entry: SwpEntry, target: SwpEntry, gfp: str, mpol: str | None, ilx: int
) -> None:
    """Begin to read a slot, and leave its folio to the cache."""
    folio = await swap_cache_read_folio(
        kernel, entry, gfp, mpol, ilx, readahead=entry != target
    )
    if folio is not None:
        folio_put(kernel, folio)
