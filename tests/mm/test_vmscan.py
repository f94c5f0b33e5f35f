# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reclaim of an anonymous folio, all the way out and back (spec 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import handle_mm_fault, user_store, zap_pte_range
from swaptrio.mm.mm_types import Folio, PresentPte, SwapPte
from swaptrio.mm.page_alloc import (
    folio_lock,
    folio_put,
    folio_try_get,
    folio_unlock,
    folio_wait_writeback,
)
from swaptrio.mm.swap import folio_isolate_lru
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.mm.swap_table import _swp_tb_mk_count, swp_tb_to_shadow
from swaptrio.mm.vmscan import (
    ScanControl,
    _remove_mapping,
    madvise_pageout,
    reclaim_pages,
    shrink_lruvec,
)
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def world(make_world: Callable[..., Any]) -> Any:
    """A world with v3 and nothing in it, under the oracles."""
    return make_world(watched=True)


BOTH = pytest.mark.parametrize("sync", [True, False])


def _resident(world: Any, page: int) -> Folio:
    """A page of the process with data of its own; gives its folio."""
    setup.map_resident(world.kernel, world.mm, page)
    pte = world.mm.ptes[page]
    assert isinstance(pte, PresentPte)
    return pte.folio


def _large(world: Any, page: int, order: int) -> Folio:
    """A large folio that the process maps whole."""
    folio: Folio = setup.map_resident(world.kernel, world.mm, page, order)
    return folio


@BOTH
def test_round_trip(make_world: Callable[..., Any], sync: bool) -> None:
    """A page that goes out and comes back has the data that was stored last."""
    world = make_world(sync=sync, watched=True)
    folio = _resident(world, 3)

    async def main() -> list[str]:
        done = [await madvise_pageout(world.kernel, world.mm, 3)]
        assert folio.freed
        done.append(world.slots(1).split(":")[0])
        done.append(await handle_mm_fault(world.kernel, world.mm, 3, write=False))
        return done

    assert world.play(main=main)["main"] == ["reclaimed", "s1", "mapped"]
    pte = world.mm.ptes[3]
    assert pte.folio.pages[pte.index] == world.mm.newest[3]
    assert world.kernel.warnings == []
    assert (world.m1.memory, world.m1.swap) == (1, 0 if sync else 1)


def test_large_folio_leaves_one_shadow(make_world: Callable[..., Any]) -> None:
    """All slots of a large folio get the same shadow, and each its own data (spec 2.2)."""
    world = make_world(clusters=2)
    folio = _large(world, 16, order=2)
    tokens = list(folio.pages)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 16)

    assert world.play(main=main)["main"] == "reclaimed"
    words = [world.word(slot) for slot in range(512, 516)]
    assert len({swp_tb_to_shadow(word) for word in words}) == 1
    assert swp_tb_to_shadow(words[0]) > 1
    assert [world.si.data[slot] for slot in range(512, 516)] == tokens
    assert [world.mm.ptes[page] for page in range(16, 20)] == [
        SwapPte(world.entry(slot)) for slot in range(512, 516)
    ]
    assert world.kernel.workingset.age == 4
    assert world.kernel.folios == {}


def test_zero_page_round_trip(make_world: Callable[..., Any]) -> None:
    """A slot that held zeros holds other data when its page was stored to since (spec 7)."""
    world = make_world(sync=False, watched=True)
    world.swapped(16, page=3, zero=True)

    async def main() -> list[str]:
        return [
            await handle_mm_fault(world.kernel, world.mm, 3, write=False),
            await user_store(world.kernel, world.mm, 3),
            await madvise_pageout(world.kernel, world.mm, 3),
            world.slots(16).split(":")[0],
            await handle_mm_fault(world.kernel, world.mm, 3, write=False),
        ]

    assert world.play(main=main)["main"] == ["mapped", "stored", "reclaimed", "s1", "mapped"]
    pte = world.mm.ptes[3]
    assert pte.folio.pages[pte.index] == world.mm.newest[3] != 0


