# SPDX-License-Identifier: MIT OR Apache-2.0
"""What must hold at the end, when no task is under way.

Everything is looked at, whoever has written it and when.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import compress
from typing import TYPE_CHECKING, Final

from swaptrio.checks.slots import (
    check_clean,
    check_count,
    check_extended,
    check_folio,
    check_free,
    check_kind,
    check_list,
    check_owner,
    check_refs,
    owners_of,
    word_at,
)
from swaptrio.mm.memcontrol import MemCgroup, self_and_above
from swaptrio.mm.mm_types import AddressSpace, PresentPte
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_USED,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
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
    swp_tb_is_folio,
    swp_tb_to_pfn,
)
from swaptrio.sched import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio

#: What is counted of each group.
_BY_GROUP: Final = ("NR_SWAPCACHE", "NR_SHMEM")

#: Words of a table that are looked at together.
_STRIP: Final = 64

#: The strips of a table, and the offsets of each.
_STRIPS: Final = tuple(
    (slice(first, first + _STRIP), tuple(range(first, first + _STRIP)))
    for first in range(0, SWAPFILE_CLUSTER, _STRIP)
)


def check_quiescent(kernel: Kernel) -> None:
    """Check the whole kernel.

    Raises:
        Violation: an invariant does not hold.
    """
    entries: list[SwpEntry] = []
    for si in kernel.devices:
        if not si.flags & SWP_USED:
            check_off(kernel, si)
        in_use = 0
        for ci in si.clusters:
            used = slots_in_use(ci)
            in_use += len(used) - check_cluster(kernel, si, ci, used)
            first = swp_entry(si.type, ci.number * SWAPFILE_CLUSTER)
            entries += [SwpEntry(first + off) for off in used]
        check_device(si, in_use)
    check_owners(kernel, entries)
    waiting: defaultdict[int, int] = defaultdict(int)
    for batch in kernel.lru_batches.values():
        for folio in batch:
            waiting[folio.pfn] += 1
    for folio in kernel.folios.values():
        check_rest(kernel, folio, waiting.get(folio.pfn, 0))
    check_rmap(kernel)
    check_lru(kernel, waiting)
    check_stats(kernel)
    check_memcgs(kernel)


def check_owners(kernel: Kernel, entries: Iterable[SwpEntry]) -> None:
    """Check the counts of *entries*, and of whatever has an owner."""
    owners = owners_of(kernel)
    for entry in dict.fromkeys((*entries, *owners)):
        si = kernel.devices[swp_type(entry)]
        ci = swap_cluster(si, swp_offset(entry))
        check_count(si, ci, swp_cluster_offset(entry), owners.get(entry, 0))


def slots_in_use(ci: SwapClusterInfo) -> list[int]:
    """The offsets in a cluster of words that are not NULL, Bad ones included.

    Most words are. To count those of a strip is much quicker than to look at each.
    """
    table = ci.table
    if table is None:
        return []
    used: list[int] = []
    for strip, offs in _STRIPS:
        words = table[strip]
        if words.count(SWP_TB_NULL) < _STRIP:
            used += compress(offs, words)
    return used


def check_cluster(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, used: list[int]
) -> int:
    """Check the *used* words of a cluster, what goes with them, and how many there are.

    Returns:
        How many of them are bad.
    """
    table = ci.table or []
    bad = 0
    for off in used:
        word = table[off]
        if word == SWP_TB_BAD:
            bad += 1
            continue
        check_kind(si, ci.number * SWAPFILE_CLUSTER + off, word)
        if swp_tb_is_folio(word):
            _check_named(kernel, si, ci, off, word)
    extended = list(ci.extend_table or ())
    kept = [off for off, owner in ci.memcg_table.items() if owner]
    zswap = [slot % SWAPFILE_CLUSTER for slot in si.zswap if swap_cluster(si, slot) is ci]
    for off in (*kept, *zswap, *extended, *ci.has_cache):
        if word_at(ci, off) == SWP_TB_NULL:
            check_free(si, ci, off)
    for off in ci.has_cache:
        if not swp_tb_is_folio(word_at(ci, off)):
            slot = f"{si.name}:{ci.number * SWAPFILE_CLUSTER + off}"
            raise Violation("Q-LEAK", f"{slot} is still claimed, and not cached")
    check_extended(si, ci, used)
    if ci.count != len(used):
        message = f"{ci.lock.name} counts {ci.count} slots, {len(used)} are in use"
        raise Violation("I-CLCOUNT", message)
    check_list(si, ci)
    return bad


def _check_named(
    kernel: Kernel, si: SwapInfoStruct, ci: SwapClusterInfo, off: int, word: int
) -> None:
    """The folio that a word names is there, and in the cache at this place."""
    folio = kernel.folios.get(swp_tb_to_pfn(word))
    slot = ci.number * SWAPFILE_CLUSTER + off
    if folio is None:
        raise Violation("I-BACKREF", f"{si.name}:{slot} names a folio that is freed")
    here = swp_entry(si.type, slot)
    if not folio.swapcache or not folio.swap <= here < folio.swap + folio.nr:
        raise Violation("I-BACKREF", f"{si.name}:{slot} names {folio.name}, which is elsewhere")
    if count_of(word) == 0 and folio.writeback:
        message = f"{si.name}:{slot} is used by nobody, and {folio.name} is under writeback"
        raise Violation("Q-ZERO0", message)


def check_device(si: SwapInfoStruct, in_use: int) -> None:
    """Check how many slots a device counts, and that nobody keeps it any more."""
    if si.inuse_pages != in_use:
        message = f"{si.name} counts {si.inuse_pages} slots in use, there are {in_use}"
        raise Violation("I-INUSE", message)
    kept = 1 if si.flags & SWP_USED else 0
    if si.users != kept:
        raise Violation("Q-LEAK", f"{si.name} is still pinned {si.users - kept} times")


def check_off(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Check that nothing is left of a device that was swapped off.

    Raises:
        Violation: (Q-OFF) something is.
    """
    named = [swp_offset(entry) for entry in owners_of(kernel) if swp_type(entry) == si.type]
    used = [
        off for ci in si.clusters for off in slots_in_use(ci) if word_at(ci, off) != SWP_TB_BAD
    ]
    left = {
        "slots in use": len(used) or si.inuse_pages,
        "compressed pages": len(si.zswap),
        "entries": len(named),
        "references": si.users,
        "places among those with room": int(si.available),
    }
    for what, number in left.items():
        if number:
            raise Violation("Q-OFF", f"{si.name} is swapped off, and has {number} {what}")


