# SPDX-License-Identifier: MIT OR Apache-2.0
"""Random walk: what Thomson, Donaldson, Betts, "Concurrency Testing Using Schedule Bounding: an
Empirical Study", PPoPP 2014, found hard to beat.

Every candidate is as likely as the others; data leaves its default in moods.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class Seeded:
    """What strategies of chance share: the generator, and how data is drawn.

    Who goes on is drawn in many ways. Data is drawn in one: if each of twenty allocations
    failed with even odds, no execution would ever get through them. So each execution first
    draws how ready it is to leave the default, anything from never to always; a draw that
    leaves it is even again. Executions in which all goes well, in which one thing fails and in
    which everything does are then all common.

    Only ``random()`` is drawn from: its sequence for a seed is documented to stay the same from
    one Python version to the next, which that of ``randrange`` is not.
    """

    asks_always: ClassVar[bool] = False

    seed: int
    _random: Random = attrs.field(factory=Random, init=False)
    _readiness: float = attrs.field(default=0.0, init=False)

    def begin(self, execution: Execution) -> None:
        """Start the sequence of the seed."""
        self._random.seed(self.seed)
        self._readiness = self._random.random()

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The default, or else any option."""
        if self._random.random() >= self._readiness:
            return 0
        return self._below(len(options))

    def draw(self) -> float:
        """The next number of the sequence, from 0 to below 1."""
        return self._random.random()

    def _below(self, count: int) -> int:
        """Any number from 0 to *count* - 1."""
        return int(self._random.random() * count)


@attrs.define(eq=False)
class RandomWalk(Seeded):
    """Decides by a generator seeded with *seed* (0 or more) anew for each execution."""

    def pick(self, execution: Execution, count: int) -> int:
        """Any candidate."""
        return int(self._random.random() * count)
