# SPDX-License-Identifier: MIT OR Apache-2.0
"""First choice: the empty schedule."""

from __future__ import annotations

from swaptrio.sched import Execution, FirstChoice, Recorded, Schedule, choose, point, run
from swaptrio.sched.testing import Transcript


def test_the_running_task_goes_on() -> None:
    """A task runs for as long as it can, defaults are drawn, and the schedule is empty."""

    async def task() -> None:
        await point("task.step")
        choose("task.data", (1, 2))

    def program(execution: Execution) -> None:
        for name in "ab":
            execution.spawn(name, task)

    transcript, replay = Transcript(), Transcript()
    verdict = run(program, FirstChoice(), observer=transcript).verdict
    run(program, Recorded(Schedule()), observer=replay)
    assert verdict is not None
    assert str(verdict.schedule) == "-"
    assert transcript.lines == replay.lines
    assert [line.split()[1] for line in transcript.lines] == [*"aaabbb", "passed"]
