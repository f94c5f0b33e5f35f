# SPDX-License-Identifier: MIT OR Apache-2.0
"""The text of ftrace, as the kernel's own tools print it and Perfetto reads it.

Step 17 fills the time from 0.017000 on: the milliseconds are the numbers of steps. A task is a
thread of one process; a step is a slice of it (``B`` and ``E``), what it did are instants in
that (``I``), a hold of a lock is an asynchronous slice of the process (``S`` and ``F``, for
holds need not nest), and a number in the state a counter (``C``). A task switch comes before
the step that it leads to.

There are four flag characters and no more, as Perfetto's reader knows no fifth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.trace.ending import outcome
from swaptrio.trace.formats.texts import short, slugs, title_of
from swaptrio.trace.words import locks_moved, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.events import Change, Event, Trace
    from swaptrio.trace.words import Step

#: The process that all tasks belong to; they are numbered from the next on.
PROCESS: Final = 1000

#: Microseconds of a step; so many lines there can be before a step begins late.
STEP: Final = 1000

#: The kernel's TASK_COMM_LEN, without the zero at its end.
_COMM: Final = 15

_HEAD: Final = """\
# tracer: nop
#
# {title}
# schedule: {schedule}
# The milliseconds of a time stamp are the number of the step.
#
#                                _-----=> irqs-off
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||||
#           TASK-PID     CPU#  ||||   TIMESTAMP  FUNCTION
#              | |         |   ||||      |         |
"""


def to_ftrace(trace: Trace) -> bytes:
    """*trace* as the text of ``/sys/kernel/tracing/trace``."""
    return b"".join(ftrace_parts(trace))


def ftrace_parts(trace: Trace) -> Iterator[bytes]:
    """`to_ftrace` piece by piece; it goes through the events once, and keeps none."""
    head = _HEAD.format(title=title_of(trace), schedule=short(trace.header.schedule, 4000))
    yield head.encode("ascii")
    for line in _Writer.of(trace).lines(trace):
        yield f"{line}\n".encode("ascii")


@attrs.define
class _Writer:
    """The names of the tasks in this format, the time of the last line, and what is held.

    Each hold has a *number* of its own, its cookie, from its first step to its last.
    """

    comms: dict[str, str]
    pids: dict[str, int]
    time: int = 0
    running: str = ""
    number: int = 0
    held: dict[str, tuple[str, ...]] = attrs.Factory(dict)
    cookies: dict[tuple[str, str], int] = attrs.Factory(dict)

    @classmethod
    def of(cls, trace: Trace) -> _Writer:
        names = [task.name for task in trace.header.tasks]
        pids = {name: PROCESS + number for number, name in enumerate(names, 1)}
        return cls(slugs(names, _COMM), pids)

    def lines(self, trace: Trace) -> Iterator[str]:
        for key, value in trace.header.world.items():
            if isinstance(value, int) and trace.events:
                yield self._mark(trace.events[0], f"C|{PROCESS}|{_name(key)}|{value}")
        last = len(trace.events)
        for step in steps_of(trace):
            yield from self._step(step, step.event.seq == last)
        yield from self._verdict(trace)

    def _step(self, step: Step, is_last: bool) -> Iterator[str]:
        event = step.event
        taken, given = locks_moved(event, self.held.get(event.task, ()))
        self.held[event.task] = event.held
        self.time = max(self.time, event.seq * STEP - 1)
        if self.running != event.task:
            yield self._switch(event)
        yield self._mark(event, f"B|{PROCESS}|{_name(event.label)}")
        for lock in dict.fromkeys([*taken, *given]):
            if (event.task, lock) not in self.cookies:
                yield self._mark(event, f"S|{PROCESS}|{self._hold(event.task, lock)}")
        for effect in step.effects:
            yield self._mark(event, f"I|{PROCESS}|{_name(effect)}")
        for key, change in event.changes.items():
            if _counts(change):
                yield self._mark(event, f"C|{PROCESS}|{_name(key)}|{change[1] or 0}")
        ended = dict.fromkeys((event.task, lock) for lock in given)
        for task, lock in self.cookies if is_last else ended:
            yield self._mark(event, f"F|{PROCESS}|{self._hold(task, lock)}")
        for hold in ended:
            del self.cookies[hold]
        yield self._mark(event, f"E|{PROCESS}")

    def _hold(self, task: str, lock: str) -> str:
        """The name and the cookie of a hold, which gets one if it is new."""
        if (task, lock) not in self.cookies:
            self.number += 1
            self.cookies[task, lock] = self.number
        return f"lock {_name(lock)}|{self.cookies[task, lock]}"

    def _verdict(self, trace: Trace) -> Iterator[str]:
        verdict = trace.header.verdict
        if trace.events and not verdict.passed:
            text = f"{outcome(verdict)}: {verdict.message}"
            yield self._mark(trace.events[-1], f"I|{PROCESS}|{_name(text)}")

    def _switch(self, event: Event) -> str:
        """The baton goes to the task of *event*, from the one before or from nobody."""
        before = self.running or event.task
        comm = self.comms[before] if self.running else "swapper/0"
        pid = self.pids[before] if self.running else 0
        self.running = event.task
        after = f"next_comm={self.comms[event.task]} next_pid={self.pids[event.task]}"
        text = f"prev_comm={comm} prev_pid={pid} prev_prio=120 prev_state=R ==> {after}"
        return self._line(comm, pid, "sched_switch", f"{text} next_prio=120")

    def _mark(self, event: Event, payload: str) -> str:
        comm, pid = self.comms[event.task], self.pids[event.task]
        return self._line(comm, pid, "tracing_mark_write", payload)

    def _line(self, comm: str, pid: int, name: str, text: str) -> str:
        self.time += 1
        stamp = f"{self.time // 1_000_000}.{self.time % 1_000_000:06d}"
        return f"{comm:>16}-{pid:<7} [000] .... {stamp:>12}: {name}: {text}"


def _counts(change: Change) -> bool:
    old, new = change
    return isinstance(new, int) or (new is None and isinstance(old, int))


def _name(text: str) -> str:
    """A name within a mark, whose fields bars divide."""
    return short(text).replace("|", "/").strip() or "_"
