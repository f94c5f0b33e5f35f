# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""Folios, page tables and faults (include/linux/mm_types.h, mm.h)."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.swap_h import NO_ENTRY, SwpEntry
from swaptrio.sched import Mutex, RwSem, SpinLock, Violation, WaitQueue, running_task

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.memcontrol import MemCgroup


@attrs.define(eq=False)
class Folio:
    """A folio: 2**order pages that live and die together.

    *pages* holds the data token of each page, none where nothing was read yet; *exclusive* says
    of each whether it belongs to one process alone (PageAnonExclusive). *mapping* and *index*
    place a shmem folio in its file; *anon_vma* are the address spaces that can map an anonymous
    one, at the virtual page *index*. *holders* counts the references that a task holds for
    itself, by task name; it is there for the oracles. *frozen* is set while reclaim has frozen
    the references at 0. *deferred* says that it waits to be split, and *split_queue* on the
    queue of which group.
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
    active: bool = False
    workingset: bool = False
    anon: bool = False
    readahead: bool = False
    reclaim: bool = False
    dropbehind: bool = False
    deferred: bool = False
    frozen: bool = False
    freed: bool = False
    mapcount: int = 0
    memcg: MemCgroup | None = None
    split_queue: MemCgroup | None = None
    mapping: AddressSpace | None = None
    anon_vma: list[MmStruct] | None = None
    index: int = 0
    pages: list[int | None] = attrs.Factory(list)
    exclusive: list[bool] = attrs.Factory(list)
    holders: defaultdict[str, int] = attrs.Factory(lambda: defaultdict(int))
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
    soft_dirty: bool = False


@attrs.frozen
class PresentPte:
    """A page-table entry that maps page *index* of a folio.

    *dirty* says that the page was written through this entry.
    """

    folio: Folio
    index: int
    writable: bool = False
    dirty: bool = False
    soft_dirty: bool = False


@attrs.frozen
class MigrationPte:
    """A page-table entry in place of a page that is being moved or split.

    *pfn* is the page's, and the rest what the entry was like. Whoever faults waits for the
    folio's lock. It is neither a reference nor a mapping.
    """

    pfn: int
    writable: bool = False
    exclusive: bool = False
    dirty: bool = False
    soft_dirty: bool = False


@attrs.frozen
class PoisonPte:
    """A page-table entry in place of data that could not be read: whoever looks gets SIGBUS."""


Pte = SwapPte | PresentPte | MigrationPte | PoisonPte | None


@attrs.define(eq=False)
class MmStruct:
    """An address space with one anonymous VMA.

    *ptes* maps a virtual page number to its entry; none is there for a page that was never
    touched. *ptl* is the page-table lock, *mmap_lock* that of the VMA: to read for faults and
    unmapping, to write for fork and exit. *thp_orders* are the large orders allowed in the VMA,
    as a bitmap; *uffd* says that a userfaultfd is armed on it, *mlocked* that it is locked.

    *anon_vma* are those that were forked from one another, this one among them.

    *newest* is what the user last stored in each page, in the user's own mind, and
    *generations* counts how often an entry was written: nothing in the kernel reads them.
    """

    name: str
    memcg: MemCgroup
    ptl: SpinLock
    mmap_lock: RwSem
    thp_orders: int = 0
    uffd: bool = False
    mlocked: bool = False
    exited: bool = False
    anon_vma: list[MmStruct] = attrs.Factory(lambda self: [self], takes_self=True)
    ptes: dict[int, Pte] = attrs.Factory(dict)
    newest: dict[int, int] = attrs.Factory(dict)
    generations: Counter[int] = attrs.Factory(Counter)


@attrs.frozen
class ShmemSwap:
    """An entry of a file's page cache that names slots: 2**order of them from *entry*."""

    entry: SwpEntry
    order: int = 0


@attrs.define(eq=False)
class AddressSpace:
    """A shmem file: its page cache, and the lock of that (i_pages).

    *pages* maps an index to the folio there, or to the swap entry that has taken its place; one
    of a higher order stands at each index that it covers, as the same object. *orders* are the
    large orders that the file may use. *zoned* says that its pages have to lie elsewhere than
    the swap cache puts them. *newest* is what a user last stored at each index.
    """

    name: str
    memcg: MemCgroup
    i_pages: SpinLock
    orders: int = 0
    zoned: bool = False
    pages: dict[int, Folio | ShmemSwap | PoisonPte] = attrs.Factory(dict)
    newest: dict[int, int] = attrs.Factory(dict)


@attrs.define(eq=False)
class VmFault:
    """One page fault: the address space, the virtual page, and the entry that was seen.

    *retry_allowed* says that the handler may drop the VMA's lock and let the access be tried
    again, rather than wait for a folio lock with it.
    """

    mm: MmStruct
    page: int
    orig_pte: SwapPte
    write: bool = False
    retry_allowed: bool = False


class VmFaultReason(StrEnum):
    """What a fault handler returns; 0 says that the access is tried again."""

    NONE = "0"
    OOM = "VM_FAULT_OOM"
    SIGBUS = "VM_FAULT_SIGBUS"
    RETRY = "VM_FAULT_RETRY"
    HWPOISON = "VM_FAULT_HWPOISON"


def hold(folio: Folio, count: int = 1) -> None:
    """Note that the running task holds *count* more references for itself; none is taken."""
    folio.holders[running_task().name] += count


def let_go(folio: Folio, count: int = 1) -> None:
    """Note that the running task holds *count* references less; none is dropped."""
    folio.holders[running_task().name] -= count


def pfn_folio(kernel: Kernel, pfn: int) -> Folio:
    """The folio whose first page has the frame number *pfn*.

    Raises:
        Violation: (BUG) there is none any more; the kernel would use memory after its end.
    """
    folio = kernel.folios.get(pfn)
    if folio is None:
        raise Violation("BUG", f"a word names folio {pfn:#x}, which is freed")
    return folio
