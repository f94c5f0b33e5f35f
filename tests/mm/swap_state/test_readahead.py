# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading slots ahead (spec 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.memory import zap_pte_range
from swaptrio.mm.swap_state import (
    swap_cache_get_folio,
    swap_cluster_readahead,
    swapin_readahead,
)
from swaptrio.mm.swapfile import get_swap_device, put_swap_device
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = pytest.mark.parametrize("plugged", [False, True])


def _readahead(world: Any, page: int) -> Callable[[], Any]:
    """A task that reads the slot of a page, and lets go of what it gets."""

    async def main() -> bool:
        fault = world.fault(page)
        si = await get_swap_device(world.kernel, fault.orig_pte.entry)
        assert si is not None
        folio = await swapin_readahead(world.kernel, fault.orig_pte.entry, "GFP", fault)
        await put_swap_device(world.kernel, si)
        if folio is not None:
            world.let_go(folio)
        return folio is not None

    return main


def _by_slots(make_world: Callable[..., Any], **how: Any) -> Any:
    """A world that reads four slots ahead, with slots 16 to 23 and 30 in use."""
    world = make_world(sync=False, page_cluster=2, vma_readahead=False, **how)
    for slot in (*range(16, 24), 30):
        world.swapped(slot, page=slot)
    return world


@pytest.mark.parametrize("vma_readahead", [False, True])
def test_no_window(make_world: Callable[..., Any], vma_readahead: bool) -> None:
    """With page_cluster 0 nothing but the slot itself is read, and that is no readahead."""
    world = make_world(sync=False, vma_readahead=vma_readahead)
    world.quad()

    assert world.play(main=_readahead(world, 17), oracles=True)["main"]
    assert world.slots(16, 4) == "s1:0 f1 s1:0 s1:0"
    assert world.kernel.vmstat.events["SWAP_RA"] == 0


@BOTH
def test_the_window_of_slots(make_world: Callable[..., Any], plugged: bool) -> None:
    """The aligned window around the slot is read, whoever the slots are of; all but the slot
    itself count as read ahead, and are in nobody's hands."""
    world = _by_slots(make_world, plugged=plugged)

    assert world.play(main=_readahead(world, 21), oracles=True)["main"]
    assert world.slots(16, 8) == "s1:0 s1:0 s1:0 s1:0 f1 f1 f1 f1"
    assert world.kernel.vmstat.events["SWAP_RA"] == 3
    assert world.kernel.vmstat.events["PSWPIN"] == 4
    ahead = [folio.readahead for folio in world.kernel.folios.values()]
    assert ahead == [True, False, True, True]
    assert all(folio.refs == 1 for folio in world.kernel.folios.values())


def test_the_window_leaves_holes_alone(make_world: Callable[..., Any]) -> None:
    """Free slots of the window are passed over."""
    world = _by_slots(make_world)

    assert world.play(main=_readahead(world, 30), oracles=True)["main"]
    assert world.slots(28, 4) == "- - f1 -"


@pytest.mark.parametrize(("slot", "read"), [(1, [1, 2, 3]), (17, [16, 17])])
def test_the_window_ends_with_the_device(
    make_world: Callable[..., Any], slot: int, read: list[int]
) -> None:
    """Neither the header nor what is behind the end of the device is read."""
    world = make_world(sync=False, page_cluster=2, vma_readahead=False, device={"slots": 18})
    for number in range(1, 18):
        world.swapped(number, page=number)

    world.play(main=_readahead(world, slot), oracles=True)
    cached = [number for number in range(18) if world.slots(number).startswith("f")]
    assert cached == read
    assert world.slots(0) == "b"


def test_a_bad_slot_in_the_window(make_world: Callable[..., Any]) -> None:
    """A bad slot in the window is read like any other: nobody asks for it any more (A15)."""
    world = make_world(sync=False, page_cluster=2, vma_readahead=False, device={"bad": [18]})
    world.swapped(17, page=17)

    world.play(main=_readahead(world, 17), oracles=True, ending="violation")
    assert world.execution.verdict.check == "I-KIND"


def _by_pages(make_world: Callable[..., Any], *pages: int, **how: Any) -> Any:
    """A world that reads four pages ahead; page N lies in slot 100 - N."""
    world = make_world(sync=False, page_cluster=2, **how)
    for page in pages:
        world.swapped(100 - page, page=page)
    return world


