# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sleep sets: steps that were explored from here, and need not be taken again.

A step that draws data has several outcomes, told apart by the draws; to the search they are
different steps of which one can be taken. Each falls asleep for itself, and each wakes up when
something is executed that depends on it. Then its task may run, but not into the outcomes that
still sleep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.event import Accesses, Path, independent

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.event import Event


@attrs.frozen
class Slept:
    """The outcomes of one task's next step: those *asleep*, and the draws of those *awake*.

    The draws of an outcome that was never seen end where it leaves those that were.
    """

    asleep: tuple[tuple[Path, Accesses], ...] = ()
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

    def covers(self, draws: Path) -> bool:
        """Whether every outcome that begins with these draws sleeps."""
        size = len(draws)
        return any(known[:size] == draws for known, _ in self.asleep) and not any(
            known[:size] == draws for known in self.awake
        )

    def joined_by(self, event: Event) -> Slept:
        """With *event* asleep as well, and awake what it could have drawn instead."""
        asleep = (*self.asleep, (event.path, event.accesses))
        awake = [draws for draws in self.awake if event.path[: len(draws)] != draws]
        for draws in alternatives(event):
            size = len(draws)
            known = [path[:size] for path, _ in asleep] + [path[:size] for path in awake]
            if draws not in known:
                awake.append(draws)
        return Slept(asleep, tuple(awake))


def alternatives(event: Event) -> list[Path]:
    """The draws up to the one that is different, for each that could have been."""
    return [
        (*event.path[:position], index)
        for position, count in enumerate(event.options)
        for index in range(count)
        if index != event.path[position]
    ]


def sleep_after(sleep: dict[str, Slept], event: Event) -> dict[str, Slept]:
    """The sleep set of the place behind *event*."""
    kept = {}
    for task, slept in sleep.items():
        if task != event.task:
            still = slept.after(event)
            if still is not None:
                kept[task] = still
    return kept
