# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads, writes and the block device (spec 2.2, 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_unlock, folio_wait_writeback
from swaptrio.mm.page_io import (
    SPOILED,
    swap_finish_plug,
    swap_read_folio,
    swap_start_plug,
    swap_writeout,
)
from swaptrio.mm.swap_h import SWP_STABLE_WRITES
from swaptrio.mm.swapfile import folio_put_swap
from swaptrio.sched import Run, now, point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def test_writeout(make_world: Callable[..., Any]) -> None:
    """A writeout unlocks the folio at once; its data is on the device when writeback ends."""
    world = make_world(sync=False)
    world.swapped(16)
    token = world.kernel.new_token()

    async def main() -> None:
        folio = await _ready(world, 16, token)
        assert await swap_writeout(world.kernel, folio)
        assert (folio.locked, folio.writeback) == (False, True)
        assert world.si.data[16] != token
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        assert (folio.writeback, folio.refs) == (False, 2)
        folio_put(world.kernel, folio)

    world.play(main=main, window=[Run("main", "main.wait")])
    assert world.si.data[16] == token
    assert world.kernel.vmstat.events["PSWPOUT"] == 1


def test_writeout_to_a_synchronous_device(world: Any) -> None:
    """Who writes to a synchronous device waits for the end, without the folio lock."""
    world.swapped(16)

    async def main() -> None:
        folio = await _ready(world, 16, 77)
        assert await swap_writeout(world.kernel, folio)
        assert (folio.locked, folio.writeback, folio.refs) == (False, False, 2)
        folio_put(world.kernel, folio)

    world.play(main=main)
    assert world.si.data[16] == 77


@BOTH
def test_write_error(make_world: Callable[..., Any], sync: bool) -> None:
    """After an error the folio is dirty again and its block as before."""
    world = make_world(sync=sync, may_fail=["write"])
    token = world.swapped(16)

    async def main() -> None:
        folio = await _ready(world, 16, 77)
        await swap_writeout(world.kernel, folio)
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        assert (folio.dirty, folio.writeback, folio.refs) == (True, False, 2)
        folio_put(world.kernel, folio)

    world.play(main=main, choices={"submit_bio.write_status": ("fail",)})
    assert world.si.data[16] == token
    assert world.kernel.vmstat.events["PSWPOUT"] == 0


@pytest.mark.parametrize("stable", [True, False])
def test_change_under_writeback(make_world: Callable[..., Any], stable: bool) -> None:
    """A page that changes while it is written spoils a block with a checksum, and no other."""
    world = make_world(sync=False)
    world.si.flags |= SWP_STABLE_WRITES * stable
    world.swapped(16)

    async def main() -> tuple[int, bool]:
        folio = await _ready(world, 16, 77)
        await swap_writeout(world.kernel, folio)
        folio.pages[0] = 78
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        written = world.si.data[16]
        await folio_lock(world.kernel, folio, "main.lock")
        folio.uptodate = False
        await swap_read_folio(world.kernel, folio)
        await folio_lock(world.kernel, folio, "main.lock")
        await world.release(folio)
        return written, folio.uptodate

    expected = (SPOILED, False) if stable else (78, True)
    assert world.play(main=main, window=[Run("main", "main.wait")])["main"] == expected


def _sent(world: Any) -> list[list[int]]:
    """Gets the first slots of what each transfer from now on takes."""
    sent: list[list[int]] = []

    async def submit(kernel: Any, sio: Any) -> None:
        sent.append([bio.offset for bio in sio.bios])
        await sio.si.bios.send(sio)

    world.kernel.functions["submit_bio"] = submit
    return sent


async def _queued(world: Any, slots: Sequence[int]) -> list[Folio]:
    """Begin to read slots, in this order."""
    folios = []
    for slot in slots:
        folio = await world.inserted(slot)
        await swap_read_folio(world.kernel, folio)
        folios.append(folio)
    return folios


async def _ended(world: Any, folios: Sequence[Folio]) -> list[int | None]:
    """Wait for reads to end, and let go of the folios; gives their data."""
    for folio in folios:
        await folio_lock(world.kernel, folio, "main.lock")
        await world.release(folio)
    return [folio.pages[0] for folio in folios]


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ((16, 17, 18), [[16, 17, 18]]),
        ((17, 16), [[17], [16]]),
        ((16, 17, 20, 21), [[16, 17], [20, 21]]),
        (range(16, 50), [[*range(16, 48)], [48, 49]]),
    ],
)
def test_plug(
    make_world: Callable[..., Any], slots: Sequence[int], expected: list[list[int]]
) -> None:
    """What is queued goes together where slots follow each other, 32 folios at most."""
    world = make_world(sync=False, plugged=True)
    tokens = {slot: world.swapped(slot) for slot in sorted(slots)}
    sent = _sent(world)

    async def main() -> list[int | None]:
        swap_start_plug(world.kernel)
        folios = await _queued(world, slots)
        assert len(sent) == len(slots) // 33
        await swap_finish_plug(world.kernel)
        return await _ended(world, folios)

    assert world.play(main=main)["main"] == [tokens[slot] for slot in slots]
    assert sent == expected


