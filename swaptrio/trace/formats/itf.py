# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Informal Trace Format of Apalache and Quint: one state a step.

Four variables, each of one type, so that a typed reader takes them:

  ``at``      for each task the label of its last step, empty before its first
  ``held``    for each task the set of the locks it holds
  ``words``   the keys of the state whose values are texts
  ``counts``  the keys of the state whose values are numbers

Who made the step, and what it was, stands in the ``#meta`` of the state after it. Every state
is told whole, as the format wants it; so the size grows with steps times keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from swaptrio.trace.formats.texts import refuse_longer, title_of, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from swaptrio.trace.events import Event, Trace, Value

Json: TypeAlias = Any

#: The longest trace that is told state by state.
MOST: Final = 10_000

#: Beyond this a reader that keeps numbers as floats would lose digits.
_EXACT: Final = 2**53

_TYPES: Final = {
    "at": "Str -> Str",
    "held": "Str -> Set(Str)",
    "words": "Str -> Str",
    "counts": "Str -> Int",
}


def to_itf(trace: Trace) -> bytes:
    """*trace* as an ``.itf.json`` file, one state a line.

    Raises:
        TraceError: it has more than `MOST` steps.
    """
    refuse_longer("ITF", len(trace.events), MOST, "chrome or ftrace take any length")
    about = {
        "format": "ITF",
        "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
        "description": title_of(trace),
        "schedule": trace.header.schedule,
        "varTypes": _TYPES,
    }
    states = ",\n".join(to_json(_plain(state)) for state in _states(trace))
    head = f'{{"#meta":{to_json(_plain(about))},"params":[],"vars":{to_json(list(_TYPES))}'
    return f'{head},"states":[\n{states}\n]}}\n'.encode("ascii")


def _states(trace: Trace) -> Iterator[Json]:
    at = {task.name: "" for task in trace.header.tasks}
    held: dict[str, tuple[str, ...]] = dict.fromkeys(at, ())
    state = dict(trace.header.world)
    yield _state({"index": 0}, at, held, state)
    for event in trace.events:
        at[event.task], held[event.task] = event.label, event.held
        _apply(event, state)
        meta = {"index": event.seq, "actor": event.task, "action": event.label}
        meta |= {"kind": event.word, "object": event.object}
        yield _state(meta, at, held, state)


def _apply(event: Event, state: dict[str, Value]) -> None:
    for key, (_old, new) in event.changes.items():
        if new is None:
            state.pop(key, None)
        else:
            state[key] = new


def _state(
    meta: Mapping[str, Json],
    at: Mapping[str, str],
    held: Mapping[str, tuple[str, ...]],
    state: Mapping[str, Value],
) -> Json:
    locks = {task: {"#set": list(dict.fromkeys(names))} for task, names in held.items()}
    return {
        "#meta": meta,
        "at": _map(at.items()),
        "held": _map(locks.items()),
        "words": _map((k, v) for k, v in state.items() if isinstance(v, str)),
        "counts": _map((k, _number(v)) for k, v in state.items() if isinstance(v, int)),
    }


def _map(items: Iterable[tuple[str, Json]]) -> Json:
    return {"#map": [[key, value] for key, value in items]}


def _number(value: int) -> Json:
    return value if abs(value) < _EXACT else {"#bigint": str(value)}


def _plain(value: Json) -> Json:
    """*value* without lone surrogates, which many readers of JSON refuse."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
