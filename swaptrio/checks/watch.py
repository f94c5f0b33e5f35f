# SPDX-License-Identifier: MIT OR Apache-2.0
"""The oracles of one execution: what they watch, and how they are attached.

They are attached from outside. A cluster lock and a page-table lock call them on release; a
function of the model that they care for is wrapped in the kernel's table, around whatever
version of it runs. The model knows nothing of them, and without them it runs just the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from swaptrio.checks.findings import Finding
from swaptrio.checks.quiescent import check_quiescent
from swaptrio.checks.slots import check_cluster, check_counts, check_owner
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import FUNCTIONS, Kernel
from swaptrio.mm.mm_types import (
    Folio,
    MmStruct,
    PresentPte,
    Pte,
    SwapPte,
    VmFaultReason,
)
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    SWP_TB_NULL,
    count_of,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    swp_tb_to_shadow,
    zero_of,
)
from swaptrio.sched import SpinLock, Violation, current

_HIGHEST_ORDER: Final = 9


@attrs.define(eq=False)
class Oracles:
    """All oracles of one execution, with what they remember between two looks.

    *findings* are the soft ones. *failures* counts, by task, the allocations and charges that
    failed it; *unread* are folios whose read failed. *changes* counts, by slot, how often its
    word was changed. *shadows* are those that an insertion has covered. *order_loop* says that the
    version allocates order by order, so that its error numbers mean what they say.
    """

    kernel: Kernel
    findings: list[Finding] = attrs.Factory(list)
    failures: Counter[str] = attrs.Factory(Counter)
    unread: list[Folio] = attrs.Factory(list)
    changes: Counter[tuple[str, int]] = attrs.Factory(Counter)
    shadows: dict[tuple[str, int], int] = attrs.Factory(dict)
    attempts: dict[str, int] = attrs.Factory(dict)
    conflicts: dict[tuple[str, int], int] = attrs.Factory(dict)
    order_loop: bool = False

    def attach(self) -> None:
        """Begin to watch the kernel, whose devices and processes are all there."""
        for si in self.kernel.devices:
            for ci in si.clusters:
                self._watch_cluster(si, ci)
        for mm in self.kernel.processes:
            mm.ptl.on_release = self._ptl_released
            mm.ptl.on_acquire = self._ptl_acquired
        functions = self.kernel.functions
        self.order_loop = "__swap_cache_alloc" in functions
        for name, wrap in _WRAPPERS.items():
            function = functions.get(name) or FUNCTIONS.get(name)
            if function is not None:
                functions[name] = wrap(self, function)

    def at_end(self) -> None:
        """Check the kernel when no task is under way."""
        check_quiescent(self.kernel)

    def conflict(self, entry: SwpEntry) -> None:
        """I-PROGRESS: a task that meets EEXIST again for a slot has seen it change in between."""
        slot = (self.kernel.devices[swp_type(entry)].name, swp_offset(entry))
        changes = self.changes[slot]
        if self.conflicts.get((_me(), entry)) == changes:
            message = (
                f"{_me()} meets EEXIST again at {slot[0]}:{slot[1]}, which has not changed"
            )
            raise Violation("I-PROGRESS", message)
        self.conflicts[_me(), entry] = changes

    def _watch_cluster(self, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
        def acquired() -> None:
            ci.touched.clear()
            _refuse_nesting(ci.lock, "cluster")

        def released() -> None:
            if ci.touched:
                self._section_ended(si, ci)

        ci.lock.on_acquire = acquired
        ci.lock.on_release = released

    def _section_ended(self, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
        check_cluster(self.kernel, si, ci)
        self._note_changes(si, ci)
        if not self._ptl_held():
            base = ci.number * SWAPFILE_CLUSTER
            check_counts(self.kernel, ((si, base + off) for off in ci.touched))

    def _note_changes(self, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
        for off, old in ci.touched.items():
            new = SWP_TB_NULL if ci.table is None else ci.table[off]
            if new == old:
                continue
            slot = (si.name, ci.number * SWAPFILE_CLUSTER + off)
            self.changes[slot] += 1
            if swp_tb_is_shadow(old) and swp_tb_is_folio(new):
                self.shadows[slot] = swp_tb_to_shadow(old)
            elif swp_tb_is_folio(old) and swp_tb_is_shadow(new):
                self._compare_shadow(slot, old, new)

    def _compare_shadow(self, slot: tuple[str, int], old: int, new: int) -> None:
        folio = self.kernel.folios.get(swp_tb_to_pfn(old))
        before = self.shadows.pop(slot, None)
        if folio is None or folio.memcg is not None or before is None:
            return
        if swp_tb_to_shadow(new) != before:
            message = (
                f"{slot[0]}:{slot[1]} had another shadow before {folio.name} was rolled back"
            )
            self.findings.append(Finding("I-SHADOW", message))

    def _ptl_held(self) -> bool:
        return any(mm.ptl.owner is not None for mm in self.kernel.processes)

    def _ptl_acquired(self) -> None:
        _refuse_nesting(current().me().held[-1], "ptl")

    def _ptl_released(self) -> None:
        held = sum(mm.ptl.owner is not None for mm in self.kernel.processes)
        if held == 1:
            check_counts(self.kernel, self._slots_in_page_tables())

    def _slots_in_page_tables(self) -> Iterator[tuple[SwapInfoStruct, int]]:
        for mm in self.kernel.processes:
            for pte in mm.ptes.values():
                if isinstance(pte, SwapPte):
                    yield self.kernel.devices[swp_type(pte.entry)], swp_offset(pte.entry)


def _refuse_nesting(lock: SpinLock, kind: str) -> None:
    """A cluster lock is the innermost, and page-table locks do not nest in one another."""
    for other in current().me().held:
        if other is not lock and isinstance(other, SpinLock):
            if kind == "ptl" or "cluster" in other.name:
                message = f"{lock.name} is taken under {other.name}"
                raise Violation("I-SPIN", message)


Wrapper = Callable[[Oracles, Callable[..., Any]], Callable[..., Any]]


def _me() -> str:
    return current().me().name


def _word_at(kernel: Kernel, entry: SwpEntry) -> int:
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    return SWP_TB_NULL if ci.table is None else ci.table[swp_cluster_offset(entry)]


def _failing(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """Note when *function* fails its caller: none or an error number, as it says."""
    good = (
        None if function.__name__ in ("charge_memcg", "folio_memcg_alloc_deferred") else Folio
    )

    async def call(kernel: Kernel, *args: Any) -> Any:
        result = await function(kernel, *args)
        failed = result is None if good is Folio else result is not None
        oracles.failures[_me()] += failed
        return result

    return call


def _charging(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-CHARGE1, and I-OWNER for a folio that is in the cache when it is charged."""
    inner = _failing(oracles, function)

    async def call(kernel: Kernel, folio: Folio, *args: Any) -> Any:
        if folio.memcg is not None:
            raise Violation("I-CHARGE1", f"{folio.name} is charged twice")
        if folio.swapcache and not folio.lock.owned():
            raise Violation(
                "I-CHARGE1", f"{folio.name} is charged by {_me()}, not its inserter"
            )
        error = await inner(kernel, folio, *args)
        if error is None and folio.swapcache:
            check_owner(kernel, folio)
        return error

    return call


