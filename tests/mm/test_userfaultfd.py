# SPDX-License-Identifier: MIT OR Apache-2.0
"""Moving a page to another address (spec 9, catalogue F)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import dup_mm, user_read, user_store, zap_pte_range
from swaptrio.mm.migrate import move_page
from swaptrio.mm.mm_types import PoisonPte, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get, folio_unlock
from swaptrio.mm.rmap import try_to_unmap
from swaptrio.mm.swapfile import folio_alloc_swap
from swaptrio.mm.userfaultfd import move_pages, move_pages_pte
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


def _moving(world: Any, dst: int = 40, src: int = 3) -> Callable[[], Any]:
    """A task that moves a page once."""

    async def main() -> Errno | None:
        return await move_pages_pte(world.kernel, world.mm, dst, src)

    return main


def _until_moved(world: Any, dst: int = 40, src: int = 3) -> Callable[[], Any]:
    async def main() -> Errno | None:
        return await move_pages(world.kernel, world.mm, dst, src)

    return main


def _locking(world: Any, find: Callable[[], Folio]) -> Callable[[], Any]:
    async def holder() -> None:
        folio = find()
        assert folio_try_get(world.kernel, folio)
        await folio_lock(world.kernel, folio, "holder.lock")
        await point("holder.held")
        await world.release(folio)

    return holder


def _resident(world: Any, page: int = 3, order: int = 0) -> Folio:
    folio: Folio = setup.map_resident(world.kernel, world.mm, page, order)
    return folio


def test_present(make_world: Callable[..., Any]) -> None:
    """A page that is mapped is mapped at its new place alone, and knows it."""
    world = make_world(watched=True)
    folio = _resident(world)
    token = world.mm.newest[3]

    assert world.play(main=_until_moved(world))["main"] is None
    assert world.mm.ptes == {40: PresentPte(folio, 0, True, False, True)}
    assert (folio.index, folio.refs, world.mm.newest) == (40, 1, {40: token})


def test_swapped(make_world: Callable[..., Any]) -> None:
    """The entry of a slot that is not cached is moved."""
    world = make_world(watched=True)
    token = world.swapped(16, page=3)

    assert world.play(main=_until_moved(world))["main"] is None
    assert world.mm.ptes == {40: SwapPte(world.entry(16), exclusive=True, soft_dirty=True)}
    assert world.mm.newest == {40: token}
    assert (world.slots(16), world.si.users) == ("s1:0", 1)


def test_cached(make_world: Callable[..., Any]) -> None:
    """The folio of a slot that is cached learns of its new place, and is mapped there."""
    world = make_world(watched=True, sync=False)
    token = world.swapped(16, page=3)
    move = _until_moved(world)
    access = world.access(40)

    async def main() -> object:
        await world.cached(16)
        error = await move()
        await access()
        return error

    assert world.play(main=main)["main"] is None
    assert world.mapped(40) == token
    assert world.mm.ptes[40].folio.index == 40
    assert world.kernel.warnings == []


def test_source_is_zeros_afterwards(make_world: Callable[..., Any]) -> None:
    """What was moved away is a page that was never touched."""
    world = make_world(watched=True)
    _resident(world)
    move = _until_moved(world)

    async def main() -> str:
        await move()
        return await user_read(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "read"
    assert (world.mapped(3), world.mm.newest[3]) == (0, 0)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("there", Errno.EEXIST),
        ("no VMA", Errno.ENOENT),
        ("nothing", Errno.ENOENT),
        ("poison", Errno.EFAULT),
        ("shared page", Errno.EBUSY),
        ("shared slot", Errno.EBUSY),
        ("no device", Errno.EAGAIN),
        ("large cached", Errno.EBUSY),
    ],
)
def test_refused(make_world: Callable[..., Any], how: str, error: Errno) -> None:
    """What cannot be moved stays."""
    world = make_world(sync=False)
    world.swapped(19, page=3)
    world.swapped(18)
    if how == "there":
        _resident(world, 40)
    elif how == "no VMA":
        world.mm.ptes[40] = None
    elif how == "nothing":
        del world.mm.ptes[3]
    elif how == "poison":
        world.mm.ptes[3] = PoisonPte()
    elif how == "shared page":
        _resident(world).exclusive[0] = False
    elif how == "shared slot":
        world.mm.ptes[3] = SwapPte(world.entry(19), exclusive=False)
    elif how == "no device":
        world.si.users, world.si.dying = 0, True
    before = dict(world.mm.ptes)
    move = _moving(world)

    async def main() -> object:
        if how == "large cached":
            await world.cached(18, order=1)
        return await move()

    assert world.play(main=main)["main"] is error
    assert world.mm.ptes == before


def test_forked_page(make_world: Callable[..., Any]) -> None:
    """A page that a child shares is not moved."""
    world = make_world()
    _resident(world)
    move = _until_moved(world)

    async def main() -> object:
        await dup_mm(world.kernel, world.mm, "Q")
        return await move()

    assert world.play(main=main)["main"] is Errno.EBUSY


def test_large_folio_is_split(make_world: Callable[..., Any]) -> None:
    """A page of a large folio is moved once that is split."""
    world = make_world(watched=True)
    _resident(world, 4, 2)
    token = world.mm.newest[6]

    assert world.play(main=_until_moved(world, 40, 6))["main"] is None
    assert sorted(world.mm.ptes) == [4, 5, 7, 40]
    assert (world.mapped(40), world.mm.ptes[40].folio.order) == (token, 0)


def test_large_folio_that_cannot_be_split(make_world: Callable[..., Any]) -> None:
    """The error of the split is that of the move."""
    world = make_world()
    folio = _resident(world, 4, 2)
    folio.writeback = True

    assert world.play(main=_moving(world, 40, 6))["main"] is Errno.EBUSY


@pytest.mark.parametrize("order", [0, 1])
def test_locked_page(make_world: Callable[..., Any], order: int) -> None:
    """A small folio is waited for, a large one is not."""
    world = make_world(watched=True)
    folio = _resident(world, 4, order)

    results = world.play(
        holder=_locking(world, lambda: folio),
        main=_moving(world, 40, 4),
        window=[
            Run("holder", "holder.held"),
            Run("main", "move_pages_pte.folio_lock") if order == 0 else Run("main"),
        ],
    )

    assert results["main"] is (Errno.EAGAIN if order else None)


@pytest.mark.parametrize("label", ["move_pages_pte.pin", "move_present_pte.ptl"])
def test_page_goes_meanwhile(make_world: Callable[..., Any], label: str) -> None:
    """An entry that has changed under the lock is not moved."""
    world = make_world(watched=True)
    _resident(world)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(main=_moving(world), zap=zap, window=[Run("main", label), Run("zap")])

    assert results["main"] is Errno.EAGAIN
    assert 40 not in world.mm.ptes


def test_page_is_shared_meanwhile(make_world: Callable[..., Any]) -> None:
    """A mark that has gone under the lock keeps the page where it is."""
    world = make_world()
    folio = _resident(world)

    async def share() -> None:
        folio.exclusive[0] = False

    results = world.play(
        main=_moving(world),
        share=share,
        window=[Run("main", "move_present_pte.ptl"), Run("share")],
    )

    assert results["main"] is Errno.EBUSY


def test_page_that_is_on_its_way(make_world: Callable[..., Any]) -> None:
    """A page that is being migrated is waited for."""
    world = make_world(watched=True)
    _resident(world)
    token = world.mm.newest[3]

    async def migrate() -> Errno | None:
        return await move_page(world.kernel, world.mm, 3)

    results = world.play(
        migrate=migrate,
        main=_until_moved(world),
        window=[
            Run("migrate", "migrate_folio.copy"),
            Run("main", "migration_entry_wait.wait"),
            Run("migrate"),
        ],
    )

    assert results == {"migrate": None, "main": None}
    assert world.mapped(40) == token


async def _swap_out(world: Any, page: int) -> Folio:
    """Give a page slots and unmap it; its folio stays in the cache."""
    folio: Folio = world.mm.ptes[page].folio
    assert folio_try_get(world.kernel, folio)
    await folio_lock(world.kernel, folio, "out.lock")
    if not folio.swapcache:
        assert await folio_alloc_swap(world.kernel, folio) is None
    assert await try_to_unmap(world.kernel, folio)
    await folio_unlock(world.kernel, folio, "out.unlock")
    folio_put(world.kernel, folio)
    return folio


def _in_and_out(world: Any) -> Callable[[], Any]:
    """A task that uses page 3, whose slot is freed and taken again: the entry is the same."""

    async def out() -> bool:
        before = world.mm.ptes[3]
        await user_store(world.kernel, world.mm, 3)
        await _swap_out(world, 3)
        return bool(world.mm.ptes[3] == before)

    return out


def test_missed_folio(make_world: Callable[..., Any]) -> None:
    """F02: a folio that came to the slot after the lookup is not left behind."""
    world = make_world(watched=True)
    world.swapped(1, page=3)
    world.mm.ptes[3] = SwapPte(world.entry(1), soft_dirty=True)

    results = world.play(
        main=_until_moved(world),
        out=_in_and_out(world),
        window=[Run("main", "move_swap_pte.ptl"), Run("out"), Run("main")],
    )

    assert results == {"main": None, "out": True}
    assert world.mm.ptes[40].entry == world.entry(1)
    assert [folio.index for folio in world.kernel.folios.values()] == [40]


def test_missed_folio_without_the_look(make_world: Callable[..., Any]) -> None:
    """F02: without the second look the folio believes to be where it was."""
    world = make_world()
    world.swapped(1, page=3)
    world.mm.ptes[3] = SwapPte(world.entry(1), soft_dirty=True)

    async def blind(*_: object) -> bool:
        return False

    world.kernel.functions["swap_cache_has_folio"] = blind
    move = _until_moved(world)
    access = world.access(40)

    async def main() -> None:
        await move()
        await access()

    world.play(
        main=main,
        out=_in_and_out(world),
        window=[Run("main", "move_swap_pte.ptl"), Run("out"), Run("main")],
    )

    assert "mapped where its index does not say" in world.kernel.warnings


def test_foreign_folio(make_world: Callable[..., Any]) -> None:
    """F01: a folio that was found and has left the slot since is not moved along."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    access = world.access(3, write=True)
    move = _moving(world)

    async def other() -> None:
        await access()

    async def main() -> object:
        await world.cached(16)
        return await move()

    results = world.play(
        main=main,
        other=other,
        window=[Run("main", "move_pages_pte.trylock_cached"), Run("other"), Run("main")],
    )

    assert results["main"] is Errno.EAGAIN
    assert isinstance(world.mm.ptes[3], PresentPte)


