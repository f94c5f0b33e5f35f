# SPDX-License-Identifier: MIT OR Apache-2.0
"""Logs with vector clocks, as ShiViz draws them.

An event takes two lines: what was done, and then the task with its clock. The expression that
ShiViz needs to read them is in the first line of the file; it is what ShiViz suggests itself.
Clocks are those of `order`: two events are drawn as ordered only if something orders them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.trace.formats.texts import refuse_longer, short, slugs, title_of, to_json
from swaptrio.trace.order import clocks
from swaptrio.trace.words import steps_of

if TYPE_CHECKING:
    from swaptrio.trace.events import Trace

#: The longest trace that is written; a browser draws no more.
MOST: Final = 20_000

#: Reads an event; to be pasted into ShiViz.
EXPRESSION: Final = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})"


def to_shiviz(trace: Trace) -> bytes:
    """*trace* as a log for ShiViz.

    Raises:
        TraceError: it has more than `MOST` steps.
    """
    refuse_longer("ShiViz", len(trace.events), MOST, "chrome or ftrace take any length")
    hosts = slugs(task.name for task in trace.header.tasks)
    lines = [f"# {EXPRESSION}", f"# trace: {title_of(trace)}"]
    for step, clock in zip(steps_of(trace), clocks(trace), strict=True):
        event = step.event
        # "step 17", like "trace:" above, keeps hostile names from looking like a clock's line.
        text = ": ".join(
            [event.label, ", ".join(step.effects)] if step.effects else [event.label]
        )
        lines.append(short(f"step {event.seq} {text}"))
        known = {hosts[task]: steps for task, steps in clock.items()}
        lines.append(f"{hosts[event.task]} {to_json(known)}")
    return "".join(f"{line}\n" for line in lines).encode("ascii")
