# SPDX-License-Identifier: MIT OR Apache-2.0
"""What decides: the one protocol behind which all strategies stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


class Strategy(Protocol):
    """Answers every decision of one execution after another.

    It may have an attribute *settled*: whether from now on whoever runs goes on as long as it
    can, and each draw takes the default. It may have one called *leads*: whether it is on its
    way to something that it wants to see. Then a state that comes back says nothing yet.
    """

    @property
    def asks_always(self) -> bool:
        """Whether to be asked where there is one candidate or option only, too."""

    def begin(self, execution: Execution) -> None:
        """*execution* is set up and about to start."""

    def pick(self, execution: Execution, count: int) -> int:
        """The number of the candidate that goes on, 0 to *count* - 1 (see `Execution`)."""

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The number of the option, from 0, that the running task draws at *label*."""


class SeededStrategy(Strategy, Protocol):
    """A strategy that decides by *seed*, from `begin` on.

    Whoever runs many executions gives it a new seed for each. Beside the seed a decision may
    depend on what the strategy has learned in the executions before, and on nothing else: so
    the same seeds in the same order give the same executions.
    """

    seed: int
