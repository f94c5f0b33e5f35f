# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sights: which windows were passed, who came inside and who never did, to be added up.

A *window* is the way of a task from one operation on an object to its next one on the same
object. Another task *enters* it with an operation on that object in between that conflicts with
both ends: what only looks conflicts with what changes, and what changes conflicts with all. An
operation that does not conflict with one of the ends might as well stand on its other side, and
nobody could tell.

Which operation could enter which window is known from the operations that were seen. What was
never seen inside is told with the reason, and that is for those to say who have looked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The task, and the labels that open and close its window.
Window: TypeAlias = tuple[str, str, str]

#: The task and the label of an operation.
Place: TypeAlias = tuple[str, str]

#: Why something was never seen; a proof may go on and name its bound.
NOT_SAMPLED: Final = "not sampled"
UNREACHABLE: Final = "proved unreachable"


@attrs.frozen
class Unseen:
    """An operation that was never seen inside a window."""

    window: Window
    by: Place


@attrs.define(eq=False)
class Sights:
    """What any number of executions have shown, whoever has run them, and in whatever order.

    *passed* counts how often each window was passed, *entered* in how many of these passes by
    which operation. *longest* is the longest execution in steps, and *tasks* are the most that
    one had. *touching* are the operations on each object, and whether they only look; *over*
    are the objects of each window, and whether both of its ends have changed them.
    """

    passed: dict[Window, int] = attrs.Factory(dict)
    entered: dict[Window, dict[Place, int]] = attrs.Factory(dict)
    longest: int = 0
    tasks: int = 0
    touching: dict[str, dict[Place, bool]] = attrs.Factory(dict)
    over: dict[Window, dict[str, bool]] = attrs.Factory(dict)

    def end(self, steps: int, tasks: int) -> None:
        """An execution of so many *steps* and *tasks* has ended."""
        self.longest = max(self.longest, steps)
        self.tasks = max(self.tasks, tasks)

    def touch(self, name: str, place: Place, *, looks: bool) -> None:
        """There is an operation at *place* on the object called *name*."""
        places = self.touching.setdefault(name, {})
        known = places.get(place)
        if known is None or (known and not looks):
            places[place] = looks

    def close(
        self, window: Window, name: str, inside: Iterable[Place], *, changes: bool
    ) -> None:
        """*window* over the object called *name* was passed once, with those *inside*.

        *changes* says that both of its ends have changed the object.
        """
        self.passed[window] = self.passed.get(window, 0) + 1
        over = self.over.setdefault(window, {})
        over[name] = over.get(name, False) or changes
        by = dict.fromkeys(inside)
        if by:
            entered = self.entered.setdefault(window, {})
            for place in by:
                entered[place] = entered.get(place, 0) + 1

    def add(self, other: Sights) -> None:
        """What somebody else has seen."""
        self.end(other.longest, other.tasks)
        for window, times in other.passed.items():
            self.passed[window] = self.passed.get(window, 0) + times
        for window, by in other.entered.items():
            entered = self.entered.setdefault(window, {})
            for place, times in by.items():
                entered[place] = entered.get(place, 0) + times
        for name, places in other.touching.items():
            for place, looks in places.items():
                self.touch(name, place, looks=looks)
        for window, names in other.over.items():
            over = self.over.setdefault(window, {})
            for name, changes in names.items():
                over[name] = over.get(name, False) or changes

    def unseen(self) -> Iterator[Unseen]:
        """Who could enter which window and never did, in the order of their names."""
        for window in sorted(self.passed):
            seen = self.entered.get(window, {})
            could = {
                place
                for name, changes in self.over[window].items()
                for place, looks in self.touching[name].items()
                if changes or not looks
            }
            for place in sorted(could):
                if place[0] != window[0] and place not in seen:
                    yield Unseen(window, place)

    def words(self) -> tuple[str, ...]:
        """The names of all objects and the labels of all operations on them that were seen."""
        labels = (label for places in self.touching.values() for _, label in places)
        return tuple(dict.fromkeys((*self.touching, *labels)))

    def rows(self) -> dict[str, Any]:
        """All of it as JSON can hold it; see `of_rows`."""
        return {
            "passed": [[*window, times] for window, times in self.passed.items()],
            "entered": [
                [*window, *place, times]
                for window, by in self.entered.items()
                for place, times in by.items()
            ],
            "longest": self.longest,
            "tasks": self.tasks,
            "touching": [
                [name, *place, looks]
                for name, places in self.touching.items()
                for place, looks in places.items()
            ],
            "over": [
                [*window, name, changes]
                for window, names in self.over.items()
                for name, changes in names.items()
            ],
        }

    @classmethod
    def of_rows(cls, rows: dict[str, Any]) -> Sights:
        """What `rows` has told.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it has not told that.
        """
        sights = cls(longest=int(rows["longest"]), tasks=int(rows["tasks"]))
        for task, opens, closes, times in rows["passed"]:
            sights.passed[task, opens, closes] = int(times)
        for task, opens, closes, other, label, times in rows["entered"]:
            entered = sights.entered.setdefault((task, opens, closes), {})
            entered[other, label] = int(times)
        for name, task, label, looks in rows["touching"]:
            sights.touch(name, (task, label), looks=bool(looks))
        for task, opens, closes, name, changes in rows["over"]:
            sights.over.setdefault((task, opens, closes), {})[name] = bool(changes)
        return sights
