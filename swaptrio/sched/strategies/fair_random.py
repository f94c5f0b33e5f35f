# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fair random: Musuvathi, Qadeer, "Fair Stateless Model Checking", PLDI 2008.

The cheap form: a random walk, but whoever could go on and was passed over *patience* times in
a row gets its turn, the longest waiting first. So no candidate is passed over more often than
that plus once for each other task, and what waits for others to make progress sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.strategies.candidates import indices, number_of
from swaptrio.sched.strategies.random_walk import Seeded

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class FairRandom(Seeded):
    """A random walk that passes over nobody more than *patience* times while others wait less.

    ``_since`` is the decision, by task index, at which the present wait began; ``_seen`` the
    last one at which the task was a candidate.
    """

    patience: int = 20
    _count: int = attrs.field(default=0, init=False)
    _since: list[int] = attrs.field(factory=list, init=False)
    _seen: list[int] = attrs.field(factory=list, init=False)

    def begin(self, execution: Execution) -> None:
        """Nobody has waited yet."""
        Seeded.begin(self, execution)
        self._count = 0
        self._since, self._seen = [], []

    def pick(self, execution: Execution, count: int) -> int:
        """Any candidate, unless somebody has waited for too long."""
        self._count += 1
        among = indices(execution)
        self._wait(among, len(execution.tasks))
        chosen = min(among, key=self._since.__getitem__)
        if self._count - self._since[chosen] < self.patience:
            chosen = among[self._below(count)]
        self._since[chosen] = self._count + 1
        return number_of(execution, chosen)

    def _wait(self, among: list[int], tasks: int) -> None:
        while len(self._since) < tasks:
            self._since.append(self._count)
            self._seen.append(self._count)
        for index in among:
            if self._seen[index] < self._count - 1:
                self._since[index] = self._count
            self._seen[index] = self._count
