# SPDX-License-Identifier: MIT OR Apache-2.0
"""The words of the swap table (mm/swap_table.h, as of phase IV).

A word is one 64-bit integer and says all there is to say about a slot::

    NULL    0                                           free
    Shadow  count:4 zero:1 | shadow value        | 1    in use, not cached
    PFN     count:4 zero:1 | page frame number  | 10    in use, cached
    Pointer                                      100    reserved, never seen
    Bad     all ones                            | 000   never to be used

The upper five bits are the flags; insert and delete keep them. A count of 15 means "15 or
more", and the true one then is in the cluster's extend table.

Before patch 12 of the series the zero flag lived in a bitmap of the device. The model keeps it
in the word in every version: what differs between versions is who looks at it, and what the
flags of a Bad word are taken for.

Source: tree M (all of phase IV v5).
"""

from __future__ import annotations

from typing import Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwapClusterInfo
from swaptrio.sched import Violation

BITS_PER_LONG: Final = 64
SWP_TB_FLAGS_BITS: Final = 5
SWP_TB_COUNT_BITS: Final = 4
SWP_TB_FLAGS_SHIFT: Final = BITS_PER_LONG - SWP_TB_FLAGS_BITS
SWP_TB_COUNT_SHIFT: Final = BITS_PER_LONG - SWP_TB_COUNT_BITS
SWP_TB_COUNT_MAX: Final = (1 << SWP_TB_COUNT_BITS) - 1
SWP_TB_FLAGS_MASK: Final = ((1 << SWP_TB_FLAGS_BITS) - 1) << SWP_TB_FLAGS_SHIFT
SWP_TB_COUNT_MASK: Final = SWP_TB_COUNT_MAX << SWP_TB_COUNT_SHIFT
SWP_TB_ZERO_FLAG: Final = 1 << SWP_TB_FLAGS_SHIFT
SWP_TB_NULL: Final = 0
SWP_TB_SHADOW_MARK: Final = 0b1
SWP_TB_PFN_MARK: Final = 0b10
SWP_TB_PFN_MARK_BITS: Final = 2
SWP_TB_BAD: Final = ((1 << BITS_PER_LONG) - 1) & ~0b111

_LOW: Final = ~SWP_TB_FLAGS_MASK


class OutOfBounds(Violation):
    """(BUG) The 512 words of a table are over; the kernel would use whatever lies there."""

    def __init__(self, ci: SwapClusterInfo, off: int) -> None:
        super().__init__("BUG", f"slot {off} is past the table of cluster {ci.number}")


def xa_mk_value(value: int) -> int:
    """A shadow from its value, in the form that an XArray stores."""
    return value << 1 | 1


def xa_to_value(shadow: int) -> int:
    """The value of a shadow; that of the empty shadow is 0."""
    return shadow >> 1


def pfn_to_swp_tb(pfn: int, flags: int) -> int:
    """The word of a slot that is cached by the folio at *pfn*."""
    return pfn << SWP_TB_PFN_MARK_BITS | SWP_TB_PFN_MARK | flags << SWP_TB_FLAGS_SHIFT


def shadow_to_swp_tb(shadow: int, flags: int) -> int:
    """The word of a slot that is not cached; *shadow* 0 gives the empty shadow."""
    return shadow | SWP_TB_SHADOW_MARK | flags << SWP_TB_FLAGS_SHIFT


def swp_tb_is_null(swp_tb: int) -> bool:
    """Whether the slot is free."""
    return swp_tb == SWP_TB_NULL


def swp_tb_is_folio(swp_tb: int) -> bool:
    """Whether the slot is cached."""
    return swp_tb & 0b11 == SWP_TB_PFN_MARK


def swp_tb_is_shadow(swp_tb: int) -> bool:
    """Whether the slot is in use and not cached."""
    return swp_tb & 1 == 1


def swp_tb_is_bad(swp_tb: int) -> bool:
    """Whether the slot must never be used."""
    return swp_tb == SWP_TB_BAD


def swp_tb_is_countable(swp_tb: int) -> bool:
    """Whether the word has a count: NULL, Shadow and PFN have."""
    return swp_tb & (SWP_TB_SHADOW_MARK | SWP_TB_PFN_MARK) != 0 or swp_tb == SWP_TB_NULL


def swp_tb_to_pfn(swp_tb: int) -> int:
    """The page frame number in a PFN word."""
    return (swp_tb & _LOW) >> SWP_TB_PFN_MARK_BITS


def swp_tb_to_shadow(swp_tb: int) -> int:
    """The shadow in a Shadow word. The empty shadow gives 1, which is not 0."""
    return swp_tb & _LOW


def _swp_tb_get_count(kernel: Kernel, swp_tb: int) -> int:
    """The raw count. Of a Bad word, whose bits are all ones, it is 15, with a warning only."""
    if not swp_tb_is_countable(swp_tb):
        warn_on(kernel, True, "count of a word without one")
    return swp_tb >> SWP_TB_COUNT_SHIFT


def swp_tb_get_count(swp_tb: int) -> int:
    """The count, checked: -EINVAL, which is not 0 either, of a word without one."""
    return swp_tb >> SWP_TB_COUNT_SHIFT if swp_tb_is_countable(swp_tb) else -Errno.EINVAL


@kernel_function
def _swp_tb_get_flags(kernel: Kernel, swp_tb: int) -> int:
    """Count and zero flag together, for a word that takes their place: count << 1 | zero.

    Those of a Bad word are all ones, with a warning only. Source: 12/12; the versions without
    that patch have their own.
    """
    if not swp_tb_is_countable(swp_tb):
        warn_on(kernel, True, "flags of a word without any")
    return swp_tb >> SWP_TB_FLAGS_SHIFT


