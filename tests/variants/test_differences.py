# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tells the versions apart: one test for each row of spec 5.3 that is modelled."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import attrs
import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config, Kernel, plain
from swaptrio.mm.memcontrol import MemCgroup, charge_memcg
from swaptrio.mm.mm_types import Folio, MmStruct, SwapPte, VmFault
from swaptrio.mm.page_alloc import folio_put, folio_unlock
from swaptrio.mm.shmem import shmem_swap_alloc_folio
from swaptrio.mm.swap_h import SWP_SYNCHRONOUS_IO, SwapInfoStruct, ZswapEntry, swp_entry
from swaptrio.mm.swap_state import (
    swap_cache_alloc_folio,
    swap_cache_read_folio,
    swapin_sync,
)
from swaptrio.mm.zswap import zswap_writeback_entry
from swaptrio.sched import Ending, Execution, Run, Script, run
from swaptrio.variants import load

Main = Callable[["World"], Coroutine[Any, Any, object]]


@attrs.define(eq=False)
class World:
    """One device with the slots 16 to 19 swapped out, and a process that maps them there."""

    kernel: Kernel
    si: SwapInfoStruct
    mm: MmStruct
    ending: Ending = Ending.PASSED
    calls: list[tuple[str, Any]] = attrs.Factory(list)

    async def alloc(self, orders: int, *, slot: int = 17) -> tuple[int, int] | Errno:
        """Allocate, and let go again; gives order and first slot, or the error."""
        entry = swp_entry(0, slot)
        vmf = VmFault(self.mm, slot, SwapPte(entry))
        folio = await swap_cache_alloc_folio(self.kernel, entry, "GFP", orders, vmf, None, 0)
        if isinstance(folio, Errno):
            return folio
        found = folio.order, folio.swap
        await folio_unlock(self.kernel, folio, "main.unlock")
        folio_put(self.kernel, folio)
        return found

    def fallbacks(self, item: str = "SWPIN_FALLBACK") -> dict[int, int]:
        """How often each order fell back."""
        counted = self.kernel.vmstat.mthp.items()
        return {order: count for (name, order), count in counted if name == item}


def _play(
    variant: str,
    main: Main,
    *,
    fail: dict[str, Sequence[str]] | None = None,
    spoil: Callable[[World], object] = lambda _: None,
    other: Main | None = None,
    until: str = "",
    orders: int = 0b110,
    **config: bool,
) -> tuple[Any, World]:
    """Run *main* in a world that *spoil* has changed, and *other* when it stands at *until*."""
    labels = {"alloc": "alloc_pages.grant", "charge": "charge_memcg.grant",
              "deferred_split": "folio_memcg_alloc_deferred.grant"}  # fmt: skip
    m1, m2 = MemCgroup("m1", 1, 1000), MemCgroup("m2", 2, 1000)
    kernel = setup.new_kernel(
        Config(**config), load(variant).functions, Drawn(fail or ()), [m1, m2]
    )
    si = setup.new_device(kernel, "swap0")
    mm = setup.new_process(kernel, "P", m1, orders)
    world = World(kernel, si, mm)
    for slot in range(16, 20):
        token = setup.swap_out(kernel, si, slot, memcg=m1, shadow=slot)
        setup.map_swapped(mm, slot, si, slot, token)
    spoil(world)

    def program(execution: Execution) -> None:
        execution.spawn("main", main, world)
        if other is not None:
            execution.spawn("other", other, world)
        setup.start_daemons(kernel, execution)

    window = (Run("main", until), Run("other")) if other is not None else ()
    choices = {labels[what]: tuple(drawn) for what, drawn in (fail or {}).items()}
    execution = run(program, Script(window, choices), budget=3000)
    assert execution.verdict is not None
    world.ending = execution.verdict.ending
    return execution.tasks[0].result, world


def _allocating(orders: int) -> Main:
    async def main(world: World) -> object:
        return await world.alloc(orders)

    return main


