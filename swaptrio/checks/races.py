# SPDX-License-Identifier: MIT OR Apache-2.0
"""Data races: accesses that only the schedule orders (I-RACE).

Every access that `accesses` tells of is held against the earlier ones to the same data, by
vector clocks, as a race detector for threads does it. So a race is found in an execution in
which it did no harm, and named with both tasks and both places. What need not be ordered stands
in `protection`, as the kernel's KCSAN has ``data_race`` and ``READ_ONCE``.

What orders: taking a lock after its release, receiving a message, being woken or told of a
completion, joining a task, being spawned; and what the table says is ORDERING. That a trylock
failed orders nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from swaptrio.checks.accesses import watch_accesses
from swaptrio.checks.clocks import Clocks
from swaptrio.checks.protection import Row, Rule, row_of
from swaptrio.sched import (
    Access,
    Execution,
    Kind,
    Mutex,
    Observer,
    RwSem,
    SpinLock,
    Task,
    Violation,
)
from swaptrio.sched.channels import _Buffer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from swaptrio.mm.kernel import Kernel

_HERE: Final = ("swaptrio.checks.accesses", "swaptrio.checks.containers", __name__)


#: How many functions around an access may be what the table names: `swap_table_get` reads, but
#: `_swap_cgroup_get` does it for `lookup_swap_cgroup_id`.
_DEPTH: Final = 2


def watch_races(kernel: Kernel, execution: Execution) -> None:
    """Let a data race end *execution*.

    To be called when the world is built and nothing has run, and nobody else listens to what
    steps touch.

    Raises:
        Violation: (I-RACE) later, out of the access that comes second.
    """
    watch_accesses(kernel, execution)
    races = Races(execution, execution.observer)
    execution.touched = Feed(races)
    execution.observer = races


class Feed(list[Any]):
    """Where steps report to: passes each report on at once, and keeps none."""

    def __init__(self, races: Races) -> None:
        super().__init__()
        self._races = races

    def append(self, report: tuple[object, Access]) -> None:
        """Pass a report on."""
        self._races.access(*report)

    def __iadd__(self, reports: Iterable[tuple[object, Access]]) -> Self:  # type: ignore[misc,override]  # as list has it
        for report in reports:
            self._races.access(*report)
        return self


@attrs.frozen
class Place:
    """An access: the task, its own time then, and the point that it had last passed."""

    task: Task
    time: int
    label: str
    what: str


@attrs.define(eq=False)
class History:
    """The last accesses to one piece of data that a later one may race with."""

    write: Place | None = None
    reads: dict[int, Place] = attrs.Factory(dict)


@attrs.define(eq=False)
class Races:
    """Watches one execution; an observer in front of another."""

    execution: Execution
    observer: Observer | None
    clocks: Clocks = attrs.Factory(Clocks)
    data: dict[str, dict[str, History]] = attrs.Factory(dict)
    _known: int = 0
    _shared: set[tuple[int, object]] = attrs.Factory(set)

    def step(self, execution: Execution, task: Task) -> None:
        """Note what the operation that *task* is about to perform orders."""
        self._note_spawned()
        me, target = task.index, task.target
        if task.kind is Kind.SEND:
            self.clocks.send(me, target)
        elif task.kind is Kind.RECEIVE:
            self.clocks.receive(me, target)
        elif task.kind in (Kind.WAKE, Kind.CLOSE):
            self.clocks.release(me, target)
        elif task.kind is Kind.WAIT:
            self.clocks.acquire(me, target)
        elif task.kind is Kind.JOIN and isinstance(target, Task):
            self.clocks.end_of(me, target.index)
        if self.observer is not None:
            self.observer.step(execution, task)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Pass the choice on."""
        if self.observer is not None:
            self.observer.choice(execution, task, label, option)

    def end(self, execution: Execution) -> None:
        """Pass the end on."""
        if self.observer is not None:
            self.observer.end(execution)

    def access(self, what: object, access: Access) -> None:
        """Take note of one report of the running task."""
        task = self.execution.running
        if task is None:
            return
        if not isinstance(what, str):
            if access is Access.WRITE or isinstance(what, RwSem):
                self._synchronise(task, what)
            return
        row = row_of(what)
        if row.rule is Rule.ORDERING:
            self.clocks.acquire(task.index, what)
            if access is not Access.READ:
                self.clocks.release(task.index, what)
        elif row.rule is Rule.LOCKED:
            self._look(task, what, access, row)
        if what.endswith(".exists"):
            self.data.pop(what.removesuffix(".exists"), None)

    def _note_spawned(self) -> None:
        """Tasks that are new were started by who has run until now."""
        tasks, parent = self.execution.tasks, self.execution.running
        for task in tasks[self._known :]:
            if parent is not None and self.execution.step > 1:
                self.clocks.begin(task.index, parent.index)
        self._known = len(tasks)

    def _synchronise(self, task: Task, what: object) -> None:
        """A lock was taken or is given back, or a message sent within a step."""
        me = task.index
        if isinstance(what, RwSem):
            self._share(task, what)
        elif isinstance(what, SpinLock | Mutex):
            self.clocks.acquire(me, what)
            self.clocks.release(me, what)
        elif isinstance(what, _Buffer):
            self.clocks.send(me, what)

    def _share(self, task: Task, sem: RwSem) -> None:
        me, held = task.index, (task.index, sem)
        if sem.writer is task or task in sem.readers:
            shared = sem.writer is not task
            if shared:
                self._shared.add(held)
            self.clocks.acquire(me, sem, shared=shared)
        else:
            self.clocks.release(me, sem, shared=held in self._shared)
            self._shared.discard(held)

    def _look(self, task: Task, name: str, access: Access, row: Row) -> None:
        """Hold an access against the earlier ones, and keep it for the later ones."""
        reading = access is Access.READ
        excused = row.lockless if reading else row.hardware
        if excused and not excused.isdisjoint(_functions()):
            return
        owner, _, field = name.rpartition(".")
        history = self.data.setdefault(owner, {}).setdefault(field, History())
        here = Place(task, self.clocks.now(task.index), task.label, access.value)
        if history.write is not None:
            self._check(name, history.write, here)
        if reading:
            history.reads[task.index] = here
            return
        for read in history.reads.values():
            self._check(name, read, here)
        history.write = here
        history.reads.clear()

    def _check(self, name: str, before: Place, here: Place) -> None:
        if before.task is here.task or before.what == here.what == Access.ADD.value:
            return
        if not self.clocks.knows(here.task.index, before.task.index, before.time):
            first, second = (
                f"{place.task.name} at {place.label} ({place.what})" for place in (before, here)
            )
            message = f"{name}: nothing orders {first} and {second}"
            raise Violation("I-RACE", message)


def _functions() -> list[str]:
    """The innermost functions of the model in which the access under way is made."""
    frame: FrameType | None = sys._getframe(1)
    names: list[str] = []
    while frame is not None and len(names) < _DEPTH:
        name = frame.f_code.co_name
        ours = frame.f_globals.get("__name__") in _HERE
        between = name.startswith("<") or frame.f_code.co_filename == "<string>"
        if not ours and not between:  # comprehensions, and calls by the kernel's table
            names.append(name)
        frame = frame.f_back
    return names
