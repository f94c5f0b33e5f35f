# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reclaim of an anonymous folio, all the way out and back (spec 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import handle_mm_fault, user_store
from swaptrio.mm.mm_types import Folio, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_put, folio_try_get
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.swap_table import swp_tb_to_shadow
from swaptrio.mm.vmscan import _remove_mapping, shrink_folio_list
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = pytest.mark.parametrize("sync", [True, False])


def _resident(world: Any, page: int) -> Folio:
    """A page of the process with data of its own; gives its folio."""
    setup.map_resident(world.kernel, world.mm, page)
    pte = world.mm.ptes[page]
    assert isinstance(pte, PresentPte)
    return pte.folio


def _large(world: Any, page: int, order: int) -> Folio:
    """A large folio that the process maps whole."""
    folio: Folio = setup.map_resident(world.kernel, world.mm, page, order)
    return folio


@BOTH
def test_round_trip(make_world: Callable[..., Any], sync: bool) -> None:
    """A page that goes out and comes back has the data that was stored last."""
    world = make_world(sync=sync)
    folio = _resident(world, 3)

    async def main() -> list[str]:
        done = [await shrink_folio_list(world.kernel, world.mm, 3)]
        assert folio.freed
        done.append(world.slots(1).split(":")[0])
        done.append(await handle_mm_fault(world.kernel, world.mm, 3, write=False))
        return done

    assert world.play(main=main)["main"] == ["reclaimed", "s1", "mapped"]
    pte = world.mm.ptes[3]
    assert pte.folio.pages[pte.index] == world.mm.newest[3]
    assert world.kernel.warnings == []
    assert (world.m1.memory, world.m1.swap) == (1, 0 if sync else 1)


def test_large_folio_leaves_one_shadow(world: Any) -> None:
    """All slots of a large folio get the same shadow, and each its own data (spec 2.2)."""
    folio = _large(world, 16, order=2)
    tokens = list(folio.pages)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 16)

    assert world.play(main=main)["main"] == "reclaimed"
    words = [world.word(slot) for slot in range(4, 8)]
    assert len({swp_tb_to_shadow(word) for word in words}) == 1
    assert swp_tb_to_shadow(words[0]) > 1
    assert [world.si.data[slot] for slot in range(4, 8)] == tokens
    assert [world.mm.ptes[page] for page in range(16, 20)] == [
        SwapPte(world.entry(slot)) for slot in range(4, 8)
    ]
    assert world.kernel.workingset.age == 4
    assert world.kernel.folios == {}


def test_zero_page_round_trip(make_world: Callable[..., Any]) -> None:
    """A slot that held zeros holds other data when its page was stored to since (spec 7)."""
    world = make_world(sync=False)
    world.swapped(16, page=3, zero=True)

    async def main() -> list[str]:
        return [
            await handle_mm_fault(world.kernel, world.mm, 3, write=False),
            await user_store(world.kernel, world.mm, 3),
            await shrink_folio_list(world.kernel, world.mm, 3),
            world.slots(16).split(":")[0],
            await handle_mm_fault(world.kernel, world.mm, 3, write=False),
        ]

    assert world.play(main=main)["main"] == ["mapped", "stored", "reclaimed", "s1", "mapped"]
    pte = world.mm.ptes[3]
    assert pte.folio.pages[pte.index] == world.mm.newest[3] != 0


@pytest.mark.parametrize("page", [3, 4])
def test_nothing_to_reclaim(world: Any, page: int) -> None:
    """Only a page that is mapped can be reclaimed."""
    world.swapped(16, page=3)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, page)

    assert world.play(main=main)["main"] == "nothing there"


def test_locked(world: Any) -> None:
    """Reclaim does not wait for a lock."""
    folio = _resident(world, 3)

    async def main() -> str:
        folio.lock.take_free()
        kept = await shrink_folio_list(world.kernel, world.mm, 3)
        await folio.lock.release("main.unlock")
        return kept

    assert world.play(main=main)["main"] == "locked"
    assert folio.refs == 1


def test_no_slots(make_world: Callable[..., Any]) -> None:
    """Without slots the page stays as it was."""
    world = make_world()
    folio = _resident(world, 3)
    for slot in range(1, 512):
        world.swapped(slot)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "no slots"
    assert (folio.refs, folio.locked, folio.swapcache) == (1, False, False)


def test_reference_of_another(world: Any) -> None:
    """A folio that somebody else holds keeps its place in the cache (H01)."""
    folio = _resident(world, 3)

    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    results = world.play(
        holder=holder, main=main, window=[Run("holder", "holder.held"), Run("main")]
    )

    assert results["main"] == "in use"
    assert (world.slots(1), folio.refs, folio.frozen) == ("f1", 1, False)


def test_dirtied_after_the_write(world: Any) -> None:
    """The dirty flag is looked at once the references are frozen (H02)."""
    folio = _resident(world, 3)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    async def writer() -> None:
        folio.dirty = True

    results = world.play(
        main=main, writer=writer, window=[Run("main", "remove_mapping.frozen"), Run("writer")]
    )

    assert results["main"] == "in use"
    assert (world.slots(1), folio.refs, folio.frozen) == ("f1", 1, False)


def test_frozen_until_freed(world: Any) -> None:
    """Nobody gets hold of a folio between its removal and its end (spec 2.2, A21)."""
    folio = _resident(world, 3)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    async def looker() -> object:
        return await swap_cache_get_folio(world.kernel, world.entry(1))

    results = world.play(
        main=main,
        looker=looker,
        window=[
            Run("main", "remove_mapping.frozen"),
            Run("looker", "swap_cache_get_folio.get"),
            Run("main", "shrink_folio_list.free"),
            Run("looker"),
        ],
    )

    assert results == {"main": "reclaimed", "looker": None}
    assert (folio.freed, folio.refs) == (True, 0)


def test_remove_mapping_of_uncached(world: Any) -> None:
    """Only the swap cache has a mapping to remove."""
    folio = _resident(world, 3)

    async def main() -> bool:
        return await _remove_mapping(world.kernel, folio)

    assert world.play(main=main)["main"] is False


def test_count_is_full(world: Any) -> None:
    """Where a slot's count is full the page stays mapped (spec 1.5, 2.2)."""
    folio = _resident(world, 3)

    async def full(*_: object) -> Errno:
        return Errno.ENOMEM

    world.kernel.functions["folio_dup_swap"] = full

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "count is full"
    assert (world.mm.ptes[3].folio, folio.mapcount) == (folio, 1)
    assert world.slots(1) == "f0"


def test_v1_leaves_memsw_with_the_slot(make_world: Callable[..., Any]) -> None:
    """v1: memory goes down, memsw stays and is recorded for the slot (spec 6)."""
    world = make_world(memcg_v1=True)
    _resident(world, 3)

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "reclaimed"
    assert (world.m1.memory, world.m1.memsw) == (0, 1)
    assert world.si.clusters[0].memcg_table == {1: 1}
    assert world.kernel.vmstat.memcg["m1", "NR_SWAPCACHE"] == 0


def test_count_before_entry(world: Any) -> None:
    """A slot's count is raised before its entry is published (spec 2.2)."""
    _resident(world, 3)
    seen: list[str] = []

    def watched(kernel: Any, mm: Any, page: int, pte: Any) -> None:
        seen.append(world.slots(1))
        mm.ptes[page] = pte

    world.kernel.functions["set_pte_at"] = watched

    async def main() -> str:
        return await shrink_folio_list(world.kernel, world.mm, 3)

    world.play(main=main)
    assert seen == ["f1"]