async def _insert_19(world: World) -> object:
    return await world.alloc(1, slot=19)


@pytest.mark.parametrize(
    ("variant", "result", "warnings"),
    [("v3", (0, 17), 0), ("v4", Errno.EINVAL, 1), ("v5", Errno.EINVAL, 1)],
)
def test_no_orders(variant: str, result: object, warnings: int) -> None:
    """Row 1: no order means order 0 in v3, and is EINVAL with a warning from v4 on."""
    found, world = _play(variant, _allocating(0))

    assert found == result
    assert len(world.kernel.warnings) == warnings


@pytest.mark.parametrize(
    ("variant", "result"), [("v3", (0, 17)), ("v4", Errno.EBUSY), ("v5", Errno.EBUSY)]
)
def test_forced_order_0(variant: str, result: object) -> None:
    """Row 2: v3 tries order 0 whatever the caller allows; later ones leave with the error."""
    found, world = _play(
        variant, _allocating(0b100), other=_insert_19, until="swap_cache_alloc.check"
    )

    assert found == result
    assert world.fallbacks() == {2: 1}


@pytest.mark.parametrize(
    ("variant", "ending"),
    [("v3", Ending.PASSED), ("v4", Ending.LIVELOCK), ("v5", Ending.PASSED)],
)
def test_loop_without_thp(variant: str, ending: Ending) -> None:
    """Row 3: without THP the loop of v4 does not end while memory is short (A11)."""

    async def nothing(*_: object) -> None:
        return None

    def spoil(world: World) -> None:
        world.kernel.functions["alloc_pages"] = nothing

    _, world = _play(variant, _allocating(1), spoil=spoil, thp=False)

    assert world.ending is ending


@pytest.mark.parametrize(("variant", "checked"), [("v3", False), ("v4", True)])
def test_check_of_the_size(variant: str, checked: bool) -> None:
    """Row 4: v4 checks that a folio fits in a cluster, with a warning only."""
    found, world = _play(variant, _allocating(1 << 10 | 1))

    assert found == (0, 17)
    assert ("order is larger than a cluster" in world.kernel.warnings) == checked


def test_order_above_a_cluster() -> None:
    """Row 5: from v5 on an order above a cluster is EINVAL, with a warning."""
    found, world = _play("v5", _allocating(1 << 10 | 1))

    assert found is Errno.EINVAL
    assert len(world.kernel.warnings) == 1


async def _recycle_for_m2(world: World) -> None:
    """The target is freed, and used again by somebody in m2."""
    ci = world.si.clusters[0]
    ci.memcg_table[17] = 2


@pytest.mark.parametrize(
    ("variant", "until", "charged"),
    [
        ("pre", "swap_cache_add_folio.lock", "m1"),
        ("v3", "swap_cache_alloc.recheck", "m2"),
        ("v5", "swap_cache_alloc.recheck", "m2"),
    ],
)
def test_owner_is_read(variant: str, until: str, charged: str) -> None:
    """Row 7: from v3 on the owner is read after the insertion, in pre before it (A03)."""

    async def main(world: World) -> object:
        folio = await swap_cache_read_folio(
            world.kernel, swp_entry(0, 17), "GFP", "task", 0, readahead=False
        )
        assert folio is not None
        name = None if folio.memcg is None else folio.memcg.name
        folio_put(world.kernel, folio)
        return name

    found, _ = _play(variant, main, other=_recycle_for_m2, until=until)

    assert found == charged


@pytest.mark.parametrize(("variant", "order"), [("v3", 2), ("v4", 2), ("v5", 0)])
def test_owners_of_a_range(variant: str, order: int) -> None:
    """Row 7: one folio for slots of two owners is possible until 08/12 (A12)."""

    def spoil(world: World) -> None:
        world.si.clusters[0].memcg_table[18] = 2

    found, _ = _play(variant, _allocating(0b101), spoil=spoil)

    assert found[0] == order


