# SPDX-License-Identifier: MIT OR Apache-2.0
"""Trio tasks that carry: cancellation, interrupts, foreign awaits, reuse."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    ModelError,
    Mutex,
    Program,
    RandomWalk,
    Scheduler,
    SendChannel,
    SpinLock,
    Task,
    current,
    join,
    open_channel,
    open_scheduler,
    point,
    run,
    sleep,
)
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def small(execution: Execution) -> None:
    """Three tasks with a lock, a channel, sleeps and clean-up: some twenty steps."""
    lock, mutex = SpinLock("lock"), Mutex("mutex")
    send: SendChannel[int]
    send, receive = open_channel("mail", 1)

    async def sends() -> None:
        for number in range(2):
            async with lock.hold("sends.lock"):
                await point("sends.inside")
            await send.send(number)

    async def receives() -> None:
        for _ in range(2):
            await receive.receive()
            await mutex.acquire("receives.lock")
            try:
                await sleep("receives.sleep", 5)
            finally:
                await mutex.release("receives.release")

    async def joins(task: Task) -> None:
        await join(task)

    task = execution.spawn("s", sends)
    execution.spawn("r", receives)
    execution.spawn("j", joins, task)


def alone(body: Callable[..., Coroutine[Any, Any, object]], *args: object) -> Program:
    """A program of one task, ``a``."""

    def program(execution: Execution) -> None:
        execution.spawn("a", body, *args)

    return program


class At(Transcript):
    """Calls *act* when a step is about to be performed."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        super().__init__()
        self.at = step
        self.act = act

    def step(self, execution: Execution, task: Task) -> None:
        """Write the line, and act where it is time."""
        super().step(execution, task)
        if execution.step == self.at:
            self.act()


def unfinished(execution: Execution) -> list[str]:
    """The tasks whose coroutines could still go on."""
    return [task.name for task in execution.tasks if task.coro.cr_frame is not None]  # type: ignore[attr-defined]  # coroutines of async def


# Cancellation


@pytest.mark.parametrize("seed", range(4))
async def test_cancel_at_every_step(seed: int) -> None:
    """Cancelled at any step, a run leaves no task behind and the scheduler fit for the next."""
    made: list[Execution] = []

    def program(execution: Execution) -> None:
        made.append(execution)
        small(execution)

    async with open_scheduler() as scheduler:
        expected = Transcript()
        await scheduler.run(program, RandomWalk(seed), observer=expected)
        steps = len(expected.lines) - 1
        assert steps > 15
        for step in range(1, steps + 1):
            with trio.CancelScope() as scope:
                observer = At(step, scope.cancel)
                await scheduler.run(program, RandomWalk(seed), observer=observer)
            assert scope.cancelled_caught or made[-1].verdict is not None
            assert unfinished(made[-1]) == []
            again = Transcript()
            await scheduler.run(program, RandomWalk(seed), observer=again)
            assert again.lines == expected.lines


async def test_cancel_before_the_first_step() -> None:
    """A run that is cancelled already says so, and what it spawned is closed."""
    made: list[Execution] = []

    def program(execution: Execution) -> None:
        made.append(execution)
        small(execution)

    async with open_scheduler() as scheduler:
        with trio.CancelScope() as scope:
            scope.cancel()
            await scheduler.run(program, FirstChoice())
        assert scope.cancelled_caught
        assert str(made[0].verdict) == "error: abandoned from outside"
        assert unfinished(made[0]) == []
        assert (await scheduler.run(small, FirstChoice())).verdict is not None


@pytest.mark.parametrize("step", range(1, 12))
async def test_cancel_around_the_scheduler(step: int) -> None:
    """A cancellation from outside the block ends its tasks without an internal error."""
    with trio.CancelScope() as scope:
        async with open_scheduler() as scheduler:
            await scheduler.run(small, RandomWalk(1), observer=At(step, scope.cancel))
    assert scope.cancelled_caught
    async with open_scheduler() as scheduler:
        assert str((await scheduler.run(small, RandomWalk(1))).verdict) == "passed"


