# SPDX-License-Identifier: MIT OR Apache-2.0
"""Write a trace: JSON lines through structlog, whole or not at all.

The first line is the header, every other line one event. No line has a time stamp or a level,
keys stand in a fixed order and everything is ASCII, so the same execution gives the same bytes
in every process. The header ends with the number of events and with a digest over the rest of
the file, so a reader notices a file that was cut or edited.

The processor chain is built here, on a logger of our own. structlog's global configuration
belongs to the program that uses this library: it is neither changed nor heeded.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from swaptrio.trace.problems import trace_error
from swaptrio.trace.records import Record, event_record, header_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import EventDict, WrappedLogger

    from swaptrio.trace.events import Trace


def render_trace(trace: Trace) -> bytes:
    """*trace* as the bytes of its file.

    Raises:
        TypeError: a value in it is neither text nor a whole number.
        TraceError: its file was cut or edited; sealed anew it would pass for a whole trace.
    """
    if trace.missing or trace.flaws:
        raise trace_error("", "", "a trace that was cut or edited is not written again")
    lines = [_line(event_record(event)) for event in trace.events]
    header = {**header_record(trace.header), "events": len(lines)}
    head = _line(header)
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    head = seal(head, digest_of(head.encode("ascii"), body))
    return f"{head}\n".encode("ascii") + body


def write_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write *trace* to *path*, in place of what was there; on any failure nothing is left.

    The bytes go to a temporary file in the same folder, which then takes the place of the old.

    Raises:
        TraceError: the file cannot be written; the message says why.
    """
    write_whole([render_trace(trace)], path)


def write_whole(parts: Iterable[bytes], path: str | os.PathLike[str]) -> int:
    """Write *parts* to *path* as `write_trace` does: whole, or not at all.

    Returns:
        How many bytes that were.

    Raises:
        TraceError: the file cannot be written; the message says why.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise trace_error(str(path), "", "not a file, so nothing can be written to it")
        return _replace(target, parts)
    except OSError as exc:
        message = f"cannot be written: {exc.strerror or exc}"
        raise trace_error(str(path), "", message) from None


def digest_of(head: bytes, body: bytes) -> str:
    """The digest of a file: SHA-256 over its unsealed header *head* and its event lines."""
    return hashlib.sha256(head + b"\n" + body).hexdigest()


def seal(head: str, digest: str) -> str:
    """The header line *head* with *digest* as its last key."""
    return f'{head[:-1]},"digest":"{digest}"}}'


def _replace(target: Path, parts: Iterable[bytes]) -> int:
    # The name of the target is left out, for with it the name could become too long.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(part, target)
        return size
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _event_first(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    return {"event": event_dict.pop("event"), **event_dict}


def _to_json(record: EventDict, **_kwargs: Any) -> str:
    """JSON without structlog's fallback, which would print the repr of a foreign value."""
    return _encode(record)


_encode: Final = json.JSONEncoder(separators=(",", ":")).encode

_LOGGER: Final = structlog.wrap_logger(
    structlog.testing.ReturnLogger(),
    processors=[_event_first, structlog.processors.JSONRenderer(serializer=_to_json)],
    wrapper_class=structlog.make_filtering_bound_logger(0),
    context_class=dict,
    cache_logger_on_first_use=False,
).bind()


def _line(record: Record) -> str:
    fields = dict(record)
    line: str = _LOGGER.info(fields.pop("event"), **fields)
    return line