@pytest.mark.parametrize(("variant", "order"), [("v3", 2), ("v4", 2), ("v5", 0)])
def test_zero_flags_of_a_range(variant: str, order: int) -> None:
    """Row 8: one folio for slots with and without the zero flag is possible until 12/12."""

    def spoil(world: World) -> None:
        table = world.si.clusters[0].table
        assert table is not None
        table[18] |= 1 << 59

    found, _ = _play(variant, _allocating(0b101), spoil=spoil)

    assert found[0] == order


@pytest.mark.parametrize(("variant", "order"), [("v3", 2), ("v4", 2), ("v5", 0)])
def test_failure_after_the_charge(variant: str, order: int) -> None:
    """Row 9: in M a folio can fail for want of a place in a queue, and counts no charge."""

    async def fails(*_: object) -> Errno:
        return Errno.ENOMEM

    def spoil(world: World) -> None:
        world.kernel.functions["folio_memcg_alloc_deferred"] = fails

    found, world = _play(variant, _allocating(0b101), spoil=spoil)

    assert found[0] == order
    assert world.fallbacks("SWPIN_FALLBACK_CHARGE") == {}
    assert world.kernel.memcgs.by_id[1].memory == 1 << order


@pytest.mark.parametrize(
    ("variant", "result"),
    [("pre", None), ("v3", None), ("v4", None), ("v5", Errno.ENOMEM)],
)
def test_result_for_a_fault(variant: str, result: object) -> None:
    """Row 12: a fault is told none of a failure, and from v5 on the error."""

    async def main(world: World) -> object:
        entry = swp_entry(0, 17)
        vmf = VmFault(world.mm, 17, SwapPte(entry))
        return await swapin_sync(world.kernel, entry, "GFP", vmf)

    found, _ = _play(variant, main, fail={"alloc": ["fail"]}, orders=0)

    assert found is result


@pytest.mark.parametrize("variant", ["v3", "v4", "v5"])
def test_no_policy_and_no_fault(variant: str) -> None:
    """Last row: with neither policy nor fault the policy allocates, from v3 on (A25)."""

    async def main(world: World) -> None:
        entry = swp_entry(0, 17)
        folio = await swap_cache_alloc_folio(world.kernel, entry, "GFP", 1, None, None, 0)
        assert isinstance(folio, Folio)
        await folio_unlock(world.kernel, folio, "main.unlock")
        folio_put(world.kernel, folio)

    _, world = _play(variant, main)

    assert world.ending is Ending.PASSED


@pytest.mark.parametrize(("variant", "lookups"), [("pre", 1), ("v3", 2), ("v4", 1), ("v5", 1)])
def test_lookups_of_a_read(variant: str, lookups: int) -> None:
    """v3 looks a slot up once more than needed before it reads it (spec 4.2)."""

    async def main(world: World) -> object:
        folio = await swap_cache_read_folio(
            world.kernel, swp_entry(0, 17), "GFP", "task", 0, readahead=False
        )
        assert folio is not None
        folio_put(world.kernel, folio)
        return len(world.calls)

    def spoil(world: World) -> None:
        async def none_found(kernel: Kernel, entry: object) -> None:
            world.calls.append(("lookup", entry))

        world.kernel.functions["swap_cache_get_folio"] = none_found

    assert _play(variant, main, spoil=spoil)[0] == lookups


@pytest.mark.parametrize(("variant", "passed"), [("v3", 0b110), ("v4", 0b111), ("v5", 0b111)])
def test_orders_of_a_fault(variant: str, passed: int) -> None:
    """v3 passes the large orders only, later versions order 0 too (spec 4.1)."""

    async def main(world: World) -> object:
        entry = swp_entry(0, 17)
        vmf = VmFault(world.mm, 17, SwapPte(entry))
        return await swapin_sync(world.kernel, entry, "GFP", vmf)

    def spoil(world: World) -> None:
        async def refuse(kernel: Kernel, *args: Any) -> Errno:
            world.calls.append(("alloc", args[2]))
            return Errno.ENOENT

        world.kernel.functions["swap_cache_alloc_folio"] = refuse

    _, world = _play(variant, main, spoil=spoil)

    assert world.calls == [("alloc", passed)]


