# SPDX-License-Identifier: MIT OR Apache-2.0
"""Faults, the orders that they may use, and unmapping (spec 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.memory import (
    do_swap_page,
    handle_mm_fault,
    thp_swapin_suitable_orders,
    user_store,
    zap_pte_range,
)
from swaptrio.mm.mm_types import Folio, PresentPte, SwapPte, VmFaultReason
from swaptrio.mm.page_alloc import folio_lock, folio_unlock
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swapfile import folio_free_swap, folio_put_swap
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS = pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])


def _quad(world: Any, **how: Any) -> list[int]:
    """Pages 16 to 19 in slots 16 to 19; gives their tokens."""
    return [world.swapped(slot, page=slot, **how) for slot in range(16, 20)]


def _access(world: Any, page: int, *, write: bool = False) -> Callable[[], Any]:
    async def main() -> str:
        return await handle_mm_fault(world.kernel, world.mm, page, write=write)

    return main


def _mapped(world: Any, page: int) -> int | None:
    """The data that a page maps; none where it maps nothing."""
    pte = world.mm.ptes.get(page)
    return pte.folio.pages[pte.index] if isinstance(pte, PresentPte) else None


@VERSIONS
@pytest.mark.parametrize("sync", [True, False])
def test_fault(make_world: Callable[..., Any], variant: str, sync: bool) -> None:
    """A fault maps the data of the slot; a synchronous device gives the slot back."""
    world = make_world(variant, sync=sync)
    token = world.swapped(16, page=3)

    assert world.play(main=_access(world, 3))["main"] == "mapped"
    assert _mapped(world, 3) == token
    folio = world.mm.ptes[3].folio
    assert (folio.mapcount, folio.refs, folio.locked) == (1, 1 if sync else 2, False)
    assert world.slots(16) == ("-" if sync else "f0")
    assert world.si.users == 1
    assert world.kernel.warnings == []


def test_nothing_there(world: Any) -> None:
    """A page without an entry is not mapped by a fault."""
    assert world.play(main=_access(world, 3))["main"] == "unmapped"


def test_no_device(world: Any) -> None:
    """Without the device the fault is tried again, for its entry must have changed."""
    world.swapped(16, page=3)
    world.si.users = 0

    async def main() -> VmFaultReason:
        return await do_swap_page(world.kernel, world.fault(3))

    assert world.play(main=main)["main"] is VmFaultReason.NONE


@VERSIONS
@pytest.mark.parametrize("what", ["alloc", "charge"])
def test_oom(make_world: Callable[..., Any], variant: str, what: str) -> None:
    """No folio and an unchanged entry are VM_FAULT_OOM, and leave the slot alone."""
    world = make_world(variant, may_fail=[what])
    world.swapped(16, page=3)
    label = {"alloc": "alloc_pages.grant", "charge": "charge_memcg.grant"}[what]

    assert world.play(main=_access(world, 3), choices={label: ("fail",)})["main"] == (
        "VM_FAULT_OOM"
    )
    assert (world.slots(16), world.kernel.folios, world.m1.memory) == ("s1:0", {}, 0)


def test_no_folio_and_a_changed_entry(make_world: Callable[..., Any]) -> None:
    """No folio and an entry that has changed are no error."""
    world = make_world(may_fail=["alloc"])
    world.swapped(16, page=3)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=_access(world, 3),
        zap=zap,
        window=[Run("main", "do_swap_page.oom_check"), Run("zap")],
        choices={"alloc_pages.grant": ("fail",)},
    )

    assert results["main"] == "unmapped"


@pytest.mark.parametrize("sync", [True, False])
def test_read_error(make_world: Callable[..., Any], sync: bool) -> None:
    """A read error is SIGBUS, each time: the folio is not read again (H05)."""
    world = make_world(sync=sync, may_fail=["read"])
    world.swapped(16, page=3)
    access = _access(world, 3)

    async def main() -> list[str]:
        return [await access(), await access()]

    results = world.play(main=main, choices={"submit_bio.status": ("fail",)})

    assert results["main"] == ["VM_FAULT_SIGBUS"] * 2
    assert world.slots(16) == "f1"
    assert world.mm.ptes[3] == SwapPte(world.entry(16))


def test_mismatch(world: Any) -> None:
    """A folio that has left the slot when it is locked is dropped, and the fault repeated."""
    token = world.swapped(16, page=3, count=2)

    async def owner() -> None:
        folio = await world.cached(16)
        await folio_lock(world.kernel, folio, "owner.lock")
        await folio_put_swap(world.kernel, folio, 0)
        await folio_put_swap(world.kernel, folio, 0)
        await folio_free_swap(world.kernel, folio)
        await folio_unlock(world.kernel, folio, "owner.unlock")

    async def fault() -> VmFaultReason:
        return await do_swap_page(world.kernel, world.fault(3))

    results = world.play(
        owner=owner,
        fault=fault,
        window=[
            Run("owner", "owner.lock"),
            Run("fault", "do_swap_page.folio_lock"),
            Run("owner"),
            Run("fault"),
        ],
    )

    assert token
    assert results["fault"] is VmFaultReason.NONE
    assert world.kernel.folios == {}


def test_entry_changed_under_the_lock(world: Any) -> None:
    """A page whose entry has gone is not mapped, and the folio's slots are given back (A07)."""
    world.swapped(16, page=3)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=_access(world, 3), zap=zap, window=[Run("main", "do_swap_page.ptl"), Run("zap")]
    )

    assert results["main"] == "unmapped"
    assert world.slots(16) == "-"
    assert world.kernel.folios == {}


