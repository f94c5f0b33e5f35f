# SPDX-License-Identifier: MIT OR Apache-2.0
"""Splitting large folios, and the queue of those that wait for it (spec 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.deferred_split import folio_unqueue_deferred_split
from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import (
    deferred_split_scan,
    split_folio_to_list,
    split_huge_page_to_list_to_order,
)
from swaptrio.mm.memory import dup_mm, user_store, zap_pte_range
from swaptrio.mm.mm_types import MigrationPte, MmStruct, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get, folio_unlock
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.swapfile import folio_alloc_swap, get_swap_device, put_swap_device
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


def _splitting(
    world: Any, folio: Folio, *, cached: bool = False, order: int = 0
) -> Callable[[], Any]:
    """A task that has the folio locked, perhaps gives it slots, and splits it."""

    async def main() -> Errno | None:
        assert folio_try_get(world.kernel, folio)
        await folio_lock(world.kernel, folio, "main.lock")
        if cached:
            assert await folio_alloc_swap(world.kernel, folio) is None
        error = await split_huge_page_to_list_to_order(world.kernel, folio, None, order)
        await folio_unlock(world.kernel, folio, "main.unlock")
        folio_put(world.kernel, folio)
        return error

    return main


def _large(world: Any, order: int = 2) -> tuple[Folio, list[int | None]]:
    """A large folio at page 16 of the process, and its tokens."""
    folio = setup.map_resident(world.kernel, world.mm, 16, order)
    return folio, list(folio.pages)


@pytest.mark.parametrize("cached", [False, True])
def test_split(make_world: Callable[..., Any], cached: bool) -> None:
    """Each page becomes a folio that is mapped, charged and cached as the page was."""
    world = make_world(watched=True, clusters=2)
    folio, tokens = _large(world)

    assert world.play(main=_splitting(world, folio, cached=cached))["main"] is None
    pieces = [world.mm.ptes[page].folio for page in range(16, 20)]
    assert pieces[0] is folio
    assert [piece.pfn - folio.pfn for piece in pieces] == [0, 1, 2, 3]
    assert [world.mapped(page) for page in range(16, 20)] == tokens
    for number, piece in enumerate(pieces):
        assert (piece.order, piece.nr, piece.mapcount, piece.index) == (0, 1, 1, 16 + number)
        assert (piece.refs, piece.lru, piece.memcg) == (1 + cached, True, world.m1)
        assert (piece.dirty, piece.uptodate, piece.exclusive) == (True, True, [True])
        assert piece.swap == (world.entry(512 + number) if cached else 0)
        assert world.mm.ptes[16 + number] == PresentPte(piece, 0, True)
    assert world.slots(512, 4) == ("f0 f0 f0 f0" if cached else "- - - -")
    assert world.m1.memory == 4
    assert world.kernel.warnings == []


def test_split_to_an_order(make_world: Callable[..., Any]) -> None:
    """Outside of the cache a folio may be split into smaller large ones."""
    world = make_world(watched=True)
    folio, tokens = _large(world, 3)

    assert world.play(main=_splitting(world, folio, order=2))["main"] is None
    assert [world.mapped(page) for page in range(16, 24)] == tokens
    assert [world.mm.ptes[page].folio.order for page in (16, 23)] == [2, 2]
    assert [world.mm.ptes[page].index for page in (16, 19, 20, 23)] == [0, 3, 0, 3]


def test_a_table_would_bear_large_pieces(make_world: Callable[..., Any]) -> None:
    """Were it allowed, a cached folio could be split into large ones: each slot has its word.

    The rule is of the cache before the table (G02), and kept as the kernel keeps it.
    """
    world = make_world(watched=True, clusters=2)
    folio, _ = _large(world, 3)
    world.kernel.functions["uniform_split_supported"] = lambda *_: True

    assert world.play(main=_splitting(world, folio, cached=True, order=2))["main"] is None
    pieces = [world.mm.ptes[page].folio for page in (16, 20)]
    assert [(piece.nr, piece.swapcache) for piece in pieces] == [(4, True), (4, True)]
    assert pieces[1].swap == pieces[0].swap + 4


@pytest.mark.parametrize(
    ("cached", "order", "new_order"), [(True, 3, 2), (False, 2, 2), (False, 3, 1)]
)
def test_orders_that_cannot_be(
    make_world: Callable[..., Any], cached: bool, order: int, new_order: int
) -> None:
    """A cached folio is split to order 0 only (G02), none to order 1 or one not smaller."""
    world = make_world(watched=True, clusters=2)
    folio, _ = _large(world, order)

    main = _splitting(world, folio, cached=cached, order=new_order)
    assert world.play(main=main)["main"] is Errno.EINVAL
    assert (folio.order, folio.mapcount) == (order, 1 << order)


def test_split_under_writeback(make_world: Callable[..., Any]) -> None:
    """A folio under writeback is not split."""
    world = make_world()
    folio, _ = _large(world)
    folio.writeback = True

    assert world.play(main=_splitting(world, folio))["main"] is Errno.EBUSY


def test_split_of_unmapped(make_world: Callable[..., Any]) -> None:
    """A folio in the cache that nothing maps is not split."""
    world = make_world(sync=False)
    world.quad()

    async def main() -> Errno | None:
        folio = await world.cached(16, order=2)
        return await _splitting(world, folio)()  # type: ignore[no-any-return]  # a task's

    assert world.play(main=main)["main"] is Errno.EBUSY


def test_split_of_held(make_world: Callable[..., Any]) -> None:
    """A folio that somebody else refers to is not even unmapped."""
    world = make_world(watched=True)
    folio, _ = _large(world)

    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    results = world.play(
        holder=holder,
        main=_splitting(world, folio),
        window=[Run("holder", "holder.held"), Run("main")],
    )

    assert results["main"] is Errno.EAGAIN
    assert folio.order == 2


def test_reference_that_comes_late(make_world: Callable[..., Any]) -> None:
    """A reference taken after the folio was unmapped stops the split; it is mapped again."""
    world = make_world(watched=True)
    folio, tokens = _large(world)
    before = dict(world.mm.ptes)

    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    results = world.play(
        main=_splitting(world, folio),
        holder=holder,
        window=[
            Run("main", "folio_freeze_and_split_unmapped.freeze"),
            Run("holder", "holder.held"),
            Run("main"),
        ],
    )

    assert results["main"] is Errno.EAGAIN
    assert world.mm.ptes == before
    assert (folio.order, folio.refs, folio.exclusive) == (2, 4, [True] * 4)
    assert [world.mapped(page) for page in range(16, 20)] == tokens


def test_lookup_during_a_split(make_world: Callable[..., Any]) -> None:
    """Who looks a slot up while references are frozen waits, and finds the new folio."""
    world = make_world(watched=True, clusters=2)
    folio, _ = _large(world)

    async def look() -> Folio | None:
        assert await get_swap_device(world.kernel, world.entry(514))
        found = await swap_cache_get_folio(world.kernel, world.entry(514))
        assert found is not None
        folio_put(world.kernel, found)
        await put_swap_device(world.kernel, world.si)
        return found

    results = world.play(
        main=_splitting(world, folio, cached=True),
        look=look,
        window=[
            Run("main", "folio_freeze_and_split_unmapped.cluster"),
            Run("look", "swap_cache_get_folio.frozen"),
            Run("main"),
        ],
    )

    assert results["look"] is world.mm.ptes[18].folio is not folio


@pytest.mark.parametrize("what", ["store", "zap", "fork"])
def test_page_that_is_on_its_way(make_world: Callable[..., Any], what: str) -> None:
    """A user waits for the split; who unmaps or forks does not."""
    world = make_world()
    folio, tokens = _large(world)

    async def other() -> object:
        if what == "store":
            return await user_store(world.kernel, world.mm, 18)
        if what == "zap":
            await zap_pte_range(world.kernel, world.mm, 18, 1)
            return None
        return await dup_mm(world.kernel, world.mm, "Q")

    until = [Run("other", "migration_entry_wait.wait")] if what == "store" else [Run("other")]
    results = world.play(
        main=_splitting(world, folio),
        other=other,
        window=[Run("main", "folio_freeze_and_split_unmapped.freeze"), *until, Run("main")],
    )

    assert results["main"] is None
    if what == "store":
        assert world.mapped(18) == world.mm.newest[18] != tokens[2]
    elif what == "zap":
        assert world.mm.ptes[18] is None
        assert len(world.kernel.folios) == 3
    else:
        child = results["other"]
        assert isinstance(child, MmStruct)
        assert child.ptes == world.mm.ptes
        assert [pte.writable for pte in world.mm.ptes.values()] == [False] * 4
        assert (folio.mapcount, folio.refs, folio.exclusive) == (2, 2, [False])


def test_waiting_for_what_is_there_again(make_world: Callable[..., Any]) -> None:
    """Who finds the page mapped under the lock does not wait."""
    world = make_world(watched=True)
    folio, _ = _large(world)

    async def store() -> str:
        return await user_store(world.kernel, world.mm, 18)

    results = world.play(
        main=_splitting(world, folio),
        store=store,
        window=[
            Run("main", "folio_freeze_and_split_unmapped.freeze"),
            Run("store", "migration_entry_wait.lock"),
            Run("main"),
            Run("store"),
        ],
    )

    assert results["store"] == "stored"


def test_pages_for_reclaim(make_world: Callable[..., Any]) -> None:
    """Who splits an isolated folio gets a reference to each page."""
    world = make_world(watched=True)
    folio, _ = _large(world)
    pages: list[Folio] = []

    async def main() -> list[int]:
        assert folio_try_get(world.kernel, folio)
        await folio_lock(world.kernel, folio, "main.lock")
        assert await split_folio_to_list(world.kernel, folio, pages) is None
        refs = [page.refs for page in (folio, *pages)]
        await folio_unlock(world.kernel, folio, "main.unlock")
        for page in (folio, *pages):
            folio_put(world.kernel, page)
        return refs

    assert world.play(main=main)["main"] == [2, 2, 2, 2]
    assert [page.pfn - folio.pfn for page in pages] == [1, 2, 3]


def test_pages_that_nobody_needs(make_world: Callable[..., Any]) -> None:
    """A page that was unmapped before is freed, and its slot with it."""
    world = make_world(watched=True, clusters=2)
    folio, _ = _large(world)

    async def main() -> object:
        await zap_pte_range(world.kernel, world.mm, 17, 1)
        return await _splitting(world, folio, cached=True)()

    assert world.play(main=main)["main"] is None
    assert len(world.kernel.folios) == 3
    assert world.slots(512, 4) == "f0 - f0 f0"
    assert world.m1.memory == 3


def _zapped(world: Any, *pages: int) -> Callable[[], Any]:
    async def main() -> None:
        for page in pages:
            await zap_pte_range(world.kernel, world.mm, page, 1)

    return main


@pytest.mark.parametrize(("order", "queued"), [(1, False), (2, True)])
def test_who_waits_to_be_split(
    make_world: Callable[..., Any], order: int, queued: bool
) -> None:
    """A folio of order 2 and up that is mapped in part waits to be split."""
    world = make_world(watched=True)
    folio, _ = _large(world, order)

    world.play(main=_zapped(world, 16))
    assert folio.deferred == queued
    assert list(world.kernel.deferred_split.values()) == [folio] * queued


def test_cached_folio_does_not_wait(make_world: Callable[..., Any]) -> None:
    """A folio in the cache is in reclaim's hands."""
    world = make_world(clusters=2)
    folio, _ = _large(world)
    zap = _zapped(world, 16)

    async def main() -> None:
        await folio_lock(world.kernel, folio, "main.lock")
        assert await folio_alloc_swap(world.kernel, folio) is None
        await folio_unlock(world.kernel, folio, "main.unlock")
        await zap()

    world.play(main=main)
    assert world.kernel.deferred_split == {}


