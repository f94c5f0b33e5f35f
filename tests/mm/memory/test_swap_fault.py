# SPDX-License-Identifier: MIT OR Apache-2.0
"""Faults on pages that are swapped out (spec 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.memory import (
    do_swap_page,
    handle_mm_fault,
    zap_pte_range,
)
from swaptrio.mm.mm_types import PoisonPte, PresentPte, SwapPte, VmFaultReason
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get, folio_unlock
from swaptrio.mm.swap_h import SWP_STABLE_WRITES
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.swapfile import (
    folio_free_swap,
    folio_put_swap,
    get_swap_device,
    put_swap_device,
)
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio

VERSIONS = pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])


@VERSIONS
@pytest.mark.parametrize("sync", [True, False])
def test_fault(make_world: Callable[..., Any], variant: str, sync: bool) -> None:
    """A fault maps the data of the slot; a synchronous device gives the slot back."""
    world = make_world(variant, sync=sync)
    token = world.swapped(16, page=3)

    assert world.play(main=world.access(3))["main"] == "mapped"
    assert world.mapped(3) == token
    folio = world.mm.ptes[3].folio
    assert (folio.mapcount, folio.refs, folio.locked) == (1, 1 if sync else 2, False)
    assert world.slots(16) == ("-" if sync else "f0")
    assert world.si.users == 1
    assert world.kernel.warnings == []


def test_nothing_there(world: Any) -> None:
    """A page that lies in no VMA any more is not mapped by a fault."""
    world.mm.ptes[3] = None

    assert world.play(main=world.access(3))["main"] == "unmapped"
    assert not world.mm.mmap_lock.holders()


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

    assert world.play(main=world.access(3), choices={label: ("fail",)})["main"] == (
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
        main=world.access(3),
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
    access = world.access(3)

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
        main=world.access(3), zap=zap, window=[Run("main", "do_swap_page.ptl"), Run("zap")]
    )

    assert results["main"] == "unmapped"
    assert world.slots(16) == "-"
    assert world.kernel.folios == {}


@VERSIONS
def test_large_folio(make_world: Callable[..., Any], variant: str) -> None:
    """Where all entries name its slots a large folio is mapped whole (spec 4.1)."""
    world = make_world(variant, orders=1 << 2)
    tokens = world.quad()

    assert world.play(main=world.access(17))["main"] == "mapped"
    assert [world.mapped(page) for page in range(16, 20)] == tokens
    folio = world.mm.ptes[16].folio
    assert (folio.order, folio.mapcount, folio.refs) == (2, 4, 4)
    assert world.slots(16, 4) == "- - - -"
    assert world.kernel.vmstat.mthp["SWPIN", 2] == 1


def test_large_folio_that_does_not_fit_any_more(make_world: Callable[..., Any]) -> None:
    """A large folio that was never mapped and does not fit is dropped; a small one comes."""
    world = make_world(orders=1 << 2)
    tokens = world.quad()

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 19, 1)

    results = world.play(
        main=world.access(17), zap=zap, window=[Run("main", "do_swap_page.ptl"), Run("zap")]
    )

    assert results["main"] == "mapped"
    assert [world.mapped(page) for page in range(16, 20)] == [None, tokens[1], None, None]
    assert world.mm.ptes[17].folio.order == 0
    assert world.slots(16, 4) == "s1:0 - s1:0 -"
    assert world.kernel.warnings == []


def test_page_of_a_large_folio(make_world: Callable[..., Any]) -> None:
    """Of a large folio that was mapped before, one page is mapped where not all fit."""
    world = make_world(sync=False)
    tokens = world.quad()

    async def main() -> str:
        folio = await world.cached(16, order=2)
        folio.anon = True
        world.mm.ptes[16] = None
        await folio_lock(world.kernel, folio, "main.lock")
        await folio_put_swap(world.kernel, folio, 0)
        await folio_unlock(world.kernel, folio, "main.unlock")
        return await handle_mm_fault(world.kernel, world.mm, 18, write=False)

    assert world.play(main=main)["main"] == "mapped"
    assert [world.mapped(page) for page in (17, 18, 19)] == [None, tokens[2], None]
    folio = world.mm.ptes[18].folio
    assert (folio.mapcount, folio.refs) == (1, 5)
    assert world.slots(16, 4) == "f0 f1 f0 f1"


def _locked(world: Any, page: int) -> Callable[[], Any]:
    """A task that has the folio of a page in the cache locked, with a reference."""

    async def main() -> None:
        pte = world.mm.ptes[page]
        si = await get_swap_device(world.kernel, pte.entry)
        assert si is not None
        folio = await swap_cache_get_folio(world.kernel, pte.entry)
        assert folio is not None
        await folio_lock(world.kernel, folio, "holder.lock")
        await put_swap_device(world.kernel, si)
        await point("holder.held")
        await world.release(folio)

    return main


def test_locked_folio_is_waited_for_without_the_mmap_lock(
    make_world: Callable[..., Any],
) -> None:
    """The first try lets writers of the mmap_lock in while it waits, and is repeated."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    hold = _locked(world, 3)

    async def holder() -> None:
        await world.cached(16)
        await hold()

    async def writer() -> bool:
        await world.mm.mmap_lock.acquire_write("writer.lock")
        locked = world.kernel.folios[0x1000].locked
        await world.mm.mmap_lock.release("writer.unlock")
        return bool(locked)

    results = world.play(
        holder=holder,
        main=world.access(3),
        writer=writer,
        window=[
            Run("holder", "holder.held"),
            Run("main", "folio_lock_or_retry.wait"),
            Run("writer"),
            Run("holder"),
            Run("main"),
        ],
    )

    assert results == {"holder": None, "main": "mapped", "writer": True}


