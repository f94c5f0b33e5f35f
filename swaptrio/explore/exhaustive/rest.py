# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a bounded search over classes has still to do.

Nothing is kept of the way on which it is just now but where it leads: whoever goes on repeats
that. What steps have done is not kept either. It spares who knows it a step here and there, and
makes no difference to what is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.explore.exhaustive.rows import frozen
from swaptrio.explore.exhaustive.sweep import Choice, Later, Used, Way, follow, path_of

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.sweep import Sweep


@attrs.frozen
class Rest:
    """Ways that are *left* on this level, the last one first, and *deferred* to the next.

    *places* are all that were met; *dropped* says that there was more beyond the bound.
    *ordered* and *added* are those of the `Walk`.
    """

    left: tuple[Used | Later, ...]
    deferred: tuple[Used, ...]
    places: frozenset[bytes]
    dropped: bool
    ordered: tuple[str, ...]
    added: tuple[str, ...]

    @classmethod
    def of(cls, sweep: Sweep) -> Rest:
        """Where *sweep* stands, between two executions."""
        return cls(
            tuple(sweep.left()),
            tuple(sweep.deferred()),
            frozenset(sweep.ways),
            sweep.dropped,
            tuple(sweep.walk.ordered),
            tuple(sweep.walk.added),
        )

    def lay(self, sweep: Sweep) -> None:
        """Set *sweep*, which has not begun, to go on from here when it advances."""
        sweep.wait_for(self.left, self.deferred)
        sweep.ways.update(self.places)
        sweep.dropped = self.dropped
        sweep.walk.ordered.update(dict.fromkeys(self.ordered))
        sweep.walk.added.update(dict.fromkeys(self.added))

    def rows(self) -> dict[str, Any]:
        """All of it as JSON can hold it; see `of_rows`."""
        ways = Ways()
        return {
            "left": [ways.task(task) for task in self.left],
            "deferred": [ways.task(task) for task in self.deferred],
            "ways": ways.rows,
            "places": sorted(place.hex() for place in self.places),
            "dropped": self.dropped,
            "ordered": self.ordered,
            "added": self.added,
        }

    @classmethod
    def of_rows(cls, rows: dict[str, Any]) -> Rest:
        """What `rows` has told.

        Raises:
            KeyError, TypeError, ValueError, IndexError, AttributeError: it has not told that.
        """
        ways = ways_of(rows["ways"])
        return cls(
            tuple([task_of(row, ways) for row in rows["left"]]),
            tuple([(ways[number], int(used)) for number, used in rows["deferred"]]),
            frozenset(bytes.fromhex(place) for place in rows["places"]),
            bool(rows["dropped"]),
            frozen(rows["ordered"]),
            frozen(rows["added"]),
        )


@attrs.define(eq=False)
class Ways:
    """Writes ways as *rows*: where the way before stands, and a choice. 0 is the beginning."""

    rows: list[Any] = attrs.Factory(list)
    _same: dict[tuple[int, Choice], int] = attrs.Factory(dict)
    _known: dict[Way, int] = attrs.Factory(dict)

    def number(self, way: Way | None) -> int:
        """Where *way* stands."""
        fresh: list[Way] = []
        while way is not None and way not in self._known:
            fresh.append(way)
            way = way.before
        number = 0 if way is None else self._known[way]
        for each in reversed(fresh):
            number = self._known[each] = self._after(number, each.choice)
        return number

    def task(self, task: Used | Later) -> list[Any]:
        """*task* as a row."""
        if isinstance(task, Later):
            return [self.number(follow(None, task.way)), task.used, task.choices, task.dropped]
        return [self.number(task[0]), task[1]]

    def _after(self, number: int, choice: Choice) -> int:
        known = self._same.get((number, choice))
        if known is None:
            self.rows.append([number, choice])
            known = self._same[number, choice] = len(self.rows)
        return known


def ways_of(rows: list[Any]) -> list[Way | None]:
    """The ways that `Ways` has written, by their numbers."""
    ways: list[Way | None] = [None]
    for before, choice in rows:
        ways.append(Way(ways[before], _choice(choice)))
    return ways


def task_of(row: list[Any], ways: list[Way | None]) -> Used | Later:
    """What `Ways.task` has written."""
    if len(row) == 2:  # where it stands, and the preemptions
        return ways[row[0]], int(row[1])
    number, used, choices, dropped = row
    way = tuple(path_of(ways[number]))
    return Later(None, way, tuple(map(_choice, choices)), int(used), bool(dropped))


def _choice(row: Any) -> Choice:
    task, path = row
    return str(task), frozen(path)