@pytest.mark.parametrize("page", [3, 4])
def test_nothing_to_reclaim(world: Any, page: int) -> None:
    """Only a page that is mapped can be reclaimed."""
    world.swapped(16, page=3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, page)

    assert world.play(main=main)["main"] == "nothing there"


def test_locked(world: Any) -> None:
    """Reclaim does not wait for a lock."""
    folio = _resident(world, 3)

    async def main() -> str:
        folio.lock.take_free()
        kept = await madvise_pageout(world.kernel, world.mm, 3)
        await folio.lock.release("main.unlock")
        return kept

    assert world.play(main=main)["main"] == "locked"
    assert folio.refs == 1


def test_no_slots(make_world: Callable[..., Any]) -> None:
    """Without slots the page stays as it was."""
    world = make_world()
    folio = _resident(world, 3)
    for slot in range(1, 512):
        world.swapped(slot)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "no slots"
    assert (folio.refs, folio.locked, folio.swapcache) == (1, False, False)


def test_large_folio_without_large_slots(make_world: Callable[..., Any]) -> None:
    """A large folio that gets no slots is split, and its pages go out one by one (spec 2.2)."""
    world = make_world(watched=True)
    folio = setup.map_resident(world.kernel, world.mm, 16, 2)
    tokens = list(folio.pages)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 16)

    assert world.play(main=main)["main"] == "reclaimed"
    slots = [pte.entry for pte in world.mm.ptes.values()]
    assert [world.si.data[slot] for slot in slots] == tokens
    assert world.kernel.folios == {}


def test_partly_mapped_folio_is_split_first(make_world: Callable[..., Any]) -> None:
    """Of a folio that is mapped in part only what is mapped is written; the rest is freed."""
    world = make_world(watched=True, clusters=2)
    setup.map_resident(world.kernel, world.mm, 16, 2)

    async def main() -> str:
        await zap_pte_range(world.kernel, world.mm, 17, 1)
        return await madvise_pageout(world.kernel, world.mm, 16)

    assert (
        world.play(main=main)["main"] == "being written"
    )  # what nobody maps, until it is free
    assert len(world.si.data) == 3
    assert (world.si.inuse_pages, world.kernel.folios) == (3, {})
    assert world.kernel.deferred_split == {}


@pytest.mark.parametrize("deferred", [False, True])
def test_large_folio_that_cannot_be_split(
    make_world: Callable[..., Any], deferred: bool
) -> None:
    """A folio that cannot be split is kept, where it has to be, or somebody holds it."""
    world = make_world(clusters=2)
    folio = setup.map_resident(world.kernel, world.mm, 16, 2)

    async def never(*_: object) -> Errno:
        return Errno.EAGAIN

    async def main() -> str:
        if deferred:
            await zap_pte_range(world.kernel, world.mm, 17, 1)
            world.kernel.functions["split_folio_to_list"] = never
            return await madvise_pageout(world.kernel, world.mm, 16)
        assert folio_try_get(world.kernel, folio)
        kept = await madvise_pageout(world.kernel, world.mm, 16)
        folio_put(world.kernel, folio)
        return kept

    assert world.play(main=main)["main"] == "no slots"
    assert (folio.order, folio.swapcache, folio.lru) == (2, False, True)


def test_reference_of_another(world: Any) -> None:
    """A folio that somebody else holds keeps its place in the cache (H01)."""
    folio = _resident(world, 3)

    async def holder() -> None:
        assert folio_try_get(world.kernel, folio)
        await point("holder.held")
        folio_put(world.kernel, folio)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    results = world.play(
        holder=holder, main=main, window=[Run("holder", "holder.held"), Run("main")]
    )

    assert results["main"] == "in use"
    assert (world.slots(1), folio.refs, folio.frozen) == ("f1", 1, False)


