# SPDX-License-Identifier: MIT OR Apache-2.0
"""Asking whether a task could go on somewhere, by going there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.explore.exhaustive.event import Path
from swaptrio.sched import Diverged, SchedError

if TYPE_CHECKING:
    from swaptrio.sched import Execution


class Asked(SchedError):
    """A probe has its answer."""


@attrs.define(eq=False)
class Probe:
    """Follows *plan*, steps by task and draws, and sees whether *task* can go on then."""

    asks_always: ClassVar[bool] = True

    plan: Sequence[tuple[str, Path]]
    task: str = ""
    answer: bool | None = None
    _step: int = 0
    _draw: int = 0

    @property
    def leads(self) -> bool:
        """Whether anything of the plan is left."""
        return self._step < len(self.plan)

    @property
    def settled(self) -> bool:
        """Whether nothing is."""
        return not self.leads

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The next of the plan."""
        offered = [task.name for task in execution.candidates()]
        if self._step == len(self.plan):
            self.answer = self.task in offered
            raise Asked
        task = self.plan[self._step][0]
        self._step, self._draw = self._step + 1, 0
        if task not in offered:
            raise Diverged(execution.step, task, ", ".join(offered))
        return offered.index(task)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What the plan says."""
        self._draw += 1
        return self.plan[self._step - 1][1][self._draw - 1]