def _reading(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-NOREADUPTODATE."""

    async def call(kernel: Kernel, folio: Folio) -> Any:
        if not folio.lock.owned() or not folio.swapcache or folio.uptodate:
            message = f"{folio.name} is read while not locked, not cached, or up to date"
            raise Violation("I-NOREADUPTODATE", message)
        return await function(kernel, folio)

    return call


def _read_ended(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(kernel: Kernel, bio: Any, error: Errno | None) -> Any:
        if error is not None:
            oracles.unread.append(bio.folio)
        return await function(kernel, bio, error)

    return call


def _setting_pte(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-PTEMATCH and I-MAPDATA."""

    def call(kernel: Kernel, mm: MmStruct, page: int, pte: Pte) -> None:
        before = mm.ptes.get(page)
        if isinstance(pte, PresentPte) and isinstance(before, SwapPte):
            _check_match(mm, page, before, pte)
        if isinstance(pte, PresentPte):
            _check_data(mm, page, pte)
        function(kernel, mm, page, pte)

    return call


def _check_match(mm: MmStruct, page: int, before: SwapPte, pte: PresentPte) -> None:
    folio = pte.folio
    where = f"{mm.name}:{page}"
    if not mm.ptl.owned() or not folio.lock.owned():
        raise Violation("I-PTEMATCH", f"{where} is mapped without its locks")
    if not folio.swapcache or folio.swap + pte.index != before.entry:
        message = f"{where} names slot {swp_offset(before.entry)}, and gets {folio.name}"
        raise Violation("I-PTEMATCH", f"{message} page {pte.index}")


def _check_data(mm: MmStruct, page: int, pte: PresentPte) -> None:
    if not 0 <= pte.index < pte.folio.nr:
        raise Violation("I-MAPDATA", f"{mm.name}:{page} maps no page of {pte.folio.name}")
    token = pte.folio.pages[pte.index]
    newest = mm.newest.get(page)
    if token != newest:
        message = f"{mm.name}:{page} holds data {newest}, and maps {token} of {pte.folio.name}"
        raise Violation("I-MAPDATA", message)


def _faulting(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-ERRNO, for what a fault returns."""

    async def call(kernel: Kernel, vmf: Any) -> Any:
        failures = oracles.failures[_me()]
        reason = await function(kernel, vmf)
        if reason is VmFaultReason.OOM and oracles.failures[_me()] == failures:
            message = f"{_me()} is out of memory, and no allocation or charge failed it"
            raise Violation("I-ERRNO", message)
        if reason is VmFaultReason.SIGBUS and not oracles.unread:
            raise Violation("I-ERRNO", f"{_me()} gets SIGBUS, and no read failed")
        return reason

    return call


def _checking(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-ERRNO, for the range check of v3 and later, which is asked for a target."""
    if "targ_entry" not in function.__code__.co_varnames:
        return function

    def call(kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int, **more: Any) -> Any:
        result = function(kernel, ci, entry, nr, **more)
        if not ci.lock.owned():
            return result
        error = result[0]
        if error is not None and not _is_so(kernel, ci, entry, nr, error):
            word = _word_at(kernel, entry)
            message = f"{error!s} for slot {swp_offset(entry)} with word {word:#x}, nr {nr}"
            raise Violation("I-ERRNO", message)
        return result

    return call


def _is_so(kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int, error: Errno) -> bool:
    word = _word_at(kernel, entry)
    if error is Errno.EEXIST:
        return swp_tb_is_folio(word)
    if error is Errno.ENOENT:
        return not swp_tb_is_folio(word) and count_of(word) == 0
    if error is not Errno.EBUSY or nr == 1 or ci.table is None:
        return False
    start = swp_cluster_offset(entry) & -nr
    words = ci.table[start : start + nr]
    owners = {ci.memcg_table.get(off, 0) for off in range(start, start + nr)}
    unsuitable = any(swp_tb_is_folio(other) or count_of(other) == 0 for other in words)
    differs = len(owners) > 1 or any(zero_of(other) != zero_of(word) for other in words)
    return count_of(word) > 0 and not swp_tb_is_folio(word) and (unsuitable or differs)


def _attempting(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-ERRNO, for the order that is passed down; and count the attempts."""

    async def call(kernel: Kernel, entry: SwpEntry, gfp: str, order: int, *more: Any) -> Any:
        if not 0 <= order <= _HIGHEST_ORDER:
            raise Violation("I-ERRNO", f"{_me()} tries to allocate order {order}")
        left = oracles.attempts.get(_me(), 1)
        if left == 0:
            message = f"{_me()} tries more often than it has orders, at order {order} again"
            raise Violation("I-PROGRESS", message)
        oracles.attempts[_me()] = left - 1
        return await function(kernel, entry, gfp, order, *more)

    return call


def _allocating(oracles: Oracles, function: Callable[..., Any]) -> Callable[..., Any]:
    """I-ERRNO and I-PROGRESS, for the allocation as a whole."""

    async def call(kernel: Kernel, entry: SwpEntry, gfp: str, orders: int, *more: Any) -> Any:
        oracles.attempts[_me()] = orders.bit_count() + 1
        failures = oracles.failures[_me()]
        result = await function(kernel, entry, gfp, orders, *more)
        unfailed = oracles.order_loop and oracles.failures[_me()] == failures
        if result is Errno.ENOMEM and unfailed:
            raise Violation("I-ERRNO", f"{_me()} gets ENOMEM, and nothing failed it")
        if result is Errno.EEXIST:
            oracles.conflict(entry)
        return result

    return call


_WRAPPERS: Final[dict[str, Wrapper]] = {
    "alloc_pages": _failing,
    "charge_memcg": _charging,
    "folio_memcg_alloc_deferred": _failing,
    "swap_read_folio": _reading,
    "end_swap_bio_read": _read_ended,
    "set_pte_at": _setting_pte,
    "do_swap_page": _faulting,
    "__swap_cache_add_check": _checking,
    "__swap_cache_alloc": _attempting,
    "swap_cache_alloc_folio": _allocating,
}
