# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking a device off, and another one of its number on.

From the moment a device may not be written to, no slot of it is given out; whoever was about to
take one is waited for at the cluster locks. What lies there is brought back. Then no more
references are given, and the last one is waited for: until it is back somebody may look at the
clusters. After that they are taken apart.

The next device gets the same number. An entry that somebody has kept since names its slots now,
and a reference taken for it is one on the new device.

Source: tree N.
"""

from __future__ import annotations

from swaptrio.mm import zswap
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_HIBERNATION,
    SWP_USED,
    SWP_WRITEOK,
    ClusterFlag,
    SwapClusterInfo,
    SwapInfoStruct,
    swap_cluster,
)
from swaptrio.mm.swap_table import SWP_TB_BAD, SWP_TB_NULL
from swaptrio.mm.swapfile.clusters import list_of, swap_cluster_free_table
from swaptrio.mm.swapfile.devices import (
    add_to_avail_list,
    del_from_avail_list,
    lock_at_once,
)
from swaptrio.mm.swapfile.unuse import try_to_unuse
from swaptrio.mm.swapfile.work import flush_work
from swaptrio.sched import point


@kernel_function
async def swapoff(kernel: Kernel, number: int) -> Errno | None:
    """Take a device off. May sleep, for as long as anybody uses it.

    EINVAL if it is not there or is being taken off already, EBUSY while it is kept for
    hibernation. Otherwise what `try_to_unuse` says, with the device in use as before.
    """
    async with kernel.swap_lock.hold("swapoff.lock"):
        if number >= len(kernel.devices) or not kernel.devices[number].flags & SWP_WRITEOK:
            return Errno.EINVAL
        si = kernel.devices[number]
        if si.flags & SWP_HIBERNATION:
            return Errno.EBUSY
        lock_at_once(si.lock)
        del_from_avail_list(kernel, si, swapoff=True)
        kernel.nr_swap_pages -= si.pages
        kernel.total_swap_pages -= si.pages
        si.lock.release()
    await wait_for_allocation(kernel, si)
    error = await try_to_unuse(kernel, number)
    if error is not None:
        await reinsert_swap_info(kernel, si)
        return error
    await percpu_ref_kill(kernel, si)
    await flush_work(kernel, si)
    flush_percpu_swap_cluster(kernel, si)
    zswap.zswap_swapoff(kernel, si)
    await free_swap_cluster_info(kernel, si)
    si.max = si.pages = 0
    async with kernel.swap_lock.hold("swapoff.gone"):
        si.flags = 0
    return None


@kernel_function
async def wait_for_allocation(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Wait until everybody has seen that the device may not be written to.

    That is looked at under the cluster lock, right before slots are taken (catalogue C03).
    """
    for ci in si.clusters:
        async with ci.lock.hold("wait_for_allocation.lock"):
            pass


@kernel_function
async def percpu_ref_kill(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Give no more references on a device, and wait for the last. May sleep.

    The kernel waits for RCU in between, for those who look at the device without a reference
    and within one section. In the model such a section is one step.
    """
    await point("percpu_ref_kill.kill")
    si.dying = True
    si.users -= 1
    await si.users_gone.wait_for("percpu_ref_kill.wait", lambda: si.users == 0)


@kernel_function
def flush_percpu_swap_cluster(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Let no CPU go on allocating on a device that nobody can pin any more."""
    stale = [
        place for place, (number, _) in kernel.percpu_swap_cluster.items() if number == si.type
    ]
    for place in stale:
        del kernel.percpu_swap_cluster[place]


@kernel_function
async def free_swap_cluster_info(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Take the clusters of an unused device apart; nothing but bad slots may be left."""
    for ci in si.clusters:
        async with ci.lock.hold("free_swap_cluster_info.lock"):
            swap_cluster_assert_empty(kernel, ci)
            swap_cluster_free_table(kernel, ci)
            lock_at_once(si.lock)
            list_of(si, ci).pop(ci.number, None)
            si.lock.release()
            ci.flags, ci.order, ci.count = ClusterFlag.NONE, 0, 0
    si.global_cluster.clear()


@kernel_function
def swap_cluster_assert_empty(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """Warn if a cluster that goes holds anything but bad slots. Its lock is held."""
    words = [word for word in ci.table or () if word != SWP_TB_NULL]
    bad = words.count(SWP_TB_BAD)
    warn_on(kernel, bad != len(words), "slot of a device that goes is in use")
    warn_on(kernel, bad != ci.count, "cluster of a device that goes counts slots in use")
    warn_on(kernel, bool(ci.memcg_table), "slot of a device that goes has an owner")


@kernel_function
async def reinsert_swap_info(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Use a device again that could not be taken off."""
    async with kernel.swap_lock.hold("reinsert_swap_info.lock"):
        _enable_swap_info(kernel, si)


@kernel_function
def _enable_swap_info(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Let slots of a device be given out. swap_lock is held."""
    lock_at_once(si.lock)
    kernel.nr_swap_pages += si.pages
    kernel.total_swap_pages += si.pages
    add_to_avail_list(kernel, si, swapon=True)
    si.lock.release()


@kernel_function
async def swapon(kernel: Kernel, number: int) -> Errno | None:
    """Take the device of a number on again, as its header says. May sleep.

    EINVAL if there never was one of that number, EBUSY if it is there.
    """
    async with kernel.swap_lock.hold("swapon.lock"):
        if number >= len(kernel.devices):
            return Errno.EINVAL
        si = kernel.devices[number]
        if si.flags & SWP_USED:
            return Errno.EBUSY
        si.flags = SWP_USED
    setup_swap_clusters_info(si)
    await enable_swap_info(kernel, si)
    return None


@kernel_function
async def enable_swap_info(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Let a device that is set up be found, and its slots be given out."""
    await point("enable_swap_info.resurrect")
    si.users, si.dying = 1, False
    async with kernel.swap_lock.hold("enable_swap_info.lock"):
        si.flags |= si.header.flags & ~SWP_WRITEOK
        _enable_swap_info(kernel, si)


def setup_swap_clusters_info(si: SwapInfoStruct) -> None:
    """Mark the bad slots of a device that nobody can find yet, and put its clusters on lists.

    Bad are its header, those that the header names, and those behind the device's end.
    """
    header = si.header
    si.max, si.pages = header.slots, header.slots - 1 - len(header.bad)
    end = len(si.clusters) * SWAPFILE_CLUSTER
    for offset in (0, *header.bad, *range(si.max, end)):
        ci = swap_cluster(si, offset)
        if ci.table is None:
            ci.table = [SWP_TB_NULL] * SWAPFILE_CLUSTER
        ci.table[offset % SWAPFILE_CLUSTER] = SWP_TB_BAD
        ci.count += 1
    for ci in si.clusters:
        relist(si, ci)


def relist(si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Put a cluster on the list for its state; one used in part serves order 0.

    For a device that nobody can find, or before any task runs.
    """
    flag = {0: ClusterFlag.FREE, SWAPFILE_CLUSTER: ClusterFlag.FULL}.get(
        ci.count, ClusterFlag.NONFULL
    )
    if flag is not ci.flags:
        list_of(si, ci).pop(ci.number, None)
        ci.flags = flag
        list_of(si, ci)[ci.number] = ci
