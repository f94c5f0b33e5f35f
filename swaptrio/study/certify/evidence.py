# SPDX-License-Identifier: MIT OR Apache-2.0
"""What was seen of one scenario in one version, and what follows from it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.matrix import WindowResult
from swaptrio.sched import Ending
from swaptrio.study.certify.bounds import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator


class Outcome(StrEnum):
    """What is known of all executions of a scenario: one of three, unless it means nothing."""

    PROVED = "proved within bounds"
    VIOLATED = "violated"
    INCONCLUSIVE = "inconclusive"
    ABSENT = "n/a"


@attrs.frozen
class Failing:
    """One way to fail, by the first execution that did.

    *check* is empty where the *ending* says it all. *schedule* is a token that replays it. It
    was found in *window*, or else by *strategy* with *seed*, or else by the exhaustive search.
    """

    ending: Ending
    check: str
    message: str
    schedule: str
    window: str = ""
    strategy: str = ""
    seed: int = 0

    @property
    def where(self) -> str:
        """How it was found, in words."""
        if self.window:
            return f"window {self.window}"
        if self.strategy:
            return f"seed {self.seed} of {self.strategy}"
        return "the exhaustive search"

    @property
    def kind(self) -> tuple[Ending, str]:
        """What two versions may have in common: no text, which has their own labels."""
        return self.ending, self.check

    def __str__(self) -> str:
        return f"{self.ending} of {self.check}" if self.check else str(self.ending)


@attrs.frozen
class Search:
    """An exhaustive search: the *classes* of executions that it ran one of each of.

    *complete* says that there are no more. Else *reason* tells why it ended, and *gave_up* that
    this was not its bound: it could not go on, for example as a schedule has no end.
    """

    complete: bool
    classes: int
    reason: str = ""
    gave_up: bool = False


@attrs.frozen
class Walk:
    """Schedules of chance: as many *executions*, drawn by *strategy* from the first seeds.

    *endless* ones of them had no end within the budget of steps. That is no failure: whoever
    spins until another goes on has none as long as chance holds that one back.
    """

    strategy: str
    executions: int
    endless: int = 0


@attrs.frozen
class Evidence:
    """All that was seen: the windows, the search behind them, the walks behind that."""

    bounds: Bounds
    windows: tuple[WindowResult, ...]
    search: Search | None = None
    walks: tuple[Walk, ...] = ()
    failing: tuple[Failing, ...] = ()

    @property
    def absent(self) -> str:
        """Why no window means anything to the version; empty where one does."""
        if any(result.verdict is not None for result in self.windows):
            return ""
        return "; ".join(dict.fromkeys(result.expect.reason for result in self.windows))

    @property
    def outcome(self) -> Outcome:
        """What follows, and no more."""
        if self.absent:
            return Outcome.ABSENT
        if self.failing:
            return Outcome.VIOLATED
        complete = self.search is not None and self.search.complete
        return Outcome.PROVED if complete else Outcome.INCONCLUSIVE

    @property
    def schedules(self) -> int:
        """How many were drawn by chance."""
        return sum(walk.executions for walk in self.walks)

    @property
    def cut(self) -> bool:
        """Whether something was cut short that is not a bound: a search, or a schedule."""
        gave_up = self.search is not None and self.search.gave_up
        return gave_up or any(walk.endless for walk in self.walks)

    @property
    def amiss(self) -> tuple[str, ...]:
        """What is not as it has to be, and is no failure: a window that was not entered, or
        one that passed with other results than the scenario expects.
        """
        return tuple(self._amiss())

    def _amiss(self) -> Iterator[str]:
        for result in self.windows:
            if result.verdict is None:
                continue
            ending = result.verdict.ending
            if ending is Ending.UNREACHED:
                yield f"window {result.window} was not entered: {result.verdict.message}"
            elif ending is Ending.PASSED and result.expect.verdict == "passed":
                yield from (f"window {result.window}: {text}" for text in result.missed)
