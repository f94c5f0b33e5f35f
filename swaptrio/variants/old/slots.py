# SPDX-License-Identifier: MIT OR Apache-2.0
"""The bit of a slot, and what it means for counts and for slots that are given back."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_state import _swap_entry_to_cluster
from swaptrio.mm.swap_table import (
    _swap_table_get,
    count_of,
    swap_table_get,
    swp_tb_get_count,
    swp_tb_is_bad,
)
from swaptrio.mm.swapfile import _swap_cluster_free_entries
from swaptrio.mm.swapfile.counts import _swap_cluster_put_entry
from swaptrio.mm.swapfile.freeing import _reclaim_range
from swaptrio.sched import Kind, point, sleep

#: A tick of the clock in nanoseconds, at 1000 a second.
TICK: Final = 1_000_000


@kernel_function
async def swapcache_prepare(kernel: Kernel, entry: SwpEntry, nr: int) -> Errno | None:
    """Claim *nr* slots of one cluster from *entry*: set the bit of each, or of none.

    ENOENT where one is bad, or free; EEXIST where one has its bit set. The first that cannot be
    claimed decides. Takes the cluster lock; the device is kept alive by the caller.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    first = swp_cluster_offset(entry)
    async with ci.lock.hold("swapcache_prepare.lock"):
        for off in range(first, first + nr):
            if off in ci.has_cache:
                return Errno.EEXIST
            if not count_of(swap_table_get(ci, off)):
                return Errno.ENOENT
        ci.has_cache.update(dict.fromkeys(range(first, first + nr)))
    return None


@kernel_function
async def put_swap_folio(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Clear the bits of *nr* slots that a folio has left, or was to get. Their ends free them.

    Takes the cluster lock. The bits keep the device alive.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("put_swap_folio.lock"):
        swap_entries_put_cache(kernel, ci, entry, nr)


@kernel_function
async def swapcache_clear(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Let go of slots that were claimed by `swapcache_prepare` and not cached.

    Takes the cluster lock. Whoever sleeps for them is woken in the kernel; here they come back
    at their tick, which may be at any moment.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("swapcache_clear.lock"):
        swap_entries_put_cache(kernel, ci, entry, nr)


@kernel_function
def swap_entries_put_cache(
    kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int
) -> None:
    """Clear the bits of *nr* slots, and free those with a count of 0. The cluster lock is held.

    All are freed at once where none is in use, one by one otherwise.
    """
    si = kernel.devices[swp_type(entry)]
    first = swp_cluster_offset(entry)
    slots = range(first, first + nr)
    unused = [off for off in slots if not count_of(_swap_table_get(kernel, ci, off))]
    for off in slots:
        warn_on(kernel, off not in ci.has_cache, "slot is let go of, and was not claimed")
        ci.has_cache.pop(off, None)
    if len(unused) == nr:
        _swap_cluster_free_entries(kernel, si, ci, first, nr)
        return
    for off in unused:
        _swap_cluster_free_entries(kernel, si, ci, off, 1)


@kernel_function
async def schedule_timeout_uninterruptible(kernel: Kernel, label: str) -> None:
    """Sleep for a tick, at *label*. Who has claimed the slot may go on meanwhile."""
    await sleep(label, TICK)


@kernel_function
async def _swap_count(kernel: Kernel, entry: SwpEntry) -> int:
    """The count of a slot, without its bit. Read without the lock."""
    ci = _swap_entry_to_cluster(kernel, entry)
    await point("swap_count.read", Kind.READ, ci.lock)
    return count_of(swap_table_get(ci, swp_cluster_offset(entry)))


@kernel_function
async def swap_entry_swapped(kernel: Kernel, entry: SwpEntry) -> bool:
    """Whether a slot has a count, which a bad one has not. Read without the lock."""
    ci = _swap_entry_to_cluster(kernel, entry)
    await point("swap_entry_swapped.read", Kind.READ, ci.lock)
    swp_tb = swap_table_get(ci, swp_cluster_offset(entry))
    return not swp_tb_is_bad(swp_tb) and count_of(swp_tb) > 0


@kernel_function
async def swap_cache_has_folio(kernel: Kernel, entry: SwpEntry) -> bool:
    """Whether a slot has its bit, with or without a folio. Read without the cluster lock."""
    ci = _swap_entry_to_cluster(kernel, entry)
    await point("swap_cache_has_folio.read", Kind.READ, ci.lock)
    return swp_cluster_offset(entry) in ci.has_cache


@kernel_function
async def swap_free_nr(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Lower the counts of *nr* slots of one cluster from *entry*. Takes the cluster lock.

    Those that reach 0 and have no bit are freed. The device is kept alive by the caller.
    """
    si = kernel.devices[swp_type(entry)]
    await swap_put_entries_cluster(
        kernel, si, swp_offset(entry), nr, "swap_free_nr.lock", reclaim=False
    )


@kernel_function
async def swap_put_entries_cluster(
    kernel: Kernel, si: SwapInfoStruct, offset: int, nr: int, label: str, *, reclaim: bool
) -> None:
    """Drop one count of each of *nr* slots of one cluster from *offset*.

    Those at count 1 that have no bit are freed in runs; who has claimed one frees it later. The
    cluster lock is taken at *label*. With *reclaim* the folios of slots that are left without a
    user are tried to be reclaimed after that.
    """
    ci = swap_cluster(si, offset)
    first = offset % SWAPFILE_CLUSTER
    slots = range(first, first + nr)
    async with ci.lock.hold(label):
        last = [off for off in slots if swp_tb_get_count(_swap_table_get(kernel, ci, off)) == 1]
        free = [off for off in last if off not in ci.has_cache]
        for off in slots:
            if off not in free:
                _swap_cluster_put_entry(kernel, ci, off)
        runs = [list(run) for _, run in groupby(free, lambda off: off - free.index(off))]
        for start, *rest in runs:
            _swap_cluster_free_entries(kernel, si, ci, start, 1 + len(rest))
    if len(free) < len(last) and reclaim:
        await _reclaim_range(kernel, si, offset, nr)


@kernel_function
def _swap_cluster_put_hibernation(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, ci_off: int
) -> None:
    """Drop the count of a slot of an image, and free it unless it has its bit.

    The cluster lock is held.
    """
    if ci_off in ci.has_cache:
        _swap_cluster_put_entry(kernel, ci, ci_off)
    else:
        _swap_cluster_free_entries(kernel, si, ci, ci_off, 1)
