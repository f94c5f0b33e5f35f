# SPDX-License-Identifier: MIT OR Apache-2.0
"""What must hold where the model calls one of its functions.

Each wrapper takes the oracles and the function that it stands for, then that function's own
arguments under their own names. Where a look before the call is enough it is no coroutine, and
costs nothing while the function waits.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from swaptrio.checks.order_loop import (
    ORDER_LOOP,
    Function,
    Wrapper,
    allocating,
    writing_back,
)
from swaptrio.checks.slots import check_clean, check_owner
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import FUNCTIONS, Kernel
from swaptrio.mm.mm_types import (
    AddressSpace,
    Folio,
    MigrationPte,
    MmStruct,
    PresentPte,
    Pte,
    SwapPte,
    VmFaultReason,
)
from swaptrio.mm.swap_h import (
    SWP_HIBERNATION,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import swap_table_get, zero_of
from swaptrio.sched import Task, Violation, running_task

if TYPE_CHECKING:
    from swaptrio.checks.memory import Memory
    from swaptrio.checks.watch import Oracles


def wrapped(oracles: Oracles) -> dict[str, Function]:
    """The functions of the kernel that are watched, by name, each with its wrapper.

    Raises:
        KeyError: the model has no such function any more, so that nothing would watch it.
    """
    functions = oracles.kernel.functions
    table: dict[str, Function] = {
        name: partial(wrapper, oracles, functions.get(name) or FUNCTIONS[name])
        for name, wrapper in _WRAPPERS.items()
    }
    if "_swap_cache_alloc" in functions:
        for name, wrapper in ORDER_LOOP.items():
            if name in functions:
                table[name] = partial(wrapper, oracles, functions[name])
    return table


def check_uncharged(folio: Folio, inserter: Task) -> None:
    """Check that a cached folio without an owner is its inserter's, and nobody uses it.

    Raises:
        Violation: (I-INSERT-UNCHARGED) somebody could.
    """
    if folio.uptodate or folio.lru or folio.mapcount:
        raise Violation("I-INSERT-UNCHARGED", f"{folio.name} is cached, used and not charged")
    if folio.lock.owner is not inserter:
        message = f"{folio.name} is cached, not charged, and not locked by {inserter.name}"
        raise Violation("I-INSERT-UNCHARGED", message)


def _refuse_uncharged(folio: Folio, what: str) -> None:
    if folio.swapcache and folio.memcg is None:
        raise Violation("I-INSERT-UNCHARGED", f"{folio.name} is {what} and not charged")


def _me() -> str:
    return running_task().name


def _note_failure(oracles: Oracles) -> None:
    failures = oracles.memory.failures
    failures[_me()] = failures.get(_me(), 0) + 1


async def _allocating_pages(
    oracles: Oracles, function: Function, kernel: Kernel, *args: Any, **named: Any
) -> Any:
    """Note when an allocation fails the running task."""
    folio = await function(kernel, *args, **named)
    if folio is None:
        _note_failure(oracles)
    return folio


async def _preparing(
    oracles: Oracles, function: Function, kernel: Kernel, *args: Any, **named: Any
) -> Any:
    """Note when what goes with a charge fails the running task."""
    error = await function(kernel, *args, **named)
    if error is not None:
        _note_failure(oracles)
    return error


def _preparing_queue(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> Any:
    """I-INSERT-UNCHARGED: whose queue it is only a charge says."""
    _refuse_uncharged(folio, "prepared for its group's queue")
    return _preparing(oracles, function, kernel, folio)


async def _charging(
    oracles: Oracles, function: Function, kernel: Kernel, folio: Folio, *args: Any, **named: Any
) -> Any:
    """I-CHARGE1, and I-OWNER for a folio that is in the cache when it is charged."""
    if folio.memcg is not None:
        raise Violation("I-CHARGE1", f"{folio.name} is charged twice")
    cached = oracles.memory.cached.get(folio.pfn)
    mine = cached is None or cached.inserter is running_task()
    if folio.swapcache and not (mine and folio.lock.owned()):
        raise Violation("I-CHARGE1", f"{folio.name} is charged by {_me()}, not its inserter")
    error = await function(kernel, folio, *args, **named)
    if error is not None:
        _note_failure(oracles)
    elif folio.swapcache:
        check_owner(kernel, folio)
    return error


def _reading(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> Any:
    """I-NOREADUPTODATE. A private folio knows its slots while it is read, as a cached one.

    It is charged by then, and its slots are claimed, which is to it what an insertion is: so
    the group must be that on record (I-OWNER).
    """
    if not folio.lock.owned() or not folio.swap or folio.uptodate:
        message = f"{folio.name} is read while not locked, not cached, or up to date"
        raise Violation("I-NOREADUPTODATE", message)
    if not folio.swapcache:
        oracles.memory.private[folio.pfn] = folio.swap
        check_owner(kernel, folio)
    _refuse_uncharged(folio, "read")
    if folio.nr > 1:
        _check_zeros(kernel, folio)
    return function(kernel, folio)


def _check_zeros(kernel: Kernel, folio: Folio) -> None:
    """I-ZEROUNI: of a large folio all pages are zeros as its slots say, or none."""
    ci = swap_cluster(kernel.devices[swp_type(folio.swap)], swp_offset(folio.swap))
    start = swp_cluster_offset(folio.swap)
    zeros = [zero_of(swap_table_get(ci, off)) for off in range(start, start + folio.nr)]
    if any(zeros) and not all(zeros):
        message = f"{folio.name} is read from {sum(zeros)} slots of zeros, of {folio.nr}"
        raise Violation("I-ZEROUNI", message)


def _ending_writeback(
    oracles: Oracles, function: Function, kernel: Kernel, folio: Folio
) -> None:
    """I-WB, and I-DIRTYCLEAN for what was written."""
    if folio.writeback and not folio.swapcache:
        raise Violation("I-WB", f"{folio.name} has left the cache under writeback")
    function(kernel, folio)
    if not (folio.dirty or folio.mapcount):  # looked at here, so that it is reported
        check_clean(kernel, folio)


def _pinning(oracles: Oracles, function: Function, kernel: Kernel, si: SwapInfoStruct) -> Any:
    """Note that the running task keeps a device there."""
    pinned = function(kernel, si)
    if pinned:
        oracles.memory.pins[_me(), si.type] += 1
    return pinned


async def _taking_off(oracles: Oracles, function: Function, kernel: Kernel, number: int) -> Any:
    """Who takes a device off keeps it there until then; or who writes an image to it."""
    oracles.memory.pins[_me(), number] += 1
    result = await function(kernel, number)
    oracles.memory.pins[_me(), number] -= 1
    return result


async def _freeing_image(
    oracles: Oracles, function: Function, kernel: Kernel, entry: SwpEntry
) -> Any:
    """The slot of an image keeps its device there."""
    return await _taking_off(
        oracles, lambda kernel, _: function(kernel, entry), kernel, swp_type(entry)
    )


def _freeing_tree(
    oracles: Oracles, function: Function, kernel: Kernel, si: SwapInfoStruct
) -> None:
    """Q-OFF: the tree of a device that goes is empty, as all of its slots are free."""
    if si.zswap:
        slots = ", ".join(f"{si.name}:{slot}" for slot in sorted(si.zswap))
        raise Violation("Q-OFF", f"{si.name} is taken off, and zswap holds {slots}")
    function(kernel, si)


async def _unpinning(
    oracles: Oracles, function: Function, kernel: Kernel, si: SwapInfoStruct
) -> None:
    pins, pin = oracles.memory.pins, (_me(), si.type)
    if pins[pin] > 1:
        pins[pin] -= 1
    else:
        del pins[pin]
    await function(kernel, si)


def _searching_tree(
    oracles: Oracles, function: Function, kernel: Kernel, entry: SwpEntry
) -> Any:
    """I-DEV: the tree of a device that was taken off is freed."""
    si = kernel.devices[swp_type(entry)]
    if not si.max:
        message = f"the tree of {si.name} is searched by {_me()}, and was freed"
        raise Violation("I-DEV", message)
    return function(kernel, entry)


def _looking_up(oracles: Oracles, function: Function, kernel: Kernel, entry: SwpEntry) -> Any:
    me, si = running_task(), kernel.devices[swp_type(entry)]
    if me.held:
        return _looking_up_by_lock(function, kernel, entry, si)
    check_pinned(oracles.memory, me, si, "looked into")
    return function(kernel, entry)


async def _looking_up_by_lock(
    function: Function, kernel: Kernel, entry: SwpEntry, si: SwapInfoStruct
) -> Any:
    """Whether a lock keeps the device there depends on the slot; so it is seen at the end."""
    folio = await function(kernel, entry)
    if not si.max:
        message = f"device {si.type} is looked into by {_me()}, and has been taken off"
        raise Violation("I-DEV", message)
    return folio


def check_pinned(memory: Memory, me: Task, si: SwapInfoStruct, what: str) -> None:
    """Check that *me*, which holds no other lock, has a reference to a device, or is of it.

    Who holds a lock on a folio or a page table with a slot of the device, or one of the device,
    keeps it there by that; and nobody takes a device off that is kept for hibernation.

    Raises:
        Violation: (I-DEV) swapoff could free the device at any moment.
    """
    kept = me.daemon or memory.pins.get((me.name, si.type)) or si.flags & SWP_HIBERNATION
    if not kept:
        message = f"{si.name} is {what} by {me.name}, which does not keep it there"
        raise Violation("I-DEV", message)


def _read_ended(
    oracles: Oracles, function: Function, kernel: Kernel, bio: Any, error: Errno | None
) -> Any:
    if error is not None:
        oracles.memory.read_failed(bio.folio)
    return function(kernel, bio, error)


async def _decompressing(
    oracles: Oracles, function: Function, kernel: Kernel, folio: Folio
) -> Any:
    """Note when a copy in zswap cannot be read, which is a failed read as well."""
    error = await function(kernel, folio)
    if error is Errno.EIO:
        oracles.memory.read_failed(folio)
    return error


def _locking(
    oracles: Oracles, function: Function, kernel: Kernel, folio: Folio, label: str
) -> Any:
    """I-SPIN: who has a folio locked waits for no other; two such tasks may wait for ever."""
    oracles.order.waited_for(running_task(), folio.lock)
    oracles.memory.locked[_me()] = folio
    return function(kernel, folio, label)


#: Where a folio is tried because it is met, and left alone if it is locked.
_SCANS: Final = frozenset(
    {
        "shrink_folio_list.trylock",
        "try_to_reclaim_swap.trylock",
        "deferred_split_scan.trylock",
    }
)


def _trying_to_lock(
    oracles: Oracles, function: Function, kernel: Kernel, folio: Folio, label: str
) -> Any:
    """I-SPIN: who has a folio locked already does not know that, and takes it for another's.

    Whoever scans may well come to one that is locked further up, as reclaim within a charge.
    """
    if label not in _SCANS and folio.lock.owned():
        message = f"{_me()} tries to lock {folio.name} at {label}, and has it locked"
        raise Violation("I-SPIN", message)
    oracles.memory.locked[_me()] = folio
    return function(kernel, folio, label)


def _unlocking(
    oracles: Oracles, function: Function, kernel: Kernel, folio: Folio, label: str
) -> Any:
    _refuse_uncharged(folio, "unlocked, cached")
    oracles.memory.left.pop(folio.pfn, None)
    return function(kernel, folio, label)


def _asking_to_free(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> bool:
    """I-DELLOCK: whether a folio may leave the cache is known only to who has it locked."""
    if not folio.lock.owned():
        message = f"{_me()} is to take {folio.name} out of the cache, and has not locked it"
        raise Violation("I-DELLOCK", message)
    answer: bool = function(kernel, folio)
    return answer


def _adding_to_lru(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> None:
    """It may wait in a batch, which has a reference to it."""
    _refuse_uncharged(folio, "added to the LRU")
    batched = oracles.memory.batched
    batched[folio.pfn] = batched.get(folio.pfn, 0) + 1
    function(kernel, folio)


def _got_to_lru(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> None:
    batched = oracles.memory.batched
    if batched.get(folio.pfn, 0) > 1:
        batched[folio.pfn] -= 1
    else:
        batched.pop(folio.pfn, None)
    function(kernel, folio)


async def _moving(
    oracles: Oracles, function: Function, kernel: Kernel, *args: Any, **named: Any
) -> Any:
    """A section in which a file's entry and its count change, one after the other."""
    me = running_task()
    oracles.owners.open(me)
    result = await function(kernel, *args, **named)
    oracles.owners.close(me)
    return result


