# SPDX-License-Identifier: MIT OR Apache-2.0
"""Script: windows by names, and what is said when one cannot be reached."""

from __future__ import annotations

import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    Mutex,
    Program,
    Recorded,
    Run,
    Script,
    SendChannel,
    Verdict,
    WaitQueue,
    choose,
    open_channel,
    point,
    run,
    sleep,
)
from swaptrio.sched.testing import Transcript


async def three_steps() -> None:
    """Three points, each with a label of its own."""
    for label in ("one", "two", "three"):
        await point(f"task.{label}")


async def same_steps() -> None:
    """Three points of one label."""
    for _ in range(3):
        await point("task.same")


def tasks(execution: Execution) -> None:
    """Three tasks of three steps; those of ``c`` have one label."""
    execution.spawn("a", three_steps)
    execution.spawn("b", three_steps)
    execution.spawn("c", same_steps)


def carried_out(
    program: Program, *window: Run, choices: dict[str, tuple[str, ...]] | None = None
) -> tuple[Verdict, list[str]]:
    """The verdict under a script, and who went where, as ``task/label``."""
    transcript = Transcript()
    script = Script(window, choices or {})
    verdict = run(program, script, observer=transcript).verdict
    assert verdict is not None
    steps = [line.split() for line in transcript.lines[:-1]]
    return verdict, [f"{step[1]}/{step[2]}" for step in steps]


def test_a_window() -> None:
    """Tasks run up to their labels, in turn; behind the window everything goes on."""
    verdict, steps = carried_out(tasks, Run("b", "task.two"), Run("a", "task.one"), Run("b"))
    assert verdict.passed
    assert steps[:5] == ["b/start", "b/task.one", "a/start", "b/task.two", "b/task.three"]
    assert steps[5:8] == ["a/task.one", "a/task.two", "a/task.three"]


def test_a_window_can_be_recorded() -> None:
    """The schedule of a scripted run replays it."""
    verdict, steps = carried_out(tasks, Run("b", "task.two"), Run("a", "task.one"), Run("b"))
    transcript = Transcript()
    assert run(tasks, Recorded(verdict.schedule), observer=transcript).verdict == verdict
    assert len(transcript.lines) == len(steps) + 1


@pytest.mark.parametrize(("times", "before"), [(1, 1), (2, 2), (3, 3)])
def test_times(times: int, before: int) -> None:
    """A label may be meant the n-th time that the task comes there."""
    _, steps = carried_out(tasks, Run("c", "task.same", times), Run("a"))
    assert steps.index("a/start") == before


def test_standing_there_does_not_count() -> None:
    """An entry for the label where the task stands already means the next time."""
    entry = Run("c", "task.same")
    _, steps = carried_out(tasks, entry, entry, Run("a"))
    assert steps[:3] == ["c/start", "c/task.same", "a/start"]


def test_no_window() -> None:
    """A script without entries is first choice."""
    verdict, _ = carried_out(tasks)
    assert verdict.passed
    assert len(verdict.schedule) == 0


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ((Run("z", "x"),), "window entry 1: there is no task z"),
        (
            (Run("a"), Run("b", "task.tow")),
            "window entry 2: b ended and never came to task.tow",
        ),
        (
            (Run("c", "task.same", 4),),
            "window entry 1: c ended and never came to task.same",
        ),
        (
            (Run("a"), Run("b"), Run("c"), Run("a", "task.one")),
            "window entry 4: a ended and never came to task.one",
        ),
        ((Run("a"), Run("b"), Run("c"), Run("z")), "window entry 4: there is no task z"),
    ],
)
def test_a_window_that_is_not_reached(window: tuple[Run, ...], message: str) -> None:
    """What a window asks for and never happens is named with its entry."""
    verdict, _ = carried_out(tasks, *window)
    assert (verdict.ending, verdict.message) == (Ending.UNREACHED, message)


def blocking(execution: Execution) -> None:
    """Two tasks that want one mutex."""
    mutex = Mutex("mutex")

    async def task() -> None:
        await mutex.acquire("task.lock")
        await point("task.inside")
        await mutex.release("task.release")

    execution.spawn("a", task)
    execution.spawn("b", task)


def test_others_do_not_run_for_a_blocked_task() -> None:
    """A task that is blocked by one outside the window makes the window impossible."""
    verdict, _ = carried_out(blocking, Run("a", "task.inside"), Run("b"))
    assert verdict.message == (
        "window entry 2: b is blocked at task.lock (lock mutex); wanted: run b until its end"
    )


