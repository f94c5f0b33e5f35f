# SPDX-License-Identifier: MIT OR Apache-2.0
"""The order of locks: of the specification, and as it is learned."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.checks.lockdep import NESTING, ORDER, LockClass
from swaptrio.mm.page_alloc import folio_lock
from swaptrio.mm.rmap import set_pte_at
from swaptrio.mm.setup import new_process
from swaptrio.sched import Kind, Mutex, RwSem, SpinLock, point

if TYPE_CHECKING:
    from swaptrio.scenario.world import World

Watch = Callable[..., Any]


def lock_of(world: World, cls: LockClass) -> SpinLock | Mutex | RwSem:
    """A lock of each class that is not `LockClass.OTHER`."""
    kernel = world.kernel
    si, mm = kernel.devices[0], kernel.processes[0]
    locks: dict[LockClass, SpinLock | Mutex | RwSem] = {
        LockClass.MMAP: mm.mmap_lock,
        LockClass.FOLIO: next(iter(kernel.folios.values())).lock,
        LockClass.PTL: mm.ptl,
        LockClass.GLOBAL_CLUSTER: si.global_cluster_lock,
        LockClass.CLUSTER: si.clusters[0].lock,
        LockClass.DEVICE: si.lock,
        LockClass.AVAIL: kernel.swap_avail_lock,
        LockClass.ZSWAP_LRU: kernel.zswap_lru_lock,
    }
    return locks[cls]


async def take(world: World, lock: SpinLock | Mutex | RwSem) -> None:
    """Wait for a lock, as the model does."""
    if isinstance(lock, RwSem):
        await lock.acquire_read("test.take")
    elif isinstance(lock, Mutex):
        await folio_lock(world.kernel, next(iter(world.kernel.folios.values())), "test.take")
    else:
        await lock.acquire("test.take")


async def give(lock: SpinLock | Mutex | RwSem) -> None:
    """Give it back."""
    if isinstance(lock, SpinLock):
        lock.release()
    else:
        await lock.release("test.give")


def nested(*classes: LockClass) -> Callable[[World], Any]:
    """A task that takes locks of *classes*, one in the other."""

    async def task(world: World) -> None:
        locks = [lock_of(world, cls) for cls in classes]
        for lock in locks:
            await take(world, lock)
        for lock in reversed(locks):
            await give(lock)

    return task


def test_the_order_of_the_specification_is_legal(watch: Watch) -> None:
    """From the outermost to the innermost, all at once."""
    assert watch(nested(*ORDER)).verdict.passed


SPINNING = ORDER[2:]


@pytest.mark.parametrize(
    ("inner", "outer"), [*pairwise(ORDER[:3]), *pairwise(SPINNING), (ORDER[2], ORDER[-1])]
)
def test_one_task_against_the_specification_is_found(
    watch: Watch, inner: LockClass, outer: LockClass
) -> None:
    """I-SPIN: no second task and no deadlock is needed."""
    assert watch(nested(outer, inner)).found == "I-SPIN"


def test_two_tasks_against_each_other_are_found(watch: Watch) -> None:
    """I-SPIN: of a lock without a place in the order, though they never met."""
    lru = LockClass.ZSWAP_LRU
    outcome = watch(nested(LockClass.DEVICE, lru), nested(lru, LockClass.DEVICE))
    assert outcome.found == "I-SPIN"
    assert "breaker-0 at test.take the other way round" in outcome.verdict.message


def test_an_inversion_over_a_third_lock_is_found(watch: Watch) -> None:
    """I-SPIN: a before b, b before c, and c before a."""
    lru = LockClass.ZSWAP_LRU
    chain = (
        nested(lru, LockClass.CLUSTER),
        nested(LockClass.CLUSTER, LockClass.DEVICE),
        nested(LockClass.DEVICE, lru),
    )
    assert watch(*chain).found == "I-SPIN"
    assert watch(*chain[:2]).verdict.passed


def test_what_is_only_tried_says_nothing(watch: Watch) -> None:
    """The allocator holds the device's lock, and tries for that of a cluster."""

    async def task(world: World) -> None:
        si = world.kernel.devices[0]
        async with si.lock.hold("test.list"):
            await point("test.try", Kind.TRYLOCK, si.clusters[0].lock)
            assert si.clusters[0].lock.try_acquire()
            si.clusters[0].lock.release()

    assert watch(task).verdict.passed


def test_what_was_tried_is_held(watch: Watch) -> None:
    """I-SPIN: whoever then waits, waits with it."""

    async def task(world: World) -> None:
        si = world.kernel.devices[0]
        await point("test.try", Kind.TRYLOCK, si.lock)
        assert si.lock.try_acquire()
        await si.clusters[0].lock.acquire("test.take")

    assert watch(task).found == "I-SPIN"


@pytest.mark.parametrize("cls", [LockClass.CLUSTER, LockClass.PTL])
def test_two_of_one_class(watch: Watch, cls: LockClass) -> None:
    """I-SPIN for clusters; fork has two page tables, one of which nobody else knows yet."""

    async def task(world: World) -> None:
        kernel = world.kernel
        clusters = [ci.lock for ci in kernel.devices[0].clusters]
        tables = [mm.ptl for mm in kernel.processes]
        first, second = clusters if cls is LockClass.CLUSTER else tables
        async with first.hold("test.first"), second.hold("test.second"):
            pass

    assert watch(task).verdict.passed is (cls in NESTING)


def test_an_address_space_that_comes_later_is_watched(watch: Watch) -> None:
    """I-SPIN and I-COUNT: from its first entry on, as if it had been there."""

    def newcomer(wrong: bool) -> Callable[[World], Any]:
        async def task(world: World) -> None:
            kernel = world.kernel
            parent = kernel.processes[0]
            mm = new_process(kernel, "child", parent.memcg)
            async with mm.ptl.hold("test.ptl"):
                set_pte_at(kernel, mm, 16, parent.ptes[16])
                if not wrong:
                    set_pte_at(kernel, mm, 16, None)
            assert mm.ptl.on_acquire is not None

        return task

    assert watch(newcomer(wrong=False)).verdict.passed
    outcome = watch(newcomer(wrong=True))
    assert outcome.found == "I-COUNT"
    assert outcome.world.kernel.processes[-1].ptl.owner is not None, "not only at the end"