def _loading(
    oracles: Oracles, function: Function, kernel: Kernel, mm: MmStruct, page: int, token: Any
) -> Any:
    """I-MAPDATA, for what a user reads."""
    _check_newest(f"{mm.name}:{page}", token, mm.newest.get(page))
    return function(kernel, mm, page, token)


def _copying(
    oracles: Oracles,
    function: Function,
    kernel: Kernel,
    file: AddressSpace,
    index: int,
    folio: Folio,
) -> Any:
    """I-MAPDATA, for what a reader of a file gets while the folio is there."""
    token = function(kernel, file, index, folio)
    if folio.mapping is file and file.pages.get(index) is folio:
        _check_newest(f"{file.name}:{index}", token, file.newest.get(index, 0))
    return token


def _check_newest(where: str, token: int | None, newest: int | None) -> None:
    if token is None or token != newest:
        raise Violation("I-MAPDATA", f"{where} holds data {newest}, and {token} is read")


def _freeing(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> None:
    """I-REFS: who has no reference left is in nobody's table, and locked by nobody."""
    if folio.writeback:
        raise Violation("I-WB", f"{folio.name} is freed under writeback")
    if folio.swapcache or folio.mapcount or folio.locked:
        where = "cached" if folio.swapcache else "mapped" if folio.mapcount else "locked"
        raise Violation("I-REFS", f"{folio.name} is freed while it is {where}")
    oracles.memory.private.pop(folio.pfn, None)
    function(kernel, folio)


def _getting(oracles: Oracles, function: Function, kernel: Kernel, folio: Folio) -> Any:
    """A lookup that has found something ends a loop over lookup and EEXIST."""
    found = function(kernel, folio)
    if found:
        oracles.memory.conflicts.pop(_me(), None)
    return found


def _setting_pte(
    oracles: Oracles, function: Function, kernel: Kernel, mm: MmStruct, page: int, pte: Pte
) -> None:
    """I-PTEMATCH and I-MAPDATA; and what the entry owned or owns."""
    before = mm.ptes.get(page)
    if mm.ptl.on_release is None:
        oracles.adopt(mm)
    if isinstance(pte, PresentPte):
        _check_match(oracles.memory, mm, page, before, pte)
        _refuse_uncharged(pte.folio, "mapped")
        _check_data(mm, page, pte)
    function(kernel, mm, page, pte)
    oracles.owners.entry_changed(before, pte)


def _adding_rmap(
    _oracles: Oracles,
    function: Function,
    kernel: Kernel,
    folio: Folio,
    first: int,
    nr: int,
    *args: Any,
    **named: Any,
) -> None:
    """I-PTEMATCH before what lies beside a folio is marked as mapped."""
    if first < 0 or first + nr > folio.nr:
        message = f"page {first} of {folio.name} is mapped, which has {folio.nr}"
        raise Violation("I-PTEMATCH", message)
    function(kernel, folio, first, nr, *args, **named)


async def _exiting(oracles: Oracles, function: Function, kernel: Kernel, mm: MmStruct) -> None:
    await function(kernel, mm)
    oracles.dismiss(mm)


def _check_match(memory: Memory, mm: MmStruct, page: int, before: Pte, pte: PresentPte) -> None:
    """A present entry takes the place of the swap entry that its folio caches.

    The folio may have left the cache since it was locked, or have been read past the cache.
    Or that of nothing, with a folio that was never in the cache; or of itself, to be writable.
    An entry that is copied, moved or restored takes the place of nothing too, of its own folio.
    """
    folio = pte.folio
    where = f"{mm.name}:{page}"
    if not mm.ptl.owned():
        raise Violation("I-PTEMATCH", f"{where} is mapped without its page-table lock")
    if isinstance(before, SwapPte):
        if not folio.lock.owned():
            raise Violation("I-PTEMATCH", f"{where} gets {folio.name}, which is not locked")
        first = memory.slots_of(folio)
        if first is None or first + pte.index != before.entry:
            message = f"{where} names slot {swp_offset(before.entry)}, and gets {folio.name}"
            raise Violation("I-PTEMATCH", f"{message} page {pte.index}")
    elif isinstance(before, MigrationPte):
        pass  # the folio that it names may have become another
    elif isinstance(before, PresentPte):
        if before.folio is not folio or before.index != pte.index:
            raise Violation("I-PTEMATCH", f"{where} is mapped, and gets {folio.name}")
    elif folio.swapcache and (page in mm.ptes or folio.index + pte.index != page):
        raise Violation("I-PTEMATCH", f"{where} names no slot, and gets {folio.name}")


def _check_data(mm: MmStruct, page: int, pte: PresentPte) -> None:
    folio = pte.folio
    where = f"{mm.name}:{page}"
    if not folio.uptodate:
        raise Violation("I-NOREADUPTODATE", f"{where} maps {folio.name}, not up to date")
    if not 0 <= pte.index < folio.nr:
        raise Violation("I-MAPDATA", f"{where} maps no page of {folio.name}")
    token = folio.pages[pte.index]
    newest = mm.newest.get(page)
    if token is None or token != newest:
        message = f"{where} holds data {newest}, and maps {token} of {folio.name}"
        raise Violation("I-MAPDATA", message)


async def _faulting(oracles: Oracles, function: Function, kernel: Kernel, vmf: Any) -> Any:
    """I-ERRNO, for what a fault returns."""
    memory, me = oracles.memory, _me()
    failures = memory.failures.get(me, 0)
    reason = await function(kernel, vmf)
    if reason is VmFaultReason.RETRY and not vmf.retry_allowed:
        raise Violation("I-ERRNO", f"{me} is to try again, and was to wait for the folio")
    if reason is VmFaultReason.OOM and memory.failures.get(me, 0) == failures:
        message = f"{me} is out of memory, and no allocation or charge failed it"
        raise Violation("I-ERRNO", message)
    locked = memory.locked.get(me)
    if reason is VmFaultReason.SIGBUS and (locked is None or locked.pfn not in memory.unread):
        raise Violation("I-ERRNO", f"{me} gets SIGBUS, and no read has failed")
    return reason


#: What is watched in every version.
_WRAPPERS: Final[dict[str, Wrapper]] = {
    "alloc_pages": _allocating_pages,
    "folio_memcg_alloc_deferred": _preparing_queue,
    "charge_memcg": _charging,
    "swap_read_folio": _reading,
    "end_swap_bio_read": _read_ended,
    "folio_end_writeback": _ending_writeback,
    "get_swap_device_info": _pinning,
    "swapoff": _taking_off,
    "swap_alloc_hibernation_slot": _taking_off,
    "swap_free_hibernation_slot": _freeing_image,
    "put_swap_device": _unpinning,
    "zswap_swapoff": _freeing_tree,
    "swap_zswap_tree": _searching_tree,
    "swap_cache_get_folio": _looking_up,
    "folio_lock": _locking,
    "folio_trylock": _trying_to_lock,
    "folio_unlock": _unlocking,
    "folio_swapcache_freeable": _asking_to_free,
    "folio_add_lru": _adding_to_lru,
    "lru_add": _got_to_lru,
    "user_load": _loading,
    "zswap_load": _decompressing,
    "copy_folio_to_user": _copying,
    "shmem_writeout": _moving,
    "shmem_swapin_folio": _moving,
    "shmem_free_swap": _moving,
    "shmem_set_folio_swapin_error": _moving,
    "_folio_put": _freeing,
    "folio_try_get": _getting,
    "set_pte_at": _setting_pte,
    "folio_add_anon_rmap_ptes": _adding_rmap,
    "exit_mmap": _exiting,
    "do_swap_page": _faulting,
    "swap_cache_alloc_folio": allocating,
    "zswap_writeback_entry": writing_back,
}
