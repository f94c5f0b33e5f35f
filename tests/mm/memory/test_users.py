# SPDX-License-Identifier: MIT OR Apache-2.0
"""Users who read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import (
    dup_mm,
    user_pin_store,
    user_read,
    user_store,
    zap_pte_range,
)
from swaptrio.mm.migrate import move_page
from swaptrio.mm.mm_types import MmStruct
from swaptrio.mm.page_alloc import folio_lock, folio_unlock
from swaptrio.mm.rmap import remove_migration_ptes, try_to_migrate
from swaptrio.mm.userfaultfd import move_pages
from swaptrio.mm.vmscan import madvise_pageout
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

ACCESSES = pytest.mark.parametrize(
    ("access", "done"),
    [(user_read, "read"), (user_store, "stored"), (user_pin_store, "stored")],
)


def _loads(world: Any) -> list[tuple[str, int, int | None]]:
    """What is read in the world from now on: by whom, where, and the token."""
    loads: list[tuple[str, int, int | None]] = []
    world.kernel.functions["user_load"] = lambda kernel, mm, page, token: loads.append(
        (mm.name, page, token)
    )
    return loads


def _doing(world: Any, access: Any, page: int) -> Callable[[], Any]:
    async def main() -> str:
        return str(await access(world.kernel, world.mm, page))

    return main


def test_store(make_world: Callable[..., Any]) -> None:
    """A store swaps the page in, and leaves new data and a dirty entry."""
    world = make_world(watched=True)
    token = world.swapped(16, page=3)

    assert world.play(main=_doing(world, user_store, 3))["main"] == "stored"
    assert world.mapped(3) == world.mm.newest[3] != token
    assert world.mm.ptes[3].dirty


def test_store_through_a_clean_entry(make_world: Callable[..., Any]) -> None:
    """What was swapped in by a read is writable if it is exclusive, and clean until a store."""
    world = make_world(watched=True, sync=False)
    world.swapped(16, page=3)
    access = world.access(3)

    async def main() -> list[bool]:
        await access()
        before = world.mm.ptes[3]
        await user_store(world.kernel, world.mm, 3)
        return [before.writable, before.dirty, before.folio.dirty, world.mm.ptes[3].dirty]

    assert world.play(main=main)["main"] == [True, False, False, True]
    assert not world.mm.ptes[3].folio.dirty


def test_read(make_world: Callable[..., Any]) -> None:
    """Every read passes by whoever watches, with the token that was found."""
    world = make_world(watched=True)
    token = world.swapped(16, page=3)
    loads = _loads(world)

    assert world.play(main=_doing(world, user_read, 3))["main"] == "read"
    assert loads == [("P", 3, token)]


@ACCESSES
def test_nothing_there(make_world: Callable[..., Any], access: Any, done: str) -> None:
    """An access where nothing can be mapped says so."""
    world = make_world(watched=True)
    world.mm.ptes[3] = None

    assert world.play(main=_doing(world, access, 3))["main"] == "unmapped"


@ACCESSES
def test_page_is_swapped_out_before_the_access(
    make_world: Callable[..., Any], access: Any, done: str
) -> None:
    """An access whose entry has gone in between faults again."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)
    label = {"user_read": "user_read.load", "user_store": "user_store.store"}.get(
        access.__name__, "gup_fast.read"
    )

    async def out() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    results = world.play(
        main=_doing(world, access, 3), out=out, window=[Run("main", label), Run("out")]
    )

    assert results == {"main": done, "out": "reclaimed"}
    assert world.mapped(3) == world.mm.newest[3]


