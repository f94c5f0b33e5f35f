# SPDX-License-Identifier: MIT OR Apache-2.0
"""Swap entries, clusters and devices (mm/swap.h, include/linux/swap.h, swapops.h)."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NewType

import attrs

from swaptrio.sched import ReceiveChannel, SendChannel, SpinLock, WaitQueue

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel

#: Slots of one cluster: HPAGE_PMD_NR, with CONFIG_THP_SWAP on x86-64.
SWAPFILE_CLUSTER: Final = 512

#: Orders that a cluster can be kept for: 0 to that of a PMD.
SWAP_NR_ORDERS: Final = 10

#: What `swp_entry` packs: the type above, the offset below. 0 is "none".
SwpEntry = NewType("SwpEntry", int)

#: What a folio outside of the swap cache has in place of its entry.
NO_ENTRY: Final = SwpEntry(0)

_TYPE_SHIFT: Final = 58
_OFFSET_MASK: Final = (1 << _TYPE_SHIFT) - 1


#: Flags of a swap device. SWP_WRITEOK: slots may be taken. SWP_SOLIDSTATE: each CPU has a
#: cluster of its own. SWP_BLKDEV: large slots, and perhaps bad ones. SWP_SYNCHRONOUS_IO: who
#: reads waits for the transfer. SWP_PAGE_DISCARD: free clusters are discarded before they are
#: used again. SWP_STABLE_WRITES: pages must not change under writeback. SWP_HIBERNATION: kept
#: for an image, and not to be taken off.
SWP_USED: Final = 1 << 0
SWP_WRITEOK: Final = 1 << 1
SWP_SOLIDSTATE: Final = 1 << 2
SWP_BLKDEV: Final = 1 << 3
SWP_SYNCHRONOUS_IO: Final = 1 << 4
SWP_PAGE_DISCARD: Final = 1 << 5
SWP_STABLE_WRITES: Final = 1 << 6
SWP_HIBERNATION: Final = 1 << 7


class ClusterFlag(StrEnum):
    """The list that a cluster is on (CLUSTER_FLAG_...).

    NONE: isolated by whoever holds its lock, or is about to. FREE: empty, without a table.
    NONFULL: used in part, since a slot was freed. FRAG: used in part, since an allocation went
    through. FULL: all slots are used. DISCARD: empty, and waits to be discarded.
    """

    NONE = "none"
    FREE = "free"
    NONFULL = "nonfull"
    FRAG = "frag"
    FULL = "full"
    DISCARD = "discard"


def swp_entry(type: int, offset: int) -> SwpEntry:
    """The entry of slot *offset* (1 and up) of the device number *type*."""
    return SwpEntry(type << _TYPE_SHIFT | offset)


def swp_type(entry: SwpEntry) -> int:
    """The number of the entry's device."""
    return entry >> _TYPE_SHIFT


def swp_offset(entry: SwpEntry) -> int:
    """The entry's slot, counted over the whole device."""
    return entry & _OFFSET_MASK


def swp_cluster_offset(entry: SwpEntry) -> int:
    """The entry's slot, counted within its cluster: 0 to 511."""
    return entry & (SWAPFILE_CLUSTER - 1)


def round_down(entry: SwpEntry, nr: int) -> SwpEntry:
    """The entry of the first slot of the aligned range of *nr* (2**n) slots around *entry*."""
    return SwpEntry(entry & -nr)


@attrs.define(eq=False)
class SwapClusterInfo:
    """One cluster: 512 slots, their words, and the lock that protects them.

    *table* is there while any slot is in use, or bad. *order* is that of the folios whose slots
    a cluster in use is kept for, *flags* the list on which it waits to be used again.
    *extend_table* holds the counts that a word has no room for, by slot. *memcg_table* maps a
    slot to the id of its owner. *has_cache* are the slots that somebody has claimed for a folio
    (SWAP_HAS_CACHE), in the version that has this. *touched* maps the slots written since the
    lock was taken to the word they had then; the oracles read it when the lock is released, the
    model never does.
    """

    number: int
    lock: SpinLock
    table: list[int] | None = None
    count: int = 0
    order: int = 0
    flags: ClusterFlag = ClusterFlag.NONE
    extend_table: dict[int, int] | None = None
    memcg_table: dict[int, int] = attrs.Factory(dict)
    has_cache: dict[int, None] = attrs.Factory(dict)
    touched: dict[int, int] = attrs.Factory(dict)


