# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trace as plain values for the page: columns of small numbers that point into tables.

A hundred thousand steps as records would be ten times as long and slow to read. So every text
stands once, in ``texts``, every set of held locks once, in ``locksets``, and every value of a
key once, in ``values``; steps are columns of indices. Of a change only the new value is kept
(-1 where the key is gone), since the page replays them all when it opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from swaptrio.trace.ending import concerned, outcome
from swaptrio.trace.order import holds, links
from swaptrio.trace.window import spans
from swaptrio.trace.words import steps_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from swaptrio.trace import Header, Trace, Value
    from swaptrio.trace.order import Link

T = TypeVar("T", bound="Hashable")

#: What is told of each step, as one number each.
COLUMNS: Final = ("task", "kind", "label", "object", "said", "passed", "held")

#: A whole number beyond is no longer exact in a browser, and travels as a text.
EXACT: Final = 2**53 - 1

#: The endings at whose last step something is wrong.
_BROKEN: Final = ("violation", "deadlock", "livelock", "error")


@attrs.define
class Table(Generic[T]):
    """Entries that stand once each, in the order in which they were first asked for."""

    _places: dict[T, int] = attrs.Factory(dict)

    def place(self, entry: T) -> int:
        """Where *entry* stands; it is put there if it is new."""
        return self._places.setdefault(entry, len(self._places))

    def column(self, entries: Iterable[T]) -> list[int]:
        """The places of *entries*."""
        return [self.place(entry) for entry in entries]

    def entries(self) -> list[T]:
        """All of them."""
        return list(self._places)


def encode(trace: Trace) -> dict[str, Any]:
    """*trace* in tables and columns."""
    texts: Table[str] = Table()
    return {
        **_about(trace),
        **_steps(trace, texts),
        **_changes(trace),
        **_order(trace, texts),
        "texts": texts.entries(),
    }


def _about(trace: Trace) -> dict[str, Any]:
    """What is told of the execution as a whole."""
    header = trace.header
    return {
        "tool": header.tool,
        "scenario": header.scenario,
        "digest": header.scenario_digest,
        "variant": header.variant,
        "seed": None if header.seed is None else str(header.seed),
        "schedule": header.schedule,
        "decided": [decision.step for decision in header.verdict.schedule.decisions],
        "window": [[span.text, span.first, span.last] for span in spans(trace)],
        "tasks": [[task.name, task.daemon] for task in header.tasks],
        "reports": [[report.check, report.message] for report in header.reports],
        "verdict": {**_verdict(header), "concerned": list(concerned(trace))},
    }


def _verdict(header: Header) -> dict[str, Any]:
    verdict = header.verdict
    return {
        "outcome": outcome(verdict),
        "ending": verdict.ending.value,
        "broken": verdict.ending.value in _BROKEN,
        "check": verdict.check,
        "message": verdict.message,
        "steps": verdict.steps,
        "waiting": [
            [edge.task, edge.label, edge.object, list(edge.holders)] for edge in verdict.waiting
        ],
        "cycle": list(verdict.cycle),
    }


def _steps(trace: Trace, texts: Table[str]) -> dict[str, Any]:
    """The columns, one entry a step. Times are told as what passed since the step before."""
    places = {task.name: place for place, task in enumerate(trace.header.tasks)}
    locksets: Table[tuple[str, ...]] = Table()
    kinds: Table[str] = Table()
    columns: dict[str, list[int]] = {name: [] for name in COLUMNS}
    options: dict[int, str] = {}
    time = 0
    for step in steps_of(trace):
        event = step.event
        columns["task"].append(places[event.task])
        columns["kind"].append(kinds.place(event.word))
        columns["label"].append(texts.place(event.label))
        columns["object"].append(texts.place(event.object))
        columns["said"].append(texts.place(", ".join(step.effects)))
        columns["passed"].append(event.time - time)
        columns["held"].append(locksets.place(event.held))
        time = event.time
        if event.option is not None:
            options[event.seq] = event.option
    return {
        **columns,
        "kinds": kinds.entries(),
        "option": options,
        "locksets": [list(locks) for locks in locksets.entries()],
    }


def _changes(trace: Trace) -> dict[str, Any]:
    """The state before the first step, and what each step changed."""
    keys: Table[str] = Table()
    values: Table[Value] = Table()
    world = trace.header.world
    keys.column(world)
    before = values.column(map(_exact, world.values()))
    counts: list[int] = []
    key: list[int] = []
    now: list[int] = []
    for event in trace.events:
        counts.append(len(event.changes))
        for name, (_, new) in event.changes.items():
            key.append(keys.place(name))
            now.append(-1 if new is None else values.place(_exact(new)))
    return {
        "world": before,
        "changes": counts,
        "key": key,
        "now": now,
        "keys": keys.entries(),
        "values": values.entries(),
    }


def _exact(value: Value) -> Value:
    return value if isinstance(value, str) or abs(value) <= EXACT else str(value)


def _order(trace: Trace, texts: Table[str]) -> dict[str, Any]:
    """Who held what from when to when, and who woke or told whom; both as rows of numbers."""
    places = {task.name: place for place, task in enumerate(trace.header.tasks)}
    return {
        "holds": [
            [texts.place(hold.lock), places[hold.task], hold.first, hold.last, int(hold.open)]
            for hold in holds(trace)
        ],
        "links": [
            [texts.place(link.kind), texts.place(link.object), link.source, link.target]
            for link in _told(trace)
        ],
    }


def _told(trace: Trace) -> Iterator[Link]:
    """The links to draw: of those through locks only where the other stood there meanwhile.

    Whoever takes a lock long after it was given back was not woken by that.
    """
    last: dict[str, int] = {}
    stood: dict[int, int] = {}
    for event in trace.events:
        stood[event.seq] = last.get(event.task, 0)
        last[event.task] = event.seq
    for link in links(trace):
        if link.kind != "lock" or link.source > stood[link.target] > 0:
            yield link
