# SPDX-License-Identifier: MIT OR Apache-2.0
"""One execution: who goes on, how it is numbered, and how it ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    ModelError,
    Mutex,
    RandomWalk,
    Recorded,
    Schedule,
    SpinLock,
    Task,
    Verdict,
    Violation,
    WaitQueue,
    choose,
    current,
    join,
    open_channel,
    open_scheduler,
    point,
    run,
    sleep,
)
from swaptrio.sched.execution import DRAIN_LIMIT
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence


@attrs.define(eq=False)
class Picks:
    """Takes the numbers of a list and then 0; writes down the candidates of each decision."""

    numbers: list[int]
    seen: list[list[str]] = attrs.Factory(list)
    asks_always: bool = True

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The next number; the candidates are what they are said to be."""
        names = [task.name for task in execution.candidates()]
        assert len(names) == count == execution.count()
        self.seen.append(names)
        return self.numbers.pop(0) if self.numbers else 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The next number."""
        return self.numbers.pop(0) if self.numbers else 0


async def stepper(steps: int) -> None:
    """So many points."""
    for _ in range(steps):
        await point("stepper.step")


def verdict_of(execution: Execution) -> Verdict:
    """The verdict, which every execution has in the end."""
    assert execution.verdict is not None
    return execution.verdict


def alone(
    function: Callable[..., Coroutine[Any, Any, object]], *args: object
) -> Callable[[Execution], None]:
    """A program of one task, ``a``."""

    def program(execution: Execution) -> None:
        execution.spawn("a", function, *args)

    return program


def steppers(names: str, steps: int = 1) -> Callable[[Execution], None]:
    """A program of one stepper for each letter."""

    def program(execution: Execution) -> None:
        for name in names:
            execution.spawn(name, stepper, steps)

    return program


# Numbering of candidates


def test_number_0_is_the_running_task() -> None:
    """The running task comes first, the others follow in the order of their creation."""
    picks = Picks([1])
    run(steppers("abc"), picks)
    assert picks.seen[:3] == [["a", "b", "c"], ["b", "a", "c"], ["a", "c"]]


@pytest.mark.parametrize(("number", "chosen"), [(0, "b"), (1, "a"), (2, "c"), (3, "d")])
def test_every_number_means_what_candidates_says(number: int, chosen: str) -> None:
    """The number that a strategy returns picks that candidate, on both sides of the running."""
    transcript = Transcript()
    run(steppers("abcd"), Picks([1, number]), observer=transcript)
    assert transcript.lines[1].split()[:2] == ["2", chosen]


def test_a_blocked_running_task_is_no_candidate() -> None:
    """Where the running task cannot go on, numbering starts with the first that can."""

    async def waits(queue: WaitQueue) -> None:
        await queue.wait("waits.wait")

    def program(execution: Execution) -> None:
        queue = WaitQueue("queue")
        execution.spawn("a", stepper, 1)
        execution.spawn("w", waits, queue)
        execution.spawn("b", stepper, 1)

    picks = Picks([1])
    run(program, picks)
    assert picks.seen[:2] == [["a", "w", "b"], ["a", "b"]]


def test_the_earliest_sleeper_comes_last() -> None:
    """Time may pass at any point; only the earliest sleeper is offered, behind all others."""

    async def sleeps(duration: int) -> None:
        await sleep("sleeps.sleep", duration)

    def program(execution: Execution) -> None:
        execution.spawn("long", sleeps, 20)
        execution.spawn("short", sleeps, 10)
        execution.spawn("a", stepper, 1)

    picks = Picks([])
    run(program, picks)
    assert picks.seen == [
        ["long", "short", "a"],
        ["short", "a", "long"],
        ["a", "short"],
        ["a", "short"],
        ["short"],
        ["long"],
    ]


@pytest.mark.parametrize("number", [-1, 2, 99])
def test_a_number_that_is_none_is_an_error(number: int) -> None:
    """A strategy that answers out of range is told so, and nothing runs by accident."""
    verdict = verdict_of(run(steppers("ab"), Picks([number])))
    assert verdict.ending is Ending.ERROR
    assert verdict.message == f"step 1: Picks takes number {number} of 2"


def test_an_option_that_is_none_is_an_error() -> None:
    """The same holds for the drawing of data."""

    async def draws() -> None:
        choose("draws.data", ("x", "y"))

    verdict = verdict_of(run(alone(draws), Picks([0, -1])))
    assert verdict.message == "step 2: Picks takes number -1 of 2"


def test_forced_decisions_are_not_asked() -> None:
    """A strategy that does not ask for it is spared decisions with one answer; they count."""
    picks = Picks([], asks_always=False)
    execution = run(steppers("a", 3), picks)
    assert picks.seen == []
    assert verdict_of(execution).steps == 4


def test_the_schedule_lists_deviations_only() -> None:
    """Number 0 is the default; everything else is recorded with what it led to."""
    verdict = verdict_of(run(steppers("ab"), Picks([0, 1])))
    assert str(verdict.schedule) == "2:1@b/start"


def test_choices_are_decisions() -> None:
    """A draw has a number of its own and is part of the schedule."""

    async def draws() -> None:
        await point("draws.before")
        assert choose("draws.data", ("ok", "fail")) == "fail"

    verdict = verdict_of(run(alone(draws), Picks([0, 0, 1])))
    assert verdict.passed
    assert str(verdict.schedule) == "3:1@a/draws.data"
    assert verdict.steps == 3


# Small and large


def test_zero_tasks() -> None:
    """A program without tasks passes after no steps."""
    verdict = verdict_of(run(lambda _: None, RandomWalk(0)))
    assert (verdict.ending, verdict.steps) == (Ending.PASSED, 0)


def test_one_task() -> None:
    """One task runs to its end; its result is kept."""

    async def returns() -> str:
        await point("returns.here")
        return "done"

    execution = run(alone(returns), RandomWalk(0))
    assert verdict_of(execution).passed
    assert execution.tasks[0].result == "done"
    assert execution.tasks[0].finished


def test_a_task_without_any_point() -> None:
    """A task may end without a scheduling point."""
    assert verdict_of(run(steppers("abc", 0), RandomWalk(0))).steps == 3


def calls_of(tasks: int) -> int:
    """How many Python calls an execution of so many tasks takes, each with 20 steps."""
    count = 0

    def profile(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event == "call"

    def program(execution: Execution) -> None:
        for number in range(tasks):
            execution.spawn(f"t{number}", stepper, 20)

    sys.setprofile(profile)
    try:
        run(program, RandomWalk(7), budget=10**6)
    finally:
        sys.setprofile(None)
    return count


def test_the_cost_of_a_step_does_not_grow_with_the_tasks() -> None:
    """Two hundred tasks take twice the calls of a hundred, and no more."""
    assert calls_of(200) < 2.05 * calls_of(100)


def test_only_the_waiters_of_what_changed_are_asked() -> None:
    """A step of one task asks none of two hundred tasks that wait for something else."""
    asked = 0

    def ready() -> bool:
        nonlocal asked
        asked += 1
        return False

    async def waits(queue: WaitQueue) -> None:
        await queue.wait_for("waits.wait", ready)

    async def works() -> None:
        lock = SpinLock("lock")
        for _ in range(50):
            async with lock.hold("works.lock"):
                pass

    def program(execution: Execution) -> None:
        queue = WaitQueue("queue")
        for number in range(200):
            execution.spawn(f"w{number}", waits, queue, daemon=True)
        execution.spawn("a", works)

    assert verdict_of(run(program, FirstChoice())).passed
    assert asked == 200


# Setting up


@pytest.mark.parametrize(
    ("name", "message"), [("a", "two tasks are called 'a'"), ("", "a task needs a name")]
)
def test_names_are_unique(name: str, message: str) -> None:
    """A task's name is what schedules and scripts use, so it is there and there once."""

    def program(execution: Execution) -> None:
        execution.spawn("a", stepper, 1)
        execution.spawn(name, stepper, 1)

    verdict = verdict_of(run(program, FirstChoice()))
    assert (verdict.ending, verdict.message) == (Ending.ERROR, message)


