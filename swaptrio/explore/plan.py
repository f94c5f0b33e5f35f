# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plan: try a schedule that need not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched import Execution, Schedule

#: Deviations as pairs of a step and an index: a schedule without names.
Deviations: TypeAlias = tuple[tuple[int, int], ...]


def deviations_of(schedule: Schedule) -> Deviations:
    """*schedule* without the names of what its decisions led to."""
    return tuple((decision.step, decision.index) for decision in schedule.decisions)


@attrs.define(eq=False)
class Plan:
    """Follows *deviations* where they fit, takes candidate 0 elsewhere, and never diverges.

    Whoever drops a deviation from a schedule shifts the steps behind it, so that what is left
    seldom fits to the letter. What was really decided is in the verdict. *counts* are the steps
    that had more than one candidate or option, with their number, in order.
    """

    asks_always: ClassVar[bool] = False

    deviations: Deviations = ()
    counts: list[tuple[int, int]] = attrs.Factory(list)
    _wanted: dict[int, int] = attrs.Factory(dict)

    @property
    def settled(self) -> bool:
        """Whether all deviations lie behind."""
        return not self.deviations or (
            bool(self.counts) and self.counts[-1][0] >= self.deviations[-1][0]
        )

    def begin(self, execution: Execution) -> None:
        """Start afresh."""
        self._wanted = dict(self.deviations)
        self.counts = []

    def pick(self, execution: Execution, count: int) -> int:
        """The candidate of the plan, if there is one of that number."""
        return self._take(execution, count)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The option of the plan, if there is one of that number."""
        return self._take(execution, len(options))

    def _take(self, execution: Execution, count: int) -> int:
        self.counts.append((execution.step, count))
        index = self._wanted.get(execution.step, 0)
        return index if index < count else 0
