# SPDX-License-Identifier: MIT OR Apache-2.0
"""Search for states that takes from each one no more steps than it has to.

A set of tasks is *stubborn* in a state (after Valmari, "Stubborn sets for reduced state space
generation", 1990) if nothing that the others do, however long they go on without it, conflicts
with the next steps of its members. Whatever can happen from there can then happen with a step
of a member first, so no other step need be taken. A step that nobody else can notice makes such
a set alone, and its state has one successor.

What the others may do is not asked beforehand, it is seen. The search goes depth first. When it
comes back from a step, everything below was explored, and with it was noted who accesses what
(see `future`). A conflict with the step brings in its task. A member that cannot go on brings
in those who change what it waits for. When nobody comes in any more the set is stubborn.

Why what was seen is enough, although below not every step was taken either. Let t be the step
of a member, and w what the others do from the state on, its last step the first that conflicts
with t. All of w but its last step can be taken after t. By induction some execution that was
explored below t is equivalent to one that begins with these; in it the task of the last step
goes on, or waits, at the same place, and does the same up to the first access that conflicts
with t. So that access was seen, and its task would be a member. A step that ends the execution
by a violation conflicts with everything.

What the others do without a task is what was seen below its steps, but for what can only come
after one of them. That is known of each task whose next operation conflicts with the step, as
it waits, say, for a message that the step sends: all that it does comes after. It is hidden
then, as far as the task of the step is concerned. That its operation stands there is noted
before, at the state itself; so where the task could have been first, it is a member.

The induction needs that below t is less to come than here. Where a state can come back, nothing
is left out: all tasks are taken in each state of a strongly connected component of more than
one state. There the induction goes over the number of steps to the next component. What comes
from such a state is what comes from the component. (Tarjan's algorithm finds them.)

A state that is met again on the way from it is a round (see `round`). Let w be an execution
without end, and t the step of a member. Either t is in w, and can come first; or nothing in w
conflicts with it, and all of w can come after it. So one without end is left. If w is fair t is
in it, for it can be taken all the way: what is left is fair, too. Whom a busy wait keeps from
going on may have been let go before, if that is the same to the wait: then it is told of what
goes round, but not of him.

A state that was met before is not explored again, and lends its future. Sleep sets are not
used: what they leave out below a state would be missing in its future. Nor is each state looked
at. To do so costs as much as some steps, so along a way without branches it is done now and
then; which places these are is a guess, by what was seen before, and makes no difference to
what is found. Where a task was seen to turn round, each place is looked at.

So it finds all violations and all states at an end, and some of the states in between. All that
the program's tasks share has to be reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

import attrs

from swaptrio.explore.exhaustive.event import (
    BLOCKING,
    DECLARED,
    READ,
    WRITE,
    Accesses,
    independent,
    task_key,
    wanted_by,
)
from swaptrio.explore.exhaustive.future import FATAL, Ahead, Futures, Habits, Pending, joined
from swaptrio.explore.exhaustive.place import event_of
from swaptrio.explore.exhaustive.primes import Primes
from swaptrio.explore.exhaustive.round import Rounds
from swaptrio.explore.exhaustive.walk import Node, Walk
from swaptrio.sched import Kind
from swaptrio.sched.states import Moment, State, States

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.event import Event, Path
    from swaptrio.sched import Execution

#: So many places in a row, at most, are not looked at as states.
MOST_UNNAMED: Final = 8

#: Deeper than any place.
NOWHERE: Final = 1 << 60

#: A task, and the first draws of its step.
Choice: TypeAlias = tuple[str, "Path"]


@attrs.define(eq=False)
class Place:
    """A node of the trace as this search sees it.

    *pending* is the operation that each task has declared: its kind, the key of its object, and
    whether it can go on. *done* are the steps of the members so far, with all their outcomes.
    *ahead* is what was seen below: of each task, what the others do without it.
    *lowest* is the depth of the first place whose state has come back there. *unnamed* is 0
    where the state is looked at, else how many places before were not, this one included.
    """

    moment: Moment
    pending: dict[str, Pending]
    ahead: Ahead
    unnamed: int = 0
    state: State = ()
    done: dict[str, Accesses] = attrs.Factory(dict)
    lowest: int = NOWHERE
    known: bool = False


@attrs.frozen
class Memory:
    """What a `Stubborn` knows besides its trace; it explains each of them.

    *low* are depths of `Place.lowest` where a component is not done with, *turning* who was
    seen to turn round at which label.
    """

    states: States
    known: dict[State, Ahead]
    ends: set[State]
    rounds: Rounds
    futures: Futures
    habits: Habits
    low: dict[State, int]
    turning: set[tuple[str, str]]
    places: list[Place]


@attrs.define(eq=False)
class Stubborn:
    """The guide of the search. *known* is what lies ahead of the states that are done with.

    *ends* are the states in which an execution has passed; *final* tells what the program has
    returned. *rounds* are those that were met.
    """

    states: States
    known: dict[State, Ahead] = attrs.Factory(dict)
    ends: set[State] = attrs.Factory(set)
    final: Callable[[], object] = lambda: None
    rounds: Rounds = attrs.Factory(Rounds)
    dropped: ClassVar[bool] = False
    walk: Walk = attrs.field(init=False)
    futures: Futures = attrs.Factory(Futures)
    habits: Habits = attrs.Factory(Habits)
    _open: dict[State, int] = attrs.Factory(dict)
    _low: dict[State, int] = attrs.Factory(dict)
    _places: list[Place] = attrs.Factory(list)
    _turning: set[tuple[str, str]] = attrs.Factory(set)

    def __attrs_post_init__(self) -> None:
        self.walk = Walk(self, Primes())
        self.walk.racing = False

    @property
    def met(self) -> int:
        """How many states were met and kept."""
        return len(self._open) + len(self.known) + len(self.ends)

    @property
    def memory(self) -> Memory:
        """All that it knows besides its trace, between two executions; nothing is copied."""
        return Memory(
            self.states,
            self.known,
            self.ends,
            self.rounds,
            self.futures,
            self.habits,
            self._low,
            self._turning,
            self._places,
        )

    def remember(self, memory: Memory) -> None:
        """Know that and nothing else."""
        self.states, self.known, self.ends = memory.states, memory.known, memory.ends
        self.rounds, self.futures, self.habits = memory.rounds, memory.futures, memory.habits
        self._low, self._turning, self._places = memory.low, memory.turning, memory.places
        self._open = {
            place.state: depth
            for depth, place in enumerate(memory.places)
            if not (place.unnamed or place.known)
        }

    def begin(self, execution: Execution) -> None:
        """Look at states from the first new place on."""
        execution.look = self._look
        self.states.begin(execution, self.final())

    def arrive(self, execution: Execution, node: Node, before: Node | None) -> str:
        """The task that goes on, most probably a stubborn set alone."""
        self.states.goes_on(execution)
        pending = _pending(execution)
        place = Place(Moment.of(execution), pending, self._waiting(execution))
        task, alone = self._guess(node.offered, pending)
        if alone and (task, pending[task][2]) not in self._turning:
            place.unnamed = 1 + (self._places[-1].unnamed if self._places else 0)
            place.unnamed %= MOST_UNNAMED + 1
        self._places.append(place)
        execution.watching = not place.unnamed
        if not place.unnamed and execution.running is None:
            execution.watching = False
            self._look(execution)
        return task

    def draw(self, node: Node, path: list[int], count: int) -> int:
        """The first option."""
        return 0

    def end(self, execution: Execution) -> None:
        """Count the state at the end; who waits there waits for ever."""
        if self._places:
            self._places[-1].ahead.join(self._waiting(execution))
        if execution.verdict is not None and execution.verdict.passed:
            self.ends.add(self.states.name(execution, Moment.of(execution)))

    def leads(self, node: Node) -> bool:
        """Nothing is planned."""
        return False

    def advance(self) -> bool:
        """Prepare the next execution; False if nothing is left."""
        trace, places = self.walk.trace, self._places
        while trace:
            node, place = trace[-1], places[-1]
            choice = None if place.known else self._next(node, place)
            if choice is not None:
                node.task, node.forced = choice
                node.number, node.event = -1, None
                return True
            self._close()
        return False

    def _guess(self, offered: tuple[str, ...], pending: dict[str, Pending]) -> tuple[str, bool]:
        """The task with the smallest stubborn set, by what was seen before; whether alone."""
        if len(offered) == 1:
            return offered[0], True
        steps, ahead = self.habits.expect(pending)
        sizes = []
        for task in offered:
            members = closure([task], offered, pending, steps, ahead, self.futures)
            sizes.append(sum(other in members for other in offered))
        least = min(sizes)
        return offered[sizes.index(least)], least == 1

    def _next(self, node: Node, place: Place) -> Choice | None:
        event = event_of(node)
        node.done += 1
        accesses = {FATAL: WRITE} if event.fatal else event.accesses
        place.done[event.task] = joined(accesses, [place.done.get(event.task, {})])
        place.ahead.step(event.task, self.futures.of(event.task, accesses))
        self.habits.step(event.task, place.pending, accesses)
        path = _next_path(event)
        if path is not None:
            return event.task, path
        for task in self._members(node, place):
            if task not in place.done:
                return task, ()
        return None

    def _members(self, node: Node, place: Place) -> list[str]:
        """Those of a stubborn set that can go on, as far as is known."""
        if place.lowest < len(self._places):
            return list(node.offered)
        members = closure(
            list(place.done), node.offered, place.pending, place.done, place.ahead, self.futures
        )
        return [task for task in node.offered if task in members]

    def _close(self) -> None:
        """Everything from the last place on was explored."""
        depth = len(self._places) - 1
        place = self._places.pop()
        self.walk.trace.pop()
        if not place.known:
            self.habits.ahead(place.pending, place.ahead, self.futures)
            if place.lowest <= depth:
                place.ahead.forget()
                self._turning |= {(task, place.pending[task][2]) for task in place.done}
            if not place.unnamed:
                del self._open[place.state]
                self.known[place.state] = place.ahead
                if place.lowest < depth:
                    self._low[place.state] = place.lowest
            if place.lowest == depth:
                self._settle(place)
        if self._places:
            above, event = self._places[-1], event_of(self.walk.trace[-1])
            hidden = self.futures.all_of(_after(event, above.pending))
            above.ahead.below(event.task, place.ahead, hidden)
            if place.lowest < depth:
                above.lowest = min(above.lowest, place.lowest)

    def _settle(self, place: Place) -> None:
        """A component is done with: its states have the future of its first one."""
        for state in self._low:
            self.known[state] = place.ahead
        self._low.clear()

    def _look(self, execution: Execution) -> None:
        """See whether the state of the last place was met before."""
        place = self._places[-1]
        state = place.state = self.states.name(execution, place.moment)
        depth = self._open.get(state)
        if depth is not None:
            place.lowest = depth
            self.rounds.meet(execution, self.walk.trace, depth)
        elif state in self.known:
            place.ahead.join(self.known[state])
            place.lowest = self._low.get(state, NOWHERE)
        else:
            self._open[state] = len(self._places) - 1
            return
        place.known = True
        self.walk.cut_here(execution)

    def _waiting(self, execution: Execution) -> Ahead:
        """What those who cannot go on will do to what they wait for."""
        pending = _pending(execution)
        ahead = Ahead(0, dict.fromkeys(pending, 0))
        for task, (kind, key, _, _) in pending.items():
            if kind in BLOCKING:
                ahead.step(task, self.futures.of(task, {key: _least(kind)}))
        return ahead


def _pending(execution: Execution) -> dict[str, Pending]:
    return {
        task.name: (task.kind, wanted_by(task), task.label, task.enabled)
        for task in execution.tasks
        if not task.finished
    }


def closure(
    first: list[str],
    offered: tuple[str, ...],
    pending: dict[str, Pending],
    steps: Mapping[str, Accesses],
    ahead: Ahead,
    futures: Futures,
) -> dict[str, None]:
    """The tasks that a stubborn set must have which has the *first* ones."""
    members = dict.fromkeys(first)
    todo = list(first)
    while todo:
        task = todo.pop()
        without = ahead.without(task)
        if task not in offered:
            key = pending[task][1] if task in pending else task_key(task)
            found = list(futures.changing(key, task, without))
        elif task in steps:
            found = list(futures.against(task, steps[task], without))
            if FATAL in steps[task]:
                found += offered
        else:
            continue
        fresh = [other for other in found if other not in members]
        members.update(dict.fromkeys(fresh))
        todo += fresh
    return members


def _after(event: Event, pending: dict[str, Pending]) -> Iterator[str]:
    """The tasks whose next step happens after *event*, whatever they do in it."""
    yield from event.spawned
    for task, (kind, key, _, _) in pending.items():
        waits = task != event.task and kind in BLOCKING
        if waits and not independent({key: _least(kind)}, event.accesses):
            yield task


def _least(kind: Kind) -> int:
    """What an operation that may have to wait does to its object at least."""
    return READ if kind is Kind.LOCK else DECLARED[kind]


def _next_path(event: Event) -> Path | None:
    """The next draws of the same step in the order of the options; the last draw first."""
    for number in reversed(range(len(event.path))):
        if event.path[number] + 1 < event.options[number]:
            return (*event.path[:number], event.path[number] + 1)
    return None
