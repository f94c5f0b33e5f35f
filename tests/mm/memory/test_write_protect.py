# SPDX-License-Identifier: MIT OR Apache-2.0
"""Write faults on pages that are mapped read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.memory import dup_mm, exit_mmap, user_read, user_store, zap_pte_range
from swaptrio.mm.mm_types import MmStruct, PresentPte, SwapPte
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


def _read_only(world: Any, page: int) -> Folio:
    """A page that is mapped read-only and belongs to nobody else, which no mark says."""
    folio: Folio = setup.map_resident(world.kernel, world.mm, page)
    folio.exclusive[0] = False
    world.mm.ptes[page] = PresentPte(folio, 0)
    return folio


def _store(world: Any, page: int) -> Callable[[], Any]:
    async def main() -> str:
        return await user_store(world.kernel, world.mm, page)

    return main


def test_exclusive_page_is_used_again(make_world: Callable[..., Any]) -> None:
    """What is marked as exclusive needs no other look, whoever refers to it."""
    world = make_world(watched=True)
    folio = _read_only(world, 3)
    folio.exclusive[0] = True

    async def main() -> str:
        assert folio_try_get(world.kernel, folio)
        result = await user_store(world.kernel, world.mm, 3)
        folio_put(world.kernel, folio)
        return result

    assert world.play(main=main)["main"] == "stored"
    assert world.mm.ptes[3] == PresentPte(folio, 0, True, True, True)


def test_last_user_uses_the_page_again(make_world: Callable[..., Any]) -> None:
    """Who has the only reference left makes the page its own, without a copy."""
    world = make_world(watched=True)
    folio = _read_only(world, 3)

    assert world.play(main=_store(world, 3))["main"] == "stored"
    assert (world.mm.ptes[3].folio, folio.exclusive) == (folio, [True])


def test_child_has_gone(make_world: Callable[..., Any]) -> None:
    """After the child's end the parent writes to its page again."""
    world = make_world()
    folio = setup.map_resident(world.kernel, world.mm, 3)

    async def main() -> str:
        child = await dup_mm(world.kernel, world.mm, "Q")
        assert isinstance(child, MmStruct)
        await exit_mmap(world.kernel, child)
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "stored"
    assert world.mm.ptes[3].folio is folio