@VERSIONS
def test_large_folio(make_world: Callable[..., Any], variant: str) -> None:
    """Where all entries name its slots a large folio is mapped whole (spec 4.1)."""
    world = make_world(variant, orders=1 << 2)
    tokens = _quad(world)

    assert world.play(main=_access(world, 17))["main"] == "mapped"
    assert [_mapped(world, page) for page in range(16, 20)] == tokens
    folio = world.mm.ptes[16].folio
    assert (folio.order, folio.mapcount, folio.refs) == (2, 4, 4)
    assert world.slots(16, 4) == "- - - -"
    assert world.kernel.vmstat.mthp["SWPIN", 2] == 1


def test_large_folio_that_does_not_fit_any_more(make_world: Callable[..., Any]) -> None:
    """A large folio that was never mapped and does not fit is dropped; a small one comes."""
    world = make_world(orders=1 << 2)
    tokens = _quad(world)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 19, 1)

    results = world.play(
        main=_access(world, 17), zap=zap, window=[Run("main", "do_swap_page.ptl"), Run("zap")]
    )

    assert results["main"] == "mapped"
    assert [_mapped(world, page) for page in range(16, 20)] == [None, tokens[1], None, None]
    assert world.mm.ptes[17].folio.order == 0
    assert world.slots(16, 4) == "s1:0 - s1:0 -"
    assert world.kernel.warnings == []


def test_page_of_a_large_folio(make_world: Callable[..., Any]) -> None:
    """Of a large folio that was mapped before, one page is mapped where not all fit."""
    world = make_world(sync=False)
    tokens = _quad(world)

    async def main() -> str:
        folio = await world.cached(16, order=2)
        folio.anon = True
        world.mm.ptes[16] = None
        await folio_lock(world.kernel, folio, "main.lock")
        await folio_put_swap(world.kernel, folio, 0)
        await folio_unlock(world.kernel, folio, "main.unlock")
        return await handle_mm_fault(world.kernel, world.mm, 18, write=False)

    assert world.play(main=main)["main"] == "mapped"
    assert [_mapped(world, page) for page in (17, 18, 19)] == [None, tokens[2], None]
    folio = world.mm.ptes[18].folio
    assert (folio.mapcount, folio.refs) == (1, 5)
    assert world.slots(16, 4) == "f0 f1 f0 f1"


def _orders(world: Any, page: int) -> Callable[[], Any]:
    async def main() -> int:
        return await thp_swapin_suitable_orders(world.kernel, world.fault(page))

    return main


def test_suitable_orders(make_world: Callable[..., Any]) -> None:
    """The VMA's large orders below that of a PMD, where entries and alignment fit."""
    world = make_world(orders=0b11_1111_1111)
    _quad(world)

    assert world.play(main=_orders(world, 17))["main"] == 0b110


@pytest.mark.parametrize("config", [{"thp": False}, {"zswap_ever_enabled": True}])
def test_no_orders(make_world: Callable[..., Any], config: dict[str, bool]) -> None:
    """There is no large order without THP, nor once zswap was enabled (spec 4.1)."""
    world = make_world(orders=0b110, **config)
    _quad(world)

    assert world.play(main=_orders(world, 17))["main"] == 0


def test_no_order_of_a_pmd(make_world: Callable[..., Any]) -> None:
    """The order of a PMD is none of those that a fault swaps in."""
    world = make_world(orders=1 << 9)
    for slot in range(1, 512):
        world.swapped(slot, page=slot)
    world.mm.ptes[0] = SwapPte(world.entry(0))

    assert world.play(main=_orders(world, 17))["main"] == 0


