# SPDX-License-Identifier: MIT OR Apache-2.0
"""Moving a page to another folio (spec 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import dup_mm, user_read, user_store, zap_pte_range
from swaptrio.mm.migrate import move_page
from swaptrio.mm.mm_types import PresentPte
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get, folio_unlock
from swaptrio.mm.swap import folio_isolate_lru, folio_putback_lru
from swaptrio.mm.swap_state import (
    _swap_cache_replace_folio,
    swap_cache_get_folio,
)
from swaptrio.mm.swapfile import folio_free_swap, get_swap_device, put_swap_device
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


def _moving(world: Any, page: int = 3) -> Callable[[], Any]:
    async def main() -> Errno | None:
        return await move_page(world.kernel, world.mm, page)

    return main


def _holding(world: Any, folio: Folio) -> Callable[[], Any]:
    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    return holder


def test_uncached(make_world: Callable[..., Any]) -> None:
    """The page lies in another folio, with all that it was, and the old one is gone."""
    world = make_world(watched=True)
    old = setup.map_resident(world.kernel, world.mm, 3)
    token = world.mm.newest[3]

    assert world.play(main=_moving(world))["main"] is None
    new = world.mm.ptes[3].folio
    assert new is not old
    assert world.mm.ptes[3] == PresentPte(new, 0, True)
    assert (world.mapped(3), old.freed, world.m1.memory) == (token, True, 1)
    assert (new.dirty, new.uptodate, new.anon, new.exclusive) == (True, True, True, [True])
    assert (new.index, new.memcg, new.lru, new.refs) == (3, world.m1, True, 1)


def test_large_and_cached(make_world: Callable[..., Any]) -> None:
    """All slots of a cached large folio name the new one, and keep their counts (G03)."""
    world = make_world(watched=True, sync=False, orders=1 << 2)
    tokens = world.quad(count=2)
    access = world.access(17)

    async def main() -> tuple[Folio, Errno | None]:
        await world.cached(16, order=2)
        await access()
        return world.mm.ptes[17].folio, await move_page(world.kernel, world.mm, 17)

    old, error = world.play(main=main)["main"]
    new = world.mm.ptes[17].folio
    assert (error, old.freed) == (None, True)
    assert (new.order, new.swapcache, new.swap) == (2, True, world.entry(16))
    assert (new.refs, new.mapcount) == (8, 4)
    assert [world.mapped(page) for page in range(16, 20)] == tokens
    assert world.slots(16, 4) == "f1 f1 f1 f1"
    assert world.kernel.warnings == []


def test_shared(make_world: Callable[..., Any]) -> None:
    """Every process that maps the page maps the new folio."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)

    async def main() -> Errno | None:
        await dup_mm(world.kernel, world.mm, "Q")
        return await move_page(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] is None
    child = world.kernel.processes[1]
    assert child.ptes == world.mm.ptes
    assert world.mm.ptes[3].folio.mapcount == 2


@pytest.mark.parametrize("gone", ["never", "swapped", "freed"])
def test_nothing_to_move(make_world: Callable[..., Any], gone: str) -> None:
    """Only what is mapped can be moved."""
    world = make_world()
    if gone == "swapped":
        world.swapped(16, page=3)
    if gone == "freed":
        folio = setup.map_resident(world.kernel, world.mm, 3)
        folio.refs = 0

    assert world.play(main=_moving(world))["main"] is Errno.ENOENT


def test_isolated(make_world: Callable[..., Any]) -> None:
    """What somebody else has isolated is busy."""
    world = make_world(watched=True)
    folio = setup.map_resident(world.kernel, world.mm, 3)

    async def holder() -> None:
        assert await folio_isolate_lru(world.kernel, folio)
        await point("holder.held")
        await folio_putback_lru(world.kernel, folio)

    results = world.play(
        holder=holder, main=_moving(world), window=[Run("holder", "holder.held"), Run("main")]
    )

    assert results["main"] is Errno.EBUSY


def test_no_other_folio(make_world: Callable[..., Any]) -> None:
    """Without memory nothing moves."""
    world = make_world(watched=True, may_fail=["alloc"])
    folio = setup.map_resident(world.kernel, world.mm, 3)

    results = world.play(main=_moving(world), choices={"alloc_pages.grant": ("fail",)})

    assert results["main"] is Errno.ENOMEM
    assert (folio.lru, folio.refs) == (True, 1)


@pytest.mark.parametrize("why", ["locked", "writeback"])
def test_busy_folio(make_world: Callable[..., Any], why: str) -> None:
    """A folio that is locked or under writeback is left alone."""
    world = make_world()
    folio = setup.map_resident(world.kernel, world.mm, 3)
    folio.writeback = why == "writeback"

    async def holder() -> None:
        if why == "locked":
            await folio_lock(world.kernel, folio, "holder.lock")
        await point("holder.held")
        if why == "locked":
            await folio_unlock(world.kernel, folio, "holder.unlock")

    results = world.play(
        holder=holder, main=_moving(world), window=[Run("holder", "holder.held"), Run("main")]
    )

    assert results["main"] is Errno.EAGAIN
    assert world.mm.ptes[3].folio is folio
    assert (folio.lru, folio.refs, len(world.kernel.folios)) == (True, 1, 1)


