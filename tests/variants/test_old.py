# SPDX-License-Identifier: MIT OR Apache-2.0
"""The version with claims (SWAP_HAS_CACHE): each function, its errors, and what checks see."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import attrs
import pytest

from swaptrio.checks import Oracles
from swaptrio.checks.quiescent import check_quiescent
from swaptrio.checks.slots import check_free, check_kind
from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.memcontrol import MemCgroup
from swaptrio.mm.memory import handle_mm_fault, unmap_page_range
from swaptrio.mm.mm_types import MmStruct, PresentPte, SwapPte, VmFault
from swaptrio.mm.page_alloc import folio_put, folio_unlock
from swaptrio.mm.swap_h import SwapClusterInfo, SwapInfoStruct, swp_entry
from swaptrio.mm.swap_state import swap_cache_alloc_folio, swap_cache_read_folio
from swaptrio.mm.swapfile import (
    get_swap_device,
    put_swap_device,
    swap_alloc_hibernation_slot,
    swap_free_hibernation_slot,
    swapoff,
)
from swaptrio.mm.vmscan import madvise_pageout
from swaptrio.mm.zswap import zswap_writeback_entry
from swaptrio.sched import Ending, Execution, Run, Script, Violation, run
from swaptrio.variants import load
from swaptrio.variants.old.fault import should_try_to_free_swap
from swaptrio.variants.old.slots import put_swap_folio, swapcache_clear, swapcache_prepare

Main = Callable[["World"], Coroutine[Any, Any, object]]

#: The slots that are swapped out at the start, mapped at the pages of the same numbers.
SLOTS = range(16, 20)


@attrs.define(eq=False)
class World:
    """One device with some slots swapped out, and a process that maps them."""

    kernel: Kernel
    si: SwapInfoStruct
    mm: MmStruct

    @property
    def ci(self) -> SwapClusterInfo:
        """The first cluster."""
        return self.si.clusters[0]

    def claimed(self) -> list[int]:
        """The slots that are claimed, in order."""
        return sorted(self.ci.has_cache)


def _played(
    main: Main,
    other: Main | None = None,
    until: str = "",
    other_until: str = "",
    *,
    fail: dict[str, Sequence[str]] | None = None,
    sync: bool = True,
    count: int = 1,
    zswap: bool = False,
    orders: int = 0,
    swap_max: int | None = None,
    v1: bool = False,
) -> tuple[Any, Any, World]:
    """Run *main*; when it stands at *until* run *other* until it stands at *other_until*."""
    labels = {"alloc": "alloc_pages.grant", "charge": "charge_memcg.grant"}
    group = MemCgroup("m1", 1, 1000, swap_max=swap_max)
    config = Config(memcg_v1=v1, zswap_ever_enabled=zswap, zswap_enabled=zswap)
    kernel = setup.new_kernel(config, load("old").functions, Drawn(fail or ()), [group])
    si = setup.new_device(kernel, "swap0", sync=sync)
    world = World(kernel, si, setup.new_process(kernel, "P", group, orders))
    for slot in SLOTS:
        token = setup.swap_out(
            kernel, si, slot, memcg=group, shadow=slot, count=count, zswap=zswap
        )
        setup.map_swapped(world.mm, slot, si, slot, token)
    oracles = Oracles(kernel)

    def program(execution: Execution) -> None:
        execution.spawn("main", main, world)
        if other is not None:
            execution.spawn("other", other, world)
        setup.start_daemons(kernel, execution)
        oracles.attach()
        execution.at_end.append(oracles.at_end)

    window = () if other is None else (Run("main", until), Run("other", other_until))
    choices = {labels[what]: tuple(drawn) for what, drawn in (fail or {}).items()}
    execution = run(program, Script(window, choices), budget=3000)
    assert execution.verdict is not None
    assert execution.verdict.ending is Ending.PASSED, str(execution.verdict)
    results = [task.result for task in execution.tasks[:2]]
    return results[0], results[1], world


async def _pinned(world: World, work: Main) -> object:
    """Do *work* with a reference to the device."""
    si = await get_swap_device(world.kernel, swp_entry(0, 16))
    assert si is not None
    result = await work(world)
    await put_swap_device(world.kernel, si)
    return result


def test_claims_are_for_all_slots_or_none() -> None:
    """A slot in use is claimed once; a range with one that is free or claimed is not at all."""

    async def claim(world: World) -> object:
        kernel = world.kernel
        first = await swapcache_prepare(kernel, swp_entry(0, 17), 1)
        again = await swapcache_prepare(kernel, swp_entry(0, 17), 1)
        around = await swapcache_prepare(kernel, swp_entry(0, 16), 4)
        free = await swapcache_prepare(kernel, swp_entry(0, 20), 1)
        bad = await swapcache_prepare(kernel, swp_entry(0, 0), 1)
        claimed = world.claimed()
        await swapcache_clear(kernel, swp_entry(0, 17), 1)
        return first, again, around, free, bad, claimed

    async def main(world: World) -> object:
        return await _pinned(world, claim)

    found, _, world = _played(main)

    assert found == (None, Errno.EEXIST, Errno.EEXIST, Errno.ENOENT, Errno.ENOENT, [17])
    assert world.claimed() == []


@pytest.mark.parametrize("gone", [1, 2, 4])
def test_a_claim_keeps_slots_until_it_ends(gone: int) -> None:
    """Counts that fall to 0 free no claimed slot; who lets go of the claim frees those."""

    async def drop(world: World) -> object:
        kernel = world.kernel
        await swapcache_prepare(kernel, swp_entry(0, 16), 4)
        await unmap_page_range(kernel, world.mm, 16, gone)
        before = world.si.inuse_pages
        await put_swap_folio(kernel, swp_entry(0, 16), 4)
        return before, world.si.inuse_pages

    async def main(world: World) -> object:
        return await _pinned(world, drop)

    found, _, world = _played(main)

    assert found == (4, 4 - gone)
    assert world.kernel.warnings == []


def test_who_lets_go_of_no_claim_is_warned_of() -> None:
    """A slot that was not claimed cannot be let go of."""

    async def main(world: World) -> object:
        return await _pinned(world, lambda w: put_swap_folio(w.kernel, swp_entry(0, 16), 1))

    _, _, world = _played(main)

    assert world.kernel.warnings == ["slot is let go of, and was not claimed"]


def test_checks_know_claims() -> None:
    """A count of 0 without a folio is legal where claimed; a free or forgotten claim is not."""

    async def nothing(world: World) -> None: ...

    _, _, world = _played(nothing)
    world.ci.has_cache[20] = None

    check_kind(world.si, 20, 0b1)
    with pytest.raises(Violation, match="I-KIND"):
        check_kind(world.si, 21, 0b1)
    with pytest.raises(Violation, match="I-FREE"):
        check_free(world.si, world.ci, 20)
    with pytest.raises(Violation, match="I-FREE"):
        check_quiescent(world.kernel)
    world.ci.has_cache = {16: None}
    with pytest.raises(Violation, match=r"Q-LEAK.*swap0:16 is still claimed"):
        check_quiescent(world.kernel)


async def _read(world: World) -> object:
    async def read(world: World) -> object:
        folio = await swap_cache_read_folio(
            world.kernel, swp_entry(0, 17), "GFP", "task", 0, readahead=True
        )
        if folio is None:
            return "none"
        claimed = world.claimed()
        folio_put(world.kernel, folio)
        return claimed

    return await _pinned(world, read)


@pytest.mark.parametrize("v1", [False, True])
def test_reading_through_the_cache_claims_the_slot(v1: bool) -> None:
    """The claim stays as long as the folio is cached, and is charged to the slot's owner."""
    found, _, world = _played(_read, v1=v1)

    assert found == world.claimed() == [17]
    assert world.kernel.workingset.refaults == 1
    assert world.kernel.memcgs.by_id[1].memory == 1


