# SPDX-License-Identifier: MIT OR Apache-2.0
"""Delay bounding: Emmi, Qadeer, Rakamaric, "Delay-Bounded Scheduling", POPL 2011.

The scheduler underneath has no chance in it: the running task goes on for as long as it can,
and then the next one in the order of creation, round and round. A delay passes over the task
whose turn it is. Each execution has *delays* of them, at random decisions; how many decisions
there are is measured. The number of such executions does not grow with the number of tasks.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.strategies.candidates import number_of
from swaptrio.sched.strategies.random_walk import Seeded

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class DelayBounding(Seeded):
    """At most *delays* delays; *length* is the longest execution so far, in decisions."""

    delays: int = 2
    length: int = 0
    _count: int = attrs.field(default=0, init=False)
    _places: list[int] = attrs.field(factory=list, init=False)

    def begin(self, execution: Execution) -> None:
        """Draw the places of the delays."""
        self.length = max(self.length, self._count)
        Seeded.begin(self, execution)
        self._count = 0
        self._places = [1 + self._below(self.length) for _ in range(self.delays)]

    def pick(self, execution: Execution, count: int) -> int:
        """The running task, or the next in turn; one or more further for a delay."""
        self._count += 1
        running = execution.running
        delays = self._places.count(self._count)
        if not delays and running is not None and running.enabled:
            return 0
        return self._in_turn(execution, delays, count)

    def _in_turn(self, execution: Execution, delays: int, count: int) -> int:
        enabled = execution.enabled
        first = 0
        if execution.running is not None:
            first = bisect_left(enabled, execution.running.index)
        position = (first + delays) % count
        if position == len(enabled):
            return position
        return number_of(execution, enabled[position])
