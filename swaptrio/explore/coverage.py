# SPDX-License-Identifier: MIT OR Apache-2.0
"""Coverage: which windows others came into, and how many different executions there were.

What a window is, and when it is entered, is told in `sights`. What was never seen inside was
not sampled; that it cannot be is for a complete search to say.

Executions that differ only in the order of independent operations are one *class*. Of each
class a number is kept, made of what was done to each object in which order. Both go by declared
operations, so that looking costs little beside running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.explore.sights import Sights
from swaptrio.sched import Kind, name_of

if TYPE_CHECKING:
    from swaptrio.explore.sights import Place
    from swaptrio.sched import Execution, Task

_PRIVATE: Final = frozenset(
    {Kind.START, Kind.STEP, Kind.UNLOCK, Kind.SLEEP, Kind.JOIN, Kind.CHOOSE}
)
_LOOKS: Final = frozenset({Kind.READ, Kind.WAIT})

#: Classes are told by polynomials modulo a prime, in a base and with numbers that have nothing
#: to do with each other: two classes get one number with a chance of 1 in 2**60 or so.
_PRIME: Final = (1 << 61) - 1
_BASE: Final = 1_099_511_628_211_017
_POWER: Final = 1_000_003


@attrs.define(eq=False)
class _Object:
    """One object in one execution: who stands where in its windows, and what was done.

    Of each task *opened* has the label that opens its window, whether that only looks, and who
    has come since and changes, or only looks.
    """

    opened: dict[int, list[Any]] = attrs.Factory(dict)
    done: int = 0
    looks: int = 0


@attrs.define(eq=False)
class Coverage:
    """An observer of any number of executions, one after the other.

    *sights* are the windows; *classes* counts the executions of each class.
    """

    executions: int = 0
    sights: Sights = attrs.Factory(Sights)
    classes: dict[int, int] = attrs.Factory(dict)
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
        self.sights.end(execution.step, len(execution.tasks))
        number = self._class()
        self.classes[number] = self.classes.get(number, 0) + 1
        self._objects = {}
        self._draws = 0

    def _move(
        self, found: _Object, name: str, place: Place, index: int, *, looks: bool
    ) -> None:
        self.sights.touch(name, place, looks=looks)
        opened = found.opened
        for other, way in opened.items():
            if other != index and not (looks and way[1]):
                way[3 if looks else 2].append(place)
        before = opened.get(index)
        if before is not None:
            opens, looked, changing, looking = before
            changes = not (looks or looked)
            inside = changing + looking if changes else changing
            self.sights.close((place[0], opens, place[1]), name, inside, changes=changes)
        opened[index] = [place[1], looks, [], []]
        number = self._number(place)
        if looks:
            found.looks = (found.looks + number * number) % _PRIME
        else:
            found.done = ((found.done + found.looks) * _BASE + number) % _PRIME
            found.looks = 0

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
