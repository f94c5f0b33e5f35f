# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sleep sets: steps that were explored from here, and need not be taken again.

A step that draws data has several outcomes, told apart by the draws. From the place where all
of them were explored, those that commute with what is executed go on sleeping and the others
wake up, each for itself: a task may then run, but not into the outcomes that still sleep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.event import Accesses, Path, independent

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.event import Event


@attrs.frozen
class Slept:
    """The outcomes of one task's next step: those *asleep*, and the draws of those *awake*."""

    asleep: tuple[tuple[Path, Accesses], ...]
    awake: tuple[Path, ...] = ()

    def after(self, event: Event) -> Slept | None:
        """What still sleeps when another task has executed *event*; None if nothing does."""
        asleep = tuple(
            outcome for outcome in self.asleep if independent(outcome[1], event.accesses)
        )
        if len(asleep) == len(self.asleep):
            return self
        if not asleep:
            return None
        kept = [path for path, _ in asleep]
        woken = [path for path, _ in self.asleep if path not in kept]
        return Slept(asleep, (*self.awake, *woken))

    def covers(self, path: Path) -> bool:
        """Whether every outcome that begins with these draws sleeps."""
        size = len(path)
        return any(known[:size] == path for known, _ in self.asleep) and not any(
            known[:size] == path for known in self.awake
        )


def sleep_after(sleep: dict[str, Slept], event: Event) -> dict[str, Slept]:
    """The sleep set of the place behind *event*."""
    kept = {}
    for task, slept in sleep.items():
        if task != event.task:
            still = slept.after(event)
            if still is not None:
                kept[task] = still
    return kept