def test_pin_of_a_folio_that_is_freed(make_world: Callable[..., Any]) -> None:
    """A folio without references cannot be pinned; the access is tried again."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)

    async def out() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    results = world.play(
        main=_doing(world, user_pin_store, 3),
        out=out,
        window=[Run("main", "gup_fast.get"), Run("out")],
    )

    assert results == {"main": "stored", "out": "reclaimed"}
    assert world.mapped(3) == world.mm.newest[3]


def test_pin_whose_entry_changes(make_world: Callable[..., Any]) -> None:
    """A pin whose entry is another once it is taken is dropped again."""
    world = make_world(watched=True)
    folio = setup.map_resident(world.kernel, world.mm, 3)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        main=_doing(world, user_pin_store, 3),
        zap=zap,
        window=[Run("main", "gup_fast.recheck"), Run("zap")],
    )

    assert results["main"] == "unmapped"
    assert folio.freed


def test_late_store_is_not_lost(make_world: Callable[..., Any]) -> None:
    """A folio that is pinned is not written out, so that a store through the pin stays."""
    world = make_world(sync=False)
    setup.map_resident(world.kernel, world.mm, 3)
    loads = _loads(world)

    async def out() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def pin() -> str:
        await user_pin_store(world.kernel, world.mm, 3)
        return await user_read(world.kernel, world.mm, 3)

    results = world.play(
        pin=pin,
        out=out,
        window=[
            Run("pin", "user_pin_store.store"),
            Run("out"),
        ],
    )

    assert results == {"pin": "read", "out": "in use"}
    assert loads == [("P", 3, world.mm.newest[3])]


@pytest.mark.parametrize("where", ["on its way", "elsewhere"])
def test_pin_of_a_page_that_moves(make_world: Callable[..., Any], where: str) -> None:
    """A store through a pin is news at the place that the page comes to."""
    world = make_world(watched=True)
    setup.map_resident(world.kernel, world.mm, 3)
    token = world.mm.newest[3]

    async def other() -> object:
        if where == "elsewhere":
            return await move_pages(world.kernel, world.mm, 40, 3)
        return await move_page(world.kernel, world.mm, 3)

    window = [Run("pin", "user_pin_store.store"), Run("other")]
    if where == "on its way":
        window = [
            Run("other", "migrate_folio_unmap.trylock"),
            Run("pin", "user_pin_store.store"),
            Run("other", "remove_migration_pte.lock"),
            Run("pin"),
        ]
    results = world.play(pin=_doing(world, user_pin_store, 3), other=other, window=window)

    place = 40 if where == "elsewhere" else 3
    assert results["other"] is (None if where == "elsewhere" else Errno.EAGAIN)
    assert world.mapped(place) == world.mm.newest[place] != token


@pytest.mark.parametrize("gone", ["zapped", "copied", "swapped", "cleared", "migrating"])
def test_whose_mind_a_pin_changes(make_world: Callable[..., Any], gone: str) -> None:
    """A store through a pin is news to those whose entry leads to that folio alone."""
    world = make_world(sync=False)
    setup.map_resident(world.kernel, world.mm, 3)
    token = world.mm.newest[3]

    async def other() -> None:
        if gone == "zapped":
            await zap_pte_range(world.kernel, world.mm, 3, 1)
        elif gone == "copied":
            child = await dup_mm(world.kernel, world.mm, "Q")
            assert isinstance(child, MmStruct)
            await user_store(world.kernel, world.mm, 3)
        elif gone == "migrating":
            folio = world.mm.ptes[3].folio
            await folio_lock(world.kernel, folio, "other.lock")
            await try_to_migrate(world.kernel, folio)
            await point("other.unmapped")
            await remove_migration_ptes(world.kernel, folio, folio)
            await folio_unlock(world.kernel, folio, "other.unlock")
        else:
            await madvise_pageout(world.kernel, world.mm, 3)

    until = {"cleared": "folio_dup_swap.lock", "migrating": "other.unmapped"}
    reached = [Run("other", until[gone])] if gone in until else [Run("other")]
    world.play(
        pin=_doing(world, user_pin_store, 3),
        other=other,
        window=[Run("pin", "user_pin_store.store"), *reached, Run("pin")],
    )

    pinned = world.kernel.tokens
    if gone == "zapped":
        assert world.mm.newest == {}
    elif gone == "copied":
        child = world.kernel.processes[1]
        assert child.newest[3] == child.ptes[3].folio.pages[0] == pinned
        assert world.mm.newest[3] == world.mapped(3) == pinned - 1
    else:
        assert world.mm.newest[3] == pinned != token
