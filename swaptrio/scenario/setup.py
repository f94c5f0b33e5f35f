# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a scenario that say what the world looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from swaptrio.scenario.rules import (
    FEW,
    NAME,
    between,
    each,
    follows,
    once,
    one_of,
    perhaps,
    refuse,
    wrong,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.errors import Problem

MemcgVersion = Literal["v1", "v2"]
Failure = Literal[
    "alloc",
    "charge",
    "read",
    "write",
    "zswap",
    "decompress",
    "deferred_split",
    "table",
    "extend",
    "signal",
]

#: Slots of one cluster.
CLUSTER_SLOTS: Final = 512

#: The last virtual page number, and the largest limit in pages.
MOST_PAGES: Final = 1_000_000

#: A table word has 59 bits below its flags, and a shadow gives up one to its mark.
LARGEST_SHADOW: Final = 2**58 - 1

#: Clusters of a device at most.
MOST_CLUSTERS: Final = 64

PAGE: Final = between(0, MOST_PAGES)
FIRST_TO_LAST_SLOT: Final = between(1, MOST_CLUSTERS * CLUSTER_SLOTS - 1)
UP_TO_A_CLUSTER: Final = between(1, CLUSTER_SLOTS)
_LARGE_ORDERS: Final = (each(between(1, 9)), once)
_LIMIT: Final = between(0, MOST_PAGES)
_TIME: Final = between(0, 1_000_000_000)


@attrs.frozen(kw_only=True)
class KernelSetup:
    """How the kernel is built and set up.

    Args:
        thp: whether it knows large folios.
        numa: whether it knows memory policies.
        memcg: the version of the memory controller, ``v1`` or ``v2``.
        zswap: whether zswap was enabled at some time.
        zswap_enabled: whether it still is, so that pages are compressed before they are
            written; goes with *zswap*.
        zswap_max_pool: compressed pages that fit, 0 to 1,000,000; 0 is any number.
        lru_batch: folios that wait on each CPU for the LRU, 1 to 31; 1 lets none wait.
        page_cluster: the base-two logarithm of the readahead window, 0 to 5.
        vma_readahead: whether readahead goes by virtual addresses.
        plugged: whether transfers are queued by their caller and submitted together, as in N.
        failures: what a strategy may let fail: ``alloc``, ``charge``, ``read``,
            ``write``, ``zswap``, ``decompress``, ``deferred_split``, ``table``, ``extend``,
            ``signal``.
    """

    thp: bool = True
    numa: bool = True
    memcg: MemcgVersion = attrs.field(
        default="v2", validator=follows(one_of(get_args(MemcgVersion)))
    )
    zswap: bool = False
    zswap_enabled: bool = False
    zswap_max_pool: int = attrs.field(default=0, validator=follows(_LIMIT))
    lru_batch: int = attrs.field(default=1, validator=follows(between(1, 31)))
    page_cluster: int = attrs.field(default=0, validator=follows(between(0, 5)))
    vma_readahead: bool = True
    plugged: bool = False
    failures: tuple[Failure, ...] = attrs.field(
        default=(), validator=follows(each(one_of(get_args(Failure))), once)
    )

    def __attrs_post_init__(self) -> None:
        if self.zswap_enabled and not self.zswap:
            refuse([wrong(None, "needed where zswap_enabled is true").under("zswap")])


@attrs.frozen(kw_only=True)
class DeviceSetup:
    """A swap device.

    Args:
        name: its name, as in ``swap0``.
        sync: whether it is synchronous (SWP_SYNCHRONOUS_IO).
        clusters: its size in clusters of 512 slots, 1 to 64. Slot 0 is never used.
        size: its size in slots, if the last cluster is not whole; 0 if it is.
        bad: slots that must never be used, besides slot 0.
        priority: devices of a higher one are used first, -1000 to 1000.
        latency: virtual time that a bio takes, 0 to 1,000,000,000 ns.
        latencies: what it may take instead, by decision for each bio: the quantiles of a
            distribution, each as probable as the others.
        discard: whether clusters that become empty are discarded (SWP_PAGE_DISCARD).
        stable_writes: whether pages must not change while they are written
            (SWP_STABLE_WRITES).
        rotating: whether it has one place where it goes on allocating, and not one for each
            CPU (no SWP_SOLIDSTATE).
    """

    name: str = attrs.field(validator=follows(NAME))
    sync: bool = True
    clusters: int = attrs.field(default=1, validator=follows(between(1, MOST_CLUSTERS)))
    size: int = attrs.field(default=0, validator=follows(between(0, 64 * CLUSTER_SLOTS)))
    bad: tuple[int, ...] = attrs.field(
        default=(), validator=follows(FEW, each(FIRST_TO_LAST_SLOT))
    )
    priority: int = attrs.field(default=0, validator=follows(between(-1000, 1000)))
    latency: int = attrs.field(default=1000, validator=follows(_TIME))
    latencies: tuple[int, ...] = attrs.field(default=(), validator=follows(FEW, each(_TIME)))
    discard: bool = False
    stable_writes: bool = False
    rotating: bool = False

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        if self.size == 1 or self.size > self.clusters * CLUSTER_SLOTS:
            message = f"must be 0, or from 2 to {self.clusters * CLUSTER_SLOTS}"
            yield wrong(self.size, message).under("size")
        for index, slot in enumerate(self.bad):
            if slot >= self.slots:
                message = f"is past the last slot, {self.slots - 1}"
                yield wrong(slot, message).under("bad", index)

    @property
    def slots(self) -> int:
        """How many slots it has, slot 0 included."""
        return self.size or self.clusters * CLUSTER_SLOTS