def test_spawn_takes_coroutine_functions_only() -> None:
    """A plain function is refused by name when it is spawned."""

    def plain() -> None: ...

    def program(execution: Execution) -> None:
        execution.spawn("a", plain)  # type: ignore[arg-type]  # the mistake under test

    verdict = verdict_of(run(program, FirstChoice()))
    assert verdict.message == "a: function is no coroutine function"


def test_an_error_in_the_program_is_a_verdict_with_its_traceback() -> None:
    """What goes wrong while a program is set up is reported, and its exception kept."""

    def program(execution: Execution) -> None:
        execution.spawn("a", stepper, 1)
        raise LookupError("no such scenario")

    execution = run(program, FirstChoice())
    assert str(execution.verdict) == "error: LookupError: no such scenario"
    assert isinstance(execution.failure, LookupError)
    assert execution.failure.__traceback__ is not None


def test_there_is_no_current_execution_outside() -> None:
    """Before and after an execution nobody is part of one."""
    with pytest.raises(ModelError, match="this needs a running execution"):
        current()
    run(steppers("a"), FirstChoice())
    with pytest.raises(ModelError, match="this needs a running execution"):
        current()


# Failures


async def raises(before: int, exc: BaseException) -> None:
    """So many points, and an exception."""
    await stepper(before)
    raise exc


