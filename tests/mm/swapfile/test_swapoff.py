# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking devices off and on (spec 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import do_swap_page, handle_mm_fault, zap_pte_range
from swaptrio.mm.mm_types import PoisonPte, PresentPte, SwapPte, VmFaultReason
from swaptrio.mm.page_alloc import folio_end_writeback
from swaptrio.mm.swap_h import ClusterFlag, SwpEntry
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.swapfile import (
    folio_alloc_swap,
    get_swap_device,
    put_swap_device,
    swapoff,
    swapon,
)
from swaptrio.sched import RandomWalk, Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = pytest.mark.parametrize("sync", [True, False])
SIGNAL = "try_to_unuse.signal"


def _off(world: Any, number: int = 0) -> Callable[[], Any]:
    async def main() -> Errno | None:
        return await swapoff(world.kernel, number)

    return main


def _is_off(world: Any) -> bool:
    """Whether nothing is left of the first device."""
    si = world.si
    assert all(
        (ci.table, ci.count, ci.flags) == (None, 0, ClusterFlag.NONE) for ci in si.clusters
    )
    assert (si.users, si.dying, si.inuse_pages, si.max, si.available) == (0, True, 0, 0, False)
    assert not any((si.free_clusters, si.full_clusters, *si.nonfull_clusters))
    return bool(si.flags == 0 and si.type not in world.kernel.swap_avail)


def _data(world: Any, *pages: int) -> list[int | None]:
    return [world.mapped(page) for page in pages]


@BOTH
def test_swapoff_brings_everything_back(make_world: Callable[..., Any], sync: bool) -> None:
    """All pages are mapped with their data, no slot is left, and no device (Q-OFF)."""
    world = make_world(sync=sync, clusters=2)
    tokens = world.quad()

    assert world.play(main=_off(world), oracles=True)["main"] is None
    assert _data(world, *range(16, 20)) == tokens
    assert _is_off(world)
    assert (world.kernel.nr_swap_pages, world.kernel.total_swap_pages) == (0, 0)
    assert world.kernel.warnings == []


def test_an_empty_device_goes_at_once(world: Any) -> None:
    """A device without a slot in use has nothing to bring back."""
    assert world.play(main=_off(world), oracles=True)["main"] is None
    assert _is_off(world)


def test_entries_keep_their_marks(make_world: Callable[..., Any]) -> None:
    """A page is mapped without the right to write; it stays exclusive, or shared, and
    soft-dirty, as its entry says."""
    world = make_world()
    world.quad()
    world.mm.ptes[17] = SwapPte(world.entry(17), False, True)

    world.play(main=_off(world), oracles=True)
    first, second = world.mm.ptes[16], world.mm.ptes[17]
    assert (first.writable, first.soft_dirty, first.folio.exclusive) == (False, False, [True])
    assert (second.soft_dirty, second.folio.exclusive) == (True, [False])


def test_all_processes_are_gone_through(make_world: Callable[..., Any]) -> None:
    """A slot that several processes share is brought back to each, as one folio; a process
    that has exited is passed over."""
    world = make_world()
    token = world.swapped(16, page=3, count=2)
    gone = setup.new_process(world.kernel, "R", world.m1)
    gone.exited = True
    other = setup.new_process(world.kernel, "Q", world.m1)
    setup.map_swapped(other, 3, world.si, 16, token)
    setup.new_process(world.kernel, "S", world.m1)

    assert world.play(main=_off(world), oracles=True)["main"] is None
    mine, theirs = world.mm.ptes[3], other.ptes[3]
    assert isinstance(mine, PresentPte)
    assert isinstance(theirs, PresentPte)
    assert mine.folio is theirs.folio
    assert mine.folio.mapcount == 2


def test_other_devices_are_left_alone(make_world: Callable[..., Any]) -> None:
    """Only what names the device is brought back."""
    world = make_world()
    world.swapped(16, page=3)
    other = setup.new_device(world.kernel, "swap1")
    token = setup.swap_out(world.kernel, other, 5, memcg=world.m1)
    setup.map_swapped(world.mm, 4, other, 5, token)

    assert world.play(main=_off(world), oracles=True)["main"] is None
    assert isinstance(world.mm.ptes[4], SwapPte)
    assert (world.kernel.nr_swap_pages, world.kernel.total_swap_pages) == (510, 511)


