# SPDX-License-Identifier: MIT OR Apache-2.0
"""Explaining: the orders that are necessary and no others, and what allows them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from swaptrio.cli.explained import gap_in_words
from swaptrio.explore import Explanation, explain
from swaptrio.explore.near import distance
from swaptrio.explore.trail import Trail, depend
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import (
    Access,
    Execution,
    FirstChoice,
    Mutex,
    ReceiveChannel,
    Scheduler,
    SendChannel,
    Shared,
    SpinLock,
    Violation,
    WaitQueue,
    choose,
    open_channel,
    point,
    touch,
)
from swaptrio.sched.names import NamedSchedule
from swaptrio.sched.strategies import Named
from swaptrio.variants import load

Build = Callable[[Execution], None]
SetupAround = Callable[[Build], Any]

#: The scenario and the variant, a schedule that fails, and the necessary orders of labels.
KNOWN = [
    (
        "large-vs-small-neighbour",
        "no-second-check",
        "large#1@vma_alloc_folio.alloc -> small",
        [
            ("large swap_cache_alloc.check", "small swap_cache_alloc.recheck"),
            ("small swap_cache_alloc.check", "large swap_cache_alloc.recheck"),
        ],
    ),
    (
        "target-freed-during-alloc",
        "no-second-check",
        "readahead#1@swap_cache_alloc.recheck -> zap",
        [
            ("readahead swap_cache_alloc.check", "zap swap_put_entries_direct.lock"),
            ("zap swap_put_entries_direct.lock", "readahead swap_cache_alloc.recheck"),
        ],
    ),
]


def orders(found: Explanation) -> list[tuple[str, str]]:
    """The necessary orders, as task and label of the two steps."""
    return [
        (f"{edge.before.task} {edge.before.label}", f"{edge.after.task} {edge.after.label}")
        for edge in found.edges
    ]


def by_names(text: str) -> Named:
    """What replays a schedule by names."""
    return Named(NamedSchedule.parse(text))


def lost_update(execution: Execution) -> None:
    """Two tasks add one to a number, each by a read and a write; a third looks at another."""
    number, other = Shared("number", 0), Shared("other", 0)

    async def add() -> None:
        value = await number.read("add.read")
        await other.read("add.other")
        await number.write("add.write", value + 1)

    async def bystander() -> None:
        await other.write("bystander.write", 1)

    for name in ("a", "b"):
        execution.spawn(name, add)
    execution.spawn("c", bystander)

    def both() -> None:
        if number.value != 2:
            raise Violation("T-LOST", f"it is {number.value}")

    execution.at_end.append(both)


async def test_a_lost_update(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """An update is lost because each read came before the other's write, and for no more."""
    setup = setup_around(lost_update)
    found = await explain(scheduler, setup, by_names("a#1@add.write -> b"))

    assert found.failing.verdict.check == "T-LOST"
    assert sorted(orders(found)) == [
        ("a add.read", "b add.write"),
        ("b add.read", "a add.write"),
    ]
    assert {edge.object for edge in found.edges} == {"number"}
    assert all(edge.flip.verdict.passed for edge in found.edges)
    assert found.nearest is not None
    assert found.nearest.verdict.passed
    assert found.draws == ()


