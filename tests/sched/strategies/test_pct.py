# SPDX-License-Identifier: MIT OR Apache-2.0
"""PCT: how often it takes the baton from somebody, who falls, and the bound of the paper."""

from __future__ import annotations

import attrs
import pytest

from swaptrio.sched import Execution, Program, open_scheduler, point, run, sleep
from swaptrio.sched.strategies import Pct
from swaptrio.sched.strategies.wrapper import Wrapper
from swaptrio.sched.testing import Transcript

NAMES = "abc"
STEPS = 5


def independent(execution: Execution) -> None:
    """Three tasks with five steps each that nothing blocks."""

    async def task() -> None:
        for _ in range(STEPS):
            await point("task.step")

    for name in NAMES:
        execution.spawn(name, task)


def order(program: Program, strategy: Pct) -> str:
    """Who went, step by step."""
    transcript = Transcript()
    run(program, strategy, observer=transcript)
    return "".join(line.split()[1] for line in transcript.lines[:-1])


def preemptions(steps: str) -> int:
    """How often somebody had to stop who had not ended."""
    blocks = sum(1 for at in range(1, len(steps)) if steps[at] != steps[at - 1])
    return blocks - (len(NAMES) - 1)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_at_most_depth_less_one_inversions(depth: int) -> None:
    """Where nobody is blocked, the baton is taken from somebody depth - 1 times at most."""
    strategy = Pct(0, depth)
    order(independent, strategy)
    seen = []
    for strategy.seed in range(200):
        seen.append(preemptions(order(independent, strategy)))
    assert max(seen) == depth - 1
    assert min(seen) >= 0


def test_the_first_execution_measures() -> None:
    """It has no change points; the length counts decisions between two or more candidates."""
    strategy = Pct(3, 4)
    assert preemptions(order(independent, strategy)) == 0
    assert strategy.length == 0
    order(independent, strategy)
    assert strategy.length == 2 * (STEPS + 1)


@attrs.define(eq=False)
class Counting(Wrapper):
    """Counts the decisions of each execution."""

    counts: list[int] = attrs.Factory(list)

    def begin(self, execution: Execution) -> None:
        """None yet."""
        Wrapper.begin(self, execution)
        self.counts.append(0)

    def pick(self, execution: Execution, count: int) -> int:
        """One more."""
        self.counts[-1] += 1
        return Wrapper.pick(self, execution, count)


def test_what_has_settled() -> None:
    """The bound counts the executions since the longest; with a depth of 1 it counts all."""
    pct, flat = Pct(0, 3), Pct(0, 1)
    counting = Counting(pct)
    for seed in range(40):
        pct.seed = flat.seed = seed
        run(independent, counting)
        run(independent, flat)
        since = seed - counting.counts.index(max(counting.counts))
        assert (pct.settled, flat.settled) == (since, seed + 1)

    assert 0 < pct.settled < 39  # the first was not the longest, nor was the last


def test_a_seed_and_what_was_measured_decide() -> None:
    """The same seed at the same length gives the same execution."""
    known = [order(independent, Pct(seed, 3, 12)) for seed in range(40)]
    assert known == [order(independent, Pct(seed, 3, 12)) for seed in range(40)]
    assert len(set(known)) > 20


async def test_the_bound() -> None:
    """A bug of depth d shows at least as often as the paper promises, for d = 1, 2, 3."""
    for depth in (1, 2, 3):
        strategy = Pct(0, depth, 12)
        found = 0
        async with open_scheduler("stepped") as scheduler:
            for strategy.seed in range(2000):
                transcript = Transcript()
                await scheduler.run(independent, strategy, observer=transcript)
                steps = "".join(line.split()[1] for line in transcript.lines[:-1])
                found += is_deep(steps, depth)
        assert found >= 0.8 * 2000 / (3 * 12 ** (depth - 1))


def is_deep(steps: str, depth: int) -> bool:
    """Whether ``depth`` ordered events happened: c before a; then a's third before b's; ..."""
    third = {name: [at for at, each in enumerate(steps) if each == name][2] for name in NAMES}
    first = {name: steps.index(name) for name in NAMES}
    ordered = [first["c"] < first["a"], third["a"] < third["c"], third["b"] < third["a"]]
    return all(ordered[:depth])


def test_a_sleep_yields() -> None:
    """Who polls with a sleep lets others go on, whatever its priority was."""

    def program(execution: Execution) -> None:
        done = [False]

        async def poller() -> None:
            while not done[0]:
                await sleep("poller.sleep", 10)

        async def worker() -> None:
            await point("worker.step")
            done[0] = True

        execution.spawn("a", poller)
        execution.spawn("b", worker)

    for seed in range(50):
        verdict = run(program, Pct(seed, 3, 10)).verdict
        assert verdict is not None
        assert verdict.passed
        assert verdict.steps < 12


def test_a_device_does_not_yield() -> None:
    """A daemon's sleep is the time of a request: it may end before others go on."""

    def program(execution: Execution) -> None:
        async def device() -> None:
            await sleep("device.transfer", 10)
            await point("device.done")

        async def worker() -> None:
            await point("worker.step")

        execution.spawn("a", device, daemon=True)
        execution.spawn("b", worker)

    orders = {order(program, Pct(seed, 1)) for seed in range(30)}
    assert orders == {"aaabb", "bbaaa"}
