# SPDX-License-Identifier: MIT OR Apache-2.0
"""Faults and unmapping (mm/memory.c).

`do_swap_page` is that of v3 to M. What differs between the versions on the way from the missed
lookup to the folio stands behind `swapin_sync`, in the variants. Not modelled: KSM, copy on
write (a write fault maps what a read fault would), uffd, and a folio lock that is not waited
for.
"""

from __future__ import annotations

from swaptrio.mm import swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import (
    Folio,
    MmStruct,
    PresentPte,
    SwapPte,
    VmFault,
    VmFaultReason,
    hold,
    let_go,
)
from swaptrio.mm.page_alloc import (
    folio_lock,
    folio_put,
    folio_trylock,
    folio_unlock,
)
from swaptrio.mm.rmap import folio_add_anon_rmap, folio_remove_rmap, set_pte_at
from swaptrio.mm.swap_h import SwpEntry, swp_cluster_offset, swp_offset, swp_type
from swaptrio.mm.swap_table import _swap_cgroup_get, swap_table_get, zero_of
from swaptrio.mm.swapfile import (
    folio_free_swap,
    folio_put_swap,
    get_swap_device,
    put_swap_device,
    swap_put_entries_direct,
)
from swaptrio.mm.vmstat import PMD_ORDER
from swaptrio.sched import Kind, point

GFP_HIGHUSER_MOVABLE = "GFP_HIGHUSER_MOVABLE"


@kernel_function
async def handle_mm_fault(kernel: Kernel, mm: MmStruct, page: int, *, write: bool) -> str:
    """Access a virtual page until it is mapped, as a processor does that faults each time.

    Returns ``mapped``, ``unmapped`` where nothing is there any more, or the fault's reason.
    """
    while True:
        await point("handle_mm_fault.access", Kind.READ, mm.ptl)
        pte = mm.ptes.get(page)
        if isinstance(pte, PresentPte):
            return "mapped"
        if not isinstance(pte, SwapPte):
            return "unmapped" if pte is None else str(VmFaultReason.HWPOISON)
        reason = await do_swap_page(kernel, VmFault(mm, page, pte, write))
        if reason is not VmFaultReason.NONE:
            return str(reason)


@kernel_function
async def do_swap_page(kernel: Kernel, vmf: VmFault) -> VmFaultReason:
    """Swap in the page of a fault. Nothing is held but the VMA; may sleep.

    Returns NONE where the access has to be tried again, mapped or not; OOM where there is no
    folio and the entry is unchanged; SIGBUS where the folio could not be read.
    """
    entry = vmf.orig_pte.entry
    si = await get_swap_device(kernel, entry)
    if si is None:
        return VmFaultReason.NONE
    reason = await _swap_in(kernel, vmf, entry, sync=si.is_sync())
    await put_swap_device(kernel, si)
    return reason


async def _swap_in(
    kernel: Kernel, vmf: VmFault, entry: SwpEntry, *, sync: bool
) -> VmFaultReason:
    folio: Folio | Errno | None = await swap_state.swap_cache_get_folio(kernel, entry)
    if folio is None and sync:
        folio = await swap_state.swapin_sync(kernel, entry, GFP_HIGHUSER_MOVABLE, vmf)
    elif folio is None:
        folio = await swapin_readahead(kernel, entry, GFP_HIGHUSER_MOVABLE, vmf)
    if folio is None or isinstance(folio, Errno):
        return await _nothing_read(vmf)
    await folio_lock(kernel, folio, "do_swap_page.folio_lock")
    if not swap_state.folio_matches_swap_entry(kernel, folio, entry):
        await folio_unlock(kernel, folio, "do_swap_page.mismatch")
        folio_put(kernel, folio)
        return VmFaultReason.NONE
    return await _map(kernel, vmf, entry, folio)


async def _nothing_read(vmf: VmFault) -> VmFaultReason:
    """Out of memory, unless the entry has changed: then the access is tried again."""
    async with vmf.mm.ptl.hold("do_swap_page.oom_check"):
        if vmf.mm.ptes.get(vmf.page) == vmf.orig_pte:
            return VmFaultReason.OOM
    return VmFaultReason.NONE


async def _map(kernel: Kernel, vmf: VmFault, entry: SwpEntry, folio: Folio) -> VmFaultReason:
    """Map a locked folio that matches the entry; its lock and the reference end here."""
    reason = VmFaultReason.NONE
    mapped = False
    async with vmf.mm.ptl.hold("do_swap_page.ptl"):
        if not pte_same(kernel, vmf):
            pass
        elif not folio.uptodate:
            reason = VmFaultReason.SIGBUS
        else:
            mapped = await _install(kernel, vmf, entry, folio)
    if mapped:
        await folio_unlock(kernel, folio, "do_swap_page.unlock")
        return reason
    if folio.swapcache:
        await folio_free_swap(kernel, folio)
    await folio_unlock(kernel, folio, "do_swap_page.nomap")
    folio_put(kernel, folio)
    return reason


@kernel_function
def pte_same(kernel: Kernel, vmf: VmFault) -> bool:
    """Whether the entry is still what the fault saw. The page-table lock is held.

    Equal values do not prove that it is the same generation.
    """
    return vmf.mm.ptes.get(vmf.page) == vmf.orig_pte


