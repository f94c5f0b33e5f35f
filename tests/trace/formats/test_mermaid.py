# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mermaid: every line is a statement, and no text is more than text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.errors import TraceError
from swaptrio.sched import Kind
from swaptrio.trace import Trace
from swaptrio.trace.formats.mermaid import to_mermaid

if TYPE_CHECKING:
    from collections.abc import Callable

#: Text: safe characters, codes, and breaks of lines.
TEXT = r"(?:[A-Za-z0-9 _.,:/()\[\]=+*'?!-]|#\d+;|<br/>)+"
LINE = re.compile(
    rf"sequenceDiagram|    %% {TEXT}|    participant t\d+ as {TEXT}"
    rf"|    t\d+--?>>t\d+: {TEXT}|    Note over t\d+(?:,t\d+)?: {TEXT}"
)


def valid(data: bytes) -> list[str]:
    """The lines of a diagram, each of which is a statement."""
    lines = data.decode("ascii").splitlines()
    assert lines[0] == "sequenceDiagram"
    known = {line.split()[1] for line in lines if line.startswith("    participant")}
    for line in lines:
        assert LINE.fullmatch(line), line
        assert not re.search(r"(?<!\[)\bend\b|style|classDef", line, re.IGNORECASE), line
        arrow = re.match(r"    (t\d+)--?>>(t\d+)", line)
        assert arrow is None or {arrow[1], arrow[2]} <= known
    return lines


def test_golden(talk: Trace, same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_mermaid(talk)

    valid(data)
    same_as_golden("talk.mmd", data)


def test_quiet_steps_are_left_out(race: Trace, calm: Trace) -> None:
    """A step that changed nothing is drawn only where it broke a rule."""
    assert len([line for line in valid(to_mermaid(race)) if "Note over t0: " in line]) == 1
    assert "start" not in to_mermaid(calm).decode()


def test_a_long_trace_is_refused(talk: Trace) -> None:
    """Nobody can read a long diagram; the message says what to use."""
    event = attrs.evolve(talk.events[0], kind=Kind.WAKE)
    events = tuple(attrs.evolve(event, seq=seq) for seq in range(1, 62))

    with pytest.raises(TraceError) as caught:
        to_mermaid(Trace(talk.header, events))

    assert str(caught.value) == (
        "Mermaid is for at most 60 steps that change something, and this trace has more; "
        "svg draws them all"
    )


def test_hostile_names(hostile: Trace) -> None:
    """Whatever the names are, every line is a statement."""
    lines = valid(to_mermaid(hostile))

    assert len([line for line in lines if "participant" in line]) == 3
    assert max(map(len, lines)) < 2000
