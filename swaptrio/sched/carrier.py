# SPDX-License-Identifier: MIT OR Apache-2.0
"""Trio tasks that carry model tasks.

The story. A model task is a coroutine that yields one thing only, `PARK`, and only when
`Execution.advance` says so, which has chosen somebody else. A *worker* is a Trio task that
sends such a coroutine on until it parks or ends, wakes the worker of the task chosen next, and
waits in `trio.lowlevel.wait_task_rescheduled` until it is woken itself. So the baton goes from
Trio task to Trio task, exactly one of them is runnable at any time, and the order in which Trio
runs its batches has nothing to decide.

Starting Trio tasks is dear (a nursery with four of them costs as much as ten steps), so workers
are kept from one execution to the next, and many executions share one `trio.run`. A worker
whose task has ended takes up the next one itself if that has no worker yet.

What could go wrong: a cancellation strikes while one worker is on its way, woken and not yet
run. If it struck the workers as well, Trio would run them in any order, and each would have to
be told from those that still wait. So no cancellation reaches a worker: its abort function
refuses, and it ends when the block of `open_scheduler` does. Only the driver is cancelled,
sets the verdict and puts all workers among the idle; the one on its way finds the verdict, or,
if the next execution was quicker, a task of that one to carry.

What was rejected: a controller task in the middle (two switches a step instead of one); Trio's
own Lock and Event (FIFO hand-over, wake order by set) which hide who is blocked on what; an
Instrument to notice foreign awaits (its exceptions are logged and dropped, and every tick
pays). Since workers see all that a coroutine yields, a foreign await is caught at once, with
its place.

Invariants
  * a worker with ``asleep`` true is parked and has been given to nobody else to wake; waking
    clears the flag first, so no park is ever woken twice.
  * a worker with ``asleep`` false runs now or is about to, and will look at what it was given.
  * a model coroutine is suspended whenever its worker is parked: anybody may close it.
  * the driver (the caller of `Scheduler.run`) is woken once, by the worker that sees the
    verdict, unless a cancellation has woken it before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import attrs
import trio
from trio.lowlevel import Abort, RaiseCancelT

from swaptrio.sched.errors import ModelError
from swaptrio.sched.execution import DEFAULT_BUDGET, PARK, Execution, enter, leave
from swaptrio.sched.task import Observer, Task
from swaptrio.sched.verdict import Ending

if TYPE_CHECKING:
    from swaptrio.sched.strategies import Strategy

#: Fills an execution with tasks: makes the objects and calls ``execution.spawn``.
Program = Callable[[Execution], None]


@attrs.define(eq=False)
class _Sleeper:
    """A Trio task that waits until another one wakes it: a worker, or the driver."""

    trio_task: trio.lowlevel.Task | None = None
    asleep: bool = False

    async def park(self) -> None:
        self.trio_task = trio.lowlevel.current_task()
        self.asleep = True
        await trio.lowlevel.wait_task_rescheduled(self.abort)

    def wake(self) -> None:
        if not self.asleep:
            msg = "a task was woken twice"
            raise ModelError(msg)
        self.asleep = False
        assert self.trio_task is not None
        trio.lowlevel.reschedule(self.trio_task)

    def abort(self, _raise_cancel: RaiseCancelT) -> Abort:
        self.asleep = False
        return Abort.SUCCEEDED


@attrs.define(eq=False)
class _Worker(_Sleeper):
    """Carries *task* of *execution*; keeps both after the end, until it is given others."""

    execution: Execution | None = None
    task: Task | None = None

    def abort(self, _raise_cancel: RaiseCancelT) -> Abort:
        return Abort.FAILED


@attrs.define(eq=False)
class Scheduler:
    """Runs executions, one after the other, on Trio tasks that it keeps.

    Made by `open_scheduler`. One `Scheduler` runs one execution at a time. A `run` that is
    cancelled leaves it fit for the next.
    """

    _nursery: trio.Nursery
    _driver: _Sleeper = attrs.Factory(_Sleeper)
    _workers: list[_Worker] = attrs.Factory(list)
    _idle: list[_Worker] = attrs.Factory(list)
    _execution: Execution | None = None
    _closed: bool = False

    async def run(
        self,
        program: Program,
        strategy: Strategy,
        *,
        budget: int = DEFAULT_BUDGET,
        observer: Observer | None = None,
        fingerprint: Callable[[], Hashable] | None = None,
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

        Raises:
            ModelError: another execution is running on this scheduler, or its block has ended.
            ValueError: the budget is below 1.
            trio.Cancelled: the caller was cancelled; all tasks of the program were abandoned.
        """
        if budget < 1:
            msg = f"the budget must be 1 step or more: {budget}"
            raise ValueError(msg)
        if self._closed or self._execution is not None:
            why = "has been closed" if self._closed else "runs one execution at a time"
            msg = f"a Scheduler {why}"
            raise ModelError(msg)
        execution = self._execution = Execution(strategy, budget, observer, fingerprint)
        token = enter(execution)
        try:
            await self._run(execution, program)
        finally:
            _abandon(execution)
            execution.close()
            self._idle.extend(task.carrier for task in execution.tasks if task.carrier)
            self._execution = None
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
        if execution.verdict is None:
            self._wake(execution)
            await self._driver.park()
        else:
            await trio.lowlevel.checkpoint()

    def _wake(self, execution: Execution) -> None:
        """Hand the baton to the worker of the chosen task."""
        task = execution.running
        assert task is not None
        worker: _Worker | None = task.carrier
        if worker is not None:
            worker.wake()
        elif self._idle:
            worker = self._idle.pop()
            _give(worker, execution, task)
            if worker.asleep:
                worker.wake()
        else:
            worker = _Worker()
            _give(worker, execution, task)
            self._workers.append(worker)
            self._nursery.start_soon(self._work, worker)

    async def _work(self, worker: _Worker) -> None:
        worker.trio_task = trio.lowlevel.current_task()
        while True:
            self._carry(worker)
            if self._closed:
                return
            worker.asleep = True
            await trio.lowlevel.wait_task_rescheduled(worker.abort)

    def _close(self) -> None:
        """Let the workers end; an execution that somebody else still waits for is abandoned."""
        self._closed = True
        if self._execution is not None:
            _abandon(self._execution)
            if self._driver.asleep:
                self._driver.wake()
        for worker in self._workers:
            if worker.asleep:
                worker.wake()

    def _carry(self, worker: _Worker) -> None:
        """Send the worker's task on until it parks; then somebody else has the baton."""
        execution = worker.execution
        assert execution is not None
        if execution.verdict is not None:
            return
        enter(execution)
        while self._send(execution, worker):
            pass
        if execution.verdict is None:
            self._wake(execution)
        elif self._driver.asleep:
            self._driver.wake()

    def _send(self, execution: Execution, worker: _Worker) -> bool:
        """Send once; whether this worker has to send again: its own task, or one taken up."""
        task = worker.task
        assert task is not None
        try:
            message = task.coro.send(None)
        except StopIteration as stop:
            return self._ended(execution, worker, task, stop.value)
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
            return execution.verdict is None and execution.running is task
        return False

    def _ended(self, execution: Execution, worker: _Worker, task: Task, result: object) -> bool:
        task.carrier = None
        execution.exit(task, result)
        if execution.watching:
            execution.watch()
        chosen = execution.running
        if execution.verdict is None and chosen is not None and chosen.carrier is None:
            _give(worker, execution, chosen)
            return True
        self._idle.append(worker)
        return False


