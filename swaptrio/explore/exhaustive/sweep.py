# SPDX-License-Identifier: MIT OR Apache-2.0
"""Depth-first search, in the order of preemptions, over classes or over states.

A *preemption* leaves a task that could have gone on. With a bound the search goes level by
level: all schedules without preemption, then those with one, and so on, so the simplest
counterexample comes first. Within a level a task that can go on goes on. What a preemption
leads to is deferred to the next level, as the way there.

Without a cache a draw of anything but the first option is deferred, too, so levels count both;
the same draws belong to the same way, whatever the level.

What was met before is not explored again. Levels rise, so it was met with no more preemptions
than now; and who runs is part of it, if he can go on, for the same place under another running
task has other continuations within the bound. With a *cache* that is the state. Without one it
is the way there up to the order of independent steps: the prime events that make it up. So
within a bound each class runs about once, and the state need not be looked at. Nor does a step
have to be taken again to see that it leads where all was explored, if its number is known.

A task that has begun, and waits, has done nothing that another one could see, nor is anybody
preempted by what comes next. So it need not be tried to begin later: daemons begin first. Only
where somebody else ends everything are there fewer classes for that.

Without a bound, sleep sets save executions that lead to known states only. They prune no state,
but what slept when a state was first met was not explored from there. So it is kept with the
state, and is made up for when the state is met with less asleep (Godefroid). Within a bound
they would be wrong: the other order of two independent steps may need fewer preemptions. Nor
are they used for programs that do not report what they access.

A state that is met again on the way from it is a round, which may be gone for ever. If that
is a livelock (see `lasso`) it is kept for whoever can go it. A round that is not fair proves
nothing, and what else goes on from its states is explored as ever. So is a round that several
ways back make up. If there is none at all every execution ends: sleep sets leave a way as long
to each that they leave out.

A coroutine cannot be copied, so a place is reached again by repeating the way there. One
execution goes through as many new states as it can, and ends where all is known. The state can
be looked at once the task that has come to a point is suspended, and by then the next one has
been chosen: the first that may run. Where that turns out wrong, or all is known, the execution
is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from swaptrio.explore.exhaustive.event import task_key
from swaptrio.explore.exhaustive.place import event_of
from swaptrio.explore.exhaustive.primes import Primes
from swaptrio.explore.exhaustive.result import Found
from swaptrio.explore.exhaustive.round import Rounds
from swaptrio.explore.exhaustive.sleep import sleep_after, sleeps
from swaptrio.explore.exhaustive.walk import Node, Walk
from swaptrio.explore.sights import Sights
from swaptrio.sched import Kind
from swaptrio.sched.states import Moment, State, States

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.event import Event, Path
    from swaptrio.sched import Execution

#: A task, and the first draws of its step.
Choice: TypeAlias = tuple[str, "Path"]


@attrs.define(eq=False)
class Way:
    """The way *before*, if there is one, and then a *choice*."""

    before: Way | None
    choice: Choice


#: A way, and how often it has preempted before its last choice.
Used: TypeAlias = tuple[Way | None, int]


@attrs.frozen
class Met:
    """A place by who runs, if he can go on, and the last event of each task that has run.

    *free* is the same place where nobody runs who can.
    """

    digest: bytes
    free: bytes

    @classmethod
    def of(cls, running: str, last: dict[str, int]) -> Met:
        """The place behind *last*, the numbers of events."""
        numbers = sorted(last.values())
        return cls(_digest(running, numbers), _digest("", numbers))

    def is_among(self, places: Container[bytes]) -> bool:
        """Whether it, or the same where more can be done, is one of *places*."""
        return self.digest in places or self.free in places


@attrs.frozen
class Later:
    """What was deferred at a place, or that more was *dropped* there, which lies at *way*."""

    place: Met | None
    way: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    used: int
    dropped: bool = False

    @property
    def ways(self) -> list[Used]:
        """The ways that were deferred."""
        way = follow(None, self.way)
        return [(Way(way, choice), self.used) for choice in self.choices]


@attrs.frozen
class End:
    """An execution of the class *name* that has ended with a step from a place.

    It may have *found* a violation; *final* are the final states that were told, if any, and
    *sights* the windows that were passed.
    """

    place: Met | None
    name: tuple[int, ...]
    found: Found | None
    final: frozenset[Hashable]
    sights: Sights | None = None


@attrs.define(eq=False)
class Place:
    """A node of the trace as this search sees it.

    *todo* are choices to be made from here, *dear* those that would be a preemption; *way*
    leads here. A choice that is *whole* is made with these draws and no others. *last* are the
    numbers of the last events of the tasks, *forced* how many draws a choice begins with.
    """

    way: Way | None
    todo: list[Choice]
    dear: list[str]
    last: dict[str, int]
    whole: bool = False
    forced: int = 0
    moment: Moment | None = None
    state: State | None = None
    met: Met | None = None


@attrs.define(eq=False)
class Sweep:
    """The guide of a search over classes, or states if *states* are given.

    *bound* is the number of preemptions that are allowed, None for any; *reports* says that the
    program reports all that its steps access. *used* is how often the present
    way has preempted. *known* are the states that were met, with what
    slept there, *ends* those in which an execution has passed. *dropped* says that there was
    more beyond the bound. *final* tells what the program has returned. *log* is what was found
    at this level, where somebody else wants to hear of it (see `errands`). *rounds* are those
    that were met.
    """

    states: States | None = None
    bound: int | None = None
    reports: bool = True
    known: dict[State, frozenset[Choice]] = attrs.Factory(dict)
    final: Callable[[], object] = lambda: None
    ways: set[bytes] = attrs.Factory(set)
    ends: set[State] = attrs.Factory(set)
    dropped: bool = False
    rounds: Rounds = attrs.Factory(Rounds)
    walk: Walk = attrs.field(init=False)
    _places: list[Place] = attrs.Factory(list)
    used: int = 0
    _deferred: list[Used] = attrs.Factory(list)
    _waiting: list[Used | Later] = attrs.Factory(list)
    _plan: list[Choice] = attrs.Factory(list)
    log: list[Met | Later | End] | None = None

    def __attrs_post_init__(self) -> None:
        self.walk = Walk(self, Primes())
        self.walk.racing = self.states is None
        self.walk.opaque = not self.reports

    @property
    def met(self) -> int:
        """How many states were met."""
        return len(self.known) + len(self.ends)

    @property
    def _sleeping(self) -> bool:
        return self.states is not None and self.bound is None and self.reports

    def begin(self, execution: Execution) -> None:
        """Look at states from the first new place on."""
        if self.states is not None:
            execution.look = self._look
            self.states.begin(execution, self.final())

    def arrive(self, execution: Execution, node: Node, before: Node | None) -> str:
        """The next of the plan, or the first task that may run."""
        way = self._way_to(before)
        if self._plan:
            task, node.forced = self._plan.pop(0)
            last = self._last(before)
            place = Place(way, [], [], last, bool(self._plan), len(node.forced))
            self._places.append(place)
            return task
        last = self._last(before)
        met = None
        if self.states is None:
            if before is not None and _is_nothing(execution, before):
                self._places[-1].todo.clear()
            met = self._compare(execution, last)
        if before is not None and self._sleeping:
            node.sleep = sleep_after(before.sleep, event_of(before))
        tasks = [task for task in node.offered if not sleeps(node.sleep.get(task, ()))]
        running, dear = execution.running, []
        if self.bound is not None and running is not None and running.enabled:
            tasks, dear = tasks[:1], tasks[1:]
        elif self.states is None:
            tasks.sort(key=lambda name: not _is_new(execution, name))
        if self.states is None:
            tasks = [
                task
                for task in tasks
                if _is_new(execution, task) or not self._is_known(node, last, task)
            ]
        place = Place(way, [(task, ()) for task in tasks[1:]], dear, last, met=met)
        if self.states is None:
            self._defer(place)
            if not tasks:
                self.walk.cut_here(execution)
        self._places.append(place)
        if self.states is not None:
            place.moment = Moment.of(execution)
            if running is None:
                self._look(execution)
            else:
                execution.watching = True
        if tasks:
            return tasks[0]
        place.whole = True
        return node.offered[0]

    def draw(self, node: Node, path: list[int], count: int) -> int:
        """The first option that leads to an outcome which does not sleep."""
        return self._option(node, tuple(path), range(count))

    def set_out(self, way: Iterable[Choice], used: int) -> None:
        """Explore what lies behind *way*, and nothing of what is deferred there."""
        self.walk.trace.clear()
        self._places.clear()
        self._deferred.clear()
        self._plan, self.used, self.log = list(way), used, []

    def left(self) -> list[Used | Later]:
        """The ways that are yet to go at this level, the last one first.

        Between them stands what is yet to be deferred when those are gone that come before.
        """
        left = [*self._waiting]
        for node, place in zip(self.walk.trace, self._places, strict=True):
            left += [(Way(place.way, choice), self.used) for choice in reversed(place.todo)]
            if node.event is not None:
                choices = tuple(_others(place, node.event))
                left.append(Later(None, tuple(path_of(place.way)), choices, self.used))
        if self.walk.trace:
            left.append((Way(self._places[-1].way, (node.task, node.forced)), self.used))
        else:
            left.append((follow(None, self._plan), self.used))
        return left

    def deferred(self) -> list[Used]:
        """The ways to go when those are gone."""
        return list(self._deferred)

    @property
    def stack(self) -> list[Place]:
        """The places of the trace, of a search for states."""
        return self._places

    @property
    def waiting(self) -> list[Used | Later]:
        """The ways to go at this level when those of the stack are gone, the last one first."""
        return self._waiting

    @property
    def plan(self) -> list[Choice]:
        """The way to go before anything is new."""
        return self._plan

    def wait_for(self, left: Iterable[Used | Later], deferred: Iterable[Used]) -> None:
        """Go on with what `left` and `deferred` have told, from when it advances."""
        self._waiting, self._deferred = [*left], [*deferred]

    def at_end(self, name: tuple[int, ...], *what: Any) -> None:
        """Write down that an execution of the class *name* has ended, and *what* it showed."""
        if self.log is not None:
            self.log.append(End(self._places[-1].met, name, *what))

    def end(self, execution: Execution) -> None:
        """Count the state at the end."""
        passed = execution.verdict is not None and execution.verdict.passed
        if self.states is not None and passed:
            self.ends.add(self.states.name(execution, Moment.of(execution)))

    def leads(self, node: Node) -> bool:
        """Whether it is on the way to what was deferred."""
        return bool(self._plan)

    def advance(self) -> bool:
        """Prepare the next execution; False if nothing is left."""
        trace, places = self.walk.trace, self._places
        while trace:
            node, place = trace[-1], places[-1]
            choice = self._next(node, place)
            if choice is not None:
                node.task, node.forced = choice
                node.number, node.event = -1, None
                return True
            trace.pop()
            places.pop()
        return self._next_way()

    def _next(self, node: Node, place: Place) -> Choice | None:
        event = node.event
        if event is not None:
            node.done += 1
            if self._sleeping:
                node.sleep[event.task] = (*node.sleep.get(event.task, ()), event)
            path = None if place.whole else self._other_draws(node, place, event)
            if path is not None:
                return event.task, path
        while place.todo:
            choice = place.todo.pop(0)
            if self.states is not None or not self._is_known(node, place.last, choice[0]):
                return choice
        return None

    def _other_draws(self, node: Node, place: Place, event: Event) -> Path | None:
        """The next draws of the same step in the order of the options; the last draw first."""
        if self.states is None:
            self._put_off(place, _others(place, event), self.used)
            return None
        for number in reversed(range(len(event.path))):
            before = event.path[:number]
            options = range(event.path[number] + 1, event.options[number])
            index = self._option(node, before, options) if options else -1
            if index >= 0:
                return (*before, index)
        return None

    def _option(self, node: Node, before: Path, options: Sequence[int]) -> int:
        outcomes = node.sleep.get(node.task)
        if not outcomes:
            return options[0]
        for index in options:
            if not sleeps(outcomes, (*before, index)):
                return index
        return -1

    def _look(self, execution: Execution) -> None:
        """See whether the last place was reached before, by another way."""
        assert self.states is not None
        node, place = self.walk.trace[-1] if self.walk.trace else None, self._places[-1]
        assert place.moment is not None
        state = place.state = self.states.name(execution, place.moment)
        asleep = _asleep(node) if node is not None else frozenset()
        slept = self.known.get(state)
        if slept is None:
            self.known[state] = asleep
            self._defer(place)
            if node is not None and node.offered and place.whole:
                self.walk.cut_here(execution)
            return
        self._see_round(execution, state)
        missed = sorted(slept - asleep)
        self.known[state] = slept & asleep
        place.todo, place.whole = list(missed), True
        self.walk.cut_here(execution)

    def _see_round(self, execution: Execution, state: State) -> None:
        """See whether *state*, that of the last place, was met on the way here."""
        way = self._places[:-1]
        start = next((number for number, place in enumerate(way) if place.state == state), None)
        if start is not None:
            self.rounds.meet(execution, self.walk.trace, start)

    def _last(self, before: Node | None) -> dict[str, int]:
        if before is None or self.states is not None:
            return {}
        event = event_of(before)
        return {**self._places[-1].last, event.task: event.prime}

    def _compare(self, execution: Execution, last: dict[str, int]) -> Met:
        """End the execution if it is at a place that was reached before, or at one like it.

        Where nobody is preempted by what comes next more can be done than where somebody is.
        """
        running = execution.running
        name = running.name if running is not None and running.enabled else ""
        met = Met.of(name, last)
        if met.is_among(self.ways):
            self.walk.cut_here(execution)
        self.ways.add(met.digest)
        if self.log is not None:
            self.log.append(met)
        return met

    def _is_known(self, node: Node, last: dict[str, int], task: str) -> bool:
        """Whether it can be told that *task* goes on from *node* to a place reached before.

        It can where the step was taken with the same causal past: then it has the same number.
        """
        trace, index = self.walk.trace, node.past.last.get(task, -1)
        previous = event_of(trace[index]).prime if index >= 0 else -1
        shown = self.walk.primes.known((task, previous, ()), node.past, trace, ())
        if len(shown) != 1 or shown[0].path:
            return False
        return Met.of(task, {**last, task: shown[0].number}).is_among(self.ways)

    def _defer(self, place: Place) -> None:
        if self.used != self.bound:
            self._put_off(place, [(task, ()) for task in place.dear], self.used + 1)
        elif place.dear:
            self.dropped = True
            self._put_off(place, [], self.used, dropped=True)

    def _put_off(
        self, place: Place, choices: list[Choice], used: int, *, dropped: bool = False
    ) -> None:
        self._deferred += [(Way(place.way, choice), used) for choice in choices]
        if self.log is not None and (choices or dropped):
            way = tuple(path_of(place.way))
            self.log.append(Later(place.met, way, tuple(choices), used, dropped))

    def _way_to(self, before: Node | None) -> Way | None:
        if before is None or self.bound is None:
            return None
        return Way(self._places[-1].way, (before.task, event_of(before).path))

    def _next_way(self) -> bool:
        """Go to what was deferred, on this level or on the next."""
        if self.log is not None:
            return False
        while self._waiting or self._deferred:
            if not self._waiting:
                self._waiting, self._deferred = [*reversed(self._deferred)], []
            task = self._waiting.pop()
            if not isinstance(task, Later):
                way, self.used = task
                self._plan = path_of(way)
                return True
            self._deferred += task.ways
            self.dropped = self.dropped or task.dropped
        return False


def _is_new(execution: Execution, name: str) -> bool:
    """Whether that is a daemon which has not begun."""
    return any(
        task.name == name and task.daemon and task.kind is Kind.START
        for task in execution.tasks
    )


def _is_nothing(execution: Execution, node: Node) -> bool:
    """Whether a daemon has begun, as the first from *node*, and waits, and that was all."""
    running, event = execution.running, event_of(node)
    idle = running is not None and running.daemon and not (running.enabled or running.finished)
    began = event.kind is Kind.START and list(event.accesses) == [task_key(event.task)]
    return idle and began and not node.done


def _others(place: Place, event: Event) -> list[Choice]:
    """Other draws of a step that was taken from *place*."""
    paths = [path for path in event.alternatives() if len(path) > place.forced]
    return [(event.task, path) for path in paths]


def follow(way: Way | None, choices: Iterable[Choice]) -> Way | None:
    """*way*, and on by *choices*."""
    for choice in choices:
        way = Way(way, choice)
    return way


def path_of(way: Way | None) -> list[Choice]:
    """The choices of *way*, the first one first."""
    choices = []
    while way is not None:
        choices.append(way.choice)
        way = way.before
    return choices[::-1]


def _digest(running: str, numbers: list[int]) -> bytes:
    return blake2b(repr((running, numbers)).encode(), digest_size=16).digest()


def _asleep(node: Node) -> frozenset[Choice]:
    return frozenset(
        (task, event.path) for task, outcomes in node.sleep.items() for event in outcomes
    )
