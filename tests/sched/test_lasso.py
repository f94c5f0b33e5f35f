# SPDX-License-Identifier: MIT OR Apache-2.0
"""A state that comes back is a livelock; a loop that makes progress is not."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    Kind,
    Mutex,
    RandomWalk,
    Recorded,
    Schedule,
    SpinLock,
    Strategy,
    Verdict,
    WaitQueue,
    choose,
    now,
    point,
    run,
    sleep,
)
from swaptrio.sched.lasso import QUIET

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterator

BUDGET = 4000


def nothing() -> Hashable:
    """The fingerprint of a program without shared state."""
    return None


def verdict_of(
    *bodies: Callable[[], Coroutine[Any, Any, object]],
    fingerprint: Callable[[], Hashable] = nothing,
    strategy: Strategy | None = None,
    budget: int = BUDGET,
) -> Verdict:
    """The verdict of an execution with one task, ``a``, ``b`` and so on, for each body."""

    def program(execution: Execution) -> None:
        for name, body in zip("abcdef", bodies, strict=False):
            execution.spawn(name, body)

    execution = run(program, strategy or FirstChoice(), budget=budget, fingerprint=fingerprint)
    assert execution.verdict is not None
    return execution.verdict


async def spins() -> None:
    """The same for ever."""
    while True:
        await point("spins.again")


# Livelocks, recognised


def test_a_task_that_spins() -> None:
    """One task that does the same for ever is found long before its budget ends."""
    verdict = verdict_of(spins)
    assert str(verdict) == (
        f"livelock: state-repeats: the state of step {QUIET} is back at step {QUIET + 1}"
    )


def test_the_cycle_is_shown() -> None:
    """The verdict has the steps from one time to the next, as task and label."""

    async def two_steps() -> None:
        while True:
            await point("two_steps.one")
            await point("two_steps.two")

    verdict = verdict_of(two_steps)
    assert sorted(verdict.cycle) == ["a two_steps.one", "a two_steps.two"]


def test_starvation() -> None:
    """Who waits all the way, while others go round, is starved, and is named."""

    async def waits_for_ever() -> None:
        await WaitQueue("queue").wait("waits_for_ever.wait")

    verdict = verdict_of(waits_for_ever, spins)
    assert (verdict.ending, verdict.check) == (Ending.LIVELOCK, "starvation")
    assert "in between a waits at waits_for_ever.wait (wait queue)" in verdict.message
    assert verdict.cycle == ("b spins.again",)


def test_who_can_go_on_now_and_then_is_not_starved() -> None:
    """A lock that is free now and then starves nobody: to pass over its waiter is not fair."""
    lock = Mutex("lock")

    async def takes_and_gives() -> None:
        while True:
            await lock.acquire("takes_and_gives.take")
            await lock.release("takes_and_gives.give")

    async def takes() -> None:
        await lock.acquire("takes.take")
        await lock.release("takes.give")

    verdict = verdict_of(takes_and_gives, takes, budget=1000, strategy=Stubborn())
    assert verdict.check == "step-budget"


def tries(first: SpinLock, second: SpinLock) -> Callable[[], Coroutine[Any, Any, None]]:
    """Takes one lock and tries the other; if that is taken it starts again."""

    async def task() -> None:
        while True:
            async with first.hold("tries.first"):
                await point("tries.second", Kind.TRYLOCK, second)
                if second.try_acquire():
                    second.release()
                    return
                await point("tries.give_way")
            await point("tries.again")

    return task


class Stubborn(FirstChoice):
    """Lets the running task go on, but does not say that it always will."""

    settled = False


class InTurn(Stubborn):
    """Lets the other task go on at every point."""

    def pick(self, execution: Execution, count: int) -> int:
        """The last candidate."""
        return count - 1


def test_two_tasks_that_give_way_to_each_other() -> None:
    """Both run, neither is starved, and yet nothing ends: a livelock through locks."""
    one, two = SpinLock("one"), SpinLock("two")
    verdict = verdict_of(tries(one, two), tries(two, one), strategy=InTurn())
    assert verdict.check == "state-repeats"
    assert verdict.steps < BUDGET


def test_two_tasks_that_get_through() -> None:
    """The same two tasks, let run one after the other, end."""
    one, two = SpinLock("one"), SpinLock("two")
    assert verdict_of(tries(one, two), tries(two, one)).passed


def test_a_loop_inside_a_for_loop() -> None:
    """A livelock is found inside a ``for`` as well: the iterator stands still."""

    async def task() -> None:
        for _ in range(3):
            await spins()

    assert verdict_of(task).check == "state-repeats"


def test_a_retry_that_sleeps() -> None:
    """Time alone is no progress, as long as nobody looks at the clock."""

    async def task() -> None:
        while True:
            await sleep("task.retry", 1)

    assert verdict_of(task).check == "state-repeats"


def test_a_mutex_that_is_taken_for_ever() -> None:
    """Waiting in a lock does not hide the loop, and both tasks run in it."""
    mutex = Mutex("mutex")

    async def task() -> None:
        while True:
            await mutex.acquire("task.lock")
            await mutex.release("task.release")

    assert verdict_of(task, task, strategy=InTurn()).check == "state-repeats"


def test_the_verdict_is_replayed() -> None:
    """A livelock has a schedule, and comes back at the same step under it."""
    one, two = SpinLock("one"), SpinLock("two")
    verdict = verdict_of(tries(one, two), tries(two, one), strategy=InTurn())
    one, two = SpinLock("one"), SpinLock("two")
    again = verdict_of(tries(one, two), tries(two, one), strategy=Recorded(verdict.schedule))
    assert again == verdict


# Progress: never accused


ROUNDS = 2 * QUIET


async def counts_in_a_local() -> None:
    """Its count is a local variable."""
    number = 0
    while number < ROUNDS:
        number += 1
        await point("counts.again")


async def counts_in_a_list() -> None:
    """Its count is the length of a list."""
    numbers: list[None] = []
    while len(numbers) < ROUNDS:
        numbers.append(None)
        await point("counts.again")


async def counts_in_a_dict() -> None:
    """Its count is an item of a dict."""
    numbers = {"count": 0}
    while numbers["count"] < ROUNDS:
        numbers["count"] += 1
        await point("counts.again")


async def counts_in_a_set() -> None:
    """Its count is the size of a set."""
    numbers: set[int] = set()
    while len(numbers) < ROUNDS:
        numbers.add(len(numbers))
        await point("counts.again")


async def counts_in_a_deque() -> None:
    """Its count is what is left of a deque."""
    numbers = deque(range(ROUNDS))
    while numbers:
        numbers.popleft()
        await point("counts.again")


async def counts_in_a_bytearray() -> None:
    """Its count is the length of a bytearray."""
    numbers = bytearray(1)
    while len(numbers) < ROUNDS:
        numbers.append(0)
        await point("counts.again")


async def counts_in_a_nested_list() -> None:
    """Its count is a list inside a tuple inside a list."""
    numbers = [("deep", [0])]
    while numbers[0][1][0] < ROUNDS:
        numbers[0][1][0] += 1
        await point("counts.again")


async def counts_in_a_closure() -> None:
    """Its count is a variable of the enclosing function."""
    number = 0

    async def inner() -> None:
        nonlocal number
        number += 1
        await point("counts.again")

    while number < ROUNDS:
        await inner()


async def counts_in_a_hidden_range() -> None:
    """Its count is the iterator of a loop whose items are all the same."""
    for _ in [None] * ROUNDS:
        await point("counts.again")


async def counts_in_nested_loops() -> None:
    """Its count is the iterators of two loops."""
    for _ in [None] * 20:
        for _ in zip([None] * 30, [None] * 30, strict=True):
            await point("counts.again")


async def counts_in_a_dict_iterator() -> None:
    """Its count is the iterator of a dict."""
    for _ in dict.fromkeys(range(ROUNDS), None).values():
        await point("counts.again")


async def counts_in_a_generator() -> None:
    """Its count is the iterator of a loop in a generator."""

    def numbers() -> Iterator[None]:
        for _ in range(ROUNDS):
            yield None

    for _ in numbers():
        await point("counts.again")


async def counts_in_an_iterator_object() -> None:
    """Its count is an iterator that cannot be looked into."""
    numbers = count()
    while next(numbers) < ROUNDS:
        await point("counts.again")


_ticks = count()


async def counts_in_an_expression() -> None:
    """Its count is a value that has no name yet."""

    async def again() -> int:
        await point("counts.again")
        return 0

    begin = next(_ticks)
    while next(_ticks) + await again() < begin + ROUNDS:
        pass


async def counts_by_the_clock() -> None:
    """Its count is the virtual time."""
    while now() < ROUNDS:
        await sleep("counts.again", 1)


PROGRESS = [
    counts_in_a_local,
    counts_in_a_list,
    counts_in_a_dict,
    counts_in_a_set,
    counts_in_a_deque,
    counts_in_a_bytearray,
    counts_in_a_nested_list,
    counts_in_a_closure,
    counts_in_a_hidden_range,
    counts_in_nested_loops,
    counts_in_a_dict_iterator,
    counts_in_a_generator,
    counts_in_an_iterator_object,
    counts_in_an_expression,
    counts_by_the_clock,
]


@pytest.mark.parametrize("body", PROGRESS)
@pytest.mark.parametrize("strategy", [FirstChoice(), RandomWalk(3)])
def test_a_loop_that_makes_progress(
    body: Callable[[], Coroutine[Any, Any, object]], strategy: Strategy
) -> None:
    """Wherever a task keeps its count, alone or among others, it is seen that it counts."""
    assert verdict_of(body, strategy=strategy).passed
    assert verdict_of(body, body, strategy=strategy).passed


def test_progress_in_shared_state() -> None:
    """What no local variable tells, the fingerprint does."""

    class Counter:
        value = 0

    counter = Counter()

    async def task() -> None:
        while counter.value < ROUNDS:
            counter.value += 1
            await point("task.again")

    assert verdict_of(task, fingerprint=lambda: counter.value).passed


def test_who_holds_a_lock_is_part_of_the_state() -> None:
    """Two states that differ only in the holder of a lock are two."""
    locks = [SpinLock(f"lock{number}") for number in range(ROUNDS)]
    take = iter(locks).__next__

    async def task() -> None:
        while not locks[-1].locked():
            take().try_acquire()
            await point("task.again")
        for lock in locks:
            lock.release()

    assert verdict_of(task).passed


# What a state is made of


def test_a_state_whose_objects_were_replaced_by_their_like() -> None:
    """The first round is seen to be one even where it leaves new objects behind."""
    box: list[list[int]] = [[0]]

    async def replaces() -> None:
        while True:
            box[0] = [0]
            await point("replaces.again")

    verdict = verdict_of(replaces)
    assert verdict.steps == QUIET + 1
    assert verdict.cycle == ("a replaces.again",)


async def counts(numbers: list[int]) -> None:
    """Goes round for ever, and counts how often."""
    while True:
        numbers[0] += 1
        await point("counts.again")


def test_statistics_hide_no_cycle() -> None:
    """What a program declares to be read by no step makes no difference; else it does."""
    numbers = [0]

    def program(execution: Execution, *unread: object) -> None:
        execution.unread += unread
        execution.spawn("a", counts, numbers)

    declared = run(
        lambda execution: program(execution, numbers), FirstChoice(), fingerprint=nothing
    )
    assert declared.verdict is not None
    assert declared.verdict.steps == QUIET + 1
    plain = run(program, FirstChoice(), budget=BUDGET, fingerprint=nothing)
    assert plain.verdict is not None
    assert plain.verdict.check == "step-budget"


def test_a_wakeup_that_nobody_hears_hides_no_cycle() -> None:
    """When it was is told to people, and makes no difference to any step."""
    queue = WaitQueue("queue")

    async def wakes() -> None:
        while True:
            await queue.wake_all("wakes.wake")

    assert verdict_of(wakes).steps == QUIET + 1


def test_what_is_called_at_the_end_hides_no_cycle() -> None:
    """A check at the end looks at what goes on growing, but the end never comes."""
    seen: list[int] = []

    def program(execution: Execution) -> None:
        execution.spawn("a", spins)
        execution.at_end.append(seen.clear)

    class Grows(FirstChoice):
        def pick(self, execution: Execution, count: int) -> int:
            seen.append(execution.step)
            return super().pick(execution, count)

        asks_always = True

    verdict = run(program, Grows(), budget=BUDGET, fingerprint=nothing).verdict
    assert verdict is not None
    assert verdict.steps == QUIET + 1


# Unfair loops: nobody knows whether they would end


async def sets(flag: list[bool]) -> None:
    """What the others wait for."""
    flag.append(True)


def test_a_loop_that_starves_another_task() -> None:
    """Who waits for a task that is never chosen is not livelocked, only unlucky."""
    flag: list[bool] = []

    async def waits() -> None:
        while not flag:
            await point("waits.again")

    verdict = verdict_of(waits, lambda: sets(flag), strategy=Stubborn())
    assert verdict.check == "step-budget"
    assert verdict_of(waits, lambda: sets(flag), strategy=RandomWalk(1)).passed


def test_a_loop_under_a_strategy_that_has_settled() -> None:
    """Where nobody else will ever be let, who could go on is starved, and is named."""
    flag: list[bool] = []

    async def waits() -> None:
        while not flag:
            await point("waits.again")

    verdict = verdict_of(waits, lambda: sets(flag))
    assert (verdict.ending, verdict.check) == (Ending.LIVELOCK, "starvation")
    assert "in between b could go on at start (start), and does not get" in verdict.message
    assert verdict.cycle == ("a waits.again",)
    assert verdict.steps == QUIET + 1


def test_a_loop_before_the_last_decision() -> None:
    """A schedule that has more to say lets nobody starve yet; the one without does."""
    flag: list[bool] = []

    async def waits() -> None:
        while not flag:
            await point("waits.again")

    late = Schedule.parse(f"{QUIET + 99}:1@b/start")
    assert verdict_of(waits, lambda: sets(flag), strategy=Recorded(late)).passed
    flag.clear()
    never = Recorded(Schedule.parse("-"))
    assert verdict_of(waits, lambda: sets(flag), strategy=never).check == "starvation"


def test_a_loop_that_draws_under_a_strategy_that_has_settled() -> None:
    """The default of a draw is a draw, too: it need not come for ever."""

    async def allocates() -> None:
        while choose("allocates.data", ("fail", "ok")) == "fail":
            await point("allocates.again")

    assert verdict_of(allocates, spins).check == "step-budget"


def test_a_loop_that_starves_a_sleeper() -> None:
    """Time may pass at any point; a loop in which it never does says nothing."""
    flag: list[bool] = []

    async def sleeps() -> None:
        await sleep("sleeps.sleep", 1)
        flag.append(True)

    async def waits() -> None:
        while not flag:
            await point("waits.again")

    assert verdict_of(sleeps, waits, strategy=Stubborn()).check == "step-budget"


def test_a_loop_of_decisions_under_a_strategy_that_has_settled() -> None:
    """Where decisions led all the way round, nothing is known of what comes by itself."""

    class Impatient(FirstChoice):
        """Lets time pass whenever it can; and says that it would not."""

        asks_always = True

        def pick(self, execution: Execution, count: int) -> int:
            return count - 1 if execution.sleepers else 0

    async def polls() -> None:
        while True:
            await sleep("polls.sleep", 1)

    async def waits() -> None:
        await point("waits.again")

    assert verdict_of(polls, waits, strategy=Impatient()).check == "step-budget"
    assert verdict_of(polls, waits).check == "state-repeats"


def test_a_strategy_that_leads_somewhere_lets_nothing_be_concluded() -> None:
    """A state that is back on its way says nothing; once it is there it does."""

    class Leading(FirstChoice):
        """Has something in mind for 300 steps."""

        step = 0
        asks_always = True

        def pick(self, execution: Execution, count: int) -> int:
            Leading.step = execution.step
            return 0

        @property
        def leads(self) -> bool:
            return self.step < 300

    assert verdict_of(spins, strategy=Leading()).steps == 300


def test_a_loop_that_starves_whoever_waits_for_a_lock() -> None:
    """Who could have had the lock at some moment, and never did, is starved too."""
    lock, flag = SpinLock("lock"), list[bool]()

    async def waits() -> None:
        while not flag:
            async with lock.hold("waits.lock"):
                await point("waits.inside")

    async def takes() -> None:
        async with lock.hold("takes.lock"):
            flag.append(True)

    assert verdict_of(waits, takes, strategy=Stubborn()).check == "step-budget"


def test_a_loop_that_draws() -> None:
    """What failed so far need not fail for ever."""

    async def allocates() -> None:
        while choose("allocates.data", ("fail", "ok")) == "fail":
            await point("allocates.again")

    assert verdict_of(allocates).check == "step-budget"


# What the watch must not change


def test_the_watch_changes_no_decision() -> None:
    """With and without the watch an execution takes the same steps."""
    for seed in range(20):
        one = SpinLock("one")
        queue = WaitQueue("queue")

        async def mixed(one: SpinLock = one, queue: WaitQueue = queue) -> None:
            for number in range(60):
                async with one.hold("mixed.one"):
                    await point("mixed.inside")
                await sleep("mixed.sleep", number % 3)
                await queue.wake_all("mixed.wake")
                choose("mixed.data", (1, 2, 3))

        def program(execution: Execution, body: Any = mixed) -> None:
            for name in "abc":
                execution.spawn(name, body)

        plain = run(program, RandomWalk(seed)).verdict
        watched = run(program, RandomWalk(seed), fingerprint=nothing).verdict
        assert plain == watched
        assert plain is not None
        assert plain.steps > QUIET


def test_a_fingerprint_that_fails() -> None:
    """What a fingerprint raises is a verdict, as everything else."""

    def broken() -> Hashable:
        raise LookupError("no table")

    assert str(verdict_of(spins, fingerprint=broken)) == "error: LookupError: no table"


def test_without_a_fingerprint_there_is_no_watch() -> None:
    """A program that does not tell its state is bounded by its budget only."""

    def program(execution: Execution) -> None:
        execution.spawn("a", spins)

    verdict = run(program, FirstChoice(), budget=BUDGET).verdict
    assert verdict is not None
    assert (verdict.ending, verdict.check) == (Ending.LIVELOCK, "step-budget")
