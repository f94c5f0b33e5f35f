# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fair tail: a task that spins until another goes on is no livelock."""

from __future__ import annotations

from swaptrio.sched import Ending, Execution, FirstChoice, point, run
from swaptrio.sched.strategies import DelayBounding, FairTail, Pct


def spinning(execution: Execution) -> None:
    """One task spins until the other one has ended."""
    done = [False]

    async def spinner() -> None:
        while not done[0]:
            await point("spinner.look")

    async def worker() -> None:
        await point("worker.step")
        done[0] = True

    execution.spawn("spinner", spinner)
    execution.spawn("worker", worker)


def test_without_it_a_strategy_may_hold_back_for_ever() -> None:
    """The running task always goes on: the budget calls that a livelock."""
    verdict = run(spinning, DelayBounding(0, 0), budget=3000).verdict
    assert verdict is not None
    assert verdict.ending is Ending.LIVELOCK
    again = run(spinning, FirstChoice(), budget=3000).verdict
    assert again is not None
    assert again.ending is Ending.LIVELOCK


def test_the_tail_is_fair() -> None:
    """After the prefix everybody gets a turn."""
    for seed in range(20):
        verdict = run(spinning, FairTail(Pct(seed), patience=40), budget=3000).verdict
        assert verdict is not None
        assert verdict.passed
        assert verdict.steps < 80


def test_what_is_spun_away_makes_no_prefix_longer() -> None:
    """However often a prefix is spent in vain, the next one is as long."""
    strategy = FairTail(DelayBounding(0, 0))
    for _ in range(8):
        verdict = run(spinning, strategy, budget=3000, carrier="stepped").verdict
        assert verdict is not None
        assert verdict.passed
        assert verdict.steps < 560
    assert strategy.longest < 60


def test_half_of_the_budget_is_for_the_tail() -> None:
    """Whatever the patience, and whatever was seen before."""
    strategy = FairTail(DelayBounding(0, 0), patience=500, longest=400)
    verdict = run(spinning, strategy, budget=120, carrier="stepped").verdict
    assert verdict is not None
    assert verdict.passed
    assert verdict.steps > 60


def test_the_prefix_grows_with_what_has_passed() -> None:
    """Twice what an execution that passed has taken, if that is more than the patience."""

    def long(execution: Execution) -> None:
        async def task() -> None:
            for _ in range(50):
                await point("task.step")

        execution.spawn("a", task)
        execution.spawn("b", task)

    strategy = FairTail(DelayBounding(0, 0), patience=10)
    orders = []
    for _ in range(4):
        execution = run(long, strategy)
        assert execution.verdict is not None
        orders.append(len(execution.verdict.schedule))
    assert strategy.longest > 50
    assert orders[0] > 0
    assert orders[-1] == 0
