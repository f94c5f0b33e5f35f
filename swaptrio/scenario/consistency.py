# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether the tables of a scenario fit together: names, slots and pages.

Everything is yielded as it is found, so that whoever has read enough can stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.errors import Problem, place, shown
from swaptrio.scenario.mend import OF_THIS_NAME
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from swaptrio.scenario.deeds import DeedSetup
    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.setup import SlotSetup
    from swaptrio.scenario.windows import Expect, Window, WindowStep


@attrs.frozen
class _Names:
    """What other tables may refer to: devices with their size in slots, and plain names."""

    devices: dict[str, int]
    memcgs: dict[str, None]
    processes: dict[str, None]
    files: dict[str, None]
    children: dict[str, None]
    tasks: dict[str, None]


def inconsistencies(scenario: Scenario) -> Iterator[Problem]:
    """What does not fit together in *scenario*, with places read from its top."""
    names = _Names(
        devices={device.name: device.slots for device in scenario.device},
        memcgs=dict.fromkeys(memcg.name for memcg in scenario.memcg),
        processes=dict.fromkeys(process.name for process in scenario.process),
        files=dict.fromkeys(file.name for file in scenario.file),
        children=dict.fromkeys(
            deed.child for task in scenario.task for deed in task.deeds if deed.child
        ),
        tasks=dict.fromkeys(task.name for task in scenario.task),
    )
    for key in ("device", "memcg", "process", "file", "task", "window"):
        yield from _taken_names(key, [entry.name for entry in getattr(scenario, key)])
    for key in ("process", "file"):
        for index, owner in enumerate(getattr(scenario, key)):
            where = place(key, index, "memcg")
            yield from _unknown(where, owner.memcg, names.memcgs, "memcg")
    yield from _parents(scenario)
    yield from _shared_names(scenario)
    yield from _slots(scenario, names)
    yield from _overlaps(scenario)
    yield from _pages(scenario, names)
    yield from _tasks(scenario, names)
    for index, window in enumerate(scenario.window):
        for problem in _window(window, names):
            yield problem.under("window", index)


def _parents(scenario: Scenario) -> Iterator[Problem]:
    """A group's parent stands before it, so that none is above itself."""
    before: dict[str, None] = {}
    for index, memcg in enumerate(scenario.memcg):
        if memcg.parent:
            where = place("memcg", index, "parent")
            yield from _unknown(where, memcg.parent, before, "memcg before this one")
        before[memcg.name] = None


def _shared_names(scenario: Scenario) -> Iterator[Problem]:
    """Traces call slots, pages and indices by name and number: ``P:17`` is one of them."""
    taken: dict[str, str] = {}
    for key in ("device", "process", "file"):
        for index, entry in enumerate(getattr(scenario, key)):
            here = place(key, index)
            if taken.setdefault(entry.name, here).partition("[")[0] != key:
                message = f"is the name of {taken[entry.name]} already"
                yield Problem("", place(key, index, "name"), shown(entry.name), message)


