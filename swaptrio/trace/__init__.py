# SPDX-License-Identifier: MIT OR Apache-2.0
"""Traces: recording, writing, reading, selecting and drawing them.

A `Recorder` observes one execution; its `Trace` holds everything that any picture needs::

    recorder = Recorder(snapshot)
    run(program, Recorded(schedule), observer=recorder)
    trace = recorder.trace(scenario="lost-update")
    write_trace(trace, "lost-update.jsonl")
    print(draw_lanes(open_trace("lost-update.jsonl")), end="")

`draw_state` shows the world at one step, `diff` holds two traces against each other, and
`swaptrio.trace.formats` has what the tools of others open.
"""

from swaptrio.trace.compare import Difference, Divergence, Pair, diff
from swaptrio.trace.differences import draw_diff
from swaptrio.trace.events import (
    FORMAT,
    VERSION,
    Change,
    Event,
    Header,
    Report,
    Trace,
    TracedTask,
    Value,
)
from swaptrio.trace.filter import Selection, around, select
from swaptrio.trace.lanes import draw_lanes
from swaptrio.trace.order import Hold, Link, clocks, holds, links
from swaptrio.trace.read import open_trace, parse_trace, state_at
from swaptrio.trace.recorder import Recorder, Snapshot
from swaptrio.trace.state import draw_state
from swaptrio.trace.write import render_trace, write_trace, write_whole

__all__ = [
    "FORMAT",
    "VERSION",
    "Change",
    "Difference",
    "Divergence",
    "Event",
    "Header",
    "Hold",
    "Link",
    "Pair",
    "Recorder",
    "Report",
    "Selection",
    "Snapshot",
    "Trace",
    "TracedTask",
    "Value",
    "around",
    "clocks",
    "diff",
    "draw_diff",
    "draw_lanes",
    "draw_state",
    "holds",
    "links",
    "open_trace",
    "parse_trace",
    "render_trace",
    "select",
    "state_at",
    "write_trace",
    "write_whole",
]