def test_freed_while_it_waits(make_world: Callable[..., Any]) -> None:
    """A folio that is freed leaves the queue before its group."""
    world = make_world(watched=True)
    folio, _ = _large(world)

    world.play(main=_zapped(world, 16, 17, 18, 19))
    assert (folio.freed, folio.deferred, world.kernel.deferred_split) == (True, False, {})


def test_scan(make_world: Callable[..., Any]) -> None:
    """The queue of a group is split, oldest first; pages that were unmapped are freed."""
    world = make_world(watched=True)
    first, _ = _large(world)
    second = setup.map_resident(world.kernel, world.mm, 32, 2)
    zap = _zapped(world, 16, 33)

    async def main() -> list[int]:
        await zap()
        return [
            await deferred_split_scan(world.kernel, world.m2, 9),
            await deferred_split_scan(world.kernel, world.m1, 1),
            await deferred_split_scan(world.kernel, world.m1, 9),
        ]

    assert world.play(main=main)["main"] == [0, 1, 1]
    assert world.kernel.deferred_split == {}
    assert (first.freed, second.order) == (True, 0)
    assert world.m1.memory == 6


def test_scan_of_locked(make_world: Callable[..., Any]) -> None:
    """A folio that is locked stays on the queue."""
    world = make_world(watched=True)
    folio, _ = _large(world)
    zap = _zapped(world, 16)

    async def holder() -> None:
        await zap()
        await folio_lock(world.kernel, folio, "holder.lock")
        await point("holder.held")
        await folio_unlock(world.kernel, folio, "holder.unlock")

    async def scan() -> int:
        return await deferred_split_scan(world.kernel, world.m1, 9)

    results = world.play(
        holder=holder, scan=scan, window=[Run("holder", "holder.held"), Run("scan")]
    )

    assert results["scan"] == 0
    assert list(world.kernel.deferred_split.values()) == [folio]