def _taken_names(key: str, found: list[str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, name in enumerate(found):
        if name in first:
            message = f"is the name of {place(key, first[name])} already"
            yield Problem("", place(key, index, "name"), shown(name), message)
        first.setdefault(name, index)


def _unknown(where: str, name: str, known: Iterable[str], what: str) -> Iterator[Problem]:
    if name not in known:
        hint = nearest(name, known) or ""
        yield Problem("", where, shown(name), f"there is no {what} {OF_THIS_NAME}", hint)


def _slots(scenario: Scenario, names: _Names) -> Iterator[Problem]:
    for index, slots in enumerate(scenario.slots):
        for problem in _slot_setup(slots, names):
            yield problem.under("slots", index)
        if slots.zswap and not scenario.kernel.zswap:
            message = "needs kernel.zswap, without which nothing lies in zswap"
            yield Problem("", place("slots", index, "zswap"), "true", message)


def _slot_setup(slots: SlotSetup, names: _Names) -> Iterator[Problem]:
    if slots.process:
        yield from _unknown("process", slots.process, names.processes, "process")
    if slots.file:
        yield from _unknown("file", slots.file, names.files, "file")
    yield from _unknown("memcg", slots.memcg, names.memcgs, "memcg")
    yield from _unknown("device", slots.device, names.devices, "device")
    last = slots.first + slots.nr - 1
    yield from _off_the_end(
        "first" if slots.nr == 1 else "nr", slots.device, last, names, f"slot {last}"
    )


def _off_the_end(
    where: str, device: str, slot: int, names: _Names, value: str
) -> Iterator[Problem]:
    size = names.devices.get(device)
    if size is not None and slot >= size:
        yield Problem("", where, value, f"is past the last slot of {device}, {size - 1}")


def _overlaps(scenario: Scenario) -> Iterator[Problem]:
    taken: dict[tuple[str, int], int] = {}
    for index, slots in enumerate(scenario.slots):
        wanted = [(slots.device, slots.first + offset) for offset in range(slots.nr)]
        clash = next((slot for slot in wanted if slot in taken), None)
        if clash is not None:
            message = f"is in {place('slots', taken[clash])} already"
            value = f"{clash[0]}:{clash[1]}"
            yield Problem("", place("slots", index, "first"), value, message)
        for slot in wanted:
            taken.setdefault(slot, index)


def _pages(scenario: Scenario, names: _Names) -> Iterator[Problem]:
    taken: dict[tuple[str, int], str] = {}
    for index, slots in enumerate(scenario.slots):
        owner = slots.process or slots.file
        if owner and slots.page is not None:
            where = place("slots", index)
            yield from _mapped_twice(where, owner, slots.page, slots.nr, taken)
    for index, page in enumerate(scenario.page):
        where = place("page", index)
        if page.process:
            yield from _unknown(f"{where}.process", page.process, names.processes, "process")
        if page.file:
            yield from _unknown(f"{where}.file", page.file, names.files, "file")
        owner = page.process or page.file
        yield from _mapped_twice(where, owner, page.page, 1 << page.order, taken)


def _mapped_twice(
    where: str, process: str, page: int, nr: int, taken: dict[tuple[str, int], str]
) -> Iterator[Problem]:
    wanted = [(process, page + offset) for offset in range(nr)]
    clash = next((pte for pte in wanted if pte in taken), None)
    if clash is not None:
        message = f"has a PTE from {taken[clash]} already"
        yield Problem("", f"{where}.page", f"page {clash[1]} of {process}", message)
    for pte in wanted:
        taken.setdefault(pte, where)


def _tasks(scenario: Scenario, names: _Names) -> Iterator[Problem]:
    for index, task in enumerate(scenario.task):
        for problem in _deed(task, names):
            yield problem.under("task", index)
        for number, deed in enumerate(task.then):
            for problem in _deed(deed, names):
                yield problem.under("task", index, "then", number)


def _deed(deed: DeedSetup, names: _Names) -> Iterator[Problem]:
    if deed.process:
        known = {**names.processes, **names.children}
        yield from _unknown("process", deed.process, known, "process")
    if deed.child in names.processes:
        yield Problem("", "child", shown(deed.child), "is the name of a process already")
    if deed.file:
        yield from _unknown("file", deed.file, names.files, "file")
    if deed.memcg:
        yield from _unknown("memcg", deed.memcg, names.memcgs, "memcg")
    if deed.device:
        yield from _unknown("device", deed.device, names.devices, "device")
    if deed.slot is not None:
        yield from _off_the_end("slot", deed.device, deed.slot, names, shown(deed.slot))


def _window(window: Window, names: _Names) -> Iterator[Problem]:
    yield from _steps(window.steps, names)
    for variant, instead in window.instead.items():
        for problem in _steps(instead.steps or (), names):
            yield problem.under("instead", variant)
    for variant, expect in window.expect.items():
        for problem in _expect(expect, names):
            yield problem.under("expect", variant)


def _steps(steps: tuple[WindowStep, ...], names: _Names) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        yield from _unknown(place("steps", index, "run"), step.run, names.tasks, "task")


def _expect(expect: Expect, names: _Names) -> Iterator[Problem]:
    for task in expect.results:
        yield from _unknown(place("results", task), task, names.tasks, "task")
    for key in expect.slots:
        where = place("slots", key)
        device, _, slot = key.partition(":")
        yield from _unknown(where, device, names.devices, "device")
        yield from _off_the_end(where, device, int(slot), names, slot)