async def _install(kernel: Kernel, vmf: VmFault, entry: SwpEntry, folio: Folio) -> bool:
    """Map the whole folio where its page range still names its slots, one page otherwise.

    A large folio that was never mapped and cannot be mapped whole is dropped from the cache;
    the access is tried again. The page-table lock is held.
    """
    index = entry - folio.swap
    first = vmf.page - index
    whole = folio.nr > 1 and swap_pte_batch(kernel, vmf, first, folio.nr) == folio.nr
    if folio.nr > 1 and not folio.anon and not whole:
        warn_on(kernel, folio.dirty, "a dirty folio is dropped")
        await swap_state.swap_cache_del_folio(kernel, folio)
        return False
    pages = range(folio.nr) if whole else range(index, index + 1)
    folio_add_anon_rmap(kernel, folio, len(pages))
    folio.refs += len(pages) - 1
    folio_handed_to_ptes(kernel, folio)
    await folio_put_swap(kernel, folio, None if whole else index)
    for number in pages:
        pte = PresentPte(folio, number, vmf.write)
        set_pte_at(kernel, vmf.mm, first + number, pte)
    if should_try_to_free_swap(kernel, folio, vmf):
        await folio_free_swap(kernel, folio)
    return True


@kernel_function
def swap_pte_batch(kernel: Kernel, vmf: VmFault, first: int, nr: int) -> int:
    """How many of *nr* pages from *first* have the entries that go with that of the fault.

    These name consecutive slots and have the same flags. The page-table lock is held.
    """
    orig = vmf.orig_pte
    for number in range(first, first + nr):
        entry = SwpEntry(orig.entry + number - vmf.page)
        if vmf.mm.ptes.get(number) != SwapPte(entry, orig.exclusive):
            return number - first
    return nr


@kernel_function
def folio_handed_to_ptes(kernel: Kernel, folio: Folio) -> None:
    """The faulting task's own reference becomes that of a page-table entry."""
    let_go(folio)


@kernel_function
def should_try_to_free_swap(kernel: Kernel, folio: Folio, vmf: VmFault) -> bool:
    """Whether a mapped folio should give its slots back now.

    The spec marks the kernel's conditions as not verified; this is their simplest case, a
    synchronous device, where keeping the slot has no use.
    """
    return folio.swapcache and kernel.devices[swp_type(folio.swap)].is_sync()


@kernel_function
async def thp_swapin_suitable_orders(kernel: Kernel, vmf: VmFault) -> int:
    """The large orders that a fault may swap in, as a bitmap of orders 1 to 8.

    None without THP, or where zswap was ever enabled. The VMA's orders below that of a PMD,
    limited to those whose alignment of address and slot agree, and from the highest whose whole
    range suits `can_swapin_thp`. The last is asked under the page-table lock, which is dropped
    again: it may be so no more when the folio is allocated.
    """
    if not kernel.config.thp or kernel.config.zswap_ever_enabled:
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


@kernel_function
async def swapin_readahead(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault | None
) -> Folio | None:
    """Read a slot on a device with readahead: the slot alone, as the window is not modelled.

    Order 0 only; none on any failure. May sleep.
    """
    return await swap_state.swap_cache_read_folio(kernel, entry, gfp, "vma", 0, readahead=True)


@kernel_function
async def zap_pte_range(kernel: Kernel, mm: MmStruct, page: int, nr: int) -> None:
    """Unmap *nr* virtual pages from *page*, and drop what they held.

    Swap entries drop their counts under the page-table lock. Folios are gathered there, and let
    go when it is released.
    """
    gathered: list[Folio] = []
    async with mm.ptl.hold("zap_pte_range.ptl"):
        for number in range(page, page + nr):
            pte = mm.ptes.get(number)
            if pte is not None:
                set_pte_at(kernel, mm, number, None)
            if isinstance(pte, SwapPte):
                await swap_put_entries_direct(kernel, pte.entry, 1)
            elif isinstance(pte, PresentPte):
                folio_remove_rmap(kernel, pte.folio, 1)
                hold(pte.folio)
                gathered.append(pte.folio)
    for folio in gathered:
        await free_folio_and_swap_cache(kernel, folio)


@kernel_function
async def free_folio_and_swap_cache(kernel: Kernel, folio: Folio) -> None:
    """Drop the running task's reference, and the slots too if nobody else uses them.

    (mm/swap_state.c) Only tried where the folio is mapped nowhere and its lock is free.
    """
    if folio.swapcache and folio.mapcount == 0:
        if await folio_trylock(kernel, folio, "zap_pte_range.trylock"):
            await folio_free_swap(kernel, folio)
            await folio_unlock(kernel, folio, "zap_pte_range.unlock")
    folio_put(kernel, folio)


@kernel_function
async def user_store(kernel: Kernel, mm: MmStruct, page: int) -> str:
    """Store something new in a virtual page, which is swapped in for it.

    Returns ``stored``, or what `handle_mm_fault` says of a page that cannot be mapped.
    """
    while True:
        result = await handle_mm_fault(kernel, mm, page, write=True)
        if result != "mapped":
            return result
        await point("user_store.store", Kind.WRITE, mm.ptl)
        pte = mm.ptes.get(page)
        if isinstance(pte, PresentPte):
            token = kernel.new_token()
            pte.folio.pages[pte.index] = mm.newest[page] = token
            pte.folio.dirty = True
            return "stored"
