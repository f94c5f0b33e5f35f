# SPDX-License-Identifier: MIT OR Apache-2.0
"""A wake-up that came too early is told from other deadlocks, with what was missed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from swaptrio.sched import (
    Completion,
    Ending,
    Execution,
    Mutex,
    SendChannel,
    Verdict,
    WaitQueue,
    open_channel,
    point,
    run,
)
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


def test_a_wakeup_before_the_condition() -> None:
    """Who wakes first and makes the condition hold after that has woken nobody."""
    queue, ready = WaitQueue("queue"), [False]

    async def sleeper() -> None:
        await queue.wait_for("sleeper.wait", lambda: ready[0])

    async def hasty() -> None:
        await queue.wake_all("hasty.wake")
        ready[0] = True

    verdict = verdict_of("-", sleeper=sleeper, hasty=hasty)
    assert verdict.check == "lost-wakeup"
    assert verdict.message == (
        "nobody can go on: sleeper; sleeper waits at sleeper.wait for queue; its condition "
        "holds, and did not yet at the wake-up of hasty at hasty.wake, step 3"
    )


# A message wakes one receiver


def two_receivers(*, looks: bool) -> dict[str, Body]:
    """One message, and two that want it; the first *looks* whether it is there."""
    send: SendChannel[str]
    send, receive = open_channel("mail", 1)
    send.send_nowait("one")

    async def first() -> None:
        if looks and not receive.waiting():
            return
        await point("first.between")
        await receive.receive()

    async def second() -> None:
        await receive.receive()

    return {"first": first, "second": second}


def test_a_message_that_another_task_has_taken() -> None:
    """Who has seen a message and then waits for it in vain is told who has taken it."""
    verdict = verdict_of("first#1@first.between -> second", **two_receivers(looks=True))

    assert (verdict.ending, verdict.check) == (Ending.DEADLOCK, "lost-wakeup")
    assert verdict.message == (
        "nobody can go on: first; first waits at mail.receive for mail, and what it has seen "
        "there was taken by second at mail.receive, step 3"
    )


def test_a_message_too_few() -> None:
    """Who has seen none has lost none, whoever was first; nor has who finds it still there."""
    taken = verdict_of("first#1@first.between -> second", **two_receivers(looks=False))
    found = verdict_of("-", **two_receivers(looks=True))
    assert (taken.check, found.check) == ("deadlock", "deadlock")
    assert found.message == "nobody can go on: second"


def test_a_message_before_the_receiver_waits() -> None:
    """It stays in the buffer: no sender comes too early."""
    send: SendChannel[str]
    send, receive = open_channel("mail", 1)

    async def sender() -> None:
        await send.send("one")

    async def receiver() -> None:
        await point("receiver.between")
        await receive.receive()

    bodies: dict[str, Body] = {"receiver": receiver, "sender": sender}
    assert verdict_of("receiver#1@receiver.between -> sender", **bodies).passed


# A completion remembers


@pytest.mark.parametrize("schedule", ["-", "waiter#1@waiter.between -> completer"])
def test_a_completion_loses_no_wakeup(schedule: str) -> None:
    """Whether it has happened before anybody waits makes no difference."""
    done = Completion("done")

    async def waiter() -> None:
        await point("waiter.between")
        await done.wait("waiter.wait")

    async def completer() -> None:
        await done.complete("completer.complete")

    assert verdict_of(schedule, waiter=waiter, completer=completer).passed


def test_a_completion_that_never_happens() -> None:
    """Then nothing was missed."""

    async def waiter() -> None:
        await Completion("done").wait("waiter.wait")

    assert verdict_of("-", waiter=waiter).check == "deadlock"
