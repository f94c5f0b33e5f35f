# SPDX-License-Identifier: MIT OR Apache-2.0
"""The swap cache: insertion, removal, lookup, match (spec 1.6, 1.7, 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swaptrio.mm.errno import Errno
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_unlock
from swaptrio.mm.swap_h import NO_ENTRY, _swap_entry_to_cluster
from swaptrio.mm.swap_state import (
    _swap_cache_do_add_folio,
    folio_matches_swap_entry,
    swap_cache_alloc_folio,
    swap_cache_del_folio,
    swap_cache_get_folio,
)
from swaptrio.mm.swapfile import folio_dup_swap, folio_put_swap
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable


def test_insertion(world: Any) -> None:
    """An inserted folio is locked, charged, named by its slots, and has nr + 1 references."""
    for slot in range(16, 20):
        world.swapped(slot, shadow=slot, count=slot - 15)

    async def main() -> None:
        folio = await world.inserted(17, order=2)
        assert world.slots(16, 4) == "f1 f2 f3 f4"
        assert (folio.refs, folio.holders["main"]) == (5, 1)
        assert (folio.locked, folio.swapbacked, folio.swapcache) == (True, True, True)
        assert (folio.uptodate, folio.lru, folio.memcg) == (False, True, world.m1)
        assert folio.swap == world.entry(16)
        await world.release(folio)

    world.play(main=main)
    assert world.kernel.vmstat.node == {"NR_FILE_PAGES": 4, "NR_SWAPCACHE": 4}
    assert world.kernel.vmstat.memcg == {("m1", "NR_SWAPCACHE"): 4}
    assert world.kernel.warnings == []


def test_removal(world: Any) -> None:
    """Removal leaves a shadow with the same count, and takes the cache's references along."""
    world.swapped(16, shadow=5, count=3)

    async def main() -> None:
        folio = await world.inserted(16)
        await swap_cache_del_folio(world.kernel, folio)
        assert (folio.refs, folio.swapcache, folio.swap) == (1, False, NO_ENTRY)
        await world.release(folio)
        assert folio.freed

    world.play(main=main)
    assert world.slots(16) == "s3:0"
    assert world.kernel.vmstat.node.total() == 0
    assert (world.m1.memory, world.m1.swap) == (0, 1)


def test_removal_frees_unused_slots(world: Any) -> None:
    """Slots whose count has gone to 0 while they were cached are free afterwards (spec 1.6)."""
    for slot in range(16, 20):
        world.swapped(slot)

    async def main() -> None:
        folio = await world.inserted(16, order=2)
        await folio_put_swap(world.kernel, folio, 2)
        assert world.slots(16, 4) == "f1 f1 f0 f1"
        await swap_cache_del_folio(world.kernel, folio)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(16, 4) == "s1:0 s1:0 - s1:0"
    assert (world.si.inuse_pages, world.si.clusters[0].count) == (3, 4)
    assert 18 not in world.si.data
    assert world.kernel.warnings == []


def test_removal_of_all(world: Any) -> None:
    """A folio none of whose slots is used frees them all."""
    for slot in (16, 17):
        world.swapped(slot)

    async def main() -> None:
        folio = await world.inserted(16, order=1)
        await folio_put_swap(world.kernel, folio, None)
        assert world.slots(16, 2) == "f0 f0"
        await swap_cache_del_folio(world.kernel, folio)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(16, 2) == "- -"
    assert world.m1.swap == 0


def test_counts_of_a_cached_slot(world: Any) -> None:
    """With the folio locked a count goes from 0 to 1 and back, and nothing is freed."""
    world.swapped(16)

    async def main() -> None:
        folio = await world.inserted(16)
        await folio_put_swap(world.kernel, folio, 0)
        assert world.slots(16) == "f0"
        assert await folio_dup_swap(world.kernel, folio, 0) is None
        assert world.slots(16) == "f1"
        await world.release(folio)

    world.play(main=main)
    assert world.kernel.warnings == []


def test_flags_survive(make_world: Callable[..., Any]) -> None:
    """The zero flag is kept by insertion and removal (spec 1.5)."""
    world = make_world("v5")
    world.swapped(16, zero=True)

    async def main() -> None:
        folio = await world.inserted(16)
        assert world.slots(16) == "f1z"
        await swap_cache_del_folio(world.kernel, folio)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(16) == "s1:0z"


def test_lookup(world: Any) -> None:
    """A lookup takes a reference for the running task, and finds nothing that is not cached."""
    world.swapped(16)

    async def main() -> None:
        assert await swap_cache_get_folio(world.kernel, world.entry(16)) is None
        assert await swap_cache_get_folio(world.kernel, world.entry(17)) is None
        folio = await world.cached(16)
        found = await swap_cache_get_folio(world.kernel, world.entry(16))
        assert found is not None
        assert found is folio
        assert (folio.refs, folio.holders["main"]) == (2, 1)
        folio_put(world.kernel, folio)

    world.play(main=main)


