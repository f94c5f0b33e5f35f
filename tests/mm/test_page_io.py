# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads, writes and the block device (spec 2.2, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_unlock, folio_wait_writeback
from swaptrio.mm.page_io import swap_read_folio, swap_writeout
from swaptrio.mm.swapfile import folio_put_swap
from swaptrio.sched import Run, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio

BOTH = pytest.mark.parametrize("sync", [True, False])


def _read(world: Any, slot: int, order: int = 0) -> Callable[[], Any]:
    """Insert, read, and wait for the end; gives the folio's data, none if it was not read."""

    async def main() -> list[int] | None:
        folio = await world.inserted(slot, order)
        await swap_read_folio(world.kernel, folio)
        await folio_lock(world.kernel, folio, "main.lock")
        await world.release(folio)
        return list(folio.pages) if folio.uptodate else None

    return main


@BOTH
def test_read(make_world: Callable[..., Any], sync: bool) -> None:
    """A read brings the data of every slot, marks the folio and unlocks it."""
    world = make_world(sync=sync)
    tokens = [world.swapped(slot) for slot in range(16, 20)]

    assert world.play(main=_read(world, 17, order=2))["main"] == tokens
    assert world.kernel.vmstat.mthp["SWPIN", 2] == 1
    assert world.kernel.vmstat.events["PSWPIN"] == 4


@BOTH
def test_read_error(make_world: Callable[..., Any], sync: bool) -> None:
    """After an error the folio is unlocked and cached, not up to date, not counted (H05)."""
    world = make_world(sync=sync, may_fail=["read"])
    world.swapped(16)

    result = world.play(main=_read(world, 16), choices={"submit_bio.status": ("fail",)})

    assert result["main"] is None
    assert world.slots(16) == "f1"
    assert world.kernel.vmstat.events["PSWPIN"] == 0


@BOTH
def test_latency(make_world: Callable[..., Any], sync: bool) -> None:
    """A transfer takes the device's latency of virtual time."""
    world = make_world(sync=sync, latency=700)
    world.swapped(16)
    read = _read(world, 16)

    async def main() -> int:
        await read()
        return now()

    assert world.play(main=main)["main"] == 700


@pytest.mark.parametrize(("choice", "first"), [("0", 16), ("1", 17)])
def test_order_of_completions(make_world: Callable[..., Any], choice: str, first: int) -> None:
    """Which of the waiting bios ends first is a decision."""
    world = make_world(sync=False, latency=10)
    ended: list[int] = []

    def reading(slot: int) -> Callable[[], Any]:
        world.swapped(slot)

        async def main() -> None:
            folio = await world.inserted(slot)
            await swap_read_folio(world.kernel, folio)
            await folio_lock(world.kernel, folio, "main.lock")
            ended.append(slot)
            await world.release(folio)

        return main

    world.play(
        a=reading(16),
        b=reading(17),
        window=[Run("a", "main.lock"), Run("b", "main.lock")],
        choices={"block_device.complete": (choice,)},
    )

    assert ended[0] == first


def test_locked_until_read(make_world: Callable[..., Any]) -> None:
    """On a device that is not synchronous the folio's lock is the device's until the end."""
    world = make_world(sync=False)
    world.swapped(16)

    async def main() -> str:
        folio = await world.inserted(16)
        await swap_read_folio(world.kernel, folio)
        assert folio.lock.owner is not None
        name = folio.lock.owner.name
        await folio_lock(world.kernel, folio, "main.lock")
        await world.release(folio)
        return str(name)

    assert world.play(main=main)["main"] == "swap0-disk"


def test_zeros(make_world: Callable[..., Any]) -> None:
    """A folio whose slots are all flagged is filled with zeros, without the device."""
    world = make_world(may_fail=["read"])
    for slot in (16, 17):
        world.swapped(slot, zero=True)

    assert world.play(main=_read(world, 16, order=1))["main"] == [0, 0]
    assert world.kernel.vmstat.events["PSWPIN"] == 0


