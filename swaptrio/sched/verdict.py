# SPDX-License-Identifier: MIT OR Apache-2.0
"""How an execution ended."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.errors import Diverged, Livelock, SchedError, Violation, WindowNotReached
from swaptrio.sched.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ending(StrEnum):
    """The ways in which an execution ends."""

    PASSED = "passed"
    VIOLATION = "violation"
    DEADLOCK = "deadlock"
    LIVELOCK = "livelock"
    DIVERGED = "diverged"
    UNREACHED = "window-not-reached"
    ERROR = "error"


#: What an ending is told by where its program has broken no check of its own, and what it says.
TOLD_BY: Final[Mapping[str, Mapping[str, str]]] = {
    Ending.DEADLOCK: {
        "deadlock": "nobody can go on",
        "lost-wakeup": "somebody waits for a wake-up that came too early, or never",
    },
    Ending.LIVELOCK: {
        "starvation": "some go round for ever, and others never go on",
        "state-repeats": "a state is back, and will be for ever",
        "step-budget": "the steps ran out",
    },
}


@attrs.frozen
class Waiting:
    """One edge of the wait-for graph.

    *task* waits at *label* for *object*; *holders* are the tasks that could let it go on,
    empty where nobody can be named (a message that nobody sends).
    """

    task: str
    label: str
    object: str
    holders: tuple[str, ...]

    def __str__(self) -> str:
        by = f", held by {', '.join(self.holders)}" if self.holders else ""
        return f"{self.task} waits at {self.label} for {self.object}{by}"


@attrs.frozen
class Verdict:
    """The end of one execution: what happened, and the schedule that leads there again.

    *check* names the broken rule of a violation, or what told a deadlock or a livelock. *steps*
    counts the decisions. *waiting* is the wait-for graph of a deadlock, *cycle* the tasks on
    its cycle, in order, if there is one. Of a livelock whose state was seen to come back
    *cycle* is the steps from one time to the next, as task and label.
    """

    ending: Ending
    steps: int
    schedule: Schedule
    check: str = ""
    message: str = ""
    waiting: tuple[Waiting, ...] = ()
    cycle: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing went wrong."""
        return self.ending is Ending.PASSED

    def __str__(self) -> str:
        parts = [str(self.ending), self.check, self.message]
        return ": ".join(part for part in parts if part)


def classify(exc: BaseException) -> tuple[Ending, str, str]:
    """The ending, the broken check and the message of an execution that *exc* has ended."""
    match exc:
        case Livelock():
            return Ending.LIVELOCK, exc.check, exc.message
        case Violation():
            return Ending.VIOLATION, exc.check, exc.message
        case AssertionError():
            return Ending.VIOLATION, "assertion", str(exc) or "AssertionError"
        case Diverged():
            return Ending.DIVERGED, "", str(exc)
        case WindowNotReached():
            return Ending.UNREACHED, "", str(exc)
        case SchedError():
            return Ending.ERROR, "", str(exc) or type(exc).__name__
        case _:
            name, text = type(exc).__name__, str(exc)
            return Ending.ERROR, "", f"{name}: {text}" if text else name


def find_cycle(waiting: tuple[Waiting, ...]) -> tuple[str, ...]:
    """The first cycle of the wait-for graph, as task names in order; empty if there is none.

    Tasks that wait for the cycle without being on it are left out. A task is walked once, so
    the cost is that of the graph.
    """
    holders = {edge.task: edge.holders for edge in waiting}
    cleared: set[str] = set()
    for start in holders:
        path, branches = [start], [iter(holders[start])]
        while path:
            for task in branches[-1]:
                if task in path:
                    return tuple(path[path.index(task) :])
                if task in holders and task not in cleared:
                    path.append(task)
                    branches.append(iter(holders[task]))
                    break
            else:
                cleared.add(path.pop())
                branches.pop()
    return ()
