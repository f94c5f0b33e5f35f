# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an exploration says, and when it refuses to say it."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from benchmarks.counted import lastzero
from swaptrio.explore.exhaustive import Exploration, Limits, Outcome, Settings, explore_program
from swaptrio.explore.pace import Pace
from swaptrio.sched import (
    Access,
    Ending,
    Mutex,
    Recorded,
    Shared,
    Violation,
    WaitQueue,
    choose,
    current,
    now,
    point,
    run,
    sleep,
    touch,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Execution


def lost_update(execution: Execution) -> Callable[[], int]:
    """Two increments without a lock."""
    x = Shared("x", 0)

    async def increment() -> None:
        await x.write("increment.write", await x.read("increment.read") + 1)

    def check() -> None:
        if x.value != 2:
            raise Violation("T-SUM", "an update is lost")

    for name in ("a", "b"):
        execution.spawn(name, increment)
    execution.at_end.append(check)
    return lambda: x.value


def test_statement_of_a_complete_search() -> None:
    """The statement counts executions, classes and violations, and names no bound."""
    result = explore_program(lost_update)
    assert result.statement == "complete: 4 executions, 4 classes, 1 violation"
    assert result.finals == {1, 2}


def test_first_violation_ends_the_search() -> None:
    """A search that stops at the first violation does not claim to be complete."""
    result = explore_program(lost_update, Settings(stop_at_first=True))
    assert result.outcome is Outcome.VIOLATION
    assert not result.complete
    assert result.statement.startswith("stopped at the first violation: ")


def test_schedule_replays_the_violation() -> None:
    """The schedule of a violation leads there again."""
    (found,) = explore_program(lost_update).violations
    again = run(lost_update, Recorded(found.schedule)).verdict
    assert again is not None
    assert (again.ending, again.message) == (Ending.VIOLATION, "an update is lost")


def test_violation_in_the_middle_hides_nothing() -> None:
    """What others would have done after a violation is explored with another order."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def first() -> None:
            if await x.read("first.read"):
                raise Violation("T-FIRST", "too late")

        async def second() -> None:
            await x.write("second.write", 1)
            if await x.read("second.read"):
                raise Violation("T-SECOND", "its own write")

        execution.spawn("first", first)
        execution.spawn("second", second)

    found = {found.verdict.check for found in explore_program(program).violations}
    assert found == {"T-FIRST", "T-SECOND"}


def test_assertions_are_told_apart_by_their_messages() -> None:
    """Two assertions that fail are two violations; numbers in their messages do not count."""

    def program(execution: Execution) -> None:
        async def task() -> None:
            number = choose("task.draw", range(4))
            raise AssertionError(f"even {number}" if number % 2 == 0 else f"odd {number}")

        execution.spawn("a", task)

    found = [found.verdict.message for found in explore_program(program).violations]
    assert found == ["even 0", "odd 1"]


def test_adds_that_somebody_awaits_are_ordered() -> None:
    """Adds commute only as long as nobody waits for what they lead to half-way."""

    def program(execution: Execution) -> Callable[[], tuple[bool, ...]]:
        x = Shared("x", 0)

        async def add() -> None:
            await point("add.step")
            touch(x, Access.ADD)
            x._set(x._value + 1)

        async def wait() -> None:
            await point("wait.before")
            await x.until("wait.until", lambda value: value == 1)

        for name in ("a", "b"):
            execution.spawn(name, add)
        waiter = execution.spawn("waiter", wait)
        return lambda: (waiter.finished,)

    result = explore_program(program)
    assert result.finals == {(True,), (False,)}
    # Either add comes first, and the waiter is between them or too late.
    assert (result.executions, result.traces, result.blocked) == (4, 4, 0)


def test_time_passes_at_any_moment() -> None:
    """That a sleeper comes back is explored at each place where it could."""

    def program(execution: Execution) -> Callable[[], int]:
        seen: list[int] = []

        async def sleeper() -> None:
            await sleep("sleeper.sleep", 10)

        async def reader() -> None:
            await point("reader.read")
            seen.append(now())

        execution.spawn("sleeper", sleeper)
        execution.spawn("reader", reader)
        return lambda: seen[0]

    assert explore_program(program).finals == {0, 10}


def test_condition_of_a_lock_is_explored_before_its_holder() -> None:
    """Who finds a lock taken could have taken it first, whatever lies between."""

    def program(execution: Execution) -> Callable[[], tuple[str, ...]]:
        lock, order = Mutex("lock"), Shared[tuple[str, ...]]("order", ())

        async def enter(name: str) -> None:
            await lock.acquire("enter.lock")
            await order.write("enter.write", (*await order.read("enter.read"), name))
            await lock.release("enter.unlock")

        for name in "abc":
            execution.spawn(name, enter, name)
        return lambda: order.value

    result = explore_program(program)
    assert result.finals == set(itertools.permutations("abc"))
    assert result.executions == 6


def test_condition_that_looks_at_other_objects() -> None:
    """Who lets a waiter go on by changing what only its condition looks at comes before it."""

    def program(execution: Execution) -> Callable[[], tuple[str, ...]]:
        queue, busy, order = WaitQueue("queue"), Shared("busy", True), list[str]()

        async def ends() -> None:
            await point("ends.end")
            touch(busy)
            busy._set(False)
            current().refresh(queue)
            order.append("end")

        async def waits() -> None:
            await queue.wait_for("waits.wait", lambda: not busy._value)
            touch(busy, Access.READ)
            order.append("wait")

        execution.spawn("ends", ends)
        execution.spawn("waits", waits)
        return lambda: tuple(order)

    result = explore_program(program)
    assert result.statement == "complete: 1 execution, 1 class, no violation"
    assert result.finals == {("end", "wait")}


def test_program_that_changes_from_run_to_run_is_reported() -> None:
    """Where a repetition offers something else, the step is named and nothing concluded."""
    runs = itertools.count()

    def program(execution: Execution) -> None:
        number = next(runs)

        async def task() -> None:
            await point("task.one")
            await point(f"task.two-{number}")

        execution.spawn("a", task)

    result = explore_program(program)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "not deterministic: step 3: expected" in result.reason


def test_program_that_ends_elsewhere_is_reported() -> None:
    """A repetition that is shorter has differed, too."""
    runs = itertools.count()

    def program(execution: Execution) -> None:
        number = next(runs)

        async def task() -> None:
            await point("task.one")
            if not number:
                await point("task.two")

        execution.spawn("a", task)

    result = explore_program(program)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "not deterministic" in result.reason


def test_program_that_draws_among_fewer_is_reported() -> None:
    """A repetition that has fewer options than the draw it repeats has differed."""
    runs = itertools.count()

    def program(execution: Execution) -> None:
        number = next(runs)

        async def task() -> None:
            await point("task.one")
            choose("task.draw", range(3 if number < 3 else 1))

        execution.spawn("a", task)

    assert "not deterministic" in explore_program(program).reason


WAYS = [Settings(), Settings(cache=True), Settings(cache=True, stubborn=True)]
WAYS += [Settings(preemptions=2), Settings(preemptions=2, cache=True)]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("when", [0, 1, 3])
def test_violation_that_does_not_come_again_is_none(way: Settings, when: int) -> None:
    """What fails in one execution and not in its repetition is no violation of the program."""
    runs = itertools.count()

    def program(execution: Execution) -> Callable[[], object]:
        number, x = next(runs), Shared("x", 0)

        async def task(value: int) -> None:
            await x.write("task.write", value)
            if number == when:
                raise Violation("T-ONCE", f"in execution {number}")
            await x.add("task.add", 1)

        for value in (1, 2):
            execution.spawn(f"t{value}", task, value)
        return lambda: x.value

    result = explore_program(program, way)
    assert next(runs) > when, "it was never made to fail"
    assert result.outcome is Outcome.INCONCLUSIVE
    assert (result.violations, result.finals) == ((), frozenset())
    assert re.fullmatch(
        r"inconclusive because the program is not deterministic: .*: "
        r"nothing follows from \d+ executions?",
        result.statement,
    )


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_state_that_is_another_after_the_same_steps_is_reported(way: Settings) -> None:
    """A repetition that ends in the same way, but elsewhere, has differed too."""
    runs = itertools.count()

    def program(execution: Execution) -> Callable[[], object]:
        number, x = next(runs), Shared("x", 0)

        async def task() -> None:
            await x.write("task.write", number)

        execution.spawn("a", task)
        return lambda: x.value

    result = explore_program(program, way)
    assert "not deterministic: after the same 2 steps its state is another" in result.reason


def test_endless_execution_is_no_proof() -> None:
    """An execution over its budget leaves the search without a conclusion."""

    def program(execution: Execution) -> None:
        async def task() -> None:
            while True:
                await point("task.again")

        execution.spawn("a", task)

    result = explore_program(program, Settings(budget=50))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "no end after 50 steps" in result.statement


def test_program_that_cannot_be_set_up_raises() -> None:
    """A mistake in the set-up is the caller's, and no finding."""

    def program(execution: Execution) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explore_program(program)


def test_interrupted_search_says_so() -> None:
    """A search that was stopped reports what it knows, and claims nothing."""
    asked = itertools.count()
    result = explore_program(lost_update, limits=Limits(stop=lambda: next(asked) == 2))
    assert result.outcome is Outcome.INCONCLUSIVE
    assert result.executions == 2
    assert result.statement.startswith("inconclusive because it was interrupted: ")


def test_time_limit_ends_the_search() -> None:
    """No execution begins once the time is over."""
    result = explore_program(lost_update, limits=Limits(seconds=0))
    assert result.reason == "its time of 0 s is over"
    assert result.executions == 0


def test_bound_on_executions_ends_the_search() -> None:
    """A search that needs no more than its bound is complete; one less, and nothing is."""
    whole = explore_program(lost_update)
    assert whole.complete
    enough = explore_program(lost_update, limits=Limits(executions=whole.executions))
    assert (enough.complete, enough.executions) == (True, whole.executions)
    short = explore_program(lost_update, limits=Limits(executions=whole.executions - 1))
    assert short.outcome is Outcome.INCONCLUSIVE
    assert short.reason == f"its {whole.executions - 1} executions are over"


def test_estimate_comes_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search expects in all is never less than what has run, and in the end is that."""
    monkeypatch.setattr(Pace, "is_time", lambda _pace, _count: True)
    estimates: list[float] = []

    def progress(exploration: Exploration, _seconds: float) -> None:
        assert exploration.estimate() >= exploration.tally.executions
        estimates.append(exploration.estimate())

    result = explore_program(lastzero(7), limits=Limits(progress=progress))
    assert result.executions == 320
    assert estimates[-1] == 320


def test_step_that_fails_after_draws_that_depend_on_others() -> None:
    """What a failing step has drawn after it saw another step need not be there without it."""

    def program(execution: Execution) -> None:
        x = Shared("x", 0)

        async def gamble() -> None:
            if choose("gamble.draw", range(await x.read("gamble.read") + 1)) == 1:
                raise Violation("T-GAMBLE", "lost")

        execution.spawn("a", x.write, "a.write", 1)
        execution.spawn("b", gamble)

    result = explore_program(program)
    assert result.statement == "complete: 3 executions, 3 classes, 1 violation"