def check_rest(kernel: Kernel, folio: Folio, batched: int) -> None:
    """Check that a folio is unlocked, held by nobody, in use, and what it says it is.

    It may wait for the LRU still, in so many batches.
    """
    if folio.locked:
        raise Violation("Q-LEAK", f"{folio.name} is still locked")
    holders = [name for name, count in folio.holders.items() if count]
    if holders:
        raise Violation("Q-LEAK", f"{folio.name} is still held by {', '.join(holders)}")
    if not (folio.swapcache or folio.mapcount or folio.mapping or batched):
        raise Violation("Q-LEAK", f"{folio.name} is in nobody's hands")
    if folio.mapping is not None:
        check_filed(folio, folio.mapping)
    if not folio.swapcache:
        check_refs(folio, batched)
        return
    si = kernel.devices[swp_type(folio.swap)]
    check_folio(si, swap_cluster(si, swp_offset(folio.swap)), folio, (), batched)
    if folio.memcg is None:
        raise Violation("I-INSERT-UNCHARGED", f"{folio.name} is cached and not charged")
    check_owner(kernel, folio)
    check_clean(kernel, folio)


def check_filed(folio: Folio, file: AddressSpace) -> None:
    """Check that a file has a folio where that says.

    Raises:
        Violation: (Q-LEAK) it has not: nobody can find the folio any more.
    """
    for index in range(folio.index, folio.index + folio.nr):
        if file.pages.get(index) is not folio:
            message = f"{folio.name} says that it is {file.name}:{index}, and is not there"
            raise Violation("Q-LEAK", message)


def check_rmap(kernel: Kernel) -> None:
    """Check that whoever wants to unmap a folio finds what maps it.

    Raises:
        Violation: (I-PTEMATCH) its index leads elsewhere.
    """
    for mm in kernel.processes:
        for page, pte in mm.ptes.items():
            if not isinstance(pte, PresentPte) or not pte.folio.anon:
                continue
            said = pte.folio.index + pte.index
            if said != page:
                message = f"{mm.name}:{page} maps {pte.folio.name}, which says page {said}"
                raise Violation("I-PTEMATCH", message)


