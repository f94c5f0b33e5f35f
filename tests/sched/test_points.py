# SPDX-License-Identifier: MIT OR Apache-2.0
"""Points, choices, the virtual clock, spawning and joining."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    Kind,
    ModelError,
    RandomWalk,
    Recorded,
    Run,
    Schedule,
    Script,
    Strategy,
    Verdict,
    choose,
    current,
    join,
    might_sleep,
    now,
    point,
    run,
    sleep,
    spawn,
)
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def verdict_of(
    *bodies: Callable[[], Coroutine[Any, Any, object]],
    strategy: Strategy | None = None,
    transcript: Transcript | None = None,
) -> Verdict:
    """The verdict of an execution with one task, ``a``, ``b`` and so on, for each body."""

    def program(execution: Execution) -> None:
        for name, body in zip("abcdef", bodies, strict=False):
            execution.spawn(name, body)

    verdict = run(program, strategy or FirstChoice(), observer=transcript).verdict
    assert verdict is not None
    return verdict


def test_a_point_declares_and_then_performs() -> None:
    """What follows a point happens when its task is chosen, and not before."""
    record: list[str] = []

    async def writes() -> None:
        record.append("before")
        await point("writes.write", Kind.WRITE, "word")
        record.append("after")

    async def looks() -> None:
        record.append("look")

    script = Script((Run("a", "writes.write"), Run("b"), Run("a")))
    transcript = Transcript()
    assert verdict_of(writes, looks, strategy=script, transcript=transcript).passed
    assert record == ["before", "look", "after"]
    assert transcript.lines[2] == "3 a writes.write (write word)"


async def test_a_point_outside_an_execution() -> None:
    """A point is for tasks of an execution, and says so to any other."""
    with pytest.raises(ModelError, match="this needs a running execution"):
        await point("nowhere")
    with pytest.raises(ModelError, match="this needs a running execution"):
        choose("nowhere", (1, 2))
    with pytest.raises(ModelError, match="this needs a running execution"):
        now()


def test_nobody_runs_while_a_program_is_set_up() -> None:
    """A draw needs a task: there is none yet when the program is set up."""

    def program(_: Execution) -> None:
        choose("early", (1, 2))

    verdict = run(program, FirstChoice()).verdict
    assert str(verdict) == "error: no task of an execution is running"


# Choices


def test_the_first_option_is_the_default() -> None:
    """Where a strategy says nothing, the first option is drawn."""

    async def draws() -> None:
        assert choose("draws.data", ("ok", "fail")) == "ok"

    assert verdict_of(draws).passed


def test_every_option_can_be_drawn() -> None:
    """Every option has a schedule, and that schedule draws it."""
    drawn: list[str] = []

    async def draws() -> None:
        drawn.append(choose("draws.data", "xyz"))

    for text in ("-", "2:1", "2:2"):
        assert verdict_of(draws, strategy=Recorded(Schedule.parse(text))).passed
    assert drawn == ["x", "y", "z"]


def test_nothing_to_choose_from() -> None:
    """A draw among no options is a mistake of the program."""

    async def draws() -> None:
        choose("draws.data", ())

    assert str(verdict_of(draws)) == "error: draws.data: nothing to choose from"


def test_choices_are_observed() -> None:
    """An observer is told who drew what where."""

    async def draws() -> None:
        choose("draws.data", ("ok", "fail"))

    transcript = Transcript()
    verdict_of(draws, transcript=transcript)
    assert transcript.lines == ["1 a start (start)", "2 a draws.data: ok", "= passed"]


# The virtual clock


def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    """Time jumps from deadline to deadline, and no wall time passes."""
    hour = 3600 * 10**9
    record: list[tuple[str, int]] = []

    def sleeper(*hours: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def sleeps() -> None:
            for duration in hours:
                await sleep("sleeps.sleep", duration * hour)
                record.append((current().me().name, now() // hour))

        return sleeps

    began = time.monotonic()
    assert verdict_of(sleeper(3, 1), sleeper(1, 1), sleeper(2)).passed
    assert record == [("b", 1), ("b", 2), ("c", 2), ("a", 3), ("a", 4)]
    assert time.monotonic() - began < hour / 10**9


def test_a_sleeper_can_wake_before_others_go_on() -> None:
    """Time may pass while others could run: their speed is not known."""
    record: list[str] = []

    async def sleeps() -> None:
        await sleep("sleeps.sleep", 5)
        record.append("slept")

    async def steps() -> None:
        await point("steps.step")
        record.append("stepped")

    assert verdict_of(sleeps, steps).passed
    assert verdict_of(
        sleeps, steps, strategy=Recorded(Schedule.parse("2:1@a/sleeps.sleep"))
    ).passed
    assert record == ["stepped", "slept", "slept", "stepped"]


def test_who_is_due_at_the_same_time_is_enabled_together() -> None:
    """Once the clock stands at their deadline, all who slept until then can go on."""
    record: list[str] = []

    async def sleeps() -> None:
        await sleep("sleeps.sleep", 5)
        record.append(current().me().name)
        assert now() == 5

    assert verdict_of(sleeps, sleeps, sleeps).passed
    assert sorted(record) == ["a", "b", "c"]


def test_sleeping_for_no_time() -> None:
    """Who sleeps for nothing lets the others go first, and time stands still."""

    async def sleeps() -> None:
        await sleep("sleeps.sleep", 0)
        assert now() == 0

    assert verdict_of(sleeps).passed


def test_sleeping_backwards() -> None:
    """A negative time is a mistake of the program."""

    async def sleeps() -> None:
        await sleep("sleeps.sleep", -1)

    assert str(verdict_of(sleeps)) == "error: sleeps.sleep: cannot sleep for -1 ns"


def test_might_sleep_is_silent_without_a_spinlock() -> None:
    """Whoever holds no spinlock may sleep."""

    async def says() -> None:
        might_sleep("says.so")

    assert verdict_of(says).passed


# Spawning and joining


def test_join_gives_the_result() -> None:
    """Who joins a task waits for its end, in every schedule, and gets what it returned."""

    async def child(number: int) -> int:
        await point("child.step")
        return number * number

    async def parent() -> None:
        children = [spawn(f"child{number}", child, number) for number in range(3)]
        assert [await join(task) for task in children] == [0, 1, 4]
        assert await join(children[0]) == 0

    for seed in range(50):
        assert verdict_of(parent, strategy=RandomWalk(seed)).passed


def test_a_spawned_task_waits_for_its_turn() -> None:
    """Spawning is no scheduling point: the child starts when it is chosen."""
    record: list[str] = []

    async def child() -> None:
        record.append("child")

    async def parent() -> None:
        task = spawn("child", child)
        record.append("parent")
        assert (task.label, task.enabled, task.finished) == ("start", True, False)

    assert verdict_of(parent).passed
    assert record == ["parent", "child"]


def test_a_spawned_daemon() -> None:
    """A daemon may be spawned later as well."""

    async def serves() -> None:
        await sleep("serves.sleep", 1)

    async def parent() -> None:
        assert spawn("d", serves, daemon=True).daemon

    assert verdict_of(parent).passed


def test_a_daemon_that_sleeps_works() -> None:
    """Sleeping is no waiting for work: a daemon that sleeps for ever is a livelock."""

    async def serves() -> None:
        while True:
            await sleep("serves.sleep", 1)

    def program(execution: Execution) -> None:
        execution.spawn("d", serves, daemon=True)

    verdict = run(program, FirstChoice(), budget=50).verdict
    assert verdict is not None
    assert verdict.ending is Ending.LIVELOCK
