# SPDX-License-Identifier: MIT OR Apache-2.0
"""An optimal search as text, to go on with it another time.

What is saved is the stack with all that was asked for along it, every prime event, and the
counts: the search that goes on ends with the same totals as one that was never interrupted. The
text is one JSON document, and only data. *about* says of which program and under which
settings: it is compared as it is.

Events stand in a table, since the same one occurs in the trace, in sleep sets and in wishes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.explore.exhaustive.event import Event, Past
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Found
from swaptrio.explore.exhaustive.walk import Node
from swaptrio.explore.exhaustive.wish import Wish
from swaptrio.explore.sights import Sights
from swaptrio.sched import Ending, Kind, Schedule, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swaptrio.explore.exhaustive.tally import Tally

#: Raised whenever what is saved changes its shape or its meaning.
FORMAT: Final = 3

_EVENT: Final = tuple(field.name for field in attrs.fields(Event))


class BadSave(ValueError):
    """A text that no search can go on from; the message says why."""


def save(reduction: Reduction, about: Mapping[str, Any]) -> str:
    """The text of a search between two executions.

    Raises:
        ValueError: its program tells final states, which are not saved.
    """
    tally, walk = reduction.tally, reduction.search.walk
    if tally.finals:
        msg = "a search whose program tells its final states cannot be saved"
        raise ValueError(msg)
    table = _Table()
    trace = [table.node(node) for node in walk.trace]
    return json.dumps(
        {
            "format": FORMAT,
            "about": dict(about),
            "executions": tally.executions,
            "blocked": reduction.blocked,
            "probes": reduction.probes,
            "classes": sorted(reduction.classes),
            "violations": [_row(found) for found in tally.violations.values()],
            "sights": None if tally.sights is None else tally.sights.rows(),
            "ordered": list(walk.ordered),
            "ambiguous": list(walk.ambiguous),
            "added": list(walk.added),
            "primes": list(walk.primes.numbers),
            "trace": trace,
            "events": table.rows,
        }
    )


def load(
    text: str, about: Mapping[str, Any], tally: Tally, *, reports: bool = True
) -> Reduction:
    """The search that *text* tells, with its counts in *tally*.

    Raises:
        BadSave: the text is cut, or of another program, other settings, or another version.
    """
    try:
        saved = json.loads(text)
    except ValueError:
        msg = "it is no saved search, or was cut"
        raise BadSave(msg) from None
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        msg = f"it is no saved search of format {FORMAT}"
        raise BadSave(msg)
    for key, value in about.items():
        there = saved.get("about")
        found = there.get(key) if isinstance(there, dict) else None
        if found != value:
            msg = f"it is of another {key}: {found!r}, not {value!r}"
            raise BadSave(msg)
    try:
        return _load(saved, tally, reports=reports)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
        msg = f"it does not hold what a saved search holds ({type(exc).__name__}: {exc})"
        raise BadSave(msg) from None


def _load(saved: dict[str, Any], tally: Tally, *, reports: bool) -> Reduction:
    reduction = Reduction(tally)
    walk = reduction.search.walk
    walk.opaque = not reports
    events = [_event(row) for row in saved["events"]]
    trace = [_node(row, events) for row in saved["trace"]]
    if not trace:
        msg = "it has no way to go on"
        raise BadSave(msg)
    for prime in saved["primes"]:
        walk.primes.add(_frozen(prime))
    for name in ("ordered", "ambiguous", "added"):
        getattr(walk, name).update(dict.fromkeys(saved[name]))
    walk.trace += trace
    reduction.classes = {tuple(each) for each in saved["classes"]}
    reduction.blocked, reduction.probes = int(saved["blocked"]), int(saved["probes"])
    tally.executions = int(saved["executions"])
    for row in saved["violations"]:
        found = _found(row)
        tally.violations[found.signature] = found
    tally.sights = None if tally.sights is None else Sights.of_rows(saved["sights"])
    return reduction


@attrs.define(eq=False)
class _Table:
    """Events by their places in *rows*."""

    rows: list[list[Any]] = attrs.Factory(list)
    _places: dict[Event, int] = attrs.Factory(dict)

    def place(self, event: Event) -> int:
        known = self._places.get(event)
        if known is None:
            known = self._places[event] = len(self.rows)
            row = [getattr(event, name) for name in _EVENT]
            row[_EVENT.index("kind")] = event.kind.value
            self.rows.append(row)
        return known

    def wish(self, wish: Wish) -> list[Any]:
        return [[self.place(event) for event in wish.events], wish.last]

    def node(self, node: Node) -> dict[str, Any]:
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
            "done": node.done,
            "reported": node.reported,
        }


def _event(row: list[Any]) -> Event:
    fields = dict(zip(_EVENT, row, strict=True))
    accesses = fields.pop("accesses")
    if not all(isinstance(mode, int) for mode in accesses.values()):
        msg = "an access has no mode"
        raise BadSave(msg)
    kind = Kind(fields.pop("kind"))
    frozen = {name: _frozen(value) for name, value in fields.items()}
    return Event(**frozen, kind=kind, accesses=accesses)


def _node(row: dict[str, Any], events: list[Event]) -> Node:
    opens = {
        key: None if kinds is None else tuple([Kind(kind) for kind in kinds])
        for key, kinds in row["opens"].items()
    }
    groups = {key: _frozen(group) for key, group in row["groups"].items()}
    past = Past(groups, dict(row["last"]), opens)
    number = row["event"]
    return Node(
        past,
        _frozen(row["offered"]),
        _frozen(row["mark"]),
        task=row["task"],
        number=row["number"],
        forced=_frozen(row["forced"]),
        event=None if number is None else events[number],
        sleep={task: tuple([events[e] for e in slept]) for task, slept in row["sleep"].items()},
        wishes=[_wish(wish, events) for wish in row["wishes"]],
        below=[_wish(wish, events) for wish in row["below"]],
        done=row["done"],
        reported=row["reported"],
    )


def _wish(row: list[Any], events: list[Event]) -> Wish:
    places, last = row
    return Wish(tuple([events[place] for place in places]), _frozen(last))


def _row(found: Found) -> list[Any]:
    verdict = found.verdict
    return [
        verdict.ending.value,
        verdict.steps,
        str(verdict.schedule),
        verdict.check,
        verdict.message,
        found.way,
    ]


def _found(row: list[Any]) -> Found:
    ending, steps, schedule, check, message, way = row
    parsed = Schedule.parse(schedule)
    return Found(Verdict(Ending(ending), int(steps), parsed, check, message), _frozen(way))


def _frozen(value: Any) -> Any:
    """Lists as the tuples that they were."""
    return tuple([_frozen(part) for part in value]) if isinstance(value, list) else value
