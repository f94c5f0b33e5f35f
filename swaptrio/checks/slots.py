# SPDX-License-Identifier: MIT OR Apache-2.0
"""What must hold of slots and folios whenever a cluster lock is released.

Only the slots that were written in the critical section are looked at, and the folios that they
name or named: `SwapClusterInfo.touched` says what their words were before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.mm_types import Folio, ShmemSwap, SwapPte
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    ClusterFlag,
    Clusters,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    BITS_PER_LONG,
    SWP_TB_BAD,
    SWP_TB_COUNT_MAX,
    SWP_TB_COUNT_SHIFT,
    SWP_TB_FLAGS_MASK,
    SWP_TB_NULL,
    count_of,
    pfn_to_swp_tb,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    zero_of,
)
from swaptrio.sched import Access, Violation, touch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.memcontrol import MemCgroup

_PAST_THE_WORD: Final = 1 << BITS_PER_LONG

#: A word less its flags: what it says of its kind, and the folio or the shadow.
_WORD: Final = ~SWP_TB_FLAGS_MASK

#: Words that are not Bad, and have a count, or the highest one, are no less than these.
_COUNT_OF_ONE: Final = 1 << SWP_TB_COUNT_SHIFT
_COUNT_OF_MAX: Final = SWP_TB_COUNT_MAX << SWP_TB_COUNT_SHIFT

#: Each critical section asks for ten of them; see `swaptrio.sched.operation`.
_NONE, _FREE, _NONFULL, _FRAG, _FULL, _DISCARD = ClusterFlag


def word_at(ci: SwapClusterInfo, off: int) -> int:
    """The word of a slot; NULL in a cluster without a table."""
    return SWP_TB_NULL if ci.table is None else ci.table[off]


def check_word(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, off: int, old: int, new: int
) -> None:
    """Check one slot's change from *old* to *new*. The cluster's lock is about to be released.

    Raises:
        Violation: an invariant does not hold.
    """
    slot = ci.number * SWAPFILE_CLUSTER + off
    if old == SWP_TB_BAD:
        raise Violation("I-KIND", f"{si.name}:{slot} was bad and is overwritten")
    if new == SWP_TB_NULL:
        check_free(si, ci, off)
    else:
        check_kind(si, slot, new)
    if (old ^ new) & _WORD and swp_tb_is_folio(old):
        _check_left(kernel, si, slot, swp_tb_to_pfn(old), new)
    if old < _COUNT_OF_ONE <= new and slot not in si.image:
        _check_zero_to_one(kernel, si, slot, old, new)


def check_kind(si: SwapInfoStruct, slot: int, word: int) -> None:
    """Check that a slot in use has a word of some kind, and one that says how it is used."""
    if not 0 < word < _PAST_THE_WORD:
        raise Violation("I-KIND", f"{si.name}:{slot} has more than a word: {word:#x}")
    if swp_tb_is_shadow(word):
        if word < _COUNT_OF_ONE and not is_claimed(si, slot):
            raise Violation("I-KIND", f"{si.name}:{slot} is not cached, and has a count of 0")
    elif not swp_tb_is_folio(word):
        raise Violation("I-KIND", f"{si.name}:{slot} has a word of no kind: {word:#x}")


def is_claimed(si: SwapInfoStruct, slot: int) -> bool:
    """Whether somebody is about to cache a slot, or has just ceased to (SWAP_HAS_CACHE)."""
    return slot % SWAPFILE_CLUSTER in swap_cluster(si, slot).has_cache


def check_free(si: SwapInfoStruct, ci: SwapClusterInfo, off: int) -> None:
    """Check that nothing is left of a slot whose word is NULL."""
    slot = ci.number * SWAPFILE_CLUSTER + off
    if ci.memcg_table.get(off):
        raise Violation("I-FREE", f"{si.name}:{slot} is free and has an owner on record")
    if slot in si.zswap:
        raise Violation("I-FREE", f"{si.name}:{slot} is free and zswap holds data for it")
    if off in ci.has_cache:
        raise Violation("I-FREE", f"{si.name}:{slot} is free and somebody has claimed it")
    if ci.extend_table and off in ci.extend_table:
        raise Violation("I-FREE", f"{si.name}:{slot} is free and has an extended count")


def check_extended(si: SwapInfoStruct, ci: SwapClusterInfo, offs: Iterable[int]) -> None:
    """Check the extended counts of slots, and of all that have one. The lock is held.

    Raises:
        Violation: (I-EXT) a word says that there is one, and there is none, or the reverse.
    """
    extended, table = ci.extend_table or {}, ci.table
    for off in (*offs, *extended):
        word = SWP_TB_NULL if table is None else table[off]
        more = extended.get(off, 0) if extended else 0
        due = word >= _COUNT_OF_MAX and word != SWP_TB_BAD
        if (more >= SWP_TB_COUNT_MAX) is not due or (more and not due):
            slot, count = f"{si.name}:{ci.number * SWAPFILE_CLUSTER + off}", count_of(word)
            raise Violation("I-EXT", f"{slot} counts {count} in its word, {more} beside it")


def check_list(si: SwapInfoStruct, ci: SwapClusterInfo) -> None:
    """Check that a cluster is on the list of its flag, and fits there. The lock is held.

    One that waits to be discarded is off that list while it is.

    Raises:
        Violation: (I-LIST) it is elsewhere, or should be.
    """
    flag = ci.flags
    if flag is _FREE:
        fits = ci.count == 0 and ci.table is None
    elif flag is _FULL:
        fits = ci.count == SWAPFILE_CLUSTER
    elif flag is _DISCARD:
        fits = ci.count == 0
    else:
        fits = flag is _NONE or 0 < ci.count < SWAPFILE_CLUSTER
    if not fits:
        message = f"{ci.lock.name} has flag {flag}, and {ci.count} slots in use"
        raise Violation("I-LIST", message)
    number = ci.number
    for which, clusters in _lists(si, ci.order):
        there = number in clusters
        if there is not (which is flag) and (there or flag is not _DISCARD):
            where = "on another list" if there else "missing on its list"
            raise Violation("I-LIST", f"{ci.lock.name} has flag {flag}, and is {where}")


def _lists(si: SwapInfoStruct, order: int) -> tuple[tuple[ClusterFlag, Clusters], ...]:
    """The lists on which a cluster of *order* can be."""
    return (
        (_FREE, si.free_clusters),
        (_NONFULL, si.nonfull_clusters[order]),
        (_FRAG, si.frag_clusters[order]),
        (_FULL, si.full_clusters),
        (_DISCARD, si.discard_clusters),
    )


def stored_at(si: SwapInfoStruct, ci: SwapClusterInfo, off: int) -> int | None:
    """The data that who reads the slot *off* gets: zeros, zswap's or the device's."""
    slot = ci.number * SWAPFILE_CLUSTER + off
    if zero_of(word_at(ci, off)):
        return 0
    if slot in si.zswap:
        return si.zswap[slot].token
    return si.data.get(slot)


def check_stored(si: SwapInfoStruct, ci: SwapClusterInfo, off: int, token: int | None) -> None:
    """Check that a slot holds *token*, which no folio is going to hold any more.

    Raises:
        Violation: (I-DIRTYCLEAN) it holds something else: the data are lost.
    """
    stored = stored_at(si, ci, off)
    if stored != token:
        slot = f"{si.name}:{ci.number * SWAPFILE_CLUSTER + off}"
        raise Violation("I-DIRTYCLEAN", f"{slot} holds {stored}, its clean folio {token}")


def check_clean(kernel: Kernel, folio: Folio) -> None:
    """Check that the used slots of a cached folio, if it is clean for sure, hold its data.

    A mapped one may be dirty as its entries know, and one under writeback is on its way.
    """
    unsure = folio.dirty or folio.writeback or folio.mapcount or not folio.uptodate
    if unsure or not folio.swapcache:
        return
    si = kernel.devices[swp_type(folio.swap)]
    ci = swap_cluster(si, swp_offset(folio.swap))
    for off, token in enumerate(folio.pages, swp_cluster_offset(folio.swap)):
        if count_of(word_at(ci, off)):
            check_stored(si, ci, off, token)


def _check_left(kernel: Kernel, si: SwapInfoStruct, slot: int, pfn: int, new: int) -> None:
    """A slot that was cached by the folio at *pfn* no longer is."""
    folio = kernel.folios.get(pfn)
    if folio is None:
        return  # its end was looked at when it was freed
    where = f"{si.name}:{slot}"
    if swp_tb_is_folio(new) and folio.swapcache and _overlaps(kernel, folio, new):
        other = f"folio {swp_tb_to_pfn(new):#x}"
        raise Violation("I-ONE", f"{where} is taken over by {other} from {folio.name}")
    if not folio.lock.owned():
        message = f"{folio.name} leaves {where}, not locked by who removes it"
        raise Violation("I-DELLOCK", message)
    if folio.writeback:
        raise Violation("I-DELLOCK", f"{folio.name} leaves {where} under writeback")


def _overlaps(kernel: Kernel, folio: Folio, word: int) -> bool:
    """Whether *folio* lies in slots of the one that *word* names: it was not split from it."""
    other = kernel.folios.get(swp_tb_to_pfn(word))
    if other is None:
        return True
    return folio.swap < other.swap + other.nr and other.swap < folio.swap + folio.nr


def _check_zero_to_one(
    kernel: Kernel, si: SwapInfoStruct, slot: int, old: int, new: int
) -> None:
    where = f"{si.name}:{slot}"
    cached = swp_tb_is_folio(old) and swp_tb_is_folio(new)
    folio = kernel.folios.get(swp_tb_to_pfn(new)) if cached else None
    if folio is None:
        raise Violation("I-ZERO2ONE", f"{where} is used again, and no folio caches it")
    if not folio.lock.owned():
        message = f"{where} is used again, and {folio.name} is not locked by who does it"
        raise Violation("I-ZERO2ONE", message)


def check_folio(
    si: SwapInfoStruct,
    ci: SwapClusterInfo,
    folio: Folio,
    touched: Iterable[int],
    batched: int,
) -> None:
    """Check a folio against the words of the cluster *ci*, whose lock is held.

    *touched* are slots that may name it wrongly, besides those that it lies in. For *batched*
    see `check_refs`.

    Raises:
        Violation: (I-BACKREF, I-ALIGN, I-REFS) they do not fit together.
    """
    first = last = -1
    table, word = ci.table, pfn_to_swp_tb(folio.pfn, 0)
    if folio.swapcache:
        first = swp_cluster_offset(folio.swap)
        last = first + folio.nr - 1
        if first % folio.nr or last >= SWAPFILE_CLUSTER:
            raise Violation("I-ALIGN", f"{folio.name} is cached from {_where(si, folio)}")
        for off in range(first, last + 1):
            if table is None or table[off] & _WORD != word:
                where = _where(si, folio)
                message = f"{folio.name} is cached from {where}, and page {off - first} is not"
                raise Violation("I-BACKREF", message)
    for off in touched:
        if not first <= off <= last and table is not None and table[off] & _WORD == word:
            slot = f"{si.name}:{ci.number * SWAPFILE_CLUSTER + off}"
            place = "elsewhere" if folio.swapcache else "not cached"
            raise Violation("I-BACKREF", f"{slot} names {folio.name}, which is {place}")
    check_refs(folio, batched)


def _where(si: SwapInfoStruct, folio: Folio) -> str:
    return f"{si.name}:{swp_offset(folio.swap)}"


def names(word: int, folio: Folio) -> bool:
    """Whether a word says that *folio* caches its slot, whatever its flags."""
    return word & _WORD == pfn_to_swp_tb(folio.pfn, 0)


def check_refs(folio: Folio, batched: int) -> None:
    """Check a folio's references against everybody who has one, *batched* of them batches."""
    if folio.frozen:
        return
    cache = folio.nr if folio.swapcache else 0
    file = folio.nr if folio.mapping is not None else 0
    held = sum(folio.holders.values())
    if folio.refs != cache + file + folio.mapcount + held + batched:
        message = (
            f"{folio.name} has {folio.refs} references: {cache} of the cache, "
            f"{file} of a file, {folio.mapcount} of page tables, {batched} of the LRU, "
            f"{held} held"
        )
        raise Violation("I-REFS", message)


