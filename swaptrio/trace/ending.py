# SPDX-License-Identifier: MIT OR Apache-2.0
"""The end of the picture: what broke, who was concerned, and how to see it again."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from swaptrio.sched import Ending, Verdict
from swaptrio.trace.deadlock import deadlock_lines
from swaptrio.trace.deciding import deciding, deed
from swaptrio.trace.layout import Paint, shell_lines, wrap
from swaptrio.trace.words import ascii_only, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.events import Event, Trace

#: So many steps of each task concerned are repeated, and of so many tasks.
_LAST_STEPS: Final = 3
_MOST_TASKS: Final = 6

#: A livelock concerns whoever made one of so many last steps.
_GOING_ROUND: Final = 20

_INDENT: Final = "  "


def ending_lines(trace: Trace, width: int, command: str, paint: Paint) -> Iterator[str]:
    """The verdict in lines of at most *width*; the last are *command*, if there is one."""
    sentence = ascii_only(_sentence(trace))
    yield from (paint(line, "head") for line in wrap(sentence, width, _INDENT))
    verdict = trace.header.verdict
    if verdict.message:
        yield from _indented(verdict.message, width)
    if trace.missing:
        yield from _indented(f"(the file was cut: {_events(trace.missing)} not in it)", width)
    else:
        yield from _decided_by(trace, width)
        yield from _last_steps(trace, width)
        if verdict.ending is Ending.DEADLOCK:
            yield from deadlock_lines(trace, width)
    yield from _reports(trace, width)
    yield ""
    yield from wrap(f"schedule: {ascii_only(trace.header.schedule)}", width, _INDENT)
    if command:
        yield from shell_lines(ascii_only(command), width)


def concerned(trace: Trace) -> tuple[str, ...]:
    """The tasks that the verdict concerns, in the order of their creation.

    For a deadlock these are the waiting ones. Otherwise whoever made the last step, whom the
    message names, and who last touched what that step touched.
    """
    verdict = trace.header.verdict
    names = {edge.task: True for edge in verdict.waiting}
    if verdict.ending is Ending.LIVELOCK:
        names |= {event.task: True for event in trace.events[-_GOING_ROUND:]}
    elif not names and not verdict.passed:
        names = _around_the_last_step(trace)
    ordered = (task.name for task in trace.header.tasks if task.name in names)
    return tuple(ordered)[:_MOST_TASKS]


def _sentence(trace: Trace) -> str:
    verdict = trace.header.verdict
    what = outcome(verdict)
    if verdict.passed or not trace.events or trace.missing:
        return f"{what} after {_count(trace.header.steps)}"
    last = trace.events[-1]
    where = f"step {last.seq}, {last.task} at {last.label}"
    if verdict.ending in (Ending.VIOLATION, Ending.ERROR):
        return f"{what} in {where}"
    return f"{what} after {where}"


def outcome(verdict: Verdict) -> str:
    """The ending in a few words, with the rule that was broken: ``violation of I-TABLE``."""
    if verdict.check in ("", verdict.ending):
        return str(verdict.ending)
    if verdict.ending is Ending.VIOLATION:
        return f"{verdict.ending} of {verdict.check}"
    return f"{verdict.ending} ({verdict.check})"


def _count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"


def _events(count: int) -> str:
    return "1 event is" if count == 1 else f"{count} events are"


def _indented(text: str, width: int) -> Iterator[str]:
    for line in wrap(ascii_only(text), width - len(_INDENT), _INDENT):
        yield _INDENT + line


def _decided_by(trace: Trace, width: int) -> Iterator[str]:
    decided = deciding(trace)
    if decided:
        yield ""
        yield "decided by:"
    for seq in decided:
        yield from _indented(deed(trace, seq), width)


def _last_steps(trace: Trace, width: int) -> Iterator[str]:
    names = concerned(trace)
    if not names:
        return
    yield ""
    yield "last steps of the tasks concerned:"
    own: dict[str, deque[int]] = {name: deque() for name in names}
    for event in reversed(trace.events):
        steps_of_task = own.get(event.task)
        if steps_of_task is not None and len(steps_of_task) < _LAST_STEPS:
            steps_of_task.appendleft(event.seq)
            if all(len(each) == _LAST_STEPS for each in own.values()):
                break
    wanted = {seq: True for numbers in own.values() for seq in numbers}
    steps = {step.event.seq: step for step in steps_of(trace, wanted)}
    for name in names:
        for seq in own[name]:
            step = steps[seq]
            words = ", ".join(step.effects)
            text = f"step {step.event.seq}, {name} at {step.event.label}"
            yield from _indented(f"{text}: {words}" if words else text, width)


def _reports(trace: Trace, width: int) -> Iterator[str]:
    if trace.header.reports:
        yield ""
        yield "also reported:"
    for report in trace.header.reports:
        yield from _indented(f"{report.check}: {report.message}", width)


def _around_the_last_step(trace: Trace) -> dict[str, bool]:
    if not trace.events:
        return {}
    last = trace.events[-1]
    names = {last.task: True}
    message = trace.header.verdict.message
    names |= {task.name: True for task in trace.header.tasks if _names(message, task.name)}
    for event in reversed(trace.events):
        if event.task != last.task and _touch_the_same(event, last):
            return names | {event.task: True}
    return names


def _names(message: str, task: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(task)}(?![\w-])", message) is not None


def _touch_the_same(one: Event, other: Event) -> bool:
    same_object = bool(one.object) and one.object == other.object
    return same_object or any(key in one.changes for key in other.changes)
