# SPDX-License-Identifier: MIT OR Apache-2.0
"""Nondeterminism check: a program that depends on more than its decisions is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.sched import Ending, Execution, Program, RandomWalk, choose, point, run
from swaptrio.sched.strategies import NondeterminismCheck, parse

if TYPE_CHECKING:
    from collections.abc import Callable


def ending_with(check: Callable[[int], None]) -> Program:
    """A program whose check at the end is told the number of the execution, from 1."""
    executions = [0]

    async def task() -> None:
        await point("task.step")
        choose("task.data", ("ok", "fail"))

    def program(execution: Execution) -> None:
        executions[0] += 1
        number = executions[0]
        execution.spawn("a", task)
        execution.spawn("b", task)
        execution.at_end.append(lambda: check(number))

    return program


def test_a_deterministic_program_passes() -> None:
    """Every second execution repeats the one before, whatever the strategy; nothing differs."""
    for name in ("random", "surw", "feedback"):
        check = NondeterminismCheck(parse(name))
        program = ending_with(lambda number: None)
        schedules = []
        for check.seed in range(30):
            verdict = run(program, check).verdict
            assert verdict is not None
            schedules.append(verdict.schedule)
        assert check.finish() is None
        assert check.compared == 15
        assert schedules[::2] == schedules[1::2]
        assert len(set(schedules)) > 5


def changing_label(execution: Execution, labels: list[str]) -> None:
    """Two tasks; the label of their second step is taken from outside."""
    label = labels.pop(0)

    async def task() -> None:
        await point("task.first")
        await point(label)

    execution.spawn("a", task)
    execution.spawn("b", task)


def test_the_first_differing_step_is_the_verdict() -> None:
    """It is said what was expected there and what was found."""
    labels = ["task.one", "task.one", "task.one", "task.two"]
    check = NondeterminismCheck(RandomWalk(3))
    for _ in range(3):
        verdict = run(lambda execution: changing_label(execution, labels), check).verdict
        assert verdict is not None
        assert verdict.passed
    assert check.difference is None
    verdict = run(lambda execution: changing_label(execution, labels), check).verdict
    assert verdict is not None
    assert verdict.ending is Ending.DIVERGED
    assert check.difference is not None
    assert "task.one (step)" in check.difference.expected
    assert "task.two (step)" in check.difference.found
    assert str(check.difference) == verdict.message


def test_more_steps_than_before() -> None:
    """A repetition that goes on where the first one ended differs there."""
    steps = [2, 3]

    def program(execution: Execution) -> None:
        number = steps.pop(0)

        async def task() -> None:
            for _ in range(number):
                await point("task.step")

        execution.spawn("a", task)

    check = NondeterminismCheck(RandomWalk(0))
    run(program, check)
    verdict = run(program, check).verdict
    assert verdict is not None
    assert verdict.message == "step 4: expected the end, found a task.step (step)"


def test_other_ends() -> None:
    """A repetition that ends otherwise is found by `finish`, and fails the next execution."""

    def complain(number: int) -> None:
        if number == 3:
            msg = "third"
            raise AssertionError(msg)

    check = NondeterminismCheck(RandomWalk(0))
    program = ending_with(complain)
    for _ in range(4):
        run(program, check)
    found = check.finish()
    assert found is not None
    assert "violation: assertion: third" in found.expected
    verdict = run(program, check).verdict
    assert verdict is not None
    assert (verdict.ending, verdict.message) == (Ending.DIVERGED, str(found))