def test_slots_are_given_back_for_it(make_world: Callable[..., Any]) -> None:
    """A page in the cache whose slot nobody else uses gives that back, and is used again."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)

    async def main() -> list[str]:
        world.mm.ptes[3] = SwapPte(world.entry(16), exclusive=False)
        return [
            await user_read(world.kernel, world.mm, 3),
            world.slots(16),
            await user_store(world.kernel, world.mm, 3),
        ]

    assert world.play(main=main)["main"] == ["read", "f0", "stored"]
    assert world.slots(16) == "-"
    assert len(world.kernel.folios) == 1


def test_shared_slot(make_world: Callable[..., Any]) -> None:
    """A page whose slot somebody else uses is copied, and the slot keeps the old data."""
    world = make_world(watched=True, sync=False)
    token = world.swapped(16, page=3, count=2)

    async def main() -> str:
        world.mm.ptes[3] = SwapPte(world.entry(16), exclusive=False)
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "stored"
    assert world.slots(16) == "f1"
    assert world.mapped(3) == world.mm.newest[3] != token
    copy = world.mm.ptes[3].folio
    assert (copy.swapcache, copy.refs, copy.exclusive, copy.lru) == (False, 1, [True], True)
    assert world.si.data[16] == token


def test_copy_frees_what_nobody_needs(make_world: Callable[..., Any]) -> None:
    """The folio that was copied is gone if this was its last user."""
    world = make_world(watched=True)
    folio = _read_only(world, 3)

    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    results = world.play(
        holder=holder,
        main=_store(world, 3),
        window=[Run("holder", "holder.held"), Run("main", "wp_page_copy.ptl"), Run("holder")],
    )

    assert results["main"] == "stored"
    assert (folio.freed, world.m1.memory) == (True, 1)


@pytest.mark.parametrize("what", ["alloc", "charge"])
def test_out_of_memory(make_world: Callable[..., Any], what: str) -> None:
    """Without memory or charge the page stays as it was, and nothing is left."""
    world = make_world(may_fail=[what])
    folio = setup.map_resident(world.kernel, world.mm, 3)
    label = {"alloc": "alloc_pages.grant", "charge": "charge_memcg.grant"}[what]

    async def main() -> str:
        await dup_mm(world.kernel, world.mm, "Q")
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main, choices={label: ("fail",)})["main"] == "VM_FAULT_OOM"
    assert (folio.refs, folio.mapcount, world.m1.memory) == (2, 2, 1)
    assert list(world.kernel.folios.values()) == [folio]


def test_entry_changes_during_the_copy(make_world: Callable[..., Any]) -> None:
    """A copy is thrown away if the entry is another when it is done."""
    world = make_world()
    folio = setup.map_resident(world.kernel, world.mm, 3)

    async def main() -> str:
        await dup_mm(world.kernel, world.mm, "Q")
        return await user_store(world.kernel, world.mm, 3)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=main, zap=zap, window=[Run("main", "wp_page_copy.ptl"), Run("zap")]
    )

    assert results["main"] == "unmapped"
    assert (folio.refs, folio.mapcount) == (1, 1)
    assert list(world.kernel.folios.values()) == [folio]


def test_two_write_at_once(make_world: Callable[..., Any]) -> None:
    """A write fault whose entry has changed under the lock does nothing, and is repeated."""
    world = make_world()
    folio = _read_only(world, 3)

    results = world.play(
        one=_store(world, 3),
        other=_store(world, 3),
        window=[Run("one", "handle_pte_fault.ptl"), Run("other"), Run("one")],
    )

    assert results == {"one": "stored", "other": "stored"}
    assert world.mm.ptes[3].folio is folio


def test_locked_folio_is_copied(make_world: Callable[..., Any]) -> None:
    """A folio that somebody has locked is not waited for."""
    world = make_world()
    folio = _read_only(world, 3)

    async def holder() -> None:
        await folio_lock(world.kernel, folio, "holder.lock")
        await point("holder.held")
        await folio.lock.release("holder.unlock")

    results = world.play(
        holder=holder,
        main=_store(world, 3),
        window=[Run("holder", "holder.held"), Run("main")],
    )

    assert results["main"] == "stored"
    assert world.mm.ptes[3].folio is not folio


def test_reference_that_comes_late(make_world: Callable[..., Any]) -> None:
    """References are counted again once the folio is locked."""
    world = make_world()
    folio = _read_only(world, 3)

    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    results = world.play(
        main=_store(world, 3),
        holder=holder,
        window=[
            Run("main", "wp_can_reuse_anon_folio.trylock"),
            Run("holder", "holder.held"),
            Run("main"),
        ],
    )

    assert results["main"] == "stored"
    assert world.mm.ptes[3].folio is not folio


def test_batch_is_drained_for_it(make_world: Callable[..., Any]) -> None:
    """A reference of the own CPU's batch is no foreign one."""
    world = make_world(lru_batch=8)

    async def main() -> str:
        await world.access(3)()
        pte = world.mm.ptes[3]
        pte.folio.exclusive[0] = False
        world.mm.ptes[3] = PresentPte(pte.folio, 0)
        assert (pte.folio.refs, pte.folio.lru) == (2, False)
        await user_store(world.kernel, world.mm, 3)
        return "same" if world.mm.ptes[3].folio is pte.folio else "copied"

    assert world.play(main=main)["main"] == "same"


def test_large_folio_is_copied(make_world: Callable[..., Any]) -> None:
    """A page of a large folio that is not exclusive is copied alone."""
    world = make_world()
    folio = setup.map_resident(world.kernel, world.mm, 4, 2)
    folio.exclusive[1] = False
    world.mm.ptes[5] = PresentPte(folio, 1)

    assert world.play(main=_store(world, 5))["main"] == "stored"
    assert (folio.refs, folio.mapcount) == (3, 3)
    assert world.mm.ptes[5].folio.order == 0
