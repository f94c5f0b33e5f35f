# SPDX-License-Identifier: MIT OR Apache-2.0
"""SURW: uniform over the orders of what is interesting, whatever else goes on."""

from __future__ import annotations

from collections import Counter

import pytest

from swaptrio.sched import Execution, Kind, Program, SpinLock, Task, open_scheduler, point, run
from swaptrio.sched.strategies import Surw, Words
from swaptrio.sched.testing import Transcript


def program(execution: Execution) -> None:
    """Two tasks that write x three times and once; one has thirty other steps before that."""

    async def many() -> None:
        for _ in range(3):
            await point("many.write", Kind.WRITE, "x")
            await point("many.write", Kind.WRITE, "y")

    async def late() -> None:
        for _ in range(30):
            await point("late.step")
        await point("late.write", Kind.WRITE, "x")

    execution.spawn("a", many)
    execution.spawn("b", late)


async def writes(strategy: Surw, executions: int, program: Program = program) -> Counter[str]:
    """How often each order of writes to x came, after one execution that measures."""
    seen: Counter[str] = Counter()
    async with open_scheduler("stepped") as scheduler:
        await scheduler.run(program, strategy)
        for strategy.seed in range(1, executions + 1):
            transcript = Transcript()
            await scheduler.run(program, strategy, observer=transcript)
            steps = [line.split() for line in transcript.lines if line.endswith("(write x)")]
            seen["".join(step[1] for step in steps)] += 1
    return seen


@pytest.mark.parametrize(
    "interest",
    [
        Words(("x",)),
        Words(("[xz]",)),
        Words(("*.write",)),
        lambda task: task.target == "x",
    ],
    ids=["object", "pattern", "label", "predicate"],
)
async def test_uniform_over_what_is_interesting(interest: object) -> None:
    """b's one write comes at each of its places equally often; its other steps change nothing.

    Where the writes to y are interesting too, there are seven places instead of four.
    """
    seen = await writes(Surw(0, interest), 2000)  # type: ignore[arg-type]  # all are predicates
    by_label = isinstance(interest, Words) and interest.words == ("*.write",)
    shares = [1, 2, 2, 2] if by_label else [1, 1, 1, 1]
    for order, share in zip(("baaa", "abaa", "aaba", "aaab"), shares, strict=True):
        expected = 2000 * share / sum(shares)
        assert abs(seen[order] - expected) < 4 * expected**0.5


async def test_objects_are_drawn_where_none_is_given() -> None:
    """Among the objects that two tasks touch, by how often; what one task has is left alone."""
    strategy = Surw(0)
    seen = await writes(strategy, 1000)
    assert strategy.event == "x"
    assert min(seen[order] for order in ("baaa", "abaa", "aaba", "aaab")) > 190


def test_locks_may_be_drawn() -> None:
    """The taking of all locks is one of the sets."""

    def locking(execution: Execution) -> None:
        locks = SpinLock("one"), SpinLock("two")

        async def task() -> None:
            for lock in locks:
                async with lock.hold("task.lock"):
                    await point("task.write", Kind.WRITE, "x")

        execution.spawn("a", task)
        execution.spawn("b", task)

    strategy = Surw(0)
    events = Counter[str]()
    for strategy.seed in range(200):
        run(locking, strategy)
        events[strategy.event] += 1
    assert sorted(events) == ["", "all locks", "one", "two", "x"]
    assert events[""] == 1


def test_words_that_fit_nothing_are_known() -> None:
    """After a campaign one can say which words no code touches."""
    words = Words(("x", "many.*", "z", "late.writ"))
    run(program, Surw(0, words))
    assert words.unmatched == ["z", "late.writ"]


def test_words_fit_what_is_touched() -> None:
    """Once somebody has told so, an operation fits by what its step touched the last time."""
    words = Words(("slot*",))
    run(program, Surw(0, words))
    assert words.unmatched == ["slot*"]

    words.touched("b", "late.write", ["cluster", "slot 7"])
    words.touched("a", "many.write", ["cluster"])

    fitting: list[str] = []

    class Watch(Transcript):
        def step(self, execution: Execution, task: Task) -> None:
            if words(task):
                fitting.append(f"{task.name} {task.label}")

    run(program, Surw(0, words), observer=Watch())
    assert words.unmatched == []
    assert fitting == ["b late.write"]


def test_a_window_is_its_labels_and_what_is_done_to_their_objects() -> None:
    """Those operations of others that come inside, or not, are interesting too."""

    def looking(execution: Execution) -> None:
        async def looker() -> None:
            await point("look.check", Kind.READ, "x")
            await point("look.step")
            await point("look.again", Kind.READ, "x")

        async def writer() -> None:
            await point("write.x", Kind.WRITE, "x")
            await point("write.y", Kind.WRITE, "y")

        execution.spawn("a", looker)
        execution.spawn("b", writer)

    words = Words(("look.check/look.again",))
    fitting: set[str] = set()

    class Watch(Transcript):
        def step(self, execution: Execution, task: Task) -> None:
            if words(task):
                fitting.add(task.label)

    assert words.unmatched == ["look.check/look.again"]
    for seed in range(3):
        run(looking, Surw(seed, words), observer=Watch())
    assert fitting == {"look.check", "look.again", "write.x"}
    assert words.unmatched == []
    half = Words(("look.check/look.agan",))
    run(looking, Surw(0, half))
    assert half.unmatched == ["look.check/look.agan"]


def test_nobody_but_the_intended_task_performs_what_is_interesting() -> None:
    """Unless all that can go on stand before something interesting."""
    strategy = Surw(0, Words(("x",)))

    class Watch(Transcript):
        intended = ""

        def step(self, execution: Execution, task: Task) -> None:
            if task.target == "x" and len(execution.enabled) > 1:
                assert strategy._intended is None  # performed, so the next one is drawn anew
            elif strategy._intended is not None:
                self.intended = strategy._intended.name

    for strategy.seed in range(50):
        verdict = run(program, strategy, observer=Watch()).verdict
        assert verdict is not None
        assert verdict.passed