def check_owner(kernel: Kernel, folio: Folio) -> None:
    """Check that a cached folio was charged to the group on record for its slots.

    Where the record names no online group the charge goes elsewhere, and only the records of
    the slots are held against each other.

    Raises:
        Violation: (I-OWNER) it belongs to another group, or its slots do.
    """
    ci = swap_cluster(kernel.devices[swp_type(folio.swap)], swp_offset(folio.swap))
    start = swp_cluster_offset(folio.swap)
    first = ci.memcg_table.get(start, 0)
    for off in range(start + 1, start + folio.nr):
        if ci.memcg_table.get(off, 0) != first:
            message = f"{folio.name} lies in slots of several groups"
            raise Violation("I-OWNER", message)
    owner = _group_of(kernel, first)
    if owner is None or folio.memcg is owner:
        return
    charged = "nobody" if folio.memcg is None else folio.memcg.name
    message = f"{folio.name} is charged to {charged}, its slot belongs to {owner.name}"
    raise Violation("I-OWNER", message)


def _group_of(kernel: Kernel, number: int) -> MemCgroup | None:
    """The online group of that *number*, if there is one.

    No lock keeps groups from coming and going, so whoever explores all orders is told of this
    look, other than of what oracles read under the lock that is given back.
    """
    touch(f"memcg {number}", Access.READ)
    owner = kernel.memcgs.by_id.get(number)
    if owner is None:
        return None
    touch(f"{owner.name}.online", Access.READ)
    return owner if owner.online else None


