# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a scenario that say what the world looks like, and which tasks run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from swaptrio.scenario.rules import (
    LOWER_NAME,
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
Failure = Literal["alloc", "charge", "read", "deferred_split"]
TaskKind = Literal["fault", "readahead", "zap", "zswap-writeback", "swapout", "store"]

#: Slots of one cluster.
CLUSTER_SLOTS: Final = 512

#: The last virtual page number, and the largest limit in pages.
MOST_PAGES: Final = 1_000_000

#: A table word has 59 bits below its flags, and a shadow gives up one to its mark.
LARGEST_SHADOW: Final = 2**58 - 1

_PAGE: Final = between(0, MOST_PAGES)
_FIRST_TO_LAST_SLOT: Final = between(1, 4 * CLUSTER_SLOTS - 1)
_UP_TO_A_CLUSTER: Final = between(1, CLUSTER_SLOTS)


@attrs.frozen(kw_only=True)
class KernelSetup:
    """How the kernel is built and set up.

    Args:
        thp: whether it knows large folios.
        memcg: the version of the memory controller, ``v1`` or ``v2``.
        zswap: whether zswap was enabled at some time.
        failures: what a strategy may let fail: ``alloc``, ``charge``, ``read``,
            ``deferred_split``.
    """

    thp: bool = True
    memcg: MemcgVersion = attrs.field(
        default="v2", validator=follows(one_of(get_args(MemcgVersion)))
    )
    zswap: bool = False
    failures: tuple[Failure, ...] = attrs.field(
        default=(), validator=follows(each(one_of(get_args(Failure))), once)
    )


@attrs.frozen(kw_only=True)
class DeviceSetup:
    """A swap device.

    Args:
        name: its name, as in ``swap0``.
        sync: whether it is synchronous (SWP_SYNCHRONOUS_IO).
        clusters: its size in clusters of 512 slots, 1 to 4. Slot 0 is never used.
        latency: virtual time that a bio takes, 0 to 1,000,000,000 ns.
    """

    name: str = attrs.field(validator=follows(NAME))
    sync: bool = True
    clusters: int = attrs.field(default=1, validator=follows(between(1, 4)))
    latency: int = attrs.field(default=1000, validator=follows(between(0, 1_000_000_000)))

    @property
    def slots(self) -> int:
        """How many slots it has, slot 0 included."""
        return self.clusters * CLUSTER_SLOTS


@attrs.frozen(kw_only=True)
class MemcgSetup:
    """A memory cgroup: its *name*, and its *limit*, 0 to 1,000,000 pages."""

    name: str = attrs.field(validator=follows(NAME))
    limit: int = attrs.field(default=1000, validator=follows(between(0, MOST_PAGES)))


@attrs.frozen(kw_only=True)
class ProcessSetup:
    """A process, that is an address space.

    Args:
        name: its name, as in ``P``.
        memcg: the memcg it lives in; the first one if left out.
        orders: the large orders that are enabled for its memory, each 1 to 9.
    """

    name: str = attrs.field(validator=follows(NAME))
    memcg: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    orders: tuple[int, ...] = attrs.field(
        default=(), validator=follows(each(between(1, 9)), once)
    )


@attrs.frozen(kw_only=True)
class SlotSetup:
    """Pages that are swapped out before the scenario starts, in slots that follow each other.

    Args:
        process: whose PTEs hold them; empty for an owner that is not modelled.
        page: the first virtual page number, 0 to 1,000,000; goes with *process*.
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
    page: int | None = attrs.field(default=None, validator=follows(perhaps(_PAGE)))
    device: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    first: int = attrs.field(validator=follows(_FIRST_TO_LAST_SLOT))
    nr: int = attrs.field(default=1, validator=follows(_UP_TO_A_CLUSTER))
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
        if self.process and self.page is None:
            yield wrong(None, "needed where a process is named").under("page")
        if self.page is not None and not self.process:
            yield wrong(None, "needed where a page is given").under("process")
        if self.page is not None:
            yield from _past_the_last_page(self.page, self.nr)
        if self.shadows and len(self.shadows) != self.nr:
            message = f"must have one entry for each of the {self.nr} slots"
            yield wrong(len(self.shadows), message).under("shadows")


@attrs.frozen(kw_only=True)
class PageSetup:
    """A resident anonymous page: of which *process*, and at which *page* (0 to 1,000,000)."""

    process: str = attrs.field(validator=follows(NAME))
    page: int = attrs.field(validator=follows(_PAGE))


#: What a task of a kind must say besides its name, and what it may say.
TASK_KEYS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "fault": (("process", "page"), ("write",)),
    "readahead": (("device", "slot"), ()),
    "zap": (("process", "page"), ("nr",)),
    "zswap-writeback": (("device", "slot"), ()),
    "swapout": (("process", "page"), ()),
    "store": (("process", "page"), ()),
}


@attrs.frozen(kw_only=True)
class TaskSetup:
    """A task, and what it runs. Which keys go with which kind is in `TASK_KEYS`.

    Args:
        name: its name in windows and traces.
        run: ``fault``, ``readahead``, ``zap``, ``zswap-writeback``, ``swapout`` or ``store``.
        process: whose memory it works on.
        page: the (first) virtual page number, 0 to 1,000,000.
        nr: how many pages a zap takes, 1 to 512.
        write: whether a fault is a write fault.
        device: where the slot of a readahead or a writeback lies.
        slot: that slot, 1 to 2047.
    """

    name: str = attrs.field(validator=follows(LOWER_NAME))
    run: TaskKind = attrs.field(validator=follows(one_of(get_args(TaskKind))))
    process: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    page: int | None = attrs.field(default=None, validator=follows(perhaps(_PAGE)))
    nr: int = attrs.field(default=1, validator=follows(_UP_TO_A_CLUSTER))
    write: bool = False
    device: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    slot: int | None = attrs.field(
        default=None, validator=follows(perhaps(_FIRST_TO_LAST_SLOT))
    )

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        needed, allowed = TASK_KEYS[self.run]
        for field in attrs.fields(type(self)):
            if field.default is attrs.NOTHING:
                continue
            given = getattr(self, field.name) != field.default
            if field.name in needed and not given:
                yield wrong(None, f"needed where run is {self.run}").under(field.name)
            if given and field.name not in (*needed, *allowed):
                yield wrong(None, f"not used where run is {self.run}").under(field.name)
        if self.page is not None:
            yield from _past_the_last_page(self.page, self.nr)


def _past_the_last_page(page: int, nr: int) -> Iterator[Problem]:
    if page + nr - 1 > MOST_PAGES:
        yield wrong(nr, f"goes past the last page, {MOST_PAGES:_}").under("nr")
