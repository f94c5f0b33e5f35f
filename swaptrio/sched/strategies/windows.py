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
    """How often the windows *known* were *entered*, and at which labels others *interfered*.

    An operation interferes that another task performs on an object of the window's labels,
    unless both only look. Where these labels have no object, every operation does.

    Where *learns* is set, windows are added as executions show them: from each access of a
    task to its next one, and to its next one of the same object.
    """

    known: list[Window] = attrs.Factory(list)
    learns: bool = False
    entered: dict[Window, int] = attrs.Factory(dict)
    interfered: dict[Window, list[str]] = attrs.Factory(dict)
    _with: dict[str, list[Window]] = attrs.field(factory=dict, init=False)
    _objects: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    _labels: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    _changes: dict[str, bool] = attrs.field(factory=dict, init=False)
    _found: dict[tuple[str, str, bool], list[Window]] = attrs.field(factory=dict, init=False)
    _position: dict[Window, int] = attrs.field(factory=dict, init=False)
    _inside: dict[Window, list[int]] = attrs.field(factory=dict, init=False)
    _before: dict[tuple[int, str], str] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        given, self.known = self.known, []
        for window in given:
            self.add(window)

    def add(self, window: Window) -> None:
        """One more window, if it is not known."""
        if window in self._position:
            return
        self._position[window] = len(self.known)
        self.known.append(window)
        self._found = {}
        for label in dict.fromkeys(window):
            self._with.setdefault(label, []).append(window)

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
        self._inside = {}
        self._before = {}

    def is_open(self, window: Window, index: int) -> bool:
        """Whether the task with that *index* stands inside *window*."""
        return index in self._inside.get(window, ())

    def comes_inside(self, window: Window, task: Task) -> bool:
        """Whether what *task* is about to perform interferes with somebody inside *window*."""
        inside = self._inside.get(window)
        if not inside or inside == [task.index]:
            return False
        return self._interferes(window, object_of(task), task.kind not in LOOKS)

    def perform(self, task: Task) -> None:
        """*task* performs what it has declared."""
        name, label, changes = object_of(task), task.label, task.kind not in LOOKS
        if name:
            self._learn(task.index, name, label, changes)
        for window in self._not_yet(name, label, changes):
            inside = self._inside.get(window)
            if inside and inside != [task.index]:
                self.interfered.setdefault(window, []).append(label)
                self._found = {}
        self._move(task.index, label)

    def _not_yet(self, name: str, label: str, changes: bool) -> list[Window]:
        """The windows with which this operation interferes, if it has not done so before."""
        found = self._found.get((name, label, changes))
        if found is None:
            found = self._found[name, label, changes] = [
                window
                for window in self.known
                if label not in self.interfered.get(window, ())
                and self._interferes(window, name, changes)
            ]
        return found

    def _move(self, index: int, label: str) -> None:
        """Close what *label* closes for that task, and open what it opens."""
        for window in self._with.get(label, ()):
            inside = self._inside.setdefault(window, [])
            if index in inside:
                inside.remove(index)
            if window[0] == label:
                inside.append(index)
                self.entered[window] = self.entered.get(window, 0) + 1

    def _interferes(self, window: Window, name: str, changes: bool) -> bool:
        objects = [self._objects.get(label, ()) for label in window]
        if not any(objects):
            return True
        touched = [label for label, at in zip(window, objects, strict=True) if name in at]
        return any(changes or self._changes.get(label, False) for label in touched)

    def _learn(self, index: int, name: str, label: str, changes: bool) -> None:
        known = self._objects.setdefault(label, [])
        if name not in known:
            known.append(name)
            self._labels.setdefault(name, []).append(label)
            self._found = {}
        if changes and not self._changes.get(label):
            self._changes[label] = True
            self._found = {}
        if self.learns:
            self._follow(index, name, label)

    def _follow(self, index: int, name: str, label: str) -> None:
        """Add the windows from a task's accesses before this one."""
        for key in ((index, ""), (index, name)):
            before = self._before.get(key)
            if before is not None:
                self.add((before, label))
            self._before[key] = label
