# SPDX-License-Identifier: MIT OR Apache-2.0
"""Unmapping a folio from every process (spec 2.2, step 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import plain
from swaptrio.mm.memory import dup_mm, user_read, user_store
from swaptrio.mm.mm_types import MmStruct, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get, folio_unlock
from swaptrio.mm.rmap import folio_add_anon_rmap_ptes, folio_move_anon_rmap, try_to_unmap
from swaptrio.mm.swapfile import folio_alloc_swap, folio_dup_swap
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


async def _unmapped(world: Any, folio: Folio) -> bool:
    """Give a folio slots and unmap it."""
    assert folio_try_get(world.kernel, folio)
    await folio_lock(world.kernel, folio, "main.lock")
    assert await folio_alloc_swap(world.kernel, folio) is None
    done = await try_to_unmap(world.kernel, folio)
    await folio_unlock(world.kernel, folio, "main.unlock")
    folio_put(world.kernel, folio)
    return done


@pytest.mark.parametrize("forked", [False, True])
def test_all_processes(make_world: Callable[..., Any], forked: bool) -> None:
    """Every process that maps the folio names its slots afterwards; one alone exclusively."""
    world = make_world(clusters=2)
    folio = setup.map_resident(world.kernel, world.mm, 4, 1)

    async def main() -> bool:
        if forked:
            await dup_mm(world.kernel, world.mm, "Q")
        return await _unmapped(world, folio)

    assert world.play(main=main)["main"]
    entries = [SwapPte(world.entry(512 + number), not forked) for number in (0, 1)]
    for mm in world.kernel.processes:
        assert [mm.ptes[page] for page in (4, 5)] == entries
    assert len(world.kernel.processes) == 1 + forked
    assert world.slots(512, 2) == ("f2 f2" if forked else "f1 f1")
    assert (folio.mapcount, folio.refs, folio.exclusive) == (0, 2, [False, False])


def test_flags_go_on(make_world: Callable[..., Any]) -> None:
    """A dirty entry makes the folio dirty, and soft-dirty stays with the entry."""
    world = make_world()
    folio = setup.map_resident(world.kernel, world.mm, 3)
    folio.dirty = False
    world.mm.ptes[3] = PresentPte(folio, 0, True, True, True)

    async def main() -> bool:
        return await _unmapped(world, folio)

    assert world.play(main=main)["main"]
    assert folio.dirty
    assert world.mm.ptes[3] == SwapPte(world.entry(1), exclusive=True, soft_dirty=True)


def test_count_is_full(make_world: Callable[..., Any]) -> None:
    """A count that cannot be raised leaves that page, and those behind it, mapped."""
    world = make_world(clusters=2)
    folio = setup.map_resident(world.kernel, world.mm, 4, 1)
    before = world.mm.ptes[5]
    function = plain(folio_dup_swap)

    async def full(kernel: Any, folio: Folio, page: int) -> Errno | None:
        if page == 1:
            return Errno.ENOMEM
        error: Errno | None = await function(kernel, folio, page)
        return error

    world.kernel.functions["folio_dup_swap"] = full

    async def main() -> bool:
        await dup_mm(world.kernel, world.mm, "Q")
        world.mm.ptes[5] = before
        return await _unmapped(world, folio)

    assert world.play(main=main)["main"] is False
    assert isinstance(world.mm.ptes[4], SwapPte)
    assert world.mm.ptes[5] == before
    child = world.kernel.processes[1]
    assert all(isinstance(pte, PresentPte) for pte in child.ptes.values())
    assert (folio.mapcount, world.slots(512, 2)) == (3, "f1 f0")


def test_cleared_meanwhile(make_world: Callable[..., Any]) -> None:
    """Nobody stores through an entry that is being replaced, and a fault comes back to it."""
    world = make_world(sync=False)
    folio = setup.map_resident(world.kernel, world.mm, 3)
    old = world.mm.newest[3]

    async def main() -> bool:
        return await _unmapped(world, folio)

    async def store() -> str:
        return await user_store(world.kernel, world.mm, 3)

    results = world.play(
        main=main,
        store=store,
        window=[
            Run("store", "user_store.store"),
            Run("main", "folio_dup_swap.lock"),
            Run("store", "do_anonymous_page.ptl"),
            Run("main"),
        ],
    )

    assert results == {"main": True, "store": "stored"}
    assert world.mapped(3) == world.mm.newest[3] != old
    assert list(world.kernel.folios.values()) == [folio]


def test_another_place(world: Any) -> None:
    """The kernel warns of a folio that is mapped at another place, or moved while unlocked."""
    folio = setup.map_resident(world.kernel, world.mm, 3)

    folio_add_anon_rmap_ptes(world.kernel, folio, 0, 1, 4, exclusive=False)
    folio_move_anon_rmap(world.kernel, folio)

    assert world.kernel.warnings == [
        "mapped where its index does not say",
        "moved while not locked",
    ]


def test_round_trip_of_a_family(make_world: Callable[..., Any]) -> None:
    """What parent and child share goes out once, comes back for both, and parts at a store."""
    world = make_world(sync=False)
    folio = setup.map_resident(world.kernel, world.mm, 3)
    token = world.mm.newest[3]

    async def main() -> MmStruct:
        child = await dup_mm(world.kernel, world.mm, "Q")
        assert isinstance(child, MmStruct)
        await _unmapped(world, folio)
        assert await user_read(world.kernel, child, 3) == "read"
        assert await user_store(world.kernel, world.mm, 3) == "stored"
        return child

    child = world.play(main=main)["main"]
    assert child.ptes[3] == PresentPte(folio, 0)
    assert (folio.pages, child.newest[3]) == ([token], token)
    assert world.mapped(3) == world.mm.newest[3] != token
    assert world.slots(1) == "f0"
