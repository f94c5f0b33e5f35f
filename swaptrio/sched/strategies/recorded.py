# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recorded: replay a schedule, and notice where it does not fit any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.sched.errors import Diverged
from swaptrio.sched.schedule import Decision, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class Recorded:
    """Follows *schedule*, and takes candidate 0 where it says nothing.

    A decision that names its task and label is compared with what stands there now. A decision
    whose step offers fewer candidates, or is never reached, has diverged as well. That goes
    before the program's own checks at the end, which would judge another execution; but one
    that fails before its last decision keeps its verdict.
    """

    asks_always: ClassVar[bool] = True

    schedule: Schedule
    _position: int = 0

    @property
    def settled(self) -> bool:
        """Whether no decision is left."""
        return self._position == len(self.schedule.decisions)

    def begin(self, execution: Execution) -> None:
        """Go back to the first decision; the end of the execution is checked too."""
        self._position = 0
        execution.at_end.insert(0, lambda: self._finish(execution))

    def pick(self, execution: Execution, count: int) -> int:
        """The recorded candidate, if it is what was recorded."""
        decision = self._due(execution)
        if decision is None:
            return 0
        if decision.index >= count:
            raise Diverged(decision.step, _wanted(decision), _number(count, "candidate"))
        task = execution.candidates()[decision.index]
        self._compare(decision, task.name, task.label)
        return decision.index

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The recorded option, if it is what was recorded."""
        decision = self._due(execution)
        if decision is None:
            return 0
        if decision.index >= len(options):
            found = f"{_number(len(options), 'option')} at {label}"
            raise Diverged(decision.step, _wanted(decision), found)
        self._compare(decision, execution.me().name, label)
        return decision.index

    def _due(self, execution: Execution) -> Decision | None:
        decisions = self.schedule.decisions
        if self._position == len(decisions):
            return None
        decision = decisions[self._position]
        if decision.step > execution.step:
            return None
        if decision.step < execution.step:
            raise Diverged(decision.step, _wanted(decision), "no decision at that step")
        self._position += 1
        return decision

    def _compare(self, decision: Decision, task: str, label: str) -> None:
        if decision.task and (decision.task, decision.label) != (task, label):
            raise Diverged(decision.step, _wanted(decision), f"{task} at {label}")

    def _finish(self, execution: Execution) -> None:
        if self._position < len(self.schedule.decisions):
            decision = self.schedule.decisions[self._position]
            found = f"the end after {execution.step} steps"
            raise Diverged(decision.step, _wanted(decision), found)


def _wanted(decision: Decision) -> str:
    number = f"number {decision.index}"
    if decision.task:
        return f"{number}, {decision.task} at {decision.label}"
    return number


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
