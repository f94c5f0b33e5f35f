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

A step that draws data names its draws. Other draws of that step are explored from the same
place in any case, so they need no branch.

Invariants
  * the last step of a branch has no draws and no accesses, and no children; steps before it are
    as they were executed.
  * when a branch is explored to its end, no task sleeps there with all its outcomes.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.event import Accesses, Event, independent

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from swaptrio.explore.exhaustive.event import Path
    from swaptrio.explore.exhaustive.sleep import Slept

    Foresee: TypeAlias = Callable[["Wish"], Accesses | None]


@attrs.define(eq=False)
class Wish:
    """A sequence to be explored: executed *events*, then the next step of *task*.

    *task* is empty where the last step has been found elsewhere. *previous* is the number of the
    event that the task's next step follows in it. *accesses* asks `primes`, once.
    """

    events: list[Event]
    task: str
    previous: int
    foresee: Foresee
    _known: Accesses | None = None
    _asked: bool = False

    @property
    def accesses(self) -> Accesses | None:
        """What the last step will access, if that is known."""
        if not self._asked:
            self._known = self.foresee(self)
            self._asked = True
        return self._known

    def without(self, position: int) -> Wish:
        """This sequence less the step at *position*, with what is known of the last one."""
        if position == len(self.events):
            return Wish(self.events, "", -1, self.foresee)
        left = self.events[:position] + self.events[position + 1 :]
        return Wish(left, self.task, self.previous, lambda _: self.accesses)

    def __len__(self) -> int:
        return len(self.events) + bool(self.task)


@attrs.define(eq=False)
class Branch:
    """One step to be explored, and what comes after it; without *event* it is the last one.

    *absorbed* are sequences from the same place that were not inserted because of this branch.
    """

    task: str
    previous: int
    event: Event | None
    children: list[Branch] = attrs.Factory(list)
    absorbed: list[Wish] = attrs.Factory(list)

    @property
    def path(self) -> Path:
        """The draws to make."""
        return () if self.event is None else self.event.path


class Fit(Enum):
    """How a step that is explored from some place relates to a sequence from there."""

    NONE = "none"
    ABSENT = "absent"
    OTHER_DRAWS = "other draws"


def fit(task: str, path: Path | None, accesses: Accesses | None, wish: Wish) -> int | Fit:
    """The position in *wish* at which this step stands as an initial, or why at none.

    `Fit.ABSENT`: the task does nothing there, and its step is independent of all of it.
    `Fit.OTHER_DRAWS`: it could come first, and there it draws something else.
    """
    for position, event in enumerate(wish.events):
        if event.task == task:
            return _found(position, path, wish)
        if accesses is None or not independent(accesses, event.accesses):
            return Fit.NONE if accesses is None else _differing(task, path, position, wish)
    if not wish.task:
        return Fit.ABSENT
    if wish.task == task:
        return len(wish.events)
    if accesses is None or wish.accesses is None or not independent(accesses, wish.accesses):
        return Fit.NONE
    return Fit.ABSENT


def _found(position: int, path: Path | None, wish: Wish) -> int | Fit:
    """The task's first step is at *position*, and nothing before is in the way of this one."""
    event = wish.events[position]
    if path is None or path == event.path:
        return position
    return _differing(event.task, path, position, wish)


def _differing(task: str, path: Path | None, start: int, wish: Wish) -> Fit:
    """Whether the task's first step from *start* on could come first, with other draws."""
    if path is None:
        return Fit.NONE
    for position in range(start, len(wish.events)):
        event = wish.events[position]
        if event.task == task:
            if event.path == path or not all(
                independent(event.accesses, earlier.accesses)
                for earlier in wish.events[:position]
            ):
                return Fit.NONE
            return Fit.OTHER_DRAWS
    return Fit.NONE


def redundant(sleep: dict[str, Slept], wish: Wish) -> bool:
    """Whether what sleeps has covered *wish*.

    A step of *wish* makes the draws that it has there. One that is not in it, and the last one,
    may make any, so all outcomes have to be asleep and out of the way.
    """
    for task, slept in sleep.items():
        always = not slept.awake
        for path, accesses in slept.asleep:
            found = fit(task, path, accesses, wish)
            if isinstance(found, int) and found < len(wish.events):
                return True
            always = always and (found is Fit.ABSENT or isinstance(found, int))
        if always:
            return True
    return False


def insert(branches: list[Branch], wish: Wish) -> None:
    """Add *wish* to what is to be explored, if it is not covered by that."""
    while True:
        child, found = _first_fit(branches, wish)
        if child is None:
            _append(branches, wish)
            return
        left = wish.without(found) if isinstance(found, int) else wish
        if found is Fit.OTHER_DRAWS or not child.children or not len(left):
            child.absorbed.append(wish)
            return
        branches, wish = child.children, left


def _first_fit(branches: list[Branch], wish: Wish) -> tuple[Branch | None, int | Fit]:
    for child in branches:
        event = child.event
        if event is None:
            found = fit(child.task, None, None, wish)
        else:
            found = fit(child.task, event.path, event.accesses, wish)
        if found is not Fit.NONE:
            return child, found
    return None, Fit.NONE


def _append(branches: list[Branch], wish: Wish) -> None:
    for event in wish.events:
        child = Branch(event.task, -1, event)
        branches.append(child)
        branches = child.children
    if wish.task:
        branches.append(Branch(wish.task, wish.previous, None))


def prune(
    branch: Branch,
    sleep: dict[str, Slept],
    foresee: Foresee,
    lost: list[Wish],
    before: tuple[Event, ...] = (),
) -> bool:
    """Drop what the sleep set has covered by now; whether anything is left of *branch*.

    *lost* takes up what the dropped parts had absorbed.
    """
    behind = before if branch.event is None else (*before, branch.event)
    if branch.children:
        branch.children = [
            child for child in branch.children if prune(child, sleep, foresee, lost, behind)
        ]
        kept = bool(branch.children)
    else:
        task = branch.task if branch.event is None else ""
        kept = not redundant(sleep, Wish(list(behind), task, branch.previous, foresee))
    if not kept:
        for wish in branch.absorbed:
            lost.append(Wish([*before, *wish.events], wish.task, wish.previous, foresee))
    return kept
