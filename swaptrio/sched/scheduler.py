# SPDX-License-Identifier: MIT OR Apache-2.0
"""Running executions, whoever carries their tasks.

A model task is a coroutine that yields one thing only, `PARK`. A *carrier* sends such
coroutines on, always the one that has the baton; there are two, with the same face: `carrier`,
where each model task has a Trio task of its own, and `stepped`, where all are sent on from one.
Nothing in a program, a strategy or an observer can tell which it is on.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Hashable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.sched.errors import ModelError
from swaptrio.sched.execution import (
    DEFAULT_BUDGET,
    PARK,
    Execution,
    Unrecorded,
    enter,
    leave,
)
from swaptrio.sched.verdict import Ending

if TYPE_CHECKING:
    from swaptrio.sched.strategies import Strategy
    from swaptrio.sched.task import Observer, Task

#: Fills an execution with tasks: makes the objects and calls ``execution.spawn``.
Program = Callable[[Execution], object]


@attrs.define(eq=False)
class Scheduler(abc.ABC):
    """Runs executions, one after the other.

    Made by `open_scheduler`. One `Scheduler` runs one execution at a time. A `run` that is
    cancelled leaves it fit for the next.
    """

    execution: Execution | None = None
    closed: bool = False

    async def run(
        self,
        program: Program,
        strategy: Strategy,
        *,
        budget: int = DEFAULT_BUDGET,
        observer: Observer | None = None,
        fingerprint: Callable[[], Hashable] | None = None,
        recorded: bool = True,
    ) -> Execution:
        """Run *program* once under *strategy*; the result holds the verdict.

        Trio has its turn where one task follows another. A cancellation strikes there; a
        task that goes on and on alone is bounded by the budget only.

        Args:
            program: makes the objects and spawns the tasks of this execution.
            strategy: decides at every scheduling point.
            budget: steps (1 or more) after which the execution is a livelock.
            observer: is told of every step.
            fingerprint: the program's shared state, to recognise one that comes back.
            recorded: whether to keep the decisions. Without them the memory of a long
                execution does not grow with its steps; its verdict has an empty schedule, and
                only the strategy can repeat it.

        Raises:
            ModelError: another execution is running on this scheduler, or its block has ended.
            ValueError: the budget is below 1.
            trio.Cancelled: the caller was cancelled; all tasks of the program were abandoned.
        """
        if budget < 1:
            msg = f"the budget must be 1 step or more: {budget}"
            raise ValueError(msg)
        if self.closed or self.execution is not None:
            why = "has been closed" if self.closed else "runs one execution at a time"
            msg = f"a Scheduler {why}"
            raise ModelError(msg)
        execution = self.execution = Execution(strategy, budget, observer, fingerprint)
        if not recorded:
            execution.deviations = Unrecorded()
        token = enter(execution)
        try:
            await self._run(execution, program)
        finally:
            abandon(execution)
            execution.close()
            self.cleared(execution)
            self.execution = None
            leave(token)
        if execution.observer_failure is not None:
            raise execution.observer_failure
        return execution

    async def _run(self, execution: Execution, program: Program) -> None:
        try:
            program(execution)
            execution.strategy.begin(execution)
            execution.advance(None)
        except BaseException as exc:  # every way to fail is a verdict
            execution.fail(exc)
            if isinstance(exc, KeyboardInterrupt | SystemExit):
                raise
        await self.carry(execution)

    @abc.abstractmethod
    async def carry(self, execution: Execution) -> None:
        """Send the tasks on until the verdict is set. It may be set already."""

    @abc.abstractmethod
    def cleared(self, execution: Execution) -> None:
        """All tasks of *execution* are closed; forget them."""


def send(execution: Execution, task: Task) -> bool:
    """Send *task* on once, which has the baton; whether it has ended.

    Afterwards somebody else has the baton, or the same task again, or the verdict is set.
    """
    try:
        message = task.coro.send(None)
    except StopIteration as stop:
        execution.exit(task, stop.value)
        if execution.watching:
            execution.watch()
        return True
    except BaseException as exc:  # every way to fail is a verdict
        execution.fail(exc)
        if isinstance(exc, KeyboardInterrupt | SystemExit):
            raise
        return False
    if message is not PARK:
        execution.fail(_foreign(task, message))
        execution.abandon(task)  # here, as what it entered may belong to this Trio task
    elif execution.watching:
        execution.watch()
    return False


def abandon(execution: Execution) -> None:
    """Set the verdict of an execution that nobody carries any more."""
    if execution.verdict is None:
        execution.finish(Ending.ERROR, "", "abandoned from outside")


def _foreign(task: Task, message: object) -> ModelError:
    what = type(message).__name__
    places = " > ".join(_places(task.coro))
    return ModelError(
        f"{task.name} awaited something that is not a scheduling point ({what}) in {places}"
    )


def _places(awaited: Any) -> list[str]:
    """Where a suspended coroutine stands, from the outside in; Trio's own frames left out."""
    places = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None and not frame.f_globals.get("__name__", "").startswith("trio."):
            code = frame.f_code
            file = PurePath(code.co_filename).name
            places.append(f"{code.co_name} ({file}, line {frame.f_lineno})")
        awaited = getattr(awaited, "cr_await", None)
    return places