@pytest.mark.parametrize("what", ["alloc", "charge"])
def test_a_read_that_fails_leaves_no_claim(what: str) -> None:
    """Without memory, or past the group's limit, the slot is as it was."""
    found, _, world = _played(_read, fail={what: ["fail"]})

    assert found == "none"
    assert world.claimed() == []
    assert world.kernel.folios == {}


async def _fault(world: World) -> str:
    return await handle_mm_fault(world.kernel, world.mm, 17, write=False)


def test_a_reader_waits_for_a_claim() -> None:
    """Who reads while a fault past the cache holds the slot comes back to find it free."""
    mapped, read, world = _played(
        _fault, _read, "zswap_load.lookup", "read_swap_cache_async.tick"
    )

    assert (mapped, read) == ("mapped", "none")
    assert world.claimed() == []


@pytest.mark.parametrize(("sync", "count"), [(False, 1), (True, 2)])
def test_faults_use_the_cache(sync: bool, count: int) -> None:
    """They do on devices that take their time, and where a slot has several owners."""
    found, _, world = _played(_fault, sync=sync, count=count)

    assert found == "mapped"
    assert world.claimed() == [17]
    pte = world.mm.ptes[17]
    assert isinstance(pte, PresentPte)
    assert pte.folio.swapcache


@pytest.mark.parametrize("v1", [False, True])
def test_faults_skip_the_cache(v1: bool) -> None:
    """On a synchronous device a slot of one owner is freed, and its folio never cached."""
    found, _, world = _played(_fault, orders=0b100, v1=v1)

    assert found == "mapped"
    assert world.claimed() == []
    assert world.si.inuse_pages == 0
    assert all(isinstance(world.mm.ptes[page], PresentPte) for page in SLOTS)
    assert world.kernel.vmstat.mthp["SWPIN", 2] == 1


async def _zap(world: World) -> None:
    await unmap_page_range(world.kernel, world.mm, 18, 1)


def test_a_large_private_folio_is_mapped_whole_or_not() -> None:
    """A neighbour goes away while the folio is read: it is given up, and order 1 is mapped."""
    found, _, world = _played(_fault, _zap, "zswap_load.lookup", orders=0b110)

    assert found == "mapped"
    assert isinstance(world.mm.ptes[16], PresentPte)
    assert isinstance(world.mm.ptes[19], SwapPte)
    assert world.si.inuse_pages == 1


