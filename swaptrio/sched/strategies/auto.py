# SPDX-License-Identifier: MIT OR Apache-2.0
"""Auto: a mix of strategies, in the sense of "swarm testing": Groce, Zhang, Eide, Chen, Regehr,
"Swarm Testing", ISSTA 2012.

No strategy is the best for every bug. Each execution draws by its seed which of *members* is to
decide; what they learn they learn from their own executions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.strategies.candidates import drawn
from swaptrio.sched.strategies.protocol import SeededStrategy
from swaptrio.sched.strategies.random_walk import RandomWalk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution

#: Seeds that members can be given. Not our own: its first number has chosen them already.
SEEDS: Final = 2**53


@attrs.define(eq=False)
class Auto:
    """Lets one of *members* decide each execution, as often as *weights* say: *chosen*."""

    seed: int
    members: tuple[SeededStrategy, ...]
    weights: tuple[float, ...]
    chosen: SeededStrategy = attrs.field(init=False)
    _chance: RandomWalk = attrs.field(factory=lambda: RandomWalk(0), init=False)

    def __attrs_post_init__(self) -> None:
        self.chosen = self.members[0]

    @property
    def asks_always(self) -> bool:
        """As the one that decides wants it."""
        return self.chosen.asks_always

    def begin(self, execution: Execution) -> None:
        """Draw who decides."""
        self._chance.seed = self.seed
        self._chance.begin(execution)
        chance = self._chance.draw()
        self.chosen = self.members[drawn(self.weights, range(len(self.members)), chance)]
        self.chosen.seed = int(self._chance.draw() * SEEDS)
        self.chosen.begin(execution)

    def pick(self, execution: Execution, count: int) -> int:
        """What the chosen one picks."""
        return self.chosen.pick(execution, count)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What the chosen one draws."""
        return self.chosen.choose(execution, label, options)
