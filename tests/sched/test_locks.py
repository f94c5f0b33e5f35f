# SPDX-License-Identifier: MIT OR Apache-2.0
"""Locks, wait queues and completions: what they allow, and what they report."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from swaptrio.sched import (
    Completion,
    Ending,
    Execution,
    FirstChoice,
    Kind,
    Mutex,
    RandomWalk,
    Run,
    Script,
    SendChannel,
    SpinLock,
    Verdict,
    WaitQueue,
    current,
    join,
    open_channel,
    point,
    run,
    sleep,
    spawn,
)
from swaptrio.sched.testing import Transcript

Body: TypeAlias = Callable[[], Coroutine[Any, Any, object]]


def verdict_of(*bodies: Body, seed: int | None = None) -> Verdict:
    """The verdict of an execution with one task, ``a``, ``b`` and so on, for each body."""

    def program(execution: Execution) -> None:
        for name, body in zip("abcdef", bodies, strict=False):
            execution.spawn(name, body)

    strategy = FirstChoice() if seed is None else RandomWalk(seed)
    verdict = run(program, strategy).verdict
    assert verdict is not None
    return verdict


# Mutual exclusion


@pytest.mark.parametrize("locked", [True, False])
def test_a_lock_excludes(locked: bool) -> None:
    """With the lock no update is ever lost; without it some schedule loses one."""
    lost = 0
    for seed in range(40):
        lock, count = SpinLock("lock"), [0]

        async def adds(lock: SpinLock = lock, count: list[int] = count) -> None:
            if locked:
                await lock.acquire("adds.lock")
            await point("adds.read", Kind.READ, "count")
            seen = count[0]
            await point("adds.write", Kind.WRITE, "count")
            count[0] = seen + 1
            if locked:
                lock.release()

        assert verdict_of(adds, adds, adds, seed=seed).passed
        lost += count[0] != 3
    assert bool(lost) is not locked


def test_a_free_lock_goes_to_whom_the_strategy_picks() -> None:
    """No lock is fair: among those who wait, the order is a decision."""
    orders = set()
    for seed in range(60):
        lock, order = SpinLock("lock"), list[str]()

        async def takes(lock: SpinLock = lock, order: list[str] = order) -> None:
            async with lock.hold("takes.lock"):
                order.append(current().me().name)

        verdict_of(takes, takes, takes, seed=seed)
        orders.add("".join(order))
    assert orders == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_locked_owned_and_holders() -> None:
    """A lock tells whether it is taken, by whom, and whether by the one who asks."""
    lock = SpinLock("lock")

    async def takes() -> None:
        assert not lock.locked()
        assert lock.holders() == ()
        async with lock.hold("takes.lock"):
            me = current().me()
            assert lock.locked()
            assert lock.owned()
            assert lock.holders() == (me,)
            assert me.held == me.spinning == [lock]
            await point("takes.inside")
        assert me.held == me.spinning == []

    async def looks() -> None:
        assert lock.locked()
        assert not lock.owned()

    script = Script((Run("a", "takes.inside"), Run("b"), Run("a")))

    def program(execution: Execution) -> None:
        execution.spawn("a", takes)
        execution.spawn("b", looks)

    assert str(run(program, script).verdict) == "passed"


# I-SPIN: the rules of a spinlock, each broken and kept


def test_recursion() -> None:
    """Whoever holds a spinlock may not take it again."""
    lock = SpinLock("lock")

    async def takes_twice() -> None:
        async with lock.hold("takes.first"), lock.hold("takes.second"):
            pass

    assert str(verdict_of(takes_twice)) == (
        "violation: I-SPIN: a takes lock at takes.second and holds it"
    )


def test_no_recursion() -> None:
    """One lock after the other, or another one inside, is no recursion."""
    lock, other = SpinLock("lock"), SpinLock("other")

    async def takes_again() -> None:
        async with lock.hold("takes.first"), other.hold("takes.other"):
            pass
        async with lock.hold("takes.second"):
            pass

    assert verdict_of(takes_again).passed


def test_recursion_of_a_mutex() -> None:
    """A mutex may not be taken twice either."""
    mutex = Mutex("mutex")

    async def takes_twice() -> None:
        await mutex.acquire("takes.first")
        await mutex.acquire("takes.second")

    assert str(verdict_of(takes_twice)) == (
        "violation: I-SPIN: a takes mutex at takes.second and holds it"
    )


def test_release_by_a_stranger() -> None:
    """Only the owner gives a lock back."""
    lock = SpinLock("lock")

    async def keeps() -> None:
        await lock.acquire("keeps.lock")
        await point("keeps.inside")
        lock.release()

    async def meddles() -> None:
        lock.release()

    def program(execution: Execution) -> None:
        execution.spawn("a", keeps)
        execution.spawn("b", meddles)

    verdict = run(program, Script((Run("a", "keeps.inside"), Run("b")))).verdict
    assert str(verdict) == "violation: I-SPIN: b releases lock, held by a"


def test_release_of_a_free_lock() -> None:
    """A lock that nobody holds cannot be given back."""

    async def releases() -> None:
        SpinLock("lock").release()

    assert str(verdict_of(releases)) == "violation: I-SPIN: a releases lock, held by nobody"


async def _sleeps() -> None:
    await sleep("may.sleep", 1)


async def _joins() -> None:
    await join(current().tasks[0], "may.sleep")


async def _takes_mutex() -> None:
    await Mutex("mutex").acquire("may.sleep")


async def _waits() -> None:
    await WaitQueue("queue").wait("may.sleep")


async def _waits_for() -> None:
    await WaitQueue("queue").wait_for("may.sleep", lambda: True)


async def _awaits_completion() -> None:
    await Completion("done", done=True).wait("may.sleep")


async def _sends() -> None:
    send: SendChannel[int]
    send, _ = open_channel("may", 1)
    await send.send(1)


async def _receives() -> None:
    await open_channel("may", 1)[1].receive()


SLEEPING = [
    _sleeps,
    _joins,
    _takes_mutex,
    _waits,
    _waits_for,
    _awaits_completion,
    _sends,
    _receives,
]


@pytest.mark.parametrize("sleeps", SLEEPING)
def test_sleeping_in_atomic(sleeps: Body) -> None:
    """Nothing that may sleep is called under a spinlock, even where it would not sleep."""
    lock = SpinLock("lock")

    async def atomic() -> None:
        async with lock.hold("atomic.lock"):
            await sleeps()

    verdict = verdict_of(atomic)
    assert verdict.check == "I-SPIN"
    assert verdict.message.startswith("a may sleep at may.")
    assert verdict.message.endswith(" while it holds lock")


async def _tries_mutex() -> None:
    mutex = Mutex("mutex")
    assert await mutex.try_acquire("may.try")
    await mutex.release("may.release")


async def _wakes() -> None:
    await WaitQueue("queue").wake_all("may.wake")


async def _completes() -> None:
    await Completion("done").complete("may.complete")


async def _sends_now() -> None:
    send: SendChannel[int]
    send, _ = open_channel("may", 1)
    send.send_nowait(1)


async def _steps() -> None:
    await point("may.step")


@pytest.mark.parametrize("body", [_tries_mutex, _wakes, _completes, _sends_now, _steps])
def test_not_sleeping_in_atomic(body: Body) -> None:
    """Trying, waking, completing and stepping do not sleep, so a spinlock may be held."""
    lock = SpinLock("lock")

    async def atomic() -> None:
        async with lock.hold("atomic.lock"):
            await body()

    assert verdict_of(atomic).passed


@pytest.mark.parametrize("sleeps", [_sleeps, _takes_mutex, _waits_for, _awaits_completion])
def test_sleeping_without_a_spinlock(sleeps: Body) -> None:
    """Before and after a spinlock one may sleep, and under a mutex too."""
    lock, mutex = SpinLock("lock"), Mutex("outer")

    async def not_atomic() -> None:
        await mutex.acquire("outer.lock")
        async with lock.hold("not_atomic.lock"):
            pass
        await sleeps()
        await mutex.release("outer.release")

    verdict = verdict_of(not_atomic)
    if sleeps is _takes_mutex:
        assert verdict.message == "a ends while it holds mutex"
    else:
        assert verdict.passed


@pytest.mark.parametrize("kind", [SpinLock, Mutex])
def test_held_at_exit(kind: type[SpinLock | Mutex]) -> None:
    """A task that ends gives its locks back before."""
    lock = kind("lock")

    async def forgets() -> None:
        await lock.acquire("forgets.lock")

    assert str(verdict_of(forgets)) == "violation: I-SPIN: a ends while it holds lock"


# Blocks, hooks, trying, handing on


@pytest.mark.parametrize("exc", [ValueError("bad"), AssertionError("bad")])
def test_an_exception_that_is_caught_leaves_no_lock(exc: Exception) -> None:
    """A block that an exception leaves gives the lock back, an assertion's too."""
    lock = SpinLock("lock")

    async def recovers() -> None:
        try:
            async with lock.hold("recovers.lock"):
                raise exc
        except (ValueError, AssertionError):
            assert not lock.locked()

    assert verdict_of(recovers, recovers).passed


