# SPDX-License-Identifier: MIT OR Apache-2.0
"""zswap: loads, and writeback through the swap cache (spec 4.5, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.swap_h import ZswapEntry
from swaptrio.mm.zswap import zswap_load, zswap_writeback_entry
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


def test_load(world: Any) -> None:
    """A load fills the folio, makes it dirty and forgets the compressed copy."""
    token = world.swapped(16, zswap=True)

    async def main() -> None:
        folio = await world.inserted(16)
        assert await zswap_load(world.kernel, folio) is None
        assert (folio.pages, folio.uptodate, folio.dirty) == ([token], True, True)
        await world.release(folio)

    world.play(main=main)
    assert world.si.zswap == {}


def test_load_of_nothing(world: Any) -> None:
    """What zswap does not hold is ENOENT, and the folio stays as it is."""
    world.swapped(16)

    async def main() -> object:
        folio = await world.inserted(16)
        error = await zswap_load(world.kernel, folio)
        assert (folio.locked, folio.uptodate) == (True, False)
        await world.release(folio)
        return error

    assert world.play(main=main)["main"] is Errno.ENOENT


def test_load_of_large(world: Any) -> None:
    """A large folio of which zswap holds anything is not read, and warned of."""
    world.swapped(16)
    world.swapped(17, zswap=True)

    async def main() -> bool:
        folio = await world.inserted(16, order=1)
        await swap_read_folio(world.kernel, folio)
        assert not folio.locked
        return bool(folio.uptodate)

    assert world.play(main=main)["main"] is False
    assert world.kernel.warnings == ["a large folio is in zswap in part"]
    assert 17 in world.si.zswap


def _writeback(world: Any, slot: int = 16) -> Callable[[], Any]:
    async def main() -> object:
        return await zswap_writeback_entry(world.kernel, world.entry(slot))

    return main


@pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])
def test_writeback(make_world: Callable[..., Any], variant: str) -> None:
    """A writeback moves the data to the device, and the folio stays in the cache."""
    world = make_world(variant)
    token = world.swapped(16, zswap=True)

    assert world.play(main=_writeback(world))["main"] is None
    assert (world.si.zswap, world.si.data[16], world.slots(16)) == ({}, token, "f1")
    assert world.si.users == 1
    (folio,) = world.kernel.folios.values()
    assert (folio.refs, folio.locked, folio.uptodate, folio.dirty) == (1, False, True, False)


def test_writeback_of_cached(world: Any) -> None:
    """EEXIST says that somebody swaps the slot in."""
    world.swapped(16, zswap=True)

    async def main() -> object:
        folio = await world.inserted(16)
        error = await zswap_writeback_entry(world.kernel, world.entry(16))
        await world.release(folio)
        return error

    assert world.play(main=main)["main"] is Errno.EEXIST
    assert 16 in world.si.zswap


def test_writeback_of_freed(world: Any) -> None:
    """ENOENT says that the slot is not in use any more."""
    assert world.play(main=_writeback(world))["main"] is Errno.ENOENT


def test_writeback_without_device(world: Any) -> None:
    """A device that goes away meanwhile ends the writeback."""
    world.swapped(16, zswap=True)
    world.si.users = 0

    assert world.play(main=_writeback(world))["main"] is Errno.EEXIST


def test_writeback_of_another_entry(world: Any) -> None:
    """A slot that holds another copy now is let go: deleted, unlocked, put (D01)."""
    world.swapped(16, shadow=4, zswap=True)

    async def other() -> None:
        world.si.zswap[16] = ZswapEntry(16, 99)

    results = world.play(
        main=_writeback(world),
        other=other,
        window=[Run("main", "zswap_writeback_entry.match"), Run("other")],
    )

    assert results["main"] is Errno.ENOMEM
    assert (world.slots(16), world.si.zswap[16].token) == ("s1:0", 99)
    assert world.kernel.folios == {}
    assert world.m1.memory == 0


def test_remembered_before_the_device_is_pinned(world: Any) -> None:
    """The entry that is compared is the one that the caller saw at its start."""
    world.swapped(16, zswap=True)

    async def other() -> None:
        world.si.zswap[16] = ZswapEntry(16, 99)

    results = world.play(
        main=_writeback(world),
        other=other,
        window=[Run("main", "get_swap_device.get"), Run("other")],
    )

    assert results["main"] is Errno.ENOMEM


def test_device_is_let_go_at_once(world: Any) -> None:
    """After the allocation the locked folio keeps the device in use, not a reference."""
    world.swapped(16, zswap=True)

    async def other() -> tuple[int, int]:
        return world.si.users, world.si.inuse_pages

    results = world.play(
        main=_writeback(world),
        other=other,
        window=[Run("main", "zswap_writeback_entry.match"), Run("other")],
    )

    assert results["other"] == (1, 1)
