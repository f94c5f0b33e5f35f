# SPDX-License-Identifier: MIT OR Apache-2.0
"""Named: replay a schedule by names, and say how the program differs where it does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from swaptrio.sched.errors import Diverged
from swaptrio.sched.names import END, Draw, Entry, NamedSchedule, Place, Turn
from swaptrio.sched.operation import Kind
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task

#: How often something was counted, in words.
_TIMES: Final = ("0 times", "once", "twice")


@attrs.define(eq=False)
class Arrivals:
    """Counts how often each task of one execution has come to each label, and has drawn there.

    To be told of every decision: a task is looked at when it has declared its next operation.
    """

    came: dict[tuple[str, str], int] = attrs.Factory(dict)
    drew: dict[tuple[str, str], int] = attrs.Factory(dict)

    def standing(self, execution: Execution) -> Place | None:
        """Where the running task stands, having come there just now; None at the start."""
        task = execution.running
        if task is None:
            return None
        label = END if task.finished else task.label
        key = (task.name, label)
        time = self.came[key] = self.came.get(key, 0) + 1
        return Place(task.name, label, time)

    def drawing(self, task: Task, label: str) -> Place:
        """Where *task* draws just now."""
        key = (task.name, label)
        time = self.drew[key] = self.drew.get(key, 0) + 1
        return Place(task.name, label, time)


def fits(wanted: Place | None, place: Place | None) -> bool:
    """Whether *place* is the one that was *wanted*, whose number may be left open."""
    if wanted is None or place is None or wanted.time:
        return wanted == place
    return (wanted.task, wanted.label) == (place.task, place.label)


def number_of_task(execution: Execution, name: str) -> int | None:
    """The number of the candidate that is the task called *name*, if it is one."""
    for number, task in enumerate(execution.candidates()):
        if task.name == name:
            return number
    return None


@attrs.define(eq=False)
class Named:
    """Follows *schedule* in order, and takes the default where it says nothing.

    What never comes up, cannot go on or is not offered has diverged: the reason tells a label
    that was renamed, one that was reached too seldom, and one that was reached more than once
    where the schedule has no number. An execution that fails before its last entry keeps its
    verdict, as it does under `Recorded`.
    """

    asks_always: ClassVar[bool] = True

    schedule: NamedSchedule
    _position: int = attrs.field(default=0, init=False)
    _arrivals: Arrivals = attrs.field(factory=Arrivals, init=False)

    @property
    def settled(self) -> bool:
        """Whether no entry is left."""
        return self._next is None

    def begin(self, execution: Execution) -> None:
        """Go back to the first entry; the end of the execution is checked too."""
        self._position = 0
        self._arrivals = Arrivals()
        execution.at_end.insert(0, lambda: self._finish(execution))

    def pick(self, execution: Execution, count: int) -> int:
        """Who goes on here by the schedule, or by default."""
        place = self._arrivals.standing(execution)
        entry = self._next
        if isinstance(entry, Turn) and fits(entry.at, place):
            self._position += 1
            return self._turn(execution, entry)
        if place is None and entry is not None and entry.at is not None:
            return number_of_task(execution, entry.at.task) or 0
        return 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What is drawn here by the schedule, or the default."""
        place = self._arrivals.drawing(execution.me(), label)
        entry = self._next
        if not isinstance(entry, Draw) or not fits(entry.at, place):
            return 0
        self._position += 1
        names = [str(option) for option in options]
        if entry.option not in names:
            raise Diverged(execution.step, str(entry), f"only {', '.join(names)} there")
        return names.index(entry.option)

    @property
    def _next(self) -> Entry | None:
        entries = self.schedule.entries
        return entries[self._position] if self._position < len(entries) else None

    def _turn(self, execution: Execution, entry: Turn) -> int:
        number = number_of_task(execution, entry.to)
        if number is None:
            raise Diverged(execution.step, _in_words(entry), _why_not(execution, entry.to))
        return number

    def _finish(self, execution: Execution) -> None:
        entry = self._next
        if entry is not None:
            found = self._never(execution, entry)
            raise Diverged(execution.step, _in_words(entry), found)
        for entry in self.schedule.entries:
            if entry.at is not None and not entry.at.time:
                self._refuse_many(execution, entry, entry.at)

    def _counts(self, entry: Entry) -> dict[tuple[str, str], int]:
        return self._arrivals.came if isinstance(entry, Turn) else self._arrivals.drew

    def _refuse_many(self, execution: Execution, entry: Entry, place: Place) -> None:
        """A place without a number is one that is reached once."""
        times = self._counts(entry).get((place.task, place.label), 0)
        if times > 1:
            which = " or ".join(f"#{number}" for number in range(1, min(times, 3) + 1))
            found = f"{place.task} came to {place.label} {_often(times)}; write {which}"
            raise Diverged(execution.step, _in_words(entry), found)

    def _never(self, execution: Execution, entry: Entry) -> str:
        """Why the place of *entry* was not reached, or not in its turn."""
        place, counts = entry.at, self._counts(entry)
        if place is None:
            return "an execution in which nothing runs"
        tasks = [task.name for task in execution.tasks]
        if place.task not in tasks:
            return f"no task {place.task}{_nearest(place.task, tasks)}"
        times = counts.get((place.task, place.label), 0)
        did = "came to" if isinstance(entry, Turn) else "drew at"
        if times == 0:
            labels = [own for who, own in counts if who == place.task]
            never = f"{place.task} never {did} {place.label}"
            others = [who for who, label in counts if label == place.label]
            return never + (
                f", and {others[0]} did" if others else _nearest(place.label, labels)
            )
        found = f"{place.task} {did} {place.label} {_often(times)}"
        return found if times < place.time else f"{found}, before its turn in the schedule"


def _in_words(entry: Entry) -> str:
    return str(entry) if isinstance(entry, Draw) else str(NamedSchedule((entry,)))


def _often(times: int) -> str:
    return _TIMES[times] if times < len(_TIMES) else f"{times} times"


def _nearest(word: str, known: list[str]) -> str:
    found = nearest(word, list(dict.fromkeys(known)))
    return f"; is it {found} now?" if found else ""


def _why_not(execution: Execution, name: str) -> str:
    """Why the task called *name* cannot go on here."""
    for task in execution.tasks:
        if task.name == name:
            if task.finished:
                return f"{name} has ended"
            word = "sleeps" if task.kind is Kind.SLEEP else "waits"
            return f"{name} {word} at {task.operation}"
    return f"no task {name}{_nearest(name, [task.name for task in execution.tasks])}"
