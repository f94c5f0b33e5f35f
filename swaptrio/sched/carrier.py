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

import attrs
import trio
from trio.lowlevel import Abort, RaiseCancelT

from swaptrio.sched.errors import ModelError
from swaptrio.sched.execution import Execution, enter
from swaptrio.sched.scheduler import Scheduler, abandon, send
from swaptrio.sched.task import Task


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
class TrioTasks(Scheduler):
    """Carries each model task on a Trio task of *nursery*, which it keeps for the next."""

    nursery: trio.Nursery = attrs.field(kw_only=True)
    _driver: _Sleeper = attrs.Factory(_Sleeper)
    _workers: list[_Worker] = attrs.Factory(list)
    _idle: list[_Worker] = attrs.Factory(list)

    async def carry(self, execution: Execution) -> None:
        """Hand the baton to the first worker, and wait for the one that sees the verdict."""
        if execution.verdict is None:
            self._wake(execution)
            await self._driver.park()
        else:
            await trio.lowlevel.checkpoint()

    def cleared(self, execution: Execution) -> None:
        """Put the workers of *execution* among the idle."""
        self._idle.extend(task.carrier for task in execution.tasks if task.carrier)

    def close(self) -> None:
        """Let the workers end; an execution that somebody else still waits for is abandoned."""
        self.closed = True
        if self.execution is not None:
            abandon(self.execution)
            if self._driver.asleep:
                self._driver.wake()
        for worker in self._workers:
            if worker.asleep:
                worker.wake()

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
            self.nursery.start_soon(self._work, worker)

    async def _work(self, worker: _Worker) -> None:
        worker.trio_task = trio.lowlevel.current_task()
        while True:
            self._carry(worker)
            if self.closed:
                return
            worker.asleep = True
            await trio.lowlevel.wait_task_rescheduled(worker.abort)

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
        if not send(execution, task):
            return execution.running is task and execution.verdict is None
        task.carrier = None
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