async def test_cancel_from_a_task() -> None:
    """A task of the program may be the one that cancels: it is not cut off within its step."""
    record = []

    async def cancels(scope: trio.CancelScope) -> None:
        await point("cancels.before")
        scope.cancel()
        record.append("same step")

    async with open_scheduler() as scheduler:
        with trio.CancelScope() as scope:
            await scheduler.run(alone(cancels, scope), FirstChoice())
        assert record == ["same step"]
        assert str((await scheduler.run(small, FirstChoice())).verdict) == "passed"


async def test_a_deadline() -> None:
    """A deadline of Trio's strikes between two executions at the latest."""
    runs = 0
    with trio.move_on_after(0):
        async with open_scheduler() as scheduler:
            while True:
                await scheduler.run(small, RandomWalk(runs))
                runs += 1
    assert runs <= 1


async def test_the_block_ends_under_a_run_of_somebody_else() -> None:
    """A task that still waits for a run when the block ends is not left hanging."""
    verdicts: list[str] = []
    started = trio.Event()

    class InTurn(FirstChoice):
        def pick(self, execution: Execution, count: int) -> int:
            return count - 1

    async def spins() -> None:
        while True:
            await point("spins.again")

    def endless(execution: Execution) -> None:
        execution.spawn("a", spins)
        execution.spawn("b", spins)

    async def runs(scheduler: Scheduler) -> None:
        observer = At(3, started.set)
        execution = await scheduler.run(endless, InTurn(), observer=observer, budget=10**9)
        verdicts.append(str(execution.verdict))

    async with trio.open_nursery() as nursery, open_scheduler() as scheduler:
        nursery.start_soon(runs, scheduler)
        await started.wait()
    assert verdicts == ["error: abandoned from outside"]


# One at a time, many after the other


async def test_one_execution_at_a_time() -> None:
    """A second run on the same scheduler is refused, and the first is not disturbed."""
    refused: list[str] = []

    async def second(scheduler: Scheduler) -> None:
        with pytest.raises(ModelError) as caught:
            await scheduler.run(small, FirstChoice())
        refused.append(str(caught.value))

    async with open_scheduler() as scheduler:
        execution = await scheduler.run(alone(second, scheduler), FirstChoice())
    assert refused == ["a Scheduler runs one execution at a time"]
    assert str(execution.verdict) == "passed"


async def test_a_scheduler_whose_block_has_ended() -> None:
    """Behind its block a scheduler says what is wrong."""
    async with open_scheduler() as scheduler:
        pass
    with pytest.raises(ModelError, match="a Scheduler has been closed"):
        await scheduler.run(small, FirstChoice())


@pytest.mark.parametrize("budget", [0, -1])
async def test_a_budget_of_nothing(budget: int) -> None:
    """An execution needs a budget of at least one step."""
    async with open_scheduler() as scheduler:
        with pytest.raises(ValueError, match="the budget must be 1 step or more"):
            await scheduler.run(small, FirstChoice(), budget=budget)
        assert str((await scheduler.run(small, FirstChoice())).verdict) == "passed"


async def test_tasks_are_kept_for_the_next_execution() -> None:
    """A hundred executions need no more Trio tasks than one of them at its widest."""
    async with open_scheduler() as scheduler:
        for seed in range(100):
            await scheduler.run(small, RandomWalk(seed))
        assert len(trio.lowlevel.current_task().child_nurseries[-1].child_tasks) <= 3


async def test_each_run_ends_before_the_next_begins() -> None:
    """Failing, passing and blocking executions may follow each other in any order."""

    async def fails() -> None:
        raise ValueError("bad")

    async def blocks() -> None:
        _, receive = open_channel("mail", 1)
        await receive.receive()

    endings = []
    async with open_scheduler() as scheduler:
        for body in (fails, blocks, fails, point_once, blocks, point_once):
            execution = await scheduler.run(alone(body), FirstChoice())
            assert execution.verdict is not None
            endings.append(str(execution.verdict.ending))
    assert endings == ["error", "deadlock", "error", "passed", "deadlock", "passed"]