def test_alignment(make_world: Callable[..., Any]) -> None:
    """Page and slot must have the same place in their range."""
    world = make_world(orders=0b110)
    for number in range(4):
        world.swapped(16 + number, page=18 + number)

    assert world.play(main=_orders(world, 19))["main"] == 0b010


@pytest.mark.parametrize("spoilt", ["hole", "mapped", "slot", "flags"])
def test_entries_must_go_together(make_world: Callable[..., Any], spoilt: str) -> None:
    """All entries of the range name consecutive slots with equal flags."""
    world = make_world(orders=0b100)
    _quad(world)
    if spoilt == "mapped":
        setup.map_resident(world.kernel, world.mm, 18)
    else:
        world.mm.ptes[18] = {
            "hole": None,
            "slot": SwapPte(world.entry(26)),
            "flags": SwapPte(world.entry(18), exclusive=False),
        }[spoilt]

    assert world.play(main=_orders(world, 17))["main"] == 0


@pytest.mark.parametrize(
    ("variant", "orders"), [("pre", 0b010), ("v3", 0b010), ("v4", 0b010), ("v5", 0b110)]
)
@pytest.mark.parametrize("spoilt", ["owner", "zero"])
def test_slots_in_the_walk(
    make_world: Callable[..., Any], variant: str, orders: int, spoilt: str
) -> None:
    """Before 08/12 and 12/12 the walk compares owners and zero flags; then the lock does."""
    world = make_world(variant, orders=0b110)
    for slot in range(16, 20):
        last = slot == 19
        memcg = world.m2 if last and spoilt == "owner" else world.m1
        world.swapped(slot, page=slot, memcg=memcg, zero=last and spoilt == "zero")

    assert world.play(main=_orders(world, 17))["main"] == orders


@pytest.mark.parametrize(("variant", "orders"), [("pre", 0b010), ("v3", 0b110)])
def test_cached_slots_in_the_walk(
    make_world: Callable[..., Any], variant: str, orders: int
) -> None:
    """Only before 05/12 the walk asks whether a slot is cached."""
    world = make_world(variant, orders=0b110)
    _quad(world)
    find = _orders(world, 17)

    async def main() -> int:
        await world.cached(19)
        return int(await find())

    assert world.play(main=main)["main"] == orders


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
    access = _access(world, 3)

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
        zap=zap, other=other, window=[Run("zap", "zap_pte_range.trylock"), Run("other")]
    )

    assert results["other"] == (1, 1, False)
    assert folio.freed


def test_store(world: Any) -> None:
    """A store swaps the page in, and leaves new data and a dirty folio."""
    token = world.swapped(16, page=3)

    async def main() -> str:
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "stored"
    assert _mapped(world, 3) == world.mm.newest[3] != token
    assert world.mm.ptes[3].folio.dirty


def test_store_to_nothing(world: Any) -> None:
    """A store where nothing is mapped says so."""

    async def main() -> str:
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "unmapped"


@pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])
def test_readahead(make_world: Callable[..., Any], variant: str) -> None:
    """Readahead of one slot: order 0, marked, counted; none for a slot that is free."""
    world = make_world(variant, sync=False)
    token = world.swapped(16)

    async def read(slot: int) -> Folio | None:
        return await swap_cache_read_folio(
            world.kernel, world.entry(slot), "GFP", "vma", 0, readahead=True
        )

    async def main() -> None:
        folio = await read(16)
        assert folio is not None
        assert folio.readahead
        await folio_lock(world.kernel, folio, "main.lock")
        assert folio.pages == [token]
        await world.release(folio)
        assert await read(17) is None

    world.play(main=main)
    assert world.kernel.vmstat.events["SWAP_RA"] == 1
    assert world.slots(16, 2) == "f1 -"


@pytest.mark.parametrize(("variant", "word"), [("pre", "b"), ("v3", "f15"), ("v5", "f15z")])
def test_readahead_over_a_bad_slot(
    make_world: Callable[..., Any], variant: str, word: str
) -> None:
    """v3 removed the filter for bad slots, and takes one for used 15 times (A15)."""
    world = make_world(variant, sync=False)

    async def main() -> None:
        await swap_cache_read_folio(
            world.kernel, world.entry(0), "GFP", "vma", 0, readahead=True
        )

    world.play(main=main)
    assert world.slots(0) == word
