# SPDX-License-Identifier: MIT OR Apache-2.0
"""The orders that a swap-in may use, and readahead of one slot (spec 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.memory import (
    thp_swapin_suitable_orders,
)
from swaptrio.mm.mm_types import Folio, SwapPte
from swaptrio.mm.page_alloc import folio_lock
from swaptrio.mm.swap_state import swap_cache_read_folio

if TYPE_CHECKING:
    from collections.abc import Callable


def _orders(world: Any, page: int) -> Callable[[], Any]:
    async def main() -> int:
        return await thp_swapin_suitable_orders(world.kernel, world.fault(page))

    return main


def test_suitable_orders(make_world: Callable[..., Any]) -> None:
    """The VMA's large orders below that of a PMD, where entries and alignment fit."""
    world = make_world(orders=0b11_1111_1111)
    world.quad()

    assert world.play(main=_orders(world, 17))["main"] == 0b110


@pytest.mark.parametrize("config", [{"thp": False}, {"zswap_ever_enabled": True}])
def test_no_orders(make_world: Callable[..., Any], config: dict[str, bool]) -> None:
    """There is no large order without THP, nor once zswap was enabled (spec 4.1)."""
    world = make_world(orders=0b110, **config)
    world.quad()

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
    world.quad()
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
    world.quad()
    find = _orders(world, 17)

    async def main() -> int:
        await world.cached(19)
        return int(await find())

    assert world.play(main=main)["main"] == orders


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
