# SPDX-License-Identifier: MIT OR Apache-2.0
"""Random walk: every candidate of every decision is as likely as the others."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


@attrs.define(eq=False)
class RandomWalk:
    """Decides by a generator seeded with *seed* (an int) anew for each execution.

    Only ``random()`` is drawn from: its sequence for a seed is documented to stay the same from
    one Python version to the next, which that of ``randrange`` is not.
    """

    asks_always: ClassVar[bool] = False

    seed: int
    _random: Random = attrs.Factory(Random)

    def begin(self, execution: Execution) -> None:
        """Start the sequence of the seed."""
        self._random.seed(self.seed)

    def pick(self, execution: Execution, count: int) -> int:
        """Any candidate."""
        return int(self._random.random() * count)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """Any option."""
        return int(self._random.random() * len(options))