def _swp_tb_mk_count(swp_tb: int, count: int) -> int:
    """The word with another count, 0 to 15, and the same zero flag."""
    return swp_tb & ~SWP_TB_COUNT_MASK | count << SWP_TB_COUNT_SHIFT


def count_of(swp_tb: int) -> int:
    """The count in a word of any kind, for whoever looks from outside; 0 where it has none."""
    return 0 if swp_tb == SWP_TB_BAD else swp_tb >> SWP_TB_COUNT_SHIFT


def zero_of(swp_tb: int) -> bool:
    """The zero flag in a word of any kind, for whoever looks from outside."""
    return swp_tb != SWP_TB_BAD and bool(swp_tb & SWP_TB_ZERO_FLAG)


def _swap_table_get(kernel: Kernel, ci: SwapClusterInfo, off: int) -> int:
    """The word of slot *off* of a cluster whose lock is held, and which has a table.

    Raises:
        Violation: (BUG) the cluster has no table.
        OutOfBounds: *off* is not a slot of a cluster.
    """
    if not 0 <= off < SWAPFILE_CLUSTER:
        warn_on(kernel, True, "offset past the table")
        raise OutOfBounds(ci, off)
    table = ci.table
    return (_table(ci, off) if table is None else table)[off]


def _swap_table_set(ci: SwapClusterInfo, off: int, swp_tb: int) -> None:
    """Write the word of slot *off*. The cluster's lock is held.

    Raises:
        Violation: (BUG) the cluster has no table.
        OutOfBounds: *off* is not a slot of a cluster.
    """
    if not 0 <= off < SWAPFILE_CLUSTER:
        raise OutOfBounds(ci, off)
    table = _table(ci, off)
    ci.touched.setdefault(off, table[off])
    table[off] = swp_tb


def _table(ci: SwapClusterInfo, off: int) -> list[int]:
    """The table, where the kernel follows the pointer without a look at it."""
    if ci.table is None:
        message = f"NULL table dereferenced: cluster {ci.number}, slot {off}"
        raise Violation("BUG", message)
    return ci.table


def swap_table_get(ci: SwapClusterInfo, off: int) -> int:
    """The word of slot *off* (0 to 511), read without the lock; NULL if there is no table."""
    return SWP_TB_NULL if ci.table is None else ci.table[off]


def _swap_table_test_zero(kernel: Kernel, ci: SwapClusterInfo, off: int) -> bool:
    """Whether slot *off* is known to hold zeros only. The cluster's lock is held."""
    swp_tb = _swap_table_get(kernel, ci, off)
    if not swp_tb_is_countable(swp_tb):
        warn_on(kernel, True, "zero flag of a word without one")
    return bool(swp_tb & SWP_TB_ZERO_FLAG)


def _swap_table_set_zero(kernel: Kernel, ci: SwapClusterInfo, off: int) -> None:
    """Note that slot *off* holds zeros only. The cluster's lock is held."""
    swp_tb = _swap_table_get(kernel, ci, off)
    warn_on(kernel, not swp_tb_is_countable(swp_tb), "zero flag of a word without one")
    _swap_table_set(ci, off, swp_tb | SWP_TB_ZERO_FLAG)


def _swap_table_clear_zero(kernel: Kernel, ci: SwapClusterInfo, off: int) -> None:
    """Note that slot *off* holds more than zeros. The cluster's lock is held."""
    swp_tb = _swap_table_get(kernel, ci, off)
    warn_on(kernel, not swp_tb_is_countable(swp_tb), "zero flag of a word without one")
    _swap_table_set(ci, off, swp_tb & ~SWP_TB_ZERO_FLAG)


def _swap_extend_get(ci: SwapClusterInfo, off: int) -> int:
    """The true count of slot *off*, whose word says 15; 0 where none was stored.

    The cluster's lock is held.

    Raises:
        Violation: (BUG) the cluster has no extend table.
    """
    return _extend_table(ci, off).get(off, 0)


def _swap_extend_set(ci: SwapClusterInfo, off: int, count: int) -> None:
    """Store the true count of slot *off*: 15 and more, or 0 for none. The lock is held.

    Raises:
        Violation: (BUG) the cluster has no extend table.
    """
    table = _extend_table(ci, off)
    if count:
        table[off] = count
    else:
        table.pop(off, None)


def _extend_table(ci: SwapClusterInfo, off: int) -> dict[int, int]:
    """The extend table, where the kernel follows the pointer without a look at it."""
    if ci.extend_table is None:
        message = f"NULL extend table dereferenced: cluster {ci.number}, slot {off}"
        raise Violation("BUG", message)
    return ci.extend_table


def _swap_cgroup_set(ci: SwapClusterInfo, off: int, nr: int, id: int) -> None:
    """Record *id* as the owner of *nr* slots from *off*. The cluster's lock is held."""
    for slot in range(off, off + nr):
        ci.memcg_table[slot] = id


def _swap_cgroup_get(ci: SwapClusterInfo, off: int) -> int:
    """The recorded owner of slot *off*, 0 for none. The cluster's lock is held."""
    return ci.memcg_table.get(off, 0)


def _swap_cgroup_clear(kernel: Kernel, ci: SwapClusterInfo, off: int, nr: int) -> int:
    """Forget the owner of *nr* slots from *off*; returns that of the first, for all of them.

    The cluster's lock is held. If the first has none the others are left alone; if they differ
    there is a debug warning and nothing else.
    """
    old = ci.memcg_table.get(off, 0)
    if not old:
        return 0
    for slot in range(off, off + nr):
        warn_on(kernel, ci.memcg_table.get(slot, 0) != old, "owners of a range differ")
        ci.memcg_table.pop(slot, None)
    return old
