# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""Folios, page tables and faults (include/linux/mm_types.h, mm.h)."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.swap_h import NO_ENTRY, SwpEntry
from swaptrio.sched import Mutex, SpinLock, Violation, WaitQueue, current

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.memcontrol import MemCgroup


@attrs.define(eq=False)
class Folio:
    """A folio: 2**order pages that live and die together.

    *pages* holds the data token of each page, none where nothing was read yet. *holders* counts
    the references that a task holds for itself, by task name; it is there for the oracles.
    *frozen* is set while reclaim has frozen the references at 0.
    """

    pfn: int
    order: int
    nr: int
    lock: Mutex
    refs: int = 1
    swap: SwpEntry = NO_ENTRY
    swapcache: bool = False
    swapbacked: bool = False
    uptodate: bool = False
    dirty: bool = False
    writeback: bool = False
    lru: bool = False
    anon: bool = False
    readahead: bool = False
    frozen: bool = False
    freed: bool = False
    mapcount: int = 0
    memcg: MemCgroup | None = None
    pages: list[int | None] = attrs.Factory(list)
    holders: Counter[str] = attrs.Factory(Counter)
    wait: WaitQueue = attrs.Factory(lambda: WaitQueue("writeback"))

    @property
    def name(self) -> str:
        """How traces and reports call it."""
        return f"folio {self.pfn:#x}"

    @property
    def locked(self) -> bool:
        """Whether somebody holds the folio lock."""
        return self.lock.owner is not None


@attrs.frozen
class SwapPte:
    """A page-table entry that names a slot."""

    entry: SwpEntry
    exclusive: bool = True


@attrs.frozen
class PresentPte:
    """A page-table entry that maps page *index* of a folio."""

    folio: Folio
    index: int
    writable: bool = False


Pte = SwapPte | PresentPte | None


@attrs.define(eq=False)
class MmStruct:
    """An address space with one anonymous VMA.

    *ptes* maps a virtual page number to its entry. *ptl* is the page-table lock. *thp_orders*
    are the large orders allowed in the VMA, as a bitmap. *newest* is what the user last stored
    in each page, in the user's own mind: nothing in the kernel reads it.
    """

    name: str
    memcg: MemCgroup
    ptl: SpinLock
    thp_orders: int = 0
    ptes: dict[int, Pte] = attrs.Factory(dict)
    newest: dict[int, int] = attrs.Factory(dict)


@attrs.define(eq=False)
class VmFault:
    """One page fault: the address space, the virtual page, and the entry that was seen."""

    mm: MmStruct
    page: int
    orig_pte: SwapPte
    write: bool = False


class VmFaultReason(StrEnum):
    """What a fault handler returns; 0 says that the access is tried again."""

    NONE = "0"
    OOM = "VM_FAULT_OOM"
    SIGBUS = "VM_FAULT_SIGBUS"
    RETRY = "VM_FAULT_RETRY"


def hold(folio: Folio, count: int = 1) -> None:
    """Note that the running task holds *count* more references for itself; none is taken."""
    folio.holders[current().me().name] += count


def let_go(folio: Folio, count: int = 1) -> None:
    """Note that the running task holds *count* references less; none is dropped."""
    folio.holders[current().me().name] -= count


def pfn_folio(kernel: Kernel, pfn: int) -> Folio:
    """The folio whose first page has the frame number *pfn*.

    Raises:
        Violation: (BUG) there is none any more; the kernel would use memory after its end.
    """
    folio = kernel.folios.get(pfn)
    if folio is None:
        raise Violation("BUG", f"a word names folio {pfn:#x}, which is freed")
    return folio
