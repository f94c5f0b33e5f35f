# SPDX-License-Identifier: MIT OR Apache-2.0
"""Swap entries, clusters and devices (mm/swap.h, include/linux/swap.h, swapops.h)."""

from __future__ import annotations

from typing import Final, NewType

import attrs

from swaptrio.sched import ReceiveChannel, SendChannel, SpinLock

#: Slots of one cluster: HPAGE_PMD_NR, with CONFIG_THP_SWAP on x86-64.
SWAPFILE_CLUSTER: Final = 512

#: What `swp_entry` packs: the type above, the offset below. 0 is "none".
SwpEntry = NewType("SwpEntry", int)

#: What a folio outside of the swap cache has in place of its entry.
NO_ENTRY: Final = SwpEntry(0)

_TYPE_SHIFT: Final = 58
_OFFSET_MASK: Final = (1 << _TYPE_SHIFT) - 1


#: Flags of a swap device.
SWP_USED: Final = 1 << 0
SWP_WRITEOK: Final = 1 << 1
SWP_SOLIDSTATE: Final = 1 << 2
SWP_BLKDEV: Final = 1 << 3
SWP_SYNCHRONOUS_IO: Final = 1 << 4


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

    *table* is there while any slot is in use. *memcg_table* maps a slot to the id of its owner.
    *touched* maps the slots written since the lock was taken to the word they had then; the
    oracles read it when the lock is released, the model never does.
    """

    number: int
    lock: SpinLock
    table: list[int] | None = None
    count: int = 0
    memcg_table: dict[int, int] = attrs.Factory(dict)
    touched: dict[int, int] = attrs.Factory(dict)


@attrs.define(eq=False)
class SwapInfoStruct:
    """One swap device.

    *users* counts the references that keep its structures alive. *data* maps a slot to the
    token stored there, *zswap* a slot to what zswap holds for it. *foreign_counts* are the
    owners of a slot that are not modelled; they are there for the oracles.
    """

    type: int
    name: str
    flags: int
    clusters: list[SwapClusterInfo]
    bios: SendChannel[object]
    bios_in: ReceiveChannel[object]
    work: SendChannel[object]
    work_in: ReceiveChannel[object]
    latency: int = 0
    users: int = 1
    inuse_pages: int = 0
    data: dict[int, int] = attrs.Factory(dict)
    zswap: dict[int, ZswapEntry] = attrs.Factory(dict)
    foreign_counts: dict[int, int] = attrs.Factory(dict)

    @property
    def max(self) -> int:
        """The number of slots, the header included."""
        return len(self.clusters) * SWAPFILE_CLUSTER

    def is_sync(self) -> bool:
        """Whether reads are done by the caller at once, without readahead."""
        return bool(self.flags & SWP_SYNCHRONOUS_IO)


@attrs.define(eq=False)
class ZswapEntry:
    """One compressed page: its slot and its data token (mm/zswap.c)."""

    offset: int
    token: int


def swap_cluster(si: SwapInfoStruct, offset: int) -> SwapClusterInfo:
    """The cluster that slot *offset* of the device lies in."""
    return si.clusters[offset // SWAPFILE_CLUSTER]