def test_hooks() -> None:
    """The hooks see the lock held: just taken, and about to be given back."""
    calls = []
    lock = SpinLock("lock")
    lock.on_acquire = lambda: calls.append(("acquire", lock.owned()))
    lock.on_release = lambda: calls.append(("release", lock.owned()))

    async def takes() -> None:
        async with lock.hold("takes.lock"):
            calls.append(("inside", lock.owned()))

    assert verdict_of(takes).passed
    assert calls == [("acquire", True), ("inside", True), ("release", True)]


def test_a_failed_assertion_is_not_hidden_by_a_hook() -> None:
    """A check at release does not judge a job that an assertion has cut in half."""
    lock = SpinLock("lock")

    def complains() -> None:
        raise AssertionError("half done")

    lock.on_release = complains

    async def fails() -> None:
        async with lock.hold("fails.lock"):
            raise AssertionError("the cause")

    assert verdict_of(fails).message == "the cause"


def test_clean_up_leaves_locks_alone() -> None:
    """After the verdict no lock changes hands and no hook is called."""
    calls: list[str] = []
    lock = Mutex("lock", on_acquire=lambda: calls.append("acquire"))

    async def tidy() -> None:
        try:
            await lock.acquire("tidy.lock")
            await point("tidy.inside")
        finally:
            await lock.release("tidy.release")
            assert await lock.try_acquire("tidy.again") in (True, False)

    async def fails() -> None:
        raise ValueError("bad")

    def program(execution: Execution) -> None:
        execution.spawn("a", tidy)
        execution.spawn("b", fails)

    execution = run(program, Script((Run("a", "tidy.inside"), Run("b"))))
    assert str(execution.verdict) == "error: ValueError: bad"
    assert calls == ["acquire"]
    assert lock.owner is execution.tasks[0]


