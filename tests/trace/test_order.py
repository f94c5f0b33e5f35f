# SPDX-License-Identifier: MIT OR Apache-2.0
"""What happened before what: every kind of link, clocks, and holds."""

from __future__ import annotations

from collections.abc import Callable

from swaptrio.sched import (
    Execution,
    Mutex,
    RandomWalk,
    ReceiveChannel,
    SendChannel,
    SpinLock,
    Task,
    Violation,
    open_channel,
    point,
)
from swaptrio.trace import Trace, Value
from swaptrio.trace.order import Hold, Link, clocks, holds, links

Record = Callable[..., Trace]
State = dict[str, Value]


def test_every_kind_of_link(talk: Trace) -> None:
    """A message, a wake-up, a spawn, a lock and a join, and nothing else."""
    assert links(talk) == (
        Link("message", "bios", 5, 7),
        Link("wake", "read of folio 0x10", 9, 10),
        Link("spawn", "helper", 11, 12),
        Link("lock", "swap0 cluster 0", 4, 13),
        Link("join", "helper", 14, 15),
    )


def test_messages_are_matched_in_their_order(record: Record) -> None:
    """The first message that was sent is the first that is received; then comes the close."""

    def build(execution: Execution, state: State) -> None:
        send: SendChannel[int]
        receive: ReceiveChannel[int]
        send, receive = open_channel("bios", 4)

        async def sender() -> None:
            async with send:
                await send.send(1)
                await send.send(2)

        async def receiver() -> None:
            assert [value async for value in receive] == [1, 2]

        execution.spawn("sender", sender)
        execution.spawn("receiver", receiver)

    trace = record(build)

    sent = {link.target: link.source for link in links(trace)}
    assert [trace.events[seq - 1].word for seq in sent.values()] == [
        "send",
        "send",
        "close",
    ]
    assert list(sent.values()) == [2, 3, 4]


def test_a_lock_that_was_handed_over(record: Record) -> None:
    """Who gets a lock from another task holds it from its own next step on."""
    cluster = Mutex("folio 0x10")

    def build(execution: Execution, state: State) -> None:
        async def submit() -> None:
            await cluster.acquire("submit.lock")
            cluster.hand_to(disk)
            await point("submit.after")

        async def complete() -> None:
            await point("complete.wait")
            await point("complete.end")
            await cluster.release("complete.unlock")

        execution.spawn("submit", submit)
        disk: Task = execution.spawn("disk", complete)

    trace = record(build)

    assert [link.kind for link in links(trace)] == ["lock"]
    assert [(hold.task, hold.open) for hold in holds(trace)] == [
        ("submit", False),
        ("disk", False),
    ]


def test_a_lock_that_is_given_back_at_once_after_a_hand_over(record: Record) -> None:
    """The receiver's unlock is linked even if no event of his shows the lock."""
    folio = Mutex("folio 0x10")

    def build(execution: Execution, state: State) -> None:
        async def submit() -> None:
            await folio.acquire("submit.lock")
            await point("submit.hand")
            folio.hand_to(disk)
            await point("submit.after")

        async def complete() -> None:
            await point("complete.wait")
            await folio.release("complete.unlock")

        disk: Task = execution.spawn("disk", complete)
        execution.spawn("submit", submit)

    seeds = (record(build, RandomWalk(seed=seed)) for seed in range(200))
    trace = next(t for t in seeds if t.header.verdict.passed and t.events[-1].task == "disk")

    assert any(link.kind == "lock" for link in links(trace))
    assert holds(trace)[-1].task == "disk"


def test_holds(talk: Trace) -> None:
    """From the step that took a lock to the one that gave it back."""
    assert holds(talk) == (
        Hold("folio 0x10", "fault", 2, 11),
        Hold("swap0 cluster 0", "fault", 3, 4),
        Hold("swap0 cluster 0", "helper", 13, 14),
    )


def test_holds_within_a_step_and_to_the_end(record: Record) -> None:
    """A lock may be held within one step, and one that was never given back stays open."""

    def build(execution: Execution, state: State) -> None:
        short, long = SpinLock("short"), SpinLock("long")

        async def task() -> None:
            async with short.hold("a"):
                pass
            await long.acquire("b")
            await point("c")
            raise Violation("I-SPIN", "stop here")

        execution.spawn("task", task)

    assert holds(record(build)) == (
        Hold("short", "task", 2, 2),
        Hold("long", "task", 3, 4, open=True),
    )


def test_clocks_count_what_is_known(talk: Trace) -> None:
    """A clock counts the steps of every task that happened before, its own included."""
    told = clocks(talk)

    assert told[6] == {"disk": 2, "fault": 5}
    assert told[14] == {"fault": 8, "disk": 4, "helper": 3}


def test_a_race_is_not_ordered(race: Trace) -> None:
    """The two sides of a race know nothing of each other, until a lock orders them."""
    told = clocks(race)

    assert told[1] == {"fault": 2}
    assert told[4] == {"zap": 3}
    assert links(race) == (Link("lock", "swap0 cluster 0", 5, 6),)


def test_clocks_agree_with_the_order_of_steps(record: Record) -> None:
    """Whatever the interleaving, no clock knows of a step that comes later."""

    def build(execution: Execution, state: State) -> None:
        locks = [SpinLock(f"cluster {number}") for number in range(2)]

        async def task(name: str) -> None:
            for lock in locks:
                async with lock.hold(f"{name}.lock"):
                    await point(f"{name}.inside")

        for name in ("a", "b", "c"):
            execution.spawn(name, task, name)

    for seed in range(20):
        trace = record(build, RandomWalk(seed=seed))
        steps: dict[str, int] = {}
        for event, clock in zip(trace.events, clocks(trace), strict=True):
            steps[event.task] = steps.get(event.task, 0) + 1
            assert clock[event.task] == steps[event.task]
            assert all(count <= steps.get(task, 0) for task, count in clock.items())