@pytest.mark.parametrize("before", [0, 3])
def test_a_task_that_raises(before: int) -> None:
    """A task may raise before its first point or behind its last: the verdict says what."""
    execution = run(alone(raises, before, ValueError("bad")), FirstChoice())
    verdict = verdict_of(execution)
    assert (verdict.ending, verdict.message) == (Ending.ERROR, "ValueError: bad")
    assert verdict.steps == before + 1
    assert isinstance(execution.failure, ValueError)


def test_a_failed_assertion_is_a_violation() -> None:
    """An assertion of the program is a rule of it."""
    verdict = verdict_of(run(alone(raises, 1, AssertionError("1 is 2")), FirstChoice()))
    assert str(verdict) == "violation: assertion: 1 is 2"


def test_a_task_that_raises_while_it_holds_locks() -> None:
    """The verdict is the exception, and not that a lock was kept or that others wait."""

    async def holder(spin: SpinLock, mutex: Mutex) -> None:
        await mutex.acquire("holder.mutex")
        async with spin.hold("holder.spin"):
            await point("holder.inside")
            raise ValueError("bad")

    async def waiter(mutex: Mutex) -> None:
        await mutex.acquire("waiter.mutex")
        await mutex.release("waiter.release")

    def program(execution: Execution) -> None:
        spin, mutex = SpinLock("spin"), Mutex("mutex")
        execution.spawn("h", holder, spin, mutex)
        execution.spawn("w", waiter, mutex)

    assert str(run(program, FirstChoice()).verdict) == "error: ValueError: bad"


def test_the_first_failure_is_the_verdict() -> None:
    """What abandoned tasks raise in their clean-up comes too late to matter."""

    async def untidy() -> None:
        try:
            await stepper(9)
        finally:
            raise LookupError("late")

    def program(execution: Execution) -> None:
        execution.spawn("u", untidy)
        execution.spawn("a", raises, 0, ValueError("first"))

    assert str(run(program, Picks([0, 1])).verdict) == "error: ValueError: first"


def test_clean_up_does_not_touch_the_schedule() -> None:
    """Once the verdict is set, points let every task pass and nothing more is recorded."""
    done = []

    async def tidy() -> None:
        try:
            await stepper(9)
        finally:
            await point("tidy.first")
            await point("tidy.second")
            done.append("tidy")

    def program(execution: Execution) -> None:
        execution.spawn("t", tidy)
        execution.spawn("a", raises, 0, ValueError("bad"))

    transcript = Transcript()
    execution = run(program, Picks([0, 1]), observer=transcript)
    assert done == ["tidy"]
    assert transcript.lines[-1] == "= error: ValueError: bad"
    assert execution.step == verdict_of(execution).steps == 2


