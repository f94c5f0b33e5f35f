# SPDX-License-Identifier: MIT OR Apache-2.0
"""Random programs under random decisions: what `execution` promises holds at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.sched import (
    Completion,
    Ending,
    Execution,
    FirstChoice,
    Mutex,
    ReceiveChannel,
    Recorded,
    SendChannel,
    SpinLock,
    Task,
    WaitQueue,
    choose,
    join,
    open_channel,
    point,
    run,
    sleep,
    spawn,
)
from swaptrio.sched.lasso import QUIET
from swaptrio.sched.testing import Invariants, Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What a task does: the name of an action, and which of the two objects it concerns.
Action: TypeAlias = tuple[str, int]

ACTIONS = [
    "point",
    "spin",
    "spin and step",
    "try spin",
    "mutex",
    "mutex and sleep",
    "leak mutex",
    "send",
    "send now",
    "receive",
    "close",
    "wait",
    "wait for",
    "wake one",
    "wake all",
    "complete",
    "await completion",
    "sleep",
    "choose",
    "spawn",
    "join",
    "raise",
]


@attrs.define(eq=False)
class Decisions:
    """Takes the numbers of a list, each modulo what there is, and 0 when they are used up."""

    numbers: list[int]
    asks_always: bool = False
    _left: list[int] = attrs.Factory(list)

    def begin(self, execution: Execution) -> None:
        """Go back to the first number."""
        self._left = list(reversed(self.numbers))

    def pick(self, execution: Execution, count: int) -> int:
        """The next number, among the candidates."""
        return self._left.pop() % count if self._left else 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The next number, among the options."""
        return self._left.pop() % len(options) if self._left else 0


class World:
    """Two objects of each kind, and the tasks that were spawned on the way."""

    def __init__(self) -> None:
        self.spins = [SpinLock("spin0"), SpinLock("spin1")]
        self.mutexes = [Mutex("mutex0"), Mutex("mutex1")]
        self.channels: list[tuple[SendChannel[int], ReceiveChannel[int]]] = [
            open_channel("mail0", 1),
            open_channel("mail1", 2),
        ]
        self.queues = [WaitQueue("queue0"), WaitQueue("queue1")]
        self.completions = [Completion("done0"), Completion("done1")]
        self.flags = [False, False]
        self.children: list[Task] = []

    async def do(self, action: str, number: int) -> None:
        """Perform one action on the objects of that number."""
        spin, mutex = self.spins[number], self.mutexes[number]
        send, receive = self.channels[number]
        queue, completion = self.queues[number], self.completions[number]
        match action:
            case "point":
                await point("do.point")
            case "spin" | "spin and step":
                async with spin.hold("do.spin"):
                    if action == "spin and step":
                        await point("do.inside")
            case "try spin":
                if spin.try_acquire():
                    await point("do.inside")
                    spin.release()
            case "mutex" | "mutex and sleep":
                await mutex.acquire("do.mutex")
                if action == "mutex and sleep":
                    await sleep("do.sleep", number)
                await mutex.release("do.release")
            case "leak mutex":
                await mutex.try_acquire("do.leak")
            case "send":
                await send.send(number)
            case "send now":
                send.send_nowait(number)
            case "receive":
                await receive.receive()
            case "close":
                await (send if number else receive).aclose()
            case "wait":
                await queue.wait("do.wait")
            case "wait for":
                await queue.wait_for("do.wait_for", lambda: self.flags[number])
            case "wake one" | "wake all":
                self.flags[number] = not self.flags[number]
                await (queue.wake_one if action == "wake one" else queue.wake_all)("do.wake")
            case "complete":
                await completion.complete("do.complete")
            case "await completion":
                await completion.wait("do.await")
            case "sleep":
                await sleep("do.sleep", number * 3)
            case "choose":
                self.flags[number] = choose("do.data", (True, False))
            case "spawn":
                name = f"child{len(self.children)}"
                self.children.append(spawn(name, self.do, "spin and step", number))
            case "join":
                for child in self.children[number:]:
                    await join(child)
            case "raise":
                raise ValueError(number)

    async def play(self, actions: list[Action]) -> None:
        """Perform *actions* in order; what Trio's channels raise is taken in good part."""
        for action, number in actions:
            try:
                await self.do(action, number)
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                await point("play.closed")
            except (trio.EndOfChannel, trio.WouldBlock):
                pass