@pytest.mark.parametrize("variant", ["v3", "v4", "v5"])
def test_conflict_is_counted(variant: str) -> None:
    """From v3 on a late conflict counts as a fallback of its order (spec 12)."""
    found, world = _play(
        variant, _allocating(0b101), other=_insert_19, until="swap_cache_alloc.recheck"
    )

    assert found == (0, swp_entry(0, 17))
    assert world.fallbacks() == {2: 1}


def test_conflict_in_pre() -> None:
    """In pre a late conflict of a large folio leaves nothing, and is not counted (A05)."""

    async def main(world: World) -> object:
        entry = swp_entry(0, 17)
        vmf = VmFault(world.mm, 17, SwapPte(entry))
        return await swapin_sync(world.kernel, entry, "GFP", vmf)

    found, world = _play("pre", main, other=_insert_19, until="swap_cache_add_folio.lock")

    assert found is None
    assert world.fallbacks() == {}
    assert world.kernel.memcgs.by_id[1].memory == 1


@pytest.mark.parametrize(("spoiler", "error"), [("cached", "EEXIST"), ("freed", "ENOENT")])
def test_check_of_pre(spoiler: str, error: str) -> None:
    """In pre any slot of the range decides the error, and the last shadow is kept (A06)."""
    from swaptrio.variants import pre

    async def main(world: World) -> object:
        ci = world.si.clusters[0]
        assert ci.table is not None
        async with ci.lock.hold("main.lock"):
            good = pre._swap_cache_add_check(world.kernel, ci, 16, 4)
            ci.table[19] = 0 if spoiler == "freed" else 1 << 60 | 0b10
            bad = pre._swap_cache_add_check(world.kernel, ci, 16, 4)
        return good, str(bad[0])

    found, _ = _play("pre", main)

    assert found == ((None, 19 << 1 | 1), error)


@pytest.mark.parametrize("variant", ["v3", "v4", "v5"])
def test_shadow_is_the_targets(variant: str) -> None:
    """From v3 on the refault is told the target's shadow (spec 3.1)."""

    def spoil(world: World) -> None:
        def note(kernel: Kernel, folio: Folio, shadow: int) -> None:
            world.calls.append(("refault", shadow >> 1))

        world.kernel.functions["workingset_refault"] = note

    _, world = _play(variant, _allocating(0b101), spoil=spoil)

    assert world.calls == [("refault", 17)]


@pytest.mark.parametrize("variant", ["v3", "v5"])
def test_large_orders_get_other_flags(variant: str) -> None:
    """The limited flags of a large order go to the allocation and to the charge (spec 3.2)."""

    def spoil(world: World) -> None:
        async def refuse(kernel: Kernel, *args: Any) -> Errno:
            world.calls.append(("charge", args[-1]))
            return Errno.ENOMEM

        world.kernel.functions["charge_memcg"] = refuse

    _, world = _play(variant, _allocating(0b101), spoil=spoil)

    assert world.calls == [("charge", "GFP_TRANSHUGE_LIGHT&GFP"), ("charge", "GFP")]


@pytest.mark.parametrize(
    ("variant", "found"), [("v3", (2, 16)), ("v5", (2, 16)), ("next", Errno.EBUSY)]
)
def test_part_of_a_range_is_in_zswap(variant: str, found: object) -> None:
    """zswap presence: only next takes a large folio out again, and before it is charged."""

    def compressed(world: World) -> None:
        world.si.zswap[18] = ZswapEntry(18, world.si.data.pop(18))

    charges: list[object] = []

    async def charge(*arguments: Any, **named: Any) -> object:
        charges.append(arguments)
        return await plain(charge_memcg)(*arguments, **named)

    def spoil(world: World) -> None:
        compressed(world)
        world.kernel.functions["charge_memcg"] = charge

    result, world = _play(variant, _allocating(0b100), spoil=spoil)

    assert result == found
    assert len(charges) == (found == (2, 16))
    assert world.fallbacks() == ({} if found == (2, 16) else {2: 1})


