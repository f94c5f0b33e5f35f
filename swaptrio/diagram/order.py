# SPDX-License-Identifier: MIT OR Apache-2.0
"""The strategy that carries out a drawing, line by line.

It differs from `swaptrio.sched.Script` in what a line means. A script lets a task run until it
*stands* at a label; a drawn line is a step that the task *performs*, and whatever follows it
in another column comes after. Only a line that says so leaves its task waiting.

As in a script, daemons and the passing of time serve a task that is blocked, other tasks do
not run, and after the last line everything goes on by first choice. Nothing is passed over:
what cannot be carried out ends the execution as unreached, unless it has failed before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, NoReturn

import attrs

from swaptrio.diagram.drawing import DrawnStep
from swaptrio.errors import shown
from swaptrio.sched import Run, Task
from swaptrio.sched.errors import WindowNotReached
from swaptrio.sched.strategies.draws import NamedDraws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched import Execution

#: Labels that a message tells at most of the way that a task went instead.
_LONGEST_WAY: Final = 6


@attrs.define(eq=False)
class DrawnOrder:
    """Carries out *steps*, and draws the options in *choices* by label.

    *line* is that of the step under way, and of the last one when all are done. *window* says
    the same order as a script does, up to where it has come.
    """

    asks_always: ClassVar[bool] = True

    steps: tuple[DrawnStep, ...]
    choices: Mapping[str, tuple[str, ...]] = attrs.Factory(dict)
    variant: str = ""
    window: list[Run] = attrs.Factory(list)
    _place: int = 0
    _performed: bool = False
    _way: list[str] = attrs.Factory(list)
    _stood: list[str] = attrs.Factory(list)
    _moving: Task | None = None
    _draws: NamedDraws = attrs.field(init=False)

    def begin(self, execution: Execution) -> None:
        """Go back to the first line; the end of the execution is checked too."""
        self.window, self._stood, self._draws = [], [], NamedDraws(self.choices)
        self._place, self._performed, self._way, self._moving = 0, False, [], None
        execution.at_end.insert(0, lambda: self._finish(execution))

    @property
    def reached(self) -> bool:
        """Whether all lines have been carried out."""
        return self._place == len(self.steps)

    @property
    def settled(self) -> bool:
        """Whether nobody is to stop any more before the end of a task."""
        return all(step.mode == "ends" for step in self.steps[self._place :])

    @property
    def complete(self) -> bool:
        """Whether the last line at least began; what came of it may have ended everything."""
        return self.reached or (self._performed and self._place == len(self.steps) - 1)

    def under_way(self) -> tuple[Run, ...]:
        """Who was to run when the execution ended before all lines were carried out."""
        return () if self.reached else (Run(self.steps[self._place].task),)

    @property
    def line(self) -> int:
        """The line of the step under way."""
        return self.steps[min(self._place, len(self.steps) - 1)].line

    def pick(self, execution: Execution, count: int) -> int:
        """The task of the current line, or who has to run for it."""
        self._note()
        while not self.reached:
            task = self._task(execution)
            if not self._arrived(task):
                return self._go_on(execution, task)
            self._next(task)
        return 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The option that the drawing names for this draw; the default where it names none."""
        return self._draws.draw(label, options, self._place + 1)

    def _note(self) -> None:
        """Remember where the task that moved stands now."""
        if self._moving is not None and not self._moving.finished:
            self._stood.append(self._moving.label)
        self._moving = None

    def _task(self, execution: Execution) -> Task:
        name = self.steps[self._place].task
        return next(task for task in execution.tasks if task.name == name)

    def _arrived(self, task: Task) -> bool:
        step = self.steps[self._place]
        if step.mode == "ends":
            return task.finished
        if not step.labels:
            self._refuse(f"{self.variant} has no such step as {shown(step.text)}")
        if self._performed:
            return True
        if task.finished:
            self._refuse(f"{task.name} ended and never came to {step.wanted}{self._instead()}")
        return step.mode == "waits" and task.label in step.labels

    def _instead(self) -> str:
        if not self._way:
            return ""
        told = self._way[-_LONGEST_WAY:]
        return f"; it went by {', '.join(told)}"

    def _next(self, task: Task) -> None:
        self._place += 1
        self._performed, self._way = False, []
        if self.reached or self.steps[self._place].task != task.name:
            self._leave(task)

    def _leave(self, task: Task) -> None:
        """Another task goes on: say in the words of a script where this one was left."""
        if task.finished:
            self.window.append(Run(task.name))
        elif self._stood:
            times = self._stood.count(task.label)
            self.window.append(Run(task.name, task.label, times))
        self._stood = []

    def _go_on(self, execution: Execution, task: Task) -> int:
        candidates = execution.candidates()
        if task in candidates:
            self._move(task)
            return candidates.index(task)
        for number, candidate in enumerate(candidates):
            if candidate.daemon or not candidate.enabled:
                return number
        reason = f"{task.name} is blocked at {task.operation}{self._by(task)}"
        self._refuse(f"{reason}, on the way to {self.steps[self._place].wanted}")

    def _by(self, task: Task) -> str:
        holders: tuple[Task, ...] = getattr(task.target, "holders", tuple)()
        names = ", ".join(holder.name for holder in holders)
        return f", which {names} holds" if names else ""

    def _move(self, task: Task) -> None:
        step = self.steps[self._place]
        self._moving = task
        self._performed = step.mode == "performs" and task.label in step.labels
        if not self._performed:
            self._way.append(task.label)

    def _finish(self, execution: Execution) -> None:
        self._note()
        while not self.reached:
            task = self._task(execution)
            if not self._arrived(task):
                place = self.steps[self._place].wanted
                self._refuse(f"the execution ended before {task.name} came to {place}")
            self._next(task)
        self._draws.finish()

    def _refuse(self, reason: str) -> NoReturn:
        raise WindowNotReached(self._place + 1, reason)