async def test_the_gap_of_a_lost_update(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """What allows it is the way from the read to the write, on which no lock is held."""
    setup = setup_around(lost_update)
    found = await explain(scheduler, setup, by_names("a#1@add.write -> b"))

    gap = next(gap for gap in found.gaps if gap.closed)
    assert (gap.opens.label, gap.closes.label) == ("add.read", "add.write")
    assert gap.comes.task != gap.opens.task == gap.closes.task
    assert (gap.object, gap.lock) == ("number", "")


async def test_the_lock_that_is_let_go(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """Where both hold a lock, but one gives it back in between, that lock is named."""

    def build(execution: Execution) -> None:
        lock, state = SpinLock("lock"), {"there": True}

        async def user() -> None:
            async with lock.hold("user.check"):
                there = state["there"]
            await point("user.between", target="nothing shared")
            async with lock.hold("user.use"):
                if there and not state["there"]:
                    raise Violation("T-GONE", "it is gone")

        async def remover() -> None:
            async with lock.hold("remover.remove"):
                state["there"] = False

        execution.spawn("user", user)
        execution.spawn("remover", remover)

    found = await explain(
        scheduler, setup_around(build), by_names("user#1@user.between -> remover")
    )

    assert orders(found) == [
        ("user user.check", "remover remover.remove"),
        ("remover remover.remove", "user user.use"),
    ]
    assert [(gap.lock, gap.closed) for gap in found.gaps][:1] == [("lock", True)]


async def test_a_lock_that_the_other_does_not_ask_for(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """A task that holds the lock all the way is not told to hold it, for that is no help."""

    def build(execution: Execution) -> None:
        lock, state = SpinLock("lock"), {"there": True}

        async def user() -> None:
            async with lock.hold("user.lock"):
                there = state["there"]
                await point("user.between", target="nothing shared")
                touch(lock, Access.WRITE)
                if there and not state["there"]:
                    raise Violation("T-GONE", "it is gone")
                await point("user.after", target="nothing shared")

        async def remover() -> None:
            await point("remover.remove", target=lock)
            state["there"] = False

        execution.spawn("user", user)
        execution.spawn("remover", remover)

    found = await explain(
        scheduler, setup_around(build), by_names("user#1@user.between -> remover")
    )

    gap = next(gap for gap in found.gaps if gap.closed)
    assert (gap.opens.label, gap.comes.label) == ("user.lock", "remover.remove")
    assert (gap.lock, gap.held) == ("lock", True)
    words = gap_in_words(gap)
    assert "user holds lock, and remover comes in without, at remover.remove." in words
    assert "held all the way" not in words


async def test_a_channel_is_no_gap(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """What was sent between two others is an order, and nothing that a lock would mend."""

    def build(execution: Execution) -> None:
        sender: SendChannel[int]
        receiver: ReceiveChannel[int]
        sender, receiver = open_channel("queue", 9)

        async def one() -> None:
            await sender.send(1)
            await sender.send(2)

        async def other() -> None:
            await sender.send(3)

        async def reader() -> None:
            got = [await receiver.receive() for _ in range(3)]
            if got == [1, 3, 2]:
                raise Violation("T-BETWEEN", str(got))

        for task in (one, other, reader):
            execution.spawn(task.__name__, task)

    text = "one#2@queue.send -> other"
    found = await explain(scheduler, setup_around(build), by_names(text))

    assert found.failing.verdict.check == "T-BETWEEN"
    assert ("other queue.send", "one queue.send") in orders(found)
    assert found.gaps == ()


async def test_what_was_cut_is_told(
    scheduler: Scheduler, setup_around: SetupAround, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not all orders are tried, the explanation says so; else it does not."""
    setup, strategy = setup_around(lost_update), by_names("a#1@add.write -> b")
    assert not (await explain(scheduler, setup, strategy)).cut

    monkeypatch.setattr(sys.modules[Explanation.__module__], "FLIPS", 1)
    few = await explain(scheduler, setup, strategy)

    assert few.cut
    assert few.flips == 1


async def test_what_was_still_to_come(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """That the last step came too early for another task is an order too."""

    def build(execution: Execution) -> None:
        ready: list[bool] = []

        async def maker() -> None:
            await point("maker.announce", target="slot")
            touch("slot")
            await point("maker.fill", target="page")
            ready.append(True)

        async def taker() -> None:
            await point("taker.take", target="page")
            if not ready:
                raise Violation("T-EMPTY", "taken before it was filled")

        execution.spawn("maker", maker)
        execution.spawn("taker", taker)

    found = await explain(
        scheduler, setup_around(build), by_names("maker#1@maker.fill -> taker")
    )

    assert orders(found) == [("taker taker.take", "maker maker.fill")]
    assert found.edges[0].after not in found.failing.steps
    assert found.edges[0].object == "page"


async def test_a_draw_can_be_the_reason(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """A draw whose default passes is necessary; one that makes no difference is not."""

    def build(execution: Execution) -> None:
        async def task() -> None:
            await point("task.step")
            choose("task.harmless", ("ok", "fail"))
            if choose("task.harmful", ("ok", "fail")) == "fail":
                raise Violation("T-FAIL", "it failed")

        execution.spawn("task", task)

    text = "task#1@task.harmless = fail, task#1@task.harmful = fail"
    found = await explain(scheduler, setup_around(build), by_names(text))

    assert found.edges == ()
    assert [str(needed.draw) for needed in found.draws] == ["task#1@task.harmful = fail"]


async def test_no_order_is_necessary(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """What fails in every order is explained by none."""

    def build(execution: Execution) -> None:
        number = Shared("number", 0)

        async def task() -> None:
            await number.write("task.write", 1)

        for name in ("a", "b"):
            execution.spawn(name, task)

        def never() -> None:
            raise Violation("T-ALWAYS", "it is always so")

        execution.at_end.append(never)

    found = await explain(scheduler, setup_around(build), FirstChoice())

    assert (found.edges, found.draws, found.nearest) == ((), (), None)
    assert found.flips == 1


async def test_what_passes_is_not_explained(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """An execution that passes gets no explanation, and nothing is flipped."""
    found = await explain(scheduler, setup_around(lost_update), FirstChoice())

    assert found.failing.verdict.passed
    assert (found.flips, found.edges) == (0, ())


@pytest.mark.parametrize(("scenario", "variant", "schedule", "expected"), KNOWN)
async def test_known_races(
    scenario: str,
    variant: str,
    schedule: str,
    expected: list[tuple[str, str]],
    scheduler: Scheduler,
) -> None:
    """The races that the patch is about are explained as its changelog explains them."""
    setup = Setup(load_checked(find(scenario)), load(variant))
    found = await explain(scheduler, setup, by_names(schedule))

    assert orders(found) == expected
    assert found.gaps[0].closed
    assert found.gaps[0].lock == found.edges[0].object
    assert found.gaps[0].closes.label == "swap_cache_alloc.recheck"


@pytest.mark.parametrize(
    ("scenario", "schedule", "way", "came"),
    [
        (
            "large-vs-small-neighbour",
            "large#1@swap_cache_alloc.recheck -> small",
            ("vma_alloc_folio.alloc", "swap_cache_alloc.recheck"),
            "swap_cache_alloc.recheck",
        ),
        (
            "target-freed-during-alloc",
            "readahead#1@swap_cache_alloc.recheck -> zap",
            ("folio_alloc_mpol.alloc", "swap_cache_alloc.recheck"),
            "swap_put_entries_direct.lock",
        ),
    ],
)
async def test_a_lock_that_was_not_there_at_the_look(
    scenario: str, schedule: str, way: tuple[str, str], came: str, scheduler: Scheduler
) -> None:
    """A look without the lock that the other takes: steps report what they touch, so the way
    from the look to the use is found, and that lock is named and no other.
    """
    setup = Setup(load_checked(find(scenario)), load("check-without-lock"))
    found = await explain(scheduler, setup, by_names(schedule))

    gap = found.gaps[0]
    assert gap.closed
    assert (gap.opens.label, gap.closes.label, gap.comes.label) == (*way, came)
    assert gap.lock == gap.closes.object
    assert gap.lock.startswith("swap0 cluster")


#: Failures by scenario, variant and schedule, whose flips all change more than one entry.
NEAR = [
    ("large-vs-small-neighbour", "no-second-check", KNOWN[0][2]),
    ("target-freed-during-alloc", "no-second-check", KNOWN[1][2]),
    ("truncate-vs-writepage-count", "publish-before-dup", "out#1@folio_dup_swap.lock -> cut"),
    (
        "count-drops-while-inserting",
        "rollback-keeps-slot",
        "start -> fault, charger#1@charge_memcg.grant = fail",
    ),
]


@pytest.mark.parametrize(("scenario", "variant", "schedule"), NEAR)
async def test_the_nearest_is_one_entry_away(
    scenario: str, variant: str, schedule: str, scheduler: Scheduler
) -> None:
    """Where one entry more or less makes it pass, so the nearest says; and it does pass."""
    setup = Setup(load_checked(find(scenario)), load(variant))
    found = await explain(scheduler, setup, by_names(schedule))

    assert found.nearest is not None
    assert distance(found.failing, found.nearest)[0] == 1
    again = await explain(scheduler, setup, by_names(str(found.nearest.names)))
    assert again.failing.verdict.passed


async def test_the_nearest_parts_as_late_as_can_be(
    scheduler: Scheduler, setup_around: SetupAround
) -> None:
    """Of those one entry away it has the most steps in common, and no fault more."""

    def build(execution: Execution) -> None:
        done: list[str] = []

        async def early() -> None:
            for _ in range(3):
                choose("early.grant", ("ok", "fail"))
                await point("early.step")
            done.append("early")

        async def late() -> None:
            for _ in range(3):
                await point("late.step")
            if not done:
                raise Violation("T-LATE", "it came first")

        execution.spawn("early", early)
        execution.spawn("late", late)

    found = await explain(scheduler, setup_around(build), by_names("start -> late"))

    assert found.failing.verdict.check == "T-LATE"
    assert found.nearest is not None
    assert str(found.nearest.names) == "start -> late#3@late.step -> early"
    assert distance(found.failing, found.nearest) == (1, 1)


async def test_what_depends(scheduler: Scheduler) -> None:
    """Steps depend over an object unless both read; a step that tells nothing, on all."""
    trail = Trail()

    def build(execution: Execution) -> None:
        number, lock = Shared("number", 0), Mutex("lock")

        async def first() -> None:
            await number.read("first.read")
            await lock.acquire("first.lock")
            await lock.release("first.unlock")
            await point("first.anything")

        async def second() -> None:
            await number.read("second.read")
            await number.write("second.write", 1)
            await lock.acquire("second.lock")
            await lock.release("second.unlock")

        execution.spawn("first", first)
        execution.spawn("second", second)

    await scheduler.run(build, FirstChoice(), observer=trail)
    steps = {step.label: step for step in trail.steps if step.label != "start"}

    assert not depend(steps["first.read"], steps["second.read"])
    assert depend(steps["first.read"], steps["second.write"])
    assert not depend(steps["first.lock"], steps["second.write"])
    assert depend(steps["first.unlock"], steps["second.lock"])
    assert depend(steps["first.anything"], steps["second.read"])
    assert trail.at_end


async def test_a_deadlock(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """Each took its first lock before the other wanted it."""

    def build(execution: Execution) -> None:
        one, two = Mutex("one"), Mutex("two")

        async def both(first: Mutex, second: Mutex, name: str) -> None:
            await first.acquire(f"{name}.outer")
            await second.acquire(f"{name}.inner")
            await second.release(f"{name}.give_inner")
            await first.release(f"{name}.give_outer")

        execution.spawn("a", both, one, two, "a")
        execution.spawn("b", both, two, one, "b")

    found = await explain(scheduler, setup_around(build), by_names("a#1@a.inner -> b"))

    assert found.failing.verdict.check == "deadlock"
    assert orders(found) == [("b b.outer", "a a.inner"), ("a a.outer", "b b.inner")]
    assert found.nearest is not None


async def test_a_lost_wakeup(scheduler: Scheduler, setup_around: SetupAround) -> None:
    """The wake-up came between the look and the sleep."""

    def build(execution: Execution) -> None:
        queue, ready = WaitQueue("queue"), Shared("ready", 0)

        async def sleeper() -> None:
            if await ready.read("sleeper.look"):
                return
            await point("sleeper.between", target="nothing shared")
            await queue.wait("sleeper.wait")

        async def waker() -> None:
            await ready.write("waker.set", 1)
            await queue.wake_all("waker.wake")

        execution.spawn("sleeper", sleeper)
        execution.spawn("waker", waker)

    found = await explain(
        scheduler, setup_around(build), by_names("sleeper#1@sleeper.between -> waker")
    )

    assert found.failing.verdict.check == "lost-wakeup"
    assert orders(found) == [
        ("sleeper sleeper.look", "waker waker.set"),
        ("waker waker.wake", "sleeper sleeper.between"),
    ]