def test_dirtied_after_the_write(world: Any) -> None:
    """The dirty flag is looked at once the references are frozen (H02)."""
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def writer() -> None:
        folio.dirty = True

    results = world.play(
        main=main, writer=writer, window=[Run("main", "remove_mapping.frozen"), Run("writer")]
    )

    assert results["main"] == "in use"
    assert (world.slots(1), folio.refs, folio.frozen) == ("f1", 1, False)


def test_frozen_until_freed(make_world: Callable[..., Any]) -> None:
    """Nobody gets hold of a folio between its removal and its end (spec 2.2, A21)."""
    world = make_world()
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def looker() -> object:
        return await swap_cache_get_folio(world.kernel, world.entry(1))

    results = world.play(
        main=main,
        looker=looker,
        window=[
            Run("main", "remove_mapping.frozen"),
            Run("looker", "swap_cache_get_folio.get"),
            Run("main", "shrink_folio_list.free"),
            Run("looker"),
        ],
    )

    assert results == {"main": "reclaimed", "looker": None}
    assert (folio.freed, folio.refs) == (True, 0)


def test_remove_mapping_of_uncached(world: Any) -> None:
    """Only the swap cache has a mapping to remove."""
    folio = _resident(world, 3)

    async def main() -> bool:
        return await _remove_mapping(world.kernel, folio)

    assert world.play(main=main)["main"] is False


def test_count_is_full(make_world: Callable[..., Any]) -> None:
    """Where a slot's count is full the page stays mapped (spec 1.5, 2.2)."""
    world = make_world()
    folio = _resident(world, 3)

    async def full(*_: object) -> Errno:
        table = world.si.clusters[0].table
        table[1] = _swp_tb_mk_count(table[1], 14)
        return Errno.ENOMEM

    world.kernel.functions["folio_dup_swap"] = full

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "count is full"
    assert (world.mm.ptes[3].folio, folio.mapcount) == (folio, 1)
    assert folio.active


def test_v1_leaves_memsw_with_the_slot(make_world: Callable[..., Any]) -> None:
    """v1: memory goes down, memsw stays and is recorded for the slot (spec 6)."""
    world = make_world("next", memcg_v1=True)
    _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "reclaimed"
    assert (world.m1.memory, world.m1.memsw) == (0, 1)
    assert world.si.clusters[0].memcg_table == {1: 1}
    assert world.kernel.vmstat.memcg["m1", "NR_SWAPCACHE"] == 0


@pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])
def test_v1_counts_it_out_of_no_group(make_world: Callable[..., Any], variant: str) -> None:
    """v1 before N: the folio has left its group when it is counted out of the cache (G05)."""
    world = make_world(variant, memcg_v1=True)
    _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "reclaimed"
    assert world.kernel.vmstat.memcg["m1", "NR_SWAPCACHE"] == 1
    assert world.kernel.vmstat.memcg["root", "NR_SWAPCACHE"] == -1


def test_count_before_entry(world: Any) -> None:
    """A slot's count is raised before its entry is published (spec 2.2)."""
    _resident(world, 3)
    seen: list[str] = []

    def watched(kernel: Any, mm: Any, page: int, pte: Any) -> None:
        if pte is not None:
            seen.append(world.slots(1))
        mm.ptes[page] = pte

    world.kernel.functions["set_pte_at"] = watched

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    world.play(main=main)
    assert seen == ["f1"]


def test_mapped_twice(world: Any) -> None:
    """A folio leaves all address spaces that map it, each with a count of its own."""
    folio = _resident(world, 3)
    other = setup.new_process(world.kernel, "Q", world.m1)
    other.anon_vma = world.mm.anon_vma
    other.anon_vma.append(other)
    other.ptes[3] = PresentPte(folio, 0)
    folio.mapcount = folio.refs = 2

    async def main() -> str:
        return await madvise_pageout(world.kernel, other, 3)

    assert world.play(main=main)["main"] == "reclaimed"
    assert world.slots(1).startswith("s2")
    entries = [mm.ptes[3] for mm in (world.mm, other)]
    assert [pte.entry for pte in entries if isinstance(pte, SwapPte)] == [world.entry(1)] * 2


