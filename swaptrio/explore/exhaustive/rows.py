# SPDX-License-Identifier: MIT OR Apache-2.0
"""Parts of a search as plain data, and back.

Events stand in a table, since the same one occurs in the trace, in sleep sets and in wishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.explore.exhaustive.event import Event, Past
from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.walk import Node
from swaptrio.explore.exhaustive.wish import Wish
from swaptrio.sched import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

_EVENT: Final = tuple(field.name for field in attrs.fields(Event))

#: What of a share is plain data already.
_PLAIN: Final = ("floor", "pins", "stuck", "weight", "ordered", "ambiguous", "added", "primes")


@attrs.define(eq=False)
class Table:
    """Writes what refers to events; these are known by their places in *rows*."""

    rows: list[list[Any]] = attrs.Factory(list)
    _places: dict[Event, int] = attrs.Factory(dict)

    def place(self, event: Event) -> int:
        """Where *event* stands."""
        known = self._places.get(event)
        if known is None:
            known = self._places[event] = len(self.rows)
            row = [getattr(event, name) for name in _EVENT]
            row[_EVENT.index("kind")] = event.kind.value
            self.rows.append(row)
        return known

    def wish(self, wish: Wish) -> list[Any]:
        """*wish* as a row."""
        return [[self.place(event) for event in wish.events], wish.last]

    def wishes(self, wishes: Iterable[tuple[int, Wish]]) -> list[Any]:
        """Wishes of nodes as rows."""
        return [[first, self.wish(wish)] for first, wish in wishes]

    def node(self, node: Node) -> dict[str, Any]:
        """*node* as a record."""
        past = node.past
        opens = {
            key: None if kinds is None else [kind.value for kind in kinds]
            for key, kinds in past.opens.items()
        }
        return {
            "groups": past.groups,
            "last": past.last,
            "opens": opens,
            "offered": node.offered,
            "mark": node.mark,
            "task": node.task,
            "number": node.number,
            "forced": node.forced,
            "event": None if node.event is None else self.place(node.event),
            "sleep": {
                task: [self.place(e) for e in slept] for task, slept in node.sleep.items()
            },
            "wishes": [self.wish(wish) for wish in node.wishes],
            "below": [self.wish(wish) for wish in node.below],
            "lent": node.lent,
            "amid": node.amid,
            "done": node.done,
            "reported": node.reported,
        }

    def share(self, share: Share) -> dict[str, Any]:
        """*share* as a record."""
        return {
            **{name: getattr(share, name) for name in _PLAIN},
            "trace": [self.node(node) for node in share.trace],
            "foreign": self.wishes(share.foreign),
        }


def event_of(row: list[Any]) -> Event:
    """The event of a row."""
    fields = dict(zip(_EVENT, row, strict=True))
    accesses = fields.pop("accesses")
    if not all(isinstance(mode, int) for mode in accesses.values()):
        msg = "an access has no mode"
        raise ValueError(msg)
    kind = Kind(fields.pop("kind"))
    others = {name: frozen(value) for name, value in fields.items()}
    return Event(**others, kind=kind, accesses=accesses)


def node_of(row: dict[str, Any], events: list[Event]) -> Node:
    """The node of a record."""
    opens = {
        key: None if kinds is None else tuple([Kind(kind) for kind in kinds])
        for key, kinds in row["opens"].items()
    }
    groups = {key: frozen(group) for key, group in row["groups"].items()}
    past = Past(groups, dict(row["last"]), opens)
    number = row["event"]
    return Node(
        past,
        frozen(row["offered"]),
        frozen(row["mark"]),
        task=row["task"],
        number=row["number"],
        forced=frozen(row["forced"]),
        event=None if number is None else events[number],
        sleep={task: tuple([events[e] for e in slept]) for task, slept in row["sleep"].items()},
        wishes=[wish_of(wish, events) for wish in row["wishes"]],
        below=[wish_of(wish, events) for wish in row["below"]],
        lent=bool(row["lent"]),
        amid=bool(row["amid"]),
        done=row["done"],
        reported=row["reported"],
    )


def wish_of(row: list[Any], events: list[Event]) -> Wish:
    """The wish of a row."""
    places, last = row
    return Wish(tuple([events[place] for place in places]), frozen(last))


def wishes_of(rows: list[Any], events: list[Event]) -> tuple[tuple[int, Wish], ...]:
    """The wishes of nodes."""
    return tuple([(int(first), wish_of(wish, events)) for first, wish in rows])


def share_of(row: dict[str, Any], events: list[Event]) -> Share:
    """The share of a record."""
    plain = {name: frozen(row[name]) for name in _PLAIN}
    trace = tuple([node_of(node, events) for node in row["trace"]])
    return Share(trace=trace, foreign=wishes_of(row["foreign"], events), **plain)


def frozen(value: Any) -> Any:
    """Lists as the tuples that they were."""
    return tuple([frozen(part) for part in value]) if isinstance(value, list) else value
