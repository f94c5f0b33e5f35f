# SPDX-License-Identifier: MIT OR Apache-2.0
"""The first access to a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.memory import user_read, user_store, zap_pte_range
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("write", [False, True])
def test_zeros(make_world: Callable[..., Any], write: bool) -> None:
    """A page that was never touched is mapped as zeros, charged, on the LRU, and writable."""
    world = make_world(watched=True)

    assert world.play(main=world.access(3, write=write))["main"] == "mapped"
    pte = world.mm.ptes[3]
    folio = pte.folio
    assert (world.mapped(3), world.mm.newest[3]) == (0, 0)
    assert (pte.writable, folio.exclusive, folio.index) == (True, [True], 3)
    assert (folio.refs, folio.mapcount, folio.lru, folio.anon) == (1, 1, True, True)
    assert world.m1.memory == 1


@pytest.mark.parametrize("what", ["alloc", "charge"])
def test_out_of_memory(make_world: Callable[..., Any], what: str) -> None:
    """Without memory or charge the fault fails, and leaves nothing."""
    world = make_world(watched=True, may_fail=[what])
    label = {"alloc": "alloc_pages.grant", "charge": "charge_memcg.grant"}[what]

    results = world.play(main=world.access(3), choices={label: ("fail",)})

    assert results["main"] == "VM_FAULT_OOM"
    assert (world.kernel.folios, world.mm.ptes, world.m1.memory) == ({}, {}, 0)


def test_two_at_once(make_world: Callable[..., Any]) -> None:
    """Of two that touch a page for the first time one maps its folio, the other finds it."""
    world = make_world(watched=True)

    async def store() -> str:
        return await user_store(world.kernel, world.mm, 3)

    async def read() -> str:
        return await user_read(world.kernel, world.mm, 3)

    results = world.play(
        read=read,
        store=store,
        window=[Run("read", "do_anonymous_page.ptl"), Run("store"), Run("read")],
    )

    assert results == {"read": "read", "store": "stored"}
    assert len(world.kernel.folios) == 1
    assert world.mapped(3) == world.mm.newest[3] > 0


def test_large(make_world: Callable[..., Any]) -> None:
    """The largest order of the VMA whose whole range was never touched is mapped at once."""
    world = make_world(watched=True, orders=0b1110)
    world.swapped(30, page=7)

    assert world.play(main=world.access(2))["main"] == "mapped"
    folio = world.mm.ptes[2].folio
    assert (folio.order, folio.index, folio.refs, folio.mapcount) == (2, 0, 4, 4)
    assert [world.mapped(page) for page in range(4)] == [0, 0, 0, 0]
    assert world.m1.memory == 4


@pytest.mark.parametrize("what", ["alloc", "charge"])
def test_next_order(make_world: Callable[..., Any], what: str) -> None:
    """An order that cannot be had falls to the next."""
    world = make_world(watched=True, orders=0b110, may_fail=[what])
    label = {"alloc": "alloc_pages.grant", "charge": "charge_memcg.grant"}[what]

    assert world.play(main=world.access(2), choices={label: ("fail",)})["main"] == "mapped"
    assert world.mm.ptes[2].folio.order == 1
    assert len(world.kernel.folios) == 1


@pytest.mark.parametrize("spoilt", ["thp", "uffd", "orders"])
def test_small(make_world: Callable[..., Any], spoilt: str) -> None:
    """Without THP, with a userfaultfd, or with the order of a PMD alone, one page is mapped."""
    orders = 1 << 9 if spoilt == "orders" else 0b110
    world = make_world(watched=True, orders=orders, thp=spoilt != "thp")
    world.mm.uffd = spoilt == "uffd"

    assert world.play(main=world.access(2))["main"] == "mapped"
    assert world.mm.ptes[2].folio.order == 0


def test_unmapped_meanwhile(make_world: Callable[..., Any]) -> None:
    """Nothing is mapped where the VMA has gone."""
    world = make_world(watched=True)

    async def zap() -> None:
        await user_read(world.kernel, world.mm, 3)
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=world.access(3),
        zap=zap,
        window=[Run("main", "do_anonymous_page.ptl"), Run("zap")],
    )

    assert results["main"] == "unmapped"
    assert world.kernel.folios == {}
