# SPDX-License-Identifier: MIT OR Apache-2.0
"""Walking one execution: repeat what is known, then go on as a guide says, and note it all.

Stateless search runs the program anew for each execution. The places that it shares with the one
before are repeated by candidate numbers. They are not taken on trust: at each of them as many
candidates must be offered as the last time, and the running task must stand at the same label.
A program that does anything else is not deterministic, and nothing is concluded from it.

`Walk` is the strategy and the observer of all those executions. An event is complete when the
next decision is due, or when the verdict is set. That is before abandoned tasks are closed, so
what their ``finally`` blocks do is no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import attrs

from swaptrio.explore.exhaustive.event import (
    BLOCKING,
    Event,
    Past,
    Path,
    accesses_of,
    key_of,
    task_key,
)
from swaptrio.explore.exhaustive.place import place
from swaptrio.explore.exhaustive.primes import Primes
from swaptrio.sched import Diverged, Ending, Kind, SchedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.sleep import Slept
    from swaptrio.explore.exhaustive.tree import Branch
    from swaptrio.sched import Access, Execution, Task


class Cut(SchedError):
    """The guide wants no more of this execution."""


@attrs.define(eq=False)
class Node:
    """A place in the trace, and the step that is taken from it.

    *offered* are the tasks that could go on, in the order of their numbers, and *mark* is what a
    repetition has to find. *task* takes the step, with the draws *forced*; *number* is that
    of the task among those offered, -1 until it is looked up, and *event* what the step did.
    The other fields belong to the guides; `search` explains them.
    """

    past: Past
    offered: tuple[str, ...]
    mark: tuple[int, str, str]
    task: str = ""
    number: int = -1
    forced: Path = ()
    event: Event | None = None
    sleep: dict[str, Slept] = attrs.Factory(dict)
    branches: list[Branch] = attrs.Factory(list)
    below: list[Branch] = attrs.Factory(list)
    asked: dict[tuple[int, ...], None] = attrs.Factory(dict)
    spent: int = 0


class Guide(Protocol):
    """Who knows where to go."""

    def arrive(self, node: Node, before: Node | None) -> str | None:
        """The task that goes on from *node*, which is new; None to end the execution here."""

    def draw(self, node: Node, path: list[int], count: int) -> int:
        """The option that a step draws whose draws so far are *path*."""


@attrs.define(eq=False)
class Blocked:
    """A task that could not go on at the end: its name, and what it waits for."""

    task: str
    kind: Kind
    wants: str


@attrs.define(eq=False)
class Walk:
    """Follows *trace* and extends it.

    *blocked* are the tasks that wait at the end of the execution. *ambiguous* are names of more
    than one object to wait for; whether these let somebody go on cannot be told by name.
    """

    asks_always: ClassVar[bool] = True

    guide: Guide
    primes: Primes
    trace: list[Node] = attrs.Factory(list)
    blocked: list[Blocked] = attrs.Factory(list)
    cut: bool = False
    ambiguous: dict[str, None] = attrs.Factory(dict)
    _depth: int = 0
    _path: list[int] = attrs.Factory(list)
    _options: list[int] = attrs.Factory(list)
    _declared: tuple[Kind, object, str] = (Kind.START, None, "")
    _chosen: int = 0
    _tasks: int = 0
    _touched: list[tuple[object, Access]] = attrs.Factory(list)
    _objects: dict[str, object] = attrs.Factory(dict)

    def begin(self, execution: Execution) -> None:
        """Listen."""
        self._touched = execution.touched = []
        self._depth, self.cut, self.blocked, self._objects = 0, False, [], {}

    def pick(self, execution: Execution, count: int) -> int:
        """The number of the task that goes on."""
        trace, depth = self.trace, self._depth
        running = execution.running
        mark = (count, "", "") if running is None else (count, running.name, running.label)
        if depth < len(trace):
            node = trace[depth]
            if node.mark != mark:
                raise Diverged(execution.step, _said(node.mark), _said(mark))
        else:
            node = self._arrive(execution, mark)
        self._depth = depth + 1
        if node.event is None:
            self._declare(execution, node)
        self._path, self._options = [], []
        self._touched.clear()
        return node.number

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The option that this step draws."""
        node, drawn, count = self.trace[self._depth - 1], len(self._path), len(options)
        index = node.forced[drawn] if drawn < len(node.forced) else count
        if index >= count:
            if node.event is not None:
                raise Diverged(execution.step, f"option {index} at {label}", f"{count} options")
            index = self.guide.draw(node, self._path, count)
        self._path.append(index)
        self._options.append(count)
        return index

    def step(self, execution: Execution, task: Task) -> None:
        """All is said at `pick`."""

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """All is said at `choose`."""

    def end(self, execution: Execution) -> None:
        """Complete the last event, and see who is left."""
        if self.cut or execution.verdict is None:
            return
        if execution.verdict.ending is Ending.DIVERGED:
            return
        if self.trace and self.trace[-1].event is None:
            fatal = not execution.verdict.passed and execution.count() > 0
            self._complete(execution, fatal=fatal)
        for task in execution.tasks:
            if not task.finished and not task.enabled:
                self.blocked.append(Blocked(task.name, task.kind, key_of(task.target)))

    @property
    def past(self) -> Past:
        """What lies behind the end of the trace."""
        if not self.trace:
            return Past()
        last = self.trace[-1]
        assert last.event is not None
        return last.past.after(last.event, len(self.trace) - 1, {})

    def _arrive(self, execution: Execution, mark: tuple[int, str, str]) -> Node:
        """A place where no execution has been in this order."""
        before, past = None, Past()
        if self.trace:
            before = self.trace[-1]
            past = self._complete(execution)
        offered = tuple([task.name for task in execution.candidates()])
        node = Node(past, offered, mark)
        task = self.guide.arrive(node, before)
        if task is None:
            self.cut = True
            raise Cut
        node.task = task
        self.trace.append(node)
        return node

    def _declare(self, execution: Execution, node: Node) -> None:
        """Keep what the chosen task is about to do; it is an event when it is done."""
        if node.number < 0:
            if node.task not in node.offered:
                raise Diverged(execution.step, node.task, ", ".join(node.offered))
            node.number = node.offered.index(node.task)
        task = execution.candidates()[node.number]
        self._chosen = task.index
        self._declared = task.kind, task.target, task.label
        self._tasks = len(execution.tasks)
        if task.kind in BLOCKING:
            self._look(task.target, node.past)

    def _look(self, target: object, past: Past) -> None:
        """Note whom an object lets go on that nobody has touched yet."""
        opens, key = getattr(target, "opens", None), key_of(target)
        if opens is not None and key not in past.opens:
            past.opens[key] = opens()

    def _complete(self, execution: Execution, *, fatal: bool = False) -> Past:
        """The step that was taken from the last node is over; the past behind it."""
        node = self.trace[-1]
        event = node.event
        if event is None:
            event = node.event = self._event(execution, node.task, fatal=fatal)
            node.forced = event.path
            place(event, self.trace, self.primes)
        return node.past.after(event, len(self.trace) - 1, self._opened())

    def _event(self, execution: Execution, name: str, *, fatal: bool) -> Event:
        kind, target, label = self._declared
        accesses = accesses_of(kind, target, self._touched)
        spawned = tuple([task.name for task in execution.tasks[self._tasks :]])
        task = execution.tasks[self._chosen]
        if kind is Kind.START:
            accesses.setdefault(task_key(name), 1)
        if task.finished:
            accesses[task_key(name)] = 3
        for child in spawned:
            accesses[task_key(child)] = 3
        wants = key_of(target) if kind in BLOCKING else ""
        path, options = tuple(self._path), tuple(self._options)
        return Event(name, kind, wants, label, path, options, accesses, spawned, fatal)

    def _opened(self) -> dict[str, tuple[Kind, ...] | None]:
        """Whom the objects of the last step let go on now."""
        opened: dict[str, tuple[Kind, ...] | None] = {}
        for target in (self._declared[1], *[target for target, _ in self._touched]):
            opens = getattr(target, "opens", None)
            if opens is not None:
                key = key_of(target)
                if self._objects.setdefault(key, target) is not target:
                    self.ambiguous[key] = None
                opened[key] = None if key in self.ambiguous else opens()
        return opened


def _said(mark: tuple[int, str, str]) -> str:
    count, task, label = mark
    return f"{count} candidates, {task} at {label}" if task else f"{count} candidates"
