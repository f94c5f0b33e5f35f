# SPDX-License-Identifier: MIT OR Apache-2.0
"""Read a trace back, of any length, and say what is wrong with its file.

A trace is evidence. A file that was cut, edited, converted or written by a later version could
show something that never happened. Whatever cannot be read, or has no meaning here, gives one
`TraceError` that names the line and says what is wrong with it. What can be read all the same
is read, and the `flaws <Trace>` of the trace tell what happened to its file:

  * its end was cut off, because a disk was full or a copy was broken off. The digest is of no
    use then: an edit of what is there cannot be noticed;
  * it was edited, or a mail has converted it: the digest does not fit.

Who wants none of that asks for a strict reading. An event of a kind that is not known here, or
with keys that are not, is kept as it stands: whoever draws it shows its words.

The file is read once to count its lines and to compare its digest. A small one is then kept as
events, and of a large one the places of its lines (see `stored`).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn, TypeVar

import attrs

from swaptrio.errors import shown
from swaptrio.trace.events import FORMAT, VERSION, Event, Header, Trace, Value
from swaptrio.trace.fields import Malformed
from swaptrio.trace.problems import trace_error
from swaptrio.trace.records import read_event, read_header
from swaptrio.trace.repeats import Repeats
from swaptrio.trace.stored import STRIDE, Identity, Store, StoredEvents, identity_of
from swaptrio.trace.write import seal

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

T = TypeVar("T")

#: The events of files up to this size are kept in memory, in bytes.
SMALL: Final = 8 * 1024 * 1024

#: The longest line that is read, in bytes: that of a header with 100,000 keys.
LONGEST: Final = 16 * 1024 * 1024

_BLOCK: Final = 1024 * 1024
_LINE_END: Final = re.compile(rb"\n")
_OPENING: Final = f'{{"event":"{FORMAT}",'.encode("ascii")
_CUT: Final = "cut off: the line has no end"
_LOOKS_LIKE: Final = (
    (b"\x1f\x8b", "it looks like gzip: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it looks like zstd: unpack it first"),
    (b"PK", "it looks like a zip archive: unpack it first"),
    (b"\xef\xbb\xbf", "it starts with a byte order mark: save it without"),
)


def open_trace(
    path: str | os.PathLike[str],
    *,
    strict: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Trace:
    """Read the trace in the file *path*, of any size.

    Args:
        path: where it lies.
        strict: refuse a file whose end was cut off, or that was edited. Otherwise what is there
            is given, and the `flaws <Trace>` of the trace say so.
        progress: is told now and then which part of a large file lies behind, 0 to 1, whenever
            somebody goes through it.

    Raises:
        TraceError: the file cannot be read, or is not a trace, or one of another version, or a
            line of it makes no sense; the message names the line.
    """
    name = str(path)
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise trace_error(name, "", "this is not a file")
        with Path(path).open("rb") as file:
            identity = identity_of(file.fileno())
            return _Reading(name, file, strict, identity, progress).trace()
    except (OSError, ValueError) as exc:
        message = f"cannot be read: {getattr(exc, 'strerror', None) or exc}"
        raise trace_error(name, "", message) from None


def parse_trace(data: bytes, file: str = "", *, strict: bool = False) -> Trace:
    """As `open_trace`, for the bytes of a file; *file* is its name in messages."""
    return _Reading(file, io.BytesIO(data), strict).trace()


def state_at(trace: Trace, seq: int) -> dict[str, Value]:
    """The state after step *seq*: 0 (before the first) to the number of events.

    Keys stand in the order in which they appeared.

    Raises:
        TraceError: there is no such step.
    """
    return survey(trace, seq)[0]


def survey(trace: Trace, seq: int) -> tuple[dict[str, Value], dict[str, Event]]:
    """The state after step *seq*, as `state_at` gives it, and the last step of each task.

    Raises:
        TraceError: there is no such step.
    """
    last = len(trace.events)
    if not 0 <= seq <= last:
        message = f"there is no such step; the trace has steps 0 to {last}"
        raise trace_error("", "step", message, value=shown(seq))
    state = dict(trace.header.world)
    steps: dict[str, Event] = {}
    for event in trace.events[:seq]:
        steps[event.task] = event
        for key, (_old, new) in event.changes.items():
            if new is None:
                state.pop(key, None)
            else:
                state[key] = new
    return state, steps


@attrs.frozen
class _Body:
    """What one pass over the lines of the events has told.

    *count* is their number, *places* are those of a `Store`, *digest* is that of the file, and
    *rest* the number of bytes behind the last line. *converted* is whether lines end in CRLF.
    """

    count: int
    places: array[int]
    digest: str
    rest: int
    converted: bool

    @property
    def size(self) -> int:
        """The bytes of all whole lines."""
        return self.places[-1] - self.places[0]


@attrs.define
class _Reading:
    """One file being read: its name, its bytes, and whether it must be whole and unchanged.

    Only of a file with an *identity* events can be read later.
    """

    file: str
    stream: BinaryIO
    strict: bool
    identity: Identity | None = None
    progress: Callable[[float], None] | None = None
    names: dict[str, bool] = attrs.Factory(dict)
    repeats: Repeats = attrs.Factory(Repeats)

    def trace(self) -> Trace:
        line = self._first_line()
        record = self._json(line, 1)
        self._check_version(record)
        assert isinstance(record, dict)
        header = self._structure(1, read_header, record)
        self._check_names(header)
        head, sealed = self._unsealed(line, record["digest"])
        body = self._scan(len(line) + 1, head)
        events = self._events(body)
        missing, flaws = self._flaws(body, record["events"], sealed == body.digest)
        return Trace(header, events, missing, flaws)

    def _first_line(self) -> bytes:
        """The header, without its end."""
        line = self.stream.readline(LONGEST + 1)
        self._check_kind(line)
        if not line.endswith(b"\n"):
            self._fail(1, self._too_long() if len(line) > LONGEST else _CUT)
        return line[:-1]

    def _check_kind(self, line: bytes) -> None:
        if not line:
            self._fail(1, "the file is empty")
        if line.startswith(_OPENING):
            return
        if _OPENING.startswith(line):
            self._fail(1, _CUT)
        opening = _OPENING.decode("ascii")
        reason = f"a trace starts with {opening}"
        for start, looks in _LOOKS_LIKE:
            if line.startswith(start):
                reason = looks
        self._fail(1, f"this is not a swaptrio trace: {reason}")

    def _check_version(self, record: object) -> None:
        """Before anything else in the header, for another version may have other keys."""
        if not isinstance(record, dict):
            return
        version = record.get("version")
        if type(version) is int and version != VERSION:
            tool = record.get("tool")
            writer = f"swaptrio {tool}" if isinstance(tool, str) else "another swaptrio"
            message = f"this swaptrio reads version {VERSION} of the format; {writer} wrote it"
            self._fail(1, message, place="version", value=shown(version))

    def _check_names(self, header: Header) -> None:
        self.names = dict.fromkeys((task.name for task in header.tasks), True)
        if len(self.names) != len(header.tasks):
            self._fail(1, "two tasks have the same name", place="tasks")

    def _unsealed(self, line: bytes, digest: object) -> tuple[bytes, str]:
        """The header as it was before it got its digest, and that; empty if it has none."""
        end = seal("}", str(digest)).encode("ascii", "backslashreplace")
        sealed = isinstance(digest, str) and line.endswith(end)
        return line.removesuffix(end) + b"}", str(digest) if sealed else ""

    def _scan(self, begin: int, head: bytes) -> _Body:
        """Go through all bytes once."""
        digest = hashlib.sha256(head + b"\n")
        places = array("Q", [begin])
        count, end, read, converted = 0, begin, begin, False
        while block := self.stream.read(_BLOCK):
            digest.update(block)
            converted = converted or b"\r\n" in block
            for match in _LINE_END.finditer(block):
                end = read + match.end()
                count += 1
                if count % STRIDE == 0:
                    places.append(end)
            read += len(block)
            self._tell(read)
            if read - end > LONGEST:
                self._fail(count + 2, self._too_long())
        if places[-1] != end:
            places.append(end)
        return _Body(count, places, digest.hexdigest(), read - end, converted)

    def _tell(self, place: int) -> None:
        """What lies before *place*, in bytes, is read."""
        size = 0 if self.identity is None else self.identity.size
        if self.progress is not None and size > SMALL:
            self.progress(min(1.0, place / size))

    def _flaws(self, body: _Body, told: object, unchanged: bool) -> tuple[int, tuple[str, ...]]:
        """How many events are not there, and what happened to the file."""
        if type(told) is not int or told < 0:
            message = "must be a whole number, 0 or more"
            self._fail(1, message, place="events", value=shown(told))
        counts = f"the header tells of {told} events, and the file has {body.count}"
        if body.count < told:
            if body.rest:
                self._strictly(body.count + 2, _CUT)
            self._strictly(body.count + 1, f"truncated: {counts}")
            there = f"{body.count} of {told} events are there"
            unsure = "whether they were edited cannot be told"
            return told - body.count, (f"the end was cut off: {there}; {unsure}",)
        if body.count > told:
            self._strictly(told + 2, f"too long: {counts}")
            return 0, (f"the file was edited: {counts}",)
        if body.rest:
            self._strictly(told + 2, "a line too many, and it has no end")
            return 0, ("the file was edited: behind its end stands more",)
        if not unchanged:
            how = "its line ends are CRLF" if body.converted else "it does not fit the file"
            self._strictly(1, f"the file was edited: {how}", "digest")
            return 0, (f"the file was edited, as its digest tells: {how}",)
        return 0, ()

    def _strictly(self, line: int, message: str, place: str = "") -> None:
        if self.strict:
            self._fail(line, message, place=place)

    def _events(self, body: _Body) -> Sequence[Event]:
        """All of them, or a way to read them."""
        if body.size > SMALL and self.identity is not None:
            store = Store(self.file, self.identity, body.places, self._decoded, self._tell)
            return StoredEvents(store, range(body.count))
        self.stream.seek(body.places[0])
        lines = (self.stream.readline() for _ in range(body.count))
        return tuple(self._decoded(line, place) for place, line in enumerate(lines))

    def _decoded(self, line: bytes, place: int) -> Event:
        """The event in the line of that place, from 0."""
        number, seq = place + 2, place + 1
        event = self.repeats.find(line)
        if event is None:
            event = self._structure(number, read_event, self._json(line, number))
            self.repeats.keep(line, event)
        if event.seq != seq:
            message = f"must be {seq}: steps are numbered without a gap"
            self._fail(number, message, place="seq", value=str(event.seq))
        if event.task not in self.names:
            message = "the header knows no such task"
            self._fail(number, message, place="task", value=shown(event.task))
        return event

    def _json(self, line: bytes, number: int) -> object:
        line = line.removesuffix(b"\n")
        try:
            record: object = json.loads(line.decode("ascii"))
        except UnicodeDecodeError as exc:
            message = f"not ASCII: byte 0x{line[exc.start]:02x} at column {exc.start + 1}"
            self._fail(number, message)
        except json.JSONDecodeError as exc:
            message = f"not JSON: {exc.msg} at column {exc.colno}"
            self._fail(number, message, value=_peek(line, exc.pos))
        except (ValueError, RecursionError):
            self._fail(number, "not a record: a number or a nesting in it is too large")
        return record

    def _structure(self, number: int, read: Callable[[object], T], record: object) -> T:
        try:
            return read(record)
        except Malformed as exc:
            self._fail(number, exc.message, place=exc.place, value=exc.value, hint=exc.hint)

    def _too_long(self) -> str:
        return f"a line longer than {LONGEST // 1024 // 1024} MB, the most that is read"

    def _fail(
        self, line: int, message: str, *, place: str = "", value: str = "", hint: str = ""
    ) -> NoReturn:
        where = f"line {line}: {place}" if place else f"line {line}"
        raise trace_error(self.file, where, message, value=value, hint=hint) from None


def _peek(line: bytes, position: int) -> str:
    return shown(line[position : position + 20].decode("ascii"))