@pytest.mark.parametrize(("variant", "on_it"), [("v3", True), ("v5", True), ("next", False)])
def test_who_puts_folios_on_the_lru(variant: str, on_it: bool) -> None:
    """LRU add: inside the allocation up to M, and with its callers in next."""

    async def main(world: World) -> list[bool]:
        folio = await swap_cache_alloc_folio(
            world.kernel, swp_entry(0, 17), "GFP", 1, None, "task", 0
        )
        assert isinstance(folio, Folio)
        seen = [folio.lru]
        await folio_unlock(world.kernel, folio, "main.unlock")
        folio_put(world.kernel, folio)
        read = await swap_cache_read_folio(
            world.kernel, swp_entry(0, 18), "GFP", "task", 0, readahead=False
        )
        assert read is not None
        seen.append(read.lru)
        folio_put(world.kernel, read)
        return seen

    assert _play(variant, main)[0] == [on_it, True]


@pytest.mark.parametrize(("variant", "dropped"), [("v5", False), ("next", True)])
def test_what_zswap_has_written(variant: str, dropped: bool) -> None:
    """dropbehind: next lets the folio go when it is written, M marks it for reclaim."""

    def spoil(world: World) -> None:
        world.si.flags &= ~SWP_SYNCHRONOUS_IO  # who waits for its write still has the folio
        world.si.zswap[18] = ZswapEntry(18, world.si.data.pop(18))

    async def main(world: World) -> object:
        return await zswap_writeback_entry(world.kernel, swp_entry(0, 18))

    result, world = _play(variant, main, spoil=spoil)

    assert result is None
    assert 18 in world.si.data
    assert (not world.kernel.folios) is dropped
    assert all(folio.lru for folio in world.kernel.folios.values())


@pytest.mark.parametrize(
    ("variant", "orders"),
    [("v3", [0b100]), ("v4", [0b101]), ("v5", [0b100, 1]), ("next", [0b100, 1])],
)
def test_orders_of_a_file(variant: str, orders: list[int]) -> None:
    """shmem: v3 lets the callee add order 0, v4 allows it, v5 tries again with it alone."""
    asked: list[tuple[int, int]] = []

    async def fails(kernel: Kernel, entry: Any, orders: int, ilx: int) -> Errno:
        asked.append((orders, ilx))
        return Errno.ENOMEM

    def spoil(world: World) -> None:
        world.kernel.functions["shmem_swapin_sync"] = fails

    async def main(world: World) -> object:
        return await shmem_swap_alloc_folio(world.kernel, 6, swp_entry(0, 18), 2)

    result, _ = _play(variant, main, spoil=spoil)

    assert result is Errno.ENOMEM
    assert [one for one, _ in asked] == orders
    assert [ilx for _, ilx in asked] == [1, 6][: len(asked)]


@pytest.mark.parametrize("variant", ["v3", "v4", "v5", "next"])
def test_files_without_thp(variant: str) -> None:
    """Without THP a file asks for order 0, whatever the order of its entry."""
    asked: list[int] = []

    async def fails(kernel: Kernel, entry: Any, orders: int, ilx: int) -> Errno:
        asked.append(orders)
        return Errno.ENOMEM

    def spoil(world: World) -> None:
        world.kernel.functions["shmem_swapin_sync"] = fails

    async def main(world: World) -> object:
        return await shmem_swap_alloc_folio(world.kernel, 6, swp_entry(0, 18), 2)

    _play(variant, main, spoil=spoil, thp=False)

    assert asked == [1]
