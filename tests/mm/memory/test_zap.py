# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking pages out of an address space, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swaptrio.mm import setup
from swaptrio.mm.kernel import plain
from swaptrio.mm.memory import (
    exit_mmap,
    mmap_region,
    unmap_page_range,
    user_read,
    user_store,
    zap_pte_range,
)
from swaptrio.mm.mm_types import PoisonPte
from swaptrio.mm.page_alloc import folio_lock, folio_try_get
from swaptrio.mm.swapfile import swap_put_entries_direct
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


def test_zap_of_swapped(world: Any) -> None:
    """Unmapping an entry drops its count."""
    world.swapped(16, page=3)
    world.swapped(17, page=4, count=3)

    async def main() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 5)

    world.play(main=main)
    assert (world.slots(16, 2), world.mm.ptes) == ("- s2:0", {3: None, 4: None})


def test_zap_of_mapped(make_world: Callable[..., Any]) -> None:
    """Unmapping a page frees its folio, and slots that nobody else uses."""
    world = make_world(sync=False)
    world.swapped(16, page=3)
    access = world.access(3)

    async def main() -> None:
        await access()
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    world.play(main=main)
    assert (world.slots(16), world.kernel.folios, world.m1.memory) == ("-", {}, 0)


def test_folios_are_let_go_after_the_lock(world: Any) -> None:
    """What a zap has unmapped is held by it until the page-table lock is free."""
    setup.map_resident(world.kernel, world.mm, 3)
    folio: Folio = world.mm.ptes[3].folio
    folio.swapcache = True

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    async def other() -> tuple[int, int, bool]:
        folio.swapcache = False
        return folio.refs, folio.holders["zap"], world.mm.ptl.locked()

    results = world.play(
        zap=zap, other=other, window=[Run("zap", "free_swap_cache.trylock"), Run("other")]
    )

    assert results["other"] == (1, 1, False)
    assert folio.freed


def test_entries_that_go_together(make_world: Callable[..., Any]) -> None:
    """Counts of entries that follow each other are dropped at once; what is there is found."""
    world = make_world(watched=True)
    world.quad()
    world.swapped(40, page=20)
    setup.map_resident(world.kernel, world.mm, 22)
    world.mm.ptes[24] = PoisonPte()
    put: list[int] = []
    function = plain(swap_put_entries_direct)

    async def noting(kernel: Any, entry: int, nr: int) -> None:
        put.append(nr)
        await function(kernel, entry, nr)

    world.kernel.functions["swap_put_entries_direct"] = noting

    async def main() -> None:
        await unmap_page_range(world.kernel, world.mm, 10, 20)

    world.play(main=main)
    assert put == [4, 1]
    assert world.mm.ptes == dict.fromkeys([16, 17, 18, 19, 20, 22, 24])
    assert (world.mm.newest, world.kernel.folios, world.si.inuse_pages) == ({}, {}, 0)


def test_unmapped_and_mapped_again(make_world: Callable[..., Any]) -> None:
    """A page that was unmapped can be used again, and reads as zeros."""
    world = make_world(watched=True)
    world.swapped(16, page=3)

    async def main() -> list[str]:
        await unmap_page_range(world.kernel, world.mm, 3, 1)
        gone = await user_store(world.kernel, world.mm, 3)
        await mmap_region(world.kernel, world.mm, 2, 4)
        return [gone, await user_read(world.kernel, world.mm, 3)]

    assert world.play(main=main)["main"] == ["unmapped", "read"]
    assert world.mapped(3) == world.mm.newest[3] == 0


def test_mapping_again_leaves_what_is_there(make_world: Callable[..., Any]) -> None:
    """Only what lies in no VMA is mapped again."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)

    async def main() -> None:
        await mmap_region(world.kernel, world.mm, 3, 1)

    world.play(main=main)
    assert world.mapped(3) == world.mm.newest[3]


def test_exit(make_world: Callable[..., Any]) -> None:
    """A process that ends leaves nothing, and cannot be faulted in any more."""
    world = make_world(watched=True)
    world.quad()
    setup.map_resident(world.kernel, world.mm, 900)

    async def main() -> str:
        await exit_mmap(world.kernel, world.mm)
        return await user_read(world.kernel, world.mm, 900)

    assert world.play(main=main)["main"] == "unmapped"
    assert (world.mm.exited, world.mm.ptes, world.kernel.folios) == (True, {}, {})
    assert (world.si.inuse_pages, world.m1.memory) == (0, 0)


def test_exit_of_nothing(world: Any) -> None:
    """A process without pages ends too."""

    async def main() -> None:
        await exit_mmap(world.kernel, world.mm)

    world.play(main=main)
    assert world.mm.exited


def test_slots_of_a_locked_folio_stay(make_world: Callable[..., Any]) -> None:
    """Who unmaps the last page of a locked folio leaves its slots to others (A07)."""
    world = make_world(sync=False)
    world.swapped(16, page=3)
    access = world.access(3)

    async def holder() -> None:
        await access()
        folio = world.mm.ptes[3].folio
        assert folio_try_get(world.kernel, folio)
        await folio_lock(world.kernel, folio, "holder.lock")
        await point("holder.held")
        await world.release(folio)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    world.play(holder=holder, zap=zap, window=[Run("holder", "holder.held"), Run("zap")])
    assert world.slots(16) == "f0"
