# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trail: what each step of one execution has touched, and which steps must keep their order.

Two steps of different tasks *depend* on each other if they touch one object and not both of
them only read it or only add to it. What a step touches is its declared operation and all that
it reports beside (see `swaptrio.sched.shared`). A step that declares no object and reports
nothing may have touched anything, and depends on all others; one that only starts a task
depends on the step that spawned it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Access, Kind, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swaptrio.sched import Execution, Task

#: Kinds of operation that leave their object as it is.
LOOKS: Final = frozenset({Kind.READ, Kind.WAIT, Kind.JOIN})

#: Kinds whose steps report what they really do to their object.
_REPORTED: Final = frozenset({Kind.TRYLOCK, Kind.CAS})

_CLOCK: Final = "clock"


@attrs.define(eq=False)
class Step:
    """One step: *task* has performed *kind* on *object* at *label*, for the *time*-th time.

    *touched* says what it did to which object, by name. *draws* are the labels and options that
    it drew; *spawned* are the names of tasks that it started. *held* are the locks that its
    task holds afterwards; *daemon* says that it serves others.
    """

    number: int
    task: str
    kind: Kind
    object: str
    label: str
    time: int
    daemon: bool = False
    touched: dict[str, Access] = attrs.Factory(dict)
    draws: list[tuple[str, str]] = attrs.Factory(list)
    spawned: list[str] = attrs.Factory(list)
    held: tuple[str, ...] = ()

    @property
    def opaque(self) -> bool:
        """Whether it may have touched anything."""
        own = _task(self.task)
        return self.kind is Kind.STEP and not [name for name in self.touched if name != own]

    def touch(self, name: str, access: Access) -> None:
        """Add one access; a read and anything else make a write."""
        known = self.touched.get(name, access)
        self.touched[name] = access if known is access else Access.WRITE


@attrs.define(eq=False)
class Trail:
    """An observer that keeps the *steps* of one execution.

    *at_end* says that it ended because nobody had anything left to do.
    """

    steps: list[Step] = attrs.Factory(list)
    at_end: bool = False
    _times: dict[tuple[str, str], int] = attrs.Factory(dict)
    _tasks: int = 0

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform what it has declared."""
        self.close(execution)
        if execution.touched is None:
            execution.touched = []
        time = self._times[task.name, task.label] = (
            self._times.get((task.name, task.label), 0) + 1
        )
        target, label = name_of(task.target), task.label
        step = Step(execution.step, task.name, task.kind, target, label, time, task.daemon)
        if task.kind not in _REPORTED and task.target is not None:
            step.touch(_object_of(task), Access.READ if task.kind in LOOKS else Access.WRITE)
        self.steps.append(step)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """The step under way has drawn *option*."""
        self.steps[-1].draws.append((label, str(option)))

    def end(self, execution: Execution) -> None:
        """Close the last step."""
        self.close(execution)
        self.at_end = execution.running is None

    def close(self, execution: Execution) -> None:
        """Give the last step what it has reported and whom it has spawned; it is over."""
        tasks = execution.tasks
        if not self.steps:
            self._tasks = len(tasks)
            return
        step = self.steps[-1]
        for target, access in execution.touched or ():
            step.touch(name_of(target), access)
        if execution.touched:
            execution.touched.clear()
        if step.kind in _REPORTED and step.object not in step.touched:
            step.touch(step.object, Access.WRITE)
        step.held = tuple(
            name_of(lock) for task in tasks if task.name == step.task for lock in task.held
        )
        step.spawned += [task.name for task in tasks[self._tasks :]]
        self._tasks = len(tasks)
        running = execution.running
        if running is not None and running.finished and running.name == step.task:
            step.touch(_task(step.task), Access.WRITE)


def _task(name: str) -> str:
    return f"task {name}"


def _object_of(task: Task) -> str:
    if task.kind is Kind.JOIN:
        return _task(name_of(task.target))
    return _CLOCK if task.kind is Kind.SLEEP else name_of(task.target)


def conflict(one: Mapping[str, Access], other: Mapping[str, Access]) -> str | None:
    """The object over which two sets of accesses conflict, if there is one."""
    for name, access in one.items():
        found = other.get(name)
        if found is not None and (found is not access or access is Access.WRITE):
            return name
    return None


def depend(one: Step, other: Step) -> bool:
    """Whether two steps must keep their order for the same to come of them."""
    if one.task == other.task or one.opaque or other.opaque:
        return True
    if other.task in one.spawned or one.task in other.spawned:
        return True
    return conflict(one.touched, other.touched) is not None


def predecessors(steps: list[Step]) -> list[list[int]]:
    """For each step the positions of those before it that it depends on."""
    return [
        [before for before in range(place) if depend(steps[before], step)]
        for place, step in enumerate(steps)
    ]


def past_of(place: int, before: list[list[int]]) -> set[int]:
    """The positions of all steps that had to come before the one at *place*, and its own."""
    past, left = {place}, [place]
    while left:
        for each in before[left.pop()]:
            if each not in past:
                past.add(each)
                left.append(each)
    return past