def test_zeros_in_part(world: Any) -> None:
    """A large folio some of whose slots are flagged is unlocked, not read, with a warning."""
    world.swapped(16, zero=True)
    world.swapped(17)

    assert world.play(main=_read(world, 16, order=1))["main"] is None
    assert world.kernel.warnings == ["a large folio is zero in part"]


async def _ready(world: Any, slot: int, token: int) -> Folio:
    """A locked, cached folio with new data, as reclaim hands it to the writeout."""
    folio: Folio = await world.inserted(slot)
    folio.pages[0], folio.uptodate = token, True
    return folio


def test_writeout(world: Any) -> None:
    """A writeout unlocks the folio at once; its data is on the device when writeback ends."""
    world.swapped(16)
    token = world.kernel.new_token()

    async def main() -> None:
        folio = await _ready(world, 16, token)
        await swap_writeout(world.kernel, folio)
        assert (folio.locked, folio.writeback) == (False, True)
        assert world.si.data[16] != token
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        assert (folio.writeback, folio.refs) == (False, 2)
        folio_put(world.kernel, folio)

    world.play(main=main)
    assert world.si.data[16] == token


def test_writeout_of_unused(world: Any) -> None:
    """Slots that nobody uses any more are freed, and nothing is written (spec 2.2)."""
    world.swapped(16)

    async def main() -> None:
        folio = await _ready(world, 16, 99)
        await folio_put_swap(world.kernel, folio, 0)
        await swap_writeout(world.kernel, folio)
        assert (folio.locked, folio.swapcache, folio.dirty) == (False, False, True)
        folio_put(world.kernel, folio)

    world.play(main=main)
    assert (world.slots(16), world.si.data) == ("-", {})


def test_writeout_of_zeros(world: Any) -> None:
    """A folio of zeros flags its slot and is not written (spec 2.2)."""
    world.swapped(16, shadow=5)

    async def main() -> None:
        folio = await _ready(world, 16, 0)
        await swap_writeout(world.kernel, folio)
        assert (folio.locked, folio.writeback) == (False, False)
        folio_put(world.kernel, folio)

    world.play(main=main)
    assert world.slots(16) == "f1z"


def test_zeros_leave_the_compressed_copy(make_world: Callable[..., Any]) -> None:
    """The writeout of zeros returns before it comes to zswap (D08)."""
    world = make_world(zswap_ever_enabled=True)
    world.swapped(16, zswap=True)

    async def main() -> None:
        folio = await _ready(world, 16, 0)
        await swap_writeout(world.kernel, folio)
        folio_put(world.kernel, folio)

    world.play(main=main)
    assert 16 in world.si.zswap


def test_writeout_forgets_what_was_there(make_world: Callable[..., Any]) -> None:
    """New data clears the zero flag and takes the place of a compressed copy."""
    world = make_world("v5", zswap_ever_enabled=True)
    world.swapped(16, zero=True)
    world.swapped(17, zswap=True)

    async def main() -> None:
        for slot in (16, 17):
            folio = await _ready(world, slot, 100 + slot)
            await swap_writeout(world.kernel, folio)
            await folio_wait_writeback(world.kernel, folio, "main.wait")
            folio_put(world.kernel, folio)

    world.play(main=main)
    assert (world.slots(16, 2), world.si.zswap) == ("f1 f1", {})
    assert (world.si.data[16], world.si.data[17]) == (116, 117)


def test_not_freed_under_writeback(world: Any) -> None:
    """While it is written a folio is in the device's hands and keeps its slot (H04)."""
    world.swapped(16)

    async def main() -> tuple[int, int]:
        folio = await _ready(world, 16, 5)
        await swap_writeout(world.kernel, folio)
        await folio_lock(world.kernel, folio, "main.lock")
        await folio_put_swap(world.kernel, folio, 0)
        seen = folio.refs, folio.holders["writeback"]
        await folio_unlock(world.kernel, folio, "main.unlock")
        folio_put(world.kernel, folio)
        return seen

    results = world.play(main=main, window=[Run("main")])
    assert results["main"] == (3, 1)
    assert world.slots(16) == "f0"
