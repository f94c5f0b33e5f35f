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
from swaptrio.mm.mm_types import SwapPte, VmFaultReason
from swaptrio.mm.page_alloc import folio_lock, folio_unlock
from swaptrio.mm.swapfile import folio_free_swap, folio_put_swap
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

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
