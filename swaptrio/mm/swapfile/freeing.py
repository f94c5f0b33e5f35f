# SPDX-License-Identifier: MIT OR Apache-2.0
"""Giving counts back, and freeing slots that nobody uses any more.

The last count of a slot that is not cached frees it. One that is cached is freed when its folio
leaves the cache, which is only tried here. Slots are freed in runs.

Source: tree N.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memcontrol import mem_cgroup_uncharge_swap
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    SWP_TB_NULL,
    _swap_cgroup_get,
    _swap_table_get,
    _swap_table_set,
    _swp_tb_get_count,
    swp_tb_get_count,
    swp_tb_is_folio,
    swp_tb_is_shadow,
)
from swaptrio.mm.swapfile.clusters import (
    cluster_offset,
    free_cluster,
    partial_free_cluster,
)
from swaptrio.mm.swapfile.counts import _swap_cluster_put_entry
from swaptrio.mm.swapfile.devices import get_swap_device, put_swap_device, swap_range_free
from swaptrio.mm.swapfile.reclaim import TTRS_FULL, TTRS_UNMAPPED, _try_to_reclaim_swap

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
def _swap_cluster_free_entries(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, start: int, nr: int
) -> None:
    """Free *nr* slots from *start*: Shadow words with a count of at most 1 become NULL.

    The owners' charges and what depends on the slots go with them, and the cluster goes on the
    list for its state. The cluster lock is held.
    """
    warn_on(kernel, ci.count < nr, "more slots freed than are in use")
    ci.count -= nr
    for off in range(start, start + nr):
        old_tb = _swap_table_get(kernel, ci, off)
        usable = swp_tb_is_shadow(old_tb) and _swp_tb_get_count(kernel, old_tb) <= 1
        warn_on(kernel, not usable, "slot freed while cached or in use")
        _swap_table_set(ci, off, SWP_TB_NULL)
    _uncharge_by_owner(kernel, si, ci, start, nr)
    swap_range_free(kernel, si, cluster_offset(ci) + start, nr)
    if ci.count == 0:
        free_cluster(kernel, si, ci)
    else:
        partial_free_cluster(kernel, si, ci)


def _uncharge_by_owner(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, start: int, nr: int
) -> None:
    """Uncharge each run of slots that have the same recorded owner."""
    offset = cluster_offset(ci)
    for _, run in groupby(range(start, start + nr), lambda off: _swap_cgroup_get(ci, off)):
        slots = list(run)
        entry = swp_entry(si.type, offset + slots[0])
        mem_cgroup_uncharge_swap(kernel, entry, len(slots))


@kernel_function
async def swap_put_entries_direct(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Drop one count of each of *nr* slots from *entry*. May be called under a page-table lock.

    Slots that nobody uses and that are not cached are freed; those that are cached are left to
    an attempt to reclaim their folio. The range may go over more than one cluster, each of
    which is locked in turn. Keeps the device alive by itself.
    """
    si = await get_swap_device(kernel, entry)
    if si is None:
        warn_on(kernel, True, "counts dropped on a device that is not there")
        return
    offset = swp_offset(entry)
    if not warn_on(kernel, offset + nr > si.max, "counts dropped past the end of the device"):
        end = offset + nr
        while offset < end:
            rest = min(end - offset, SWAPFILE_CLUSTER - offset % SWAPFILE_CLUSTER)
            await swap_put_entries_cluster(
                kernel, si, offset, rest, "swap_put_entries_direct.lock", reclaim=True
            )
            offset += rest
    await put_swap_device(kernel, si)


@kernel_function
async def swap_put_entries_cluster(
    kernel: Kernel, si: SwapInfoStruct, offset: int, nr: int, label: str, *, reclaim: bool
) -> None:
    """Drop one count of each of *nr* slots of one cluster from *offset*.

    Those at count 1 that are not cached are freed in runs; the caller or the cache keeps all of
    them in use until then. The cluster lock is taken at *label*. With *reclaim* the folios of
    slots that are left without a user are tried to be reclaimed after that.
    """
    ci = swap_cluster(si, offset)
    first = offset % SWAPFILE_CLUSTER
    last_of_cached = False
    start = None
    async with ci.lock.hold(label):
        for off in range(first, first + nr):
            swp_tb = _swap_table_get(kernel, ci, off)
            last = swp_tb_get_count(swp_tb) == 1
            if last and not swp_tb_is_folio(swp_tb):
                start = off if start is None else start
                continue
            last_of_cached |= last
            _swap_cluster_put_entry(kernel, ci, off)
            if start is not None:
                _swap_cluster_free_entries(kernel, si, ci, start, off - start)
                start = None
        if start is not None:
            _swap_cluster_free_entries(kernel, si, ci, start, first + nr - start)
    if last_of_cached and reclaim:
        await _reclaim_range(kernel, si, offset, nr)


async def _reclaim_range(kernel: Kernel, si: SwapInfoStruct, offset: int, nr: int) -> None:
    """Try to reclaim what caches any of *nr* slots, folio by folio."""
    end = offset + nr
    while offset < end:
        pages = await _try_to_reclaim_swap(kernel, si, offset, TTRS_UNMAPPED | TTRS_FULL)
        offset += 1
        if pages:
            offset = -(-offset // abs(pages)) * abs(pages)


@kernel_function
async def folio_put_swap(kernel: Kernel, folio: Folio, page: int | None) -> None:
    """Lower the count of one page's slot, or of all (*page* is none).

    The folio is locked and cached, and so nothing is freed.
    """
    si = kernel.devices[swp_type(folio.swap)]
    offset, nr = (0, folio.nr) if page is None else (page, 1)
    offset += swp_offset(folio.swap)
    await swap_put_entries_cluster(kernel, si, offset, nr, "folio_put_swap.lock", reclaim=False)
