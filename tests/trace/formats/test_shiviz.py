# SPDX-License-Identifier: MIT OR Apache-2.0
"""Logs for ShiViz: its own expression reads every event, and the clocks are clocks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from swaptrio.trace.formats.shiviz import EXPRESSION, to_shiviz

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.trace import Trace

Entry = tuple[str, str, dict[str, int]]


def valid(data: bytes) -> list[Entry]:
    """Text, host and clock of each event of a log, read as ShiViz reads it."""
    text = data.decode("ascii")
    assert text.startswith(f"# {EXPRESSION}\n")
    entries: list[Entry] = []
    for match in re.finditer(EXPRESSION.replace("(?<", "(?P<"), text):
        assert re.match(r"step \d+ ", match["event"])
        entries.append((match["event"], match["host"], json.loads(match["clock"])))
    steps: dict[str, int] = {}
    for _, host, clock in entries:
        assert host
        steps[host] = steps.get(host, 0) + 1
        assert clock[host] == steps[host]
        assert all(0 < count <= steps[other] for other, count in clock.items())
    return entries


def test_golden(talk: Trace, same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_shiviz(talk)

    valid(data)
    same_as_golden("talk.log", data)


def test_every_event_is_read(talk: Trace) -> None:
    """As many events as steps, with their tasks as hosts."""
    entries = valid(to_shiviz(talk))

    assert [host for _, host, _ in entries] == [event.task for event in talk.events]
    assert entries[6] == (
        "step 7 bios.receive: receive bios",
        "disk",
        {"disk": 2, "fault": 5},
    )


def test_hostile_names(hostile: Trace) -> None:
    """No name is taken for an event, a host or a clock."""
    entries = valid(to_shiviz(hostile))

    assert len(entries) == 15
    assert len({host for _, host, _ in entries}) == 3
