# SPDX-License-Identifier: MIT OR Apache-2.0
"""Window-directed: Park, Lu, Zhou, "CTrigger: Exposing Atomicity Violation Bugs from Their
Hiding Places", ASPLOS 2009, with windows between labels.

Each execution aims at one window: two labels that a task passes one after the other. Whoever
opens it is held inside until others have interfered, either a few times or once from a certain
label, or until nobody else can go on; then it takes its next step and is held again, until it
closes the window. All else is POS. Windows in which nobody has interfered yet come first, those
seldom aimed at before the others. What was covered, and what was not, stands in *windows*.

Where no windows are given they are learned: from each access of a task to its next one, and to
its next one of the same object. The first execution then aims at nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.operation import name_of
from swaptrio.sched.strategies.candidates import drawn, indices
from swaptrio.sched.strategies.pos import Pos
from swaptrio.sched.strategies.windows import Window, Windows

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task

#: How much likelier it is to aim at an uncovered window than at another one aimed at as often.
UNCOVERED: Final = 8.0

#: How often an execution aims at nothing, so that all executions stay possible.
NOTHING: Final = 0.1

#: How often one more interference is waited for.
ONE_MORE: Final = 0.5

#: How often it has to come from a certain label.
CERTAIN: Final = 0.5


@attrs.define(eq=False)
class WindowDirected(Pos):
    """Aims at the window *aim* in the present execution, and at the label *by* if not empty.

    *aimed* counts how often it has aimed at which window.
    """

    windows: Windows = attrs.Factory(lambda: Windows(learns=True))
    aimed: dict[Window, int] = attrs.Factory(dict)
    aim: Window | None = attrs.field(default=None, init=False)
    by: str = attrs.field(default="", init=False)
    _left: int = attrs.field(default=0, init=False)
    _inside: list[int] = attrs.field(factory=list, init=False)

    def begin(self, execution: Execution) -> None:
        """Draw what to aim at."""
        Pos.begin(self, execution)
        self.windows.begin()
        self.by, self._left, self._inside = "", 1, []
        self.aim = self._draw_aim()
        if self.aim is None:
            return
        self._inside = self.windows.inside(self.aim)
        self.aimed[self.aim] = self.aimed.get(self.aim, 0) + 1
        labels = self.windows.labels(self.aim)
        if labels and self._random.random() < CERTAIN:
            self.by = labels[self._below(len(labels))]
            return
        while self._random.random() < ONE_MORE:
            self._left += 1

    def _draw_aim(self) -> Window | None:
        known = self.windows.known
        if not known or self._random.random() < NOTHING:
            return None
        covered, aimed = self.windows.interfered, self.aimed
        weights = [
            (1.0 if window in covered else UNCOVERED) / (1 + aimed.get(window, 0))
            for window in known
        ]
        return known[drawn(weights, range(len(known)), self._random.random())]

    def _select(self, execution: Execution) -> int:
        among, inside = indices(execution), self._inside
        if inside and self._left:
            among = [index for index in among if index not in inside] or among
        return max(among, key=self._numbers.__getitem__)

    def _remember(self, task: Task) -> None:
        Pos._remember(self, task)
        if self._left and self._inside and self.by in ("", task.label):
            assert self.aim is not None
            self._left -= self.windows.comes_inside(self.aim, task)
        self.windows.perform(task, "" if self._target is None else name_of(self._target))