def test_lookup_of_frozen(world: Any) -> None:
    """While the references are frozen a lookup cannot go on, and after that it does (A21)."""
    world.swapped(16)
    ci = _swap_entry_to_cluster(world.kernel, world.entry(16))

    async def owner() -> None:
        folio = await world.cached(16)
        async with ci.lock.hold("owner.lock"):
            folio.refs, folio.frozen = 0, True
            await point("owner.frozen")
            folio.refs, folio.frozen = 1, False

    async def looker() -> int:
        folio = await swap_cache_get_folio(world.kernel, world.entry(16))
        assert folio is not None
        folio_put(world.kernel, folio)
        return folio.refs

    world.play(
        owner=owner,
        looker=looker,
        window=[
            Run("owner", "owner.frozen"),
            Run("looker", "swap_cache_get_folio.frozen"),
            Run("owner"),
            Run("looker"),
        ],
    )


def test_lookup_of_frozen_makes_no_rounds(world: Any) -> None:
    """While nothing has changed it does not look again, or some search would have no end."""
    world.swapped(16)

    async def owner() -> None:
        folio = await world.cached(16)
        folio.refs, folio.frozen = 0, True
        await point("owner.frozen")

    async def looker() -> None:
        await swap_cache_get_folio(world.kernel, world.entry(16))

    world.play(
        owner=owner,
        looker=looker,
        window=[
            Run("owner", "owner.frozen"),
            Run("looker", "swap_cache_get_folio.lookup", times=2),
        ],
        ending="window-not-reached",
    )

    assert "looker is blocked at swap_cache_get_folio.frozen" in world.execution.verdict.message


def test_lookup_after_removal(world: Any) -> None:
    """A lookup that was frozen out finds the slot uncached when the folio is gone (A21)."""
    world.swapped(16)

    async def owner() -> None:
        folio = await world.inserted(16)
        folio.refs, folio.frozen = 0, True
        await point("owner.frozen")
        folio.refs, folio.frozen = 2, False
        await swap_cache_del_folio(world.kernel, folio)
        await world.release(folio)

    async def looker() -> object:
        return await swap_cache_get_folio(world.kernel, world.entry(16))

    results = world.play(
        owner=owner,
        looker=looker,
        window=[
            Run("owner", "owner.frozen"),
            Run("looker", "swap_cache_get_folio.frozen"),
            Run("owner"),
        ],
    )

    assert results["looker"] is None


def test_lookup_of_freed(world: Any) -> None:
    """A word that names a freed folio would crash the kernel, and is no failure of ours."""
    world.swapped(16)

    async def main() -> None:
        folio = await world.cached(16)
        del world.kernel.folios[folio.pfn]
        await swap_cache_get_folio(world.kernel, world.entry(16))

    world.play(main=main, ending="violation")
    assert world.execution.verdict.check == "BUG"


def test_match(world: Any) -> None:
    """A locked folio matches every slot of its range, and none when it has left the cache."""
    for slot in range(16, 20):
        world.swapped(slot)

    async def main() -> list[bool]:
        folio = await world.inserted(16, order=2)
        matches = [
            folio_matches_swap_entry(world.kernel, folio, world.entry(slot))
            for slot in (15, 16, 19, 20)
        ]
        await swap_cache_del_folio(world.kernel, folio)
        matches.append(folio_matches_swap_entry(world.kernel, folio, world.entry(16)))
        await world.release(folio)
        return matches

    assert world.play(main=main)["main"] == [False, True, True, False, False]
    assert world.kernel.warnings == []


def test_match_needs_the_lock(world: Any) -> None:
    """A match without the folio lock is warned of, for it says nothing."""
    world.swapped(16)

    async def main() -> None:
        folio = await world.cached(16)
        folio_matches_swap_entry(world.kernel, folio, world.entry(16))

    world.play(main=main)
    assert world.kernel.warnings == ["matched while not locked"]


def test_waiter_of_a_rolled_back_folio(make_world: Callable[..., Any]) -> None:
    """Who waits for a folio whose charge fails gets it uncached, and is the last (A18)."""
    world = make_world(may_fail=["charge"])
    world.swapped(16, shadow=9)

    async def first() -> object:
        return await swap_cache_alloc_folio(
            world.kernel, world.entry(16), "GFP", 1, None, "task", 0
        )

    async def second() -> tuple[bool, int]:
        folio = await swap_cache_get_folio(world.kernel, world.entry(16))
        assert folio is not None
        await folio_lock(world.kernel, folio, "second.lock")
        seen = folio_matches_swap_entry(world.kernel, folio, world.entry(16)), folio.refs
        await folio_unlock(world.kernel, folio, "second.unlock")
        folio_put(world.kernel, folio)
        assert folio.freed
        return seen

    results = world.play(
        first=first,
        second=second,
        window=[Run("first", "charge_memcg.wait"), Run("second", "second.lock"), Run("first")],
        choices={"charge_memcg.grant": ("fail",)},
    )

    assert results == {"first": Errno.ENOMEM, "second": (False, 1)}
    assert world.slots(16) == "s1:9"
    assert world.m1.memory == 0


def test_insertion_warns(world: Any) -> None:
    """What is inserted has to be locked, swapbacked and outside of the cache (VM_WARN)."""
    world.swapped(16)

    async def main() -> None:
        folio = await world.cached(16)
        folio.swapbacked = False
        _swap_cache_do_add_folio(world.kernel, world.si.clusters[0], folio, world.entry(16))

    world.play(main=main)
    assert world.kernel.warnings == [
        "added to the swap cache while not locked",
        "added to the swap cache twice",
        "added to the swap cache while not swapbacked",
        "slot is cached already",
    ]