def swap_count(ci: SwapClusterInfo, off: int) -> int:
    """The count of a slot, which may stand in the extend table."""
    count = count_of(word_at(ci, off))
    if count < SWP_TB_COUNT_MAX or ci.extend_table is None:
        return count
    return ci.extend_table.get(off, count)


def owners_of(kernel: Kernel) -> dict[SwpEntry, int]:
    """How many entries of page tables and files name each slot, by its entry."""
    owners: dict[SwpEntry, int] = {}
    for mm in kernel.processes:
        for pte in mm.ptes.values():
            if isinstance(pte, SwapPte):
                owners[pte.entry] = owners.get(pte.entry, 0) + 1
    for file in kernel.files:
        for index, there in file.pages.items():
            if isinstance(there, ShmemSwap):
                entry = slot_of(there, index)
                owners[entry] = owners.get(entry, 0) + 1
    return owners


def slot_of(there: ShmemSwap, index: int) -> SwpEntry:
    """The slot that holds page *index* of a file, of those that an entry there names."""
    return SwpEntry(there.entry + index % (1 << there.order))


def check_count(si: SwapInfoStruct, ci: SwapClusterInfo, off: int, owners: int) -> None:
    """Check the count of a slot against its *owners* in page tables and files.

    To be called while nobody has changed one and not yet the other.

    Raises:
        Violation: (I-COUNT) they differ.
    """
    word = word_at(ci, off)
    if word == SWP_TB_BAD:
        return
    slot = ci.number * SWAPFILE_CLUSTER + off
    expected = owners + si.foreign_counts.get(slot, 0) + (slot in si.image)
    count = swap_count(ci, off) if word >= _COUNT_OF_MAX else count_of(word)
    if count != expected:
        message = f"{si.name}:{slot} counts {count}, and has {expected} owners"
        raise Violation("I-COUNT", message)
