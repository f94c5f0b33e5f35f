# SPDX-License-Identifier: MIT OR Apache-2.0
"""Optimal dynamic partial-order reduction: one execution for each class, none in vain.

After Abdulla, Aronis, Jonsson and Sagonas, "Source Sets: A Foundation for Optimal Dynamic Partial
Order Reduction" (JACM 2017), with races of operations that wait (see `place`) and of steps that
draw data (see `sleep`).

The trace is a stack of nodes. An execution repeats it, takes the new step that its last node
asks for, and goes on where it likes among the tasks that do not sleep, the running one first.
Then all races of the whole trace are looked at, and each that is not covered is added to the
wakeup tree of the node before its first event. All races, and not only those of new events: the
sequence to be executed holds all that does not happen after the first event, and what comes late
in the trace can make a difference to what covers it.

Backtracking puts the last step to sleep and goes to the last node with a branch left.

Where all tasks sleep, nothing new can follow. That happens only after a step whose accesses
depend on its draws, for some draws of a wanted step may be covered and others not. Such an
execution still goes on to its end, and is counted apart: its races may be of others' concern.

A step that ends the execution by a violation comes before everything that others could still
have done, so it is dependent with all of them; and where it was taken each other task that could
go on has to be tried.

The fields of a node: *sleep* is what was explored from here; *branches* wait to be explored;
*below* is what *task*'s step hands down to the next node; *asked* are the races that were looked
at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.event import Event, Path
from swaptrio.explore.exhaustive.place import changes, event_of
from swaptrio.explore.exhaustive.primes import Primes
from swaptrio.explore.exhaustive.sleep import Slept, alternatives, sleep_after
from swaptrio.explore.exhaustive.tree import Wish, insert, prune, redundant
from swaptrio.explore.exhaustive.walk import Node, Walk

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.primes import Shown


@attrs.define(eq=False)
class Search:
    """The guide of an optimal search: what was explored and what is left, along one trace.

    *blocked* is the index of the node where all tasks slept, *unsure* are the races of the last
    execution of which nobody knows whether they can be reversed.
    """

    walk: Walk = attrs.field(init=False)
    blocked: int | None = None
    unsure: list[tuple[int, Wish]] = attrs.Factory(list)

    def __attrs_post_init__(self) -> None:
        self.walk = Walk(self, Primes())

    @property
    def trace(self) -> list[Node]:
        """The stack."""
        return self.walk.trace

    def arrive(self, node: Node, before: Node | None) -> str:
        """The first branch, or the first task that does not sleep."""
        if before is not None:
            node.sleep = sleep_after(before.sleep, event_of(before))
            node.branches, before.below = before.below, []
        if node.branches:
            return self._take_branch(node)
        for task in node.offered:
            slept = node.sleep.get(task)
            if slept is None or slept.awake:
                return task
        if self.blocked is None:
            self.blocked = len(self.trace)
        return node.offered[0]

    def draw(self, node: Node, path: list[int], count: int) -> int:
        """The first option that leads to outcomes which do not all sleep."""
        slept = node.sleep.get(node.task)
        if slept is None:
            return 0
        for index in range(count):
            if not slept.covers((*path, index)):
                return index
        return 0

    def advance(self) -> bool:
        """Prepare the next execution; False if nothing is left."""
        trace = self.trace
        if self.blocked is not None:
            del trace[self.blocked :]
            self.blocked = None
        while trace:
            node = trace[-1]
            event = event_of(node)
            node.sleep[event.task] = node.sleep.get(event.task, Slept()).joined_by(event)
            if self._drop_covered(node):
                node.task = self._take_branch(node)
                return True
            trace.pop()
        return False

    def look_for_races(self) -> None:
        """Ask for everything that the execution which has just ended shows to be missing."""
        events = [event_of(node) for node in self.trace]
        self.unsure = []
        for index, event in enumerate(events):
            for first in event.races:
                self._ask(events, first, event.task, event.path, event.previous, event.prime)
            for draws in alternatives(event):
                self._ask(events, index, event.task, draws, event.previous, -1)
            for first in event.unsure:
                self._doubt(events, first, event.task, event.previous)
        self._look_at_blocked(events)
        if events and events[-1].fatal:
            self._look_beside(events)

    def wish(self, first: int, wish: Wish) -> None:
        """Explore *wish* from the node before event *first*, if that is not covered."""
        node = self.trace[first]
        covered = self.blocked is not None and first >= self.blocked
        if not covered and not redundant(node.sleep, wish):
            insert(node.branches, wish)

    def class_of(self) -> tuple[int, ...]:
        """The class of the execution that has just ended, by the last events of its tasks."""
        last = {event_of(node).task: event_of(node).prime for node in self.trace}
        return tuple(sorted(last.values()))

    def _take_branch(self, node: Node) -> str:
        branch = node.branches.pop(0)
        node.below, node.forced = branch.children, branch.draws
        node.number, node.event = -1, None
        return branch.task

    def _drop_covered(self, node: Node) -> bool:
        """Drop branches that are covered by now; whether one is left, which is the first."""
        depth = len(self.trace) - 1

        def foresee(wish: Wish) -> list[Shown]:
            return self._foresee(depth, wish)

        while node.branches:
            lost: list[Wish] = []
            kept = prune(node.branches[0], node.sleep, foresee, lost)
            if not kept:
                del node.branches[0]
            for wish in lost:
                self.wish(depth, wish)
            if kept:
                return True
        return False

    def _foresee(self, depth: int, wish: Wish) -> list[Shown]:
        """What the last step of *wish* is known to do, executed from the node at *depth*."""
        events = [event_of(node) for node in self.trace[:depth]]
        past, step = self.trace[depth].past, (wish.task, wish.previous, wish.draws)
        return self.walk.primes.known(step, past, events, wish.events)

    def _ask(
        self,
        events: list[Event],
        first: int,
        task: str,
        draws: Path,
        previous: int,
        prime: int,
    ) -> None:
        """A race of event *first* with the next step of *task* after event *previous*."""
        rest = unordered(events, first)
        key = (prime, *draws, -1, *sorted([event.prime for event in rest]))
        asked = self.trace[first].asked
        if key not in asked:
            asked[key] = None
            self.wish(first, self._wish(events, first, rest, task, draws, previous))

    def _wish(
        self,
        events: list[Event],
        first: int,
        rest: list[Event],
        task: str,
        draws: Path,
        previous: int,
    ) -> Wish:
        number = -1 if previous < 0 else events[previous].prime
        return Wish(rest, task, draws, number, lambda wish: self._foresee(first, wish))

    def _doubt(self, events: list[Event], first: int, task: str, previous: int) -> None:
        """As `_ask`, where nobody knows whether the task could go on."""
        rest = unordered(events, first)
        key = (-1, *sorted([event.prime for event in rest]), _number(events, previous))
        asked = self.trace[first].asked
        if key not in asked:
            asked[key] = None
            wish = self._wish(events, first, rest, task, (), previous)
            if not redundant(self.trace[first].sleep, wish):
                self.unsure.append((first, wish))

    def _look_at_blocked(self, events: list[Event]) -> None:
        """The races of those who still wait."""
        last = {event.task: index for index, event in enumerate(events)}
        for blocked in self.walk.blocked:
            previous = last.get(blocked.task, self._birth(events, blocked.task))
            races, unsure = changes(
                blocked.task, blocked.kind, blocked.wants, previous, self.trace
            )
            for first in races:
                number = _number(events, previous)
                self._ask(events, first, blocked.task, (), previous, number)
            for first in unsure:
                self._doubt(events, first, blocked.task, previous)

    def _look_beside(self, events: list[Event]) -> None:
        """Who could have gone on instead of a step that has ended the execution."""
        fatal = len(events) - 1
        last = {event.task: index for index, event in enumerate(events[:fatal])}
        for task in self.trace[fatal].offered:
            if task != events[fatal].task:
                previous = last.get(task, self._birth(events, task))
                self.wish(fatal, self._wish(events, fatal, [], task, (), previous))

    def _birth(self, events: list[Event], task: str) -> int:
        for index, event in enumerate(events):
            if task in event.spawned:
                return index
        return -1


def unordered(events: list[Event], first: int) -> list[Event]:
    """The events after *first* that do not happen after it."""
    return [event for event in events[first + 1 :] if not event.before >> first & 1]


def _number(events: list[Event], index: int) -> int:
    """A number that no prime event has and that tells those who have not gone on yet apart."""
    return -2 - (events[index].prime if index >= 0 else -1)
