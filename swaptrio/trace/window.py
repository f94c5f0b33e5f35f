# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which steps of a trace carried out which entry of its window.

The header tells the window in words only, so it is carried out here once more, on what
happened: an entry lasts until its task stands at the label, which shows in its next step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.trace.events import Event, Trace

_ENTRY: Final = re.compile(r"run (?P<task>.+) until (?P<until>.+?)(, time (?P<times>\d{1,9}))?")
_ITS_END: Final = "its end"


@attrs.frozen
class Span:
    """The entry *text* of a window, carried out by steps *first* to *last*.

    *last* is less than *first* where no step can be told to belong to it.
    """

    text: str
    first: int
    last: int


def spans(trace: Trace) -> tuple[Span, ...]:
    """One span for each entry of the window of *trace*, in order."""
    found = []
    begin = 1
    for text in trace.header.window:
        entry = _ENTRY.fullmatch(text)
        last = begin - 1
        if entry is not None:
            last = _last_step(trace.events[begin - 1 :], entry) or last
        found.append(Span(text, begin, last))
        begin = last + 1
    return tuple(found)


def window_end(trace: Trace) -> int:
    """The number of the last step that the window of *trace* asked for; 0 without one."""
    return max((span.last for span in spans(trace)), default=0)


def _last_step(events: Sequence[Event], entry: re.Match[str]) -> int:
    """The last of *events* that belongs to *entry*; 0 for none."""
    task, until, arrivals = entry["task"], entry["until"], int(entry["times"] or 1)
    last = 0
    for event in events:
        if event.task != task:
            continue
        # A data choice is drawn within a step: nobody stands there.
        here = event.label == until and event.kind is not Kind.CHOOSE
        arrivals -= bool(last) and here and until != _ITS_END
        if not arrivals:
            break
        last = event.seq
    return last
