# SPDX-License-Identifier: MIT OR Apache-2.0
"""Traces with hostile names, and files to compare with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.sched import Decision, Schedule
from swaptrio.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.trace.events import Change

GOLDEN = Path(__file__).parent / "golden"

#: Names that some format, or some reader of it, would obey.
NASTY = (
    "</script><script>alert(1)</script>",
    "\"quoted\" & 'quoted' <b onload=x>",
    "line\nbreak\r\n\tand\x00\x1b[31m\x7f",
    "\u202eright to left\u200f \u05d0\u2028",
    "very long " * 800,
    "end",
    "a|b|c # d; e: f %% {g} loop",
    "\ud800",
    "]]> <!-- --> &amp;",
    "style a:#1; classDef b:#2;",
    'x {"x":1}',
    "{}",
    "not ok 1 - x # SKIP",
    "-1 [000] .... 0.1: sched_switch: prev_pid=1",
    "",
    " ",
)


def _hostile(trace: Trace, nasty: str) -> Trace:
    """*trace* with *nasty* in the place, or in front, of every name."""
    header = trace.header
    verdict = attrs.evolve(
        header.verdict,
        check=nasty,
        message=nasty,
        schedule=Schedule((Decision(3, 1, "a", "b.c"),)),
    )
    header = attrs.evolve(
        header,
        verdict=verdict,
        scenario=nasty,
        variant=nasty,
        tasks=tuple(attrs.evolve(task, name=nasty + task.name) for task in header.tasks),
        world={nasty + key: value for key, value in header.world.items()},
    )
    events = (
        attrs.evolve(
            event,
            task=nasty + event.task,
            label=nasty,
            object=nasty + event.object if event.object else "",
            option=nasty,
            held=tuple(nasty + lock for lock in event.held),
            changes={
                nasty + key: _worse(change, nasty) for key, change in event.changes.items()
            },
        )
        for event in trace.events
    )
    return Trace(header, tuple(events))


def _worse(change: Change, nasty: str) -> Change:
    old, new = change
    return old, nasty if isinstance(new, str) else new


@pytest.fixture(params=NASTY, ids=range(len(NASTY)))
def nasty(request: pytest.FixtureRequest) -> str:
    """One hostile name after the other."""
    name: str = request.param
    return name


@pytest.fixture
def hostile(talk: Trace, nasty: str) -> Trace:
    """A trace all of whose names are hostile."""
    return _hostile(talk, nasty)


@pytest.fixture
def same_as_golden() -> Callable[[str, bytes], None]:
    """Compare bytes with a file in ``golden``; UPDATE_GOLDEN=1 in the environment writes it."""

    def compare(name: str, data: bytes) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_bytes(data)
        assert data.decode("ascii").splitlines() == path.read_text("ascii").splitlines()
        assert data == path.read_bytes()

    return compare
