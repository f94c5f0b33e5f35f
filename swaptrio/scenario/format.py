# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a scenario file says, as values.

Each class is one table of the file and each field one key; the smaller ones stand in `setup`
and `windows`. They are built by `load` or in Python, and either way an object that exists keeps
the rules beside its fields: what breaks one raises a ScenarioError. How tables refer to each
other is checked when the `Scenario` is made (see `consistency`), which also fills in the names
that were left out. Only the words of the model stay open until `check_words`.

Where nothing is said, a text is empty and a number without a default is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar, get_args

import attrs

from swaptrio.scenario.consistency import inconsistencies
from swaptrio.scenario.deeds import DeedSetup, TaskSetup
from swaptrio.scenario.rules import (
    FEW,
    LOWER_NAME,
    each,
    follows,
    like,
    one_line,
    one_of,
    prose,
    refuse,
    some,
)
from swaptrio.scenario.setup import (
    DeviceSetup,
    FileSetup,
    KernelSetup,
    MemcgSetup,
    PageSetup,
    ProcessSetup,
    SlotSetup,
)
from swaptrio.scenario.vocabulary import check_words
from swaptrio.scenario.windows import Expect, Instead, Window, WindowStep

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DeedSetup",
    "DeviceSetup",
    "Expect",
    "FileSetup",
    "Instead",
    "KernelSetup",
    "MemcgSetup",
    "PageSetup",
    "ProcessSetup",
    "Scenario",
    "SlotSetup",
    "TaskSetup",
    "Window",
    "WindowStep",
    "check_words",
]

Status = Literal["verified", "inference", "hash"]

_Owner = TypeVar("_Owner", ProcessSetup, FileSetup)


@attrs.frozen(kw_only=True)
class Scenario:
    """A race that has a name: a small world, tasks, and the windows that lead into it.

    Devices and memcgs that were left out are there, with their defaults, and so are the names
    of memcgs and devices in *process* and *slots*.

    Args:
        name: its name, which is the file's without ``.toml``.
        title: one line.
        catalogue: its entry in the race catalogue, A00 to H99.
        references: where it was reported, discussed or fixed.
        status: what it rests on: ``verified`` text, ``inference``, or only a commit ``hash``.
        note: what else is to be said of that, on one line.
        story: what happens, in order.
        kernel: how the kernel is set up.
        device: the swap devices, at least one.
        memcg: the memory cgroups, at least one.
        process: the processes.
        file: the shmem files.
        slots: what is swapped out at the start.
        page: what is resident at the start.
        task: the tasks, at least one.
        window: the windows, at least one.

    Raises:
        ScenarioError: something above does not hold, or names do not fit together.
    """

    name: str = attrs.field(validator=follows(LOWER_NAME))
    title: str = attrs.field(validator=follows(some, one_line))
    catalogue: str = attrs.field(
        validator=follows(like("[A-H][0-9]{2}", "a letter from A to H and two digits"))
    )
    references: tuple[str, ...] = attrs.field(validator=follows(FEW, each(some, one_line)))
    status: Status = attrs.field(validator=follows(one_of(get_args(Status))))
    note: str = attrs.field(default="", validator=follows(one_line))
    story: str = attrs.field(validator=follows(some, prose))
    kernel: KernelSetup = attrs.field(factory=KernelSetup)
    device: tuple[DeviceSetup, ...] = attrs.field(
        default=(DeviceSetup(name="swap0"),), validator=follows(some, FEW)
    )
    memcg: tuple[MemcgSetup, ...] = attrs.field(
        default=(MemcgSetup(name="m1"),), validator=follows(some, FEW)
    )
    process: tuple[ProcessSetup, ...] = attrs.field(default=(), validator=follows(FEW))
    file: tuple[FileSetup, ...] = attrs.field(default=(), validator=follows(FEW))
    slots: tuple[SlotSetup, ...] = attrs.field(default=(), validator=follows(FEW))
    page: tuple[PageSetup, ...] = attrs.field(default=(), validator=follows(FEW))
    task: tuple[TaskSetup, ...] = attrs.field(validator=follows(some, FEW))
    window: tuple[Window, ...] = attrs.field(validator=follows(some, FEW))

    def __attrs_post_init__(self) -> None:
        # The way around a frozen class that attrs itself describes for values made on the way.
        object.__setattr__(self, "process", tuple(self._filled(self.process)))
        object.__setattr__(self, "file", tuple(self._filled(self.file)))
        object.__setattr__(self, "slots", tuple(self._filled_slots()))
        refuse(inconsistencies(self))

    def _filled(self, owners: tuple[_Owner, ...]) -> Iterator[_Owner]:
        for owner in owners:
            yield attrs.evolve(owner, memcg=owner.memcg or self.memcg[0].name)

    def _filled_slots(self) -> Iterator[SlotSetup]:
        known = {memcg.name for memcg in self.memcg}
        # An owner with a wrong memcg is told once, and not for each of its slots.
        owners: tuple[ProcessSetup | FileSetup, ...] = (*self.process, *self.file)
        memcgs = {own.name: own.memcg for own in owners if own.memcg in known}
        for slots in self.slots:
            owner = slots.process or slots.file
            memcg = slots.memcg or memcgs.get(owner, self.memcg[0].name)
            yield attrs.evolve(slots, memcg=memcg, device=slots.device or self.device[0].name)
