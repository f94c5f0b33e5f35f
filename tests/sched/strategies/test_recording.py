# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recording: every decision with what there was to choose from."""

from __future__ import annotations

import pytest

from swaptrio.sched import Execution, Mutex, RandomWalk, Recorded, choose, point, run
from swaptrio.sched.strategies import STRATEGIES, Recording, parse
from swaptrio.sched.testing import Transcript


def program(execution: Execution) -> None:
    """Two tasks with a lock and a draw."""
    mutex = Mutex("mutex")

    async def task() -> None:
        await mutex.acquire("task.lock")
        choose("task.data", ("ok", "fail"))
        await mutex.release("task.unlock")
        await point("task.step")

    execution.spawn("a", task)
    execution.spawn("b", task)


@pytest.mark.parametrize("name", STRATEGIES)
def test_it_changes_nothing(name: str) -> None:
    """With the wrapper a strategy decides as without; the record is the verdict's schedule."""
    plain, recorded = parse(name), Recording(parse(name))
    for seed in range(25):
        plain.seed = recorded.seed = seed
        first, second = Transcript(), Transcript()
        verdict = run(program, plain, observer=first).verdict
        assert run(program, recorded, observer=second).verdict == verdict
        assert first.lines == second.lines
        assert verdict is not None
        assert recorded.schedule == verdict.schedule
        assert len(recorded.decisions) == verdict.steps
        assert recorded.seed == recorded.inner.seed


def test_decisions_are_in_words() -> None:
    """Candidates with their operations, and options with their label."""
    recording = Recording(RandomWalk(1))
    run(program, recording)
    first = recording.decisions[0]
    assert first.offered == ("a start (start)", "b start (start)")
    draws = [asked for asked in recording.decisions if asked.label == "task.data"]
    assert len(draws) == 2
    assert draws[0].offered[1].endswith(" task.data: fail")
    assert str(first).startswith(f"1: {first.offered[first.number]} of a start (start), b")


def test_the_record_replays() -> None:
    """Its schedule gives the same execution."""
    recording = Recording(RandomWalk(7))
    verdict = run(program, recording).verdict
    assert run(program, Recorded(recording.schedule)).verdict == verdict
