# SPDX-License-Identifier: MIT OR Apache-2.0
"""Charges and owners, with both versions of the memory controller (spec 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memcontrol import (
    MemCgroup,
    charge_memcg,
    lookup_swap_cgroup_id,
    mem_cgroup_charge,
    mem_cgroup_css_alloc,
    mem_cgroup_css_offline,
    mem_cgroup_private_id_get_online,
    mem_cgroup_private_id_put,
    mem_cgroup_replace_folio,
)
from swaptrio.mm.memory import handle_mm_fault
from swaptrio.mm.mm_types import PresentPte, SwapPte
from swaptrio.mm.page_alloc import alloc_pages, folio_put, folio_put_refs, new_folio
from swaptrio.mm.swapfile import mem_cgroup_swap_full, swap_put_entries_direct
from swaptrio.mm.vmscan import madvise_pageout
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


def _mapped(world: Any, page: int, mm: Any = None) -> None:
    setup.map_resident(world.kernel, mm or world.mm, page)


def test_charge_reclaims(make_world: Callable[..., Any]) -> None:
    """Who is past a limit swaps the oldest page of the group out, and is charged then."""
    world = make_world(limit=2, watched=True)
    for page in (3, 4):
        _mapped(world, page)

    assert world.play(main=_charging(world, 1))["main"] == ("m1", 2, 0)
    assert isinstance(world.mm.ptes[3], SwapPte)
    assert isinstance(world.mm.ptes[4], PresentPte)
    assert (world.m1.memory, world.m1.swap) == (1, 1)


def test_charge_reclaims_from_the_group_that_is_full(make_world: Callable[..., Any]) -> None:
    """The limit of a parent makes the whole family give; no other group does."""
    world = make_world(limit=1, watched=True)
    stranger = MemCgroup("m3", 3, 1000)
    world.kernel.memcgs.by_id[3] = stranger
    world.m2.parent = world.m1
    _mapped(world, 3)
    _mapped(world, 3, other := setup.new_process(world.kernel, "Q", stranger))

    assert world.play(main=_charging(world, 2))["main"] == ("m2", 1, 1)
    assert isinstance(world.mm.ptes[3], SwapPte)
    assert isinstance(other.ptes[3], PresentPte)
    assert (world.m1.memory, world.m2.memory) == (0, 0)


def test_charge_of_what_does_not_fit_at_all(make_world: Callable[..., Any]) -> None:
    """Where reclaim frees pages and never enough, a charge fails in the end."""
    world = make_world(limit=2, watched=True)
    _mapped(world, 3)

    assert world.play(main=_charging(world, 1, order=2))["main"] is Errno.ENOMEM
    assert (world.m1.memory, world.m1.swap) == (0, 1)


@pytest.mark.parametrize(("gfp", "requests"), [("GFP", 3), ("GFP_TRANSHUGE_LIGHT&GFP", 1)])
def test_attempts(make_world: Callable[..., Any], gfp: str, requests: int) -> None:
    """A charge tries again a number of times; that of a large folio does not."""
    world = make_world(limit=0)
    tried: list[int] = []

    async def free(kernel: Any, memcg: Any, nr: int, *, may_swap: bool) -> int:
        tried.append(nr)
        return 0

    world.kernel.functions["try_to_free_mem_cgroup_pages"] = free

    async def main() -> object:
        folio = await alloc_pages(world.kernel, 1)
        assert folio is not None
        error = await charge_memcg(world.kernel, folio, 1, None, gfp)
        folio_put(world.kernel, folio)
        return error

    assert world.play(main=main)["main"] is Errno.ENOMEM
    assert tried == [2] * requests


def test_reclaim_of_v1_waits(make_world: Callable[..., Any]) -> None:
    """Reclaim for a group of v1 waits for the writeback that it began."""
    world = make_world("next", limit=1, memcg_v1=True, sync=False, watched=True)
    _mapped(world, 3)

    assert world.play(main=_charging(world, 1))["main"] == ("m1", 1, 0)
    assert (world.m1.memory, world.m1.memsw) == (0, 1)


def test_limit_of_memsw(make_world: Callable[..., Any]) -> None:
    """v1: past the limit of memsw nothing is swapped out, as that does not help."""
    world = make_world(memcg_v1=True)
    world.m1.memsw_limit = 1
    _mapped(world, 3)

    assert world.play(main=_charging(world, 1))["main"] is Errno.ENOMEM
    assert isinstance(world.mm.ptes[3], PresentPte)


@pytest.mark.parametrize("of", ["m1", "m2"])
def test_limit_of_swap(world: Any, of: str) -> None:
    """v2: slots past a limit, of the group or above it, are not charged and not kept (G06)."""
    world.m1.parent = world.m2
    getattr(world, of).swap_max = 0
    _mapped(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "no slots"
    assert (world.m1.swap, world.m2.swap, world.m1.id_refs) == (0, 0, 1)
    assert world.slots(1) == "-"


def _swapped_by(world: Any, memcg: Any, page: int = 3) -> Callable[[], Any]:
    """Swap a page of *memcg* out, with the group offline by then."""
    mm = setup.new_process(world.kernel, f"Q{page}", memcg)
    _mapped(world, page, mm)

    async def main() -> object:
        await mem_cgroup_css_offline(world.kernel, memcg)
        await madvise_pageout(world.kernel, mm, page)
        pte = mm.ptes[page]
        assert isinstance(pte, SwapPte)
        return lookup_swap_cgroup_id(world.kernel, pte.entry)

    return main


@pytest.mark.parametrize("v1", [False, True])
def test_owner_above_one_without_id(make_world: Callable[..., Any], v1: bool) -> None:
    """Slots of a group whose id is gone are the nearest group's above it, with its charge."""
    world = make_world("next", memcg_v1=v1, watched=True)
    world.m2.parent = world.m1

    assert world.play(main=_swapped_by(world, world.m2))["main"] == 1
    assert world.m1.id_refs == 2
    assert (world.m2.memory, world.m2.swap, world.m2.memsw) == (0, 0, 0)
    assert (world.m1.swap, world.m1.memsw) == ((0, 1) if v1 else (1, 0))
    assert world.kernel.memcgs.without_id == [world.m2]


