# SPDX-License-Identifier: MIT OR Apache-2.0
"""The state of a kernel as words: for traces, and for what scenario files expect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from swaptrio.mm.kernel import Kernel
from swaptrio.mm.mm_types import (
    Folio,
    MigrationPte,
    PoisonPte,
    PresentPte,
    Pte,
    ShmemSwap,
    SwapPte,
)
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_HIBERNATION,
    SWP_USED,
    SWP_WRITEOK,
    SwpEntry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    count_of,
    swp_tb_is_bad,
    swp_tb_is_folio,
    swp_tb_is_null,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    swp_tb_to_shadow,
    xa_to_value,
    zero_of,
)
from swaptrio.mm.vmstat import PMD_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swaptrio.mm.mm_types import AddressSpace, MmStruct
    from swaptrio.mm.swap_h import SwapClusterInfo, SwapInfoStruct

#: Keys and values, in the order of the picture.
Told: TypeAlias = Iterator[tuple[str, str | int]]

_FLAGS: Final = (
    "locked", "swapcache", "swapbacked", "uptodate", "dirty", "writeback", "lru", "active",
    "workingset", "anon", "readahead", "reclaim", "dropbehind", "deferred", "frozen",
)  # fmt: skip

_DEVICE_FLAGS: Final = {
    "used": SWP_USED,
    "writeok": SWP_WRITEOK,
    "hibernation": SWP_HIBERNATION,
}

_NODE_ITEMS: Final = ("nr_file_pages", "nr_swapcache", "nr_shmem")
_ORDER_ITEMS: Final = ("swpin", "swpin_fallback", "swpin_fallback_charge")
_EVENTS: Final = ("pswpin", "pswpout", "swap_ra", "zswpin", "zswpout", "zswpwb")
_GROUP_ITEMS: Final = ("memory", "memsw", "swap")

_facts_of_folio: Final = attrgetter("refs", *_FLAGS, "mapcount", "memcg", "mapping", "index")
_facts_of_group: Final = attrgetter(*_GROUP_ITEMS)
_counts_of: Final = attrgetter("node", "memcg", "mthp", "events")


def short_word(word: int) -> str:
    """Kind and count of a slot: ``-``, ``b``, ``s1``, ``f0`` and the like; ``z`` for zeros."""
    if swp_tb_is_null(word):
        return "-"
    if swp_tb_is_bad(word):
        return "b"
    kind = "s" if swp_tb_is_shadow(word) else "f"
    return f"{kind}{count_of(word)}{'z' if zero_of(word) else ''}"


def word_text(word: int) -> str:
    """As `short_word`, with the shadow or the folio behind a colon."""
    short = short_word(word)
    if swp_tb_is_folio(word):
        return f"{short}:{swp_tb_to_pfn(word):#x}"
    if swp_tb_is_shadow(word):
        return f"{short}:{xa_to_value(swp_tb_to_shadow(word))}"
    return short


def snapshot_of(kernel: Kernel) -> dict[str, str | int]:
    """All that tasks share, as keys and values in a fixed order.

    Slots that are free, counters that are 0 and slots' owners that are none do not appear.
    """
    return Album(kernel).picture()


@attrs.define(eq=False)
class Album:
    """Pictures of one *kernel* at many moments, each as `snapshot_of` gives it.

    A step changes few of many values, and a recorder asks after every step. So each part is
    told again only where the facts that it is told from differ from those of the last time.
    They are copied and compared in C: a cluster of 512 slots takes a microsecond. Whoever has
    a part tell more adds what it is told from; a test holds both pictures against each other.
    """

    kernel: Kernel
    _told: dict[object, tuple[object, dict[str, str | int]]] = attrs.Factory(dict)
    _last: list[object] = attrs.Factory(list)
    _state: dict[str, str | int] = attrs.Factory(dict)

    def picture(self) -> dict[str, str | int]:
        """The state of the kernel now."""
        told = self._told
        parts = []
        changed = False
        for part, facts, tell in _parts(self.kernel):
            parts.append(part)
            known = told.get(part)
            if known is None or known[0] != facts:
                told[part] = facts, dict(tell(self.kernel, part))
                changed = True
        if changed or parts != self._last:
            self._last = parts
            self._state = {}
            for part in parts:
                self._state.update(told[part][1])
        return self._state.copy()


def _parts(kernel: Kernel) -> Iterator[tuple[Any, object, Callable[[Kernel, Any], Told]]]:
    """What a picture is made of: each part with the facts it is told from, and who tells it."""
    groups = {number: memcg.name for number, memcg in kernel.memcgs.by_id.items()}
    for si in kernel.devices:
        for ci in si.clusters:
            yield (si, ci), (_facts_of_cluster(ci), groups), _cluster
        yield si, _facts_of_device(si), _device
    for folio in kernel.folios.values():
        facts = (_facts_of_folio(folio), tuple(folio.pages), tuple(folio.exclusive))
        yield folio, facts, _folio
    for mm in kernel.processes:
        yield mm, dict(mm.ptes), _ptes
    for file in kernel.files:
        yield file, dict(file.pages), _file
    yield "cpus", _facts_of_cpus(kernel), _cpus
    yield "counters", _facts_of_counters(kernel), _all_counters


def _facts_of_cluster(ci: SwapClusterInfo) -> tuple[object, ...]:
    table = None if ci.table is None else ci.table[:]
    extend = None if ci.extend_table is None else dict(ci.extend_table)
    claimed = dict(ci.has_cache)
    return table, extend, dict(ci.memcg_table), claimed, ci.count, ci.flags, ci.order


def _facts_of_device(si: SwapInfoStruct) -> tuple[object, ...]:
    zswap = {slot: entry.token for slot, entry in si.zswap.items()}
    numbers = (si.inuse_pages, si.users, si.flags, si.available, si.dying)
    return dict(si.data), zswap, numbers


def _facts_of_cpus(kernel: Kernel) -> tuple[object, ...]:
    batches = {cpu: list(batch) for cpu, batch in kernel.lru_batches.items()}
    return batches, dict(kernel.percpu_swap_cluster)


def _facts_of_counters(kernel: Kernel) -> tuple[object, ...]:
    counts = [dict(counts) for counts in _counts_of(kernel.vmstat)]
    groups = [_facts_of_group(memcg) for memcg in kernel.memcgs.by_id.values()]
    return counts, groups, kernel.workingset.refaults, len(kernel.warnings)


def _cluster(kernel: Kernel, part: tuple[SwapInfoStruct, SwapClusterInfo]) -> Told:
    si, ci = part
    base = ci.number * SWAPFILE_CLUSTER
    table = ci.table or ()
    # Nearly all slots are free, and a free one is 0; compress() leaves these out in C.
    for off in compress(range(len(table)), table):
        if base + off:
            yield f"{si.name}:{base + off}", word_text(table[off])
    groups = kernel.memcgs.by_id
    for off, owner in sorted(ci.memcg_table.items()):
        if owner not in groups:
            yield f"{si.name}:{base + off}.owner", f"id {owner} of no group"
        elif len(groups) > 1:
            yield f"{si.name}:{base + off}.owner", groups[owner].name
    for off in sorted(ci.has_cache):
        yield f"{si.name}:{base + off}.has_cache", 1
    for off, count in sorted((ci.extend_table or {}).items()):
        yield f"{si.name}:{base + off}.extend", count
    yield f"{si.name} cluster {ci.number}.count", ci.count
    yield f"{si.name} cluster {ci.number}.list", f"{ci.flags.value} order {ci.order}"


def _device(_kernel: Kernel, si: SwapInfoStruct) -> Told:
    for slot, token in sorted(si.data.items()):
        yield f"{si.name}:{slot}.data", f"d{token}"
    for slot in sorted(si.zswap):
        yield f"{si.name}:{slot}.zswap", f"d{si.zswap[slot].token}"
    yield f"{si.name}.inuse", si.inuse_pages
    yield f"{si.name}.users", si.users
    yield f"{si.name}.state", _device_state(si)


def _device_state(si: SwapInfoStruct) -> str:
    words = [name for name, flag in _DEVICE_FLAGS.items() if si.flags & flag]
    words += ["available"] * si.available + ["dying"] * si.dying
    return " ".join(words) or "off"


def _folio(_kernel: Kernel, folio: Folio) -> Told:
    name = folio.name
    yield f"{name}.refs", folio.refs
    yield f"{name}.flags", " ".join(flag for flag in _FLAGS if getattr(folio, flag))
    yield f"{name}.mapcount", folio.mapcount
    yield f"{name}.memcg", "none" if folio.memcg is None else folio.memcg.name
    if folio.mapping is not None:
        yield f"{name}.file", f"{folio.mapping.name}:{folio.index}"
    if any(folio.exclusive):
        pages = [str(page) for page, exclusive in enumerate(folio.exclusive) if exclusive]
        yield f"{name}.exclusive", " ".join(pages)
    yield (
        f"{name}.data",
        " ".join("?" if token is None else f"d{token}" for token in folio.pages),
    )


def _ptes(kernel: Kernel, mm: MmStruct) -> Told:
    for page, pte in sorted(mm.ptes.items()):
        yield f"{mm.name}:{page}", _pte(kernel, pte)


def _pte(kernel: Kernel, pte: Pte) -> str:
    match pte:
        case None:
            return "none"
        case PoisonPte():
            return "poison"
        case MigrationPte():
            words = [f"page {pte.pfn:#x} on its way"] + ["writable"] * pte.writable
            words += ["dirty"] * pte.dirty
        case PresentPte():
            words = [f"{pte.folio.name} page {pte.index}"]
            words += ["writable"] * pte.writable + ["dirty"] * pte.dirty
        case SwapPte():
            words = [_slot_name(kernel, pte.entry)] + ["shared"] * (not pte.exclusive)
    return " ".join(words + ["soft-dirty"] * pte.soft_dirty)


def _file(kernel: Kernel, file: AddressSpace) -> Told:
    for index, entry in sorted(file.pages.items()):
        yield f"{file.name}:{index}", _file_entry(kernel, index, entry)


def _file_entry(kernel: Kernel, index: int, entry: Folio | ShmemSwap | PoisonPte) -> str:
    match entry:
        case Folio():
            return f"{entry.name} page {index - entry.index}"
        case ShmemSwap():
            return f"{_slot_name(kernel, entry.entry)} order {entry.order}"
        case PoisonPte():
            return "poison"


def _slot_name(kernel: Kernel, entry: SwpEntry) -> str:
    return f"{kernel.devices[swp_type(entry)].name}:{swp_offset(entry)}"


def _cpus(kernel: Kernel, _part: object) -> Told:
    for cpu, batch in kernel.lru_batches.items():
        if batch:
            yield f"cpu {cpu}.lru_batch", ", ".join(folio.name for folio in batch)
    for (cpu, order), (number, offset) in kernel.percpu_swap_cluster.items():
        yield f"cpu {cpu}.swap_order_{order}", f"{kernel.devices[number].name}:{offset}"


def counters_of(kernel: Kernel) -> dict[str, int]:
    """The counters that are not 0: of the node, of orders, of events, of each group."""
    return {name: value for name, value in _counters(kernel) if value}


def _all_counters(kernel: Kernel, _part: object) -> Told:
    yield from counters_of(kernel).items()
    if kernel.warnings:
        yield "warnings", len(kernel.warnings)


def _counters(kernel: Kernel) -> Iterator[tuple[str, int]]:
    vmstat = kernel.vmstat
    for item, value in sorted(vmstat.node.items()):
        yield item.lower(), value
    for (group, item), value in sorted(vmstat.memcg.items()):
        yield f"{group}.{item.lower()}", value
    for (item, order), value in sorted(vmstat.mthp.items()):
        yield f"{item.lower()}.{order}", value
    for item, value in sorted(vmstat.events.items()):
        yield item.lower(), value
    for memcg in kernel.memcgs.by_id.values():
        for item in _GROUP_ITEMS:
            yield f"{memcg.name}.{item}", getattr(memcg, item)
    yield "refaults", kernel.workingset.refaults


def counter_names(groups: Iterable[str]) -> list[str]:
    """The names of all counters that the model keeps, where there are these memory cgroups."""
    groups = list(groups)
    return [
        *_NODE_ITEMS,
        *(f"{group}.nr_swapcache" for group in ("root", *groups)),
        *(f"{group}.nr_shmem" for group in ("root", *groups)),
        *(f"{item}.{order}" for item in _ORDER_ITEMS for order in range(1, PMD_ORDER + 1)),
        *_EVENTS,
        *(f"{group}.{item}" for group in groups for item in _GROUP_ITEMS),
        "refaults",
    ]
