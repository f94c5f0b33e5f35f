# SPDX-License-Identifier: MIT OR Apache-2.0
"""Swapping in the page of a fault (do_swap_page), as in M.

What differs between the versions on the way from the missed lookup to the folio stands behind
`swapin_sync`, in the variants. From there on:

* The folio is found without a lock. It means something only once it is locked and matches the
  entry, and may be mapped only while the entry is what the fault has seen: the entry's lock
  keeps the slot, and so what the slot is for.
* That entry is compared by value. The same value may be of a later life of the slot. The
  folio's lock makes that harmless: whatever is cached in the slot now is what the entry means.
* The slot's count is dropped before the page is mapped, both under the page-table lock. The
  slot itself is given back last, so that other faults find the folio in the cache, and wait.

Left out: KSM, which would copy some folios here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.memory.suitable import swap_pte_batch
from swaptrio.mm.memory.write_protect import do_wp_page, wp_page_copy
from swaptrio.mm.mm_types import PresentPte, VmFaultReason, let_go
from swaptrio.mm.page_alloc import (
    folio_lock,
    folio_put,
    folio_trylock,
    folio_unlock,
    folio_wait_locked,
)
from swaptrio.mm.rmap import folio_add_anon_rmap_ptes, folio_add_new_anon_rmap, set_pte_at
from swaptrio.mm.swap import lru_add_drain
from swaptrio.mm.swap_h import SWP_STABLE_WRITES, SwapInfoStruct
from swaptrio.mm.swapfile import (
    folio_free_swap,
    folio_put_swap,
    get_swap_device,
    mem_cgroup_swap_full,
    put_swap_device,
)

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, VmFault

GFP_HIGHUSER_MOVABLE = "GFP_HIGHUSER_MOVABLE"


@kernel_function
async def do_swap_page(kernel: Kernel, vmf: VmFault) -> VmFaultReason:
    """Swap in the page of a fault. The mmap_lock is held to read; may sleep.

    Returns NONE where the access has to be tried again, mapped or not; RETRY likewise, with the
    mmap_lock dropped; OOM where there is no folio and the entry is unchanged, or none to copy
    to; SIGBUS where the folio could not be read.
    """
    si = await get_swap_device(kernel, vmf.orig_pte.entry)
    if si is None:
        return VmFaultReason.NONE
    reason = await _swap_in(kernel, vmf, si)
    await put_swap_device(kernel, si)
    return reason


async def _swap_in(kernel: Kernel, vmf: VmFault, si: SwapInfoStruct) -> VmFaultReason:
    folio = await _find_or_read(kernel, vmf, si)
    if folio is None or isinstance(folio, Errno):
        return await _nothing_read(vmf)
    if not await folio_trylock(kernel, folio, "do_swap_page.folio_lock"):
        if await _folio_lock_or_retry(kernel, folio, vmf) is VmFaultReason.RETRY:
            folio_put(kernel, folio)
            return VmFaultReason.RETRY
    if not swap_state.folio_matches_swap_entry(kernel, folio, vmf.orig_pte.entry):
        if folio.swapcache:
            await folio_free_swap(kernel, folio)
        await folio_unlock(kernel, folio, "do_swap_page.mismatch")
        folio_put(kernel, folio)
        return VmFaultReason.NONE
    if vmf.write and not folio.lru:
        await lru_add_drain(kernel)
    return await _map(kernel, vmf, si, folio)


async def _find_or_read(
    kernel: Kernel, vmf: VmFault, si: SwapInfoStruct
) -> Folio | Errno | None:
    entry = vmf.orig_pte.entry
    folio = await swap_state.swap_cache_get_folio(kernel, entry)
    if folio is not None:
        return folio
    if si.is_sync():
        return await swap_state.swapin_sync(kernel, entry, GFP_HIGHUSER_MOVABLE, vmf)
    return await swap_state.swapin_readahead(kernel, entry, GFP_HIGHUSER_MOVABLE, vmf)


async def _nothing_read(vmf: VmFault) -> VmFaultReason:
    """Out of memory, unless the entry has changed: then the access is tried again."""
    async with vmf.mm.ptl.hold("do_swap_page.oom_check"):
        if vmf.mm.ptes.get(vmf.page) == vmf.orig_pte:
            return VmFaultReason.OOM
    return VmFaultReason.NONE


@kernel_function
async def _folio_lock_or_retry(kernel: Kernel, folio: Folio, vmf: VmFault) -> VmFaultReason:
    """Lock a folio that somebody else had locked, for a fault. (mm/filemap.c) May sleep.

    The mmap_lock is held to read. If the fault may be retried it is dropped, the folio waited
    for, and RETRY returned with nothing locked: whoever needs the mmap_lock to write does not
    wait for this folio's I/O.
    """
    if not vmf.retry_allowed:
        await folio_lock(kernel, folio, "folio_lock_or_retry.lock")
        return VmFaultReason.NONE
    await vmf.mm.mmap_lock.release("folio_lock_or_retry.mmap_unlock")
    await folio_wait_locked(kernel, folio, "folio_lock_or_retry.wait")
    return VmFaultReason.RETRY


async def _map(kernel: Kernel, vmf: VmFault, si: SwapInfoStruct, folio: Folio) -> VmFaultReason:
    """Map a locked folio that matches the entry; its lock and the reference end here."""
    reason = VmFaultReason.NONE
    mapped: PresentPte | None = None
    copy = False
    async with vmf.mm.ptl.hold("do_swap_page.ptl"):
        if not pte_same(kernel, vmf):
            pass
        elif not folio.uptodate:
            reason = VmFaultReason.SIGBUS
        else:
            mapped = await _install(kernel, vmf, si, folio)
        if mapped is not None:
            await folio_unlock(kernel, folio, "do_swap_page.unlock")
            if vmf.write and not mapped.writable:
                copy = await do_wp_page(kernel, vmf.mm, vmf.page, mapped)
    if mapped is None:
        await _give_up(kernel, folio)
    elif copy:
        return await wp_page_copy(kernel, vmf.mm, vmf.page, mapped)
    return reason


async def _give_up(kernel: Kernel, folio: Folio) -> None:
    """Leave a locked folio that was not mapped; its slots, where nobody needs it any more."""
    if folio.swapcache:
        await folio_free_swap(kernel, folio)
    await folio_unlock(kernel, folio, "do_swap_page.nomap")
    folio_put(kernel, folio)


@kernel_function
def pte_same(kernel: Kernel, vmf: VmFault) -> bool:
    """Whether the entry is still what the fault saw. The page-table lock is held.

    Equal values do not prove that it is the same generation.
    """
    return vmf.mm.ptes.get(vmf.page) == vmf.orig_pte


async def _install(
    kernel: Kernel, vmf: VmFault, si: SwapInfoStruct, folio: Folio
) -> PresentPte | None:
    """Map the whole folio where its page range still names its slots, one page otherwise.

    A large folio that was never mapped and cannot be mapped whole is dropped from the cache,
    unless it is dirty, which it must not be; the access is tried again. The page-table lock is
    held, and the folio's. Returns the entry of the fault's page, or none.
    """
    index = vmf.orig_pte.entry - folio.swap
    first = vmf.page - index
    whole = folio.nr > 1 and swap_pte_batch(kernel, vmf, first, folio.nr) == folio.nr
    if folio.nr > 1 and not folio.anon and not whole:
        if not warn_on(kernel, folio.dirty, "a dirty folio cannot be mapped"):
            await swap_state.swap_cache_del_folio(kernel, folio)
        return None
    pages = range(folio.nr) if whole else range(index, index + 1)
    exclusive = _is_exclusive(vmf, si, folio)
    folio.refs += len(pages) - 1
    _add_rmap(kernel, vmf, folio, pages, first, exclusive=exclusive)
    folio_handed_to_ptes(kernel, folio)
    await folio_put_swap(kernel, folio, None if whole else index)
    for number in pages:
        pte = _present(vmf, folio, number, exclusive=exclusive)
        set_pte_at(kernel, vmf.mm, first + number, pte)
    if should_try_to_free_swap(kernel, si, folio, vmf, len(pages)):
        await folio_free_swap(kernel, folio)
    return _present(vmf, folio, index, exclusive=exclusive)


def _is_exclusive(vmf: VmFault, si: SwapInfoStruct, folio: Folio) -> bool:
    """Whether the pages belong to this process alone, as their entries say.

    A page under writeback to a device that wants stable pages must not be written to, and so
    counts as shared.
    """
    stable = folio.writeback and bool(si.flags & SWP_STABLE_WRITES)
    return vmf.orig_pte.exclusive and not stable


def _add_rmap(
    kernel: Kernel, vmf: VmFault, folio: Folio, pages: range, first: int, *, exclusive: bool
) -> None:
    if folio.anon:
        folio_add_anon_rmap_ptes(
            kernel, folio, pages.start, len(pages), first + pages.start, exclusive=exclusive
        )
    else:
        folio_add_new_anon_rmap(kernel, folio, vmf.mm, first, exclusive=exclusive)


def _present(vmf: VmFault, folio: Folio, number: int, *, exclusive: bool) -> PresentPte:
    """What maps page *number*: writable where it is exclusive, dirty where it is written to."""
    written = exclusive and vmf.write
    return PresentPte(folio, number, exclusive, written, written or vmf.orig_pte.soft_dirty)


@kernel_function
def folio_handed_to_ptes(kernel: Kernel, folio: Folio) -> None:
    """The faulting task's own reference becomes that of a page-table entry."""
    let_go(folio)


@kernel_function
def should_try_to_free_swap(
    kernel: Kernel, si: SwapInfoStruct, folio: Folio, vmf: VmFault, extra_refs: int
) -> bool:
    """Whether a folio that was just mapped should give its slots back now.

    Always on a synchronous device, where keeping the slot has no use; where swap is nearly
    full; in a locked VMA, which is not swapped out again; and at a write fault if nobody else
    refers to the folio, so that the page can be written to without a copy.

    Args:
        si: the folio's device.
        folio: it is locked.
        vmf: the fault.
        extra_refs: references of the folio besides those of the cache, if it is so.
    """
    if not folio.swapcache:
        return False
    if si.is_sync() or mem_cgroup_swap_full(kernel, folio) or vmf.mm.mlocked:
        return True
    return vmf.write and folio.refs == extra_refs + folio.nr
