# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes with what keeps a device there until nobody uses it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import plain
from swaptrio.mm.memory.swap_fault import _swap_in
from swaptrio.mm.mm_types import VmFaultReason, let_go
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_unlock
from swaptrio.mm.page_io import _swap_writepage
from swaptrio.mm.swap_h import (
    SWP_USED,
    SWP_WRITEOK,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    ZswapEntry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_state import _swap_cache_del_folio, swap_cache_alloc_folio
from swaptrio.mm.swap_table import count_of, swap_table_get
from swaptrio.mm.swapfile import get_swap_device, put_swap_device
from swaptrio.mm.swapfile.allocation import _swap_cluster_alloc_entries
from swaptrio.mm.swapfile.devices import del_from_avail_list
from swaptrio.mm.swapfile.freeing import swap_put_entries_cluster
from swaptrio.mm.swapfile.reclaim import slots_of
from swaptrio.mm.swapfile.swapoff import wait_for_allocation
from swaptrio.mm.zswap import (
    _abort_writeback,
    swap_zswap_tree,
    zswap_decompress,
    zswap_invalidate,
    zswap_mark_for_reclaim,
    zswap_writeback_entry,
)
from swaptrio.sched import Kind, point
from swaptrio.variants.mutants.mutant import Mutant

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio, VmFault


async def swap_put_entries_unpinned(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Drop counts without a reference to the device.

    When they are dropped nothing keeps it there, and its table is looked into once more.
    """
    si = kernel.devices[swp_type(entry)]
    label = "swap_put_entries_direct.lock"
    await swap_put_entries_cluster(kernel, si, swp_offset(entry), nr, label, reclaim=True)


async def swap_cache_del_counting_first(kernel: Kernel, folio: Folio) -> None:
    """Count slots as free before what depends on them is cleaned up.

    Who takes the device off meanwhile finds it unused, with compressed pages left.
    """
    si = kernel.devices[swp_type(folio.swap)]
    ci, slots = slots_of(kernel, folio, None)
    async with ci.lock.hold("swap_cache_del_folio.lock"):
        unused = sum(not count_of(swap_table_get(ci, off)) for off in slots)
        si.inuse_pages -= unused
        await point("swap_cache_del_folio.cleanup", Kind.WRITE, "zswap tree")
        si.inuse_pages += unused  # which are counted once more as they are freed
        _swap_cache_del_folio(kernel, ci, folio, folio.swap, 0)
    let_go(folio, folio.nr)
    folio.refs -= folio.nr


async def zswap_writeback_unlocked(
    kernel: Kernel, entry: SwpEntry, remembered: ZswapEntry | None = None
) -> Errno | None:
    """Unlock the folio before the tree is looked into, and lock it for the write.

    Nothing keeps the slot in use meanwhile, nor its device there.
    """
    remembered = remembered or kernel.devices[swp_type(entry)].zswap.get(swp_offset(entry))
    si = await get_swap_device(kernel, entry)
    if si is None:
        return Errno.EEXIST
    folio = await swap_cache_alloc_folio(kernel, entry, "GFP_KERNEL", 1, None, "task", 0)
    await put_swap_device(kernel, si)
    if isinstance(folio, Errno):
        return folio
    await folio_unlock(kernel, folio, "zswap_writeback_entry.early_unlock")
    await point("zswap_writeback_entry.match", Kind.READ, "zswap tree")
    matches = remembered is not None and si.zswap.get(swp_offset(entry)) is remembered
    token = await zswap_decompress(kernel, remembered) if matches and remembered else None
    await folio_lock(kernel, folio, "zswap_writeback_entry.late_lock")
    if token is None:
        return await _abort_writeback(kernel, folio, Errno.ENOMEM)
    folio.pages[0] = token
    zswap_invalidate(kernel, si, swp_offset(entry))
    folio.uptodate = True
    zswap_mark_for_reclaim(kernel, folio)
    await _swap_writepage(kernel, folio)
    folio_put(kernel, folio)
    return None


async def zswap_writeback_tree_first(
    kernel: Kernel, entry: SwpEntry, remembered: ZswapEntry | None = None
) -> Errno | None:
    """Look for what was picked from the LRU in the tree at once, and cache the slot later.

    Nothing keeps the device there yet, and its tree may be freed.
    """
    tree = swap_zswap_tree(kernel, entry)
    if remembered is not None and tree.get(swp_offset(entry)) is not remembered:
        return Errno.ENOMEM
    error: Errno | None = await plain(zswap_writeback_entry)(kernel, entry, remembered)
    return error


async def do_swap_page_unpinned(kernel: Kernel, vmf: VmFault) -> VmFaultReason:
    """Swap in without a reference to the device of the entry.

    When the slot is looked at the device may have been taken off.
    """
    await point("do_swap_page.look", Kind.READ, "swap devices")
    si = kernel.devices[swp_type(vmf.orig_pte.entry)]
    if not si.flags & SWP_USED:
        return VmFaultReason.NONE
    return await _swap_in(kernel, vmf, si)


def alloc_entries_whatever_comes(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio | None, ci_off: int
) -> bool:
    """Take slots without a look whether the device may still be written to.

    swapoff has been through all clusters, and does not come back.
    """
    before, si.flags = si.flags, si.flags | SWP_WRITEOK
    taken: bool = plain(_swap_cluster_alloc_entries)(kernel, si, ci, folio, ci_off)
    si.flags = before
    return taken


def del_from_list_alone(kernel: Kernel, si: SwapInfoStruct, *, swapoff: bool) -> None:
    """Take a device off the list of those with room, which may still be written to.

    Whoever frees a slot of it before that is over puts it back.
    """
    plain(del_from_avail_list)(kernel, si, swapoff=swapoff)
    if swapoff:
        si.flags |= SWP_WRITEOK


async def wait_after_forbidding(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Forbid that the device is written to, now that it is off the list, and wait."""
    await point("wait_for_allocation.forbid", Kind.WRITE, "swap devices")
    si.flags &= ~SWP_WRITEOK
    await plain(wait_for_allocation)(kernel, si)


LIFETIME: Final = (
    Mutant(
        "tree-before-cache",
        "v3 whose zswap looks into the tree before it has the slot in the cache",
        {"zswap_writeback_entry": zswap_writeback_tree_first},
    ),
    Mutant(
        "unpinned-fault",
        "v3 whose faults keep no reference to the device of their entry",
        {"do_swap_page": do_swap_page_unpinned},
    ),
    Mutant(
        "no-writeok-recheck",
        "v3 that takes slots without a look whether the device is being swapped off",
        {"_swap_cluster_alloc_entries": alloc_entries_whatever_comes},
    ),
    Mutant(
        "late-writeok",
        "v3 whose swapoff takes a device off the list first, and forbids writing later",
        {
            "del_from_avail_list": del_from_list_alone,
            "wait_for_allocation": wait_after_forbidding,
        },
    ),
    Mutant(
        "no-pin-in-put",
        "v3 that drops the counts of slots without a reference to their device",
        {"swap_put_entries_direct": swap_put_entries_unpinned},
    ),
    Mutant(
        "inuse-first",
        "v3 that counts slots as free before it cleans up what depends on them",
        {"swap_cache_del_folio": swap_cache_del_counting_first},
    ),
    Mutant(
        "unlock-before-use",
        "v3 whose zswap writeback unlocks its folio before it looks into the tree",
        {"zswap_writeback_entry": zswap_writeback_unlocked},
    ),
)
