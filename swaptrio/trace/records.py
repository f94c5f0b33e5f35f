# SPDX-License-Identifier: MIT OR Apache-2.0
"""Trace values as plain records, and back.

A record is what one line of the file holds: a mapping of plain values whose keys always stand
in the same order. Its first key ``event`` names it: the format for the header, the label for a
step. Writing and reading stand side by side here, one pair a value, so that they cannot drift
apart.
"""

from __future__ import annotations

import json
from itertools import product
from sys import intern
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from swaptrio.sched import BadSchedule, Ending, Kind, Schedule, Verdict, Waiting
from swaptrio.trace.events import Change, Event, Header, Report, TracedTask, Value
from swaptrio.trace.fields import Fields, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

Record: TypeAlias = dict[str, Any]

#: The types of the values of an event, in the order of `EVENT_KEYS`.
_SHAPES: Final = tuple(
    (str, int, int, str, str, str, option, dict, list) for option in (NoneType, str)
)

#: The types of the two values of a change.
_CHANGES: Final = frozenset(product((NoneType, str, int), repeat=2)) - {(NoneType, NoneType)}

_KINDS: Final = {kind.value: kind for kind in Kind}

HEADER_KEYS: Final = (
    "event",
    "version",
    "tool",
    "scenario",
    "scenario_digest",
    "variant",
    "window",
    "seed",
    "schedule",
    "verdict",
    "steps",
    "reports",
    "tasks",
    "world",
)
#: What the file adds to the header: how many events follow, and the digest of everything else.
FILE_KEYS: Final = ("events", "digest")
VERDICT_KEYS: Final = ("ending", "check", "message", "waiting", "cycle")
WAITING_KEYS: Final = ("task", "label", "object", "holders")
REPORT_KEYS: Final = ("check", "message")
TASK_KEYS: Final = ("name", "daemon", "since")
EVENT_KEYS: Final = (
    "event",
    "seq",
    "time",
    "task",
    "kind",
    "object",
    "option",
    "changes",
    "held",
)


def header_record(header: Header) -> Record:
    """*header* as a record, without what the file adds."""
    values: tuple[Any, ...] = (
        header.format,
        header.version,
        header.tool,
        header.scenario,
        header.scenario_digest,
        header.variant,
        list(header.window),
        header.seed,
        header.schedule,
        _verdict_record(header.verdict),
        header.steps,
        [dict(zip(REPORT_KEYS, attrs.astuple(it), strict=True)) for it in header.reports],
        [dict(zip(TASK_KEYS, attrs.astuple(task), strict=True)) for task in header.tasks],
        dict(header.world),
    )
    return dict(zip(HEADER_KEYS, values, strict=True))


def read_header(record: object) -> Header:
    """The inverse of `header_record`, for a record with what the file adds.

    Raises:
        Malformed: a key is missing or unknown, or a value is not what it should be.
    """
    fields = Fields.of(record, (*HEADER_KEYS, *FILE_KEYS))
    return Header(
        format=fields.text("event"),
        version=fields.number("version"),
        tool=fields.text("tool"),
        scenario=fields.text("scenario"),
        scenario_digest=fields.text("scenario_digest"),
        variant=fields.text("variant"),
        window=fields.texts("window"),
        seed=fields.integer_or_none("seed"),
        verdict=_read_verdict(fields),
        reports=tuple(_read_report(item) for item in fields.parts("reports", Report)),
        tasks=tuple(_read_task(item) for item in fields.parts("tasks", TracedTask)),
        world={key: _read_value(fields, "world", key) for key in fields.mapping("world")},
    )


def event_record(event: Event) -> Record:
    """*event* as a record."""
    return {
        "event": event.label,
        "seq": event.seq,
        "time": event.time,
        "task": event.task,
        "kind": event.word,
        "object": event.object,
        "option": event.option,
        "changes": {key: list(change) for key, change in event.changes.items()},
        "held": list(event.held),
        **{key: json.loads(text) for key, text in event.more.items()},
    }


def read_event(record: object) -> Event:
    """The inverse of `event_record`.

    Raises:
        Malformed: a key is missing, or a value is not what it should be.
    """
    return _read_common(record) or _read_any(record)


