# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking cached folios out of slots that nobody uses (spec 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.page_alloc import folio_lock
from swaptrio.mm.swap_h import ClusterFlag
from swaptrio.mm.swapfile import (
    _try_to_reclaim_swap,
    folio_dup_swap,
    folio_free_swap,
    folio_put_swap,
    get_swap_device,
    put_swap_device,
)
from swaptrio.mm.swapfile.reclaim import (
    TTRS_ANYWAY,
    TTRS_FULL,
    TTRS_UNMAPPED,
    swap_reclaim_full_clusters,
)
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable


async def _reclaim_full(world: Any, *, force: bool) -> None:
    """Reclaim from full clusters, with the device kept there."""
    si = await get_swap_device(world.kernel, world.entry(1))
    assert si is not None
    await swap_reclaim_full_clusters(world.kernel, si, force=force)
    await put_swap_device(world.kernel, si)


def test_folio_free_swap(make_world: Callable[..., Any]) -> None:
    """A locked folio whose slots nobody uses gives them back, and is dirty (spec 2.3)."""
    world = make_world(clusters=2)

    async def main() -> None:
        folio = await world.given_slots(1)
        assert world.slots(512, 3) == "f0 f0 -"
        assert await folio_free_swap(world.kernel, folio)
        assert (folio.swapcache, folio.dirty) == (False, True)
        assert not await folio_free_swap(world.kernel, folio)
        await world.release(folio)

    world.play(main=main, oracles=True)
    assert world.slots(512, 2) == "- -"


@pytest.mark.parametrize("why", ["in use", "writeback", "suspended"])
def test_folio_free_swap_refuses(make_world: Callable[..., Any], why: str) -> None:
    """A folio keeps slots of which one is in use, and all while it is written (H04) or
    hibernation writes its image."""
    world = make_world(clusters=2)

    async def main() -> None:
        folio = await world.given_slots(1)
        if why == "in use":
            await folio_dup_swap(world.kernel, folio, 1)
        folio.writeback = why == "writeback"
        world.kernel.storage_suspended = why == "suspended"
        assert not await folio_free_swap(world.kernel, folio)
        folio.writeback = False
        assert folio.swapcache
        await world.release(folio)

    world.play(main=main)


def test_reclaim_gives_up_on_a_locked_folio(make_world: Callable[..., Any]) -> None:
    """A trylock that fails leaves the slots as PFN, 0, and says how many (spec 2.3)."""
    world = make_world(clusters=2)

    async def main() -> int:
        folio = await world.given_slots(1)
        done = int(await world.reclaim(513))
        assert folio.refs == 3
        await world.release(folio)
        return done

    assert world.play(main=main, oracles=True)["main"] == -2
    assert world.slots(512, 2) == "f0 f0"


def test_reclaim(make_world: Callable[..., Any]) -> None:
    """An unlocked folio that nobody uses is reclaimed with all its slots."""
    world = make_world(clusters=2)

    async def main() -> tuple[int, int]:
        folio = await world.given_slots(1)
        await world.release(folio)
        done = await world.reclaim(513), await world.reclaim(513)
        assert folio.freed
        return done

    assert world.play(main=main, oracles=True)["main"] == (2, 0)
    assert world.slots(512, 2) == "- -"


