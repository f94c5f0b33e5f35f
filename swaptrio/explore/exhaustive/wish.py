# SPDX-License-Identifier: MIT OR Apache-2.0
"""Wishes: what is still to be explored from one place, as sequences of steps.

A race (e, e') asks for the sequence v = *all later events that do not happen after e, then e'*,
to be executed from the place before e. It is not needed if a step that could come first in v,
or that is independent of all of v (a *weak initial* of v), was explored from there: that step
sleeps.

The wakeup tree of the paper is kept as a list of sequences, in the order in which they were
asked for, and grows its branches when their turn comes. Then the first sequence that is still
needed takes its first step; behind that it goes on, together with all others of the list of
which that step is a weak initial too. Until then they may wait; what they turn out to be
covered by sleeps by then, with all that it accessed known.

Of v all steps but the last are known: they are executed again with the same causal past, so
they do the same. The last one, e', now comes before e and may access other things. `primes` is
asked. If it knows nothing, then e' has never been executed with this past: nothing covers v. If
it knows, then e' is as known as the others. Should it have several outcomes one of them is
enough, as the step asks for the others itself when it is executed.

Such an e' must begin with the draws that it had made before it met e: another outcome need not
meet e at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.event import Event, independent
from swaptrio.explore.exhaustive.primes import Step
from swaptrio.explore.exhaustive.sleep import sleeps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swaptrio.explore.exhaustive.primes import Shown
    from swaptrio.explore.exhaustive.walk import Node

#: The step is no weak initial, or is one that does not occur.
NO, ABSENT = -2, -1


@attrs.frozen(eq=False)
class Wish:
    """A sequence to be explored: executed *events*, then the next step of a task.

    *last* is that step: its task, the number of the event that it follows in it, and the draws
    that it has to begin with. It is None where the step was found elsewhere.
    """

    events: tuple[Event, ...]
    last: Step | None = None

    def without(self, place: int) -> Wish:
        """This sequence less the step at *place* (`ABSENT`: all of it)."""
        if place == ABSENT:
            return self
        if place == len(self.events):
            return Wish(self.events)
        return Wish(self.events[:place] + self.events[place + 1 :], self.last)

    def place_of(self, step: Event, known: Callable[[Wish], Sequence[Shown]]) -> int:
        """Where *step*, executed from the same place, stands here as a weak initial.

        *known* tells which outcomes of the last step are known.
        """
        for place, event in enumerate(self.events):
            if event.task == step.task:
                return place if event.path == step.path else NO
            if not event.apart(step):
                return NO
        if self.last is None:
            return ABSENT
        task, _, draws = self.last
        if task == step.task:
            return len(self.events) if step.path[: len(draws)] == draws else NO
        met = any(independent(shown.accesses, step.accesses) for shown in known(self))
        return ABSENT if met and not step.fatal else NO

    def __bool__(self) -> bool:
        return bool(self.events) or self.last is not None


def covered(wish: Wish, node: Node, known: Callable[[Wish], Sequence[Shown]]) -> bool:
    """Whether something that sleeps at *node* has covered *wish*.

    *Amid* the work of others it has covered only what can begin with it (see `part`).
    """
    return any(
        place != NO and not (node.amid and _relies(wish, place, outcomes))
        for outcomes in node.sleep.values()
        for step in outcomes
        for place in (wish.place_of(step, known),)
    )


def _relies(wish: Wish, place: int, outcomes: tuple[Event, ...]) -> bool:
    """Whether what sleeps covers *wish* only with what is asked for where it is explored."""
    if place != len(wish.events):
        return place == ABSENT
    assert wish.last is not None
    return not sleeps(outcomes, wish.last[2])