def test_clean_up_ends_even_if_it_waits_for_others() -> None:
    """A ``finally`` that loops until another task does something is stopped."""
    rounds = 0

    async def waits_in_finally() -> None:
        nonlocal rounds
        try:
            await stepper(9)
        finally:
            while True:
                rounds += 1
                await point("clean_up.again")

    def program(execution: Execution) -> None:
        execution.spawn("t", waits_in_finally)
        execution.spawn("a", raises, 0, ValueError("bad"))

    assert str(run(program, Picks([0, 1])).verdict) == "error: ValueError: bad"
    assert rounds == DRAIN_LIMIT + 1


def test_an_oracle_speaks_through_an_observer() -> None:
    """What an observer raises is the verdict, though the program catches everything."""

    class Oracle(Transcript):
        def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
            if option == "bad":
                raise Violation("I-X", "drawn")

    async def deaf() -> None:
        try:
            choose("deaf.data", ("bad", "good"))
        except BaseException:
            await point("deaf.on")

    assert str(run(alone(deaf), FirstChoice(), observer=Oracle()).verdict) == (
        "violation: I-X: drawn"
    )


def test_an_observer_that_breaks_at_the_end_is_heard() -> None:
    """The verdict is set by then, so the exception goes to whoever runs the execution."""

    class Broken(Transcript):
        def end(self, execution: Execution) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run(steppers("ab"), FirstChoice(), observer=Broken())


@pytest.mark.parametrize("fails", [False, True])
def test_checks_at_the_end(fails: bool) -> None:
    """A check in ``at_end`` is asked once, when nothing is left; what it raises counts."""
    asked = []

    def check() -> None:
        asked.append("check")
        if fails:
            raise AssertionError("wrong sum")

    def program(execution: Execution) -> None:
        execution.spawn("a", stepper, 2)
        execution.at_end.append(check)

    verdict = verdict_of(run(program, FirstChoice()))
    assert asked == ["check"]
    assert str(verdict) == ("violation: assertion: wrong sum" if fails else "passed")


# Deadlocks


async def takes_two(first: SpinLock | Mutex, second: SpinLock | Mutex) -> None:
    """One lock, and another inside."""
    await first.acquire("takes_two.first")
    await second.acquire("takes_two.second")
    for lock in (second, first):
        if isinstance(lock, Mutex):
            await lock.release("takes_two.release")
        else:
            lock.release()


@pytest.mark.parametrize("kind", [SpinLock, Mutex])
def test_lock_order_deadlock(kind: type[SpinLock | Mutex]) -> None:
    """Two tasks that take two locks in different orders: who waits for what, and the cycle."""

    def program(execution: Execution) -> None:
        one, two = kind("one"), kind("two")
        execution.spawn("a", takes_two, one, two)
        execution.spawn("b", takes_two, two, one)

    verdict = verdict_of(run(program, Recorded(Schedule.parse("3:1@b/start"))))
    assert str(verdict) == "deadlock: deadlock: nobody can go on: a, b"
    assert [str(edge) for edge in verdict.waiting] == [
        "a waits at takes_two.second for two, held by b",
        "b waits at takes_two.second for one, held by a",
    ]
    assert verdict.cycle == ("a", "b")


@pytest.mark.parametrize("kind", [SpinLock, Mutex])
def test_lock_order_kept(kind: type[SpinLock | Mutex]) -> None:
    """In the same order there is never a deadlock."""

    def program(execution: Execution) -> None:
        one, two = kind("one"), kind("two")
        execution.spawn("a", takes_two, one, two)
        execution.spawn("b", takes_two, one, two)

    for seed in range(100):
        assert verdict_of(run(program, RandomWalk(seed))).passed


def test_a_channel_nobody_sends_on() -> None:
    """A message that nobody sends: no holder can be named, and there is no cycle."""

    async def receives() -> None:
        _, receive = open_channel("mail", 1)
        await receive.receive()

    verdict = verdict_of(run(alone(receives), FirstChoice()))
    assert verdict.ending is Ending.DEADLOCK
    assert [str(edge) for edge in verdict.waiting] == ["a waits at mail.receive for mail"]
    assert verdict.cycle == ()


