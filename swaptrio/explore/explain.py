# SPDX-License-Identifier: MIT OR Apache-2.0
"""Explain: which orders of which steps made an execution fail.

Every two steps of different tasks that depend on each other stand in some order. Each of these
orders is flipped, the rest left as it was where that is possible, and the execution run again.
The orders whose flip passes are *necessary*: without any one of them nothing goes wrong. Where
a flip contains another one that passes, the smaller is told and not the larger; where some
steps tell what they touch, the orders of those that do not are left out.

That the last step came before what others had still to do is an order too, and so is in a
deadlock that somebody took what another then wanted. The draws that left the default are tried
the same way.

What should have kept the order from arising is looked for beside it: a *gap* is a task's way
between two steps that touch one object, into which a step of another task came. It is tested
too, by an execution in which the task passes it undisturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.flip import Looked, flipped, look, undisturbed
from swaptrio.explore.follow import Draws, InOrder, draws_of
from swaptrio.explore.near import distance, neighbours
from swaptrio.explore.trail import Step, conflict, depend
from swaptrio.scenario.world import Setup
from swaptrio.sched import Kind, Scheduler, Strategy, Verdict, Waiting
from swaptrio.sched.names import Draw

#: Orders that are flipped at most; an execution with more is cut to the last of them.
FLIPS: Final = 3000

#: Steps at the end of an execution whose orders are looked at.
STEPS: Final = 600

#: Steps that another task is let take before the one that failed.
BEYOND: Final = 12

#: Kinds of operation that take a lock.
_TAKES: Final = frozenset({Kind.LOCK, Kind.TRYLOCK})

#: Kinds of operation on what passes things on.
_CHANNEL: Final = frozenset({Kind.SEND, Kind.RECEIVE, Kind.CLOSE})


@attrs.frozen(eq=False)
class Edge:
    """A necessary order: *before* came before *after*, over *object*; *flip* is the other one.

    *object* is empty where a step reports nothing, so that nobody knows.
    """

    before: Step
    after: Step
    object: str
    flip: Looked


@attrs.frozen(eq=False)
class Needed:
    """A necessary draw, and what came of the default in its place."""

    draw: Draw
    flip: Looked


@attrs.frozen(eq=False)
class Gap:
    """The way of a task from step *opens* to step *closes*, which *comes* came into.

    The first two touch *object*. *closed* says that the execution passes where the task goes
    this way undisturbed. *lock* is what could keep the other out: the object itself, where it
    is a lock, or one that the other takes or holds; empty if there is none. It is *held* where
    the task has it all the way, so that the other came in without.
    """

    opens: Step
    comes: Step
    closes: Step
    object: str
    lock: str
    held: bool
    closed: bool


@attrs.frozen(eq=False)
class Explanation:
    """Why an execution failed. *flips* counts the orders tried, *others* those of them that
    fail in another way, *impossible* those that cannot be.

    It was *cut* where not all orders were tried, but the last of them. *nearest* is, of all the
    executions that were made and pass, the one that differs least (see `near.distance`).
    """

    failing: Looked
    edges: tuple[Edge, ...]
    draws: tuple[Needed, ...]
    gaps: tuple[Gap, ...]
    nearest: Looked | None
    flips: int
    others: int
    impossible: int
    cut: bool


async def explain(
    scheduler: Scheduler,
    setup: Setup,
    strategy: Strategy,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Explanation:
    """Why *setup* fails under *strategy*; nothing is explained of one that passes.

    Args:
        scheduler: runs the executions.
        setup: the scenario and the variant.
        strategy: leads to the failure.
        stop: asked before each execution; what was found until then is the result.
        progress: is told how many orders of how many have been flipped.
    """
    failing = await look(scheduler, setup, strategy)
    work = _Work(scheduler, setup, failing, draws_of(failing.names.entries), stop, progress)
    if failing.verdict.passed:
        return work.result((), (), ())
    edges = await work.edges()
    draws, gaps = await work.needed(), await work.gaps(edges)
    await work.look_around()
    return work.result(edges, draws, gaps)


@attrs.define(eq=False)
class _Work:
    scheduler: Scheduler
    setup: Setup
    failing: Looked
    drawn: Draws
    stop: Callable[[], bool]
    progress: Callable[[int, int], None]
    flips: int = 0
    others: int = 0
    impossible: int = 0
    cut: bool = False
    _passing: list[Looked] = attrs.Factory(list)

    def result(
        self, edges: tuple[Edge, ...], draws: tuple[Needed, ...], gaps: tuple[Gap, ...]
    ) -> Explanation:
        nearest = min(
            self._passing, key=lambda found: distance(self.failing, found), default=None
        )
        counts = (self.flips, self.others, self.impossible, self.cut)
        return Explanation(self.failing, edges, draws, gaps, nearest, *counts)

    async def edges(self) -> tuple[Edge, ...]:
        """The necessary orders, none of which contains another one."""
        found: dict[tuple[int, int], Looked] = {}
        steps = self.failing.steps
        every = list(_pairs(steps))
        pairs = every[-FLIPS:]
        self.cut = len(pairs) < len(every) or len(steps) > STEPS
        for pair in pairs:
            if self.stop():
                break
            self.progress(self.flips, len(pairs))
            looked = await self._flip(pair)
            if looked is not None and looked.verdict.passed:
                found[pair] = looked
                self._passing.append(looked)
        tight = [pair for pair in found if not any(_within(steps, o, pair) for o in found)]
        edges = [self._edge(pair, found[pair]) for pair in tight]
        known = [edge for edge in edges if edge.object] or edges
        return (*known, *await self._beyond())

    async def _beyond(self) -> tuple[Edge, ...]:
        """Orders of what was done and of what others have not come to."""
        if self.failing.at_end:
            return await self._locked_out()
        steps = self.failing.steps
        found = []
        for task in dict.fromkeys(step.task for step in steps if step.task != steps[-1].task):
            edge = await self._let_go_on(task)
            if edge is not None:
                found.append(edge)
        return tuple(found)

    async def _locked_out(self) -> tuple[Edge, ...]:
        """In a deadlock: who took what before somebody wanted it."""
        found = []
        for waiting in self.failing.verdict.waiting:
            for holder in waiting.holders:
                if self.stop():
                    break
                edge = await self._let_take_first(waiting, holder)
                if edge is not None:
                    found.append(edge)
        return tuple(found)

    async def _let_take_first(self, waiting: Waiting, holder: str) -> Edge | None:
        """Let the waiting task go on before *holder* takes what it waits for."""
        steps = self.failing.steps
        last = range(len(steps) - 1, -1, -1)
        taken = _touching(steps, holder, waiting.object, last)
        if taken is None:
            return None
        self.flips += 1
        order = self.failing.order
        others = [name for name in order[taken:] if name != holder]
        own = [name for name in order[taken:] if name == holder]
        first = [*order[:taken], *others, *[waiting.task] * BEYOND, *own]
        looked = await look(self.scheduler, self.setup, InOrder(first, self.drawn))
        for step in looked.steps:
            if (step.task, step.label) == (waiting.task, waiting.label):
                break
        else:
            return None
        if not looked.verdict.passed:
            return None
        self._passing.append(looked)
        return Edge(steps[taken], step, waiting.object, looked)

    async def _let_go_on(self, task: str) -> Edge | None:
        """The first of the next steps of *task* before which the last one should not come."""
        *order, failed = self.failing.order
        last = self.failing.steps[-1]
        for more in range(1, BEYOND + 1):
            if self.stop():
                break
            self.flips += 1
            strategy = InOrder([*order, *[task] * more, failed], self.drawn)
            looked = await look(self.scheduler, self.setup, strategy)
            taken = looked.steps[len(order) : len(order) + more]
            if len(taken) < more or any(step.task != task for step in taken):
                break
            if looked.verdict.passed:
                self._passing.append(looked)
                return Edge(
                    last, taken[-1], conflict(last.touched, taken[-1].touched) or "", looked
                )
        return None

    async def _flip(self, pair: tuple[int, int]) -> Looked | None:
        self.flips += 1
        found = await flipped(self.scheduler, self.setup, self.failing, self.drawn, pair)
        if found is None:
            self.impossible += 1
        elif not found.verdict.passed:
            self.others += not self._same(found.verdict)
        return found

    def _same(self, verdict: Verdict) -> bool:
        wanted = Fingerprint.of(self.setup, self.failing.verdict)
        return Fingerprint.of(self.setup, verdict) == wanted

    def _edge(self, pair: tuple[int, int], looked: Looked) -> Edge:
        before, after = (self.failing.steps[place] for place in pair)
        return Edge(before, after, conflict(before.touched, after.touched) or "", looked)

    async def needed(self) -> tuple[Needed, ...]:
        """The draws without which it passes."""
        found = []
        for place, option in self.drawn.items():
            if self.stop():
                break
            rest = {at: drawn for at, drawn in self.drawn.items() if at != place}
            strategy = InOrder(self.failing.order, rest)
            looked = await look(self.scheduler, self.setup, strategy)
            if looked.verdict.passed:
                self._passing.append(looked)
                found.append(Needed(Draw(place, option), looked))
        return tuple(found)

    async def look_around(self) -> None:
        """Keep what passes one entry of the schedule away."""
        around = neighbours(self.scheduler, self.setup, self.failing, self.stop)
        self._passing += [looked async for looked in around if looked.verdict.passed]

    async def gaps(self, edges: tuple[Edge, ...]) -> tuple[Gap, ...]:
        """Into which way of whom the steps of *edges* came; the shortest that passes first."""
        found = []
        for opens, comes, closes, name in dict.fromkeys(_ways(self.failing.steps, edges)):
            if self.stop():
                break
            block = (opens, closes)
            looked = await undisturbed(
                self.scheduler, self.setup, self.failing, self.drawn, block
            )
            if looked.verdict.passed:
                self._passing.append(looked)
            steps = self.failing.steps
            lock = _lock(steps, name, steps[comes])
            held = _held(steps[opens:closes], steps[opens].task, lock)
            places = (steps[opens], steps[comes], steps[closes])
            passed = looked.verdict.passed
            found.append((closes - opens, Gap(*places, name, lock, held, passed)))
        found += [(0, gap) for gap in self._beyond_gaps(edges)]
        found.sort(key=lambda each: (not each[1].closed, each[0]))
        return tuple(gap for _, gap in found)

    def _beyond_gaps(self, edges: tuple[Edge, ...]) -> Iterator[Gap]:
        """Ways that close with a step that nobody came to; their flip was the test."""
        steps = self.failing.steps
        for edge in edges:
            if edge.after in steps:
                continue
            for other in edges:
                way = (other.before.task, other.after) == (edge.after.task, edge.before)
                if way and other.object:
                    lock = _lock(steps, other.object, other.after)
                    held = _held(steps[steps.index(other.before) :], other.before.task, lock)
                    places = (other.before, other.after, edge.after)
                    yield Gap(*places, other.object, lock, held, closed=True)


def _pairs(steps: list[Step]) -> Iterator[tuple[int, int]]:
    """The places of all pairs of steps whose order could matter."""
    first = max(0, len(steps) - STEPS)
    for late in range(first, len(steps)):
        after = steps[late]
        for early in range(first, late):
            before = steps[early]
            ordered = before.task == after.task or after.task in before.spawned
            if not ordered and depend(before, after):
                yield early, late


def _within(steps: list[Step], inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    """Whether flipping *outer* flips *inner* too, which is another pair."""
    same = inner != outer and steps[inner[0]].task == steps[outer[0]].task
    return same and outer[0] <= inner[0] and inner[1] <= outer[1]


def _ways(steps: list[Step], edges: tuple[Edge, ...]) -> Iterator[tuple[int, int, int, str]]:
    """Ways over an end of an edge: where each opens, who comes, where it closes, over what."""
    places = {id_of(step): place for place, step in enumerate(steps)}
    for edge in edges:
        if not edge.object or id_of(edge.after) not in places or _passes_on(edge):
            continue
        before, after = places[id_of(edge.before)], places[id_of(edge.after)]
        opens = _touching(steps, edge.after.task, edge.object, range(before - 1, -1, -1))
        if opens is not None:
            yield opens, before, after, edge.object
        closes = _touching(steps, edge.before.task, edge.object, range(after + 1, len(steps)))
        if closes is not None:
            yield before, after, closes, edge.object


def _passes_on(edge: Edge) -> bool:
    """Whether it is about a channel, which nobody holds or looks at again."""
    return edge.before.kind in _CHANNEL or edge.after.kind in _CHANNEL


def _held(way: list[Step], task: str, lock: str) -> bool:
    """Whether *task* has *lock* after each of its steps on the *way*."""
    return all(lock in step.held for step in way if step.task == task)


def id_of(step: Step) -> tuple[str, str, int]:
    """What tells a step from the others of its execution."""
    return step.task, step.label, step.time


def _touching(steps: list[Step], task: str, name: str, places: range) -> int | None:
    for place in places:
        if steps[place].task == task and name in steps[place].touched:
            return place
    return None


def _lock(steps: list[Step], name: str, comes: Step) -> str:
    """The lock that would order what happens to the object called *name*."""
    locks = [step.object for step in steps if step.kind in _TAKES]
    if name in locks:
        return name
    if comes.kind in _TAKES:
        return comes.object
    return comes.held[-1] if comes.held else ""