def test_mapped_again(world: Any) -> None:
    """A folio that is still mapped after it was unmapped is kept, and active."""
    folio = _resident(world, 3)

    async def not_unmapped(*_: object) -> bool:
        return False

    world.kernel.functions["try_to_unmap"] = not_unmapped

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "mapped"
    assert (folio.active, folio.lru, folio.refs) == (True, True, 2)


def test_not_written_while_somebody_refers_to_it(world: Any) -> None:
    """A dirty folio with a foreign reference may be about to change: it is not written."""
    folio = _resident(world, 3)

    async def main() -> str:
        assert folio_try_get(world.kernel, folio)
        kept = await madvise_pageout(world.kernel, world.mm, 3)
        folio_put(world.kernel, folio)
        return kept

    assert world.play(main=main)["main"] == "in use"
    assert (folio.dirty, world.si.data) == (True, {})


def test_isolated_by_another(world: Any) -> None:
    """Only one task at a time works on a folio: the other finds it off the LRU."""
    _resident(world, 3)

    async def reclaim() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    results = world.play(
        first=reclaim,
        second=reclaim,
        window=[Run("first", "shrink_folio_list.trylock"), Run("second"), Run("first")],
    )

    assert results == {"first": "reclaimed", "second": "in use"}


def test_writeback_is_left_to_a_later_pass(make_world: Callable[..., Any]) -> None:
    """Who may not wait keeps a folio that is being written, for a turn after the next."""
    world = make_world(sync=False, watched=True)
    folio = _resident(world, 3)

    async def shrink() -> tuple[int, bool, bool]:
        return await shrink_lruvec(world.kernel, 1), folio.writeback, folio.active

    async def main() -> list[object]:
        seen: list[object] = [await shrink(), await shrink(), await shrink()]
        await folio_wait_writeback(world.kernel, folio, "main.wait")
        return [*seen, await shrink()]

    assert world.play(main=main, window=[Run("main", "main.wait")])["main"] == [
        (0, True, False),  # is written
        (0, True, True),  # is met under writeback, and active for that
        (0, True, False),  # is active no more
        (1, False, False),
    ]
    assert folio.freed


def test_redirtied_while_written(make_world: Callable[..., Any]) -> None:
    """A folio that was stored to during its write is written again, and kept for that."""
    world = make_world(sync=False, watched=True)
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def writer() -> None:
        folio.dirty, folio.pages[0] = True, 77

    results = world.play(
        main=main,
        writer=writer,
        window=[
            Run("main", "shrink_folio_list.writeback"),
            Run("swap0-disk", "swap0.bios.receive", times=2),
            Run("writer"),
        ],
    )

    assert results["main"] == "being written"
    assert (folio.freed, world.si.data[1]) == (False, 77)


def test_dirtied_before_the_second_look(world: Any) -> None:
    """On a synchronous device the write has ended at once, and the folio is looked at anew."""
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def writer() -> None:
        folio.dirty = True

    results = world.play(
        main=main,
        writer=writer,
        window=[Run("main", "shrink_folio_list.retrylock"), Run("writer")],
    )

    assert results["main"] == "being written"
    assert (folio.dirty, folio.lru, folio.refs, folio.locked) == (True, True, 1, False)


def test_locked_after_the_write(world: Any) -> None:
    """Who gets the lock while a folio is written keeps it from being freed."""
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def other() -> None:
        await folio_lock(world.kernel, folio, "other.lock")
        await point("other.locked")
        await folio_unlock(world.kernel, folio, "other.unlock")

    results = world.play(
        main=main,
        other=other,
        window=[
            Run("main", "shrink_folio_list.retrylock"),
            Run("other", "other.locked"),
            Run("main"),
        ],
    )

    assert results["main"] == "locked"


def test_write_error(make_world: Callable[..., Any]) -> None:
    """A folio whose write failed is dirty again, and keeps its place in the cache."""
    world = make_world(may_fail=["write"])
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    results = world.play(main=main, choices={"submit_bio.write_status": ("fail",)})

    assert results["main"] == "being written"
    assert (folio.dirty, folio.reclaim, folio.refs, world.slots(1)) == (True, False, 1, "f1")


