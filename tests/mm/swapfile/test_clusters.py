# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clusters and their lists (spec 1.3, 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.swap_h import SWP_PAGE_DISCARD, SWP_WRITEOK, ClusterFlag
from swaptrio.mm.swapfile import (
    _swap_cluster_free_entries,
    folio_alloc_swap,
)
from swaptrio.mm.swapfile.clusters import (
    cluster_is_usable,
    isolate_lock_cluster,
    list_of,
    move_cluster,
    relocate_cluster,
)
from swaptrio.sched import RandomWalk, Run, choose, point

if TYPE_CHECKING:
    from collections.abc import Callable

DISCARD = {"flags": SWP_PAGE_DISCARD}


def _check_lists(world: Any) -> None:
    """Each cluster is on the list of its flag and on no other; the flag agrees with its count,
    and it has a table unless it is free."""
    for si in world.kernel.devices:
        lists = [
            si.free_clusters,
            si.full_clusters,
            si.discard_clusters,
            *si.nonfull_clusters,
            *si.frag_clusters,
        ]
        for ci in si.clusters:
            on = [each for each in lists if ci.number in each]
            assert len(on) == 1, ci
            assert on[0] is list_of(si, ci), ci
            used = sum(word != 0 for word in ci.table or ())
            assert used == ci.count
            assert (ci.table is None) == (ci.flags is ClusterFlag.FREE)
            assert (ci.count == 512) == (ci.flags is ClusterFlag.FULL)
            empty = ci.flags in (ClusterFlag.FREE, ClusterFlag.DISCARD)
            assert (ci.count == 0) == empty


def test_clusters_begin_on_their_lists(make_world: Callable[..., Any]) -> None:
    """A fresh device has its first cluster used in part, by the header, and the rest free."""
    world = make_world(clusters=3)
    for slot in (*range(512, 1024), 1500):
        world.swapped(slot)

    assert [ci.flags.value for ci in world.si.clusters] == ["nonfull", "full", "nonfull"]
    assert list(world.si.nonfull_clusters[0]) == [0, 2]
    _check_lists(world)


def test_slots_past_the_end_fill_their_cluster_up(make_world: Callable[..., Any]) -> None:
    """Slots behind the end of the last cluster are bad, and count as used there (spec 1.1)."""
    world = make_world(device={"slots": 520})

    assert [ci.count for ci in world.si.clusters] == [1, 504]
    assert world.si.pages == 519
    _check_lists(world)


@pytest.mark.parametrize(
    ("flag", "order", "table", "count", "usable"),
    [
        ("none", 0, True, 3, [0]),
        ("frag", 2, True, 3, [0, 2]),
        ("nonfull", 2, True, 0, [0, 1, 2]),
        ("nonfull", 2, False, 0, []),
        ("full", 0, True, 512, []),
        ("discard", 0, True, 0, []),
    ],
)
def test_usable(
    world: Any, flag: str, order: int, table: bool, count: int, usable: list[int]
) -> None:
    """A cluster serves order 0 while it has a table and room, and a large order if it is kept
    for that or empty; a full one, or one to be discarded, serves nobody."""
    ci = world.si.clusters[0]
    ci.flags, ci.order, ci.count = ClusterFlag(flag), order, count
    ci.table = [0] * 512 if table else None

    assert [each for each in (0, 1, 2) if cluster_is_usable(world.kernel, ci, each)] == usable


@pytest.mark.parametrize(
    ("count", "flag"), [(0, "free"), (5, "frag"), (512, "full"), (511, "frag")]
)
def test_relocation(make_world: Callable[..., Any], count: int, flag: str) -> None:
    """After an attempt a cluster is on the list that its count says, and goes there once."""
    world = make_world(clusters=2)
    world.swapped(600)
    ci = world.si.clusters[1]
    ci.count = count

    async def main() -> None:
        async with ci.lock.hold("main.lock"):
            relocate_cluster(world.kernel, world.si, ci)
            relocate_cluster(world.kernel, world.si, ci)

    world.play(main=main)
    assert ci.flags == flag
    assert list_of(world.si, ci)[1] is ci
    assert world.kernel.warnings == []


def test_a_cluster_moved_in_place_is_warned_of(world: Any) -> None:
    """Moving a cluster to the list that it is on is a mistake that the kernel warns of."""
    ci = world.si.clusters[0]

    async def main() -> None:
        nonfull = world.si.nonfull_clusters[0]
        move_cluster(world.kernel, world.si, ci, nonfull, ClusterFlag.NONFULL)

    world.play(main=main)
    assert world.kernel.warnings == ["cluster moved to the list that it is on"]


def test_isolation_takes_the_first_that_nobody_works_on(make_world: Callable[..., Any]) -> None:
    """Who looks for a cluster passes over the locked ones, and never waits for them; from
    there on the cluster is on no list (spec 10)."""
    world = make_world(clusters=3)
    for slot in (600, 1100):
        world.swapped(slot)

    async def main() -> list[int]:
        found = []
        nonfull = world.si.nonfull_clusters[0]
        async with world.si.clusters[0].lock.hold("main.lock"):
            while True:
                ci = await isolate_lock_cluster(world.kernel, world.si, nonfull)
                if ci is None:
                    break
                assert ci.lock.owned()
                assert ci.flags is ClusterFlag.NONE
                found.append(ci.number)
            assert list(nonfull) == [0]
        for number in found:
            world.si.clusters[number].lock.release()
        return found

    assert world.play(main=main)["main"] == [1, 2]