@BOTH
def test_the_window_of_pages(make_world: Callable[..., Any], plugged: bool) -> None:
    """What the pages around the fault have in swap is read, wherever it lies."""
    world = _by_pages(make_world, *range(10, 20), plugged=plugged)

    assert world.play(main=_readahead(world, 15), oracles=True)["main"]
    cached = [page for page in range(10, 20) if world.slots(100 - page).startswith("f")]
    assert cached == [14, 15, 16, 17]
    assert world.kernel.vmstat.events["SWAP_RA"] == 3


@pytest.mark.parametrize(("page", "read"), [(0, [0, 1, 2]), (511, [510, 511])])
def test_the_window_ends_with_the_page_table(
    make_world: Callable[..., Any], page: int, read: list[int]
) -> None:
    """Readahead does not go past the page table of the fault."""
    world = make_world(sync=False, page_cluster=2)
    pages = [0, 1, 2, 509, 510, 511, 512]
    for slot, number in enumerate(pages, 1):
        world.swapped(slot, page=number)

    world.play(main=_readahead(world, page), oracles=True)
    cached = [each for slot, each in enumerate(pages, 1) if world.slots(slot)[0] == "f"]
    assert cached == read


def test_pages_without_a_slot_are_passed_over(make_world: Callable[..., Any]) -> None:
    """A page of the window that is mapped, or was never touched, has nothing to read."""
    world = _by_pages(make_world, 14, 15)
    setup.map_resident(world.kernel, world.mm, 16)

    assert world.play(main=_readahead(world, 15), oracles=True)["main"]
    assert world.kernel.vmstat.events["SWAP_RA"] == 1


@pytest.mark.parametrize("alive", [True, False])
def test_another_device_is_pinned(make_world: Callable[..., Any], alive: bool) -> None:
    """An entry of another device is read only with that device kept alive (1c2a936edd71)."""
    world = _by_pages(make_world, 15)
    other = setup.new_device(world.kernel, "swap1", sync=False)
    token = setup.swap_out(world.kernel, other, 5, memcg=world.m1)
    setup.map_swapped(world.mm, 16, other, 5, token)
    other.dying = not alive

    async def watcher() -> int:
        return other.users

    between = [Run("main", "put_swap_device.put"), Run("watcher")]
    results = world.play(
        main=_readahead(world, 15), watcher=watcher, window=between if alive else []
    )
    assert results["watcher"] == 1 + alive
    assert (world.kernel.vmstat.events["SWAP_RA"] == 1) is alive
    assert other.users == 1


def test_a_disk_is_read_by_slots(make_world: Callable[..., Any]) -> None:
    """While any device rotates readahead goes by slots, as a head has to move."""
    world = make_world(sync=False, page_cluster=2)
    setup.new_device(world.kernel, "disk", rotates=True)
    for page in range(10, 20):
        world.swapped(100 - page, page=page)

    world.play(main=_readahead(world, 15), oracles=True)
    cached = [100 - slot for slot in range(80, 92) if world.slots(slot)[0] == "f"]
    assert cached == [16, 15, 14, 13]


def test_the_slot_may_be_gone(make_world: Callable[..., Any]) -> None:
    """Where nobody uses the slot any more there is nothing to read."""
    world = make_world(sync=False, page_cluster=2)
    world.swapped(85, page=15)
    fault = world.fault(15)

    async def main() -> object:
        si = await get_swap_device(world.kernel, fault.orig_pte.entry)
        assert si is not None
        await zap_pte_range(world.kernel, world.mm, 15, 1)
        folio = await swapin_readahead(world.kernel, fault.orig_pte.entry, "GFP", fault)
        await put_swap_device(world.kernel, si)
        return folio

    assert world.play(main=main, oracles=True)["main"] is None


def test_what_was_read_ahead_is_found(make_world: Callable[..., Any]) -> None:
    """Who comes for a neighbour later finds it in the cache, and waits for its read only."""
    world = _by_slots(make_world, plugged=True)

    async def main() -> list[int | None]:
        si = await get_swap_device(world.kernel, world.entry(17))
        assert si is not None
        first = await swap_cluster_readahead(world.kernel, world.entry(17), "GFP", None, 0)
        second = await swap_cache_get_folio(world.kernel, world.entry(18))
        assert first is not None
        assert second is not None
        await point("main.between")
        for folio in (first, second):
            await world.lock(folio)
            await world.unlock(folio)
        tokens = [first.pages[0], second.pages[0]]
        await put_swap_device(world.kernel, si)
        world.let_go(first)
        world.let_go(second)
        return tokens

    tokens = [world.si.data[slot] for slot in (17, 18)]
    assert world.play(main=main, oracles=True)["main"] == tokens
