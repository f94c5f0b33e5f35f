# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lines that say what an earlier one said: the same event comes of them, or they are read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.errors import TraceError
from swaptrio.trace import parse_trace, render_trace, repeats
from swaptrio.trace.records import event_record, read_event
from swaptrio.trace.repeats import Repeats
from swaptrio.trace.write import digest_of, seal

if TYPE_CHECKING:
    from swaptrio.trace import Event, Trace


def written(event: Event, **more: Any) -> bytes:
    """The line of *event*, with further keys."""
    return json.dumps({**event_record(event), **more}, separators=(",", ":")).encode()


@pytest.mark.parametrize("number", range(6))
def test_another_number_and_time(race: Trace, number: int) -> None:
    """A kept line gives the event that reading the new line word by word gives."""
    event = race.events[number]
    known = Repeats()
    known.keep(written(event), event)
    later = written(attrs.evolve(event, seq=90_071, time=123_456_789))

    assert known.find(later) == read_event(json.loads(later))
    assert known.find(written(event)) == event


@pytest.mark.parametrize(
    "change", [{"task": "else"}, {"label": "else"}, {"held": ("else",)}, {"option": "else"}]
)
def test_another_event(race: Trace, change: dict[str, Any]) -> None:
    """A line that differs in anything else is not known."""
    event = race.events[0]
    known = Repeats()
    known.keep(written(event), event)

    assert known.find(written(attrs.evolve(event, **change))) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"a","seq":1,"time":0,"task":"t","seq":2}',
        b'{"event":"a","seq":1,"time":0,"task":"t","time" : 5}',
        b'{"event":"a","seq":1,"time":0,"task":"t","event":"b"}',
        b'{"event":"a","seq":1,"time":0,"task":"t","s\\u0065q":2}',
        b'{"event":"a\\u0062","seq":1,"time":0,"task":"t"}',
        b'{"seq":1,"event":"a","time":0,"task":"t"}',
        b'{"event":"a","seq":01,"time":0,"task":"t"}',
        b'{"event":"a","seq":1.0,"time":0,"task":"t"}',
        b'{"event":"a","seq":1,"time":0,"task":"' + b"t" * repeats.LONGEST + b'"}',
    ],
)
def test_a_line_that_is_not_kept(race: Trace, line: bytes) -> None:
    """Number and time stand once, where they are written, and plainly; and it is short."""
    known = Repeats()
    known.keep(line, race.events[0])

    assert known.find(line) is None


def test_a_second_number_is_noticed(calm: Trace) -> None:
    """A line whose second number is wrong is refused, even where one like it was right."""
    head, *body = render_trace(calm).splitlines()
    assert calm.events[0].label != calm.events[1].label
    body[0] = body[0].removesuffix(b"}") + b',"seq":1}'
    body[1] = body[0].replace(b'"seq":1,', b'"seq":2,', 1)
    fields = json.loads(head)
    fields.pop("digest")
    text = json.dumps(fields, separators=(",", ":"))
    rest = b"".join(line + b"\n" for line in body)
    data = seal(text, digest_of(text.encode(), rest)).encode() + b"\n" + rest

    with pytest.raises(TraceError, match="line 3: seq: must be 2"):
        parse_trace(data)


def test_a_doubled_line_is_refused(race: Trace) -> None:
    """What is read from memory has to fit its place as what is read from the file has."""
    data = render_trace(race)
    lines = data.splitlines(keepends=True)
    doubled = b"".join([*lines[:2], *lines[1:]])

    with pytest.raises(TraceError, match="line 3: seq: must be 2"):
        parse_trace(doubled)


def test_memory_is_bounded(race: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many lines it begins anew, and goes on."""
    monkeypatch.setattr(repeats, "MOST", 2)
    events = [attrs.evolve(race.events[0], object=f"o{number}") for number in range(3)]
    known = Repeats()
    for event in events:
        known.keep(written(event), event)

    assert [known.find(written(event)) for event in events] == [None, None, events[2]]