def test_next_try_waits(make_world: Callable[..., Any]) -> None:
    """A folio that is locked again when a fault comes back from RETRY is waited for at once."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    hold = _locked(world, 3)

    async def holder() -> None:
        await world.cached(16)
        await hold()
        await hold()

    world.play(
        holder=holder,
        main=world.access(3),
        window=[
            Run("holder", "holder.held"),
            Run("main", "folio_lock_or_retry.wait"),
            Run("holder", "holder.lock"),
            Run("main", "do_swap_page.folio_lock"),
            Run("holder", "holder.held"),
            Run("main", "folio_lock_or_retry.lock"),
        ],
    )

    assert world.mapped(3) == world.mm.newest[3]


def test_fault_that_must_not_retry(make_world: Callable[..., Any]) -> None:
    """A fault that may not drop the mmap_lock waits with it, and is not repeated."""
    world = make_world(sync=False)
    world.swapped(16, page=3)
    hold = _locked(world, 3)

    async def holder() -> None:
        await world.cached(16)
        await hold()

    async def main() -> VmFaultReason:
        return await do_swap_page(world.kernel, world.fault(3))

    results = world.play(
        holder=holder,
        main=main,
        window=[Run("holder", "holder.held"), Run("main", "folio_lock_or_retry.lock")],
    )

    assert results["main"] is VmFaultReason.NONE
    assert world.mapped(3) == world.mm.newest[3]


def test_mismatched_folio_that_is_cached_elsewhere(make_world: Callable[..., Any]) -> None:
    """Whoever meets a folio of other slots gives those back, if nobody needs them."""
    world = make_world(sync=False)
    world.swapped(16, page=3, count=2)
    world.swapped(18)

    async def main() -> VmFaultReason:
        vmf = world.fault(3)
        other: Folio = await world.cached(18)
        await folio_lock(world.kernel, other, "main.lock")
        await folio_put_swap(world.kernel, other, 0)
        await folio_unlock(world.kernel, other, "main.unlock")

        async def wrong(*_: object) -> Folio:
            assert folio_try_get(world.kernel, other)
            return other

        world.kernel.functions["swap_cache_get_folio"] = wrong
        return await do_swap_page(world.kernel, vmf)

    assert world.play(main=main)["main"] is VmFaultReason.NONE
    assert world.slots(16, 3) == "s2:0 - -"


@pytest.mark.parametrize("write", [False, True])
def test_exclusive(make_world: Callable[..., Any], write: bool) -> None:
    """An exclusive entry is mapped writable, and dirty only for a write."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)

    assert world.play(main=world.access(3, write=write))["main"] == "mapped"
    folio = world.mm.ptes[3].folio
    assert world.mm.ptes[3] == PresentPte(folio, 0, True, write, write)
    assert (folio.exclusive, folio.index) == ([True], 3)