def test_owner_that_is_offline_and_on_record(world: Any) -> None:
    """As long as slots are on record for a group its id lives, and can be given more."""
    world.swapped(16, memcg=world.m2)

    assert world.play(main=_swapped_by(world, world.m2))["main"] == 2
    assert (world.m2.online, world.m2.id_refs) == (False, 2)


def test_id_is_used_again(world: Any) -> None:
    """The id of a group is free when it is offline and its last slot is (G07)."""
    world.swapped(16, memcg=world.m2)

    async def main() -> list[int]:
        ids = []
        await mem_cgroup_css_offline(world.kernel, world.m2)
        ids.append(mem_cgroup_css_alloc(world.kernel, "m3", 9).id)
        await swap_put_entries_direct(world.kernel, world.entry(16), 1)
        ids.append(mem_cgroup_css_alloc(world.kernel, "m4", 9, world.m1).id)
        return ids

    assert world.play(main=main)["main"] == [3, 2]
    assert (world.m2.id_refs, world.m2.swap) == (0, 0)
    assert world.kernel.memcgs.by_id[2].parent is world.m1


def test_id_dropped_twice(world: Any) -> None:
    """A reference too few is warned of."""
    mem_cgroup_private_id_put(world.kernel, world.m2, 1)
    assert world.kernel.memcgs.by_id == {1: world.m1}
    assert mem_cgroup_private_id_get_online(world.kernel, world.m2, 1) is world.m2
    assert world.kernel.warnings == ["no group above has an id"]


def test_replaced_folio(world: Any) -> None:
    """Both folios are charged until the old one is freed."""
    old, new, other = (new_folio(world.kernel, order) for order in (0, 0, 0))
    mem_cgroup_charge(world.kernel, old, world.m2)

    mem_cgroup_replace_folio(world.kernel, old, new)
    mem_cgroup_replace_folio(world.kernel, other, other)
    assert (new.memcg, other.memcg, world.m2.memory) == (world.m2, None, 2)
    folio_put_refs(world.kernel, old, 1)
    assert world.m2.memory == 1


@pytest.mark.parametrize(
    ("v1", "limit", "full"), [(False, 3, True), (False, 5, False), (True, 3, False)]
)
def test_swap_is_scarce_for_a_group(
    make_world: Callable[..., Any], v1: bool, limit: int, full: bool
) -> None:
    """Swap is scarce where half of a limit is used, of the group or above it (v2)."""
    world = make_world(memcg_v1=v1)
    world.m1.parent, world.m2.swap_max = world.m2, limit
    for slot in (16, 17):
        world.swapped(slot)
    folio = new_folio(world.kernel, 0)
    assert not mem_cgroup_swap_full(world.kernel, folio)
    mem_cgroup_charge(world.kernel, folio, world.m1)
    assert mem_cgroup_swap_full(world.kernel, folio) is full