def test_a_freed_slot_moves_its_cluster_to_nonfull(world: Any) -> None:
    """A slot that is freed makes its cluster one that is worth scanning again (spec 1.4)."""
    for slot in range(1, 512):
        world.swapped(slot)
    ci = world.si.clusters[0]
    assert list(world.si.full_clusters) == [0]

    async def main() -> None:
        await world.disown(16)
        await world.disown(17)

    world.play(main=main, oracles=True)
    assert ci.flags is ClusterFlag.NONFULL
    _check_lists(world)


def test_last_slot_takes_the_table_along(make_world: Callable[..., Any]) -> None:
    """A cluster in which nothing is left gives its table back and is free (spec 1.3)."""
    world = make_world(clusters=2)
    world.swapped(600)
    ci = world.si.clusters[1]
    del world.si.nonfull_clusters[0][1]
    ci.order, world.si.nonfull_clusters[3][1] = 3, ci

    async def main() -> None:
        async with ci.lock.hold("main.lock"):
            _swap_cluster_free_entries(world.kernel, world.si, ci, 88, 1)

    world.play(main=main)
    assert (ci.table, ci.flags, ci.order) == (None, ClusterFlag.FREE, 0)
    _check_lists(world)


def test_memory_for_a_table(make_world: Callable[..., Any]) -> None:
    """Without memory for its table under the locks, a free cluster gets it with them dropped;
    meanwhile nobody finds the cluster."""
    world = make_world(clusters=2, may_fail=["table"])

    async def main() -> None:
        folio = await world.given_slots(1)
        assert folio.swap == world.entry(512)
        await world.release(folio)

    async def other() -> list[int]:
        return list(world.si.free_clusters)

    results = world.play(
        main=main,
        other=other,
        window=[Run("main", "swap_cluster_populate.sleep"), Run("other")],
        choices={"swap_cluster_alloc_table.grant": ("fail", "ok")},
        oracles=True,
    )
    assert results["other"] == []
    _check_lists(world)


@pytest.mark.parametrize("rotates", [False, True])
def test_no_memory_for_a_table(make_world: Callable[..., Any], rotates: bool) -> None:
    """A cluster that gets no table at all is free again, and the allocation fails."""
    world = make_world(clusters=2, may_fail=["table"], device={"rotates": rotates})

    async def main() -> object:
        folio = await world.resident(1)
        error = await folio_alloc_swap(world.kernel, folio)
        await world.release(folio)
        return error

    results = world.play(
        main=main, choices={"swap_cluster_alloc_table.grant": ("fail", "fail")}, oracles=True
    )
    assert results["main"] is Errno.ENOMEM
    assert list(world.si.free_clusters) == [1]
    _check_lists(world)


def test_an_empty_cluster_waits_to_be_discarded(make_world: Callable[..., Any]) -> None:
    """Where the device discards, an empty cluster keeps its table and serves nobody before the
    worker has discarded it; then it is free (spec 1.4)."""
    world = make_world(clusters=2, device=DISCARD)
    world.swapped(600)
    ci = world.si.clusters[1]
    world.si.data[601] = 77

    async def main() -> tuple[str, bool]:
        await world.disown(600)
        async with ci.lock.hold("main.lock"):
            relocate_cluster(world.kernel, world.si, ci)
        return ci.flags.value, ci.table is not None

    results = world.play(main=main)
    assert results["main"] == ("discard", True)
    assert (ci.table, ci.flags, world.si.data) == (None, ClusterFlag.FREE, {})
    _check_lists(world)


def test_a_device_on_its_way_off_does_not_discard(make_world: Callable[..., Any]) -> None:
    """Without SWP_WRITEOK an empty cluster is free at once (spec 1.4)."""
    world = make_world(clusters=2, device=DISCARD)
    world.swapped(600)

    async def main() -> None:
        world.si.flags &= ~SWP_WRITEOK
        await world.disown(600)

    world.play(main=main)
    assert list(world.si.free_clusters) == [1]


@pytest.mark.parametrize(
    "device", [{}, DISCARD, {"rotates": True}], ids=["", "discard", "disk"]
)
@pytest.mark.parametrize("seed", range(15))
def test_lists_hold_whatever_happens(
    make_world: Callable[..., Any], device: dict[str, Any], seed: int
) -> None:
    """Whoever allocates and frees, in any order, each cluster is where it says it is."""
    world = make_world(clusters=3, device=device)
    for slot in range(1, 508):
        world.swapped(slot)

    async def user() -> None:
        for _ in range(4):
            folio = await world.resident(choose("user.order", (0, 1, 9)))
            await folio_alloc_swap(world.kernel, folio)
            if choose("user.keep", (False, True)):
                await point("user.between")
            await world.release(folio)

    async def freer() -> None:
        for slot in (1, 2, 300):
            await world.disown(slot)

    world.play(first=user, second=user, freer=freer, strategy=RandomWalk(seed), oracles=True)
    assert world.kernel.warnings == []
    _check_lists(world)
