# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ``swaptrio trace`` makes of a trace: a picture, a table, a difference, or a file."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from swaptrio.cli.console import Console, short
from swaptrio.errors import harmless
from swaptrio.trace import (
    Difference,
    Event,
    Trace,
    around,
    diff,
    draw_diff,
    draw_lanes,
    draw_state,
    open_trace,
    select,
    state_at,
    write_whole,
)
from swaptrio.trace.formats import FORMATS
from swaptrio.trace.lanes import MOST
from swaptrio.trace.records import event_record, header_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from swaptrio.trace.filter import Selection

#: As the name of a file: standard output.
STDOUT: Final = "-"

_BLOCK: Final = 1024 * 1024

_RECORDED: Final = ".jsonl"


@attrs.frozen(kw_only=True)
class Asked:
    """The options of the command, by their names."""

    file: str
    task: tuple[str, ...]
    label: tuple[str, ...]
    touching: tuple[str, ...]
    slot: tuple[str, ...]
    lock: tuple[str, ...]
    first: int
    last: int | None
    step: int | None
    context: int
    since: int | None
    until: int | None
    width: int | None
    daemons: bool
    no_fold: bool
    state: int | None
    diagram: bool
    diff: str | None
    html: str | None
    format: str | None
    output: str | None
    strict: bool


def answer(console: Console, asked: Asked) -> None:
    """Say, or write, what *asked* asks for.

    Raises:
        TraceError: a file is no trace, or cannot be written, or the trace lacks what was asked.
    """
    _check_stdout(console, asked)
    trace = _opened(console, asked.file, asked.strict)
    other = None if asked.diff is None else _opened(console, asked.diff, asked.strict)
    if asked.html is not None:
        _page(console, asked, trace, other)
    elif asked.format is not None:
        _format(console, asked, trace, asked.format)
    elif asked.state is not None:
        _state(console, asked, trace, asked.state)
    elif asked.diagram:
        _diagram(console, asked, trace)
    elif other is not None:
        _difference(console, asked, diff(trace, other))
    else:
        _lanes(console, asked, trace)


def _check_stdout(console: Console, asked: Asked) -> None:
    if console.json and STDOUT in (asked.html, asked.output):
        msg = "standard output cannot have both the file and the JSON document"
        raise click.UsageError(msg)


def _opened(console: Console, file: str, strict: bool) -> Trace:
    """The trace in *file*; where something has happened to that, somebody is told."""

    def progress(part: float) -> None:
        console.progress(harmless(f"reading {file}: {part:.0%}"))

    trace = open_trace(file, strict=strict, progress=progress)
    for flaw in trace.flaws:
        console.tell(harmless(f"warning: {file}: {flaw}"))
    return trace


def _lanes(console: Console, asked: Asked, trace: Trace) -> None:
    first, last, marks = asked.first, asked.last, []
    if asked.step is not None:
        first, last = around(trace, asked.step, asked.context)
        marks.append(asked.step)
    events = select(
        trace,
        tasks=asked.task,
        labels=asked.label,
        touching=asked.touching,
        slots=asked.slot,
        locks=asked.lock,
        first=first,
        last=last,
        since=asked.since,
        until=asked.until,
        most=MOST,
    )
    if events.left_out:
        console.tell(_left_out(asked, events))
    console.document(
        {
            **_about(trace),
            "steps": trace.header.steps,
            "left_out": events.left_out,
            "events": [event_record(event) for event in events],
        }
    )
    if not console.json:
        picture = draw_lanes(
            trace,
            events=events,
            width=asked.width or console.width,
            daemons=asked.daemons,
            fold=not asked.no_fold,
            marks=marks,
            command=_command(console, trace, asked.file),
            color=console.color,
        )
        console.page(picture.rstrip("\n"))


def _left_out(asked: Asked, events: Selection) -> str:
    last = events.events[0].seq - 1
    part = f"--last {last} goes on before them" if asked.step is None else "lower --context"
    return (
        f"warning: {len(events) + events.left_out} steps fit, and the last {len(events)} are "
        f"shown; {part}"
    )