def test_trying() -> None:
    """Trying takes a free lock and leaves a held one; it never waits."""
    spin, mutex = SpinLock("spin"), Mutex("mutex")

    async def tries() -> None:
        assert spin.try_acquire()
        assert not spin.try_acquire()
        assert await mutex.try_acquire("tries.mutex")
        assert not await mutex.try_acquire("tries.mutex")
        assert not mutex.take_free()
        await mutex.release("tries.release")
        assert mutex.take_free()
        await mutex.release("tries.release")
        spin.release()

    assert verdict_of(tries).passed


def hands_on(*, ended: bool = False, held: bool = True) -> Verdict:
    """An execution in which ``a`` takes a mutex and passes it on to ``b``."""
    mutex = Mutex("mutex")

    async def releases() -> None:
        if not ended:
            await point("releases.wait")
            await mutex.release("releases.release")

    async def passes_on() -> None:
        if held:
            await mutex.acquire("passes_on.lock")
        other = spawn("b", releases)
        if ended:
            await join(other)
        mutex.hand_to(other)
        assert mutex.owner is other
        assert current().me().held == []

    return verdict_of(passes_on)


def test_handing_on() -> None:
    """A mutex can be passed on to the task that will release it."""
    assert hands_on().passed


def test_handing_on_what_is_not_held() -> None:
    """Only the owner passes a mutex on."""
    assert str(hands_on(held=False)) == "violation: I-SPIN: a passes on mutex, not held"


def test_handing_on_to_nobody() -> None:
    """A task that has ended would never give it back."""
    assert str(hands_on(ended=True)) == (
        "violation: I-SPIN: a passes mutex on to b, which has ended"
    )


# Wait queues and completions


def waiting(wait: Callable[[WaitQueue, list[str]], Coroutine[Any, Any, None]]) -> list[Verdict]:
    """Verdicts of a waiter and a waker, over many seeds."""
    verdicts = []
    for seed in range(40):
        queue, mail = WaitQueue("queue"), list[str]()

        async def waiter(queue: WaitQueue = queue, mail: list[str] = mail) -> None:
            await wait(queue, mail)
            assert mail

        async def waker(queue: WaitQueue = queue, mail: list[str] = mail) -> None:
            await point("waker.post")
            mail.append("letter")
            await queue.wake_all("waker.wake")

        verdicts.append(verdict_of(waiter, waker, seed=seed))
    return verdicts


async def _checks_then_waits(queue: WaitQueue, mail: list[str]) -> None:
    await point("waiter.check")
    if not mail:
        await point("waiter.decided")
        await queue.wait("waiter.wait")


async def _waits_for_mail(queue: WaitQueue, mail: list[str]) -> None:
    await queue.wait_for("waiter.wait", lambda: bool(mail))


