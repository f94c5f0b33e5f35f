# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sleep sets: steps that were explored from here, and need not be taken again.

A step that draws data has several outcomes, and each falls asleep for itself. It wakes up when
something is executed that depends on it. A task of which some outcomes sleep and others do not
may run, but not into those that sleep. What an outcome did before a draw, its siblings did too:
so as long as one of them sleeps the step still has the same draws to offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.event import Event, Path

#: The outcomes of each task's next step that sleep.
Sleep: TypeAlias = dict[str, tuple["Event", ...]]


def sleeps(outcomes: tuple[Event, ...], draws: Path = ()) -> bool:
    """Whether all outcomes that begin with *draws* are among *outcomes*."""
    size = len(draws)
    under = [event for event in outcomes if event.path[:size] == draws]
    if not under:
        return False
    if len(under[0].path) == size:
        return True
    return all(sleeps(outcomes, (*draws, index)) for index in range(under[0].options[size]))


def awake(outcomes: tuple[Event, ...], draws: Path) -> Path:
    """*draws*, of which some outcome does not sleep, and more until none of them does."""
    size = len(draws)
    for event in outcomes:
        if event.path[:size] == draws:
            options = [(*draws, index) for index in range(event.options[size])]
            return awake(outcomes, next(path for path in options if not sleeps(outcomes, path)))
    return draws


def sleep_after(sleep: Sleep, event: Event) -> Sleep:
    """The sleep set of the place behind *event*."""
    kept = {}
    for task, outcomes in sleep.items():
        if task != event.task:
            still = tuple([outcome for outcome in outcomes if outcome.apart(event)])
            if still:
                kept[task] = still
    return kept
