# SPDX-License-Identifier: MIT OR Apache-2.0
"""A wake-up that came too early is told from other deadlocks, with what was missed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from swaptrio.sched import Ending, Execution, Mutex, Verdict, WaitQueue, point, run
from swaptrio.sched.names import NamedSchedule
from swaptrio.sched.strategies import Named

Body = Callable[[], Coroutine[Any, Any, object]]

#: The sleeper looks, and the waker comes before it sleeps.
TOO_EARLY = "sleeper#1@sleeper.between -> waker"


def verdict_of(text: str, **bodies: Body) -> Verdict:
    """The verdict of *bodies* under the schedule by names *text*."""

    def program(execution: Execution) -> None:
        for name, body in bodies.items():
            execution.spawn(name, body)

    verdict = run(program, Named(NamedSchedule.parse(text))).verdict
    assert verdict is not None
    return verdict


def handshake(*, told: bool, again: bool = False) -> dict[str, Body]:
    """A sleeper that looks and then sleeps, and a waker; with *again* it looks twice."""
    queue, ready = WaitQueue("queue"), [False]

    async def sleeper() -> None:
        await point("sleeper.look")
        if ready[0]:
            return
        await point("sleeper.between")
        if again and ready[0]:
            return
        if told:
            await queue.wait("sleeper.wait", lambda: ready[0])
        else:
            await queue.wait("sleeper.wait")

    async def waker() -> None:
        await point("waker.set")
        ready[0] = True
        await queue.wake_all("waker.wake")

    return {"sleeper": sleeper, "waker": waker}


@pytest.mark.parametrize("told", [True, False])
def test_a_wakeup_before_the_sleep(told: bool) -> None:
    """The verdict names who waits where, and which wake-up of whom it has slept through."""
    verdict = verdict_of(TOO_EARLY, **handshake(told=told))

    assert (verdict.ending, verdict.check) == (Ending.DEADLOCK, "lost-wakeup")
    assert verdict.message == (
        "nobody can go on: sleeper; sleeper waits at sleeper.wait for queue and has slept "
        "through the wake-up of waker at waker.wake, step 5"
    )


def test_a_wakeup_in_time() -> None:
    """The same tasks pass where the sleeper sleeps first, and where it looks once more."""
    assert verdict_of("-", **handshake(told=False)).passed
    assert verdict_of(TOO_EARLY, **handshake(told=False, again=True)).passed


def test_a_wakeup_for_something_else() -> None:
    """Where the sleeper says what it waits for, a wake-up before that held was not lost."""
    queue = WaitQueue("queue")

    async def sleeper() -> None:
        await point("sleeper.between")
        await queue.wait("sleeper.wait", lambda: False)

    async def waker() -> None:
        await queue.wake_all("waker.wake")

    verdict = verdict_of(TOO_EARLY, sleeper=sleeper, waker=waker)
    assert (verdict.ending, verdict.check) == (Ending.DEADLOCK, "deadlock")


def test_nobody_wakes_at_all() -> None:
    """A condition that comes to hold while somebody waits for it, and nobody says so."""
    queue, ready = WaitQueue("queue"), [False]

    async def sleeper() -> None:
        await queue.wait_for("sleeper.wait", lambda: ready[0])

    async def forgetful() -> None:
        await point("forgetful.set")
        ready[0] = True

    verdict = verdict_of("-", sleeper=sleeper, forgetful=forgetful)
    assert verdict.check == "lost-wakeup"
    assert "its condition holds, and nobody has woken it" in verdict.message


def test_nothing_was_lost() -> None:
    """A queue that nobody ever wakes, and a lock that nobody gives back, lose nothing."""
    queue, lock = WaitQueue("queue"), Mutex("lock")

    async def sleeper() -> None:
        await lock.acquire("sleeper.take")
        await queue.wait("sleeper.wait")

    async def blocked() -> None:
        await lock.acquire("blocked.take")

    verdict = verdict_of("-", sleeper=sleeper, blocked=blocked)
    assert verdict.check == "deadlock"
    assert verdict.message == "nobody can go on: sleeper, blocked"


def test_a_wakeup_that_found_somebody() -> None:
    """A wake-up that others have had is not lost for who comes later."""
    queue = WaitQueue("queue")

    async def first() -> None:
        await queue.wait("first.wait")

    async def waker() -> None:
        await queue.wake_all("waker.wake")

    async def second() -> None:
        await queue.wait("second.wait")

    verdict = verdict_of("-", first=first, waker=waker, second=second)
    assert verdict.check == "deadlock"