async def point_once() -> None:
    """One point."""
    await point("once.here")


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    """An exception of the block is not wrapped in the group of a nursery."""

    async def fails() -> None:
        async with open_scheduler() as scheduler:
            await scheduler.run(small, FirstChoice())
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await fails()


async def test_a_group_that_the_block_raises_stays_a_group() -> None:
    """A group is unwrapped once only: that of our own nursery."""
    with pytest.RaisesGroup(LookupError):
        async with open_scheduler():
            raise ExceptionGroup("mine", [LookupError("inside")])


async def test_the_context_is_given_back() -> None:
    """Behind a run its caller is no part of an execution, even if the run was cancelled."""
    async with open_scheduler() as scheduler:
        await scheduler.run(small, FirstChoice())
        with pytest.raises(ModelError):
            current()
        with trio.CancelScope() as scope:
            await scheduler.run(small, FirstChoice(), observer=At(3, scope.cancel))
        with pytest.raises(ModelError):
            current()


# Interrupts


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("where", ["observer", "task"])
def test_keyboard_interrupt(step: int, where: str) -> None:
    """Ctrl-C at any step ends the run, and comes out as a bare KeyboardInterrupt."""
    steps = 0

    async def interrupted() -> None:
        nonlocal steps
        while True:
            await point("interrupted.again")
            steps += 1
            if steps == step and where == "task":
                signal.raise_signal(signal.SIGINT)

    def program(execution: Execution) -> None:
        small(execution)
        execution.spawn("i", interrupted)

    observer = At(step, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(program, RandomWalk(step), observer=observer if where == "observer" else None)
    assert str(run(small, FirstChoice()).verdict) == "passed"


def test_keyboard_interrupt_while_a_program_is_set_up() -> None:
    """Ctrl-C before the first step comes out, too."""

    def program(execution: Execution) -> None:
        small(execution)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(program, FirstChoice())


def test_keyboard_interrupt_in_a_check_at_the_end() -> None:
    """A check that is interrupted is not a check that failed."""

    def program(execution: Execution) -> None:
        small(execution)
        execution.at_end.append(lambda: signal.raise_signal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        run(program, FirstChoice())


def test_system_exit() -> None:
    """A program may leave the interpreter from within a task."""

    async def leaves() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        run(alone(leaves), FirstChoice())
    assert caught.value.code == 3


# Foreign awaits


async def _sleeps() -> None:
    await trio.sleep(1)


async def _checkpoints() -> None:
    await trio.lowlevel.checkpoint()


async def _waits_for_an_event() -> None:
    await trio.Event().wait()


async def _waits_with_clean_up() -> None:
    try:
        with trio.move_on_after(1):
            await trio.sleep_forever()
    finally:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    "foreign", [_sleeps, _checkpoints, _waits_for_an_event, _waits_with_clean_up]
)
async def test_foreign_await(foreign: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Whatever else a task awaits is reported with the functions and lines that led there."""

    async def caller() -> None:
        await point("caller.before")
        await foreign()

    line = caller.__code__.co_firstlineno + 2
    async with open_scheduler() as scheduler:
        for _ in range(2):
            verdict = (await scheduler.run(alone(caller), FirstChoice())).verdict
            assert verdict is not None
            assert verdict.ending is Ending.ERROR
            assert verdict.message.startswith(
                "a awaited something that is not a scheduling point"
            )
            assert (
                f" in caller (test_carrier.py, line {line}) > {foreign.__name__} ("
                in verdict.message
            )
        assert str((await scheduler.run(small, FirstChoice())).verdict) == "passed"


def test_no_foreign_await() -> None:
    """Nested coroutines, generators and context managers around points are none."""

    async def inner() -> None:
        await point("inner.step")

    async def outer() -> None:
        async with SpinLock("lock").hold("outer.lock"):
            await inner()

    assert str(run(alone(outer), FirstChoice()).verdict) == "passed"


def test_run_starts_a_trio_run_of_its_own() -> None:
    """The plain function can be called again and again outside Trio."""
    assert [str(run(small, RandomWalk(seed)).verdict) for seed in range(3)] == ["passed"] * 3
