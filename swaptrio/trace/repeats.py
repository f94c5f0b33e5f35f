# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lines of a trace that say what an earlier line has said.

Tasks of a long trace do the same again and again, and only the number of the step and the time
tell two such lines apart. The second need not be read word by word: that takes a third of the
time, and what the two have in common is in memory once.

A line counts as such only if nothing else in it can be another number or time: it has the keys
in the order in which they are written, and no second spelling of them behind.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from swaptrio.trace.events import Event

#: So many lines are remembered, and none longer than that, in bytes.
MOST: Final = 8192
LONGEST: Final = 1024

_NUMBER: Final = rb"(0|[1-9]\d{0,17})"
_LINE: Final = re.compile(
    rb'(\{"event":"[^"\\]*"),"seq":' + _NUMBER + rb',"time":' + _NUMBER + rb"(,[^\\]*)"
)
_AGAIN: Final = re.compile(rb'"(?:event|seq|time)"\s*:')


@attrs.define(eq=False)
class Repeats:
    """The events of lines that were read, by what stands around number and time."""

    _known: dict[tuple[bytes, bytes], Event] = attrs.Factory(dict)

    def find(self, line: bytes) -> Event | None:
        """The event of *line*, if one that says the same was kept."""
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        label, seq, time, rest = match.groups()
        known = self._known.get((label, rest))
        if known is None:
            return None
        return Event(
            int(seq),
            int(time),
            known.task,
            known.kind,
            known.object,
            known.label,
            known.option,
            known.changes,
            known.held,
            known.more,
        )

    def keep(self, line: bytes, event: Event) -> None:
        """Remember that *line* was found to be *event*; when there are too many, anew."""
        match = _LINE.fullmatch(line) if len(line) <= LONGEST else None
        if match is None or _AGAIN.search(match[4]):
            return
        if len(self._known) == MOST:
            self._known.clear()
        self._known[match[1], match[4]] = event
