# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading: whatever is not a whole and unchanged trace is refused, in one sentence."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio import __version__
from swaptrio.errors import TraceError
from swaptrio.trace import Trace, open_trace, parse_trace, read, render_trace, state_at, stored
from swaptrio.trace.stored import StoredEvents
from swaptrio.trace.write import digest_of, seal

if TYPE_CHECKING:
    from pathlib import Path

Edit = Callable[[dict[str, Any]], object]


def complaint(data: bytes) -> str:
    """What a strict reading of *data* as the file ``t`` says."""
    with pytest.raises(TraceError) as caught:
        parse_trace(data, "t", strict=True)
    assert len(caught.value.problems) == 1
    return str(caught.value)


def forged(data: bytes, number: int, edit: Edit) -> bytes:
    """*data* with the record of line *number* edited, and with a digest that fits."""
    records = [json.loads(line) for line in data.splitlines()]
    edit(records[number - 1])
    head, *body = (json.dumps(record, separators=(",", ":")) for record in records)
    fields = json.loads(head)
    fields.pop("digest", None)
    head = json.dumps(fields, separators=(",", ":"))
    rest = "".join(f"{line}\n" for line in body).encode()
    return f"{seal(head, digest_of(head.encode(), rest))}\n".encode() + rest


@pytest.fixture
def data(race: Trace) -> bytes:
    """A good file: the header in line 1, steps 1 to 6 in lines 2 to 7."""
    return render_trace(race)


def test_a_good_file_is_read(race: Trace, data: bytes, tmp_path: Path) -> None:
    """A file that was written is read back, by any kind of path."""
    path = tmp_path / "race.jsonl"
    path.write_bytes(data)

    assert open_trace(path) == open_trace(str(path)) == race


def test_every_truncation_is_noticed(data: bytes) -> None:
    """A file cut at any byte is refused, with the number of the line where it ends."""
    for length in range(len(data)):
        cut = data[:length]
        line = cut.count(b"\n") + 1
        message = complaint(cut)
        if not cut:
            assert message == "t: line 1: the file is empty"
        elif cut.endswith(b"\n"):
            found = line - 2
            told = f"truncated: the header tells of 6 events, and the file has {found}"
            assert message == f"t: line {found + 1}: {told}"
        else:
            assert message == f"t: line {line}: cut off: the line has no end"


def test_every_cut_end_can_be_read_around(race: Trace, data: bytes) -> None:
    """The whole lines of a file cut at any byte behind the header are given, with a flaw."""
    header = data.index(b"\n") + 1
    for length in range(header, len(data)):
        trace = parse_trace(data[:length])
        whole = data[:length].count(b"\n") - 1
        [flaw] = trace.flaws

        assert flaw.startswith(f"the end was cut off: {whole} of 6 events are there; ")
        assert trace == Trace(race.header, race.events[:whole], 6 - whole, (flaw,))


def test_a_header_that_was_cut_cannot_be_read_around(data: bytes) -> None:
    """Without the whole header there is nothing to show."""
    for length in range(data.index(b"\n") + 1):
        with pytest.raises(TraceError, match="line 1: "):
            parse_trace(data[:length])


@pytest.mark.parametrize(
    ("edit", "flaw"),
    [
        (lambda d: d.replace(b'["s1",null]', b'["s2",null]'), "it does not fit the file"),
        (lambda d: d.replace(b"\n", b"\r\n"), "its line ends are CRLF"),
        (lambda d: d + b"{", "behind its end stands more"),
        (
            lambda d: d + d.splitlines(keepends=True)[-1].replace(b'"seq":6', b'"seq":7'),
            "the header tells of 6 events, and the file has 7",
        ),
    ],
)
def test_an_edit_is_a_flaw(data: bytes, edit: Callable[[bytes], bytes], flaw: str) -> None:
    """What still reads as a trace is given, and what happened to its file is told."""
    assert parse_trace(data).flaws == ()
    [told] = parse_trace(edit(data)).flaws
    assert told.startswith("the file was edited")
    assert told.endswith(flaw)


def test_a_trace_with_a_flaw_is_not_sealed_anew(data: bytes) -> None:
    """Written again, it would pass for what was recorded."""
    for damaged in (data[:-10], data.replace(b'["s1",null]', b'["s2",null]')):
        with pytest.raises(TraceError, match="is not written again"):
            render_trace(parse_trace(damaged))


