# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run was worth: the numbers that are said beside "no failure"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.cli.console import filled
from swaptrio.explore import Coverage
from swaptrio.explore.chances import (
    MISSED,
    RISK,
    UnseenMass,
    executions_needed,
    missed_by_pct,
    unseen_mass,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.explore.coverage import Unseen, Window

#: Strategies whose executions are drawn independently: they learn nothing from one another.
INDEPENDENT: Final = frozenset({"random", "pos", "fair"})

#: Depths for which PCT's bound is told.
DEPTHS: Final = (1, 2, 3)

#: Entries never seen that are told one by one.
_TOLD: Final = 3


@attrs.frozen(eq=False)
class Numbers:
    """The numbers of one run of *coverage* under *strategy*, which was *complete* or not."""

    coverage: Coverage
    strategy: str
    complete: bool = False

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
            "windows": [self._window(window) for window in self.coverage.passed],
            "never_entered": [_unseen_record(each) for each in self._unseen()],
            "classes": len(self.coverage.classes),
            "classes_seen_once": list(self.coverage.classes.values()).count(1),
            "unseen_mass": None if mass is None else {**attrs.asdict(mass), "risk": RISK},
            "pct": [self._depth(depth) for depth in DEPTHS],
        }

    def lines(self, width: int) -> Iterator[str]:
        """For people."""
        if not self.coverage.executions:
            return
        for text in (self._windows(), self._classes(), self._bounds()):
            yield from filled(text, width, "  ")

    def _windows(self) -> str:
        coverage, unseen = self.coverage, list(self._unseen())
        ways = sum(len(by) for by in coverage.entered.values())
        text = f"windows: {len(coverage.passed)} passed, entered in {ways} ways"
        if not unseen:
            return f"{text}, which are all"
        told = "; ".join(_in_words(each) for each in unseen[:_TOLD])
        more = f"; and {len(unseen) - _TOLD} more" if len(unseen) > _TOLD else ""
        return f"{text}; {len(unseen)} ways were never seen ({unseen[0].why}): {told}{more}"

    def _classes(self) -> str:
        coverage, mass = self.coverage, self.mass
        text = f"classes: {len(coverage.classes)} in {coverage.executions} executions"
        if mass is None:
            why = f"{self.strategy} does not draw them independently"
            return f"{text}; {why}, so nothing is said of more"
        chance = f"{_percent(mass.estimate)} (at most {_percent(mass.bound)})"
        return f"{text}; the next is of a new one with a chance of {chance}"

    def _bounds(self) -> str:
        depth = self._pct_depth
        if depth:
            parts = [
                f"of depth {each} with {_percent(self._missed(each, depth))}"
                for each in DEPTHS
                if each <= depth
            ]
            return f"a bug was missed at most, by PCT's bound: {', '.join(parts)}"
        needed = [str(self._needed(each)) for each in DEPTHS]
        return (
            f"no bound holds for {self.strategy}; to miss a bug of depth 1, 2 or 3 with "
            f"{_percent(MISSED)} at most, PCT would need {', '.join(needed)} executions"
        )

    @property
    def _pct_depth(self) -> int:
        """The depth of PCT, if that decides; 0 if another strategy does."""
        name, _, depth = self.strategy.partition(":")
        return int(depth or 3) if name == "pct" else 0

    def _missed(self, depth: int, given: int) -> float:
        """By those executions that had change points: the first only measures."""
        coverage = self.coverage
        least = max(depth, given)
        tasks, length = max(1, coverage.tasks), max(1, coverage.longest)
        return missed_by_pct(tasks, length, least, max(0, coverage.executions - 1))

    def _needed(self, depth: int) -> int:
        coverage = self.coverage
        return executions_needed(max(1, coverage.tasks), max(1, coverage.longest), depth)

    def _depth(self, depth: int) -> dict[str, Any]:
        given = self._pct_depth
        missed = self._missed(depth, given) if depth <= given else None
        needed = self._needed(depth)
        return {"depth": depth, "missed": missed, "executions_needed": needed}

    def _unseen(self) -> Iterator[Unseen]:
        return self.coverage.unseen(complete=self.complete)

    def _window(self, window: Window) -> dict[str, Any]:
        task, opens, closes = window
        by = self.coverage.entered.get(window, {})
        return {
            "task": task,
            "opens": opens,
            "closes": closes,
            "passed": self.coverage.passed[window],
            "entered": [
                {"task": other, "label": label, "times": times}
                for (other, label), times in by.items()
            ],
        }


def _unseen_record(unseen: Unseen) -> dict[str, Any]:
    task, opens, closes = unseen.window
    other, label = unseen.by
    window = {"task": task, "opens": opens, "closes": closes}
    return {**window, "by": {"task": other, "label": label}, "why": unseen.why}


def _in_words(unseen: Unseen) -> str:
    task, opens, closes = unseen.window
    other, label = unseen.by
    return f"{task} between {opens} and {closes}, by {other} at {label}"


def _percent(chance: float) -> str:
    if 0 < chance < 0.0001:
        return "< 0.01 %"
    return f"{100 * chance:.2g} %" if chance < 0.995 else f"{100 * chance:.4g} %"