def test_shared(make_world: Callable[..., Any]) -> None:
    """An entry that is not exclusive is mapped read-only for a read, whoever else is left."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    world.mm.ptes[3] = SwapPte(world.entry(16), exclusive=False, soft_dirty=True)

    assert world.play(main=world.access(3))["main"] == "mapped"
    folio = world.mm.ptes[3].folio
    assert world.mm.ptes[3] == PresentPte(folio, 0, soft_dirty=True)
    assert folio.exclusive == [False]


@pytest.mark.parametrize(("count", "copied"), [(1, False), (2, True)])
def test_write_to_shared(make_world: Callable[..., Any], count: int, copied: bool) -> None:
    """A write to what is not exclusive copies it, unless nobody else is left."""
    world = make_world(watched=True)
    world.swapped(16, page=3, count=count)
    world.mm.ptes[3] = SwapPte(world.entry(16), exclusive=False)

    assert world.play(main=world.access(3, write=True))["main"] == "mapped"
    pte = world.mm.ptes[3]
    assert (pte.writable, pte.dirty, pte.folio.exclusive) == (True, True, [True])
    assert world.slots(16) == ("f1" if copied else "-")
    assert (pte.folio.pfn != 0x1000) == copied


def test_out_of_memory_for_the_copy(make_world: Callable[..., Any]) -> None:
    """Without memory for the copy the page is mapped read-only, and the fault fails."""
    world = make_world(watched=True, may_fail=["alloc"])
    world.swapped(16, page=3, count=2)
    world.mm.ptes[3] = SwapPte(world.entry(16), exclusive=False)

    results = world.play(
        main=world.access(3, write=True), choices={"alloc_pages.grant": ("ok", "fail")}
    )

    assert results["main"] == "VM_FAULT_OOM"
    assert not world.mm.ptes[3].writable


@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("writeback", [False, True])
def test_stable_writes(make_world: Callable[..., Any], stable: bool, writeback: bool) -> None:
    """A page under writeback to a device that wants it stable is not exclusive for now."""
    world = make_world(sync=False)
    world.si.flags |= SWP_STABLE_WRITES * stable
    world.swapped(16, page=3)
    access = world.access(3)

    async def main() -> None:
        folio = await world.cached(16)
        folio.writeback = writeback
        await access()

    world.play(main=main)
    assert world.mm.ptes[3].writable == (not (stable and writeback))


@pytest.mark.parametrize(
    ("why", "word"),
    [
        *[("read", "f0"), ("write", "-"), ("mlocked", "-"), ("full", "-")],
        *[("held", "f0"), ("counted", "f1")],
    ],
)
def test_when_slots_are_given_back(make_world: Callable[..., Any], why: str, word: str) -> None:
    """On an async device: in a locked VMA, if it is full, or for a write by its only user."""
    world = make_world(sync=False)
    world.swapped(16, page=3, count=2 if why == "counted" else 1)
    world.mm.mlocked = why == "mlocked"
    for slot in range(20, 280 if why == "full" else 20):
        world.swapped(slot)
    access = world.access(3, write=why in ("write", "held", "counted"))

    async def main() -> None:
        folio = await world.cached(16)
        if why == "held":
            assert folio_try_get(world.kernel, folio)
        await access()
        if why == "held":
            folio_put(world.kernel, folio)

    world.play(main=main)
    assert world.slots(16) == word


def test_write_fault_drains_the_batch(make_world: Callable[..., Any]) -> None:
    """The reference of the own batch is dropped before references are counted."""
    world = make_world(sync=False, lru_batch=8)
    world.swapped(16, page=3)

    assert world.play(main=world.access(3, write=True))["main"] == "mapped"
    assert world.slots(16) == "-"
    assert world.mm.ptes[3].folio.lru


def test_batch_of_another_cpu(make_world: Callable[..., Any]) -> None:
    """A reference in the batch of another CPU keeps the slot: it cannot be told from others."""
    world = make_world(sync=False, lru_batch=8)
    world.swapped(16, page=3)

    async def other() -> None:
        await world.cached(16)

    world.play(
        other=other, main=world.access(3, write=True), window=[Run("other"), Run("main")]
    )
    assert world.slots(16) == "f0"


def test_dirty_large_folio_is_not_dropped(make_world: Callable[..., Any]) -> None:
    """A dirty folio that cannot be mapped stays where its data is safe, with a warning."""
    world = make_world(sync=False)
    world.quad()

    async def main() -> VmFaultReason:
        vmf = world.fault(17)
        folio = await world.cached(16, order=2)
        folio.dirty = True
        world.mm.ptes[19] = None
        return await do_swap_page(world.kernel, vmf)

    assert world.play(main=main)["main"] is VmFaultReason.NONE
    assert world.kernel.warnings == ["a dirty folio cannot be mapped"]
    assert world.slots(16, 4) == "f1 f1 f1 f1"


def test_poison(world: Any) -> None:
    """Data that could not be read when its device was taken off is no data for anybody."""
    world.mm.ptes[3] = PoisonPte()

    assert world.play(main=world.access(3))["main"] == "VM_FAULT_HWPOISON"
