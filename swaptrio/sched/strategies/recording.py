# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recording: a wrapper that writes down each decision, with what there was to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.schedule import Decision, Schedule
from swaptrio.sched.strategies.wrapper import AskedWrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


@attrs.frozen
class Asked:
    """One decision: its step, what was *offered*, and the *number* that was taken.

    Candidates are offered as ``task label (kind object)``; options by their text, after the
    label at which they are drawn. *task* and *label* are those of the recorded schedule.
    """

    step: int
    number: int
    offered: tuple[str, ...]
    task: str
    label: str

    def __str__(self) -> str:
        return f"{self.step}: {self.offered[self.number]} of {', '.join(self.offered)}"


def candidates_of(execution: Execution) -> tuple[str, ...]:
    """What there is to choose from, in words."""
    return tuple(f"{task.name} {task.operation}" for task in execution.candidates())


def options_of(execution: Execution, label: str, options: Sequence[object]) -> tuple[str, ...]:
    """What there is to draw from, in words."""
    return tuple(f"{execution.me().name} {label}: {option}" for option in options)


@attrs.define(eq=False)
class Recording(AskedWrapper):
    """Keeps all *decisions* of the last execution, the forced ones included."""

    decisions: list[Asked] = attrs.Factory(list)

    @property
    def schedule(self) -> Schedule:
        """The deviations among them; replayed, they give the execution once more."""
        return Schedule(
            tuple(
                Decision(d.step, d.number, d.task, d.label) for d in self.decisions if d.number
            )
        )

    def begin(self, execution: Execution) -> None:
        """Start a new record."""
        self.decisions = []
        self.inner.begin(execution)

    def pick(self, execution: Execution, count: int) -> int:
        """Write down what *inner* picks."""
        number = AskedWrapper.pick(self, execution, count)
        task = execution.candidates()[number]
        offered = candidates_of(execution)
        self.decisions.append(Asked(execution.step, number, offered, task.name, task.label))
        return number

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """Write down what *inner* draws."""
        number = AskedWrapper.choose(self, execution, label, options)
        offered = options_of(execution, label, options)
        asked = Asked(execution.step, number, offered, execution.me().name, label)
        self.decisions.append(asked)
        return number
