# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fair tail: Deligiannis et al., "Industrial-Strength Controlled Concurrency Testing for C#
Programs with Coyote", TACAS 2023.

A strategy that holds tasks back may do so for ever where another one spins until they go on.
That is the fault of the strategy and no livelock of the program. So after a prefix of *inner*
the rest of an execution is a random walk, which is fair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.strategies.random_walk import RandomWalk
from swaptrio.sched.strategies.wrapper import Wrapper

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution  # noqa: TC004 -- it imports this package


@attrs.define(eq=False)
class FairTail(Wrapper):
    """Asks *inner* for a prefix of each execution, and a random walk from then on.

    The prefix is *patience* decisions, or twice *longest* if that is more: so many did it take
    at most to the end of an execution that passed, from its start or, where the prefix was too
    short for it, from there. What was spun away in a prefix counts for nothing, or one prefix
    would make the next one longer. Half of the budget stays for the tail in any case.
    """

    patience: int = 500
    longest: int = 0
    _limit: int = attrs.field(default=0, init=False)
    _count: int = attrs.field(default=0, init=False)
    _last: Execution | None = attrs.field(default=None, init=False)
    _walk: RandomWalk = attrs.field(factory=lambda: RandomWalk(0), init=False)

    def begin(self, execution: Execution) -> None:
        """Look how long the last execution was, if it passed."""
        last = self._last.verdict if self._last is not None else None
        if last is not None and last.passed:
            in_tail = self._count - self._limit
            self.longest = max(self.longest, in_tail if in_tail > 0 else self._count)
        self._last = execution
        self._count = 0
        self._limit = min(max(self.patience, 2 * self.longest), execution.budget // 2)
        self.inner.begin(execution)

    def pick(self, execution: Execution, count: int) -> int:
        """What *inner* picks in the prefix; any candidate in the tail."""
        self._count += 1
        if self._count <= self._limit:
            return self.inner.pick(execution, count)
        if self._count == self._limit + 1:
            self._walk.seed = self.inner.seed
            self._walk.begin(execution)
        return self._walk.pick(execution, count)
