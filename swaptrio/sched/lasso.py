# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recognise a state that comes back: a livelock that no step budget has to wait for.

If a state comes back, the same decisions for ever give an endless execution. It is a livelock
if no data was drawn in between, since an allocation need not fail for ever, and

* either it is fair: every task that could run at some moment in between, the earliest sleeper
  among them, has run. If some task that is neither done nor idle could not run at any moment in
  between, the others starve it: they go round, and it waits for ever;
* or nobody but one task has run, by no decision, and the strategy has settled on letting
  whoever runs go on. Then those who could go on are starved, as by a task with a higher
  priority that spins. It is the task's own fault: it does not even sleep. But nobody is
  preempted while he holds a spin lock: if one of them does, he goes on, and may end the wait.

A way round that is neither proves nothing: its program may go on under a fair schedule.

The steps in between are the cycle to show.

A verdict must never accuse a program that makes progress, so a state is all that its steps to
come can depend on (see `states`), with the program's own fingerprint, for what is not reached
from the frames of its tasks. What is called at its end only is no part of it, since that never
comes, nor are the statistics that a program has declared (``Execution.unread``).

Brent's way keeps one old state only: the one at the last power of two. The watch begins after
`QUIET` steps, so ordinary executions never pay for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task

#: Steps without any watch.
QUIET: Final = 128


def proves(
    execution: Execution, ran: AbstractSet[int], could: AbstractSet[int], *, settled: bool
) -> bool:
    """Whether a way round in which these tasks *ran*, and these *could* have, shows a livelock.

    *settled* says that all of it went without a decision, and goes on so.
    """
    kept = could - ran
    alone = settled and len(ran) == 1
    return not kept or (alone and not any(execution.tasks[index].spinning for index in kept))


def starved_by(execution: Execution, ran: AbstractSet[int]) -> list[Task]:
    """Who has something to do, and waits for ever while those that *ran* go round."""
    return [
        task
        for task in execution.tasks
        if not task.finished and not task.idle and task.index not in ran
    ]


@attrs.define(eq=False)
class Lasso:
    """The watch over one execution; *drawn* is set by whoever draws data.

    *start* is the step of the state that is kept, *way* the steps since then.
    """

    start: int = 0
    drawn: bool = False
    way: list[str] = attrs.Factory(list)
    _at: str = ""
    _state: Hashable = None
    _next: int = QUIET
    _decisions: int = 0
    _ran: set[int] = attrs.Factory(set)
    _could: set[int] = attrs.Factory(set)
    _unseen: Iterator[int] = attrs.Factory(itertools.count)

    def closes(self, execution: Execution, fingerprint: Callable[[], Hashable]) -> bool:
        """Whether this state was there before, with a fair way in between."""
        running = execution.running
        assert running is not None
        at = f"{running.name} {running.label}"
        if execution.step >= self._next:
            self.start, self._next, self._at = execution.step, 2 * execution.step, at
            self._state = self._look(execution, fingerprint())
            self._ran, self._could, self.drawn = set(), set(), False
            self.way, self._decisions = [], len(execution.deviations)
        elif (
            at == self._at
            and not self.drawn
            and not getattr(execution.strategy, "leads", False)
            and self._goes_on(execution)
            and self._look(execution, fingerprint()) == self._state
        ):
            return True
        self.way.append(at)
        self._ran.add(running.index)
        self._could.update(execution.enabled)
        if execution.sleepers:
            self._could.add(execution.sleepers[0][2].index)
        return False

    def starved(self, execution: Execution) -> tuple[str, ...]:
        """Who has not run all the way, once the state is back, and why, in words."""
        return tuple(self._why(task) for task in starved_by(execution, self._ran))

    def _why(self, task: Task) -> str:
        if task.index in self._could:
            return f"{task.name} could go on at {task.operation}, and does not get to run"
        return f"{task.name} waits at {task.operation}"

    def _goes_on(self, execution: Execution) -> bool:
        """Whether that is fair, or the strategy lets nobody else go on."""
        undecided = self._decisions == len(execution.deviations)
        settled = undecided and getattr(execution.strategy, "settled", False)
        return proves(execution, self._ran, self._could, settled=settled)

    def _look(self, execution: Execution, shared: Hashable) -> Hashable:
        from swaptrio.sched.states import shape_of  # which has to know what an execution is

        return shared, shape_of(execution, self._unseen)
