# SPDX-License-Identifier: MIT OR Apache-2.0
"""What must hold of slots and folios whenever a cluster lock is released.

Only the slots that were written in the critical section are looked at, and the folios that they
name or named: `SwapClusterInfo.touched` says what their words were before.
"""

from __future__ import annotations

from collections.abc import Iterator

from swaptrio.mm.kernel import Kernel
from swaptrio.mm.mm_types import Folio, SwapPte
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapClusterInfo,
    SwapInfoStruct,
    swap_cluster,
    swp_cluster_offset,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_NULL,
    count_of,
    swp_tb_is_bad,
    swp_tb_is_folio,
    swp_tb_is_null,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
)
from swaptrio.sched import Violation


def check_cluster(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Check what was written since the cluster's lock was taken. It is about to be released.

    Raises:
        Violation: an invariant does not hold.
    """
    base = ci.number * SWAPFILE_CLUSTER
    table = ci.table
    for off, old in ci.touched.items():
        new = SWP_TB_NULL if table is None else table[off]
        if new != old:
            check_word(kernel, si, ci, base + off, old, new)
    for folio in _folios_of(kernel, ci):
        check_folio(kernel, si, ci, folio)
    used = 0 if table is None else SWAPFILE_CLUSTER - table.count(SWP_TB_NULL)
    if ci.count != used:
        message = f"cluster {ci.number} of {si.name} counts {ci.count} slots, {used} are in use"
        raise Violation("I-CLCOUNT", message)


def check_word(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, slot: int, old: int, new: int
) -> None:
    """Check one slot's change from *old* to *new*."""
    where = f"{si.name}:{slot}"
    if swp_tb_is_bad(old):
        raise Violation("I-KIND", f"{where} was bad and is overwritten")
    if swp_tb_is_null(new):
        _check_free(si, ci, slot, where)
    elif swp_tb_is_shadow(new):
        if count_of(new) == 0:
            raise Violation("I-KIND", f"{where} is not cached, and has a count of 0")
    elif not swp_tb_is_folio(new):
        raise Violation("I-KIND", f"{where} has a word of no kind: {new:#x}")
    if swp_tb_is_folio(old):
        _check_left(kernel, where, old, new)


def _check_free(si: SwapInfoStruct, ci: SwapClusterInfo, slot: int, where: str) -> None:
    if ci.memcg_table.get(slot % SWAPFILE_CLUSTER):
        raise Violation("I-FREE", f"{where} is free and has an owner on record")
    if slot in si.zswap:
        raise Violation("I-FREE", f"{where} is free and zswap holds data for it")


def _check_left(kernel: Kernel, where: str, old: int, new: int) -> None:
    """A slot that was cached: by the same folio still, or by none."""
    pfn = swp_tb_to_pfn(old)
    folio = kernel.folios.get(pfn)
    if swp_tb_is_folio(new) and swp_tb_to_pfn(new) == pfn:
        if count_of(old) == 0 and count_of(new) > 0 and not (folio and folio.lock.owned()):
            raise Violation("I-ZERO2ONE", f"{where} is used again, its folio is not locked")
        return
    if folio is None:
        return
    if swp_tb_is_folio(new) and folio.swapcache:
        other = f"folio {swp_tb_to_pfn(new):#x}"
        raise Violation("I-ONE", f"{where} is taken over by {other} from {folio.name}")
    if not folio.lock.owned():
        raise Violation(
            "I-DELLOCK", f"{folio.name} leaves {where}, not locked by who removes it"
        )
    if folio.writeback:
        raise Violation("I-DELLOCK", f"{folio.name} leaves {where} under writeback")


def _folios_of(kernel: Kernel, ci: SwapClusterInfo) -> Iterator[Folio]:
    seen: set[int] = set()
    for off, old in ci.touched.items():
        for word in (old, SWP_TB_NULL if ci.table is None else ci.table[off]):
            if swp_tb_is_folio(word) and swp_tb_to_pfn(word) not in seen:
                pfn = swp_tb_to_pfn(word)
                seen.add(pfn)
                if pfn in kernel.folios:
                    yield kernel.folios[pfn]
                elif word != old:
                    message = f"cluster {ci.number} names folio {pfn:#x}, which is freed"
                    raise Violation("I-BACKREF", message)


def check_folio(kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio) -> None:
    """Check a folio against the words of the cluster *ci*, whose lock is held."""
    named = _slots_naming(ci, folio)
    if not folio.swapcache:
        if named:
            message = f"{folio.name} is not cached, and {si.name}:{named[0]} names it"
            raise Violation("I-BACKREF", message)
    else:
        first = swp_offset(folio.swap)
        if named != list(range(first, first + folio.nr)):
            message = f"{folio.name} is cached from {si.name}:{first}, and named by {named}"
            raise Violation("I-BACKREF", message)
        if first % folio.nr:
            raise Violation("I-ALIGN", f"{folio.name} is cached from {si.name}:{first}")
        check_uncharged(folio)
        if first % SWAPFILE_CLUSTER in ci.touched:
            _check_inserted(kernel, ci, folio)
    check_refs(folio)


def _check_inserted(kernel: Kernel, ci: SwapClusterInfo, folio: Folio) -> None:
    """A folio that has just been inserted, and was charged before."""
    before = ci.touched[swp_cluster_offset(folio.swap)]
    if swp_tb_is_shadow(before) and folio.memcg is not None:
        check_owner(kernel, folio)


def check_owner(kernel: Kernel, folio: Folio) -> None:
    """Check that a cached folio was charged to the group on record for its first slot.

    Where the record names no online group the charge goes elsewhere, and nothing is checked.

    Raises:
        Violation: (I-OWNER) it belongs to another group.
    """
    si = kernel.devices[swp_type(folio.swap)]
    ci = swap_cluster(si, swp_offset(folio.swap))
    owner = kernel.memcgs.by_id.get(ci.memcg_table.get(swp_cluster_offset(folio.swap), 0))
    if owner is None or not owner.online or folio.memcg is owner:
        return
    charged = "nobody" if folio.memcg is None else folio.memcg.name
    message = f"{folio.name} is charged to {charged}, its slot belongs to {owner.name}"
    raise Violation("I-OWNER", message)


def _slots_naming(ci: SwapClusterInfo, folio: Folio) -> list[int]:
    """The slots of a cluster whose words name a folio; those it may lie in, and any touched."""
    if ci.table is None:
        return []
    base = ci.number * SWAPFILE_CLUSTER
    offs = dict.fromkeys(ci.touched)
    if folio.swapcache:
        first = swp_offset(folio.swap) - base
        offs.update(
            dict.fromkeys(range(max(first, 0), min(first + folio.nr, SWAPFILE_CLUSTER)))
        )
    table = ci.table
    return sorted(
        base + off
        for off in offs
        if swp_tb_is_folio(table[off]) and swp_tb_to_pfn(table[off]) == folio.pfn
    )


def check_uncharged(folio: Folio) -> None:
    """Check that a cached folio without an owner is not ready for use yet."""
    if folio.memcg is not None or folio.frozen:
        return
    ready = not folio.locked or folio.uptodate or folio.lru or folio.mapcount
    if ready:
        raise Violation("I-INSERT-UNCHARGED", f"{folio.name} is cached, in use and not charged")


def check_refs(folio: Folio) -> None:
    """Check a folio's references against everybody who has one."""
    if folio.frozen:
        return
    cache = folio.nr if folio.swapcache else 0
    held = sum(folio.holders.values())
    if folio.refs != cache + folio.mapcount + held:
        message = (
            f"{folio.name} has {folio.refs} references: "
            f"{cache} of the cache, {folio.mapcount} of page tables, {held} held"
        )
        raise Violation("I-REFS", message)


def check_counts(kernel: Kernel, slots: Iterator[tuple[SwapInfoStruct, int]]) -> None:
    """Check the counts of *slots* against their owners. No page-table lock is held by anybody.

    Raises:
        Violation: (I-COUNT) they differ.
    """
    owners: dict[int, int] = {}
    for mm in kernel.processes:
        for pte in mm.ptes.values():
            if isinstance(pte, SwapPte):
                owners[pte.entry] = owners.get(pte.entry, 0) + 1
    for si, slot in slots:
        ci = si.clusters[slot // SWAPFILE_CLUSTER]
        word = SWP_TB_NULL if ci.table is None else ci.table[slot % SWAPFILE_CLUSTER]
        expected = owners.get(swp_entry(si.type, slot), 0) + si.foreign_counts.get(slot, 0)
        if word != SWP_TB_BAD and count_of(word) != expected:
            message = f"{si.name}:{slot} counts {count_of(word)}, and has {expected} owners"
            raise Violation("I-COUNT", message)
