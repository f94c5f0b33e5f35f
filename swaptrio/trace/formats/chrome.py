# SPDX-License-Identifier: MIT OR Apache-2.0
"""Trace events in JSON, as Perfetto and Chrome's about:tracing open them.

One step lasts `STEP` microseconds of the viewer's time. Process 1 has a thread for each task,
with a slice for each step; process 2 one for each lock, with a slice for each hold; process 3
the counters: every number in the state. Arrows are what `order` finds.

``traceEvents`` comes first in the file, for viewers guess the format from the first bytes.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from swaptrio.trace.ending import outcome
from swaptrio.trace.formats.texts import short, title_of, to_json
from swaptrio.trace.order import held, linked, lock_moves
from swaptrio.trace.words import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.events import Trace

Record: TypeAlias = dict[str, Any]

#: Microseconds that one step takes.
STEP: Final = 10

_TASKS, _LOCKS, _WORLD = 1, 2, 3


def to_chrome(trace: Trace) -> bytes:
    """*trace* as a JSON object of trace events, one a line."""
    return b"".join(chrome_parts(trace))


def chrome_parts(trace: Trace) -> Iterator[bytes]:
    """`to_chrome` piece by piece; it goes through the events five times, and keeps none."""
    tids = {task.name: number for number, task in enumerate(trace.header.tasks, 1)}
    locks: dict[str, int] = {}
    for _event, taken, given in lock_moves(trace):
        for lock in (*taken, *given):
            locks.setdefault(lock, len(locks) + 1)
    records = chain(
        _names(tids, locks),
        _steps(trace, tids),
        _holds(trace, locks),
        _arrows(trace, tids),
        _counters(trace),
        _ending(trace, tids),
    )
    between = '{"traceEvents":[\n'
    for record in records:
        yield f"{between}{to_json(record)}".encode("ascii")
        between = ",\n"
    about = to_json({"title": title_of(trace), "schedule": trace.header.schedule})
    yield f'\n],"displayTimeUnit":"ms","otherData":{about}}}\n'.encode("ascii")


def _names(tids: dict[str, int], locks: dict[str, int]) -> Iterator[Record]:
    for pid, process in ((_TASKS, "tasks"), (_LOCKS, "locks"), (_WORLD, "world")):
        yield _meta("process_name", pid, 0, {"name": process})
        yield _meta("process_sort_index", pid, 0, {"sort_index": pid})
    for pid, threads in ((_TASKS, tids), (_LOCKS, locks)):
        for name, tid in threads.items():
            yield _meta("thread_name", pid, tid, {"name": short(name)})
            yield _meta("thread_sort_index", pid, tid, {"sort_index": tid})


def _meta(name: str, pid: int, tid: int, args: Record) -> Record:
    return {"name": name, "ph": "M", "pid": pid, "tid": tid, "args": args}


def _steps(trace: Trace, tids: dict[str, int]) -> Iterator[Record]:
    for step in steps_of(trace):
        event = step.event
        args: Record = {"step": event.seq, "kind": event.word, "object": event.object}
        args |= {"did": list(step.effects), "held": list(event.held)}
        if event.option is not None:
            args["option"] = event.option
        record = _event("X", event.label, "step", _TASKS, tids[event.task], event.seq * STEP)
        yield {**record, "dur": STEP, "args": args}


def _holds(trace: Trace, locks: dict[str, int]) -> Iterator[Record]:
    for hold in held(trace):
        record = _event("X", hold.task, "lock", _LOCKS, locks[hold.lock], hold.first * STEP)
        args = {"from": hold.first, "to": hold.last, "given back": not hold.open}
        yield {**record, "dur": (hold.last - hold.first + 1) * STEP, "args": args}


def _arrows(trace: Trace, tids: dict[str, int]) -> Iterator[Record]:
    """A flow for each link, from the end of one slice to the beginning of another."""
    for number, (link, source, target) in enumerate(linked(trace), 1):
        name = f"{link.kind} {link.object}".rstrip()
        begin = _event("s", name, link.kind, _TASKS, tids[source], (link.source + 1) * STEP - 1)
        yield {**begin, "id": number}
        end = _event("f", name, link.kind, _TASKS, tids[target], link.target * STEP + 1)
        yield {**end, "id": number, "bp": "e"}


def _counters(trace: Trace) -> Iterator[Record]:
    for key, value in trace.header.world.items():
        if isinstance(value, int):
            yield _counter(key, value, 0)
    for event in trace.events:
        for key, (old, new) in event.changes.items():
            if isinstance(new, int) or (new is None and isinstance(old, int)):
                yield _counter(key, int(new or 0), event.seq * STEP + STEP - 1)


def _counter(key: str, value: int, time: int) -> Record:
    return {**_event("C", key, "world", _WORLD, 0, time), "args": {"value": value}}


def _ending(trace: Trace, tids: dict[str, int]) -> Iterator[Record]:
    verdict = trace.header.verdict
    if trace.events and not verdict.passed:
        last = trace.events[-1]
        time = last.seq * STEP + STEP - 1
        record = _event("i", outcome(verdict), "verdict", _TASKS, tids[last.task], time)
        yield {**record, "s": "g", "args": {"message": verdict.message}}


def _event(phase: str, name: str, category: str, pid: int, tid: int, time: int) -> Record:
    return {
        "name": short(name),
        "cat": category,
        "ph": phase,
        "ts": time,
        "pid": pid,
        "tid": tid,
    }