def test_scan_of_freed(make_world: Callable[..., Any]) -> None:
    """A folio that is freed while the queue is gone through is passed over."""
    world = make_world(watched=True)
    _large(world)
    zap = _zapped(world, 16)
    rest = _zapped(world, 17, 18, 19)

    async def scan() -> int:
        await zap()
        return await deferred_split_scan(world.kernel, world.m1, 9)

    results = world.play(
        scan=scan, rest=rest, window=[Run("scan", "deferred_split_scan.get"), Run("rest")]
    )

    assert results["scan"] == 0


def test_group_has_changed(world: Any) -> None:
    """A folio whose group was taken away is still on the old one's queue (G04)."""
    folio, _ = _large(world)
    zap = _zapped(world, 16)

    async def main() -> None:
        await zap()
        folio.memcg = None
        folio_unqueue_deferred_split(world.kernel, folio)

    world.play(main=main, ending="violation")
    assert world.execution.verdict.check == "BUG"
    assert "queue" in world.execution.verdict.message


def test_what_a_split_puts_in_place(make_world: Callable[..., Any]) -> None:
    """Migration entries say what the entry was like."""
    world = make_world()
    folio, _ = _large(world)
    world.mm.ptes[17] = PresentPte(folio, 1, False, True, True)
    folio.exclusive[1] = False
    world.mm.ptes[18] = SwapPte(world.entry(4))
    folio.mapcount, folio.refs = 3, 3
    seen: list[object] = []

    async def look() -> None:
        seen.extend(world.mm.ptes[page] for page in (16, 17, 18))

    world.play(
        main=_splitting(world, folio),
        look=look,
        window=[Run("main", "folio_freeze_and_split_unmapped.freeze"), Run("look")],
    )
    assert seen == [
        MigrationPte(folio.pfn, True, True, False, False),
        MigrationPte(folio.pfn + 1, False, False, True, True),
        SwapPte(world.entry(4)),
    ]