def test_what_cannot_be_read_leaves_a_marker(make_world: Callable[..., Any]) -> None:
    """A page whose read fails is lost, and whoever looks is told so (H05)."""
    world = make_world(may_fail=["read"])
    world.swapped(16, page=3)

    async def main() -> tuple[Errno | None, str]:
        error = await swapoff(world.kernel, 0)
        return error, await handle_mm_fault(world.kernel, world.mm, 3, write=False)

    results = world.play(main=main, choices={"submit_bio.status": ("fail",)}, oracles=True)
    assert results["main"] == (None, "VM_FAULT_HWPOISON")
    assert isinstance(world.mm.ptes[3], PoisonPte)
    assert _is_off(world)


def test_no_memory(make_world: Callable[..., Any]) -> None:
    """Where a page cannot be read for want of memory it is ENOMEM, and the device is in use as
    before."""
    world = make_world(may_fail=["alloc"])
    world.swapped(16, page=3)

    async def main() -> tuple[Errno | None, int]:
        error = await swapoff(world.kernel, 0)
        folio = await world.given_slots()
        await world.release(folio)
        return error, folio.swap

    results = world.play(main=main, choices={"alloc_pages.grant": ("fail", "ok")}, oracles=True)
    assert results["main"] == (Errno.ENOMEM, world.entry(1))
    assert (world.si.available, world.si.users, world.kernel.total_swap_pages) == (True, 1, 511)


def test_a_signal_ends_it(make_world: Callable[..., Any]) -> None:
    """A signal ends the search with EINTR, after which the device is in use as before."""
    world = make_world(may_fail=["signal"], clusters=3)
    world.swapped(1100)  # nobody in the model owns it, so it cannot be brought back

    results = world.play(main=_off(world), choices={SIGNAL: ("ok", "fail")}, oracles=True)
    assert results["main"] is Errno.EINTR
    assert (world.si.available, world.si.users) == (True, 1)
    assert world.slots(1100) == "s1:0"


@pytest.mark.parametrize("number", [0, 3])
def test_a_device_that_is_not_there(world: Any, number: int) -> None:
    """What is not there, or not any more, cannot be taken off: EINVAL."""

    async def main() -> Errno | None:
        if number == 0:
            assert await swapoff(world.kernel, 0) is None
        return await swapoff(world.kernel, number)

    assert world.play(main=main, oracles=True)["main"] is Errno.EINVAL


def test_only_one_takes_it_off(world: Any) -> None:
    """Who comes second while a device is taken off is told that it is not there."""
    world.quad()
    results = world.play(
        first=_off(world),
        second=_off(world),
        window=[Run("first", "wait_for_allocation.lock"), Run("second"), Run("first")],
        oracles=True,
    )
    assert results == {"first": None, "second": Errno.EINVAL}


def test_a_pin_is_waited_for(world: Any) -> None:
    """Whoever has a reference keeps the structures; no new ones are given meanwhile."""

    async def user() -> list[object]:
        si = await get_swap_device(world.kernel, world.entry(16))
        assert si is not None
        await point("user.pinned")
        seen = [
            await get_swap_device(world.kernel, world.entry(16)),
            world.si.clusters[0].count,
        ]
        await put_swap_device(world.kernel, si)
        return seen

    results = world.play(
        user=user,
        off=_off(world),
        window=[Run("user", "user.pinned"), Run("off", "percpu_ref_kill.wait"), Run("user")],
        oracles=True,
    )
    assert results == {"user": [None, 1], "off": None}
    assert _is_off(world)