def _give(worker: _Worker, execution: Execution, task: Task) -> None:
    worker.execution = execution
    worker.task = task
    task.carrier = worker


def _abandon(execution: Execution) -> None:
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


@asynccontextmanager
async def open_scheduler() -> AsyncIterator[Scheduler]:
    """A `Scheduler` for the length of the block, inside a running Trio program.

    What the block raises comes out as it is, and not in the group that a nursery makes of it;
    so does a KeyboardInterrupt that strikes a task.
    """
    failure: BaseException | None = None
    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            scheduler = Scheduler(nursery)
            try:
                yield scheduler
            finally:
                scheduler._close()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        failure = group.exceptions[0]
    if failure is not None:
        raise failure


def run(
    program: Program,
    strategy: Strategy,
    *,
    budget: int = DEFAULT_BUDGET,
    observer: Observer | None = None,
    fingerprint: Callable[[], Hashable] | None = None,
) -> Execution:
    """Run *program* once, in a `trio.run` of its own; see `Scheduler.run` for the arguments.

    Not to be called inside a Trio program: use `open_scheduler` there.
    """

    async def main() -> Execution:
        async with open_scheduler() as scheduler:
            return await scheduler.run(
                program, strategy, budget=budget, observer=observer, fingerprint=fingerprint
            )

    return trio.run(main)
