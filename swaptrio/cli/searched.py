# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an exhaustive search was worth, beside its statement: windows, and what is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.cli.console import filled
from swaptrio.cli.numbers import DEPTHS, needed, would_need
from swaptrio.cli.sighted import Sighted
from swaptrio.explore import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.explore.sights import Sights


@attrs.frozen(eq=False)
class Searched:
    """The numbers of a search with *result*, which has noted its windows."""

    result: Result

    def record(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self._windows.record(),
            "unseen_mass": None,
            "pct": [
                {
                    "depth": depth,
                    "missed": 0.0 if self.result.complete else None,
                    "executions_needed": needed(self._sights, depth),
                }
                for depth in DEPTHS
            ],
        }

    def lines(self, width: int, *, every: bool = False) -> Iterator[str]:
        """For people; with *every* window."""
        if not self._sights.longest:
            return
        for text in (self._told(), self._mass(), self._bounds()):
            yield from filled(text, width, "  ")
        yield from self._windows.every() if every else ()

    @property
    def _sights(self) -> Sights:
        sights = self.result.sights
        assert sights is not None
        return sights

    @property
    def _windows(self) -> Sighted:
        return Sighted(self._sights, self.result.unseen)

    def _told(self) -> str:
        text = self._windows.text()
        if self.result.states is None:
            return text
        return f"{text}; what follows a state that was met before is not gone through again"

    def _mass(self) -> str:
        if self.result.complete:
            return "unseen mass: none, as all was explored"
        return "unseen mass: not known, as a search draws nothing by chance"

    def _bounds(self) -> str:
        would = would_need(self._sights)
        match self.result.outcome:
            case Outcome.COMPLETE:
                return f"no failure that the checks can see was missed, of any depth; {would}"
            case Outcome.BOUNDED:
                return f"no bound is known for failures that take more preemptions; {would}"
        return f"no bound is known for a search that has not come to its end; {would}"