def test_the_place_of_a_cpu_is_forgotten(make_world: Callable[..., Any]) -> None:
    """No CPU goes on allocating where nothing is any more."""
    world = make_world(clusters=2)
    setup.new_device(world.kernel, "swap1")

    async def main() -> list[object]:
        folio = await world.given_slots()
        await world.release(folio)
        error = await swapoff(world.kernel, 0)
        seen = dict(world.kernel.percpu_swap_cluster)
        other = await world.given_slots()
        await world.release(other)
        return [error, seen, other.swap >> 58]

    assert world.play(main=main, oracles=True)["main"] == [None, {}, 1]


def test_slots_that_only_the_cache_keeps_are_freed(world: Any) -> None:
    """What nobody's entry names is found by going through the tables."""

    async def main() -> Errno | None:
        folio = await world.given_slots()
        await world.release(folio)
        return await swapoff(world.kernel, 0)

    assert world.play(main=main, oracles=True)["main"] is None
    assert _is_off(world)


@pytest.mark.parametrize("named", [True, False])
def test_a_folio_that_is_written_is_waited_for(world: Any, named: bool) -> None:
    """A folio under writeback cannot leave its slots: the search waits until it can (H04)."""
    world.swapped(16, page=3)
    waits = "unuse_pte_range.writeback" if named else "try_to_unuse.writeback"

    async def writer() -> str:
        folio = await world.cached(16)
        if not named:
            await zap_pte_range(world.kernel, world.mm, 3, 1)
            folio = await world.given_slots()
            await world.release(folio)
        folio.writeback = True
        await point("writer.writing")
        seen = str(world.slots(16 if named else 1))
        folio_end_writeback(world.kernel, folio)
        return seen

    results = world.play(
        writer=writer,
        off=_off(world),
        window=[Run("writer", "writer.writing"), Run("off", waits), Run("writer"), Run("off")],
        oracles=True,
    )
    assert results == {"writer": "f1" if named else "f0", "off": None}
    assert _is_off(world)


def test_files_come_first(world: Any) -> None:
    """What files have on the device is brought back first; what fails there ends it."""
    world.quad()

    async def no_memory(kernel: Any, number: int) -> Errno:
        assert isinstance(world.mm.ptes[16], SwapPte)
        return Errno.ENOMEM

    world.kernel.functions["shmem_unuse"] = no_memory
    assert world.play(main=_off(world), oracles=True)["main"] is Errno.ENOMEM
    assert world.si.available


@pytest.mark.parametrize("where", ["unuse_pte_range.look", "swap_cache_alloc.check"])
def test_a_process_that_goes_away_meanwhile(world: Any, where: str) -> None:
    """An entry that its owner drops while its slot is looked up is nobody's any more; there is
    nothing to bring back then."""
    world.quad()

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 16, 4)

    results = world.play(
        off=_off(world),
        zap=zap,
        window=[Run("off", where), Run("zap"), Run("off")],
        oracles=True,
    )
    assert results["off"] is None
    assert _is_off(world)


@BOTH
def test_a_fault_that_maps_it_first(make_world: Callable[..., Any], sync: bool) -> None:
    """The folio is matched once it is locked, and the entry is looked at again with its lock: a
    fault may have been faster."""
    world = make_world(sync=sync)
    token = world.swapped(16, page=3)

    results = world.play(
        off=_off(world),
        fault=world.access(3),
        window=[Run("off", "unuse_pte_range.lock"), Run("fault"), Run("off")],
        oracles=True,
    )
    assert results == {"off": None, "fault": "mapped"}
    assert _data(world, 3) == [token]


def test_a_fault_that_comes_too_late(world: Any) -> None:
    """A fault that has its entry from before finds no device, and looks at its page again."""
    world.swapped(16, page=3)

    async def main() -> VmFaultReason:
        fault = world.fault(3)
        assert await swapoff(world.kernel, 0) is None
        return await do_swap_page(world.kernel, fault)

    assert world.play(main=main, oracles=True)["main"] is VmFaultReason.NONE


