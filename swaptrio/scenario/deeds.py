# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tasks of a scenario: what each runs, one deed after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from swaptrio.scenario.rules import (
    FEW,
    LOWER_NAME,
    NAME,
    between,
    follows,
    one_of,
    perhaps,
    refuse,
    wrong,
)
from swaptrio.scenario.setup import (
    FIRST_TO_LAST_SLOT,
    PAGE,
    UP_TO_A_CLUSTER,
    past_the_last_page,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.errors import Problem

DeedKind = Literal[
    "fault",
    "read",
    "store",
    "pin-store",
    "zap",
    "discard",
    "fork",
    "exit",
    "map",
    "swapout",
    "reclaim",
    "readahead",
    "zswap-writeback",
    "zswap-shrink",
    "uffd-move",
    "split",
    "migrate",
    "swapoff",
    "swapon",
    "image-alloc",
    "image-free",
    "memcg-create",
    "memcg-offline",
    "memcg-move",
    "lru-drain",
    "file-read",
    "file-write",
    "file-swapout",
    "file-truncate",
    "use-memory",
    "use-file",
]

_AT_A_PAGE: Final = ("process", "page")
_AT_AN_INDEX: Final = ("file", "page")
_AT_A_SLOT: Final = ("device", "slot")

#: What a deed of a kind must say, and what it may say.
DEED_KEYS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "fault": (_AT_A_PAGE, ("write",)),
    "read": (_AT_A_PAGE, ()),
    "store": (_AT_A_PAGE, ("zero",)),
    "pin-store": (_AT_A_PAGE, ()),
    "zap": (_AT_A_PAGE, ("nr",)),
    "discard": (_AT_A_PAGE, ("nr",)),
    "fork": (("process", "child"), ()),
    "exit": (("process",), ()),
    "map": (_AT_A_PAGE, ("nr",)),
    "swapout": (_AT_A_PAGE, ()),
    "reclaim": ((), ("nr", "memcg")),
    "readahead": (_AT_A_SLOT, ()),
    "zswap-writeback": (_AT_A_SLOT, ()),
    "zswap-shrink": ((), ("nr",)),
    "uffd-move": ((*_AT_A_PAGE, "to"), ()),
    "split": (_AT_A_PAGE, ("order",)),
    "migrate": (_AT_A_PAGE, ()),
    "swapoff": (("device",), ()),
    "swapon": (("device",), ()),
    "image-alloc": (("device",), ()),
    "image-free": (_AT_A_SLOT, ()),
    "memcg-create": (("child",), ()),
    "memcg-offline": (("memcg",), ()),
    "memcg-move": (("process", "memcg"), ()),
    "lru-drain": ((), ()),
    "file-read": (_AT_AN_INDEX, ()),
    "file-write": (_AT_AN_INDEX, ()),
    "file-swapout": (_AT_AN_INDEX, ()),
    "file-truncate": (_AT_AN_INDEX, ("nr",)),
    "use-memory": (("process",), ("nr",)),
    "use-file": (("file",), ("nr",)),
}


@attrs.frozen(kw_only=True)
class DeedSetup:
    """One thing that a task does. Which keys go with which kind is in `DEED_KEYS`.

    Args:
        run: the kind, such as ``fault`` or ``swapoff``.
        process: whose memory it works on.
        child: what a fork calls the new process, or the name of a new memcg.
        file: the file it works on.
        page: the (first) virtual page number or index, 0 to 1,000,000.
        to: the virtual page that a userfaultfd moves the page to.
        nr: how many pages it takes, 1 to 512.
        write: whether a fault is a write fault.
        zero: whether zeros are stored.
        order: the order of the folios that a split makes, 0 to 8.
        device: the device it works on.
        slot: a slot of that, 1 to 32,767.
        memcg: the memcg it works on, or that a process moves to.
    """

    run: DeedKind = attrs.field(validator=follows(one_of(get_args(DeedKind))))
    process: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    child: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    file: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    page: int | None = attrs.field(default=None, validator=follows(perhaps(PAGE)))
    to: int | None = attrs.field(default=None, validator=follows(perhaps(PAGE)))
    nr: int = attrs.field(default=1, validator=follows(UP_TO_A_CLUSTER))
    write: bool = False
    zero: bool = False
    order: int = attrs.field(default=0, validator=follows(between(0, 8)))
    device: str = attrs.field(default="", validator=follows(perhaps(NAME)))
    slot: int | None = attrs.field(default=None, validator=follows(perhaps(FIRST_TO_LAST_SLOT)))
    memcg: str = attrs.field(default="", validator=follows(perhaps(NAME)))

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        needed, allowed = DEED_KEYS[self.run]
        for field in attrs.fields(DeedSetup):
            if field.default is attrs.NOTHING:
                continue
            given = getattr(self, field.name) != field.default
            if field.name in needed and not given:
                yield wrong(None, f"needed where run is {self.run}").under(field.name)
            if given and field.name not in (*needed, *allowed):
                yield wrong(None, f"not used where run is {self.run}").under(field.name)
        if self.page is not None:
            yield from past_the_last_page(self.page, self.nr)


@attrs.frozen(kw_only=True)
class TaskSetup(DeedSetup):
    """A task: something that it does, and what else it does after that.

    It returns what each of its deeds did, one behind the other.

    Args:
        name: its name in windows and traces.
        then: what it does after the first deed, in order.
        rounds: how often it does all of it, 1 to 1,000.
        steps: it goes on until the execution has taken so many steps, 0 to 100,000,000. That
            depends on what everybody does, so such a scenario cannot be explored.
    """

    name: str = attrs.field(validator=follows(LOWER_NAME))
    then: tuple[DeedSetup, ...] = attrs.field(default=(), validator=follows(FEW))
    rounds: int = attrs.field(default=1, validator=follows(between(1, 1000)))
    steps: int = attrs.field(default=0, validator=follows(between(0, 100_000_000)))

    @property
    def deeds(self) -> tuple[DeedSetup, ...]:
        """Everything that it does, in order."""
        return (self, *self.then)
