# SPDX-License-Identifier: MIT OR Apache-2.0
"""Read a trace back, strictly: what was not written by swaptrio, whole, is refused.

A trace is evidence. A file that was cut, edited, converted or written by a later version could
show something that never happened, so every such file gives one `TraceError` that names the
line and says what is wrong with it.

Of a file that was only cut, because a disk was full or a copy was broken off, the beginning is
still worth a look. Who asks for that gets it, and is told how many events are missing. The
digest is of no use then: an edit of what is there cannot be noticed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import attrs

from swaptrio.errors import shown
from swaptrio.trace.events import FORMAT, VERSION, Event, Header, Trace, Value
from swaptrio.trace.fields import Malformed
from swaptrio.trace.problems import trace_error
from swaptrio.trace.records import read_event, read_header
from swaptrio.trace.write import digest_of, seal

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

T = TypeVar("T")

#: The largest file that is read, in bytes.
LIMIT: Final = 256 * 1024 * 1024

_OPENING: Final = f'{{"event":"{FORMAT}",'.encode("ascii")
_CUT: Final = "cut off: the line has no end"
_LOOKS_LIKE: Final = (
    (b"\x1f\x8b", "it looks like gzip: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it looks like zstd: unpack it first"),
    (b"PK", "it looks like a zip archive: unpack it first"),
    (b"\xef\xbb\xbf", "it starts with a byte order mark: save it without"),
)


def open_trace(path: str | os.PathLike[str], *, lenient: bool = False) -> Trace:
    """Read the trace in the file *path* (at most 256 MB).

    Args:
        path: where it lies.
        lenient: of a file whose only defect is that its end is cut off, give what is there,
            and how much is `missing <Trace>`.

    Raises:
        TraceError: the file cannot be read, or is not a trace that swaptrio wrote, whole and
            unchanged; the message names the line.
    """
    return parse_trace(_load(Path(path)), str(path), lenient=lenient)


def parse_trace(data: bytes, file: str = "", *, lenient: bool = False) -> Trace:
    """As `open_trace`, for the bytes of a file; *file* is its name in messages."""
    return _Reading(file, data, lenient).trace()


def state_at(trace: Trace, seq: int) -> dict[str, Value]:
    """The state after step *seq*: 0 (before the first) to the number of events.

    Keys stand in the order in which they appeared.

    Raises:
        TraceError: there is no such step.
    """
    last = len(trace.events)
    if not 0 <= seq <= last:
        message = f"there is no such step; the trace has steps 0 to {last}"
        raise trace_error("", "step", message, value=shown(seq))
    state = dict(trace.header.world)
    for event in trace.events[:seq]:
        for key, (_old, new) in event.changes.items():
            if new is None:
                state.pop(key, None)
            else:
                state[key] = new
    return state


def _load(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise trace_error(str(path), "", "this is not a file")
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as exc:
        message = f"cannot be read: {getattr(exc, 'strerror', None) or exc}"
        raise trace_error(str(path), "", message) from None
    if len(data) > LIMIT:
        message = f"larger than {LIMIT // 1024 // 1024} MB, the most that is read"
        raise trace_error(str(path), "", message)
    return data


@attrs.frozen
class _Reading:
    """One file being read: its name and its bytes, and whether its end may be cut off."""

    file: str
    data: bytes
    lenient: bool = False

    def trace(self) -> Trace:
        self._check_kind()
        *lines, rest = self.data.split(b"\n")
        record = self._json(lines[0], 1) if lines else None
        self._check_version(record)
        if rest and not (self.lenient and lines):
            self._fail(len(lines) + 1, _CUT)
        assert isinstance(record, dict)
        header = self._structure(1, read_header, record)
        self._check_names(header)
        events = self._events(lines[1:], header)
        missing = self._missing(record["events"], len(events))
        if rest and not missing:
            self._fail(len(lines) + 1, "a line too many, and it has no end")
        if not missing:
            self._check_digest(lines[0], record["digest"])
        return Trace(header, events, missing)

    def _check_kind(self) -> None:
        if not self.data:
            self._fail(1, "the file is empty")
        if self.data.startswith(_OPENING):
            return
        if _OPENING.startswith(self.data):
            self._fail(1, _CUT)
        opening = _OPENING.decode("ascii")
        reason = f"a trace starts with {opening}"
        for start, looks in _LOOKS_LIKE:
            if self.data.startswith(start):
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
        names = [task.name for task in header.tasks]
        if len(dict.fromkeys(names)) != len(names):
            self._fail(1, "two tasks have the same name", place="tasks")

    def _events(self, lines: list[bytes], header: Header) -> tuple[Event, ...]:
        names = {task.name: task for task in header.tasks}
        events = []
        for seq, line in enumerate(lines, 1):
            event = self._structure(seq + 1, read_event, self._json(line, seq + 1))
            if event.seq != seq:
                message = f"must be {seq}: steps are numbered without a gap"
                self._fail(seq + 1, message, place="seq", value=str(event.seq))
            if event.task not in names:
                message = "the header knows no such task"
                self._fail(seq + 1, message, place="task", value=shown(event.task))
            events.append(event)
        return tuple(events)

    def _missing(self, told: object, found: int) -> int:
        """How many events are not there, if that is allowed."""
        if type(told) is not int or told < 0:
            message = "must be a whole number, 0 or more"
            self._fail(1, message, place="events", value=shown(told))
        if found > told or (found < told and not self.lenient):
            what = "truncated" if found < told else "too long"
            message = f"{what}: the header tells of {told} events, and the file has {found}"
            self._fail(found + 1, message)
        return told - found

    def _check_digest(self, line: bytes, digest: object) -> None:
        seal_bytes = seal("}", str(digest)).encode("ascii", "backslashreplace")
        head = line.removesuffix(seal_bytes)
        body = self.data[len(line) + 1 :]
        if head == line or digest_of(head + b"}", body) != digest:
            how = (
                "its line ends are CRLF" if b"\r\n" in self.data else "it does not fit the file"
            )
            self._fail(1, f"the file was edited: {how}", place="digest")

    def _json(self, line: bytes, number: int) -> object:
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

    def _fail(
        self, line: int, message: str, *, place: str = "", value: str = "", hint: str = ""
    ) -> NoReturn:
        where = f"line {line}: {place}" if place else f"line {line}"
        raise trace_error(self.file, where, message, value=value, hint=hint) from None


def _peek(line: bytes, position: int) -> str:
    return shown(line[position : position + 20].decode("ascii"))
