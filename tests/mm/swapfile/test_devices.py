# SPDX-License-Identifier: MIT OR Apache-2.0
"""Devices: pins, the list of those with room, and how full swap is (spec 1.1, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.swap_h import SWP_WRITEOK, swp_entry
from swaptrio.mm.swapfile import (
    get_swap_device,
    mem_cgroup_swap_full,
    put_swap_device,
    vm_swap_full,
)
from swaptrio.mm.swapfile.devices import RECLAIM, lock_at_once, schedule_work
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable


def test_get_swap_device(world: Any) -> None:
    """A device is pinned if it is there, alive and has the slot, whatever is in it (spec 8)."""
    absent = [swp_entry(0, 0), swp_entry(1, 16), swp_entry(0, 512)]

    async def main() -> None:
        si = await get_swap_device(world.kernel, world.entry(16))
        assert si is not None
        assert (si, si.users) == (world.si, 2)
        await put_swap_device(world.kernel, si)
        for entry in absent:
            assert await get_swap_device(world.kernel, entry) is None
        world.si.users, world.si.dying = 0, True
        assert await get_swap_device(world.kernel, world.entry(16)) is None

    world.play(main=main)


def test_a_device_on_its_way_off_is_not_pinned(world: Any) -> None:
    """Once swapoff has killed the reference no more are given, though some are out (spec 8)."""

    async def main() -> None:
        si = await get_swap_device(world.kernel, world.entry(16))
        world.si.dying = True
        assert await get_swap_device(world.kernel, world.entry(16)) is None
        world.si.dying = False
        assert si is not None
        await put_swap_device(world.kernel, si)

    world.play(main=main)
    assert world.si.users == 1


def _fill(world: Any) -> None:
    for slot in range(1, 512):
        world.swapped(slot)


@pytest.mark.parametrize("writable", [True, False])
def test_a_freed_slot_brings_a_full_device_back(world: Any, writable: bool) -> None:
    """A full device is not on the list; the first freed slot brings it back, unless swapoff
    has taken the right to write (C04)."""
    _fill(world)
    assert (world.si.available, world.kernel.swap_avail) == (False, {})

    async def main() -> None:
        if not writable:
            world.si.flags &= ~SWP_WRITEOK
        await world.disown(16)

    world.play(main=main, oracles=True)
    assert world.si.available is writable
    assert list(world.kernel.swap_avail) == [0] * writable


def test_the_last_slot_takes_a_device_off_the_list(world: Any) -> None:
    """The allocation that fills a device takes it off the list of those with room."""
    for slot in range(2, 512):
        world.swapped(slot)
    assert world.si.available

    async def main() -> None:
        folio = await world.given_slots()
        assert (world.si.available, world.kernel.swap_avail) == (False, {})
        await world.release(folio)

    world.play(main=main, oracles=True)


@pytest.mark.parametrize(("used", "full"), [(255, False), (256, True)])
def test_swap_is_full_when_less_than_half_is_free(world: Any, used: int, full: bool) -> None:
    """Swap counts as full from the slot on that leaves less than half of all free."""
    for slot in range(1, used + 1):
        world.swapped(slot)

    async def main() -> tuple[bool, bool]:
        folio = await world.resident()
        answers = vm_swap_full(world.kernel), mem_cgroup_swap_full(world.kernel, folio)
        await world.release(folio)
        return answers

    assert world.play(main=main)["main"] == (full, full)
    assert world.kernel.nr_swap_pages == 511 - used


@pytest.mark.parametrize(
    ("limit", "v1", "full"), [(5, False, False), (4, False, True), (4, True, False)]
)
def test_swap_is_full_for_a_group(
    make_world: Callable[..., Any], limit: int, v1: bool, full: bool
) -> None:
    """With v2 swap is full for a group that has used half of what it, or one above, may use."""
    world = make_world(memcg_v1=v1)
    world.quad()
    world.m1.swap = 2
    world.m1.parent, world.m2.swap_max, world.m2.swap = world.m2, limit, 2

    async def main() -> tuple[bool, bool]:
        folio = await world.resident()
        answers = vm_swap_full(world.kernel), mem_cgroup_swap_full(world.kernel, folio)
        folio.memcg = None
        assert not mem_cgroup_swap_full(world.kernel, folio)
        await world.release(folio)
        return answers

    assert world.play(main=main)["main"] == (False, full)


def test_all_devices_count(world: Any) -> None:
    """How full swap is, is asked of all devices together."""
    _fill(world)
    setup.new_device(world.kernel, "swap1", clusters=2)

    assert not vm_swap_full(world.kernel)
    assert (world.kernel.nr_swap_pages, world.kernel.total_swap_pages) == (1023, 1534)


async def _places(world: Any, count: int) -> list[str]:
    """The devices on which so many folios get their slots, each on a CPU of its own."""
    names = []
    for _ in range(count):
        world.kernel.percpu_swap_cluster.clear()
        folio = await world.given_slots()
        names.append(world.kernel.devices[folio.swap >> 58].name)
        await world.release(folio)
    return names


def test_devices_are_used_by_priority_and_in_turn(make_world: Callable[..., Any]) -> None:
    """The highest priority comes first, and devices of one priority take turns (spec 2.1)."""
    world = make_world()
    setup.new_device(world.kernel, "swap1", priority=5)
    setup.new_device(world.kernel, "swap2", priority=5)

    async def main() -> list[str]:
        return await _places(world, 4)

    assert world.play(main=main)["main"] == ["swap1", "swap2", "swap1", "swap2"]
    assert [si.name for si in world.kernel.swap_avail.values()] == ["swap1", "swap2", "swap0"]


def test_a_device_without_a_cluster_to_spare_is_passed_over(
    make_world: Callable[..., Any],
) -> None:
    """Where the first device has nothing that is not worked on, the next one is tried."""
    world = make_world(device={"priority": 5})
    setup.new_device(world.kernel, "swap1")

    async def holder() -> None:
        async with world.si.clusters[0].lock.hold("holder.lock"):
            await point("holder.hold")

    async def main() -> list[str]:
        return await _places(world, 1)

    results = world.play(
        holder=holder, main=main, window=[Run("holder", "holder.hold"), Run("main")]
    )
    assert results["main"] == ["swap1"]


def test_a_device_that_dies_on_the_walk_is_passed_over(make_world: Callable[..., Any]) -> None:
    """A device that cannot be pinned any more is passed over, on the fast way and the slow."""
    world = make_world(device={"priority": 5})
    setup.new_device(world.kernel, "swap1")

    async def main() -> list[str]:
        folio = await world.given_slots()
        await world.release(folio)
        world.si.dying = True
        other = await world.given_slots()
        name = world.kernel.devices[other.swap >> 58].name
        await world.release(other)
        world.si.dying = False
        return [name]

    assert world.play(main=main)["main"] == ["swap1"]


def test_work_waits_once(world: Any) -> None:
    """A work that waits already is not asked for again; what is done can be asked for anew."""

    async def main() -> list[int]:
        waiting = []
        for _ in range(2):
            schedule_work(world.kernel, world.si, RECLAIM)
            waiting.append(world.si.work_in.waiting())
        return waiting

    assert world.play(main=main)["main"] == [1, 1]
    assert world.si.scheduled == {}


def test_the_inner_locks_are_kept_within_a_step(world: Any) -> None:
    """Whoever keeps one of the inner locks over a scheduling point is told so (I-SPIN)."""

    async def keeper() -> None:
        async with world.si.lock.hold("keeper.lock"):
            await point("keeper.hold")

    async def main() -> None:
        lock_at_once(world.si.lock)

    world.play(
        keeper=keeper,
        main=main,
        window=[Run("keeper", "keeper.hold"), Run("main")],
        ending="violation",
    )
    assert world.execution.verdict.check == "I-SPIN"
