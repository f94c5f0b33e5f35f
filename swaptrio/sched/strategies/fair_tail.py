# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fair tail: Deligiannis et al., "Industrial-Strength Controlled Concurrency Testing for C#
Programs with Coyote", TACAS 2023.

A strategy that holds tasks back may do so for ever where another one spins until they go on.
That is the fault of the strategy and no livelock of the program. So after a prefix of *inner*
the rest of an execution is a random walk, which is fair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.strategies.random_walk import RandomWalk
from swaptrio.sched.strategies.wrapper import Wrapper

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution  # noqa: TC004 -- it imports this package

#: Decisions to which a prefix grows at most. One that only its tail has ended counts as long
#: itself; without an end to that, prefixes would double until no budget is left for a tail.
LONGEST_PREFIX: Final = 2_000


@attrs.define(eq=False)
class FairTail(Wrapper):
    """Asks *inner* for a prefix of each execution, and a random walk from then on.

    The prefix is *patience* decisions, or twice as many as the longest execution that passed
    has had (*longest*) if that is more, up to `LONGEST_PREFIX`.
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
            self.longest = max(self.longest, self._count)
        self._last = execution
        self._count = 0
        self._limit = max(self.patience, min(2 * self.longest, LONGEST_PREFIX))
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
