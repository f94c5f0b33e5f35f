# SPDX-License-Identifier: MIT OR Apache-2.0
"""Windows between two labels of a task, and which operations of other tasks came inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from swaptrio.sched.strategies.races import LOOKS, object_of

if TYPE_CHECKING:
    from swaptrio.sched.task import Task

#: The label that opens a window when a task has performed it, and the one that closes it.
Window: TypeAlias = tuple[str, str]


@attrs.define(eq=False)
class Windows:
    """At which labels others have *interfered* with the windows *known*.

    An operation interferes that another task performs on an object of the window's labels,
    unless both only look. Where these labels have no object, every operation does.

    Where *learns* is set, windows are added as executions show them: from each access of a
    task to its next one, and to its next one of the same object.

    Every step of every execution comes by here, so windows go by their places in *known*, and
    what was found out for an operation is kept until something is learned.
    """

    known: list[Window] = attrs.Factory(list)
    learns: bool = False
    interfered: dict[Window, list[str]] = attrs.Factory(dict)
    _place: dict[Window, int] = attrs.field(factory=dict, init=False)
    _with: dict[str, list[tuple[int, bool]]] = attrs.field(factory=dict, init=False)
    _objects: dict[str, dict[str, bool]] = attrs.field(factory=dict, init=False)
    _labels: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    _found: dict[tuple[str, str, bool], list[int]] = attrs.field(factory=dict, init=False)
    _inside: list[list[int]] = attrs.field(factory=list, init=False)
    _entered: list[int] = attrs.field(factory=list, init=False)
    _before: dict[int, dict[str, str]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        given, self.known = self.known, []
        for window in given:
            self.add(window)

    @property
    def entered(self) -> dict[Window, int]:
        """How often each window was entered by its own task, if ever."""
        counts = zip(self.known, self._entered, strict=True)
        return {window: count for window, count in counts if count}

    def add(self, window: Window) -> None:
        """One more window, if it is not known."""
        if window in self._place:
            return
        self._place[window] = place = len(self.known)
        self.known.append(window)
        self._inside.append([])
        self._entered.append(0)
        self._found = {}
        for label in dict.fromkeys(window):
            self._with.setdefault(label, []).append((place, label == window[0]))

    def uncovered(self) -> list[Window]:
        """The windows in which nobody has interfered."""
        return [window for window in self.known if window not in self.interfered]

    def labels(self, window: Window) -> list[str]:
        """The labels at which somebody could interfere with *window*, as far as is known."""
        objects = [name for label in window for name in self._objects.get(label, ())]
        labels = [label for name in dict.fromkeys(objects) for label in self._labels[name]]
        return list(dict.fromkeys(labels))

    def begin(self) -> None:
        """All windows are closed."""
        self._inside = [[] for _ in self.known]
        self._before = {}

    def inside(self, window: Window) -> list[int]:
        """The tasks, by index, that stand inside *window*."""
        place = self._place.get(window)
        return [] if place is None else self._inside[place]

    def comes_inside(self, window: Window, task: Task) -> bool:
        """Whether what *task* is about to perform interferes with somebody inside *window*."""
        inside = self.inside(window)
        if not inside or inside == [task.index]:
            return False
        return self._interferes(window, object_of(task), task.kind not in LOOKS)

    def perform(self, task: Task, name: str) -> None:
        """*task* performs what it has declared, on the object called *name* if it has one."""
        index, label, changes = task.index, task.label, task.kind not in LOOKS
        if name:
            known = self._objects.get(label)
            if known is None or name not in known or (changes and not known[name]):
                self._learn(name, label, changes)
            if self.learns:
                self._follow(index, name, label)
        found = self._found.get((name, label, changes))
        if found is None:
            found = self._not_yet(name, label, changes)
        all_inside = self._inside
        for place in found:
            inside = all_inside[place]
            if inside and (inside[0] != index or len(inside) > 1):
                self.interfered.setdefault(self.known[place], []).append(label)
                self._forget(label)
        moved = self._with.get(label)
        if moved is not None:
            self._move(index, moved)

    def _not_yet(self, name: str, label: str, changes: bool) -> list[int]:
        """The windows with which this operation interferes, if it has not done so before."""
        found = self._found[name, label, changes] = [
            place
            for place, window in enumerate(self.known)
            if label not in self.interfered.get(window, ())
            and self._interferes(window, name, changes)
        ]
        return found

    def _forget(self, label: str) -> None:
        """Find out anew what happens at *label*, which has come inside a window."""
        for key in [key for key in self._found if key[1] == label]:
            del self._found[key]

    def _move(self, index: int, moved: list[tuple[int, bool]]) -> None:
        """Close what a label closes for that task, and open what it opens."""
        for place, opens in moved:
            inside = self._inside[place]
            if index in inside:
                inside.remove(index)
            if opens:
                inside.append(index)
                self._entered[place] += 1

    def _interferes(self, window: Window, name: str, changes: bool) -> bool:
        objects = [self._objects.get(label, {}) for label in window]
        if not any(objects):
            return True
        return any(changes or at[name] for at in objects if name in at)

    def _learn(self, name: str, label: str, changes: bool) -> None:
        """That *label* stands at that object, and whether it changes it."""
        known = self._objects.setdefault(label, {})
        if name not in known:
            self._labels.setdefault(name, []).append(label)
        for other in known:
            known[other] |= changes
        known[name] = changes or any(known.values())
        self._found = {}

    def _follow(self, index: int, name: str, label: str) -> None:
        """Add the windows from a task's accesses before this one."""
        before = self._before.get(index)
        if before is None:
            before = self._before[index] = {}
        last, same = before.get(""), before.get(name)
        if last is not None and (last, label) not in self._place:
            self.add((last, label))
        if same is not None and same != last and (same, label) not in self._place:
            self.add((same, label))
        before[""] = before[name] = label
