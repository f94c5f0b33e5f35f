# SPDX-License-Identifier: MIT OR Apache-2.0
"""Walking one execution: repeat what is known, then go on as a guide says, and note it all.

Stateless search runs the program anew for each execution. The places that it shares with the
one before are repeated by candidate numbers. They are not taken on trust: at each of them as
many candidates must be offered as the last time, and the running task must stand at the same
label. Where a whole execution is repeated, its steps must also report as many accesses;
otherwise nobody listens until something is new. A program that does anything else is not
deterministic, and nothing is concluded from it.

`Walk` is the strategy and the observer of all those executions. An event is complete when the
next decision is due, or when the verdict is set. That is before abandoned tasks are closed, so
what their ``finally`` blocks do is no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NoReturn, Protocol

import attrs

from swaptrio.explore.exhaustive.event import (
    ADD,
    BLOCKING,
    Event,
    Past,
    Path,
    Report,
    key_of,
    wanted_by,
)
from swaptrio.explore.exhaustive.place import event_of, place
from swaptrio.explore.exhaustive.primes import Primes
from swaptrio.explore.exhaustive.sleep import Sleep
from swaptrio.explore.exhaustive.wish import Wish
from swaptrio.sched import Access, Diverged, Ending, Kind, SchedError
from swaptrio.sched.strategies.races import object_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched import Execution, Task


class Cut(SchedError):
    """Nothing new can follow."""


#: Kinds that say what is done, to people, where all that is touched is reported.
SAID: Final = (Kind.READ, Kind.WRITE)

#: What each step accesses of a program that does not say what it does.
EVERYTHING: Final = "everything"


@attrs.define(eq=False)
class Node:
    """A place in the trace, and the step that is taken from it.

    *offered* are the tasks that could go on, in the order of their numbers, and *mark* is what
    a repetition has to find. *task* takes the step, with the draws *forced*; *number* is that
    of the task among those offered, -1 until it is looked up, and *event* what the step did.
    *reported* is how many accesses that were, *done* how many steps were taken from here
    before. The other fields belong to the guide; `search` explains them.
    """

    past: Past
    offered: tuple[str, ...]
    mark: tuple[int, str, str]
    task: str = ""
    number: int = -1
    forced: Path = ()
    event: Event | None = None
    sleep: Sleep = attrs.Factory(dict)
    wishes: list[Wish] = attrs.Factory(list)
    below: list[Wish] = attrs.Factory(list)
    asked: dict[tuple[int, ...], None] = attrs.Factory(dict)
    lent: bool = False
    amid: bool = False
    done: int = 0
    reported: int = 0


class Guide(Protocol):
    """Who knows where to go."""

    def begin(self, execution: Execution) -> None:
        """An execution begins."""

    def arrive(self, execution: Execution, node: Node, before: Node | None) -> str:
        """The task that goes on from *node*, which is new."""

    def draw(self, node: Node, path: list[int], count: int) -> int:
        """The option that a step draws whose draws so far are *path*."""

    def end(self, execution: Execution) -> None:
        """An execution has come to an end of its own."""

    def leads(self, node: Node) -> bool:
        """Whether steps are planned from *node* on, which is the last one so far."""


@attrs.define(eq=False)
class Blocked:
    """A task that could not go on at the end: its name, and what it waits for."""

    task: str
    kind: Kind
    wants: str


@attrs.define(eq=False)
class Walk:
    """Follows *trace* and extends it.

    *blocked* are the tasks that wait at the end of the execution, which may be *cut* short.
    *ambiguous* are names of more than one object to wait for; whether these let somebody go on
    cannot be told by name. *ordered* are the objects that somebody has waited for; *disordered*
    says that one of them was only then found to be, and was among those *added* to. *repeats*
    allows nothing but a repetition.
    """

    asks_always: ClassVar[bool] = True

    guide: Guide
    primes: Primes
    trace: list[Node] = attrs.Factory(list)
    blocked: list[Blocked] = attrs.Factory(list)
    ambiguous: dict[str, None] = attrs.Factory(dict)
    ordered: dict[str, None] = attrs.Factory(dict)
    added: dict[str, None] = attrs.Factory(dict)
    disordered: bool = False
    repeats: bool = False
    difference: Diverged | None = None
    opaque: bool = False
    racing: bool = True
    cut: bool = False
    _depth: int = 0
    _declared: tuple[Kind, object] = (Kind.START, None)
    _place: tuple[str, str] = ("", "")
    _wants: str = ""
    _chosen: int = 0
    _tasks: int = 0
    _report: Report = attrs.Factory(Report)
    _objects: dict[str, object] = attrs.Factory(dict)

    @property
    def leads(self) -> bool:
        """Whether it repeats what is known, or follows a plan."""
        return self._depth < len(self.trace) or self.guide.leads(self.trace[-1])

    @property
    def settled(self) -> bool:
        """Whether whoever runs goes on: a guide without a plan lets it."""
        return not self.leads

    def begin(self, execution: Execution) -> None:
        """Listen."""
        self._report = Report()
        execution.touched = self._report.touched if self.repeats else None
        self._depth, self.cut, self.blocked, self._objects = 0, False, [], {}
        self.guide.begin(execution)

    def pick(self, execution: Execution, count: int) -> int:
        """The number of the task that goes on."""
        trace, depth = self.trace, self._depth
        running = execution.running
        mark = (count, "", "") if running is None else (count, running.name, running.label)
        if depth < len(trace):
            node = trace[depth]
            if node.mark != mark:
                raise Diverged(execution.step, _said(node.mark), _said(mark))
            if depth and self.repeats:
                self._compare(execution, trace[depth - 1])
        elif self.repeats:
            raise Diverged(execution.step, "the end", _said(mark))
        else:
            node = self._arrive(execution, mark)
        self._depth = depth + 1
        if node.event is None:
            self._declare(execution, node)
            execution.touched = self._report.touched
        self._report.clear()
        return node.number

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The option that this step draws."""
        node, path, count = self.trace[self._depth - 1], self._report.path, len(options)
        if len(path) < len(node.forced):
            index = node.forced[len(path)]
            if index >= count:
                expected = f"an option {index} at {label}"
                raise Diverged(execution.step, expected, f"{count} options")
        else:
            index = self.guide.draw(node, path, count)
        self._report.draw(index, count)
        return index

    def step(self, execution: Execution, task: Task) -> None:
        """All is said at `pick`."""

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """All is said at `choose`."""

    def end(self, execution: Execution) -> None:
        """Complete the last event, and see who is left."""
        verdict = execution.verdict
        if verdict is None or verdict.ending is Ending.DIVERGED or self.cut:
            return
        if self._depth < len(self.trace):
            found, node = f"the end: {verdict}", self.trace[self._depth]
            self.difference = Diverged(execution.step + 1, _said(node.mark), found)
            return
        if self.trace and self.trace[-1].event is None:
            fatal = not verdict.passed and execution.running is not None
            self._complete(execution, fatal=fatal)
        self._see_who_waits(execution)
        self.guide.end(execution)

    def cut_here(self, execution: Execution) -> NoReturn:
        """End the execution at the place to which it has just come."""
        self._see_who_waits(execution)
        self.cut = True
        raise Cut

    def _see_who_waits(self, execution: Execution) -> None:
        for task in execution.tasks:
            if not task.finished and not task.enabled:
                self.blocked.append(Blocked(task.name, task.kind, wanted_by(task)))

    def class_of(self) -> tuple[int, ...]:
        """The class of the execution that has just ended, by the last events of its tasks."""
        last = {event_of(node).task: event_of(node).prime for node in self.trace}
        return tuple(sorted(last.values()))

    def _compare(self, execution: Execution, node: Node) -> None:
        """Hold the step that is over against the last time."""
        found = len(self._report.touched)
        if node.event is not None and node.reported != found:
            what = f"accesses of {node.task} in its last step"
            raise Diverged(execution.step, f"{node.reported} {what}", str(found))

    def _arrive(self, execution: Execution, mark: tuple[int, str, str]) -> Node:
        """A place where no execution has been in this order."""
        before, past = None, Past()
        if self.trace:
            before = self.trace[-1]
            past = self._complete(execution)
        offered = tuple([task.name for task in execution.candidates()])
        node = Node(past, offered, mark)
        node.task = self.guide.arrive(execution, node, before)
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
        self._declared = task.kind, task if task.kind is Kind.START else task.target
        self._place = task.label, object_of(task)
        self._wants = wanted_by(task) if task.kind in BLOCKING else ""
        self._tasks = len(execution.tasks)
        if task.kind in BLOCKING:
            self._order(self._wants)
            self._look(task.target, node.past)

    def _order(self, key: str) -> None:
        """Somebody waits for an object: what adds to it is not to be swapped any more."""
        if key not in self.ordered:
            self.ordered[key] = None
            self.disordered = self.disordered or key in self.added

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
            node.reported = len(self._report.touched)
            event = node.event = self._event(execution, node.task, fatal=fatal)
            node.forced = event.path
            added = [key for key, mode in event.accesses.items() if mode == ADD]
            self.added.update(dict.fromkeys(added))
            if self.racing:
                place(event, self.trace, self.primes)
        if not self.racing:
            return node.past
        return node.past.after(event, len(self.trace) - 1, self._opened())

    def _event(self, execution: Execution, name: str, *, fatal: bool) -> Event:
        kind, target = self._declared
        label, shares = self._place
        report, ordered = self._report, self.ordered
        if execution.thorough and kind in SAID:
            target = None
        spawned = execution.tasks[self._tasks :]
        task = execution.tasks[self._chosen]
        report.touched += [(child, Access.WRITE) for child in spawned]
        if task.finished:
            report.touched.append((task, Access.WRITE))
        if self.opaque:
            report.touched.append((EVERYTHING, Access.WRITE))
        return Event(
            name,
            kind,
            self._wants,
            tuple(report.path),
            tuple(report.options),
            report.accesses(kind, target, ordered),
            report.reach(kind, target, ordered),
            tuple([child.name for child in spawned]),
            fatal,
            label=label,
            shares=shares,
        )

    def _opened(self) -> dict[str, tuple[Kind, ...] | None]:
        """Whom the objects of the last step let go on now."""
        opened: dict[str, tuple[Kind, ...] | None] = {}
        for target in (self._declared[1], *[target for target, _ in self._report.touched]):
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
