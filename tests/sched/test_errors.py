# SPDX-License-Identifier: MIT OR Apache-2.0
"""The exceptions of the scheduler."""

from __future__ import annotations

from swaptrio.sched import (
    Diverged,
    Ending,
    Execution,
    FirstChoice,
    ModelError,
    SchedError,
    Task,
    Violation,
    WindowNotReached,
    point,
    run,
)
from swaptrio.sched.testing import Transcript


def test_no_handler_for_exception_catches_them() -> None:
    """A program that catches Exception cannot swallow a verdict by accident."""
    for kind in (Violation, Diverged, WindowNotReached, ModelError):
        assert issubclass(kind, SchedError)
        assert not issubclass(kind, Exception)


def test_even_a_swallowed_verdict_stays() -> None:
    """What the scheduler has found is the verdict, though the program catches everything."""

    class Oracle(Transcript):
        def step(self, execution: Execution, task: Task) -> None:
            super().step(execution, task)
            if execution.step == 2:
                raise Violation("I-X", "seen at step 2")

    async def deaf() -> None:
        try:
            await point("deaf.here")
        except BaseException:
            await point("deaf.again")

    def program(execution: Execution) -> None:
        execution.spawn("deaf", deaf)

    oracle = Oracle()
    verdict = run(program, FirstChoice(), observer=oracle).verdict
    assert verdict is not None
    assert verdict.ending is Ending.VIOLATION
    assert oracle.lines == [
        "1 deaf start (start)",
        "2 deaf deaf.here (step)",
        "= violation: I-X: seen at step 2",
    ]
