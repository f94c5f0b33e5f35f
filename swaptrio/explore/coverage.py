# SPDX-License-Identifier: MIT OR Apache-2.0
"""Coverage: which windows others came into, and how many different executions there were.

A *window* is the way of a task from one operation on an object to its next one on the same
object. Another task *enters* it with an operation on that object in between, unless both only
look. Which task could enter which window is known from the operations that were seen; what
was never seen inside is listed, with the reason: nobody knows (not sampled), or a complete
exploration has proved that it cannot be.

Executions that differ only in the order of independent operations are one *class*. Of each
class a number is kept, made of what was done to each object in which order. Both go by declared
operations, so that looking costs little beside running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from swaptrio.sched import Kind, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.sched import Execution, Task

#: The task, and the labels that open and close its window.
Window: TypeAlias = tuple[str, str, str]

#: The task and the label of an operation.
Place: TypeAlias = tuple[str, str]

#: Why something was never seen.
NOT_SAMPLED: Final = "not sampled"
UNREACHABLE: Final = "proved unreachable"

_PRIVATE: Final = frozenset(
    {Kind.START, Kind.STEP, Kind.UNLOCK, Kind.SLEEP, Kind.JOIN, Kind.CHOOSE}
)
_LOOKS: Final = frozenset({Kind.READ, Kind.WAIT})

#: Classes are told by polynomials modulo a prime, in a base and with numbers that have nothing
#: to do with each other: two classes get one number with a chance of 1 in 2**60 or so.
_PRIME: Final = (1 << 61) - 1
_BASE: Final = 1_099_511_628_211_017
_POWER: Final = 1_000_003


@attrs.frozen
class Unseen:
    """An operation that was never seen inside a window, and *why*."""

    window: Window
    by: Place
    why: str


@attrs.define(eq=False)
class _Object:
    """One object in one execution: who stands where in its windows, and what was done."""

    opened: dict[int, list[Any]] = attrs.Factory(dict)
    done: int = 0
    looks: int = 0


@attrs.define(eq=False)
class Coverage:
    """An observer of any number of executions, one after the other.

    *passed* counts how often each window was passed, *entered* how often by which operation;
    *classes* counts the executions of each class.
    """

    executions: int = 0
    longest: int = 0
    tasks: int = 0
    passed: dict[Window, int] = attrs.Factory(dict)
    entered: dict[Window, dict[Place, int]] = attrs.Factory(dict)
    classes: dict[int, int] = attrs.Factory(dict)
    _touching: dict[str, dict[Place, bool]] = attrs.Factory(dict)
    _over: dict[Window, dict[str, bool]] = attrs.Factory(dict)
    _numbers: dict[tuple[str, str], int] = attrs.Factory(dict)
    _objects: dict[str, _Object] = attrs.Factory(dict)
    _draws: int = 0

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform what it has declared."""
        kind, target = task.kind, task.target
        if target is None or kind in _PRIVATE:
            return
        name = name_of(target)
        found = self._objects.get(name)
        if found is None:
            found = self._objects[name] = _Object()
        place = (task.name, task.label)
        self._move(found, name, place, task.index, looks=kind in _LOOKS)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Another draw makes another class."""
        number = self._number((f"{task.name} {label}", str(option)))
        self._draws = (self._draws + number * _BASE) % _PRIME

    def end(self, execution: Execution) -> None:
        """Count the execution, and forget where everybody stood."""
        self.executions += 1
        self.longest = max(self.longest, execution.step)
        self.tasks = max(self.tasks, len(execution.tasks))
        number = self._class()
        self.classes[number] = self.classes.get(number, 0) + 1
        self._objects = {}
        self._draws = 0

    def words(self) -> tuple[str, ...]:
        """The names of all objects and the labels of all operations on them that were seen."""
        labels = (label for places in self._touching.values() for _, label in places)
        return tuple(dict.fromkeys((*self._touching, *labels)))

    def unseen(self, *, complete: bool = False) -> Iterator[Unseen]:
        """What was never seen inside which window; *complete* says that all was explored."""
        why = UNREACHABLE if complete else NOT_SAMPLED
        for window, names in self._over.items():
            seen = self.entered.get(window, {})
            for place in dict.fromkeys(
                each for name, looks in names.items() for each in self._enters(name, looks)
            ):
                if place[0] != window[0] and place not in seen:
                    yield Unseen(window, place, why)

    def _enters(self, name: str, looks: bool) -> Iterator[Place]:
        """The operations that can enter a window over an object, of which both ends look."""
        for place, only_looks in self._touching[name].items():
            if not (looks and only_looks):
                yield place

    def _move(
        self, found: _Object, name: str, place: Place, index: int, *, looks: bool
    ) -> None:
        touching = self._touching.setdefault(name, {})
        if place not in touching:
            touching[place] = looks
        opened = found.opened
        for other, way in opened.items():
            if other != index and not (looks and way[1]):
                way[2].append(place)
        before = opened.get(index)
        if before is not None:
            self._close((place[0], before[0], place[1]), name, before, looks=looks)
        opened[index] = [place[1], looks, []]
        number = self._number(place)
        if looks:
            found.looks = (found.looks + number * number) % _PRIME
        else:
            found.done = ((found.done + found.looks) * _BASE + number) % _PRIME
            found.looks = 0

    def _close(self, window: Window, name: str, way: list[Any], *, looks: bool) -> None:
        self.passed[window] = self.passed.get(window, 0) + 1
        over = self._over.setdefault(window, {})
        over[name] = over.get(name, True) and looks and way[1]
        if way[2]:
            entered = self.entered.setdefault(window, {})
            for place in dict.fromkeys(way[2]):
                entered[place] = entered.get(place, 0) + 1

    def _number(self, key: tuple[str, str]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = pow(len(self._numbers) + 2, _POWER, _PRIME)
        return number

    def _class(self) -> int:
        whole = self._draws
        for name, found in self._objects.items():
            part = ((found.done + found.looks) * _BASE + self._number(("", name))) % _PRIME
            whole = (whole + part * part) % _PRIME
        return whole
