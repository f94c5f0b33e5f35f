# SPDX-License-Identifier: MIT OR Apache-2.0
"""PCT: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs", ASPLOS 2010.

Each task has a random priority, and the highest that can go on does. At *depth* - 1 random
places of the execution, whoever is about to go on falls below all initial priorities. A bug
that needs *depth* events in a certain order is found with a probability of at least
1 / (tasks * length ** (depth - 1)) in each execution.

The length is that of the longest execution so far, counted in decisions between two or more
candidates; so the first execution has no change points and only measures. A task that sleeps
has yielded and falls below everybody. A daemon that sleeps has not: it stands for a device, and
its sleep for the time that a request takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.operation import Kind
from swaptrio.sched.strategies.candidates import highest, number_of
from swaptrio.sched.strategies.random_walk import Seeded

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class Pct(Seeded):
    """Priorities with *depth* - 1 change points; *length* is what it has measured so far."""

    depth: int = 3
    length: int = 0
    _begun: int = attrs.field(default=0, init=False)
    _shorter: int = attrs.field(default=0, init=False)
    _count: int = attrs.field(default=0, init=False)
    _lowest: float = attrs.field(default=0.0, init=False)
    _priorities: list[float] = attrs.field(factory=list, init=False)
    _changes: dict[int, int] = attrs.field(factory=dict, init=False)

    @property
    def settled(self) -> int:
        """How many executions could have had a change point anywhere in the longest one.

        The bound holds for these. With a depth of 1 there are no change points, so for all.
        """
        if self.depth == 1:
            return self._begun
        return 0 if self._count > self.length else self._begun - self._shorter

    def begin(self, execution: Execution) -> None:
        """Draw the change points; new tasks draw their priorities when they are first seen."""
        if self._count > self.length:
            self.length, self._shorter = self._count, self._begun
        self._begun += 1
        Seeded.begin(self, execution)
        self._count = 0
        self._lowest = -float(self.depth)
        self._priorities = []
        self._changes = {}
        for change in range(min(self.depth - 1, self.length)):
            self._changes[self._free_place()] = change - self.depth

    def pick(self, execution: Execution, count: int) -> int:
        """The candidate with the highest priority."""
        self._count += 1
        while len(self._priorities) < len(execution.tasks):
            self._priorities.append(self._random.random())
        running = execution.running
        if running is not None and running.kind is Kind.SLEEP and not running.daemon:
            self._yields(running.index)
        chosen = highest(execution, self._priorities)
        if self._count in self._changes:
            self._priorities[chosen] = self._changes[self._count]
            chosen = highest(execution, self._priorities)
        return number_of(execution, chosen)

    def _yields(self, index: int) -> None:
        self._lowest -= 1
        self._priorities[index] = self._lowest

    def _free_place(self) -> int:
        while True:
            place = 1 + self._below(self.length)
            if place not in self._changes:
                return place
