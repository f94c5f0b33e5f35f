# SPDX-License-Identifier: MIT OR Apache-2.0
"""Metrics: what is counted."""

from __future__ import annotations

from itertools import pairwise

from swaptrio.sched import Execution, RandomWalk, choose, point, run
from swaptrio.sched.strategies import Counts, DelayBounding, Metrics, NondeterminismCheck
from swaptrio.sched.testing import Transcript


def program(execution: Execution) -> None:
    """Two tasks with two steps each, and a draw."""

    async def task() -> None:
        await point("task.step")
        choose("task.data", ("ok", "fail"))

    execution.spawn("a", task)
    execution.spawn("b", task)


def test_counts_of_a_known_execution() -> None:
    """Without delays each runs to its end: one switch, no preemption; half is forced."""
    metrics = Metrics(DelayBounding(0, 0))
    run(program, metrics)
    assert metrics.last == metrics.total
    assert metrics.last == Counts(
        executions=1, steps=6, decisions=2, draws=2, switches=1, preemptions=0
    )
    run(program, metrics)
    assert metrics.last.steps == 6
    assert metrics.total.steps == 12
    assert metrics.total.executions == 2


def test_counts_are_those_of_the_transcript() -> None:
    """Steps are the verdict's; a switch is another name than in the line before."""
    metrics = Metrics(RandomWalk(0))
    for metrics.seed in range(30):
        transcript = Transcript()
        verdict = run(program, metrics, observer=transcript).verdict
        assert verdict is not None
        assert metrics.last.steps == verdict.steps
        names = [line.split()[1] for line in transcript.lines if line.endswith(")")]
        switches = sum(1 for one, two in pairwise(names) if one != two)
        assert metrics.last.switches == switches
        assert metrics.last.preemptions == switches - 1


def test_wrappers_stand_in_front_of_each_other() -> None:
    """They compose in any order."""
    metrics = Metrics(NondeterminismCheck(Metrics(RandomWalk(0))))
    for metrics.seed in range(6):
        run(program, metrics)
    assert metrics.total.executions == 6
    assert metrics.inner.seed == 5
