# SPDX-License-Identifier: MIT OR Apache-2.0
"""Channels behave as Trio's memory channels do, on scheduling points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    RandomWalk,
    ReceiveChannel,
    Run,
    Script,
    SendChannel,
    Strategy,
    Verdict,
    Violation,
    open_channel,
    point,
    run,
)
from swaptrio.sched.testing import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def mail(capacity: float) -> tuple[SendChannel[int], ReceiveChannel[int]]:
    """A channel of numbers called ``mail``."""
    return open_channel("mail", capacity)


def verdict_of(
    *bodies: Callable[[], Coroutine[Any, Any, object]], strategy: Strategy | None = None
) -> Verdict:
    """The verdict of an execution with one task, ``a``, ``b`` and so on, for each body."""

    def program(execution: Execution) -> None:
        for name, body in zip("abcdef", bodies, strict=False):
            execution.spawn(name, body)

    verdict = run(program, strategy or FirstChoice()).verdict
    assert verdict is not None
    return verdict


def test_they_are_trio_channels() -> None:
    """Code written for Trio's abstract channels takes ours."""
    send, receive = mail(1)
    assert isinstance(send, trio.abc.SendChannel)
    assert isinstance(receive, trio.abc.ReceiveChannel)


def test_values_arrive_once_and_in_order() -> None:
    """Whatever the schedule, what one task sends another receives, in that order."""
    for seed in range(50):
        send, receive = mail(2)
        got: list[int] = []

        async def sends(send: trio.abc.SendChannel[int] = send) -> None:
            async with send:
                for number in range(5):
                    await send.send(number)

        async def receives(
            receive: trio.abc.ReceiveChannel[int] = receive, got: list[int] = got
        ) -> None:
            got.extend([number async for number in receive])

        assert verdict_of(sends, receives, strategy=RandomWalk(seed)).passed
        assert got == [0, 1, 2, 3, 4]


def test_sending_waits_while_the_buffer_is_full() -> None:
    """The buffer never holds more than its capacity, and the sender blocks."""
    send, receive = mail(2)

    async def sends() -> None:
        for number in range(3):
            assert receive.waiting() == number
            await send.send(number)

    verdict = verdict_of(sends)
    assert verdict.ending is Ending.DEADLOCK
    assert [str(edge) for edge in verdict.waiting] == ["a waits at mail.send for mail"]
    assert receive.waiting() == 2


def test_an_endless_buffer() -> None:
    """A channel of infinite capacity never blocks a sender."""
    send, receive = mail(math.inf)

    async def sends() -> None:
        for number in range(100):
            await send.send(number)

    assert verdict_of(sends).passed
    assert receive.waiting() == 100


@pytest.mark.parametrize(
    ("capacity", "error"),
    [(0, ValueError), (-1, ValueError), (1.5, TypeError), (math.nan, TypeError)],
)
def test_capacities_that_make_no_sense(capacity: float, error: type[Exception]) -> None:
    """A capacity is a whole number from 1, or infinite."""
    with pytest.raises(error, match="channel mail: capacity must be"):
        mail(capacity)


def test_send_nowait() -> None:
    """Sending at once works while there is room, within the step."""
    send, receive = mail(1)

    async def sends() -> None:
        send.send_nowait(1)
        with pytest.raises(trio.WouldBlock):
            send.send_nowait(2)
        assert await receive.receive() == 1
        await receive.aclose()
        with pytest.raises(trio.BrokenResourceError):
            send.send_nowait(3)
        await send.aclose()
        with pytest.raises(trio.ClosedResourceError):
            send.send_nowait(4)

    assert verdict_of(sends).passed


def test_send_nowait_lets_a_receiver_go_on() -> None:
    """Who waits for a value is enabled as by any other sending."""
    send, receive = mail(1)

    async def receives() -> None:
        assert await receive.receive() == 7

    async def sends() -> None:
        send.send_nowait(7)

    assert verdict_of(receives, sends).passed


def test_closing_the_sending_end() -> None:
    """What is in the buffer is still received, then the end; sending raises."""
    send, receive = mail(2)

    async def closes() -> None:
        await send.send(1)
        await send.aclose()
        await send.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await send.send(2)
        assert await receive.receive() == 1
        with pytest.raises(trio.EndOfChannel):
            await receive.receive()

    assert verdict_of(closes).passed


def test_closing_the_receiving_end() -> None:
    """What is in the buffer is lost, sending is broken and receiving closed."""
    send, receive = mail(2)

    async def closes() -> None:
        await send.send(1)
        await receive.aclose()
        assert receive.waiting() == 0
        with pytest.raises(trio.BrokenResourceError):
            await send.send(2)
        with pytest.raises(trio.ClosedResourceError):
            await receive.receive()

    assert verdict_of(closes).passed


@pytest.mark.parametrize(
    ("closed", "blocked", "error"),
    [
        ("send", "send", trio.ClosedResourceError),
        ("receive", "send", trio.BrokenResourceError),
        ("send", "receive", trio.EndOfChannel),
        ("receive", "receive", trio.ClosedResourceError),
    ],
)
def test_closing_lets_waiters_go(closed: str, blocked: str, error: type[Exception]) -> None:
    """Who is blocked when an end is closed is told, as with Trio's own channels."""
    send, receive = mail(1)

    async def blocks() -> None:
        if blocked == "send":
            await send.send(1)
        with pytest.raises(error):
            await (send.send(2) if blocked == "send" else receive.receive())

    async def closes() -> None:
        await (send if closed == "send" else receive).aclose()

    script = Script((Run("a", f"mail.{blocked}", times=1 + (blocked == "send")), Run("b")))
    assert verdict_of(blocks, closes, strategy=script).passed


def test_a_verdict_leaves_a_block_without_decisions() -> None:
    """A violation inside ``async with channel`` does not let others run on first."""
    send, _ = mail(1)

    async def fails() -> None:
        async with send:
            raise Violation("I-X", "seen")

    async def other() -> None:
        await point("other.step")

    def program(execution: Execution) -> None:
        execution.spawn("a", fails)
        execution.spawn("b", other)

    transcript = Transcript()
    run(program, FirstChoice(), observer=transcript)
    assert transcript.lines == ["1 a start (start)", "= violation: I-X: seen"]


def test_operations_are_declared() -> None:
    """The labels are the channel's name and what is done."""
    send, receive = mail(1)

    async def uses() -> None:
        await send.send(1)
        await receive.receive()
        await send.aclose()

    def program(execution: Execution) -> None:
        execution.spawn("a", uses)

    transcript = Transcript()
    run(program, FirstChoice(), observer=transcript)
    assert transcript.lines[1:4] == [
        "2 a mail.send (send mail)",
        "3 a mail.receive (receive mail)",
        "4 a mail.close (close mail)",
    ]
