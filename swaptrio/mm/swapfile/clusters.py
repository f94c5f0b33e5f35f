# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clusters, and the lists on which they wait to be used again.

=======  ===========================  =====================================================
flag     list                         the cluster is
=======  ===========================  =====================================================
NONE     none                         in the hands of who has isolated it
FREE     free_clusters                empty, and has no table
NONFULL  nonfull_clusters[order]      used in part; a slot was freed since
FRAG     frag_clusters[order]         used in part; an allocation has passed through since
FULL     full_clusters                used up
DISCARD  discard_clusters, or none    empty, and not to be used before it is discarded
=======  ===========================  =====================================================

A cluster's flag and order change under its lock, and say on which list it is; the lists change
under the device's lock, which nests inside. Who looks for a cluster takes the two the other way
round, so it only tries the inner one and passes over clusters that somebody works on. A cluster
has a table if and only if it is not on the free list.

Lists are dicts by number: the first is the oldest, and each change takes the same time however
many there are.

Source: tree N.
"""

from __future__ import annotations

from typing import Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_PAGE_DISCARD,
    SWP_SOLIDSTATE,
    SWP_WRITEOK,
    ClusterFlag,
    Clusters,
    SwapClusterInfo,
    SwapInfoStruct,
)
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.mm.swapfile.devices import DISCARD, lock_at_once, schedule_work
from swaptrio.sched import Kind, might_sleep, point

_DISCARDS: Final = SWP_WRITEOK | SWP_PAGE_DISCARD

#: Flags of clusters that allocations may use.
_USABLE: Final = (ClusterFlag.NONE, ClusterFlag.FREE, ClusterFlag.NONFULL, ClusterFlag.FRAG)


def list_of(si: SwapInfoStruct, ci: SwapClusterInfo) -> Clusters:
    """The list that a cluster's flag and order say; an empty one where that is none."""
    match ci.flags:
        case ClusterFlag.FREE:
            return si.free_clusters
        case ClusterFlag.NONFULL:
            return si.nonfull_clusters[ci.order]
        case ClusterFlag.FRAG:
            return si.frag_clusters[ci.order]
        case ClusterFlag.FULL:
            return si.full_clusters
        case ClusterFlag.DISCARD:
            return si.discard_clusters
        case ClusterFlag.NONE:
            return {}


def cluster_offset(ci: SwapClusterInfo) -> int:
    """The first slot of a cluster, counted over the whole device."""
    return ci.number * SWAPFILE_CLUSTER


@kernel_function
def cluster_is_usable(kernel: Kernel, ci: SwapClusterInfo, order: int) -> bool:
    """Whether a cluster may serve an allocation of *order*. The cluster lock is held.

    It must have a table and not be full, nor wait to be discarded; a large order needs one that
    is kept for it, or empty.
    """
    if ci.flags not in _USABLE or ci.table is None:
        return False
    return order == 0 or ci.count == 0 or ci.order == order


