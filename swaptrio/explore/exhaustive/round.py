# SPDX-License-Identifier: MIT OR Apache-2.0
"""Cycles of states that a search has met: what they show, and how to go round in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.explore.exhaustive.event import Path
from swaptrio.explore.exhaustive.place import event_of
from swaptrio.sched import Diverged
from swaptrio.sched.lasso import proves, starved_by

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.walk import Node
    from swaptrio.sched import Execution


def livelock(execution: Execution, nodes: Sequence[Node]) -> str:
    """The check of the livelock that *nodes* show, whose last one has the state of the first.

    Empty for none: then a fair schedule, or other data, may lead out of it.
    """
    index = {task.name: task.index for task in execution.tasks}
    *steps, last = nodes
    ran = {index[node.task] for node in steps}
    could = {index[name] for node in steps for name in node.offered}
    if any(count > 1 for node in steps for count in event_of(node).options):
        return ""
    # The first step may have been a decision the first time, and be none when it comes again.
    again = last.offered[0] == steps[0].task
    settled = again and not any(node.number for node in steps[1:])
    if not proves(execution, ran, could, settled=settled):
        return ""
    return "starvation" if starved_by(execution, ran) else "state-repeats"


@attrs.define(eq=False)
class Round:
    """Goes the *way* to a state, and from there *again* and again the steps that lead back.

    Steps are told by task and draws. The watch of the execution ends it, so that its schedule
    shows the same livelock to whoever replays it.
    """

    asks_always: ClassVar[bool] = True

    way: Sequence[tuple[str, Path]]
    again: Sequence[tuple[str, Path]]
    _step: int = -1
    _draw: int = 0

    @property
    def settled(self) -> bool:
        """Whether it goes round; one task alone does so without a decision."""
        return self._step >= len(self.way)

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The next task on the way, or round."""
        self._step, self._draw = self._step + 1, 0
        task = self._taken()[0]
        offered = [candidate.name for candidate in execution.candidates()]
        if task not in offered:
            raise Diverged(execution.step, task, ", ".join(offered))
        return offered.index(task)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What was drawn there."""
        self._draw += 1
        return self._taken()[1][self._draw - 1]

    def _taken(self) -> tuple[str, Path]:
        round_ = self._step - len(self.way)
        return self.again[round_ % len(self.again)] if round_ >= 0 else self.way[self._step]


@attrs.define(eq=False)
class Rounds:
    """The rounds that a search has met.

    *livelock* is one that was met just now. *told* are the checks of those that need not be
    shown any more, and *unfair* counts those that prove nothing.
    """

    unfair: int = 0
    livelock: Round | None = None
    told: set[str] = attrs.Factory(set)

    def meet(self, execution: Execution, trace: Sequence[Node], start: int) -> None:
        """The last place of *trace* has the state of the one at *start*."""
        check = livelock(execution, trace[start:])
        if not check:
            self.unfair += 1
        elif check not in self.told:
            self.told.add(check)
            taken = [(node.task, event_of(node).path) for node in trace[:-1]]
            self.livelock = Round(taken[:start], taken[start:])

    def take(self) -> Round | None:
        """The livelock that is to be shown, once."""
        found, self.livelock = self.livelock, None
        return found
