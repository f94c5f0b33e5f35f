# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run of chance was worth: the numbers that are said beside "no failure"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.cli.console import filled
from swaptrio.cli.sighted import Sighted
from swaptrio.explore import Coverage
from swaptrio.explore.chances import (
    MISSED,
    RISK,
    UnseenMass,
    executions_needed,
    missed_by_pct,
    unseen_mass,
)
from swaptrio.explore.sights import NOT_SAMPLED
from swaptrio.sched.strategies import Pct
from swaptrio.sched.strategies.wrapper import innermost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.explore.sights import Sights
    from swaptrio.sched import Strategy

#: Strategies whose executions are drawn independently: they learn nothing from one another.
INDEPENDENT: Final = frozenset({"random", "pos", "fair"})

#: Depths for which PCT's bound is told.
DEPTHS: Final = (1, 2, 3)


@attrs.frozen
class Bounds:
    """What PCT's bound says of executions with so many *tasks*, the *longest* in steps.

    *settled* of them have the bound, under the *strategy* of that name; *depth* is that of PCT
    where PCT decides, else 0.
    """

    tasks: int
    longest: int
    strategy: str = ""
    depth: int = 0
    settled: int = 0

    def record(self) -> list[dict[str, Any]]:
        """For programs."""
        return [
            {
                "depth": each,
                "missed": self._missed(each),
                "executions_needed": self.needed(each),
            }
            for each in DEPTHS
        ]

    def text(self) -> str:
        """For people."""
        missed = {each: self._missed(each) for each in DEPTHS}
        parts = [
            f"of depth {each} with {_percent(chance)}"
            for each, chance in missed.items()
            if chance is not None
        ]
        if not parts:
            return f"no bound is known for {self.strategy}; {self.would_need()}"
        text = f"a bug was missed at most, by PCT's bound: {', '.join(parts)}"
        if len(parts) < len(DEPTHS):
            beyond = f"no bound is known beyond depth {self.depth}"
            return f"{text}; {beyond}; {self.would_need()}"
        return text

    def would_need(self) -> str:
        """What PCT would need, in words."""
        counts = ", ".join(str(self.needed(depth)) for depth in DEPTHS)
        return (
            f"to miss a bug of depth 1, 2 or 3 with {_percent(MISSED)} at most, PCT would need "
            f"{counts} executions"
        )

    def needed(self, depth: int) -> int:
        """The executions after which PCT misses a bug of *depth* with `MISSED` at most."""
        return executions_needed(*self._size, depth)

    @property
    def _size(self) -> tuple[int, int]:
        return max(1, self.tasks), max(1, self.longest)

    def _missed(self, depth: int) -> float | None:
        """The chance to have missed a bug of *depth* at most, where PCT bounds it."""
        if depth > self.depth:
            return None
        tasks, longest = self._size
        return missed_by_pct(tasks, longest, self.depth, self.settled)


@attrs.frozen(eq=False)
class Numbers:
    """The numbers of one run of *coverage* under *strategy*.

    *depth* is that of PCT where PCT decides, else 0. *settled* are its executions with a
    bound: those that had a change point anywhere in the longest execution.
    """

    coverage: Coverage
    strategy: str
    depth: int = 0
    settled: int = 0

    @classmethod
    def of(cls, coverage: Coverage, name: str, strategy: Strategy) -> Numbers:
        """The numbers of *coverage* under *strategy*, which was given by *name*."""
        pct = innermost(strategy)
        if not isinstance(pct, Pct):
            return cls(coverage, name)
        return cls(coverage, name, pct.depth, pct.settled)

    @property
    def mass(self) -> UnseenMass | None:
        """How much was not seen, if that can be told."""
        name = self.strategy.partition(":")[0]
        if name not in INDEPENDENT:
            return None
        return unseen_mass(self.coverage.classes.values())

    def record(self) -> dict[str, Any]:
        """For programs."""
        mass = self.mass
        return {
            **self._windows.record(),
            "classes": len(self.coverage.classes),
            "classes_seen_once": list(self.coverage.classes.values()).count(1),
            "unseen_mass": None if mass is None else {**attrs.asdict(mass), "risk": RISK},
            "pct": self._bounds.record(),
        }

    def lines(self, width: int, *, every: bool = False) -> Iterator[str]:
        """For people; with *every* window."""
        if not self.coverage.executions:
            return
        for text in (self._windows.text(), self._classes(), self._bounds.text()):
            yield from filled(text, width, "  ")
        yield from self._windows.every() if every else ()

    @property
    def _windows(self) -> Sighted:
        return Sighted(self.coverage.sights, NOT_SAMPLED)

    def _classes(self) -> str:
        coverage, mass = self.coverage, self.mass
        text = f"classes: {len(coverage.classes)} in {coverage.executions} executions"
        if mass is None:
            why = f"{self.strategy} does not draw them independently"
            return f"{text}; {why}, so nothing is said of more"
        chance = f"{_percent(mass.estimate)} (at most {_percent(mass.bound)})"
        return f"{text}; the next is of a new one with a chance of {chance}"

    @property
    def _bounds(self) -> Bounds:
        sights = self.coverage.sights
        return Bounds(sights.tasks, sights.longest, self.strategy, self.depth, self.settled)


def needed(sights: Sights, depth: int) -> int:
    """The executions after which PCT misses a bug of *depth* with `MISSED` at most.

    It is that of the tasks and the longest execution of *sights*.
    """
    return Bounds(sights.tasks, sights.longest).needed(depth)


def would_need(sights: Sights) -> str:
    """What PCT would need, in words."""
    return Bounds(sights.tasks, sights.longest).would_need()


def _percent(chance: float) -> str:
    if 0 < chance < 0.0001:
        return "< 0.01 %"
    return f"{100 * chance:.2g} %" if chance < 0.995 else f"{100 * chance:.4g} %"
