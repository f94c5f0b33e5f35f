# SPDX-License-Identifier: MIT OR Apache-2.0
"""A schedule that somebody typed: a token, names, or the path of a trace that holds one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from swaptrio.cli.case import is_file
from swaptrio.cli.edge import Mismatch
from swaptrio.errors import Problem, ScheduleError, harmless, shown
from swaptrio.sched import BadSchedule, Recorded, Schedule
from swaptrio.sched.names import NamedSchedule, is_named
from swaptrio.sched.strategies.named import Named
from swaptrio.trace import open_trace

if TYPE_CHECKING:
    from swaptrio.cli.case import Case


def strategy_in(case: Case, text: str) -> Recorded | Named:
    """What replays the schedule that *text* is, or that the trace at the path *text* has.

    Raises:
        ScheduleError: it is neither.
        TraceError: there is a file, and it is no trace.
        Mismatch: the trace is one of another scenario or variant.
    """
    if not is_named(text):
        return Recorded(schedule_in(case, text))
    try:
        return Named(NamedSchedule.parse(text))
    except BadSchedule as exc:
        raise ScheduleError((Problem("", "--schedule", "", str(exc)),)) from None


def schedule_in(case: Case, text: str) -> Schedule:
    """The schedule that the token *text* is, or that the trace at the path *text* has.

    Raises:
        ScheduleError: it is neither.
        TraceError: there is a file, and it is no trace.
        Mismatch: the trace is one of another scenario or variant.
    """
    try:
        return Schedule.parse(text)
    except BadSchedule as exc:
        if is_file(Path(text)) or text.endswith(".jsonl"):
            return _recorded(case, text)
        message = f"{exc}; and there is no trace of this name"
        raise ScheduleError((Problem("", "--schedule", "", message),)) from None


def _recorded(case: Case, file: str) -> Schedule:
    header = open_trace(file, strict=True).header
    for what, found, wanted in (
        ("scenario", header.scenario, case.scenario.name),
        ("variant", header.variant, case.variant.name),
    ):
        if found != wanted:
            option = "" if what == "scenario" else "; name it with --variant"
            msg = f"{file}: the trace is one of {what} {shown(found)}, not {wanted}{option}"
            raise Mismatch(harmless(msg))
    return header.verdict.schedule
