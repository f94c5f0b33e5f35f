# SPDX-License-Identifier: MIT OR Apache-2.0
"""Optimal dynamic partial-order reduction: one execution for each class, none in vain.

After Abdulla, Aronis, Jonsson and Sagonas, "Source Sets: A Foundation for Optimal Dynamic
Partial Order Reduction" (JACM 2017), with races of operations that wait (see `place`) and of
steps that draw data (see `wish`).

The trace is a stack of nodes. An execution repeats it, takes the new step that its last node
asks for, and goes on where it likes among the tasks that do not sleep, the running one first.
Then all races of the whole trace are looked at, and each that is not covered becomes a wish of
the node before its first event. All races, and not only those of new events: the sequence to be
executed holds all that does not happen after the first event, and what comes late in the trace
can make a difference to what covers it.

Backtracking puts the last step to sleep and goes to the last node with a wish left.

Invariant: when a wish has been followed to its end no step sleeps there. So no execution ends
with everybody asleep. One that did would be cut and counted apart: what would follow has been
explored elsewhere, and must not be taken for something that a wish has to bring about.

A step that ends the execution by a violation comes before everything that others could still
have done, so it is dependent with all of them; and where it was taken each other task that
could go on has to be tried.

A search may be a part of another one (see `part`). Then the nodes before its *floor* are not
its own, and what it wishes there is *foreign*: somebody else has to see to it. A node that is
one of its *pins* has *lent* a step with all that lies below. It stays until that comes back, as
it may come back with wishes; where nothing else is left to do the search is *stuck*.

The fields of a node: *sleep* is what was explored from here; *wishes* wait to be explored;
*below* is what *task*'s step hands down to the next node; *asked* are the races that were
looked at; *lent* says that somebody explores a step that sleeps here, so that what lies below
is explored *amid* the work of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.place import changes, event_of
from swaptrio.explore.exhaustive.primes import Primes
from swaptrio.explore.exhaustive.sleep import awake, sleep_after, sleeps
from swaptrio.explore.exhaustive.walk import Node, Walk
from swaptrio.explore.exhaustive.wish import NO, Wish, covered

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.explore.exhaustive.event import Event
    from swaptrio.explore.exhaustive.primes import Shown, Step
    from swaptrio.sched import Execution


@attrs.define(eq=False)
class Search:
    """The guide of an optimal search: what was explored and what is left, along one trace.

    *blocked* says that all tasks sleep where the trace ends; *unsure* are the races of the last
    execution of which nobody knows whether they can be reversed.
    """

    walk: Walk = attrs.field(init=False)
    blocked: bool = False
    unsure: list[tuple[int, Wish]] = attrs.Factory(list)
    floor: int = 0
    pins: list[int] = attrs.Factory(list)
    stuck: bool = False
    foreign: list[tuple[int, Wish]] = attrs.Factory(list)

    def __attrs_post_init__(self) -> None:
        self.walk = Walk(self, Primes())

    @classmethod
    def of(cls, *, reports: bool) -> Search:
        """A search of a program that *reports* what it accesses, or of one that does not."""
        search = cls()
        search.walk.opaque = not reports
        return search

    @property
    def trace(self) -> list[Node]:
        """The stack."""
        return self.walk.trace

    def begin(self, execution: Execution) -> None:
        """Nobody sleeps yet."""
        self.blocked = False

    def arrive(self, execution: Execution, node: Node, before: Node | None) -> str:
        """The first step of the first wish, or the first task that does not sleep."""
        if before is not None:
            node.sleep = sleep_after(before.sleep, event_of(before))
            node.amid = before.amid or before.lent
            node.wishes, before.below = before.below + self._handed_down(before), []
        if node.wishes and self.grant(node):
            return node.task
        for task in node.offered:
            if not sleeps(node.sleep.get(task, ())):
                return task
        self.blocked = True
        self.walk.cut_here(execution)

    def draw(self, node: Node, path: list[int], count: int) -> int:
        """The first option that leads to an outcome which does not sleep."""
        outcomes = node.sleep.get(node.task)
        if outcomes:
            for index in range(count):
                if not sleeps(outcomes, (*path, index)):
                    return index
        return 0

    def end(self, execution: Execution) -> None:
        """All is done in `look_for_races`."""

    def leads(self, node: Node) -> bool:
        """Whether a wish goes on from *node*, or waits there."""
        return bool(node.wishes or node.below)

    def advance(self) -> bool:
        """Prepare the next execution; False if nothing is left but what others have."""
        trace, self.stuck = self.trace, False
        while len(trace) > self.floor:
            node = trace[-1]
            leave(node)
            pinned = len(trace) - 1 in self.pins
            node.lent = node.lent and pinned
            if self.grant(node):
                return True
            if pinned:
                self.stuck = True
                return False
            trace.pop()
        return False

    def look_for_races(self) -> None:
        """Ask for everything that the execution which has just ended shows to be missing."""
        events = [event_of(node) for node in self.trace]
        self.unsure = []
        for index, event in enumerate(events):
            step = event.task, _number(events, event.previous), ()
            for first in event.races:
                draws = event.drawn_before(events[first])
                self._ask(events, first, (*step[:2], draws), event.prime)
            for first in event.unsure:
                self._doubt(events, first, step)
            for draws in event.alternatives():
                self._ask(events, index, (*step[:2], draws), event.prime)
        if not self.blocked:
            self._look_at_blocked(events)
        if events and events[-1].fatal:
            self._look_beside(events)

    def wish(self, first: int, wish: Wish) -> None:
        """Explore *wish* from the node before event *first*, if that is not covered."""
        node = self.trace[first]
        if not covered(wish, node, self._known_at(node)):
            if first < self.floor:
                self.foreign.append((first, wish))
            else:
                node.wishes.append(wish)

    def wants_more(self, node: Node) -> bool:
        """Whether something is to be explored from *node* beside the step that it has taken."""
        if not node.wishes:
            return False
        known, step = self._known_at(node), event_of(node)
        return not all(
            wish.place_of(step, known) != NO or covered(wish, node, known)
            for wish in node.wishes
        )

    def grant(self, node: Node) -> bool:
        """Take the first step of the first wish that is still needed, if there is one."""
        wishes = node.wishes
        while wishes:
            wish = wishes.pop(0)
            known = self._known_at(node)
            if covered(wish, node, known):
                continue
            node.number, node.event, node.below = -1, None, []
            if wish.events:
                step, rest = wish.events[0], wish.without(0)
                node.task, node.forced = step.task, step.path
                node.below = [rest] if rest else []
            else:
                assert wish.last is not None
                node.task, _, draws = wish.last
                asleep = node.sleep.get(node.task, ())
                paths = [shown.path for shown in known(wish)]
                awaken = [path for path in paths if not sleeps(asleep, path)]
                node.forced = awaken[0] if awaken else awake(asleep, draws)
            return True
        return False

    def _handed_down(self, node: Node) -> list[Wish]:
        """What goes on behind the step of *node*, of all that is wished there."""
        step, known = event_of(node), self._known_at(node)
        handed, kept = [], []
        for wish in node.wishes:
            place = wish.place_of(step, known)
            if place == NO:
                kept.append(wish)
            elif rest := wish.without(place):
                handed.append(rest)
        node.wishes = kept
        return handed

    def _known_at(self, node: Node) -> Callable[[Wish], list[Shown]]:
        """Tells what the last step of a wish is known to do, executed from *node*."""
        primes, past, trace = self.walk.primes, node.past, self.trace

        def known(wish: Wish) -> list[Shown]:
            assert wish.last is not None
            return primes.known(wish.last, past, trace, wish.events)

        return known

    def _ask(self, events: list[Event], first: int, last: Step, prime: int) -> None:
        """A race of event *first* with the step *last*, that of number *prime*."""
        rest = unordered(events, first)
        key = (prime, *last[2], -1, *sorted([event.prime for event in rest]))
        asked = self.trace[first].asked
        if key not in asked:
            asked[key] = None
            self.wish(first, Wish(rest, last))

    def _doubt(self, events: list[Event], first: int, last: Step) -> None:
        """As `_ask`, where nobody knows whether the task could go on."""
        rest = unordered(events, first)
        key = (-1, *sorted([event.prime for event in rest]), last[1])
        node = self.trace[first]
        if key not in node.asked:
            node.asked[key] = None
            wish = Wish(rest, last)
            if not covered(wish, node, self._known_at(node)):
                self.unsure.append((first, wish))

    def _look_at_blocked(self, events: list[Event]) -> None:
        """The races of those who still wait."""
        last = {event.task: index for index, event in enumerate(events)}
        for blocked in self.walk.blocked:
            previous = last.get(blocked.task, self._birth(events, blocked.task))
            races, unsure = changes(
                blocked.task, blocked.kind, blocked.wants, previous, self.trace
            )
            step = blocked.task, _number(events, previous), ()
            for first in races:
                self._ask(events, first, step, -2 - step[1])
            for first in unsure:
                self._doubt(events, first, step)

    def _look_beside(self, events: list[Event]) -> None:
        """Who could have gone on instead of a step that has ended the execution."""
        fatal = len(events) - 1
        last = {event.task: index for index, event in enumerate(events[:fatal])}
        for task in self.trace[fatal].offered:
            if task != events[fatal].task:
                previous = last.get(task, self._birth(events, task))
                self.wish(fatal, Wish((), (task, _number(events, previous), ())))

    def _birth(self, events: list[Event], task: str) -> int:
        for index, event in enumerate(events):
            if task in event.spawned:
                return index
        return -1


def leave(node: Node) -> None:
    """The step of *node* was explored, or is by somebody else: it sleeps."""
    event = node.event
    if event is not None:
        node.sleep[event.task] = (*node.sleep.get(event.task, ()), event)
        node.done += 1
        node.event = None


def unordered(events: list[Event], first: int) -> tuple[Event, ...]:
    """The events after *first* that do not happen after it."""
    return tuple([event for event in events[first + 1 :] if not event.before >> first & 1])


def _number(events: list[Event], index: int) -> int:
    """The number of the event at *index*; -1 where there is none."""
    return events[index].prime if index >= 0 else -1
