# SPDX-License-Identifier: MIT OR Apache-2.0
"""Wakeup trees: what is still to be explored from one place, as sequences of steps.

A race (e, e') asks for the sequence v = *all later events that do not happen after e, then e'*,
to be executed from the place before e. It is not needed if a step that could come first in v, or
that is independent of all of v (a *weak initial* of v), was explored from there: that step
sleeps. Nor if such a step is about to be explored: then v goes below it, or is dropped where
that branch ends, for everything is explored from the end of a branch.

Of v all steps but the last are known: they are executed again with the same causal past, so they
do the same. The last one, e', now comes before e and may access other things. Where that
matters, `primes` is asked. If it does not know, then e' is nothing that an explored branch could
have executed, and v is needed. A branch that waits to be explored gives no such proof; what it
covers is judged again when its turn comes and its elder siblings sleep (`prune`). That is what
keeps an execution from ending with everybody asleep. A branch that is dropped then may have
been the reason not to insert others. They are kept with it (*absorbed*), and asked for again.

Steps that draw data are told apart by their draws. A step that drew something is in conflict
with what it could have drawn instead, which is a race like any other: e' is the other draw.

Invariants
  * the last step of a branch has no accesses and no children; steps before it are as they were
    executed.
  * when a branch is explored to its end, no step sleeps there.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.event import Accesses, Event, independent
from swaptrio.explore.exhaustive.primes import joined, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from swaptrio.explore.exhaustive.event import Path
    from swaptrio.explore.exhaustive.primes import Shown
    from swaptrio.explore.exhaustive.sleep import Slept

    Foresee: TypeAlias = Callable[["Wish"], list[Shown]]


@attrs.define(eq=False)
class Wish:
    """A sequence to be explored: executed *events*, then the next step of *task*.

    *task* is empty where the last step has been found elsewhere. *draws* is what that step shall
    draw, or the beginning of it. *previous* is the number of the
    event that the task's next step follows in it. *foresee* asks `primes`, once.
    """

    events: list[Event]
    task: str
    draws: Path
    previous: int
    foresee: Foresee
    _known: list[Shown] | None = None

    @property
    def known(self) -> list[Shown]:
        """What the last step is known to do."""
        if self._known is None:
            self._known = self.foresee(self)
        return self._known

    @property
    def accesses(self) -> Accesses | None:
        """What the last step will access, if that is known."""
        return joined(self.known, self.draws)

    def without(self, position: int) -> Wish:
        """This sequence less the step at *position*, with what is known of the last one."""
        if position == len(self.events):
            return Wish(self.events, "", (), -1, self.foresee)
        left = self.events[:position] + self.events[position + 1 :]
        return Wish(left, self.task, self.draws, self.previous, lambda _: self.known)

    def __len__(self) -> int:
        return len(self.events) + bool(self.task)


@attrs.define(eq=False)
class Branch:
    """One step to be explored, and what comes after it; without *event* it is the last one.

    *absorbed* are sequences from the same place that were not inserted because of this branch.
    """

    task: str
    draws: Path
    previous: int
    event: Event | None = None
    children: list[Branch] = attrs.Factory(list)
    absorbed: list[Wish] = attrs.Factory(list)


class Fit(Enum):
    """How a step that is explored from some place relates to a sequence from there."""

    NONE = "none"
    ABSENT = "absent"


def fit(task: str, path: Path, accesses: Accesses | None, wish: Wish) -> int | Fit:
    """The position in *wish* at which this step stands as an initial, or why at none.

    `Fit.ABSENT`: the task does nothing there, and its step is independent of all of it. Where
    the *accesses* are not known the step is taken to depend on everything.
    """
    for position, event in enumerate(wish.events):
        if event.task == task:
            return position if event.path == path else Fit.NONE
        if accesses is None or not independent(accesses, event.accesses):
            return Fit.NONE
    if not wish.task:
        return Fit.NONE if accesses is None else Fit.ABSENT
    if wish.task == task:
        return len(wish.events) if path[: len(wish.draws)] == wish.draws else Fit.NONE
    if accesses is None or wish.accesses is None or not independent(accesses, wish.accesses):
        return Fit.NONE
    return Fit.ABSENT


def redundant(sleep: dict[str, Slept], wish: Wish) -> bool:
    """Whether what sleeps has covered *wish*."""
    for task, slept in sleep.items():
        found = [fit(task, path, accesses, wish) for path, accesses in slept.asleep]
        if Fit.ABSENT in found:
            return True
        if any(isinstance(place, int) and place < len(wish.events) for place in found):
            return True
        if task == wish.task and _last_sleeps(slept, found, wish):
            return True
    return False


def _last_sleeps(slept: Slept, found: list[int | Fit], wish: Wish) -> bool:
    """Whether the last step of *wish* could come first, and has been explored with its draws."""
    size = len(wish.draws)
    if not slept.awake:
        return all(_is_clear(accesses, wish) for _, accesses in slept.asleep)
    if not slept.covers(wish.draws):
        return False
    return all(
        place != Fit.NONE
        for place, (path, _) in zip(found, slept.asleep, strict=True)
        if path[:size] == wish.draws
    )


def _is_clear(accesses: Accesses, wish: Wish) -> bool:
    """Whether a step of the task that has the last one could come first."""
    return all(
        event.task != wish.task and independent(accesses, event.accesses)
        for event in wish.events
    )


def insert(branches: list[Branch], wish: Wish) -> None:
    """Add *wish* to what is to be explored, if it is not covered by that."""
    while True:
        child, found = _first_fit(branches, wish)
        if child is None:
            _append(branches, wish)
            return
        left = wish.without(found) if isinstance(found, int) else wish
        if not child.children or not len(left):
            child.absorbed.append(wish)
            return
        branches, wish = child.children, left


def _first_fit(branches: list[Branch], wish: Wish) -> tuple[Branch | None, int | Fit]:
    for child in branches:
        accesses = None if child.event is None else child.event.accesses
        found = fit(child.task, child.draws, accesses, wish)
        if found is not Fit.NONE:
            return child, found
    return None, Fit.NONE


def _append(branches: list[Branch], wish: Wish) -> None:
    for event in wish.events:
        child = Branch(event.task, event.path, -1, event)
        branches.append(child)
        branches = child.children
    if wish.task:
        branches.append(Branch(wish.task, wish.draws, wish.previous))


def prune(
    branch: Branch,
    sleep: dict[str, Slept],
    foresee: Foresee,
    lost: list[Wish],
    before: tuple[Event, ...] = (),
) -> bool:
    """Drop what the sleep set has covered by now; whether anything is left of *branch*.

    *lost* takes up what the dropped parts had absorbed, and what they are replaced by.
    """
    behind = before if branch.event is None else (*before, branch.event)
    if branch.children:
        branch.children = [
            child for child in branch.children if prune(child, sleep, foresee, lost, behind)
        ]
        kept = bool(branch.children)
    else:
        task = branch.task if branch.event is None else ""
        wish = Wish(list(behind), task, branch.draws, branch.previous, foresee)
        kept = not redundant(sleep, wish) and not _taken_apart(wish, lost)
    if not kept:
        for wish in branch.absorbed:
            events = [*before, *wish.events]
            lost.append(Wish(events, wish.task, wish.draws, wish.previous, foresee))
    return kept


def _taken_apart(wish: Wish, lost: list[Wish]) -> bool:
    """Ask for each outcome of the last step by itself, where they are known by now."""
    if not wish.task:
        return False
    parts = told_apart(wish.known, wish.draws)
    if parts == [wish.draws]:
        return False
    for draws in parts:
        lost.append(Wish(wish.events, wish.task, draws, wish.previous, wish.foresee))
    return True
