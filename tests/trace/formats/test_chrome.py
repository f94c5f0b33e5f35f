# SPDX-License-Identifier: MIT OR Apache-2.0
"""Trace events in JSON: what Perfetto's importer asks of them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from swaptrio.trace.formats.chrome import to_chrome

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.trace import Trace

#: Beside name, ph, pid and tid, what an event of each phase has.
FIELDS = {
    "M": {"args"},
    "X": {"ts", "cat", "dur", "args"},
    "C": {"ts", "cat", "args"},
    "i": {"ts", "cat", "s", "args"},
    "s": {"ts", "cat", "id"},
    "f": {"ts", "cat", "id", "bp"},
}


def valid(data: bytes) -> list[dict[str, Any]]:
    """The events of a file, all of which are as they should be."""
    assert data.startswith(b'{"traceEvents":[')
    assert data.isascii()
    document = json.loads(data)
    assert list(document) == ["traceEvents", "displayTimeUnit", "otherData"]
    events: list[dict[str, Any]] = document["traceEvents"]
    for event in events:
        fields = {"name", "ph", "pid", "tid"} | FIELDS[event["ph"]]
        assert set(event) == fields
        assert isinstance(event["name"], str)
        assert all(isinstance(event[key], int) for key in ("pid", "tid", "ts") if key in event)
    nested(events)
    matched(events)
    return events


def nested(events: list[dict[str, Any]]) -> None:
    """Slices of one thread follow each other."""
    threads: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in events:
        if event["ph"] == "X":
            slices = threads.setdefault((event["pid"], event["tid"]), [])
            slices.append((event["ts"], event["ts"] + event["dur"]))
    for slices in threads.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(slices)))


def matched(events: list[dict[str, Any]]) -> None:
    """Each flow starts once, within a slice, and ends once, later, within another."""
    flows = {phase: {e["id"]: e for e in events if e["ph"] == phase} for phase in ("s", "f")}
    assert flows["s"].keys() == flows["f"].keys()
    slices = [event for event in events if event["ph"] == "X"]
    for number, start in flows["s"].items():
        end = flows["f"][number]
        assert (start["name"], start["cat"]) == (end["name"], end["cat"])
        assert start["ts"] < end["ts"]
        assert all(any(within(flow, each) for each in slices) for flow in (start, end))


def within(flow: dict[str, Any], step: dict[str, Any]) -> bool:
    """Whether *flow* is bound to the slice *step*."""
    same = (flow["pid"], flow["tid"]) == (step["pid"], step["tid"])
    return same and step["ts"] <= flow["ts"] < step["ts"] + step["dur"]


def test_golden(talk: Trace, same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_chrome(talk)

    valid(data)
    same_as_golden("talk.json", data)


def test_everything_is_there(talk: Trace) -> None:
    """Steps and holds are slices, links are flows, numbers counters, the verdict an instant."""
    events = valid(to_chrome(talk))

    steps = [event for event in events if event.get("cat") == "step"]
    assert [event["args"]["step"] for event in steps] == list(range(1, 16))
    assert [e["name"] for e in events if e.get("cat") == "lock" and e["ph"] == "X"] == [
        "fault",
        "fault",
        "helper",
    ]
    kinds = ["message", "wake", "spawn", "lock", "join"]
    assert [event["cat"] for event in events if event["ph"] == "s"] == kinds
    counters = [(e["name"], e["args"]["value"]) for e in events if e["ph"] == "C"]
    assert counters == [("swap0.users", 1), ("swap0.users", 2), ("bios", 1), ("swap0.users", 0)]
    assert [event["name"] for event in events if event["ph"] == "i"] == ["violation of I-DATA"]


def test_a_trace_without_steps(record: Callable[..., Trace]) -> None:
    """A file without a step is valid too."""
    assert {event["ph"] for event in valid(to_chrome(record(lambda _e, _s: None)))} == {"M"}


def test_hostile_names(hostile: Trace) -> None:
    """Whatever the names are, the file is valid, and can stand within a page."""
    data = to_chrome(hostile)

    assert len([event for event in valid(data) if event.get("cat") == "step"]) == 15
    assert b"</" not in data
    assert b"<!--" not in data