def test_what_has_no_meaning_is_no_flaw(data: bytes) -> None:
    """A lost or doubled line in the middle, and a bad line, are errors as ever."""
    lines = data.splitlines(keepends=True)
    for damaged in (
        b"".join(lines[:3] + lines[4:]),
        b"".join([*lines[:3], lines[2], *lines[3:]]),
        b"".join([*lines[:3], b"x\n", *lines[3:-1]]),
    ):
        with pytest.raises(TraceError):
            parse_trace(damaged)


def test_an_unknown_event_is_kept_as_it_stands(data: bytes) -> None:
    """A kind and keys of a later swaptrio come back out as they went in, in any reading."""
    line = '"kind":"preempt","object":"","option":null,"changes":{},"held":[]'
    new = data.replace(line.replace("preempt", "start").encode(), f'{line},"by":["x"]'.encode())
    assert new != data
    sealed = forged(new, 1, lambda record: None)

    event = parse_trace(sealed, strict=True).events[0]

    assert (event.kind, event.word, event.more) == ("preempt", "preempt", {"by": '["x"]'})
    assert render_trace(parse_trace(sealed)) == sealed


@pytest.mark.parametrize("change", [1, 0x20, 0x80])
def test_every_edited_byte_is_noticed(data: bytes, change: int) -> None:
    """A file with any one byte changed is refused, wherever in it that byte stands."""
    for place in range(len(data)):
        edited = bytearray(data)
        edited[place] ^= change
        assert complaint(bytes(edited)).startswith("t: line ")


def test_every_lost_or_doubled_byte_is_noticed(data: bytes) -> None:
    """A file with any one byte left out, or written twice, is refused."""
    for place in range(len(data)):
        complaint(data[:place] + data[place + 1 :])
        complaint(data[:place] + data[place : place + 1] + data[place:])


def test_a_plausible_edit_is_noticed(data: bytes) -> None:
    """A value that was replaced by another of the same kind shows in the digest."""
    edited = data.replace(b'["s1",null]', b'["s2",null]')

    assert (
        complaint(edited) == "t: line 1: digest: the file was edited: it does not fit the file"
    )


def test_converted_line_ends_are_named(data: bytes) -> None:
    """Where a mail or a checkout converted the line ends, the message says so."""
    edited = data.replace(b"\n", b"\r\n")

    assert complaint(edited) == "t: line 1: digest: the file was edited: its line ends are CRLF"


def test_a_lost_line_is_named(data: bytes) -> None:
    """A step that is missing in the middle is missed where it should stand."""
    lines = data.splitlines(keepends=True)

    message = complaint(b"".join(lines[:3] + lines[4:]))

    assert message == ("t: line 4: seq: must be 3: steps are numbered without a gap (got 4)")


def test_a_line_too_many_is_named(data: bytes) -> None:
    """More events than the header tells of are refused."""
    more = data.splitlines(keepends=True)[-1].replace(b'"seq":6', b'"seq":7')

    assert complaint(data + more) == (
        "t: line 8: too long: the header tells of 6 events, and the file has 7"
    )


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (gzip.compress(b"{}"), "it looks like gzip: unpack it first"),
        (b"\x28\xb5\x2f\xfd", "it looks like zstd: unpack it first"),
        (b"PK\x03\x04", "it looks like a zip archive: unpack it first"),
        (b'\xef\xbb\xbf{"event"', "it starts with a byte order mark: save it without"),
        (b"\x7fELF\x00\x00", 'a trace starts with {"event":"swaptrio-trace",'),
        (b"[window]\nsteps = []\n", 'a trace starts with {"event":"swaptrio-trace",'),
        (b'{"traceEvents":[]}\n', 'a trace starts with {"event":"swaptrio-trace",'),
        (b"\n", 'a trace starts with {"event":"swaptrio-trace",'),
    ],
)
def test_another_kind_of_file_is_named(start: bytes, reason: str) -> None:
    """A file that never was a trace is called so, with what it looks like."""
    assert complaint(start) == f"t: line 1: this is not a swaptrio trace: {reason}"