def test_a_task_may_stand_blocked_at_its_label() -> None:
    """At a label means that the operation is declared, whether it can succeed or not."""
    verdict, steps = carried_out(
        blocking, Run("a", "task.inside"), Run("b", "task.lock"), Run("a")
    )
    assert verdict.passed
    assert steps[2:5] == ["b/start", "a/task.inside", "a/task.release"]


def test_daemons_run_for_a_blocked_task() -> None:
    """Who waits for a daemon gets it; other tasks still do not run."""

    def program(execution: Execution) -> None:
        ask: SendChannel[str]
        ask, asked = open_channel("ask", 1)
        queue, done = WaitQueue("answer"), list[object]()

        async def serves() -> None:
            async for request in asked:
                await sleep("serves.work", 5)
                done.append(request)
                await queue.wake_all("serves.wake")

        async def asks() -> None:
            await ask.send("question")
            await queue.wait_for("asks.wait", lambda: bool(done))

        execution.spawn("a", asks)
        execution.spawn("b", three_steps)
        execution.spawn("d", serves, daemon=True)

    verdict, steps = carried_out(program, Run("a"), Run("b"))
    assert verdict.passed
    assert steps.index("b/start") > steps.index("a/asks.wait")


def test_time_passes_if_it_must() -> None:
    """A task that sleeps is woken, though another could run."""

    async def sleeps() -> None:
        await sleep("sleeps.sleep", 5)

    def program(execution: Execution) -> None:
        execution.spawn("a", sleeps)
        execution.spawn("b", three_steps)

    _, steps = carried_out(program, Run("a"))
    assert steps[:3] == ["a/start", "a/sleeps.sleep", "b/start"]


def test_a_task_spawned_on_the_way() -> None:
    """An entry may name a task that an earlier entry brings to life."""

    def program(execution: Execution) -> None:
        async def spawns() -> None:
            await point("spawns.before")
            execution.spawn("child", three_steps)
            await point("spawns.after")

        execution.spawn("a", spawns)

    _, steps = carried_out(program, Run("a", "spawns.after"), Run("child"))
    assert steps[2:4] == ["child/start", "child/task.one"]


def test_a_deadlock_on_the_way_is_a_deadlock() -> None:
    """What is worse than a missed window is told first."""

    def program(execution: Execution) -> None:
        async def waits() -> None:
            await WaitQueue("queue").wait("waits.wait")

        execution.spawn("a", waits)

    verdict, _ = carried_out(program, Run("a", "waits.after"))
    assert verdict.ending is Ending.DEADLOCK


# Data


def drawing(execution: Execution) -> None:
    """One task with two draws at one label, and one without a choice at another."""

    async def draws() -> None:
        drawn = [choose("draws.data", ("ok", "fail", 7)) for _ in range(2)]
        drawn.append(choose("draws.only", ("x",)))
        execution.tasks[0].result = drawn
        return drawn  # type: ignore[return-value]  # the task's result

    execution.spawn("a", draws)


@pytest.mark.parametrize(
    ("choices", "drawn"),
    [
        ({}, ["ok", "ok", "x"]),
        ({"draws.data": ("fail",)}, ["fail", "ok", "x"]),
        ({"draws.data": ("ok", "7"), "draws.only": ("x",)}, ["ok", 7, "x"]),
    ],
)
def test_choices(choices: dict[str, tuple[str, ...]], drawn: list[object]) -> None:
    """The n-th draw at a label takes the n-th option named, by its text; then the default."""
    execution = run(drawing, Script((), choices))
    assert str(execution.verdict) == "passed"
    assert execution.tasks[0].result == drawn


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"draws.data": ("no",)}, "choice: draws.data offers ok, fail, 7; not no"),
        ({"draws.only": ("y",)}, "choice: draws.only offers x; not y"),
        ({"draws.dat": ("ok",)}, "choice: draws.dat was drawn 0 times; wanted: ok"),
        (
            {"draws.data": ("ok", "ok", "ok")},
            "choice: draws.data was drawn 2 times; wanted: ok, ok, ok",
        ),
    ],
)
def test_choices_that_do_not_come_up(choices: dict[str, tuple[str, ...]], message: str) -> None:
    """An option that is not offered, or a label that is not drawn at, is not passed over."""
    verdict = run(drawing, Script((), choices)).verdict
    assert verdict is not None
    assert (verdict.ending, verdict.message) == (Ending.UNREACHED, message)