def test_plugs_nest(make_world: Callable[..., Any]) -> None:
    """The end of an inner plug submits what is its own."""
    world = make_world(sync=False, plugged=True)
    for slot in (16, 17):
        world.swapped(slot)
    sent = _sent(world)

    async def main() -> None:
        swap_start_plug(world.kernel)
        outer = await _queued(world, [16])
        swap_start_plug(world.kernel)
        inner = await _queued(world, [17])
        await swap_finish_plug(world.kernel)
        assert sent == [[17]]
        await swap_finish_plug(world.kernel)
        await _ended(world, [*inner, *outer])

    world.play(main=main)
    assert sent == [[17], [16]]


@pytest.mark.parametrize(("sync", "plugged"), [(True, True), (False, False)])
def test_nothing_is_queued(make_world: Callable[..., Any], sync: bool, plugged: bool) -> None:
    """Neither on a synchronous device nor before tree N does a plug hold anything back."""
    world = make_world(sync=sync, plugged=plugged)
    for slot in (16, 17):
        world.swapped(slot)
    sent = _sent(world)

    async def main() -> None:
        swap_start_plug(world.kernel)
        folios = await _queued(world, [16, 17])
        assert sent == [[16], [17]]
        await swap_finish_plug(world.kernel)
        await _ended(world, folios)

    world.play(main=main)


def test_waiting_for_what_is_queued(make_world: Callable[..., Any]) -> None:
    """Who waits for a folio before it is submitted waits for itself."""
    world = make_world(sync=False, plugged=True)
    world.swapped(16)

    async def main() -> None:
        swap_start_plug(world.kernel)
        await _ended(world, await _queued(world, [16]))

    world.play(main=main, ending="violation")
    assert world.execution.verdict.check == "I-SPIN"


def test_large_transfer_fails_whole(make_world: Callable[..., Any]) -> None:
    """One status holds for all folios of a transfer."""
    world = make_world(sync=False, plugged=True, may_fail=["read"])
    for slot in (16, 17):
        world.swapped(slot)

    async def main() -> list[bool]:
        swap_start_plug(world.kernel)
        folios = await _queued(world, [16, 17])
        await swap_finish_plug(world.kernel)
        await _ended(world, folios)
        return [folio.uptodate for folio in folios]

    result = world.play(main=main, choices={"submit_bio.status": ("fail",)})
    assert result["main"] == [False, False]


@pytest.mark.parametrize(("choice", "expected"), [("300", 300), ("9000", 9000)])
def test_latency_by_distribution(
    make_world: Callable[..., Any], choice: str, expected: int
) -> None:
    """A device with several latencies draws one for each transfer."""
    world = make_world(latency=700)
    world.si.latencies = (300, 9000)
    world.swapped(16)
    read = _read(world, 16)

    async def main() -> int:
        await read()
        return now()

    result = world.play(main=main, choices={"block_device.latency": (choice,)})
    assert result["main"] == expected


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


def test_not_freed_under_writeback(make_world: Callable[..., Any]) -> None:
    """While it is written a folio is in the device's hands and keeps its slot (H04)."""
    world = make_world(sync=False)
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


@pytest.mark.parametrize("kept", ["", "held", "locked", "dirty"])
def test_dropbehind(make_world: Callable[..., Any], kept: str) -> None:
    """A folio to be dropped is free after its write, or on the LRU if somebody wants it."""
    world = make_world(sync=False)
    world.swapped(16)

    async def main() -> Folio:
        folio = await _ready(world, 16, 77)
        del world.kernel.lru[folio.pfn]
        folio.lru, folio.dropbehind = False, True
        await swap_writeout(world.kernel, folio)
        if kept == "locked":
            await folio_lock(world.kernel, folio, "main.lock")
        folio.dirty = kept == "dirty"
        if kept != "held":
            folio_put(world.kernel, folio)
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        await point("main.end")
        if kept == "locked":
            await folio_unlock(world.kernel, folio, "main.unlock")
        if kept == "held":
            folio_put(world.kernel, folio)
        return folio

    steps = [Run("main", "main.wait"), Run("swap0-disk", "swap0.bios.receive", times=2)]
    folio = world.play(main=main, window=steps)["main"]
    assert (folio.freed, folio.lru, folio.dropbehind) == (not kept, bool(kept), False)
    assert world.slots(16).startswith("f1" if kept else "s1")
    assert world.si.data[16] == 77
