# SPDX-License-Identifier: MIT OR Apache-2.0
"""Script: drive an execution into a window, by names of tasks and labels and never by numbers.

A script is a list of entries, carried out in order: run this task until it stands at that label
(with the operation there declared and not yet performed), or to its end. While the named task
is blocked, daemons run for it, and time passes if it must (a sleeper that is due before then
takes one step); other tasks do not. So a window says exactly who takes part. After the last
entry everything goes on by first choice.

Data choices are scripted by label: the n-th draw at a label takes the n-th option named.

A script that could not be carried out is never passed over: a task, label or option that does
not come up ends the execution as unreached, unless it has failed before in its own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.sched.errors import WindowNotReached
from swaptrio.sched.strategies.draws import NamedDraws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task


@attrs.frozen
class Run:
    """Run *task* until it stands at *until* for the *times*-th time; to its end where empty.

    Standing there when the entry begins does not count: the task has to come there.
    """

    task: str
    until: str = ""
    times: int = 1

    def __str__(self) -> str:
        return f"run {self.task} until {self.until or 'its end'}"


@attrs.define(eq=False)
class Script:
    """Carries out *window*; *choices* names the options to draw, by label and by their text."""

    asks_always: ClassVar[bool] = True

    window: tuple[Run, ...]
    choices: dict[str, tuple[str, ...]] = attrs.Factory(dict)
    _entry: int = 0
    _left: int = 0
    _moved: bool = False
    _draws: NamedDraws = attrs.field(init=False)

    def begin(self, execution: Execution) -> None:
        """Go back to the first entry; the end of the execution is checked too."""
        self._entry = -1
        self._next()
        self._draws = NamedDraws(self.choices)
        execution.at_end.insert(0, lambda: self._finish(execution))

    @property
    def reached(self) -> bool:
        """Whether all entries have been carried out."""
        return self._entry == len(self.window)

    @property
    def settled(self) -> bool:
        """Whether nobody is to stop any more before the end of a task."""
        return not any(entry.until for entry in self.window[self._entry :])

    def pick(self, execution: Execution, count: int) -> int:
        """The task of the current entry, or who has to run for it."""
        while not self.reached:
            entry = self.window[self._entry]
            task = self._find(execution, entry)
            if not self._arrived(entry, task):
                return self._go_on(execution, entry, task)
            self._next()
        return 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The option that the script names for this draw; the default where it names none."""
        return self._draws.draw(label, options)

    def _next(self) -> None:
        self._entry += 1
        self._moved = False
        if not self.reached:
            self._left = self.window[self._entry].times

    def _find(self, execution: Execution, entry: Run) -> Task:
        for task in execution.tasks:
            if task.name == entry.task:
                return task
        raise WindowNotReached(self._entry + 1, f"there is no task {entry.task}")

    def _arrived(self, entry: Run, task: Task) -> bool:
        if task.finished:
            if entry.until:
                reason = f"{task.name} ended and never came to {entry.until}"
                raise WindowNotReached(self._entry + 1, reason)
            return True
        if self._moved and task.label == entry.until:
            self._moved = False
            self._left -= 1
        return self._left == 0

    def _go_on(self, execution: Execution, entry: Run, task: Task) -> int:
        candidates = execution.candidates()
        for number, candidate in enumerate(candidates):
            if candidate is task:
                self._moved = True
                return number
        for number, candidate in enumerate(candidates):
            if candidate.daemon or not candidate.enabled:
                return number
        reason = f"{task.name} is blocked at {task.operation}; wanted: {entry}"
        raise WindowNotReached(self._entry + 1, reason)

    def _finish(self, execution: Execution) -> None:
        while not self.reached:
            entry = self.window[self._entry]
            if not self._arrived(entry, self._find(execution, entry)):
                reason = f"the execution ended first; wanted: {entry}"
                raise WindowNotReached(self._entry + 1, reason)
            self._next()
        self._draws.finish()
