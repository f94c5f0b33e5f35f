# SPDX-License-Identifier: MIT OR Apache-2.0
"""Small programs to trace, and the traces that the tests of this room look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from swaptrio.sched import (
    Completion,
    Execution,
    FirstChoice,
    Kind,
    Mutex,
    RandomWalk,
    ReceiveChannel,
    Run,
    Script,
    SendChannel,
    SpinLock,
    Strategy,
    Violation,
    choose,
    join,
    open_channel,
    point,
    run,
    spawn,
)
from swaptrio.trace import Recorder, Trace, Value

State = dict[str, Value]
Build = Callable[[Execution, State], None]


def _record(build: Build, strategy: Strategy | None = None, **about: Any) -> Trace:
    state: State = {}
    recorder = Recorder(lambda: state)
    strategy = strategy or FirstChoice()
    run(lambda execution: build(execution, state), strategy, observer=recorder)
    return recorder.trace(**about)


def _race(execution: Execution, state: State) -> None:
    """A fault looks at a slot and then takes the cluster lock; a zap can free it in between."""
    state["swap0:17"] = "s1"
    cluster = SpinLock("swap0 cluster 0")

    async def fault() -> None:
        await point("do_swap_page.check", Kind.READ, "swap0:17")
        async with cluster.hold("swap_cache_add.lock"):
            if "swap0:17" not in state:
                raise Violation("I-TABLE", "fault adds a folio to swap0:17, which is free")
            state["swap0:17"] = "f1"

    async def zap() -> None:
        async with cluster.hold("swap_entry_free.lock"):
            await point("swap_entry_free.write", Kind.WRITE, "swap0:17")
            del state["swap0:17"]

    execution.spawn("fault", fault)
    execution.spawn("zap", zap)


def _deadlock(execution: Execution, state: State) -> None:
    """Two tasks take a folio lock and a cluster lock, in opposite order."""
    folio, cluster = Mutex("folio 0x1000"), Mutex("swap0 cluster 0")

    async def both(first: Mutex, second: Mutex, label: str) -> None:
        await first.acquire(f"{label}.first")
        await second.acquire(f"{label}.second")
        await second.release(f"{label}.unlock")
        await first.release(f"{label}.unlock")

    execution.spawn("fault", both, folio, cluster, "do_swap_page")
    execution.spawn("reclaim", both, cluster, folio, "shrink_folio_list")


def _serving(execution: Execution, state: State) -> None:
    """A reader draws a result, sends a bio to a daemon, and takes many dull steps."""
    send: SendChannel[int]
    receive: ReceiveChannel[int]
    send, receive = open_channel("bios", 4)

    async def reader() -> None:
        state["charge"] = choose("charge.result", ["ok", "ENOMEM"])
        await send.send(1)
        for _ in range(6):
            await point("reader.loop")

    async def disk() -> None:
        while True:
            state["done"] = int(str(state.get("done", 0))) + await receive.receive()

    execution.spawn("reader", reader)
    execution.spawn("disk", disk, daemon=True)


def _folio(execution: Execution, state: State) -> None:
    """A folio comes, is charged, and goes again, in a world with keys of every shape."""
    state.update({"swap0:9": "s1:102", "swap0:10": "s1:103", "swap0:9.owner": "m1"})
    state.update({"swap0.users": 1, "m1.swap": 2, "swpin.2": 4})
    cluster = SpinLock("swap0 cluster 0")

    async def fault() -> None:
        async with cluster.hold("swap_cache_alloc.check"):
            pass
        await point("alloc_pages.grant")
        state.update({"folio 0x10.refs": 1, "folio 0x10.flags": "", "folio 0x10.memcg": "none"})
        state.update({"folio 0x10.data": "? ? ? ?"})
        async with cluster.hold("swap_cache_alloc.recheck"):
            state.update({"folio 0x10.flags": "locked swapcache", "swap0:9": "f1:0x10"})
            del state["swap0:9.owner"]
        await point("charge_memcg.grant")
        state.update({"m1.memory": 4, "m1.memsw": 4, "folio 0x10.memcg": "m1", "refaults": 1})
        await point("folio_unlock.clear")
        state.update({"folio 0x10.flags": "swapcache lru", "m1.swap": 1})
        await point("folio_put.free")
        for key in [key for key in state if key.startswith("folio")]:
            del state[key]
        del state["swap0:9"], state["m1.memory"], state["m1.memsw"]

    execution.spawn("fault", fault)


@pytest.fixture
def folio() -> Trace:
    """The short life of a folio."""
    return _record(_folio, scenario="life-of-a-folio")


def _talk(execution: Execution, state: State) -> None:
    """A fault has a disk read for it, spawns and joins a helper, and meets a wrong page."""
    state.update({"swap0:17": "s1:102", "swap0.users": 1})
    send: SendChannel[Completion]
    receive: ReceiveChannel[Completion]
    send, receive = open_channel("bios", 4)
    folio, cluster = Mutex("folio 0x10"), SpinLock("swap0 cluster 0")

    async def fault() -> None:
        await folio.acquire("do_swap_page.lock")
        async with cluster.hold("swap_cache_alloc.recheck"):
            await point("swap_cache_alloc.check", Kind.READ, "swap0:17")
            state.update({"swap0:17": "f1:0x10", "swap0.users": 2})
        done = Completion("read of folio 0x10")
        await send.send(done)
        await done.wait("swap_read_folio.wait")
        await folio.release("do_swap_page.unlock")
        helper = spawn("helper", help_out)
        await join(helper, "do_swap_page.join")
        raise Violation("I-DATA", "fault maps d9 and not d1; see <mm> & co.")

    async def disk() -> None:
        while True:
            done = await receive.receive()
            state["bios"] = choose("block_device.complete", [1, 2])
            await done.complete("block_device.done")

    async def help_out() -> None:
        async with cluster.hold("helper.end"):
            await point("helper.loop")
        del state["swap0.users"]

    execution.spawn("fault", fault)
    execution.spawn("disk", disk, daemon=True)


@pytest.fixture
def talk() -> Trace:
    """Tasks that are ordered in every way there is, and a violation."""
    trace = _record(_talk, scenario="talk", variant="v3")
    return attrs.evolve(trace, header=attrs.evolve(trace.header, tool="0"))


@pytest.fixture
def record() -> Callable[..., Trace]:
    """Record a program, given as a function of an execution and a state, under a strategy."""
    return _record


@pytest.fixture
def race() -> Trace:
    """The race of a fault against a zap, in its window."""
    window = (Run("fault", "swap_cache_add.lock"), Run("zap"))
    about = {"scenario": "free-under-fault", "variant": "old"}
    return _record(_race, Script(window), window=tuple(map(str, window)), **about)


@pytest.fixture
def calm() -> Trace:
    """The same two tasks, one after the other."""
    return _record(_race, scenario="free-under-fault")


@pytest.fixture
def deadlock() -> Trace:
    """Two locks taken in opposite order, each task with its first."""
    window = (Run("fault", "do_swap_page.second"), Run("reclaim", "shrink_folio_list.second"))
    return _record(_deadlock, Script(window), scenario="opposite-order")


@pytest.fixture
def serving() -> Trace:
    """A task and the daemon that serves it, under a random walk."""
    return _record(_serving, RandomWalk(seed=3), scenario="serving", seed=3)
