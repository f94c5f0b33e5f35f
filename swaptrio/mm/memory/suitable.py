# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which large orders a swap-in may use: what the page table says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import swap_state
from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import SwapPte
from swaptrio.mm.swap_h import SwpEntry, swp_cluster_offset, swp_offset
from swaptrio.mm.swap_table import _swap_cgroup_get, swap_table_get, zero_of
from swaptrio.mm.vmstat import PMD_ORDER

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import MmStruct, Pte, VmFault


def pte_move_swp_offset(pte: SwapPte, delta: int) -> SwapPte:
    """The entry that names the slot *delta* further, with the same flags."""
    return SwapPte(SwpEntry(pte.entry + delta), pte.exclusive, pte.soft_dirty)


def swap_ptes_from(mm: MmStruct, first: int, nr: int, pte: SwapPte) -> int:
    """How many of *nr* entries from *first* go on from *pte*: slot by slot, with its flags."""
    for number in range(nr):
        if not _is_moved(mm.ptes.get(first + number), pte, number):
            return number
    return nr


def _is_moved(there: Pte, pte: SwapPte, delta: int) -> bool:
    """Whether *there* is as `pte_move_swp_offset` would give it; that makes another entry."""
    return (
        isinstance(there, SwapPte)
        and there.entry == pte.entry + delta
        and there.exclusive == pte.exclusive
        and there.soft_dirty == pte.soft_dirty
    )


@kernel_function
def swap_pte_batch(kernel: Kernel, vmf: VmFault, first: int, nr: int) -> int:
    """How many of *nr* pages from *first* have the entries that go with that of the fault.

    These name consecutive slots and have the same flags. The page-table lock is held.
    """
    expected = pte_move_swp_offset(vmf.orig_pte, first - vmf.page)
    return swap_ptes_from(vmf.mm, first, nr, expected)


@kernel_function
async def thp_swapin_suitable_orders(kernel: Kernel, vmf: VmFault) -> int:
    """The large orders that a fault may swap in, as a bitmap of orders 1 to 8.

    None without THP, where a userfaultfd is armed, or where zswap was ever enabled. The VMA's
    orders below that of a PMD, limited to those whose alignment of address and slot agree, and
    from the highest whose whole range suits `can_swapin_thp`. The last is asked under the
    page-table lock, which is dropped again: it may be so no more when the folio is allocated.
    """
    if not kernel.config.thp or vmf.mm.uffd or kernel.config.zswap_ever_enabled:
        return 0
    orders = _aligned_orders(vmf)
    if not orders:
        return 0
    async with vmf.mm.ptl.hold("thp_swapin_suitable_orders.ptl"):
        order = highest_order(kernel, orders)
        while orders and not await can_swapin_thp(kernel, vmf, 1 << order):
            orders, order = next_order(kernel, orders, order)
    return orders


def _aligned_orders(vmf: VmFault) -> int:
    """The VMA's orders at which the page and its slot have the same place in their range."""
    offset = swp_offset(vmf.orig_pte.entry)
    return sum(
        1 << order
        for order in range(1, PMD_ORDER)
        if vmf.mm.thp_orders >> order & 1 and (vmf.page - offset) % (1 << order) == 0
    )


@kernel_function
async def can_swapin_thp(kernel: Kernel, vmf: VmFault, nr: int) -> bool:
    """Whether the *nr* entries around a fault go together. The page-table lock is held.

    Source: M. Before 08/12 this walk compares the owners of the slots too, before 12/12 their
    zero flags; those versions have their own.
    """
    return swap_pte_batch(kernel, vmf, vmf.page & -nr, nr) == nr


def slots_are_alike(kernel: Kernel, entry: SwpEntry, nr: int) -> bool:
    """Whether *nr* slots from *entry* have one recorded owner and one zero flag.

    The cluster lock is not held: it may be so no more at once.
    """
    ci = swap_state._swap_entry_to_cluster(kernel, entry)
    start = swp_cluster_offset(entry)
    slots = range(start, start + nr)
    owners = {_swap_cgroup_get(ci, off) for off in slots}
    zeros = {zero_of(swap_table_get(ci, off)) for off in slots}
    return len(owners) == len(zeros) == 1