def _about(trace: Trace) -> dict[str, Any]:
    """What a program is told of the trace, whatever it asks for."""
    return {
        "header": header_record(trace.header),
        "missing": trace.missing,
        "flaws": list(trace.flaws),
    }


def _state(console: Console, asked: Asked, trace: Trace, step: int) -> None:
    if not console.json:
        console.page(draw_state(trace, step, asked.width or console.width).rstrip("\n"))
        return
    state = state_at(trace, step)
    event = trace.events[step - 1] if step else None
    console.document(
        {
            **_about(trace),
            "step": step,
            "event": None if event is None else event_record(event),
            "state": state,
        }
    )


def _diagram(console: Console, asked: Asked, trace: Trace) -> None:
    from swaptrio.diagram import draw_diagram

    drawing = draw_diagram(trace, asked.width) if asked.width else draw_diagram(trace)
    console.document({**_about(trace), "diagram": drawing})
    if not console.json:
        console.page(drawing.rstrip("\n"))


def _difference(console: Console, asked: Asked, found: Difference) -> None:
    console.document(_difference_record(found))
    if not console.json:
        width = asked.width or console.width
        console.page(draw_diff(found, width=width, color=console.color).rstrip("\n"))


def _difference_record(found: Difference) -> dict[str, Any]:
    first = found.first
    return {
        "a": _about(found.a),
        "b": _about(found.b),
        "same": found.same,
        "first": None
        if first is None
        else {
            "step": first.seq,
            "what": first.what,
            "a": _maybe_record(first.a),
            "b": _maybe_record(first.b),
        },
        "tasks": {
            task: [[_seq(pair.a), _seq(pair.b)] for pair in pairs]
            for task, pairs in found.pairs.items()
        },
        "start": {key: list(change) for key, change in found.start.items()},
        "end": {key: list(change) for key, change in found.end.items()},
    }


def _maybe_record(event: Event | None) -> dict[str, Any] | None:
    return None if event is None else event_record(event)


def _seq(event: Event | None) -> int | None:
    return None if event is None else event.seq


def _page(console: Console, asked: Asked, trace: Trace, other: Trace | None) -> None:
    from swaptrio.page import render_page

    assert asked.html is not None
    data = render_page(trace, other)
    _written(console, asked, [data], asked.html, "html", "open it in a browser")


def _format(console: Console, asked: Asked, trace: Trace, name: str) -> None:
    chosen = FORMATS[name]
    path = asked.output or _beside(asked.file, chosen.suffix)
    _written(console, asked, chosen.pieces(trace), path, name, f"not in it: {chosen.lost}")


def _beside(file: str, suffix: str) -> str:
    return file.removesuffix(_RECORDED) + suffix


def _written(
    console: Console, asked: Asked, parts: Iterable[bytes], path: str, name: str, about: str
) -> None:
    """Put *parts* where they were wanted, and say so, unless one would say it right there."""
    if path == STDOUT:
        for block in _blocks(parts):
            console.raw(block)
        return
    _spare(path, (asked.file, asked.diff))
    size = write_whole(parts, path)
    console.document({"format": name, "file": path, "bytes": size})
    console.say(harmless(f"written: {short(Path(path))}"))
    console.say(about)


def _blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """*parts* in blocks that are worth a call each."""
    block = bytearray()
    for part in parts:
        block += part
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _spare(path: str, sources: Sequence[str | None]) -> None:
    """Refuse to write over a trace that was just read."""
    for source in sources:
        if source is not None and os.path.realpath(source) == os.path.realpath(path):
            msg = f"{path} would be written over, and it is the trace; name another file"
            raise click.UsageError(harmless(msg))


def _command(console: Console, found: Trace, file: str) -> str:
    """What replays the trace, where its scenario and its variant can be named."""
    from swaptrio.scenario.files import names
    from swaptrio.variants import names as variants

    header = found.header
    if header.scenario not in names() or header.variant not in variants():
        return ""
    schedule = str(header.schedule) if found.missing else file
    options = ["--variant", header.variant, "--schedule", schedule]
    return shlex.join([console.program, "replay", header.scenario, *options])
