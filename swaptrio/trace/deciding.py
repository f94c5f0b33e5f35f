# SPDX-License-Identifier: MIT OR Apache-2.0
"""The few steps whose place in the order decided that an execution broke.

They are those to which the deviations of its schedule led, where these are few: everything else
is what happens by default. A schedule with many deviations decides nothing that a person could
see; `swaptrio fuzz` makes them short first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.sched import Ending

if TYPE_CHECKING:
    from swaptrio.trace.events import Event, Trace

#: As many deviations can be looked at one by one.
MOST: Final = 3

_BROKEN: Final = (Ending.VIOLATION, Ending.DEADLOCK, Ending.LIVELOCK)


def deciding(trace: Trace) -> tuple[int, ...]:
    """The numbers of the deciding steps; none where it did not break, or many took part."""
    verdict = trace.header.verdict
    decisions = verdict.schedule.decisions
    if verdict.ending not in _BROKEN or len(decisions) > MOST:
        return ()
    return tuple(each.step for each in decisions if each.step <= len(trace.events))


def deed(trace: Trace, seq: int) -> str:
    """What was decided in step *seq*, in words: what was drawn, or who came before whom."""
    event = trace.events[seq - 1]
    step = f"step {seq}, {event.task} at {event.label}"
    if event.option is not None:
        return f"{step}: chose {event.option}"
    overtaken = _overtaken(trace, event)
    if overtaken is None:
        return step
    return f"{step}: before step {overtaken.seq}, {overtaken.task} at {overtaken.label}"


def _overtaken(trace: Trace, event: Event) -> Event | None:
    """What the task that ran before *event* did next, none if that was nothing."""
    before = trace.events[event.seq - 2] if event.seq > 1 else None
    if before is None or before.task == event.task:
        return None
    later = trace.events[event.seq :]
    return next((each for each in later if each.task == before.task), None)
