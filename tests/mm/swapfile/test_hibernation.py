# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots for an image of memory (catalogue A16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.swap_h import SWP_WRITEOK, swp_offset
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swapfile import (
    pin_hibernation_swap_type,
    swap_alloc_hibernation_slot,
    swap_free_hibernation_slot,
    swapoff,
    unpin_hibernation_swap_type,
)
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_slot_for_an_image(world: Any) -> None:
    """A slot of an image is in use once, by nobody, not cached and not charged; it is free
    again when it is given back."""

    async def main() -> str:
        await pin_hibernation_swap_type(world.kernel, 0)
        entry = await swap_alloc_hibernation_slot(world.kernel, 0)
        assert entry == world.entry(1)
        assert world.si.image == {1: None}
        seen = str(world.slots(1))
        await swap_free_hibernation_slot(world.kernel, entry)
        return seen

    assert world.play(main=main, oracles=True)["main"] == "s1:0"
    assert (world.slots(1), world.si.image, world.m1.swap) == ("-", {}, 0)
    assert world.si.inuse_pages == 0


def test_slots_come_from_the_cluster_of_the_cpu(make_world: Callable[..., Any]) -> None:
    """One goes on where this CPU allocated last, if that is on the device."""
    world = make_world(clusters=3)

    async def main() -> list[int]:
        folio = await world.given_slots()
        await world.release(folio)
        await pin_hibernation_swap_type(world.kernel, 0)
        entries = [await swap_alloc_hibernation_slot(world.kernel, 0) for _ in range(2)]
        for entry in entries:
            await swap_free_hibernation_slot(world.kernel, entry)
        return [swp_offset(folio.swap), *map(swp_offset, entries)]

    assert world.play(main=main, oracles=True)["main"] == [1, 2, 3]


def test_a_cluster_that_cannot_be_used_any_more(make_world: Callable[..., Any]) -> None:
    """Where the cluster of the CPU is full by now another one is taken."""
    world = make_world(clusters=2)
    for slot in range(1, 512):
        world.swapped(slot)

    async def main() -> int:
        await pin_hibernation_swap_type(world.kernel, 0)
        world.kernel.percpu_swap_cluster["main", 0] = (0, 2)
        entry = await swap_alloc_hibernation_slot(world.kernel, 0)
        await swap_free_hibernation_slot(world.kernel, entry)
        return swp_offset(entry)

    assert world.play(main=main, oracles=True)["main"] == 512


@pytest.mark.parametrize("why", ["no device", "full", "not WRITEOK"])
def test_no_slot(world: Any, why: str) -> None:
    """Without a device, or room on it, there is no slot: 0."""
    for slot in range(1, 512 if why == "full" else 1):
        world.swapped(slot)

    async def main() -> int:
        if why == "not WRITEOK":
            world.si.flags &= ~SWP_WRITEOK
        return await swap_alloc_hibernation_slot(world.kernel, 3 if why == "no device" else 0)

    assert world.play(main=main, oracles=True)["main"] == 0


def _raced(world: Any, **how: Any) -> dict[str, Any]:
    """Readahead puts a folio in the slot of an image, which is given back then."""

    async def main() -> None:
        await pin_hibernation_swap_type(world.kernel, 0)
        entry = await swap_alloc_hibernation_slot(world.kernel, 0)
        await swap_free_hibernation_slot(world.kernel, entry)

    async def readahead() -> None:
        folio = await swap_cache_read_folio(
            world.kernel, world.entry(1), "GFP", "vma", 0, readahead=True
        )
        if folio is not None:
            world.let_go(folio)

    results: dict[str, Any] = world.play(
        main=main,
        readahead=readahead,
        window=[Run("main", "swap_free_hibernation_slot.lock"), Run("readahead"), Run("main")],
        oracles=True,
        **how,
    )
    return results


@pytest.mark.parametrize("variant", ["v5", "next"])
def test_readahead_in_the_slot_of_an_image(
    make_world: Callable[..., Any], variant: str
) -> None:
    """A folio that readahead has put in the slot is left to the cache, which frees both."""
    world = make_world(variant)
    _raced(world)
    assert world.slots(1) == "-"
    assert world.kernel.folios == {}


@pytest.mark.parametrize("variant", ["pre", "v3", "v4"])
def test_a_cached_slot_that_is_freed_all_the_same(
    make_world: Callable[..., Any], variant: str
) -> None:
    """Before that was mended the slot became free under the folio (A16)."""
    world = make_world(variant)
    _raced(world, ending="violation")
    assert world.execution.verdict.check in ("I-BACKREF", "I-DELLOCK")


def test_a_device_that_is_kept_for_an_image(world: Any) -> None:
    """swapoff refuses while a device is kept for hibernation, which it can be once."""

    async def main() -> list[Errno | None]:
        answers = [
            await pin_hibernation_swap_type(world.kernel, number) for number in (0, 0, 3)
        ]
        answers.append(await swapoff(world.kernel, 0))
        await unpin_hibernation_swap_type(world.kernel, 0)
        answers.append(await swapoff(world.kernel, 0))
        answers.append(await pin_hibernation_swap_type(world.kernel, 0))
        return answers

    assert world.play(main=main, oracles=True)["main"] == [
        None, Errno.EBUSY, Errno.EINVAL, Errno.EBUSY, None, Errno.EINVAL,
    ]  # fmt: skip
    assert world.kernel.warnings == ["device is kept for hibernation twice"]
