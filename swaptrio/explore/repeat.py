# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether an execution can be had again: the same schedule, and the same steps all along.

A program that depends on anything but its decisions makes whatever is concluded worthless. An
execution of chance is held against two repetitions of its schedule: its end against that of
the first, and all steps of that one against those of the second.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from swaptrio.explore.execute import execute
from swaptrio.sched import Ending, Recorded
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Scheduler, Verdict


async def repeat(scheduler: Scheduler, setup: Setup, verdict: Verdict) -> str:
    """Where a repetition of the execution of *setup* that ended as *verdict* differs.

    Empty where two of them went the same way; else the first step that does not, with what was
    expected and what is there.
    """
    expected, again = await _replay(scheduler, setup, verdict)
    if again.ending is Ending.DIVERGED:
        return again.message
    if _end(again) != _end(verdict):
        first = min(verdict.steps, again.steps)
        return f"step {first}: expected {_told(verdict)}, found {_told(again)}"
    found, _ = await _replay(scheduler, setup, verdict)
    for one, other in zip_longest(expected, found, fillvalue="the end"):
        if one != other:
            return f"first differing step: expected {one}, found {other}"
    return ""


async def _replay(
    scheduler: Scheduler, setup: Setup, verdict: Verdict
) -> tuple[list[str], Verdict]:
    """What the schedule of *verdict* gives now, step by step, and its end."""
    transcript, recorded = Transcript(), Recorded(verdict.schedule)
    again = await execute(scheduler, setup, recorded, transcript, watched=False)
    return transcript.lines, again


def _end(verdict: Verdict) -> tuple[object, ...]:
    return verdict.ending, verdict.check, verdict.message, verdict.steps


def _told(verdict: Verdict) -> str:
    return f"{verdict} after {verdict.steps} steps"