@pytest.mark.parametrize(
    ("label", "answer"),
    [("folio_alloc_swap.charge", None), ("isolate_lock_cluster.lock", Errno.ENOMEM)],
)
def test_who_allocates_meanwhile(world: Any, label: str, answer: Errno | None) -> None:
    """Who has its slot when swapoff begins keeps it until its folio can be locked, and swapoff
    frees it then; who comes to a cluster later gets none (C03)."""

    async def user() -> object:
        folio = await world.resident()
        error = await folio_alloc_swap(world.kernel, folio)
        await world.release(folio)
        return error

    results = world.play(
        user=user,
        off=_off(world),
        window=[Run("user", label), Run("off", "wait_for_allocation.lock"), Run("user")],
        oracles=True,
    )
    assert results == {"user": answer, "off": None}
    assert _is_off(world)


def _users(world: Any) -> dict[str, Callable[[], Any]]:
    async def fault() -> str:
        return await handle_mm_fault(world.kernel, world.mm, 16, write=False)

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 17, 2)

    async def lookup() -> None:
        si = await get_swap_device(world.kernel, world.entry(18))
        if si is None:
            return
        folio = await swap_cache_get_folio(world.kernel, world.entry(18))
        if folio is not None:
            world.let_go(folio)
        await put_swap_device(world.kernel, si)

    async def swapout() -> str:
        return str(await world.swapout(40))

    return {"fault": fault, "zap": zap, "lookup": lookup, "swapout": swapout}


@BOTH
@pytest.mark.parametrize("seed", range(20))
def test_swapoff_among_others(make_world: Callable[..., Any], sync: bool, seed: int) -> None:
    """Whatever else goes on, swapoff ends, and nothing is left of the device (Q-OFF)."""
    world = make_world(sync=sync, clusters=2)
    tokens = world.quad()
    setup.map_resident(world.kernel, world.mm, 40)

    results = world.play(
        off=_off(world), strategy=RandomWalk(seed), oracles=True, **_users(world)
    )
    assert results["off"] is None
    assert _data(world, 16, 19) == [tokens[0], tokens[3]]
    assert world.mapped(40) == world.mm.newest[40]
    assert _is_off(world)
    assert world.kernel.warnings == []


def test_the_same_number_again(make_world: Callable[..., Any]) -> None:
    """The next device of a number begins anew, as its header says."""
    world = make_world(clusters=2, device={"bad": [7], "slots": 1000})
    world.quad()

    async def main() -> list[object]:
        answers: list[object] = [await swapon(world.kernel, 0), await swapoff(world.kernel, 0)]
        answers += [await swapon(world.kernel, 0), await swapon(world.kernel, 3)]
        folio = await world.given_slots()
        await world.release(folio)
        return [*answers, folio.swap]

    results = world.play(main=main, oracles=True)["main"]
    assert results == [Errno.EBUSY, None, None, Errno.EINVAL, world.entry(1)]
    assert (world.si.max, world.si.pages, world.si.users) == (1000, 998, 1)
    assert [ci.count for ci in world.si.clusters] == [3, 24]
    assert world.kernel.total_swap_pages == 998


def test_an_old_entry_pins_the_new_device(make_world: Callable[..., Any]) -> None:
    """A reference that is taken for an entry of the device before is one on the new device,
    whose slot is somebody else's; the entry has changed, and shows it (C07)."""
    world = make_world()
    token = world.swapped(16, page=3)
    folio = setup.map_resident(world.kernel, world.mm, 40)

    async def main() -> VmFaultReason:
        return await do_swap_page(world.kernel, world.fault(3))

    async def admin() -> list[object]:
        answers: list[object] = [await swapoff(world.kernel, 0), await swapon(world.kernel, 0)]
        world.kernel.percpu_swap_cluster["admin", 0] = (0, 16)
        answers.append(await world.swapout(40))
        assert isinstance(world.mm.ptes[40], SwapPte)
        return [*answers, world.mm.ptes[40].entry]

    results = world.play(
        main=main,
        admin=admin,
        window=[Run("main", "get_swap_device.get"), Run("admin"), Run("main")],
        oracles=True,
    )
    assert results["admin"] == [None, None, "reclaimed", SwpEntry(world.entry(16))]
    assert results["main"] is VmFaultReason.NONE
    assert _data(world, 3) == [token]
    assert folio.freed