def test_writes_of_one_pass_go_together(make_world: Callable[..., Any]) -> None:
    """With plugs, what one pass writes is queued, merged, and submitted at its end."""
    world = make_world("v5", sync=False, plugged=True)
    for page in (3, 4):
        _resident(world, page)
    sent: list[list[int]] = []

    async def submit(kernel: Any, sio: Any) -> None:
        sent.append([bio.offset for bio in sio.bios])
        await sio.si.bios.send(sio)

    world.kernel.functions["submit_bio"] = submit

    async def main() -> int:
        return await shrink_lruvec(world.kernel, 2)

    assert world.play(main=main)["main"] == 0
    assert sent == [[1, 2]]


def test_group_that_lets_nothing_through_zswap(world: Any) -> None:
    """Where zswap takes no page and writeback is forbidden a folio is kept, dirty, active."""
    world.m1.zswap_writeback = False
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "being written"
    assert (folio.dirty, folio.active, folio.locked, world.si.data) == (True, True, False, {})


def test_oldest_first(world: Any) -> None:
    """Reclaim begins at the old end of the LRU, and passes over what is active, once."""
    folios = [_resident(world, page) for page in (3, 4, 5)]
    folios[0].active = True

    async def main() -> list[list[bool]]:
        seen = []
        for _ in range(3):
            assert await shrink_lruvec(world.kernel, 1) == 1
            seen.append([folio.freed for folio in folios])
        return seen

    assert world.play(main=main)["main"] == [
        [False, True, False],
        [False, True, True],
        [True, True, True],
    ]


def test_of_one_group(make_world: Callable[..., Any]) -> None:
    """Reclaim for a group takes its own folios and those of the groups below it."""
    world = make_world()
    _resident(world, 3)
    child = setup.new_process(world.kernel, "Q", world.m2)
    setup.map_resident(world.kernel, child, 3)

    async def main() -> list[int]:
        alone = await shrink_lruvec(world.kernel, 9, world.m2)
        world.m2.parent = world.m1
        setup.map_resident(world.kernel, child, 4)
        return [alone, await shrink_lruvec(world.kernel, 9, world.m1)]

    assert world.play(main=main)["main"] == [1, 2]


def test_nothing_on_the_lru(world: Any) -> None:
    """Without folios there is nothing to reclaim."""

    async def main() -> int:
        return await shrink_lruvec(world.kernel, 64)

    assert world.play(main=main)["main"] == 0


def test_isolation(world: Any) -> None:
    """An isolated folio is off the LRU, held by one task, and back when it was kept."""
    folio = _resident(world, 3)

    async def main() -> list[object]:
        first = await folio_isolate_lru(world.kernel, folio)
        again = await folio_isolate_lru(world.kernel, folio)
        seen = [first, again, folio.lru, folio.refs]
        folio.lock.take_free()
        assert await reclaim_pages(world.kernel, [folio], ScanControl()) == 0
        await folio.lock.release("main.unlock")
        return [*seen, folio.lru, folio.refs]

    assert world.play(main=main)["main"] == [True, False, False, 2, True, 1]


@pytest.mark.parametrize(("swap_max", "word"), [(None, "f0"), (2, "-")])
def test_slots_that_are_scarce(world: Any, swap_max: int | None, word: str) -> None:
    """A folio that is kept for long gives up slots that nobody uses, where they are scarce."""
    world.m1.swap_max = swap_max
    folio = _resident(world, 3)

    async def main() -> str:
        return await madvise_pageout(world.kernel, world.mm, 3)

    async def not_unmapped(*_: object) -> bool:
        return False

    world.kernel.functions["try_to_unmap"] = not_unmapped
    assert world.play(main=main)["main"] == "mapped"
    assert world.slots(1) == word
    assert (folio.swapcache, folio.active) == (swap_max is None, True)