def test_another_version_is_named(data: bytes) -> None:
    """The version is looked at first, for another one may have other keys and other lines."""
    edited = data.replace(b'"version":1', b'"version":2,"new":[]')[:-10]

    message = complaint(edited)

    assert f"reads version 1 of the format; swaptrio {__version__} wrote it" in message
    assert message.startswith("t: line 1: version: ")
    assert message.endswith(" (got 2)")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "not JSON: Expecting value at column 1 (got '')"),
        (b'{"event":oops}', "not JSON: Expecting value at column 10 (got 'oops}')"),
        (b"\xc3\xa9", "not ASCII: byte 0xc3 at column 1"),
        (b"[]", "must be a JSON object (got a list)"),
        (b"9" * 5000, "not a record: a number or a nesting in it is too large"),
        (b"[" * 100_000, "not a record: a number or a nesting in it is too large"),
    ],
)
def test_a_bad_line_is_named(data: bytes, line: bytes, message: str) -> None:
    """A line that is no JSON object is named by its number, with what stands there."""
    lines = data.splitlines()
    lines[3] = line

    assert complaint(b"\n".join(lines) + b"\n") == f"t: line 4: {message}"


def put(*keys: str | int, value: object) -> Edit:
    """An edit that puts *value* where *keys* lead to."""

    def edit(record: Any) -> None:
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = value

    return edit


TEXT = "must be a text"
NUMBER = "must be a whole number, 0 or more"


@pytest.mark.parametrize(
    ("number", "edit", "message"),
    [
        (1, lambda record: record.pop("world"), "world: the key is missing"),
        (1, put("wrold", value=1), "wrold: unknown key (got 1); did you mean 'world'?"),
        (1, put("version", value="1"), f"version: {NUMBER} (got '1')"),
        (1, put("scenario", value=None), f"scenario: {TEXT}"),
        (1, put("window", value=["a", 1]), "window: must be a list of texts (got a list)"),
        (1, put("seed", value=1.5), "seed: must be a whole number or null (got 1.5)"),
        (1, put("seed", value=True), "seed: must be a whole number or null (got true)"),
        (1, put("schedule", value="0:1"), "schedule: schedule part 1: "),
        (1, put("verdict", value=[]), "verdict: must be a JSON object (got a list)"),
        (1, put("verdict", "ending", value="pased"), "verdict.ending: unknown word "),
        (
            1,
            put("verdict", "waiting", value={}),
            "verdict.waiting: must be a list (got a table)",
        ),
        (
            1,
            put("verdict", "waiting", value=[{}]),
            "verdict.waiting[0].task: the key is missing",
        ),
        (1, put("steps", value=-1), f"steps: {NUMBER} (got -1)"),
        (
            1,
            put("tasks", 0, "daemon", value=0),
            "tasks[0].daemon: must be true or false (got 0)",
        ),
        (1, put("tasks", 1, "name", value="fault"), "tasks: two tasks have the same name"),
        (1, put("world", value=[]), "world: must be a JSON object (got a list)"),
        (
            1,
            put("world", "swap0:17", value=None),
            'world."swap0:17": must be a text or a whole number',
        ),
        (1, put("events", value="6"), f"events: {NUMBER} (got '6')"),
        (2, put("event", value=1), f"event: {TEXT} (got 1)"),
        (2, put("seq", value=True), f"seq: {NUMBER} (got true)"),
        (2, put("time", value=-5), f"time: {NUMBER} (got -5)"),
        (2, put("task", value="kswapd"), "task: the header knows no such task (got 'kswapd')"),
        (2, put("kind", value=7), f"kind: {TEXT} (got 7)"),
        (2, put("option", value=1), f"option: {TEXT} (got 1)"),
        (2, put("held", value="lock"), "held: must be a list of texts (got 'lock')"),
        (2, put("changes", value=[]), "changes: must be a JSON object (got a list)"),
    ],
)
def test_a_wrong_value_is_named(data: bytes, number: int, edit: Edit, message: str) -> None:
    """A key or value that cannot be is named with line and place, even if the digest fits."""
    assert complaint(forged(data, number, edit)).startswith(f"t: line {number}: {message}")


@pytest.mark.parametrize("pair", [["s1"], ["s1", "f1", 1], [None, None], [True, 1], "s1", None])
def test_a_wrong_change_is_named(data: bytes, pair: object) -> None:
    """A change is an old and a new value, each a text, a whole number or null, but not both."""
    message = complaint(forged(data, 6, put("changes", "swap0:17", value=pair)))

    where = 't: line 6: changes."swap0:17"'
    assert message.startswith(f"{where}: must be a pair of an old and a new value")