def _read_common(record: object) -> Event | None:
    """An event as nearly all are, in a third of the time that `_read_any` takes.

    It knows no other than the known keys and kinds, and says nothing of what is wrong.
    """
    if type(record) is not dict or len(record) != len(EVENT_KEYS):
        return None
    values: tuple[Any, ...] = tuple(map(record.get, EVENT_KEYS))
    if tuple(map(type, values)) not in _SHAPES:
        return None
    label, seq, time, task, word, thing, option, changes, held = values
    kind = _KINDS.get(word)
    pairs = changes.values()
    if kind is None or seq < 0 or time < 0 or not all(map(_is_change, pairs)):
        return None
    if held and any(type(lock) is not str for lock in held):
        return None
    changed = dict(zip(map(intern, changes), map(tuple, pairs), strict=True))
    locks = tuple(map(intern, held))
    return Event(
        seq, time, intern(task), kind, intern(thing), intern(label), option, changed, locks
    )


def _is_change(pair: object) -> bool:
    return type(pair) is list and tuple(map(type, pair)) in _CHANGES


def _read_any(record: object) -> Event:
    fields = Fields.of(record, EVENT_KEYS, more=True)
    word = fields.text("kind")
    return Event(
        seq=fields.number("seq"),
        time=fields.number("time"),
        task=intern(fields.text("task")),
        kind=_KINDS.get(word, word),
        object=intern(fields.text("object")),
        label=intern(fields.text("event")),
        option=fields.text_or_none("option"),
        changes=_read_changes(fields, fields.mapping("changes")),
        held=tuple(map(intern, fields.texts("held"))),
        more=_read_more(fields.record),
    )


def _verdict_record(verdict: Verdict) -> Record:
    waiting = [
        dict(
            zip(
                WAITING_KEYS,
                (edge.task, edge.label, edge.object, list(edge.holders)),
                strict=True,
            )
        )
        for edge in verdict.waiting
    ]
    values: tuple[Any, ...] = (
        verdict.ending.value,
        verdict.check,
        verdict.message,
        waiting,
        list(verdict.cycle),
    )
    return dict(zip(VERDICT_KEYS, values, strict=True))


def _read_verdict(header: Fields) -> Verdict:
    fields = header.part("verdict", VERDICT_KEYS)
    return Verdict(
        ending=Ending(fields.one_of("ending", [ending.value for ending in Ending])),
        steps=header.number("steps"),
        schedule=_read_schedule(header),
        check=fields.text("check"),
        message=fields.text("message"),
        waiting=tuple(_read_waiting(item) for item in fields.parts("waiting", Waiting)),
        cycle=fields.texts("cycle"),
    )


def _read_schedule(header: Fields) -> Schedule:
    token = header.text("schedule")
    try:
        return Schedule.parse(token)
    except BadSchedule as exc:
        raise Malformed(header.place("schedule"), token, str(exc)) from None


def _read_waiting(fields: Fields) -> Waiting:
    return Waiting(
        fields.text("task"),
        fields.text("label"),
        fields.text("object"),
        fields.texts("holders"),
    )


def _read_report(fields: Fields) -> Report:
    return Report(fields.text("check"), fields.text("message"))


def _read_task(fields: Fields) -> TracedTask:
    return TracedTask(fields.text("name"), fields.flag("daemon"), fields.number("since"))


def _read_value(fields: Fields, name: str, key: str) -> Value:
    value = fields.mapping(name)[key]
    if isinstance(value, str) or type(value) is int:
        return value
    raise Malformed(fields.place(name, key), value, "must be a text or a whole number")


def _read_changes(fields: Fields, changes: Mapping[str, object]) -> dict[str, Change]:
    return {intern(key): _read_change(fields, key, pair) for key, pair in changes.items()}


def _read_more(record: Mapping[str, Any]) -> dict[str, str]:
    """The keys that no version known here has."""
    if len(record) == len(EVENT_KEYS):
        return {}
    return {key: json.dumps(record[key]) for key in record if key not in EVENT_KEYS}


def _read_change(fields: Fields, key: str, pair: object) -> Change:
    match pair:
        case [None | str() | int(), None | str() | int()] if not any(
            isinstance(value, bool) for value in pair
        ):
            if pair != [None, None]:
                return pair[0], pair[1]
    place = fields.place("changes", key)
    raise Malformed(place, pair, "must be a pair of an old and a new value")