def actions() -> st.SearchStrategy[list[Action]]:
    """A short list of actions; those that end an execution are rare."""
    mild = [name for name in ACTIONS if name not in ("raise", "leak mutex", "complete")]
    return st.lists(
        st.tuples(st.sampled_from(mild * 4 + ACTIONS), st.integers(0, 1)), max_size=6
    )


def programs() -> st.SearchStrategy[list[list[Action]]]:
    """Up to four tasks."""
    return st.lists(actions(), max_size=4)


def execute(
    tasks: list[list[Action]], strategy: Decisions | Recorded, observer: Transcript | Invariants
) -> Execution:
    """One execution; the last task of four is a daemon."""

    def program(execution: Execution) -> None:
        world = World()
        for number, todo in enumerate(tasks):
            execution.spawn(f"t{number}", world.play, todo, daemon=number == 3)

    return run(program, strategy, observer=observer, budget=500)


@given(programs(), st.lists(st.integers(0, 5), max_size=40))
@settings(deadline=None, max_examples=250)
def test_invariants(tasks: list[list[Action]], numbers: list[int]) -> None:
    """Whatever the program and the decisions, the invariants hold and nothing breaks inside."""
    invariants = Invariants()
    execution = execute(tasks, Decisions(numbers), invariants)
    assert execution.verdict is not None
    if execution.verdict.ending is Ending.ERROR:
        assert "ValueError" in execution.verdict.message or "twice" in execution.verdict.message
    assert execution.verdict.check in ("", "deadlock", "lost-wakeup", "I-SPIN")
    assert all(task.coro.cr_frame is None for task in execution.tasks)  # type: ignore[attr-defined]  # coroutines of async def


@given(programs(), st.lists(st.integers(0, 5), max_size=40))
@settings(deadline=None, max_examples=150)
def test_replay(tasks: list[list[Action]], numbers: list[int]) -> None:
    """Whatever the program and the decisions, the recorded schedule gives the same record."""
    first, again = Transcript(), Transcript()
    verdict = execute(tasks, Decisions(numbers), first).verdict
    assert verdict is not None
    assert execute(tasks, Recorded(verdict.schedule), again).verdict == verdict
    assert again.lines == first.lines


# The observer itself: it would notice


def test_the_observer_is_silent_in_a_long_run() -> None:
    """A long, watched execution keeps the invariants as well."""

    async def task(lock: Mutex) -> None:
        for number in range(QUIET // 4):
            await lock.acquire("task.lock")
            await sleep("task.sleep", number % 2)
            await lock.release("task.release")

    def program(execution: Execution) -> None:
        lock = Mutex("lock")
        for name in "abc":
            execution.spawn(name, task, lock)

    invariants = Invariants()
    numbers = [3, 1, 2, 0, 1] * 100
    verdict = run(
        program, Decisions(numbers), observer=invariants, fingerprint=lambda: None
    ).verdict
    assert str(verdict) == "passed"
    assert invariants.steps > QUIET


@pytest.mark.parametrize("broken", ["enabled", "owner", "pending"])
def test_the_observer_notices(broken: str) -> None:
    """A broken invariant is a violation at the next step."""
    lock, free = Mutex("lock"), Mutex("free")

    async def holds(execution: Execution) -> None:
        await lock.acquire("holds.lock")
        await point("holds.inside")
        if broken == "enabled":
            execution.enabled.reverse()
        elif broken == "owner":
            lock.owner = execution.tasks[1]
        else:
            execution.enable(execution.tasks[2])
        await point("holds.on")

    async def waits() -> None:
        await free.acquire("waits.free")
        await lock.acquire("waits.lock")

    async def steps() -> None:
        await point("steps.step")

    def program(execution: Execution) -> None:
        execution.spawn("h", holds, execution)
        execution.spawn("s", steps)
        execution.spawn("w", waits)

    decisions = Decisions([0, 0, 2, 0, 0, 1, 1])
    verdict = run(program, decisions, observer=Invariants()).verdict
    assert verdict is not None
    assert verdict.check == "assertion"
    assert str(run(program, FirstChoice()).verdict)