#: Clusters by number, in the order of a list: the first is taken next.
Clusters = dict[int, SwapClusterInfo]


def _by_order() -> list[Clusters]:
    return [{} for _ in range(SWAP_NR_ORDERS)]


@attrs.frozen
class SwapHeader:
    """What a device says of itself: its slots, bad ones among them, and SWP_ flags."""

    slots: int
    bad: tuple[int, ...] = ()
    flags: int = 0


@attrs.define(eq=False)
class SwapInfoStruct:
    """One swap device.

    *header* is what swapon reads; the other numbers are 0 while the device is off.

    *max* is the number of its slots, the header included; those behind it in the last cluster
    are bad. *pages* are usable. *lock* protects the lists of clusters. *inuse_pages* counts the
    slots in use that are not bad. *available* says that it is on the list of devices with room.

    *users* counts the references that keep its structures alive, with one of its own while it
    is swapped on; *dying* says that no more are given, and *users_gone* is where swapoff waits
    for the last. *global_cluster* is where a rotating device goes on allocating, by order.
    *scheduled* is the work that waits for the device's worker.

    A transfer takes *latency* nanoseconds of virtual time, or one of *latencies*, by decision.
    *data* maps a slot to the token stored there, *zswap* a slot to what zswap holds for it.
    *foreign_counts* are the owners of a slot that are not modelled, and *image* the slots that
    hibernation has; both are there for the oracles.
    """

    type: int
    name: str
    header: SwapHeader
    clusters: list[SwapClusterInfo]
    bios: SendChannel[object]
    bios_in: ReceiveChannel[object]
    work: SendChannel[object]
    work_in: ReceiveChannel[object]
    lock: SpinLock
    global_cluster_lock: SpinLock
    users_gone: WaitQueue
    latency: int = 0
    latencies: tuple[int, ...] = ()
    flags: int = 0
    max: int = 0
    pages: int = 0
    priority: int = 0
    users: int = 1
    dying: bool = False
    available: bool = False
    inuse_pages: int = 0
    scheduled: dict[str, None] = attrs.Factory(dict)
    global_cluster: dict[int, int] = attrs.Factory(dict)
    free_clusters: Clusters = attrs.Factory(dict)
    nonfull_clusters: list[Clusters] = attrs.Factory(_by_order)
    frag_clusters: list[Clusters] = attrs.Factory(_by_order)
    full_clusters: Clusters = attrs.Factory(dict)
    discard_clusters: Clusters = attrs.Factory(dict)
    data: dict[int, int] = attrs.Factory(dict)
    zswap: dict[int, ZswapEntry] = attrs.Factory(dict)
    foreign_counts: Counter[int] = attrs.Factory(Counter)
    image: dict[int, None] = attrs.Factory(dict)

    def is_sync(self) -> bool:
        """Whether reads are done by the caller at once, without readahead."""
        return bool(self.flags & SWP_SYNCHRONOUS_IO)


@attrs.define(eq=False)
class ZswapEntry:
    """One compressed page: its slot and its data token (mm/zswap.c).

    *referenced* gives it a second turn before it is written back.
    """

    offset: int
    token: int
    referenced: bool = False


def swap_cluster(si: SwapInfoStruct, offset: int) -> SwapClusterInfo:
    """The cluster that slot *offset* of the device lies in."""
    return si.clusters[offset // SWAPFILE_CLUSTER]


def _swap_entry_to_cluster(kernel: Kernel, entry: SwpEntry) -> SwapClusterInfo:
    """The cluster that an entry's slot lies in. The device must be kept alive by the caller."""
    return kernel.devices[entry >> _TYPE_SHIFT].clusters[
        (entry & _OFFSET_MASK) // SWAPFILE_CLUSTER
    ]
