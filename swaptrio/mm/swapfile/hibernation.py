# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots for an image of memory.

Hibernation takes single slots without a folio. They count as used once, by nobody else.
Readahead can put a folio in such a slot (catalogue A16). Tree N leaves it to the cache then to
free the slot. From phase III on, before that was mended, the slot was freed all the same, and
the folio was left naming a slot that belongs to somebody else next. A version that does so has
`put_even_if_cached` in the place of `_swap_cluster_put_hibernation`.

While an image is written its device must stay: `pin_hibernation_swap_type` has swapoff refuse.
"""

from __future__ import annotations

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import (
    NO_ENTRY,
    SWAPFILE_CLUSTER,
    SWP_HIBERNATION,
    SWP_WRITEOK,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import _swap_table_get, swp_tb_is_folio
from swaptrio.mm.swapfile.allocation import alloc_swap_scan_cluster, cluster_alloc_swap_entry
from swaptrio.mm.swapfile.clusters import cluster_is_usable
from swaptrio.mm.swapfile.counts import _swap_cluster_put_entry
from swaptrio.mm.swapfile.freeing import _swap_cluster_free_entries
from swaptrio.mm.swapfile.reclaim import TTRS_ANYWAY, _try_to_reclaim_swap
from swaptrio.sched import running_task


@kernel_function
async def swap_alloc_hibernation_slot(kernel: Kernel, number: int) -> SwpEntry:
    """One slot of a device, in use and not cached; 0 if it has none.

    It is taken from the cluster of this CPU if that is the device's. The caller has pinned the
    device.
    """
    if number >= len(kernel.devices):
        return NO_ENTRY
    si = kernel.devices[number]
    offset = 0
    cached, place = kernel.percpu_swap_cluster.get((running_task().name, 0), (0, 0))
    if place and cached == number:
        ci = swap_cluster(si, place)
        await ci.lock.acquire("swap_alloc_hibernation_slot.lock")
        if cluster_is_usable(kernel, ci, 0):
            offset = await alloc_swap_scan_cluster(kernel, si, ci, None, place)
        else:
            ci.lock.release()
    offset = offset or await cluster_alloc_swap_entry(kernel, si, None)
    return swp_entry(number, offset) if offset else NO_ENTRY


@kernel_function
async def swap_free_hibernation_slot(kernel: Kernel, entry: SwpEntry) -> None:
    """Give back a slot of `swap_alloc_hibernation_slot`. The caller has pinned the device.

    Readahead may have put a folio there by accident: that is tried to be reclaimed.
    """
    si = kernel.devices[swp_type(entry)]
    offset = swp_offset(entry)
    ci = swap_cluster(si, offset)
    async with ci.lock.hold("swap_free_hibernation_slot.lock"):
        si.image.pop(offset, None)
        _swap_cluster_put_hibernation(kernel, si, ci, offset % SWAPFILE_CLUSTER)
    await _try_to_reclaim_swap(kernel, si, offset, TTRS_ANYWAY)


@kernel_function
def _swap_cluster_put_hibernation(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, ci_off: int
) -> None:
    """Drop the count of a slot of an image, and free it unless it is cached.

    The cluster lock is held. As in tree N; part of `swap_free_hibernation_slot` there.
    """
    if swp_tb_is_folio(_swap_table_get(kernel, ci, ci_off)):
        _swap_cluster_put_entry(kernel, ci, ci_off)
    else:
        _swap_cluster_free_entries(kernel, si, ci, ci_off, 1)


def put_even_if_cached(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, ci_off: int
) -> None:
    """Drop the count of a slot of an image, and free it whatever it holds.

    The cluster lock is held. As from phase III on, before it was mended.
    """
    _swap_cluster_put_entry(kernel, ci, ci_off)
    _swap_cluster_free_entries(kernel, si, ci, ci_off, 1)


@kernel_function
async def pin_hibernation_swap_type(kernel: Kernel, number: int) -> Errno | None:
    """Keep a device for an image: swapoff refuses from now on.

    EINVAL if it is not in use; EBUSY, with a warning, if it is kept already. The kernel finds
    it by block device and offset.
    """
    async with kernel.swap_lock.hold("pin_hibernation_swap_type.lock"):
        if number >= len(kernel.devices) or not kernel.devices[number].flags & SWP_WRITEOK:
            return Errno.EINVAL
        si = kernel.devices[number]
        kept = bool(si.flags & SWP_HIBERNATION)
        if warn_on(kernel, kept, "device is kept for hibernation twice"):
            return Errno.EBUSY
        si.flags |= SWP_HIBERNATION
    return None


@kernel_function
async def unpin_hibernation_swap_type(kernel: Kernel, number: int) -> None:
    """Let a device go off again that was kept for an image."""
    async with kernel.swap_lock.hold("unpin_hibernation_swap_type.lock"):
        kernel.devices[number].flags &= ~SWP_HIBERNATION