def test_a_wake_up_can_be_lost() -> None:
    """A wake-up between the check and a bare wait is lost: some schedule deadlocks."""
    endings = {verdict.ending for verdict in waiting(_checks_then_waits)}
    assert endings == {Ending.PASSED, Ending.DEADLOCK}


def test_waiting_for_a_condition_loses_no_wake_up() -> None:
    """A wait for a condition passes in every schedule."""
    assert {verdict.ending for verdict in waiting(_waits_for_mail)} == {Ending.PASSED}


def test_a_condition_that_is_false_again() -> None:
    """Who was woken and came too late waits on; the condition holds for whoever goes on."""
    queue, mail = WaitQueue("queue"), ["one letter"]

    async def takes() -> None:
        await queue.wait_for("takes.wait", lambda: bool(mail))
        mail.pop()

    async def posts() -> None:
        await point("posts.wait")
        mail.append("another")
        await queue.wake_all("posts.wake")

    for seed in range(40):
        mail[:] = ["one letter"]
        assert verdict_of(takes, takes, posts, seed=seed).passed


def woken(wake: str) -> list[str]:
    """Who is woken, in order, of ``a``, ``b``, ``c`` who wait and ``d`` for a condition."""
    queue, order = WaitQueue("queue"), list[str]()

    async def waits() -> None:
        await queue.wait("waits.wait")
        order.append(current().me().name)

    async def waits_for() -> None:
        await queue.wait_for("waits.for", lambda: bool(wakes))
        order.append("d")

    wakes: list[str] = []

    async def waker() -> None:
        wakes.append(wake)
        await getattr(queue, wake)("waker.wake")

    def program(execution: Execution) -> None:
        for name in "bca":
            execution.spawn(name, waits, daemon=True)
        execution.spawn("d", waits_for, daemon=True)
        execution.spawn("w", waker)

    assert str(run(program, FirstChoice()).verdict) == "passed"
    return order


def test_wake_one() -> None:
    """The one who has waited longest is woken, and all whose condition holds."""
    assert woken("wake_one") == ["b", "d"]


def test_wake_all() -> None:
    """All are woken; in which order they go on is a decision."""
    assert woken("wake_all") == ["b", "c", "a", "d"]


def test_wake_all_counts_when_it_is_performed() -> None:
    """Who begins to wait between the declaration and the step is woken too."""
    queue = WaitQueue("queue")

    async def waker() -> None:
        await queue.wake_all("waker.wake")

    async def waits() -> None:
        await queue.wait("waits.wait")

    def program(execution: Execution) -> None:
        execution.spawn("w", waker)
        execution.spawn("a", waits)

    script = Script((Run("w", "waker.wake"), Run("a", "waits.wait"), Run("w"), Run("a")))
    assert str(run(program, script).verdict) == "passed"


def test_completion() -> None:
    """Who waits before and who waits after gets the value; it happens once."""
    done, values = Completion("done"), list[object]()

    async def waits() -> None:
        values.append(await done.wait("waits.wait"))

    async def completes() -> None:
        await done.complete("completes.now", "value")
        await join(spawn("late", waits))

    assert verdict_of(waits, completes).passed
    assert values == ["value", "value"]


def test_completion_twice() -> None:
    """A second completion is a mistake of the program."""

    async def completes() -> None:
        done = Completion("done")
        await done.complete("completes.first")
        await done.complete("completes.second")

    assert str(verdict_of(completes)) == "error: done is completed twice"


def test_operations_are_declared() -> None:
    """Locks and queues declare what they are about to do, for traces and scripts."""
    spin, mutex, queue = SpinLock("spin"), Mutex("mutex"), WaitQueue("queue")

    async def uses() -> None:
        async with spin.hold("uses.spin"):
            pass
        await mutex.acquire("uses.mutex")
        await mutex.release("uses.release")
        await queue.wake_all("uses.wake")
        await queue.wait_for("uses.wait", lambda: True)

    def program(execution: Execution) -> None:
        execution.spawn("a", uses)

    transcript = Transcript()
    run(program, FirstChoice(), observer=transcript)
    assert transcript.lines == [
        "1 a start (start)",
        "2 a uses.spin (lock spin)",
        "3 a uses.mutex (lock mutex)",
        "4 a uses.release (unlock mutex)",
        "5 a uses.wake (wake queue)",
        "6 a uses.wait (wait queue)",
        "= passed",
    ]


def test_nobody_can_be_named_for_a_queue() -> None:
    """Whoever might wake a queue is not known, so it names no holders."""
    assert WaitQueue("queue").holders() == ()
    assert Completion("done").holders() == ()
