# SPDX-License-Identifier: MIT OR Apache-2.0
"""Charges and owners, with both versions of the memory controller (spec 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.memcontrol import charge_memcg, lookup_swap_cgroup_id
from swaptrio.mm.memory import handle_mm_fault
from swaptrio.mm.page_alloc import alloc_pages, folio_put
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


def _charging(world: Any, owner: int, mm: Any = None, order: int = 0) -> Callable[[], Any]:
    async def main() -> object:
        folio = await alloc_pages(world.kernel, order)
        assert folio is not None
        error = await charge_memcg(world.kernel, folio, owner, mm, "GFP")
        name = None if folio.memcg is None else folio.memcg.name
        charged = world.m1.memory, world.m2.memory
        folio_put(world.kernel, folio)
        return error or (name, *charged)

    return main


def test_charge_and_uncharge(world: Any) -> None:
    """A folio is charged with all its pages, and uncharged when it is freed."""
    assert world.play(main=_charging(world, 2, order=2))["main"] == ("m2", 0, 4)
    assert world.m2.memory == 0


@pytest.mark.parametrize(("limit", "charged"), [(3, False), (4, True)])
def test_limit(make_world: Callable[..., Any], limit: int, charged: bool) -> None:
    """A charge that does not fit below the limit fails whole."""
    world = make_world(limit=limit)

    result = world.play(main=_charging(world, 1, order=2))["main"]

    assert result == (("m1", 4, 0) if charged else Errno.ENOMEM)
    assert world.m1.memory == 0


def test_charge_fails_by_decision(make_world: Callable[..., Any]) -> None:
    """A charge can fail although there is room, where the scenario says so."""
    world = make_world(may_fail=["charge"])

    result = world.play(main=_charging(world, 1), choices={"charge_memcg.grant": ("fail",)})

    assert result["main"] is Errno.ENOMEM


@pytest.mark.parametrize("owner", [2, 9, 0])
def test_owner_that_is_gone(world: Any, owner: int) -> None:
    """An id that names no online memcg falls back to that of the mm (G07)."""
    world.m2.online = False

    assert world.play(main=_charging(world, owner, world.mm))["main"] == ("m1", 1, 0)


def test_owner_that_is_gone_without_mm(world: Any) -> None:
    """Without an mm the charge goes to the running context's, here the first."""
    assert world.play(main=_charging(world, 9))["main"] == ("m1", 1, 0)


def test_others_run_while_a_charge_is_waited_for(world: Any) -> None:
    """The charger is a task: whoever waits for it lets others run (spec 10)."""
    results = world.play(
        first=_charging(world, 1),
        second=_charging(world, 2),
        window=[Run("first", "charge_memcg.wait"), Run("second"), Run("first")],
    )

    assert results == {"first": ("m1", 1, 0), "second": ("m2", 1, 1)}


def test_v2_counts_memory_and_swap(make_world: Callable[..., Any]) -> None:
    """v2: a page that is swapped in is charged as memory, its slot as swap until freed."""
    world = make_world(sync=False)
    world.swapped(16, page=3, memcg=world.m2, count=2)

    async def main() -> str:
        return await handle_mm_fault(world.kernel, world.mm, 3, write=False)

    assert world.play(main=main)["main"] == "mapped"
    assert (world.m2.memory, world.m2.swap, world.m2.memsw) == (1, 1, 0)
    assert lookup_swap_cgroup_id(world.kernel, world.entry(16)) == 2


def test_v1_moves_memsw(make_world: Callable[..., Any]) -> None:
    """v1: a swap-in charges memory and memsw, and drops what its slot was charged."""
    world = make_world(sync=False, memcg_v1=True)
    world.swapped(16, page=3, memcg=world.m2, count=2)
    assert (world.m2.memory, world.m2.memsw) == (0, 1)

    async def main() -> str:
        return await handle_mm_fault(world.kernel, world.mm, 3, write=False)

    world.play(main=main)
    assert (world.m2.memory, world.m2.memsw, world.m2.swap) == (1, 1, 0)
    assert lookup_swap_cgroup_id(world.kernel, world.entry(16)) == 0


def test_v1_counts_twice_in_between(make_world: Callable[..., Any]) -> None:
    """v1: between the charge and memcg1_swapin a page counts twice, which is legal."""
    world = make_world(memcg_v1=True)
    world.swapped(16, page=3)

    async def fault() -> str:
        return await handle_mm_fault(world.kernel, world.mm, 3, write=False)

    async def observer() -> int:
        return int(world.m1.memsw)

    results = world.play(
        fault=fault,
        observer=observer,
        window=[Run("fault", "swap_cache_alloc.memcg1"), Run("observer")],
    )

    assert results["observer"] == 2
    assert world.m1.memsw == 1


def test_failed_charge_leaves_records(make_world: Callable[..., Any]) -> None:
    """A charge that fails touches neither counter nor record of the slot."""
    world = make_world(limit=0)
    world.swapped(16, page=3)

    async def main() -> str:
        return await handle_mm_fault(world.kernel, world.mm, 3, write=False)

    assert world.play(main=main)["main"] == "VM_FAULT_OOM"
    assert (world.m1.memory, world.m1.swap) == (0, 1)
    assert lookup_swap_cgroup_id(world.kernel, world.entry(16)) == 1
    assert world.slots(16) == "s1:0"
