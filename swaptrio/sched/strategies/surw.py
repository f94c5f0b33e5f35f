# SPDX-License-Identifier: MIT OR Apache-2.0
"""SURW: Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS
2025.

As URW, but uniform over the orders of the *interesting* operations only, which the others do
not dilute. One task is *intended*, drawn in proportion to the interesting operations that it
has still before it. Operations go in the order of random numbers, but nobody performs an
interesting one except the intended task; when that has, another is drawn. A parent hands the
intention on to a child as often as the child is to do the interesting operation.

What is interesting is given as words for objects or labels or as a predicate. Where nothing is
given each execution draws it: one of the objects that tasks share, or all taking of locks, in
proportion to how often each was touched so far. So the first execution only measures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from swaptrio.sched.operation import Kind
from swaptrio.sched.strategies.candidates import drawn, indices, number_of
from swaptrio.sched.strategies.interest import Predicate
from swaptrio.sched.strategies.profile import Profile, Remaining, newcomers
from swaptrio.sched.strategies.races import object_of
from swaptrio.sched.strategies.random_walk import Seeded
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution

#: The event of whatever a given predicate or given words say.
_GIVEN: Final = "given"

#: The event of taking any lock. No object has this name: kinds of event are told by it.
LOCKS: Final = "all locks"

#: What a task weighs of which no interesting operation is expected (any more).
_FLOOR: Final = 1e-6


@attrs.define(eq=False)
class Surw(Seeded):
    """Uniform over the orders of what *interest* says, or of the *event* that it has drawn."""

    asks_always: ClassVar[bool] = True

    interest: Predicate | None = None
    profile: Profile = attrs.Factory(Profile)
    event: str = attrs.field(default="", init=False)
    _remaining: Remaining = attrs.field(factory=lambda: Remaining(floor=_FLOOR), init=False)
    _numbers: list[float] = attrs.field(factory=list, init=False)
    _held: list[bool] = attrs.field(factory=list, init=False)
    _chosen: Task | None = attrs.field(default=None, init=False)
    _intended: Task | None = attrs.field(default=None, init=False)

    def begin(self, execution: Execution) -> None:
        """Draw what is interesting, and look up what is expected of each task."""
        Seeded.begin(self, execution)
        self.event = _GIVEN if self.interest is not None else self._draw_event()
        self._remaining.begin(self.profile.expected(self.event))
        self.profile.executions += 1
        self._numbers, self._held = [], []
        self._chosen = self._intended = None

    def pick(self, execution: Execution, count: int) -> int:
        """The highest number among those that may perform what they have declared."""
        self._look(execution)
        among = indices(execution)
        if self._intended is None or self._intended.finished:
            self._intend(execution, [t.index for t in execution.tasks if not t.finished])
        assert self._intended is not None
        intended, held = self._intended.index, self._held
        free = [index for index in among if index == intended or not held[index]]
        if not free:
            free = [self._intend(execution, among)]
        chosen = max(free, key=self._numbers.__getitem__)
        self._perform(execution.tasks[chosen])
        return number_of(execution, chosen)

    def _look(self, execution: Execution) -> None:
        """See what the task that went on has declared now, and whom it has spawned."""
        parent = self._chosen
        if parent is not None:
            self._numbers[parent.index] = self._random.random()
            self._held[parent.index] = self._is_interesting(parent)
        for task in newcomers(execution, len(self._numbers)):
            self._arrive(task, parent)

    def _arrive(self, task: Task, parent: Task | None) -> None:
        self.profile.add(task, parent)
        before = self._remaining.left[parent.index] if parent is not None else 0.0
        self._remaining.arrive(task, parent)
        self._numbers.append(self._random.random())
        self._held.append(self._is_interesting(task))
        if parent is not None and parent is self._intended:
            self._hand_on(task, before)

    def _hand_on(self, child: Task, before: float) -> None:
        """Let *child* be the intended task, by its share of what its parent had *before*."""
        if self._random.random() * before < self._remaining.left[child.index]:
            self._intended = child

    def _intend(self, execution: Execution, among: list[int]) -> int:
        index = drawn(self._remaining.left, among, self._random.random())
        self._intended = execution.tasks[index]
        return index

    def _perform(self, task: Task) -> None:
        self._chosen = task
        self._count(task)
        if self._held[task.index]:
            self._remaining.spent(task.index)
            if task is self._intended:
                self._intended = None

    def _is_interesting(self, task: Task) -> bool:
        if self.interest is not None:
            return self.interest(task)
        if self.event == LOCKS:
            return task.kind is Kind.LOCK
        return bool(self.event) and object_of(task) == self.event

    def _count(self, task: Task) -> None:
        if self.interest is not None:
            if self._held[task.index]:
                self.profile.count(_GIVEN, task.name)
            return
        touched = object_of(task)
        if touched:
            self.profile.count(touched, task.name)
        if task.kind is Kind.LOCK:
            self.profile.count(LOCKS, task.name)

    def _draw_event(self) -> str:
        shared = [event for event, by in self.profile.events.items() if len(by) > 1]
        if not shared:
            return ""
        totals = [self.profile.total(event) for event in shared]
        return shared[drawn(totals, range(len(shared)), self._random.random())]