@attrs.frozen(kw_only=True)
class MemcgSetup:
    """A memory cgroup.

    Args:
        name: its name.
        parent: the group that it is in; empty for none. One that stands before it.
        limit: pages that it may have in memory, 0 to 1,000,000.
        swap_limit: pages that it may have in swap (v2).
        memsw_limit: pages that it may have in memory and swap together (v1).
    """

    name: str = attrs.field(validator=follows(NAME))
    parent: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    limit: int = attrs.field(default=1000, validator=follows(_LIMIT))
    swap_limit: int = attrs.field(default=MOST_PAGES, validator=follows(_LIMIT))
    memsw_limit: int = attrs.field(default=MOST_PAGES, validator=follows(_LIMIT))


@attrs.frozen(kw_only=True)
class ProcessSetup:
    """A process, that is an address space.

    Args:
        name: its name, as in ``P``.
        memcg: the memcg it lives in; the first one if left out.
        orders: the large orders that are enabled for its memory, each 1 to 9.
        uffd: whether a userfaultfd is armed on its memory.
        mlocked: whether its memory is locked.
    """

    name: str = attrs.field(validator=follows(NAME))
    memcg: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    orders: tuple[int, ...] = attrs.field(default=(), validator=follows(*_LARGE_ORDERS))
    uffd: bool = False
    mlocked: bool = False


@attrs.frozen(kw_only=True)
class FileSetup:
    """A shmem file.

    Args:
        name: its name, as in ``f``.
        memcg: the memcg that its pages are charged to; the first one if left out.
        orders: the large orders that it may use, each 1 to 9.
    """

    name: str = attrs.field(validator=follows(NAME))
    memcg: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    orders: tuple[int, ...] = attrs.field(default=(), validator=follows(*_LARGE_ORDERS))


@attrs.frozen(kw_only=True)
class SlotSetup:
    """Pages that are swapped out before the scenario starts, in slots that follow each other.

    Args:
        process: whose PTEs hold them; empty for an owner that is not modelled.
        file: the file whose page cache holds them, in place of a process.
        page: the first virtual page number or index, 0 to 1,000,000; goes with *process* or
            *file*.
        order: the order of the entries in a file, 0 to 9; *nr* is a multiple of its size.
        device: where they lie; the first device if left out.
        first: the first slot, 1 to 2047.
        nr: how many, 1 to 512.
        shadows: the workingset shadow of each, 0 being the empty shadow; all 0 if left out.
        memcg: the owner on record; the process's memcg if left out, or else the first one.
        zswap: whether the data lies in zswap.
        zero: whether they are flagged as filled with zeros.
        count: the swap count of each, 1 to 14; owners besides *process* are not modelled.
    """

    process: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    file: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    page: int | None = attrs.field(default=None, validator=follows(perhaps(PAGE)))
    order: int = attrs.field(default=0, validator=follows(between(0, 9)))
    device: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    first: int = attrs.field(validator=follows(FIRST_TO_LAST_SLOT))
    nr: int = attrs.field(default=1, validator=follows(UP_TO_A_CLUSTER))
    shadows: tuple[int, ...] = attrs.field(
        default=(), validator=follows(each(between(0, LARGEST_SHADOW)))
    )
    memcg: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    zswap: bool = False
    zero: bool = False
    count: int = attrs.field(default=1, validator=follows(between(1, 14)))

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        yield from _owner_problems(self.process, self.file)
        if self.process and self.page is None:
            yield wrong(None, "needed where a process is named").under("page")
        if self.file and self.page is None:
            yield wrong(None, "needed where a file is named").under("page")
        if self.page is not None and not self.process and not self.file:
            yield wrong(None, "needed where a page is given").under("process")
        if self.page is not None:
            yield from past_the_last_page(self.page, self.nr)
            yield from _aligned(self.order, self.first, self.page, self.nr)
        if self.order and not self.file:
            yield wrong(self.order, "used only where a file is named").under("order")
        if self.shadows and len(self.shadows) != self.nr:
            message = f"must have one entry for each of the {self.nr} slots"
            yield wrong(len(self.shadows), message).under("shadows")


@attrs.frozen(kw_only=True)
class PageSetup:
    """A resident folio of a process or a file.

    Args:
        process: whose anonymous memory it is in.
        file: the file whose page cache it is in, in place of a process.
        page: its first virtual page number or index, 0 to 1,000,000.
        order: its order, 0 to 9; *page* is a multiple of its size.
    """

    process: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    file: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    page: int = attrs.field(validator=follows(PAGE))
    order: int = attrs.field(default=0, validator=follows(between(0, 9)))

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        yield from _owner_problems(self.process, self.file)
        if not self.process and not self.file:
            yield wrong(None, "needed where no file is named").under("process")
        yield from past_the_last_page(self.page, 1 << self.order)
        yield from _aligned(self.order, self.page, self.page, 1 << self.order)


def _owner_problems(process: str, file: str) -> Iterator[Problem]:
    if process and file:
        yield wrong(file, "not used where a process is named").under("file")


def _aligned(order: int, first: int, page: int, nr: int) -> Iterator[Problem]:
    """A large entry or folio begins at a multiple of its size, and is whole."""
    size = 1 << order
    for key, value in (("first", first), ("page", page), ("nr", nr)):
        if value % size:
            yield wrong(value, f"must be a multiple of {size} where order is {order}").under(
                key
            )
            return


def past_the_last_page(page: int, nr: int) -> Iterator[Problem]:
    """That *nr* pages from *page* end where virtual pages do."""
    if page + nr - 1 > MOST_PAGES:
        yield wrong(nr, f"goes past the last page, {MOST_PAGES:_}").under("nr")