@pytest.mark.parametrize("why", ["writeback", "used", "suspended"])
def test_reclaim_refuses(make_world: Callable[..., Any], why: str) -> None:
    """A folio that is written or has a slot in use stays in the cache."""
    world = make_world(clusters=2)

    async def main() -> int:
        folio = await world.given_slots(1)
        if why == "used":
            await folio_dup_swap(world.kernel, folio, 1)
        folio.writeback = why == "writeback"
        world.kernel.storage_suspended = why == "suspended"
        await world.release(folio)
        done = await world.reclaim(512)
        folio.writeback = False
        return int(done)

    assert world.play(main=main)["main"] == -2
    assert world.slots(512, 2) == ("f0 f1" if why == "used" else "f0 f0")


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    "flags", [TTRS_ANYWAY, TTRS_UNMAPPED, TTRS_FULL, TTRS_UNMAPPED | TTRS_FULL]
)
def test_when_to_reclaim(world: Any, flags: int, mapped: bool, full: bool) -> None:
    """Anyway, if the folio is mapped nowhere, or if swap is scarce: one must be the case."""
    for slot in range(100, 400 if full else 100):
        world.swapped(slot)
    wanted = bool(
        flags & TTRS_ANYWAY
        or (flags & TTRS_UNMAPPED and not mapped)
        or (flags & TTRS_FULL and full)
    )

    async def main() -> int:
        folio = await world.given_slots()
        await world.unlock(folio)
        folio.mapcount = int(mapped)
        done = await _try_to_reclaim_swap(world.kernel, world.si, 1, flags)
        folio.mapcount = 0
        world.let_go(folio)
        return int(done)

    assert world.play(main=main)["main"] == (1 if wanted else -1)


def test_reclaim_looks_again(world: Any) -> None:
    """A folio that has left the slot meanwhile is looked up again (spec 2.3)."""
    world.swapped(16)

    async def owner() -> None:
        folio = await world.inserted(16)
        world.si.foreign_counts[16] -= 1
        await folio_put_swap(world.kernel, folio, 0)
        await world.unlock(folio)
        await folio_lock(world.kernel, folio, "owner.lock")
        assert await folio_free_swap(world.kernel, folio)
        await world.release(folio)

    async def reclaimer() -> int:
        return int(await world.reclaim(16))

    results = world.play(
        owner=owner,
        reclaimer=reclaimer,
        window=[
            Run("owner", "owner.lock"),
            Run("reclaimer", "try_to_reclaim_swap.trylock"),
            Run("owner"),
        ],
        oracles=True,
    )

    assert results["reclaimer"] == 0
    assert world.kernel.warnings == []


def _two_slots_left(world: Any) -> None:
    """Of three clusters all slots are used but one in each of the first two."""
    for slot in range(1, 1536):
        if slot not in (200, 1023):
            world.swapped(slot)


@pytest.mark.parametrize(("force", "left"), [(False, "f0 f0"), (True, "- f0")])
def test_full_clusters_are_reclaimed(
    make_world: Callable[..., Any], force: bool, left: str
) -> None:
    """The cluster that is full for the longest time is gone through at need, which is the last
    here; the worker goes through as many as the slots in use would fill, two of three."""
    world = make_world(clusters=3)
    _two_slots_left(world)
    world.kernel.functions["schedule_work"] = lambda *_: None

    async def main() -> str:
        for _ in range(2):
            world.kernel.percpu_swap_cluster.clear()
            await world.release(await world.given_slots())
        await _reclaim_full(world, force=force)
        return f"{world.slots(200)} {world.slots(1023)}"

    assert world.play(main=main, oracles=True)["main"] == left


def test_a_full_cluster_without_anything_to_reclaim_stays_full(world: Any) -> None:
    """Where nothing can be reclaimed the cluster is full again, at the end of its list."""
    for slot in range(1, 512):
        world.swapped(slot)
    ci = world.si.clusters[0]

    async def main() -> None:
        await _reclaim_full(world, force=False)

    world.play(main=main, oracles=True)
    assert ci.flags is ClusterFlag.FULL
    assert list(world.si.full_clusters) == [0]


def test_reclaim_of_full_clusters_passes_over_locked_folios(world: Any) -> None:
    """A slot whose folio is locked is passed over, and the rest of its cluster is not."""
    for slot in range(3, 512):
        world.swapped(slot)
    world.kernel.functions["schedule_work"] = lambda *_: None

    async def owner() -> None:
        first, second = await world.given_slots(), await world.given_slots()
        await world.unlock(second)
        await point("owner.full")
        await world.release(first)
        world.let_go(second)

    async def main() -> str:
        await _reclaim_full(world, force=False)
        return str(world.slots(1, 2))

    results = world.play(
        owner=owner, main=main, window=[Run("owner", "owner.full"), Run("main")]
    )
    assert results["main"] == "f0 -"
