# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which windows the executions have entered, as an observer that costs little.

A window is a pair of labels: one task stood before the first, and another one performed the
second. It is noted where the baton goes from task to task, so that steps of one task in a row
cost a comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.campaign.result import Window
from swaptrio.sched import Task

if TYPE_CHECKING:
    from swaptrio.sched import Execution


@attrs.define(eq=False)
class Handovers:
    """Notes each window with the *seed* of the execution that first entered it.

    *label* is where the last step of the last execution began; empty where it ended at rest.
    *longest* is the longest execution in steps, and *tasks* are the most that one had.
    """

    seed: int = 0
    label: str = ""
    longest: int = 0
    tasks: int = 0
    _first: dict[tuple[str, str], int] = attrs.Factory(dict)
    _last: Task | None = None

    def begin(self, seed: int) -> None:
        """The next execution has that seed."""
        self.seed = seed
        self._last = None

    def step(self, execution: Execution, task: Task) -> None:
        """Note the window if *task* is not the one that made the step before."""
        last = self._last
        if task is last:
            return
        self._last = task
        if last is not None and not last.finished:
            window = (last.label, task.label)
            if window not in self._first:
                self._first[window] = self.seed

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Nobody else comes in where a task draws."""

    def end(self, execution: Execution) -> None:
        """Note where it ended, and how large it was."""
        self.longest = max(self.longest, execution.step)
        self.tasks = max(self.tasks, len(execution.tasks))
        self.label = "" if execution.running is None else execution.running.label

    def windows(self) -> tuple[Window, ...]:
        """All windows that were entered, in the order of their labels."""
        return tuple(Window(*labels, first) for labels, first in sorted(self._first.items()))