def test_cached_folio_is_waited_for(make_world: Callable[..., Any]) -> None:
    """A folio in the cache that is locked is waited for without the device."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    folios: list[Folio] = []

    async def holder() -> None:
        folios.append(await world.cached(16))
        await _locking(world, lambda: folios[0])()

    async def look() -> int:
        return int(world.si.users)

    results = world.play(
        holder=holder,
        main=_moving(world),
        look=look,
        window=[
            Run("holder", "holder.held"),
            Run("main", "move_pages_pte.lock_cached"),
            Run("look"),
            Run("holder"),
            Run("main"),
        ],
    )

    assert (results["main"], results["look"], folios[0].index) == (None, 1, 40)


def test_device_goes_meanwhile(make_world: Callable[..., Any]) -> None:
    """Without its device the slot is not looked at again."""
    world = make_world(sync=False)
    world.swapped(16, page=3)
    folios: list[Folio] = []

    async def holder() -> None:
        folios.append(await world.cached(16))
        await _locking(world, lambda: folios[0])()
        world.si.users, world.si.dying = 0, True

    results = world.play(
        holder=holder,
        main=_moving(world),
        window=[
            Run("holder", "holder.held"),
            Run("main", "move_pages_pte.lock_cached"),
            Run("holder"),
            Run("main"),
        ],
    )

    assert results["main"] is Errno.EAGAIN
    assert folios[0].refs == 1


def test_entry_goes_meanwhile(make_world: Callable[..., Any]) -> None:
    """An entry of a slot that has changed under the lock is not moved."""
    world = make_world(watched=True)
    world.swapped(16, page=3)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=_moving(world), zap=zap, window=[Run("main", "move_swap_pte.ptl"), Run("zap")]
    )

    assert results["main"] is Errno.EAGAIN
