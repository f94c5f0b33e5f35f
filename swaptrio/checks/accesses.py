# SPDX-License-Identifier: MIT OR Apache-2.0
"""What steps do to the state that tasks share, told from outside of the model.

Whoever explores all interleavings, or looks for data races, has to know every access. The model
says nothing of it: `watch_accesses` gives the kernel's objects classes that report what is read
and written through them, and their dicts and lists reporting ones. What is stored in a watched
container is watched from then on, so a folio is private until it is published.

A report is a name and an `Access`, in ``Execution.touched`` while that is a list::

    swap0:17                    the word of a slot
    swap0:17.owner              its record; .data, .zswap, .extend
    P:16                        a page-table entry, or an entry of a file's page cache
    folio 0x1000.refs           a field
    folio 0x1000.data:0         the token of a page
    swap0 cluster 0.order       a field of a cluster

Names are those of `scenario.picture`, where that has one. There are three kinds of container.
An *array* has a fixed length, and each element is a thing of its own. Of a *map* each key is
one, present or not; that a key comes or goes, and a look at all of them, is an access to the
map as well. A *queue* is one thing as a whole, its order included.

Left out, each with its reason in `_LEFT_OUT`: what never changes after set-up, locks and
channels, which report themselves, and what is there for oracles or in a user's mind only.
Counters that nobody in the model reads only report that something is added, which commutes.

What recorders look at is not reported: they are no part of the program. Nor is what an oracle
reads when a lock is given back: it is what that lock protects, and its order is told by the
lock. What an oracle reads where a function is called no lock need protect (whether the tree
that is searched was freed), and a violation can depend on who came first; so those looks are
reported (see `containers`), other than to who looks for data races. Which group a number
belongs to no lock protects either; `checks.slots.check_owner` reports that itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.checks.containers import (
    WatchedArray,
    WatchedMap,
    WatchedQueue,
    WatchedTally,
    listening,
)
from swaptrio.checks.owners import FilePages
from swaptrio.mm.kernel import Kernel
from swaptrio.mm.memcontrol import MemCgroup, Memcgs
from swaptrio.mm.mm_types import AddressSpace, Folio, MmStruct
from swaptrio.mm.page_alloc import PageAllocator
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwapClusterInfo, SwapInfoStruct
from swaptrio.mm.vmstat import Vmstat
from swaptrio.mm.workingset import Workingset
from swaptrio.sched import Access, touch

if TYPE_CHECKING:
    from swaptrio.sched import Execution

#: Makes the watched container of what an object has in one of its fields.
Make = Callable[[Any, Any], Any]

_FIXED: Final = "does not change after set-up"
_ITSELF: Final = "reports itself"
_ORACLES: Final = "is there for the oracles"
_MIND: Final = "is in the user's mind"


def watch_accesses(kernel: Kernel, execution: Execution) -> None:
    """Let every access to the state of *kernel* be reported to *execution* from now on.

    To be called when the world is built and nothing has run. A list to report to is made if
    there is none; whoever sets ``execution.touched`` to another list diverts the reports, and
    to None ends them.
    """
    watch_kernel(kernel)
    execution.thorough = True
    if execution.touched is None:
        execution.touched = []


def watch_kernel(kernel: Kernel) -> None:
    """Let the state of *kernel* report what is done to it, to whoever listens then."""
    _watch(kernel)


def _watch(value: Any) -> Any:
    """*value*, which from now on reports what is done to it, if tasks can share it."""
    watched = _WATCHED.get(type(value))
    if watched is None:
        return value
    fields = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    containers = _CONTAINERS[type(value)]
    value.__class__ = watched
    for field, there in fields.items():
        if field in containers and there is not None:
            watched.slots[field].__set__(value, containers[field](value, there))
        else:
            for each in there if isinstance(there, list) else (there,):
                _watch(each)
    return value


def _keep(key: Any, value: Any) -> Any:
    """What a container makes of a value that is stored in it."""
    return _watch(value)


def _array(name: Callable[[Any, int], str]) -> Make:
    return lambda owner, values: WatchedArray(values, lambda index: name(owner, index), _keep)


def _queue(name: str, write: Access = Access.WRITE) -> Make:
    return lambda owner, values: WatchedQueue(values, _name(owner, name), _keep, write)


def _map(name: str, key_name: Callable[[Any, Any], str], shape: Access = Access.WRITE) -> Make:
    return lambda owner, values: WatchedMap(
        values, _name(owner, name), lambda key: key_name(owner, key), _keep, shape
    )


def _tally(key_name: Callable[[Any], str]) -> Make:
    return lambda owner, values: WatchedTally(values, key_name)


def _batches(kernel: Kernel, values: dict[str, list[Folio]]) -> Any:
    """The batches of all CPUs, each of which is a queue."""

    def name(cpu: str) -> str:
        return f"cpu {cpu}.lru_batch"

    def keep(cpu: str, batch: list[Folio]) -> WatchedQueue:
        return WatchedQueue(batch, name(cpu), _keep)

    return WatchedMap(values, "lru_batches", lambda cpu: f"cpu {cpu}.lru_batches", keep)


def _file_pages(file: AddressSpace, pages: dict[int, Any]) -> WatchedMap:
    """The page cache of a file, of which oracles may hear as well."""

    def name(index: int) -> str:
        return f"{file.name}:{index}"

    twin = pages if isinstance(pages, FilePages) else None
    return WatchedMap(pages, f"{file.name}.pages", name, _keep, twin=twin)


def _by_order(name: str) -> Make:
    """A list of clusters for each order; the list of lists does not change."""

    def make(si: SwapInfoStruct, lists: list[dict[int, SwapClusterInfo]]) -> Any:
        return [
            _clusters(f"{name} order {order}")(si, clusters)
            for order, clusters in enumerate(lists)
        ]

    return make


def _clusters(name: str) -> Make:
    return _map(name, lambda si, number: f"{si.name} cluster {number}.{name}")


def _slot(si: SwapInfoStruct, slot: int) -> str:
    return f"{si.name}:{slot}"


def _word(ci: SwapClusterInfo, off: int) -> str:
    device = ci.lock.name.rpartition(" cluster ")[0]
    return f"{device}:{ci.number * SWAPFILE_CLUSTER + off}"


#: What stands before the name of a field; nothing where there is one such object.
_PREFIX: Final[dict[type, Callable[[Any], str]]] = {
    Kernel: lambda kernel: "",
    Memcgs: lambda memcgs: "",
    PageAllocator: lambda allocator: "",
    Vmstat: lambda vmstat: "",
    Workingset: lambda workingset: "workingset.",
    MemCgroup: lambda memcg: f"{memcg.name}.",
    Folio: lambda folio: f"folio {folio.pfn:#x}.",
    MmStruct: lambda mm: f"{mm.name}.",
    AddressSpace: lambda file: f"{file.name}.",
    SwapInfoStruct: lambda si: f"{si.name}.",
    SwapClusterInfo: lambda ci: f"{ci.lock.name}.",
}


def _name(owner: Any, field: str) -> str:
    return f"{type(owner).prefix(owner)}{field}"


#: Fields that are not watched, with the reason.
_LEFT_OUT: Final[dict[type, dict[str, str]]] = {
    Kernel: {
        "config": _FIXED,
        "functions": _FIXED,
        "injection": "its draws are decisions",
        "memcgs": _FIXED,
        "page_allocator": _FIXED,
        "vmstat": _FIXED,
        "workingset": _FIXED,
        "swap_lock": _ITSELF,
        "swap_avail_lock": _ITSELF,
        "zswap_lru_lock": _ITSELF,
        "zswap_work": _ITSELF,
        "zswap_work_in": _ITSELF,
        "swapcache_wq": _ITSELF,
        "device_tasks": _FIXED,
        "plugs": "each belongs to one task",
    },
    Memcgs: {"requests": _ITSELF, "requests_in": _ITSELF, "without_id": _ORACLES},
    PageAllocator: {},
    Vmstat: {},
    Workingset: {},
    MemCgroup: {
        "name": _FIXED,
        "id": _FIXED,
        "limit": _FIXED,
        "parent": _FIXED,
        "swap_max": _FIXED,
        "memsw_limit": _FIXED,
        "zswap_writeback": _FIXED,
    },
    Folio: {
        "anon_vma": "says who may map it, under the locks of those that do",
        "pfn": _FIXED,
        "lock": _ITSELF,
        "holders": _ORACLES,
        "wait": _ITSELF,
    },
    MmStruct: {
        "anon_vma": "a list under a lock that is not modelled",
        "name": _FIXED,
        "memcg": _FIXED,
        "ptl": _ITSELF,
        "mmap_lock": _ITSELF,
        "thp_orders": _FIXED,
        "newest": _MIND,
        "generations": _ORACLES,
    },
    AddressSpace: {
        "name": _FIXED,
        "memcg": _FIXED,
        "i_pages": _ITSELF,
        "orders": _FIXED,
        "zoned": _FIXED,
        "newest": _MIND,
    },
    SwapInfoStruct: {
        "type": _FIXED,
        "name": _FIXED,
        "header": _FIXED,
        "clusters": _FIXED,
        "bios": _ITSELF,
        "bios_in": _ITSELF,
        "work": _ITSELF,
        "work_in": _ITSELF,
        "lock": _ITSELF,
        "global_cluster_lock": _ITSELF,
        "users_gone": _ITSELF,
        "latency": _FIXED,
        "latencies": _FIXED,
        "foreign_counts": _ORACLES,
    },
    SwapClusterInfo: {"number": _FIXED, "lock": _ITSELF, "touched": _ORACLES},
}

#: Fields that hold dicts and lists.
_CONTAINERS: Final[dict[type, dict[str, Make]]] = {
    Kernel: {
        "devices": _queue("devices"),
        "processes": _queue("processes"),
        "files": _queue("files"),
        "folios": _map("folios", lambda _, pfn: f"folio {pfn:#x}.exists", Access.ADD),
        "lru": _map("lru", lambda _, pfn: f"folio {pfn:#x}.lru_link"),
        "lru_batches": _batches,
        "deferred_split": _map("deferred_split", lambda _, pfn: f"folio {pfn:#x}.split_link"),
        "percpu_swap_cluster": _map(
            "percpu_swap_cluster", lambda _, key: f"cpu {key[0]}.swap_order_{key[1]}"
        ),
        "swap_avail": _map("swap_avail", lambda _, number: f"swap_avail {number}"),
        "zswap_lru": _map("zswap_lru", lambda _, entry: f"zswap_lru {entry:#x}"),
        "warnings": _queue("warnings", Access.ADD),
    },
    Memcgs: {"by_id": _map("memcgs", lambda _, number: f"memcg {number}")},
    PageAllocator: {},
    Vmstat: {
        "node": _tally(str.lower),
        "memcg": _tally(lambda key: f"{key[0]}.{key[1].lower()}"),
        "mthp": _tally(lambda key: f"{key[0].lower()}.{key[1]}"),
        "events": _tally(str.lower),
    },
    Workingset: {},
    MemCgroup: {},
    Folio: {
        "pages": _array(lambda folio, page: f"folio {folio.pfn:#x}.data:{page}"),
        "exclusive": _array(lambda folio, page: f"folio {folio.pfn:#x}.exclusive:{page}"),
    },
    MmStruct: {"ptes": _map("ptes", lambda mm, page: f"{mm.name}:{page}")},
    AddressSpace: {"pages": _file_pages},
    SwapInfoStruct: {
        "scheduled": _map("scheduled", lambda si, work: f"{si.name}.scheduled:{work}"),
        "global_cluster": _map("global_cluster", lambda si, n: f"{si.name}.global_cluster:{n}"),
        "free_clusters": _clusters("free"),
        "nonfull_clusters": _by_order("nonfull"),
        "frag_clusters": _by_order("frag"),
        "full_clusters": _clusters("full"),
        "discard_clusters": _clusters("discard"),
        "data": _map("data", lambda si, slot: f"{_slot(si, slot)}.data"),
        "zswap": _map("zswap", lambda si, slot: f"{_slot(si, slot)}.zswap"),
        "image": _map("image", lambda si, slot: f"{_slot(si, slot)}.image"),
    },
    SwapClusterInfo: {
        "table": _array(_word),
        "extend_table": _map("extend", lambda ci, off: f"{_word(ci, off)}.extend"),
        "memcg_table": _map("owners", lambda ci, off: f"{_word(ci, off)}.owner"),
        "has_cache": _map("claims", lambda ci, off: f"{_word(ci, off)}.has_cache"),
    },
}

#: Containers that may be missing, so that who looks at the field looks whether they are there.
_NULLABLE: Final[dict[type, tuple[str, ...]]] = {SwapClusterInfo: ("table", "extend_table")}

#: Numbers that nobody in the model reads, or only to be different.
_ADDED: Final[dict[type, tuple[str, ...]]] = {Kernel: ("tokens",), Workingset: ("refaults",)}


#: Numbers that are changed by += and -= in steps that do not look at them.
_COUNTED: Final[dict[type, tuple[str, ...]]] = {SwapInfoStruct: ("users",)}


def _counter(slot: Any, field: str, prefix: Callable[[Any], str]) -> property:
    """A field as `_field`, of which += and -= are one access: the write that follows a read."""
    get, put = slot.__get__, slot.__set__

    def read(owner: Any) -> Any:
        if (touched := listening()) is not None:
            touched.append((prefix(owner) + field, Access.READ))
        return get(owner)

    def change(owner: Any, value: Any) -> None:
        if (touched := listening()) is not None:
            name = prefix(owner) + field
            if touched and touched[-1] == (name, Access.READ):
                touched[-1] = name, Access.ADD
            else:
                touched.append((name, Access.WRITE))
        put(owner, value)

    return property(read, change)


def _field(slot: Any, field: str, prefix: Callable[[Any], str], write: Access) -> property:
    """A field that reports who reads it and who writes it; who adds only reports that."""
    get, put = slot.__get__, slot.__set__

    def read(owner: Any) -> Any:
        if write is Access.WRITE and (touched := listening()) is not None:
            touched.append((prefix(owner) + field, Access.READ))
        return get(owner)

    def change(owner: Any, value: Any) -> None:
        if (touched := listening()) is not None:
            touched.append((prefix(owner) + field, write))
        put(owner, _watch(value))

    return property(read, change)


def _container(
    slot: Any, field: str, prefix: Callable[[Any], str], make: Make, *, nullable: bool
) -> property:
    """A field that holds a container. To replace it is to write all that is and was in it."""
    get, put = slot.__get__, slot.__set__

    def read(owner: Any) -> Any:
        if nullable and (touched := listening()) is not None:
            touched.append((prefix(owner) + field, Access.READ))
        return get(owner)

    def change(owner: Any, value: Any) -> None:
        before = get(owner)
        if value is not None and value is not before:  # else it is watched already
            value = make(owner, value)
        if (touched := listening()) is not None:
            touched.append((prefix(owner) + field, Access.WRITE))
            for container in (before, value):
                names: Iterable[str] = () if container is None else container.names()
                touched += [(name, Access.WRITE) for name in names]
        put(owner, value)

    return property(read, change)


def _locked(folio: Folio) -> bool:
    """`Folio.locked`, which tells of a look at a lock; a task knows of its own ones."""
    owner = folio.lock.owner
    if not folio.lock.owned() and listening() is not None:
        touch(folio.lock, Access.READ)
    return owner is not None


def _put_back(slots: dict[str, Any]) -> Callable[..., None]:
    """What gives a watched object all its fields, and tells nobody.

    Objects are made as others and watched later. So this sets up again what there is, with what
    it has held as a watched object.
    """
    puts = [slot.__set__ for slot in slots.values()]

    def put_back(self: Any, *held: Any) -> None:
        for put, value in zip(puts, held, strict=True):
            put(self, value)

    return put_back


def _watched(cls: type) -> Any:
    """The class of objects of *cls* that report; they have the same layout."""
    prefix = _PREFIX[cls]
    slots = {field.name: cls.__dict__[field.name] for field in attrs.fields(cls)}
    members: dict[str, Any] = {"__slots__": (), "prefix": staticmethod(prefix), "slots": slots}
    for field, slot in slots.items():
        if field in _CONTAINERS[cls]:
            nullable = field in _NULLABLE.get(cls, ())
            make = _CONTAINERS[cls][field]
            members[field] = _container(slot, field, prefix, make, nullable=nullable)
        elif field in _COUNTED.get(cls, ()):
            members[field] = _counter(slot, field, prefix)
        elif field not in _LEFT_OUT[cls]:
            write = Access.ADD if field in _ADDED.get(cls, ()) else Access.WRITE
            members[field] = _field(slot, field, prefix, write)
    members["__init__"] = _put_back(slots)
    if cls is Folio:
        members["locked"] = property(_locked)
    return type(cls.__name__, (cls,), members)


_WATCHED: Final[dict[type, Any]] = {cls: _watched(cls) for cls in _PREFIX}
