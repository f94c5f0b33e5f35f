# SPDX-License-Identifier: MIT OR Apache-2.0
"""Making a kernel, its devices and its processes, before any task runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.memcontrol import (
    ChargeRequest,
    MemCgroup,
    Memcgs,
    mem_cgroup_charge,
    mem_cgroup_private_id_get_online,
    memcg_charger,
    self_and_above,
)
from swaptrio.mm.mm_types import AddressSpace, MmStruct, PresentPte, ShmemSwap, SwapPte
from swaptrio.mm.page_alloc import PageAllocator, new_folio
from swaptrio.mm.page_io import block_device
from swaptrio.mm.rmap import folio_add_new_anon_rmap
from swaptrio.mm.swap import lru_add
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_BLKDEV,
    SWP_SOLIDSTATE,
    SWP_SYNCHRONOUS_IO,
    SWP_USED,
    SWP_WRITEOK,
    SwapClusterInfo,
    SwapHeader,
    SwapInfoStruct,
    ZswapEntry,
    swap_cluster,
    swp_entry,
)
from swaptrio.mm.swap_table import (
    SWP_TB_NULL,
    _swap_cgroup_set,
    shadow_to_swp_tb,
    xa_mk_value,
)
from swaptrio.mm.swapfile import swap_worker
from swaptrio.mm.swapfile.devices import plist_requeue
from swaptrio.mm.swapfile.swapoff import relist, setup_swap_clusters_info
from swaptrio.mm.vmstat import Vmstat, lruvec_stat_mod_folio, node_stat_mod_folio
from swaptrio.mm.workingset import Workingset
from swaptrio.mm.zswap import zswap_shrink_worker
from swaptrio.sched import Execution, RwSem, SendChannel, SpinLock, WaitQueue, open_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from swaptrio.mm.injection import Injection
    from swaptrio.mm.mm_types import Folio


def new_kernel(
    config: Config,
    functions: Mapping[str, Callable[..., Any]],
    injection: Injection,
    memcgs: Sequence[MemCgroup],
) -> Kernel:
    """A kernel without devices and processes; *functions* run in place of the model's own."""
    requests: SendChannel[ChargeRequest]
    requests, requests_in = open_channel("charger", math.inf)
    work: SendChannel[object]
    work, work_in = open_channel("zswap work", math.inf)
    by_id = {memcg.id: memcg for memcg in memcgs}
    return Kernel(
        config,
        dict(functions),
        injection,
        Memcgs(by_id, requests, requests_in),
        PageAllocator(),
        Vmstat(),
        Workingset(),
        SpinLock("swap_lock"),
        SpinLock("swap_avail_lock"),
        SpinLock("zswap lru lock"),
        work,
        work_in,
    )


def new_device(
    kernel: Kernel,
    name: str,
    *,
    clusters: int = 1,
    slots: int = 0,
    bad: Sequence[int] = (),
    sync: bool = True,
    latency: int = 0,
    latencies: Sequence[int] = (),
    priority: int = 0,
    rotates: bool = False,
    file: bool = False,
    flags: int = 0,
) -> SwapInfoStruct:
    """Swap on: a device with empty clusters; slot 0 is its header, and bad.

    Args:
        kernel: gets the device.
        name: how traces call it.
        clusters: its size in clusters of 512 slots.
        slots: its size in slots, the header included, if the last cluster is not whole.
        bad: more slots that are never to be used.
        sync: whether readers wait for their bios themselves.
        latency: what a transfer takes, in nanoseconds of virtual time.
        latencies: what it may take instead, by decision for each transfer: the quantiles of a
            distribution.
        priority: devices of a higher one are used first.
        rotates: whether all CPUs allocate at one place, as suits a disk that turns.
        file: whether it is a regular file, which has no slots for large folios.
        flags: more SWP_ flags.
    """
    bios: SendChannel[object]
    work: SendChannel[object]
    bios, bios_in = open_channel(f"{name}.bios", math.inf)
    work, work_in = open_channel(f"{name}.work", math.inf)
    flags |= SWP_USED | SWP_WRITEOK
    flags |= 0 if rotates else SWP_SOLIDSTATE
    flags |= 0 if file else SWP_BLKDEV
    if sync:
        flags |= SWP_SYNCHRONOUS_IO
    size = slots or clusters * SWAPFILE_CLUSTER
    si = SwapInfoStruct(
        len(kernel.devices),
        name,
        SwapHeader(size, tuple(bad), flags),
        _clusters(name, size),
        bios,
        bios_in,
        work,
        work_in,
        SpinLock(f"{name} lock"),
        SpinLock(f"{name} global cluster lock"),
        WaitQueue(f"{name} users"),
        latency,
        tuple(latencies),
        flags=flags,
        priority=priority,
    )
    setup_swap_clusters_info(si)
    kernel.devices.append(si)
    kernel.nr_swap_pages += si.pages
    kernel.total_swap_pages += si.pages
    si.available = True
    plist_requeue(kernel, si)
    return si


