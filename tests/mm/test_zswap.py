# SPDX-License-Identifier: MIT OR Apache-2.0
"""zswap: loads, and writeback through the swap cache (spec 4.5, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import handle_mm_fault
from swaptrio.mm.page_alloc import folio_put, folio_wait_writeback
from swaptrio.mm.page_io import swap_read_folio, swap_writeout
from swaptrio.mm.swap_h import ZswapEntry
from swaptrio.mm.swapfile import swap_put_entries_direct
from swaptrio.mm.zswap import (
    shrink_memcg_cb,
    shrink_worker,
    zswap_invalidate,
    zswap_load,
    zswap_store,
    zswap_swapoff,
    zswap_writeback_entry,
)
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


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
    world.si.users, world.si.dying = 0, True

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


@pytest.fixture
def zswap_world(make_world: Callable[..., Any]) -> Callable[..., Any]:
    """Makes worlds in which zswap is enabled."""

    def make(variant: str = "v5", **how: Any) -> Any:
        return make_world(variant, zswap_enabled=True, zswap_ever_enabled=True, **how)

    return make


async def _filled(world: Any, slot: int, order: int = 0) -> Folio:
    """A locked, cached folio with data of its own: 100 and the slot."""
    folio: Folio = await world.inserted(slot, order)
    folio.pages[:] = [100 + slot + index for index in range(folio.nr)]
    folio.uptodate = True
    return folio


def test_store(zswap_world: Callable[..., Any]) -> None:
    """All pages of a folio are stored, in the tree and on the LRU, and nothing is written."""
    world = zswap_world()
    for slot in (16, 17):
        world.swapped(slot)
    before = dict(world.si.data)

    async def main() -> bool:
        folio = await _filled(world, 16, order=1)
        assert await swap_writeout(world.kernel, folio)
        folio_put(world.kernel, folio)
        return folio.locked or folio.writeback

    assert world.play(main=main)["main"] is False
    assert {slot: entry.token for slot, entry in world.si.zswap.items()} == {16: 116, 17: 117}
    assert list(world.kernel.zswap_lru) == [world.entry(16), world.entry(17)]
    assert (world.si.data, world.kernel.vmstat.events["ZSWPOUT"]) == (before, 2)


def test_store_replaces(zswap_world: Callable[..., Any]) -> None:
    """A new copy takes the place of an old one, in the tree and as the youngest of the LRU."""
    world = zswap_world()
    for slot in (16, 17):
        world.swapped(slot, zswap=True)

    async def main() -> None:
        folio = await _filled(world, 16)
        assert await zswap_store(world.kernel, folio)
        await world.release(folio)

    world.play(main=main)
    assert world.si.zswap[16].token == 116
    assert list(world.kernel.zswap_lru) == [world.entry(17), world.entry(16)]
    assert world.kernel.zswap_lru[world.entry(16)] is world.si.zswap[16]


@pytest.mark.parametrize("choices", [("fail",), ("ok", "fail")])
def test_store_that_fails(zswap_world: Callable[..., Any], choices: tuple[str, ...]) -> None:
    """Where one page cannot be stored none is, and what is older goes; the device gets all."""
    world = zswap_world("v3", may_fail=["zswap"])
    for slot in (16, 17):
        world.swapped(slot)

    async def main() -> None:
        folio = await _filled(world, 16, order=1)
        world.si.zswap[17] = ZswapEntry(17, 5)
        await swap_writeout(world.kernel, folio)
        folio_put(world.kernel, folio)

    world.play(main=main, choices={"zswap_store.grant": choices})
    assert (world.si.zswap, world.kernel.zswap_lru) == ({}, {})
    assert (world.si.data[16], world.si.data[17]) == (116, 117)


def test_load_takes_off_the_lru(zswap_world: Callable[..., Any]) -> None:
    """A copy that was loaded is on no list any more."""
    world = zswap_world()
    world.swapped(16, zswap=True)

    async def main() -> None:
        folio = await world.inserted(16)
        await zswap_load(world.kernel, folio)
        await world.release(folio)

    world.play(main=main)
    assert world.kernel.zswap_lru == {}
    assert world.kernel.vmstat.events["ZSWPIN"] == 1


def test_load_that_cannot_be_decompressed(zswap_world: Callable[..., Any]) -> None:
    """The folio is unlocked, not up to date, and the copy stays (spec 7)."""
    world = zswap_world(may_fail=["decompress"])
    world.swapped(16, zswap=True)

    async def main() -> tuple[bool, bool]:
        folio = await world.inserted(16)
        await swap_read_folio(world.kernel, folio)
        folio_put(world.kernel, folio)
        return folio.locked, folio.uptodate

    result = world.play(main=main, choices={"zswap_decompress.status": ("fail",)})
    assert result["main"] == (False, False)
    assert 16 in world.si.zswap


def test_writeback_that_cannot_be_decompressed(zswap_world: Callable[..., Any]) -> None:
    """The slot is let go with EIO, and keeps its copy."""
    world = zswap_world(may_fail=["decompress"])
    world.swapped(16, zswap=True)

    result = world.play(main=_writeback(world), choices={"zswap_decompress.status": ("fail",)})

    assert result["main"] is Errno.EIO
    assert (16 in world.si.zswap, world.kernel.folios) == (True, {})


def test_freeing_a_slot_forgets_its_copy(zswap_world: Callable[..., Any]) -> None:
    """What zswap holds goes with the slot, off the LRU too."""
    world = zswap_world()
    world.swapped(16, zswap=True)

    async def main() -> None:
        await swap_put_entries_direct(world.kernel, world.entry(16), 1)

    world.play(main=main)
    assert (world.si.zswap, world.kernel.zswap_lru) == ({}, {})


@pytest.mark.parametrize(("left", "warnings"), [(False, 0), (True, 1)])
def test_swapoff(zswap_world: Callable[..., Any], left: bool, warnings: int) -> None:
    """The tree of a device that goes is empty by then, or there is a warning (C08)."""
    world = zswap_world()
    if left:
        world.swapped(16, zswap=True)

    async def main() -> None:
        zswap_swapoff(world.kernel, world.si)

    world.play(main=main)
    assert (world.si.zswap, world.kernel.zswap_lru) == ({}, {})
    assert len(world.kernel.warnings) == warnings


def _shrink(world: Any, times: int = 1) -> Callable[[], Any]:
    async def main() -> list[object]:
        return [await shrink_memcg_cb(world.kernel) for _ in range(times)]

    return main


def test_shrink(zswap_world: Callable[..., Any]) -> None:
    """The oldest goes first; one that was stored since the last look gets another turn."""
    world = zswap_world(sync=True)
    tokens = [world.swapped(slot, zswap=True) for slot in (16, 17)]
    world.si.zswap[16].referenced = True

    results = world.play(main=_shrink(world, 4))["main"]

    assert results == [Errno.EAGAIN, None, None, Errno.ENOENT]
    assert [world.si.data[slot] for slot in (16, 17)] == tokens
    assert world.kernel.vmstat.events["ZSWPWB"] == 2


def test_shrink_of_a_slot_that_changed_hands(zswap_world: Callable[..., Any]) -> None:
    """Between the LRU and the cache the slot may get another copy: it is not written (D01)."""
    world = zswap_world()
    world.swapped(16, zswap=True)

    async def other() -> None:
        zswap_invalidate(world.kernel, world.si, 16)
        world.si.zswap[16] = ZswapEntry(16, 99)

    results = world.play(
        main=_shrink(world),
        other=other,
        window=[Run("main", "shrink_memcg_cb.unlocked"), Run("other")],
    )

    assert results["main"] == [Errno.ENOMEM]
    assert (world.si.zswap[16].token, world.slots(16)) == (99, "s1:0")


def test_full_pool(zswap_world: Callable[..., Any]) -> None:
    """A full pool takes nothing, and its worker writes back until there is room."""
    world = zswap_world(zswap_max_pool=2, sync=False)
    for slot in (16, 17):
        world.swapped(slot, zswap=True)
    world.swapped(18)

    async def main() -> None:
        folio = await _filled(world, 18)
        await swap_writeout(world.kernel, folio)
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        folio_put(world.kernel, folio)

    steps = [Run("main", "main.wait"), Run("zswap-shrinker", "zswap work.receive", times=2)]
    world.play(main=main, window=steps)
    assert (world.si.data[18], list(world.si.zswap)) == (118, [17])


def test_fruitless_shrinking_ends(zswap_world: Callable[..., Any]) -> None:
    """Who cannot write anything back gives up (spec 4.5)."""
    world = zswap_world(zswap_max_pool=1)
    world.swapped(16, zswap=True)

    async def main() -> None:
        folio = await world.inserted(16)
        await shrink_worker(world.kernel)
        await world.release(folio)

    world.play(main=main)
    assert 16 in world.si.zswap


def test_fault_on_what_cannot_be_decompressed(zswap_world: Callable[..., Any]) -> None:
    """A copy that cannot be read is a failed read: the process gets SIGBUS for a reason."""
    world = zswap_world(may_fail=["decompress"], watched=True)
    world.swapped(16, page=3, zswap=True)

    async def main() -> str:
        return await handle_mm_fault(world.kernel, world.mm, 3, write=False)

    result = world.play(main=main, choices={"zswap_decompress.status": ("fail",)})
    assert result["main"] == "VM_FAULT_SIGBUS"