@pytest.mark.parametrize(
    ("cached", "label"),
    [
        (False, "migrate_folio_unmap.trylock"),
        (False, "migrate_folio.copy"),
        (True, "folio_migrate_mapping.lock"),
    ],
)
def test_reference_of_another(make_world: Callable[..., Any], cached: bool, label: str) -> None:
    """Who refers to the folio could still write to it: it is mapped again as it was."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    access = world.access(3)
    move = _moving(world)
    folios: list[Folio] = []

    async def main() -> Errno | None:
        await access()
        if not cached:
            folio = world.mm.ptes[3].folio
            await folio_lock(world.kernel, folio, "main.lock")
            assert await folio_free_swap(world.kernel, folio)
            await folio_unlock(world.kernel, folio, "main.unlock")
        folios.append(world.mm.ptes[3].folio)
        return await move()  # type: ignore[no-any-return]  # a task's

    async def holder() -> None:
        await _holding(world, folios[0])()

    results = world.play(
        main=main,
        holder=holder,
        window=[Run("main", label), Run("holder", "holder.held"), Run("main")],
    )

    assert results["main"] is Errno.EAGAIN
    assert world.mm.ptes[3].folio is folios[0]
    assert world.mapped(3) == world.mm.newest[3]


@pytest.mark.parametrize("access", [user_read, user_store])
def test_user_waits(make_world: Callable[..., Any], access: Any) -> None:
    """A fault on a page that moves waits for it, and reads or writes the new folio."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)

    async def user() -> str:
        return str(await access(world.kernel, world.mm, 3))

    results = world.play(
        main=_moving(world),
        user=user,
        window=[
            Run("main", "migrate_folio.copy"),
            Run("user", "migration_entry_wait.wait"),
            Run("main"),
            Run("user"),
        ],
    )

    assert results["user"] in ("read", "stored")
    assert world.mapped(3) == world.mm.newest[3]


def test_unmapped_meanwhile(make_world: Callable[..., Any]) -> None:
    """A page that is unmapped on its way is freed at the end."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=_moving(world), zap=zap, window=[Run("main", "migrate_folio.copy"), Run("zap")]
    )

    assert results["main"] is None
    assert (world.kernel.folios, world.m1.memory) == ({}, 0)


def test_queue_is_left(make_world: Callable[..., Any]) -> None:
    """A folio that waits to be split leaves the queue when it moves."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 4, 2)

    async def main() -> Errno | None:
        await zap_pte_range(world.kernel, world.mm, 5, 1)
        assert world.kernel.deferred_split
        return await move_page(world.kernel, world.mm, 4)

    assert world.play(main=main)["main"] is None
    assert world.kernel.deferred_split == {}
    assert world.mm.ptes[4].folio.mapcount == 3


def test_lookup_meets_the_new_folio(make_world: Callable[..., Any]) -> None:
    """A folio that was looked up before it moved matches its slot no more."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3, count=2)
    access = world.access(3)

    async def main() -> Errno | None:
        await access()
        return await move_page(world.kernel, world.mm, 3)

    async def look() -> Folio | None:
        assert await get_swap_device(world.kernel, world.entry(16))
        folio = await swap_cache_get_folio(world.kernel, world.entry(16))
        assert folio is not None
        folio_put(world.kernel, folio)
        await put_swap_device(world.kernel, world.si)
        return folio

    results = world.play(
        main=main,
        look=look,
        window=[
            Run("main", "folio_migrate_mapping.lock"),
            Run("look", "swap_cache_get_folio.get"),
            Run("main"),
            Run("look"),
        ],
    )

    assert results["main"] is None
    assert results["look"] is world.mm.ptes[3].folio


def test_replacing_in_part(world: Any) -> None:
    """The kernel warns when what the old folio keeps is not its own any more."""
    world.quad()

    async def main() -> None:
        old = await world.inserted(16, order=1)
        new = await world.inserted(18)
        ci = world.si.clusters[0]
        async with ci.lock.hold("main.lock"):
            new.swap = world.entry(17)
            _swap_cache_replace_folio(world.kernel, ci, old, new)
            new.swapcache = False
            _swap_cache_replace_folio(world.kernel, ci, old, new)
        await new.lock.release("main.unlock")
        await old.lock.release("main.unlock")

    world.play(main=main)
    assert world.kernel.warnings == [
        "replaced what the old folio was to keep",
        "replaced while not in the cache",
        "replaced what the old folio was to keep",
    ]
