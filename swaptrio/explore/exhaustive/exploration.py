# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search on its way, as whoever drives it sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.tally import Tally
    from swaptrio.sched import Scheduler


class Exploration(ABC):
    """A search on its way: each `turn` is one execution and the choice of the next.

    What it does not count, or cannot know, is none.
    """

    __slots__ = ()

    tally: Tally

    @property
    def traces(self) -> int | None:
        """How many classes were met, if they are counted."""
        return None

    @property
    def states(self) -> int | None:
        """How many states were met, if they are kept."""
        return None

    @property
    def blocked(self) -> int:
        """How many executions ended early, as nothing new could follow."""
        return 0

    @property
    def probes(self) -> int:
        """How many executions only asked whether a task could go on somewhere."""
        return 0

    @property
    def depth(self) -> int:
        """How many steps lie behind the present place."""
        return 0

    @abstractmethod
    async def turn(self, scheduler: Scheduler) -> None:
        """Run one execution, and prepare the next.

        Raises:
            Exception: the program cannot be set up; or what has made somebody else give up.
        """

    def estimate(self) -> float:
        """About how many executions there are in all; infinite where nothing can be said."""
        return float("inf")
