# SPDX-License-Identifier: MIT OR Apache-2.0
"""What must hold at the end, when no task is under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from swaptrio.checks.slots import check_counts, check_folio, check_refs
from swaptrio.mm.kernel import Kernel
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapInfoStruct,
    swap_cluster,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import SWP_TB_BAD, SWP_TB_NULL
from swaptrio.sched import Violation


def check_quiescent(kernel: Kernel) -> None:
    """Check the whole kernel.

    Raises:
        Violation: an invariant does not hold.
    """
    check_slots(kernel)
    check_leaks(kernel)
    check_lru(kernel)
    check_stats(kernel)
    check_memcgs(kernel)


def check_slots(kernel: Kernel) -> None:
    """Check each device's count, each slot's count, and each cached folio against its slots."""
    for si in kernel.devices:
        used = sum(_in_use(ci.table) for ci in si.clusters)
        if si.inuse_pages != used:
            message = f"{si.name} counts {si.inuse_pages} slots in use, there are {used}"
            raise Violation("I-INUSE", message)
    check_counts(kernel, _all_slots(kernel))
    for folio in kernel.folios.values():
        if folio.swapcache:
            si = kernel.devices[swp_type(folio.swap)]
            check_folio(kernel, si, swap_cluster(si, swp_offset(folio.swap)), folio)


def _in_use(table: list[int] | None) -> int:
    if table is None:
        return 0
    return SWAPFILE_CLUSTER - table.count(SWP_TB_NULL) - table.count(SWP_TB_BAD)


def _all_slots(kernel: Kernel) -> Iterator[tuple[SwapInfoStruct, int]]:
    for si in kernel.devices:
        for ci in si.clusters:
            words = ci.table or ()
            base = ci.number * SWAPFILE_CLUSTER
            yield from ((si, base + off) for off, word in enumerate(words) if word)
    for mm in kernel.processes:
        for pte in mm.ptes.values():
            entry = getattr(pte, "entry", None)
            if entry is not None:
                yield kernel.devices[swp_type(entry)], swp_offset(entry)


def check_leaks(kernel: Kernel) -> None:
    """Check that every folio is unlocked, held by nobody, and in use."""
    for folio in kernel.folios.values():
        if folio.locked:
            raise Violation("Q-LEAK", f"{folio.name} is still locked")
        holders = [name for name, count in folio.holders.items() if count]
        if holders:
            raise Violation("Q-LEAK", f"{folio.name} is still held by {', '.join(holders)}")
        if not folio.swapcache and not folio.mapcount:
            raise Violation("Q-LEAK", f"{folio.name} is in nobody's hands")
        check_refs(folio)


def check_lru(kernel: Kernel) -> None:
    """Check that every cached folio can be found by reclaim."""
    for folio in kernel.folios.values():
        if folio.swapcache and not folio.lru:
            raise Violation("Q-LRU", f"{folio.name} is cached and not on the LRU")


def check_stats(kernel: Kernel) -> None:
    """Check the counters of cached pages."""
    cached: Counter[str] = Counter()
    for folio in kernel.folios.values():
        if folio.swapcache:
            cached["root" if folio.memcg is None else folio.memcg.name] += folio.nr
    for item in ("NR_SWAPCACHE", "NR_FILE_PAGES"):
        counted, pages = kernel.vmstat.node[item], cached.total()
        if counted != pages:
            raise Violation("Q-STATS", f"{item} is {counted}, {pages} pages are cached")
    groups = {name for name, _ in kernel.vmstat.memcg} | set(cached)
    for name in sorted(groups):
        counted = kernel.vmstat.memcg[name, "NR_SWAPCACHE"]
        if counted != cached[name]:
            message = f"NR_SWAPCACHE of {name} is {counted}, {cached[name]} pages are cached"
            raise Violation("Q-STATS", message)


def check_memcgs(kernel: Kernel) -> None:
    """Check what each group is charged for: resident pages, and slots on record."""
    memory: Counter[str] = Counter()
    for folio in kernel.folios.values():
        if folio.memcg is not None:
            memory[folio.memcg.name] += folio.nr
    slots = Counter(
        id
        for si in kernel.devices
        for ci in si.clusters
        for id in ci.memcg_table.values()
        if id
    )
    for memcg in kernel.memcgs.by_id.values():
        pages, swapped = memory[memcg.name], slots[memcg.id]
        expected = {"memory": pages}
        if kernel.config.memcg_v1:
            expected["memsw"] = pages + swapped
        else:
            expected["swap"] = swapped
        for item, number in expected.items():
            if getattr(memcg, item) != number:
                message = f"{memcg.name} is charged {getattr(memcg, item)} {item}, not {number}"
                raise Violation("Q-MEMCG", message)