def test_a_digest_of_another_type_is_refused(data: bytes) -> None:
    """A digest that is no text fits nothing."""
    head, _, rest = data.partition(b',"digest":')

    message = complaint(head + b',"digest":7}' + rest[rest.index(b"\n") :])

    assert message == "t: line 1: digest: the file was edited: it does not fit the file"


def test_a_path_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a folder, a device and an impossible name each give one sentence."""
    missing = tmp_path / "missing.jsonl"
    for path, reason in (
        (str(missing), "cannot be read: No such file or directory"),
        (str(tmp_path), "this is not a file"),
        (os.devnull, "this is not a file"),
        ("a\0b", "cannot be read: embedded null byte"),
    ):
        with pytest.raises(TraceError, match=reason):
            open_trace(path)


def test_a_large_file_is_read_as_a_small_one(
    race: Trace, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that are read when they are asked for are the same, by number, part and order."""
    path = tmp_path / "race.jsonl"
    path.write_bytes(data)
    monkeypatch.setattr(read, "SMALL", 0)
    monkeypatch.setattr(read, "STRIDE", 4)
    monkeypatch.setattr(stored, "STRIDE", 4)

    events = open_trace(path, strict=True).events

    assert isinstance(events, StoredEvents)
    assert tuple(events) == race.events
    assert tuple(reversed(events)) == race.events[::-1]
    assert (len(events), events[-1], events[4]) == (6, race.events[5], race.events[4])
    assert tuple(events[2:5][1:]) == race.events[3:5]
    assert not events[6:]
    with pytest.raises(IndexError):
        events[6]


def test_reading_a_large_file_is_told(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that somebody goes through it, from little to all; of a small one nothing."""
    path = tmp_path / "race.jsonl"
    path.write_bytes(data)
    told: list[float] = []
    open_trace(path, progress=told.append)
    assert told == []

    monkeypatch.setattr(read, "SMALL", 0)
    monkeypatch.setattr(read, "_BLOCK", 200)
    monkeypatch.setattr(read, "STRIDE", 4)
    monkeypatch.setattr(stored, "STRIDE", 4)
    events = open_trace(path, progress=told.append).events
    scanned = told.copy()
    list(events)

    assert len(scanned) > 3
    assert scanned == sorted(scanned)
    assert scanned[-1] == 1
    assert len(told[len(scanned) :]) == 2
    assert 0 < told[len(scanned)] < told[-1] == 1


def test_a_large_file_that_changes_is_refused(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of a file that was written over, or is gone, are never shown for those before."""
    path = tmp_path / "race.jsonl"
    path.write_bytes(data)
    monkeypatch.setattr(read, "SMALL", 0)
    events = open_trace(path).events

    path.write_bytes(data + b" ")
    with pytest.raises(TraceError, match="the file was changed while it was read"):
        list(events)
    path.unlink()
    with pytest.raises(TraceError, match="cannot be read: No such file"):
        list(events)


def test_a_bad_line_of_a_large_file_is_named(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found when it is reached, with its number."""
    path = tmp_path / "race.jsonl"
    lines = data.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"x\n", *lines[4:]]))
    monkeypatch.setattr(read, "SMALL", 0)
    events = open_trace(path).events

    with pytest.raises(TraceError, match="line 4: not JSON"):
        list(events)


def test_a_line_without_an_end_is_not_read_for_ever(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line may be longer than 16 MB: neither the header nor an event."""
    assert read.LONGEST == 16 * 2**20
    monkeypatch.setattr(read, "LONGEST", len(data) - 1)
    for endless in (data + b" " * len(data), data[:30] + b" " * len(data)):
        assert complaint(endless).endswith("a line longer than 0 MB, the most that is read")


@pytest.mark.parametrize("seq", [-1, 7])
def test_a_step_that_is_not_there_is_refused(race: Trace, seq: int) -> None:
    """The state is known before the first step and after each, and nowhere else."""
    with pytest.raises(TraceError) as caught:
        state_at(race, seq)

    assert str(caught.value) == (
        f"step: there is no such step; the trace has steps 0 to 6 (got {seq})"
    )