def test_tasks_that_join_each_other() -> None:
    """A chain of joins that bites its own tail is shown from where the cycle begins."""
    tasks: dict[str, Task] = {}

    async def joins(other: str) -> None:
        await join(tasks[other])

    def program(execution: Execution) -> None:
        for name, other in [("p", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("s", "s")]:
            tasks[name] = execution.spawn(name, joins, other)

    verdict = verdict_of(run(program, FirstChoice()))
    assert verdict.cycle == ("a", "b", "c")
    assert [edge.holders for edge in verdict.waiting] == [
        ("a",),
        ("b",),
        ("c",),
        ("a",),
        ("s",),
    ]


def test_a_task_that_joins_itself() -> None:
    """The shortest cycle has one task."""

    async def joins() -> None:
        await join(current().me())

    assert verdict_of(run(alone(joins), FirstChoice())).cycle == ("a",)


def test_an_idle_daemon_is_not_stuck() -> None:
    """An execution ends while daemons wait for work: to receive, or to be woken."""

    async def serves(queue: WaitQueue) -> None:
        await queue.wait("serves.wait")

    async def receives() -> None:
        _, receive = open_channel("mail", 1)
        await receive.receive()

    def program(execution: Execution) -> None:
        execution.spawn("d", serves, WaitQueue("queue"), daemon=True)
        execution.spawn("e", receives, daemon=True)
        execution.spawn("a", stepper, 1)

    assert verdict_of(run(program, FirstChoice())).passed


def test_a_daemon_blocked_on_a_lock_is_stuck() -> None:
    """A daemon that waits for a lock is in the middle of its work."""

    async def holds(lock: Mutex, queue: WaitQueue) -> None:
        await lock.acquire("holds.lock")
        await queue.wait("holds.wait")

    async def blocks(lock: Mutex) -> None:
        await lock.acquire("blocks.lock")

    def program(execution: Execution) -> None:
        lock = Mutex("lock")
        execution.spawn("d", holds, lock, WaitQueue("queue"), daemon=True)
        execution.spawn("e", blocks, lock, daemon=True)

    verdict = verdict_of(run(program, FirstChoice()))
    assert [str(edge) for edge in verdict.waiting] == [
        "e waits at blocks.lock for lock, held by d"
    ]


# The step budget


@pytest.mark.parametrize(
    ("budget", "ending"), [(4, Ending.LIVELOCK), (5, Ending.PASSED), (6, Ending.PASSED)]
)
def test_the_step_budget(budget: int, ending: Ending) -> None:
    """An execution may take as many steps as its budget, and not one more."""
    verdict = verdict_of(run(steppers("a", 4), FirstChoice(), budget=budget))
    assert verdict.ending is ending
    assert verdict.steps == min(budget, 5)


def test_the_step_budget_names_itself() -> None:
    """A livelock by budget says so and after how many steps."""
    verdict = verdict_of(run(steppers("ab", 99), FirstChoice(), budget=10))
    assert str(verdict) == "livelock: step-budget: no end after 10 steps"


def test_choices_use_up_the_budget() -> None:
    """A task that draws for ever is stopped as one that steps for ever."""

    async def draws() -> None:
        while True:
            choose("draws.data", (1, 2))

    assert verdict_of(run(alone(draws), FirstChoice(), budget=10)).ending is Ending.LIVELOCK


def test_a_deadlock_at_the_last_step_is_a_deadlock() -> None:
    """The budget does not hide what is known at the same moment."""

    async def waits() -> None:
        await WaitQueue("queue").wait("waits.wait")

    verdict = verdict_of(run(alone(waits), FirstChoice(), budget=1))
    assert (verdict.ending, verdict.steps) == (Ending.DEADLOCK, 1)


async def test_decisions_that_nobody_keeps() -> None:
    """Unrecorded, the same decisions are taken, and none is kept."""

    async def step() -> None:
        for _ in range(5):
            await point("step.step")

    def program(execution: Execution) -> None:
        for name in "abc":
            execution.spawn(name, step)

    async with open_scheduler() as scheduler:
        kept = await scheduler.run(program, RandomWalk(3))
        forgotten = await scheduler.run(program, RandomWalk(3), recorded=False)

    assert kept.step == forgotten.step
    assert len(kept.deviations) > len(forgotten.deviations) == 0