def test_a_fault_without_memory() -> None:
    """Large orders fall back, and count; without any folio the fault is out of memory."""
    found, _, world = _played(_fault, fail={"charge": ["fail", "fail"]}, orders=0b10)

    assert found == "VM_FAULT_OOM"
    assert world.kernel.vmstat.mthp["SWPIN_FALLBACK", 1] == 1
    assert world.kernel.vmstat.mthp["SWPIN_FALLBACK_CHARGE", 1] == 1
    assert world.claimed() == []


async def _out(world: World) -> str:
    if not isinstance(world.mm.ptes[17], PresentPte):
        await handle_mm_fault(world.kernel, world.mm, 17, write=False)
    return await madvise_pageout(world.kernel, world.mm, 17)


def test_swapped_out_and_in_again() -> None:
    """A slot is claimed, cached, written, and let go of with its folio."""
    found, _, world = _played(_out)

    assert found == "reclaimed"
    assert isinstance(world.mm.ptes[17], SwapPte)
    assert world.claimed() == []


def test_slots_that_cannot_be_charged_are_freed() -> None:
    """The claim is given up before anybody has found the folio there."""
    found, _, world = _played(_out, swap_max=4, other=None)
    assert found == "reclaimed"

    async def full(world: World) -> str:
        await handle_mm_fault(world.kernel, world.mm, 17, write=False)
        world.kernel.memcgs.by_id[1].swap_max = 3
        return await madvise_pageout(world.kernel, world.mm, 17)

    found, _, world = _played(full)

    assert found == "no slots"
    assert world.si.inuse_pages == 3
    assert world.claimed() == []


def test_swapoff_waits_for_a_slot_that_is_not_cached_yet() -> None:
    """It goes round while a claimed slot has no folio (B08)."""

    async def off(world: World) -> object:
        return await swapoff(world.kernel, 0)

    _, gone, world = _played(_out, off, "add_to_swap_cache.lock", "try_to_unuse.again")

    assert gone is None
    assert world.si.inuse_pages == 0


def test_writeback_of_zswap_gives_way_to_a_claim() -> None:
    """It does not wait: ENOMEM where the slot is claimed, EEXIST where it is cached."""

    async def write(world: World) -> object:
        return await zswap_writeback_entry(world.kernel, swp_entry(0, 17))

    _, claimed, _ = _played(_fault, write, "zswap_load.lookup", zswap=True)
    _, cached, _ = _played(_read, write, "zswap_load.lookup", zswap=True)
    free, _, _ = _played(write, zswap=True)

    assert (claimed, cached, free) == (Errno.ENOMEM, Errno.EEXIST, None)


def test_allocation_for_writeback() -> None:
    """The folio is new, locked and cached, at order 0 whatever is asked for."""

    async def alloc(world: World) -> object:
        vmf = VmFault(world.mm, 17, SwapPte(swp_entry(0, 17)))
        folio = await swap_cache_alloc_folio(
            world.kernel, swp_entry(0, 17), "GFP", 0b111, vmf, None, 0
        )
        assert not isinstance(folio, Errno)
        found = folio.order, folio.swapcache, folio.locked
        await folio_unlock(world.kernel, folio, "main.unlock")
        folio_put(world.kernel, folio)
        return found

    async def main(world: World) -> object:
        return await _pinned(world, alloc)

    assert _played(main)[0] == (0, True, True)


@pytest.mark.parametrize("claimed", [False, True])
def test_slots_of_images(claimed: bool) -> None:
    """A slot of an image is freed at once, or with the claim that somebody has on it."""

    async def image(world: World) -> object:
        kernel = world.kernel
        entry = await swap_alloc_hibernation_slot(kernel, 0)
        if claimed:
            await swapcache_prepare(kernel, entry, 1)
        await swap_free_hibernation_slot(kernel, entry)
        left = world.si.inuse_pages
        if claimed:
            await swapcache_clear(kernel, entry, 1)
        return left

    async def main(world: World) -> object:
        return await _pinned(world, image)

    found, _, world = _played(main)

    assert found == 4 + claimed
    assert world.si.inuse_pages == 4


@pytest.mark.parametrize(
    ("cached", "mlocked", "write", "refs", "freed"),
    [
        (False, True, True, 2, False),
        (True, False, False, 2, False),
        (True, True, False, 2, True),
        (True, False, True, 2, True),
        (True, False, True, 3, False),
    ],
)
def test_when_a_mapped_folio_gives_its_slot_back(
    cached: bool, mlocked: bool, write: bool, refs: int, freed: bool
) -> None:
    """A synchronous device is no reason, and others who refer to the folio are one not to."""

    async def nothing(world: World) -> None: ...

    _, _, world = _played(nothing)
    world.mm.mlocked = mlocked
    folio = setup.map_resident(world.kernel, world.mm, 40)
    folio.swapcache, folio.refs = cached, refs
    vmf = VmFault(world.mm, 17, SwapPte(swp_entry(0, 17)), write)

    assert should_try_to_free_swap(world.kernel, world.si, folio, vmf, 1) is freed