@kernel_function
def swap_cluster_free_table(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """Take the table from a cluster that has become empty. The cluster lock is held.

    Lockless readers see no table, or all NULL: RCU keeps the old one for them. An extend table
    goes too; tree N leaves that behind, empty, which a later patch mends.
    """
    ci.table = None
    ci.extend_table = None


@kernel_function
async def swap_cluster_alloc_table(kernel: Kernel, ci: SwapClusterInfo) -> Errno | None:
    """Give an isolated, empty cluster its table, all NULL; ENOMEM by decision."""
    if await kernel.injection.fails("table"):
        return Errno.ENOMEM
    ci.table = [SWP_TB_NULL] * SWAPFILE_CLUSTER
    return None


@kernel_function
async def swap_cluster_populate(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo
) -> SwapClusterInfo | None:
    """Give a cluster that was isolated from the free list its table; the cluster, or none.

    The cluster lock is held, and given back where it is none. Without memory the locks are
    dropped for an attempt that may sleep. Nothing has to be looked at again after that: the
    cluster is on no list, so nobody else has found it.
    """
    if await swap_cluster_alloc_table(kernel, ci) is None:
        return ci
    ci.lock.release()
    if not si.flags & SWP_SOLIDSTATE:
        si.global_cluster_lock.release()
    might_sleep("swap_cluster_populate.sleep")
    await point("swap_cluster_populate.sleep")
    error = await swap_cluster_alloc_table(kernel, ci)
    if not si.flags & SWP_SOLIDSTATE:
        await si.global_cluster_lock.acquire("swap_cluster_populate.global_lock")
    await ci.lock.acquire("swap_cluster_populate.relock")
    if error is None:
        return ci
    move_cluster(kernel, si, ci, si.free_clusters, ClusterFlag.FREE)
    ci.lock.release()
    return None


@kernel_function
async def isolate_lock_cluster(
    kernel: Kernel, si: SwapInfoStruct, clusters: Clusters
) -> SwapClusterInfo | None:
    """The first cluster on a list that nobody works on: off the list, locked, with a table.

    None if there is none, though the list need not be empty then.
    """
    async with si.lock.hold("isolate_lock_cluster.lock"):
        ci = next((each for each in clusters.values() if each.lock.try_acquire()), None)
        if ci is None:
            return None
        del clusters[ci.number]
        before, ci.flags = ci.flags, ClusterFlag.NONE
    if before is ClusterFlag.FREE:
        warn_on(kernel, ci.table is not None, "free cluster has a table")
        return await swap_cluster_populate(kernel, si, ci)
    return ci


@kernel_function
def move_cluster(
    kernel: Kernel,
    si: SwapInfoStruct,
    ci: SwapClusterInfo,
    clusters: Clusters,
    flag: ClusterFlag,
) -> None:
    """Put a cluster at the end of a list, from whatever list it is on. Its lock is held."""
    warn_on(kernel, ci.flags is flag, "cluster moved to the list that it is on")
    lock_at_once(si.lock)
    list_of(si, ci).pop(ci.number, None)
    clusters[ci.number] = ci
    si.lock.release()
    ci.flags = flag


@kernel_function
def relocate_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Put a cluster on its list after an attempt to allocate from it. Its lock is held.

    The lock may have been dropped meanwhile, so the cluster can be on any list by now; one that
    waits to be discarded stays where it is.
    """
    if ci.flags is ClusterFlag.DISCARD:
        return
    if ci.count == 0:
        if ci.flags is not ClusterFlag.FREE:
            free_cluster(kernel, si, ci)
    elif ci.count != SWAPFILE_CLUSTER:
        if ci.flags is not ClusterFlag.FRAG:
            move_cluster(kernel, si, ci, si.frag_clusters[ci.order], ClusterFlag.FRAG)
    elif ci.flags is not ClusterFlag.FULL:
        move_cluster(kernel, si, ci, si.full_clusters, ClusterFlag.FULL)


@kernel_function
def free_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Put a cluster that has become empty where it belongs. Its lock is held.

    Where the device discards and is in use, it has to wait for that first, with its table.
    """
    warn_on(kernel, ci.flags is ClusterFlag.FREE, "free cluster is freed again")
    if si.flags & _DISCARDS == _DISCARDS:
        swap_cluster_schedule_discard(kernel, si, ci)
    else:
        _free_cluster(kernel, si, ci)


@kernel_function
def _free_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Put an empty cluster on the free list, without its table. Its lock is held."""
    swap_cluster_free_table(kernel, ci)
    move_cluster(kernel, si, ci, si.free_clusters, ClusterFlag.FREE)
    ci.order = 0


@kernel_function
def partial_free_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Put a cluster on the list of those with a freed slot. Its lock is held."""
    if ci.flags is not ClusterFlag.NONFULL:
        move_cluster(kernel, si, ci, si.nonfull_clusters[ci.order], ClusterFlag.NONFULL)


@kernel_function
def swap_cluster_schedule_discard(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo
) -> None:
    """Let an empty cluster wait for the worker to discard it. Its lock is held."""
    move_cluster(kernel, si, ci, si.discard_clusters, ClusterFlag.DISCARD)
    schedule_work(kernel, si, DISCARD)


@kernel_function
async def swap_do_scheduled_discard(kernel: Kernel, si: SwapInfoStruct) -> bool:
    """Discard all clusters that wait for it, and set them free; whether there were any.

    While one is discarded it is on no list and keeps its flag: a CPU may still remember it as
    where to go on, and must not. May sleep.
    """
    discarded = False
    while True:
        async with si.lock.hold("swap_do_scheduled_discard.lock"):
            ci = next(iter(si.discard_clusters.values()), None)
            if ci is None:
                return discarded
            del si.discard_clusters[ci.number]
        await discard_swap_cluster(kernel, si, ci)
        async with ci.lock.hold("swap_do_scheduled_discard.free"):
            ci.flags = ClusterFlag.NONE
            _free_cluster(kernel, si, ci)
        discarded = True


@kernel_function
async def discard_swap_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Tell the device that it may forget what it holds for a cluster. May sleep."""
    might_sleep("discard_swap_cluster.discard")
    await point("discard_swap_cluster.discard", Kind.WRITE, si.name)
    first = cluster_offset(ci)
    for slot in range(first, first + SWAPFILE_CLUSTER):
        si.data.pop(slot, None)