def _clusters(device: str, slots: int) -> list[SwapClusterInfo]:
    numbers = range(-(-slots // SWAPFILE_CLUSTER))
    return [
        SwapClusterInfo(number, SpinLock(f"{device} cluster {number}")) for number in numbers
    ]


def new_process(kernel: Kernel, name: str, memcg: MemCgroup, thp_orders: int = 0) -> MmStruct:
    """An empty address space; *thp_orders* are its large orders, as a bitmap."""
    mm = MmStruct(name, memcg, SpinLock(f"ptl {name}"), RwSem(f"mmap_lock {name}"), thp_orders)
    kernel.processes.append(mm)
    return mm


def new_file(kernel: Kernel, name: str, memcg: MemCgroup, orders: int = 0) -> AddressSpace:
    """An empty shmem file; *orders* are its large orders, as a bitmap."""
    file = AddressSpace(name, memcg, SpinLock(f"i_pages {name}"), orders)
    kernel.files.append(file)
    return file


def file_swapped(
    file: AddressSpace, index: int, si: SwapInfoStruct, offset: int, tokens: Sequence[int]
) -> None:
    """Let a file have an entry at *index* for slots from *offset* whose data has *tokens*.

    There are 2**n of them, and *index* and *offset* are multiples of that.
    """
    swap = ShmemSwap(swp_entry(si.type, offset), len(tokens).bit_length() - 1)
    for number, token in enumerate(tokens):
        file.pages[index + number] = swap
        file.newest[index + number] = token
        si.foreign_counts[offset + number] -= 1


def swap_out(
    kernel: Kernel,
    si: SwapInfoStruct,
    offset: int,
    *,
    memcg: MemCgroup,
    shadow: int = 0,
    count: int = 1,
    zero: bool = False,
    zswap: bool = False,
) -> int:
    """Let a slot hold a page that was swapped out long ago; returns the token of its data."""
    ci = swap_cluster(si, offset)
    if ci.table is None:
        ci.table = [SWP_TB_NULL] * SWAPFILE_CLUSTER
    off = offset % SWAPFILE_CLUSTER
    ci.table[off] = shadow_to_swp_tb(xa_mk_value(shadow), count << 1 | zero)
    ci.count += 1
    relist(si, ci)
    si.inuse_pages += 1
    kernel.nr_swap_pages -= 1
    if si.inuse_pages == si.pages:
        si.available = False
        kernel.swap_avail.pop(si.type, None)
    si.foreign_counts[offset] = count
    owner = mem_cgroup_private_id_get_online(kernel, memcg, 1)
    _swap_cgroup_set(ci, off, 1, owner.id)
    for each in self_and_above(owner):
        if kernel.config.memcg_v1:
            each.memsw += 1
        else:
            each.swap += 1
    return _place(kernel, si, offset, zero=zero, zswap=zswap)


def _place(kernel: Kernel, si: SwapInfoStruct, offset: int, *, zero: bool, zswap: bool) -> int:
    token = 0 if zero else kernel.new_token()
    if zswap:
        si.zswap[offset] = entry = ZswapEntry(offset, token)
        kernel.zswap_lru[swp_entry(si.type, offset)] = entry
    elif not zero:
        si.data[offset] = token
    return token


def map_swapped(mm: MmStruct, page: int, si: SwapInfoStruct, offset: int, token: int) -> None:
    """Let a virtual page name a slot whose data has *token*."""
    mm.ptes[page] = SwapPte(swp_entry(si.type, offset))
    si.foreign_counts[offset] -= 1
    mm.newest[page] = token


def map_resident(kernel: Kernel, mm: MmStruct, page: int, order: int = 0) -> Folio:
    """Let 2**order virtual pages map a folio of their own, with data that was just stored.

    *page* is the first one, a multiple of their number. Returns the folio.
    """
    folio = new_folio(kernel, order)
    folio.uptodate = folio.dirty = True
    folio.refs = folio.nr
    folio_add_new_anon_rmap(kernel, folio, mm, page, exclusive=True)
    mem_cgroup_charge(kernel, folio, mm.memcg)
    lru_add(kernel, folio)
    for index in range(folio.nr):
        folio.pages[index] = mm.newest[page + index] = kernel.new_token()
        mm.ptes[page + index] = PresentPte(folio, index, True)
    return folio


def file_resident(kernel: Kernel, file: AddressSpace, index: int, order: int = 0) -> Folio:
    """Let a file have a folio at *index* with data that was just stored; returns the folio."""
    folio = new_folio(kernel, order)
    folio.uptodate = folio.dirty = folio.swapbacked = True
    folio.refs = folio.nr
    folio.mapping, folio.index = file, index
    mem_cgroup_charge(kernel, folio, file.memcg)
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SHMEM", folio.nr)
    lru_add(kernel, folio)
    for number in range(folio.nr):
        folio.pages[number] = file.newest[index + number] = kernel.new_token()
        file.pages[index + number] = folio
    return folio


def start_daemons(kernel: Kernel, execution: Execution) -> None:
    """Start the charger, zswap's worker, and for each device its block device and worker."""
    execution.spawn("charger", memcg_charger, kernel, daemon=True)
    if kernel.config.zswap_enabled:
        execution.spawn("zswap-shrinker", zswap_shrink_worker, kernel, daemon=True)
    for si in kernel.devices:
        task = execution.spawn(f"{si.name}-disk", block_device, kernel, si, daemon=True)
        kernel.device_tasks[si.name] = task
        execution.spawn(f"{si.name}-worker", swap_worker, kernel, si, daemon=True)