def check_lru(kernel: Kernel, waiting: Mapping[int, int]) -> None:
    """Check that every cached folio can be found by reclaim, and nothing that is gone."""
    for folio in kernel.folios.values():
        on_its_way = folio.pfn in waiting or (folio.dropbehind and folio.writeback)
        if folio.swapcache and not folio.lru and not on_its_way:
            raise Violation("Q-LRU", f"{folio.name} is cached and not on the LRU")
    for folio in kernel.lru.values():
        if folio.freed or not folio.lru:
            raise Violation("Q-LRU", f"{folio.name} is on the LRU by mistake")


def check_stats(kernel: Kernel) -> None:
    """Check the counters of cached pages, and of those in files."""
    cached = filed = 0
    due: dict[tuple[str, str], int] = {}
    for folio in kernel.folios.values():
        group = "root" if folio.memcg is None else folio.memcg.name
        if folio.swapcache:
            cached += folio.nr
            due[group, "NR_SWAPCACHE"] = due.get((group, "NR_SWAPCACHE"), 0) + folio.nr
        if folio.mapping is not None:
            filed += folio.nr
            due[group, "NR_SHMEM"] = due.get((group, "NR_SHMEM"), 0) + folio.nr
    node = {"NR_SWAPCACHE": cached, "NR_SHMEM": filed, "NR_FILE_PAGES": cached + filed}
    for item, pages in node.items():
        counted = kernel.vmstat.node[item]
        if counted != pages:
            raise Violation("Q-STATS", f"{item} is {counted}, and there are {pages} such pages")
    _check_stats_of_groups(kernel.vmstat.memcg, due)


def _check_stats_of_groups(
    counts: Mapping[tuple[str, str], int], due: Mapping[tuple[str, str], int]
) -> None:
    wrong = [
        key
        for key in {**counts, **due}
        if key[1] in _BY_GROUP and counts.get(key, 0) != due.get(key, 0)
    ]
    if wrong:
        key = min(wrong, key=lambda key: (_BY_GROUP.index(key[1]), key[0]))
        name, item = key
        counted, pages = counts.get(key, 0), due.get(key, 0)
        message = f"{item} of {name} is {counted}, and there are {pages} such pages"
        raise Violation("Q-STATS", message)


def check_memcgs(kernel: Kernel) -> None:
    """Check what each group is charged for: resident pages, and slots on record.

    A charge counts for a group and those above it. With v1 a page that is in memory is charged
    as such, and its slot not as well. Each slot on record has a reference on the group's id.
    """
    v1 = kernel.config.memcg_v1
    memory: defaultdict[MemCgroup, int] = defaultdict(int)
    slots: defaultdict[MemCgroup, int] = defaultdict(int)
    for folio in kernel.folios.values():
        if folio.memcg is not None:
            for group in self_and_above(folio.memcg):
                memory[group] += folio.nr
    for owner, swapped, recorded in _records(kernel):
        if owner.id_refs != recorded + owner.online:
            message = (
                f"the id of {owner.name} has {owner.id_refs} references, and {recorded} slots"
            )
            raise Violation("Q-MEMSW" if v1 else "Q-SWAP", message)
        for group in self_and_above(owner):
            slots[group] += swapped
    for memcg in (*kernel.memcgs.by_id.values(), *kernel.memcgs.without_id):
        pages, swapped = memory[memcg], slots[memcg]
        if memcg.memory != pages:
            raise Violation("Q-MEMCG", _charged(memcg, "memory", pages))
        if memcg.memsw != (due := pages + swapped if v1 else 0):
            raise Violation("Q-MEMSW", _charged(memcg, "memsw", due))
        if memcg.swap != (due := 0 if v1 else swapped):
            raise Violation("Q-SWAP", _charged(memcg, "swap", due))


def _charged(memcg: MemCgroup, item: str, due: int) -> str:
    return f"{memcg.name} is charged {getattr(memcg, item)} {item}, not {due}"


def _records(kernel: Kernel) -> Iterator[tuple[MemCgroup, int, int]]:
    """For each group with an id: the slots that it is charged for, and those on record."""
    v1, groups = kernel.config.memcg_v1, kernel.memcgs.by_id
    charged: defaultdict[int, int] = defaultdict(int)
    recorded: defaultdict[int, int] = defaultdict(int)
    for si in kernel.devices:
        for ci in si.clusters:
            for off, owner in ci.memcg_table.items():
                if owner and owner not in groups:
                    message = f"slots are on record for {owner}, which is no group"
                    raise Violation("Q-MEMSW" if v1 else "Q-SWAP", message)
                recorded[owner] += 1
                charged[owner] += not (v1 and swp_tb_is_folio(word_at(ci, off)))
    for number, group in groups.items():
        yield group, charged[number], recorded[number]
