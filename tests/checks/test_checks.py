# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each check finds what breaks it, by name, and nothing else does.

A breaker is a task that does one thing that no kernel may do. What it is registered for is the
check that has to speak, and no other.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import swaptrio
from swaptrio.checks import CHECKS, SOFT, Finding, Oracles, calls
from swaptrio.checks.quiescent import check_off
from swaptrio.mm.errno import Errno
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import FUNCTIONS, Config
from swaptrio.mm.memcontrol import MemCgroup, charge_memcg, folio_memcg_alloc_deferred
from swaptrio.mm.memory.swap_fault import do_swap_page
from swaptrio.mm.mm_types import (
    Folio,
    MmStruct,
    PresentPte,
    SwapPte,
    VmFault,
    VmFaultReason,
    hold,
    let_go,
)
from swaptrio.mm.page_alloc import (
    alloc_pages,
    folio_end_writeback,
    folio_lock,
    folio_put,
    folio_put_refs,
    folio_trylock,
    folio_unlock,
)
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.rmap import folio_add_anon_rmap_ptes, set_pte_at
from swaptrio.mm.setup import new_device, new_file, new_kernel
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import (
    SWP_USED,
    ClusterFlag,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    ZswapEntry,
    swp_entry,
)
from swaptrio.mm.swap_state import (
    _swap_cache_add_folio,
    _swap_cache_del_folio,
    swap_cache_get_folio,
    swap_cache_read_folio,
)
from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_COUNT_SHIFT,
    _swap_table_get,
    _swap_table_set,
    pfn_to_swp_tb,
    shadow_to_swp_tb,
)
from swaptrio.mm.swapfile import (
    folio_alloc_swap,
    folio_dup_swap,
    folio_free_swap,
    get_swap_device,
    put_swap_device,
)
from swaptrio.mm.zswap import swap_zswap_tree, zswap_swapoff
from swaptrio.scenario.files import find
from swaptrio.scenario.format import KernelSetup, TaskSetup
from swaptrio.scenario.play import load_checked, script_of
from swaptrio.scenario.tasks import process_of
from swaptrio.scenario.world import World
from swaptrio.sched import Ending, Run, Script, Violation, point
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Coroutine

Breaker = Callable[[World], "Coroutine[Any, Any, object]"]
Watch = Callable[..., Any]

FAULT = TaskSetup(name="fault", run="fault", process="P", page=17)
OTHER = TaskSetup(name="other", run="fault", process="P", page=17)
LATE = TaskSetup(name="late", run="fault", process="P", page=7)
ZAP = TaskSetup(name="zap", run="zap", process="P", page=7)

#: Breakers with the check that they break, by their names.
BREAKERS: dict[str, tuple[str, Breaker]] = {}


def breaks(check: str) -> Callable[[Breaker], Breaker]:
    """Register a breaker of *check*."""

    def register(breaker: Breaker) -> Breaker:
        name = breaker.__name__
        assert name not in BREAKERS
        BREAKERS[name] = (check, breaker)
        return breaker

    return register


def low(world: World) -> SwapClusterInfo:
    """The first cluster, which has the header and slots 16 to 19."""
    return world.kernel.devices[0].clusters[0]


def entry(slot: int) -> SwpEntry:
    """The entry of a slot of the one device."""
    return swp_entry(0, slot)


def resident(world: World) -> Folio:
    """The folio that P has at page 9."""
    pte = process(world).ptes[9]
    assert isinstance(pte, PresentPte)
    return pte.folio


def process(world: World) -> MmStruct:
    """P."""
    return process_of(world.kernel, "P")


async def write(world: World, slot: int, word: int) -> None:
    """Write a word in a critical section of its own."""
    ci = world.kernel.devices[0].clusters[slot // 512]
    async with ci.lock.hold("test.write"):
        _swap_table_set(ci, slot % 512, word)


async def cached(world: World) -> Folio:
    """The folio of page 9, locked, and in the cache at slot 1 with a count of 0."""
    folio = resident(world)
    await folio_lock(world.kernel, folio, "test.lock")
    assert await folio_alloc_swap(world.kernel, folio) is None
    return folio


async def unmapped(world: World) -> Folio:
    """The folio of page 9, locked and in the cache, and page 9 a swap entry."""
    folio = await cached(world)
    mm = process(world)
    async with mm.ptl.hold("test.unmap"):
        await folio_dup_swap(world.kernel, folio, 0)
        set_pte_at(world.kernel, mm, 9, SwapPte(folio.swap))
        folio.mapcount, folio.refs = 0, folio.refs - 1
    return folio


async def inserted(world: World, order: int, slot: int) -> Folio:
    """A new folio, locked and not charged, in the cache at *slot*."""
    folio = await alloc_pages(world.kernel, order)
    assert folio is not None
    async with low(world).lock.hold("test.insert"):
        folio.lock.take_free()
        folio.swapbacked = True
        _swap_cache_add_folio(world.kernel, low(world), folio, entry(slot))
    return folio


@breaks("I-KIND")
async def shadow_without_a_count(world: World) -> None:
    """A slot that nobody uses keeps its shadow."""
    await write(world, 16, shadow_to_swp_tb(3, 0))


@breaks("I-KIND")
async def word_of_no_kind(world: World) -> None:
    """A pointer word, which nothing has."""
    await write(world, 16, 0b100)


@breaks("I-KIND")
async def count_beyond_its_bits(world: World) -> None:
    """A count of 16 leaves the word."""
    await write(world, 16, shadow_to_swp_tb(3, 0) | 16 << SWP_TB_COUNT_SHIFT)


@breaks("I-KIND")
async def bad_slot_overwritten(world: World) -> None:
    """The header's slot is used."""
    await write(world, 0, shadow_to_swp_tb(3, 2))


@breaks("I-KIND")
async def slot_made_bad(world: World) -> None:
    """A slot goes bad while in use."""
    await write(world, 16, SWP_TB_BAD)


@breaks("I-KIND")
async def word_written_without_the_lock(world: World) -> None:
    """Nobody is told, and the end tells."""
    table = low(world).table
    assert table is not None
    table[16] = 0b100


@breaks("I-FREE")
async def owner_left_behind(world: World) -> None:
    """The record of a slot survives it."""
    ci = low(world)
    async with ci.lock.hold("test.free"):
        _swap_table_set(ci, 16, 0)
        ci.count -= 1
        world.kernel.devices[0].inuse_pages -= 1


@breaks("I-FREE")
async def compressed_copy_left_behind(world: World) -> None:
    """What zswap holds of a slot survives it."""
    si, ci = world.kernel.devices[0], low(world)
    si.zswap[16] = None  # type: ignore[assignment]  # anything that is there
    async with ci.lock.hold("test.free"):
        _swap_table_set(ci, 16, 0)
        ci.memcg_table.pop(16)


@breaks("I-FREE")
async def owner_of_a_slot_that_nobody_has(world: World) -> None:
    """A record is made for a free slot."""
    low(world).memcg_table[100] = 1


@breaks("I-BACKREF")
async def word_of_a_folio_elsewhere(world: World) -> None:
    """A slot names a folio that is not in the cache."""
    await write(world, 16, pfn_to_swp_tb(resident(world).pfn, 2))


@breaks("I-BACKREF")
async def word_of_no_folio(world: World) -> None:
    """A slot names a folio that there is not."""
    await write(world, 16, pfn_to_swp_tb(0x7777, 2))


@breaks("I-BACKREF")
async def words_of_half_a_folio(world: World) -> None:
    """A large folio is in the cache with its first page only."""
    folio = await alloc_pages(world.kernel, 1)
    assert folio is not None
    async with low(world).lock.hold("test.insert"):
        folio.lock.take_free()
        folio.swapcache, folio.swap, folio.refs = True, entry(16), 3
        _swap_table_set(low(world), 16, pfn_to_swp_tb(folio.pfn, 2))


@breaks("I-BACKREF")
async def deletion_that_forgets_a_slot(world: World) -> None:
    """A large folio leaves the cache, and its second slot still names it."""
    folio = await inserted(world, 1, 16)
    async with low(world).lock.hold("test.delete"):
        _swap_table_set(low(world), 16, shadow_to_swp_tb(3, 2))
        folio.swapcache, folio.swap, folio.refs = False, SwpEntry(0), 1


@breaks("I-BACKREF")
async def folio_that_says_it_is_cached(world: World) -> None:
    """A flag is set, and no word knows."""
    folio = resident(world)
    folio.swapcache, folio.swap, folio.refs = True, entry(200), 2


@breaks("I-ALIGN")
async def folio_across_its_alignment(world: World) -> None:
    """Two pages from an odd slot on."""
    await inserted(world, 1, 17)


@breaks("I-ONE")
async def slot_taken_over(world: World) -> None:
    """Two folios are inserted at one slot."""
    await inserted(world, 0, 16)
    await inserted(world, 0, 16)


@breaks("I-ONE")
async def folio_at_two_places(world: World) -> None:
    """One folio is inserted at two slots."""
    folio = await inserted(world, 0, 16)
    async with low(world).lock.hold("test.again"):
        _swap_table_set(low(world), 17, pfn_to_swp_tb(folio.pfn, 2))
        folio.swap = entry(17)


@breaks("I-REFS")
async def reference_of_nobody(world: World) -> None:
    """A reference is taken that nobody will drop."""
    resident(world).refs += 1
    await cached(world)


@breaks("I-REFS")
async def reference_dropped_twice(world: World) -> None:
    """The folio is freed, and goes below 0."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    folio_put_refs(world.kernel, folio, 2)


@breaks("I-REFS")
async def cached_folio_freed(world: World) -> None:
    """The cache's own references are dropped while the folio is in it."""
    folio = await inserted(world, 0, 16)
    folio_put_refs(world.kernel, folio, 2)


@breaks("I-REFS")
async def locked_folio_freed(world: World) -> None:
    """The last reference goes before the lock."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    await folio_lock(world.kernel, folio, "test.lock")
    folio_put(world.kernel, folio)


@breaks("I-DELLOCK")
async def unlocked_folio_deleted(world: World) -> None:
    """A folio leaves the cache without its lock."""
    folio = await cached(world)
    await folio_unlock(world.kernel, folio, "test.unlock")
    async with low(world).lock.hold("test.delete"):
        _swap_cache_del_folio(world.kernel, low(world), folio, folio.swap, 0)


@breaks("I-DELLOCK")
async def folio_under_writeback_deleted(world: World) -> None:
    """A folio leaves the cache while it is written."""
    folio = await cached(world)
    folio.writeback = True
    async with low(world).lock.hold("test.delete"):
        _swap_cache_del_folio(world.kernel, low(world), folio, folio.swap, 0)


@breaks("I-DELLOCK")
async def unlocked_folio_to_leave(world: World) -> None:
    """Whether a folio may leave the cache is asked by somebody who has it not locked."""
    folio = await cached(world)
    await folio_unlock(world.kernel, folio, "test.unlock")
    await folio_free_swap(world.kernel, folio)


@breaks("I-SPIN")
async def folio_locked_that_is_locked_by_oneself(world: World) -> None:
    """Who has a folio locked tries to lock it, and would take it for another's."""
    folio = await cached(world)
    await folio_trylock(world.kernel, folio, "test.trylock")


@breaks("I-INSERT-UNCHARGED")
async def uncharged_folio_prepared_for_a_queue(world: World) -> None:
    """A folio without a group gets a place in its group's queue."""
    folio = await inserted(world, 2, 16)
    await folio_memcg_alloc_deferred(world.kernel, folio)


@breaks("I-ERRNO")
async def fault_that_was_to_wait_tries_again(world: World) -> None:
    """RETRY comes of a fault that may not drop the mmap_lock."""
    world.kernel.functions["folio_trylock"] = later(False)
    world.kernel.functions["_folio_lock_or_retry"] = later(VmFaultReason.RETRY)
    mm = process(world)
    pte = mm.ptes[17]
    assert isinstance(pte, SwapPte)
    await do_swap_page(world.kernel, VmFault(mm, 17, pte, write=False, retry_allowed=False))


@breaks("I-ZERO2ONE")
async def count_raised_without_the_folio_lock(world: World) -> None:
    """A slot is used again by somebody who has its folio not locked."""
    folio = await cached(world)
    await folio_unlock(world.kernel, folio, "test.unlock")
    await write(world, 1, pfn_to_swp_tb(folio.pfn, 2))


@breaks("I-ZERO2ONE")
async def slot_used_without_a_folio(world: World) -> None:
    """A free slot is in use from one moment to the next."""
    await write(world, 100, shadow_to_swp_tb(3, 2))


@breaks("I-COUNT")
async def count_without_an_owner(world: World) -> None:
    """A count is raised, and no page table knows."""
    await write(world, 16, shadow_to_swp_tb(3, 4))


@breaks("I-COUNT")
async def owner_without_a_count(world: World) -> None:
    """An entry goes away, and the count stays: the slot is lost."""
    mm = process(world)
    async with mm.ptl.hold("test.ptl"):
        set_pte_at(world.kernel, mm, 17, None)


@breaks("I-COUNT")
async def entry_changed_behind_the_model(world: World) -> None:
    """Nobody is told, and the end tells."""
    process(world).ptes[17] = None


@breaks("I-CLCOUNT")
async def cluster_counts_one_more(world: World) -> None:
    """The count and the words go apart."""
    async with low(world).lock.hold("test.count"):
        low(world).count += 1
        _swap_table_set(low(world), 16, shadow_to_swp_tb(5, 2))


@breaks("I-CLCOUNT")
async def count_changed_without_a_word(world: World) -> None:
    """Nobody is told, and the end tells."""
    low(world).count += 1


@breaks("I-CLCOUNT")
async def empty_cluster_keeps_its_table(world: World) -> None:
    """The last slot of a cluster goes, and the table does not."""
    si = world.kernel.devices[0]
    ci = si.clusters[1]
    async with ci.lock.hold("test.free"):
        _swap_table_set(ci, 18, 0)
        ci.memcg_table.clear()
        ci.count, si.inuse_pages = 0, si.inuse_pages - 1


@breaks("I-INUSE")
async def device_counts_one_more(world: World) -> None:
    """The device and its clusters go apart."""
    async with low(world).lock.hold("test.count"):
        world.kernel.devices[0].inuse_pages += 1
        _swap_table_set(low(world), 16, shadow_to_swp_tb(5, 2))


@breaks("I-INUSE")
async def device_counts_without_a_cluster(world: World) -> None:
    """Nobody is told, and the end tells."""
    world.kernel.devices[0].inuse_pages += 1


@breaks("I-INSERT-UNCHARGED")
async def uncharged_folio_unlocked(world: World) -> None:
    """Others can have a folio that nobody pays for."""
    folio = await inserted(world, 0, 16)
    await folio_unlock(world.kernel, folio, "test.unlock")


@breaks("I-INSERT-UNCHARGED")
async def uncharged_folio_on_the_lru(world: World) -> None:
    """Reclaim can have a folio that nobody pays for."""
    folio_add_lru(world.kernel, await inserted(world, 0, 16))


@breaks("I-INSERT-UNCHARGED")
async def uncharged_folio_read(world: World) -> None:
    """A folio is read before it is charged."""
    await swap_read_folio(world.kernel, await inserted(world, 0, 16))


@breaks("I-INSERT-UNCHARGED")
async def unlocked_folio_inserted(world: World) -> None:
    """A folio is in the cache, and nobody has it locked."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    async with low(world).lock.hold("test.insert"):
        _swap_cache_add_folio(world.kernel, low(world), folio, entry(16))


@breaks("I-INSERT-UNCHARGED")
async def uptodate_folio_inserted(world: World) -> None:
    """A folio claims to be read before it could."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    folio.uptodate = True
    async with low(world).lock.hold("test.insert"):
        folio.lock.take_free()
        _swap_cache_add_folio(world.kernel, low(world), folio, entry(16))


@breaks("I-CHARGE1")
async def folio_charged_twice(world: World) -> None:
    """A folio that has an owner gets one."""
    await charge_memcg(world.kernel, resident(world), 1, None, "")


@breaks("I-OWNER")
async def charged_to_another(world: World) -> None:
    """A folio in the cache is charged to who does not own its slot."""
    folio = await inserted(world, 0, 16)
    await charge_memcg(world.kernel, folio, 2, None, "")


@breaks("I-OWNER")
async def charged_for_slots_of_two(world: World) -> None:
    """A large folio lies in slots of two groups."""
    low(world).memcg_table[17] = 2
    folio = await inserted(world, 1, 16)
    await charge_memcg(world.kernel, folio, 1, None, "")


@breaks("I-OWNER")
async def owner_changed_behind_the_model(world: World) -> None:
    """Nobody is told, and the end tells."""
    folio = await cached(world)
    await folio_unlock(world.kernel, folio, "test.unlock")
    low(world).memcg_table[1] = 2


@breaks("I-OWNER")
async def private_folio_charged_to_another(world: World) -> None:
    """A folio is read past the cache, and charged to who does not own its slot."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    await charge_memcg(world.kernel, folio, 2, None, "")
    folio.lock.take_free()
    folio.swap = entry(16)
    await swap_read_folio(world.kernel, folio)


@breaks("I-NOREADUPTODATE")
async def read_of_a_folio_that_is_not_cached(world: World) -> None:
    """There is no slot to read from."""
    await swap_read_folio(world.kernel, resident(world))


@breaks("I-NOREADUPTODATE")
async def unread_folio_mapped(world: World) -> None:
    """The user sees a page before it is there."""
    folio = resident(world)
    folio.uptodate = False
    mm = process(world)
    async with mm.ptl.hold("test.ptl"):
        set_pte_at(world.kernel, mm, 9, PresentPte(folio, 0, False))


@breaks("I-MAPDATA")
async def stale_page_mapped(world: World) -> None:
    """The user sees what he has overwritten."""
    mm = process(world)
    mm.newest[9] = 999
    async with mm.ptl.hold("test.ptl"):
        set_pte_at(world.kernel, mm, 9, PresentPte(resident(world), 0, False))


@breaks("I-PTEMATCH")
async def slot_replaced_by_another_page(world: World) -> None:
    """An entry is replaced by a page that is not its own."""
    folio = resident(world)
    await folio_lock(world.kernel, folio, "test.lock")
    mm = process(world)
    async with mm.ptl.hold("test.ptl"):
        set_pte_at(world.kernel, mm, 17, PresentPte(folio, 0, False))


@breaks("I-PTEMATCH")
async def nothing_replaced_by_a_cached_page(world: World) -> None:
    """The page was unmapped, and the fault that came late maps it."""
    folio = await cached(world)
    mm = process(world)
    async with mm.ptl.hold("test.ptl"):
        set_pte_at(world.kernel, mm, 77, PresentPte(folio, 0, False))


@breaks("I-PTEMATCH")
async def mapped_folio_says_another_page(world: World) -> None:
    """Whoever wants to unmap it looks in the wrong place."""
    resident(world).index = 77


@breaks("I-PTEMATCH")
async def page_replaced_by_another_page(world: World) -> None:
    """What was mapped meanwhile is mapped over."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    mm = process(world)
    async with mm.ptl.hold("test.ptl"):
        set_pte_at(world.kernel, mm, 9, PresentPte(folio, 0, False))


@breaks("I-PTEMATCH")
async def page_mapped_without_a_lock(world: World) -> None:
    """The page table is written by who has not locked it."""
    set_pte_at(world.kernel, process(world), 9, PresentPte(resident(world), 0, False))


@breaks("I-PTEMATCH")
async def page_beside_its_folio_mapped(world: World) -> None:
    """A folio that has left the cache has no page for the entry."""
    folio = resident(world)
    folio_add_anon_rmap_ptes(world.kernel, folio, folio.nr, 1, 10, exclusive=False)


@breaks("I-PTEMATCH")
async def page_before_its_folio_mapped(world: World) -> None:
    """The entry names a slot below those that the folio was for."""
    folio_add_anon_rmap_ptes(world.kernel, resident(world), -1, 1, 8, exclusive=False)


@breaks("I-SPIN")
async def sleep_under_a_cluster_lock(world: World) -> None:
    """An allocation may sleep, and somebody spins."""
    async with low(world).lock.hold("test.lock"):
        await alloc_pages(world.kernel, 0)


@breaks("I-SPIN")
async def cluster_lock_under_a_cluster_lock(world: World) -> None:
    """Two clusters at once."""
    other = world.kernel.devices[0].clusters[1]
    async with low(world).lock.hold("test.lock"), other.lock.hold("test.lock"):
        pass


@breaks("I-SPIN")
async def page_table_lock_under_a_cluster_lock(world: World) -> None:
    """The wrong way round."""
    async with low(world).lock.hold("test.lock"), process(world).ptl.hold("test.lock"):
        pass


@breaks("I-SPIN")
async def folio_lock_under_a_folio_lock(world: World) -> None:
    """Who has one folio may only try another."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    await folio_lock(world.kernel, folio, "test.lock")
    await folio_lock(world.kernel, resident(world), "test.lock")


@breaks("I-FREE")
async def extended_count_left_behind(world: World) -> None:
    """A free slot has 20 users beside its word."""
    low(world).extend_table = {100: 20}


@breaks("I-EXT")
async def count_of_15_without_more(world: World) -> None:
    """The word says that the rest stands elsewhere, and it does not."""
    world.kernel.devices[0].foreign_counts[16] += 14
    await write(world, 16, shadow_to_swp_tb(3, 15 << 1))


@breaks("I-EXT")
async def extended_count_without_need(world: World) -> None:
    """A count of 1 has something beside it."""
    async with low(world).lock.hold("test.extend"):
        low(world).extend_table = {16: 20}


@breaks("I-COUNT")
async def extended_count_without_owners(world: World) -> None:
    """Word and table agree, and nobody has the slot so often."""
    async with low(world).lock.hold("test.extend"):
        _swap_table_set(low(world), 16, shadow_to_swp_tb(3, 15 << 1))
        low(world).extend_table = {16: 16}


@breaks("I-LIST")
async def full_cluster_with_room(world: World) -> None:
    """A cluster of which five slots are used is on the list of the full ones."""
    async with low(world).lock.hold("test.list"):
        low(world).flags = ClusterFlag.FULL
        world.kernel.devices[0].full_clusters[0] = low(world)


@breaks("I-LIST")
async def cluster_off_its_list(world: World) -> None:
    """The flag says where it is, and it is not there."""
    async with low(world).lock.hold("test.list"):
        low(world).flags = ClusterFlag.FRAG


@breaks("I-LIST")
async def cluster_on_two_lists(world: World) -> None:
    """The flag says where it is, and it is elsewhere as well."""
    async with low(world).lock.hold("test.list"):
        world.kernel.devices[0].free_clusters[0] = low(world)


@breaks("I-LIST")
async def isolated_cluster_on_a_list(world: World) -> None:
    """Whoever takes the first of the list gets a cluster that another works on."""
    async with low(world).lock.hold("test.list"):
        low(world).flags = ClusterFlag.NONE


@breaks("I-ZEROUNI")
async def large_folio_of_some_zeros(world: World) -> None:
    """Two slots are flagged as zeros, of four that are read at once."""
    await write(world, 16, shadow_to_swp_tb(3, 1 << 1 | 1))
    folio = await inserted(world, 2, 16)
    folio.memcg = world.kernel.memcgs.by_id[1]
    await swap_read_folio(world.kernel, folio)


@breaks("I-WB")
async def folio_freed_under_writeback(world: World) -> None:
    """The device would write what somebody else has by then."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    folio.writeback = True
    folio_put(world.kernel, folio)


@breaks("I-WB")
async def writeback_of_a_folio_that_has_left(world: World) -> None:
    """Its slot may be another's by now."""
    folio = resident(world)
    folio.writeback = True
    folio_end_writeback(world.kernel, folio)


@breaks("I-DIRTYCLEAN")
async def folio_called_clean_and_not_written(world: World) -> None:
    """Reclaim drops a folio whose slot is used and holds nothing."""
    folio = await unmapped(world)
    hold(folio)
    folio.refs, folio.dirty = folio.refs + 1, False
    async with low(world).lock.hold("test.delete"):
        _swap_cache_del_folio(world.kernel, low(world), folio, folio.swap, 3)


@breaks("I-DIRTYCLEAN")
async def clean_folio_that_was_never_written(world: World) -> None:
    """Its writeback ends, and the device has something else."""
    folio = await unmapped(world)
    folio.dirty, folio.writeback = False, True
    folio_end_writeback(world.kernel, folio)


@breaks("I-DIRTYCLEAN")
async def data_lost_on_the_device(world: World) -> None:
    """Nobody is told, and the end tells: a clean folio in the cache, and its slot."""
    folio = await swap_cache_read_folio(world.kernel, entry(16), "", "vma", 0, readahead=True)
    assert folio is not None
    folio_put(world.kernel, folio)
    world.kernel.devices[0].data[16] = 999


@breaks("I-DEV")
async def device_locked_by_who_does_not_keep_it(world: World) -> None:
    """swapoff could free the cluster with its lock."""
    world.oracles.memory.pins.clear()
    async with low(world).lock.hold("test.lock"):
        pass


@breaks("I-DEV")
async def device_looked_into_by_who_does_not_keep_it(world: World) -> None:
    """swapoff could free the table that is looked at."""
    world.oracles.memory.pins.clear()
    await swap_cache_get_folio(world.kernel, entry(16))


@breaks("I-DEV")
async def device_used_after_it_was_let_go(world: World) -> None:
    """What was kept once is not kept any more."""
    world.oracles.memory.pins.clear()
    si = await get_swap_device(world.kernel, entry(16))
    assert si is not None
    await swap_cache_get_folio(world.kernel, entry(16))
    await put_swap_device(world.kernel, si)
    await swap_cache_get_folio(world.kernel, entry(16))


@breaks("I-DEV")
async def device_looked_into_under_a_lock_when_it_is_gone(world: World) -> None:
    """A lock on something else does not keep a device there."""
    si = world.kernel.devices[0]
    async with world.kernel.swap_lock.hold("test.lock"):
        si.max = 0
        await swap_cache_get_folio(world.kernel, entry(16))


@breaks("I-DEV")
async def tree_of_a_device_that_is_gone(world: World) -> None:
    """zswap goes by a page that it picked some time ago."""
    world.kernel.devices[0].max = 0
    swap_zswap_tree(world.kernel, entry(16))


@breaks("Q-OFF")
async def compressed_copy_on_a_device_that_goes(world: World) -> None:
    """zswap would free the tree with an entry in it."""
    si = world.kernel.devices[0]
    si.zswap[16] = ZswapEntry(16, 1)
    zswap_swapoff(world.kernel, si)


@breaks("Q-ZERO0")
async def unused_slot_under_writeback(world: World) -> None:
    """It ends nowhere, and the slot is never free again."""
    folio = await cached(world)
    folio.writeback = True
    await folio_unlock(world.kernel, folio, "test.unlock")


@breaks("Q-OFF")
async def device_off_with_slots_in_use(world: World) -> None:
    """Nobody can ever read them."""
    world.kernel.devices[0].flags &= ~SWP_USED


@breaks("Q-MTHP")
async def fallback_counted_for_nothing(world: World) -> None:
    """A large folio is said to have failed, and none was asked for."""
    world.kernel.vmstat.mthp["SWPIN_FALLBACK", 2] += 1


@breaks("Q-MTHP")
async def charge_said_to_have_failed(world: World) -> None:
    """More failed for their charge than failed."""
    world.kernel.vmstat.mthp["SWPIN_FALLBACK_CHARGE", 2] += 1


@breaks("Q-STATS")
async def node_counts_one_more(world: World) -> None:
    """A page is counted that is not cached."""
    world.kernel.vmstat.node["NR_FILE_PAGES"] += 1


@breaks("Q-STATS")
async def group_counts_for_another(world: World) -> None:
    """The sum is right, and the groups are not."""
    world.kernel.vmstat.memcg["m1", "NR_SWAPCACHE"] += 1
    world.kernel.vmstat.memcg["root", "NR_SWAPCACHE"] -= 1


@breaks("Q-MEMCG")
async def memory_charged_for_nothing(world: World) -> None:
    """A page is charged that is not there."""
    world.kernel.memcgs.by_id[1].memory += 1


@breaks("Q-SWAP")
async def swap_charged_for_nothing(world: World) -> None:
    """A slot is charged that is not there."""
    world.kernel.memcgs.by_id[2].swap += 1


@breaks("Q-MEMSW")
async def memsw_charged_with_v2(world: World) -> None:
    """The other version's counter moves."""
    world.kernel.memcgs.by_id[1].memsw += 1


@breaks("Q-SWAP")
async def slot_of_no_group(world: World) -> None:
    """A record names a group that there is not."""
    low(world).memcg_table[16] = 77
    world.kernel.memcgs.by_id[1].swap -= 1


@breaks("Q-LEAK")
async def folio_held(world: World) -> None:
    """A reference is kept by who has gone."""
    hold(resident(world))
    resident(world).refs += 1


@breaks("Q-LEAK")
async def folio_in_nobodys_hands(world: World) -> None:
    """A reference is kept that nobody knows of."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    let_go(folio)


@breaks("Q-LEAK")
async def device_pinned(world: World) -> None:
    """swapoff would wait for ever."""
    await get_swap_device(world.kernel, entry(16))


@breaks("Q-LEAK")
async def folio_lost_by_its_file(world: World) -> None:
    """It says where it is, and something else stands there."""
    folio = resident(world)
    folio.mapping = new_file(world.kernel, "f", world.kernel.memcgs.by_id[1])


@breaks("Q-LRU")
async def cached_folio_off_the_lru(world: World) -> None:
    """Reclaim cannot find it."""
    folio = await cached(world)
    await folio_unlock(world.kernel, folio, "test.unlock")
    del world.kernel.lru[folio.pfn]
    folio.lru = False


@breaks("Q-LRU")
async def freed_folio_on_the_lru(world: World) -> None:
    """Reclaim would find what is gone."""
    folio = await alloc_pages(world.kernel, 0)
    assert folio is not None
    folio_put(world.kernel, folio)
    world.kernel.lru[folio.pfn] = folio


@breaks("BUG")
async def read_past_the_table(world: World) -> None:
    """There are 512 words."""
    async with low(world).lock.hold("test.read"):
        _swap_table_get(world.kernel, low(world), 512)


@breaks("BUG")
async def write_to_no_table(world: World) -> None:
    """A cluster that is empty has none."""
    ci = world.kernel.devices[0].clusters[1]
    async with ci.lock.hold("test.write"):
        ci.table = None
        _swap_table_set(ci, 18, 0)


@breaks("I-ERRNO")
async def order_below_zero(world: World) -> None:
    """What comes after the last order is passed down."""
    alloc = world.kernel.functions["_swap_cache_alloc"]
    await alloc(world.kernel, entry(16), "", -1, None, "vma", 0)


@pytest.mark.parametrize("name", BREAKERS)
def test_a_check_finds_what_breaks_it(watch: Watch, name: str) -> None:
    """What a breaker does is found under the name of the check that it breaks."""
    check, breaker = BREAKERS[name]
    outcome = watch(breaker)
    assert outcome.found == check, outcome.verdict


def test_a_refusal_is_the_answer(watch: Watch) -> None:
    """Where the range check has refused, nobody can lack the memory for what is not allocated.

    A version that goes on all the same says ENOMEM, and so gives the wrong reason.
    """
    scenario = load_checked(find("neighbour-freed-before-first-check"))
    for name, found in (("v3", "passed"), ("v3~_swap_cache_alloc.check1", "I-ERRNO")):
        strategy = script_of(scenario.window[0], load(name))
        outcome = watch(
            variant=name,
            scenario=scenario,
            kernel=scenario.kernel,
            tasks=scenario.task,
            strategy=strategy,
        )
        assert outcome.found == found, outcome.verdict


def answer(*values: object) -> Callable[..., Any]:
    """A function that gives *values*, whatever it is asked."""

    def give(*args: object, **named: object) -> Any:
        return values if len(values) != 1 else values[0]

    return give


def later(value: object) -> Callable[..., Any]:
    """A coroutine function that gives *value* after a scheduling point."""

    async def give(*args: object, **named: object) -> Any:
        await point("test.give")
        return value

    return give


def down(*orders: int) -> Callable[..., Any]:
    """The next order is one of *orders* after the other, whatever is left."""
    left = iter(orders)
    return lambda *args: (0, next(left))


LIES = [
    ("EEXIST", "I-ERRNO", (FAULT,), {"_swap_cache_add_check": answer(Errno.EEXIST, 0)}),
    ("ENOENT", "I-ERRNO", (FAULT,), {"_swap_cache_add_check": answer(Errno.ENOENT, 0)}),
    ("EBUSY", "I-ERRNO", (FAULT,), {"_swap_cache_add_check": answer(Errno.EBUSY, 0)}),
    ("EINVAL", "I-ERRNO", (FAULT,), {"_swap_cache_add_check": answer(Errno.EINVAL, 0)}),
    ("attempt", "I-ERRNO", (FAULT,), {"_swap_cache_alloc": later(Errno.ENOMEM)}),
    ("unseen", "I-ERRNO", (FAULT,), {"_swap_cache_alloc": later(Errno.ENOENT)}),
    ("invalid", "I-ERRNO", (FAULT,), {"swap_cache_alloc_folio": later(Errno.EINVAL)}),
    ("unlike", "I-ERRNO", (FAULT,), {"swap_cache_alloc_folio": later(Errno.ENOENT)}),
    ("no-memory", "I-ERRNO", (FAULT,), {"swapin_sync": later(None)}),
    ("no-read", "I-ERRNO", (FAULT,), {"swap_read_folio_zeromap": later(True)}),
    (
        "same-order",
        "I-PROGRESS",
        (FAULT,),
        {"next_order": answer(6, 2), "alloc_pages": later(None)},
    ),
    (
        "too-often",
        "I-PROGRESS",
        (FAULT,),
        {"next_order": down(2, 1, 1, 0), "alloc_pages": later(None)},
    ),
    (
        "below-0",
        "I-ERRNO",
        (FAULT,),
        {"next_order": down(-1, 0), "alloc_pages": later(None)},
    ),
    ("owner", "I-OWNER", (FAULT,), {"lookup_swap_cgroup_id": answer(2)}),
]


@pytest.mark.parametrize(
    ("check", "tasks", "functions"),
    [pytest.param(*rest, id=name) for name, *rest in LIES],
)
def test_a_check_finds_a_lie(
    watch: Watch,
    check: str,
    tasks: tuple[TaskSetup, ...],
    functions: dict[str, Callable[..., Any]],
) -> None:
    """A function that says what is not so is found out when it is believed."""
    outcome = watch(tasks=tasks, **functions)
    assert outcome.found == check, outcome.verdict


V1 = KernelSetup(memcg="v1")


@pytest.mark.parametrize(
    ("item", "check"), [("memory", "Q-MEMCG"), ("memsw", "Q-MEMSW"), ("swap", "Q-SWAP")]
)
def test_v1_counts_in_its_own_way(watch: Watch, item: str, check: str) -> None:
    """Memory and memsw with v1, where swap stays 0."""

    def miscount(world: World) -> None:
        memcg = world.kernel.memcgs.by_id[1]
        setattr(memcg, item, getattr(memcg, item) + 1)

    assert watch(kernel=V1, tasks=(FAULT,)).verdict.passed
    assert watch(kernel=V1, tasks=(FAULT,), before=miscount).found == check


def test_v1_that_keeps_the_charge_of_a_slot_is_found(watch: Watch) -> None:
    """Q-MEMSW: a page that is back in memory counts once, and its slot no more."""
    ahead = TaskSetup(name="ahead", run="readahead", device="swap0", slot=530)
    assert watch(kernel=V1, tasks=(ahead,)).verdict.passed
    outcome = watch(kernel=V1, tasks=(ahead,), memcg1_swapin=answer(None))
    assert outcome.found == "Q-MEMSW"


def test_a_fault_that_trusts_an_old_entry_is_found(watch: Watch) -> None:
    """I-PTEMATCH: the page was unmapped before the fault came to map it."""
    outcome = watch(
        tasks=(LATE, ZAP),
        strategy=Script((Run("late", "do_swap_page.ptl"), Run("zap"))),
        pte_same=answer(True),
    )
    assert outcome.found == "I-PTEMATCH"


def test_an_order_that_has_no_size_is_found(watch: Watch) -> None:
    """I-ERRNO: v5 shifts by the order and not as C does; below 0 it cannot be asked at all."""
    functions = {"next_order": answer(1, -1), "alloc_pages": later(None)}
    outcome = watch(variant="v5", tasks=(FAULT,), **functions)
    assert (outcome.verdict.ending, outcome.found) == (Ending.VIOLATION, "I-ERRNO")
    assert outcome.verdict.message == "fault tries to allocate order -1"


@pytest.mark.parametrize(
    ("ending", "orders"),
    [
        (Ending.LIVELOCK, (2, 2, 2)),
        (Ending.LIVELOCK, (-1, -1, -1)),
        (Ending.VIOLATION, (2, 1, 1, 0)),
    ],
)
def test_a_loop_over_orders_that_does_not_end_is_a_livelock(
    watch: Watch, ending: Ending, orders: tuple[int, ...]
) -> None:
    """I-PROGRESS: who has tried too often goes round where an order comes for the third time.

    Who has ended before that has only tried too often.
    """
    outcome = watch(tasks=(FAULT,), next_order=down(*orders), alloc_pages=later(None))
    assert (outcome.verdict.ending, outcome.found) == (ending, "I-PROGRESS")


def test_a_loop_over_a_blind_lookup_is_found(watch: Watch) -> None:
    """I-PROGRESS: EEXIST for a slot that the lookup finds empty, again and again."""
    outcome = watch(
        tasks=(FAULT, OTHER),
        strategy=Script((Run("fault", "charge_memcg.wait"), Run("other"))),
        swap_cache_get_folio=later(None),
    )
    assert (outcome.verdict.ending, outcome.found) == (Ending.LIVELOCK, "I-PROGRESS")


def test_a_charge_by_another_task_is_found(watch: Watch) -> None:
    """I-CHARGE1: who has only looked a folio up has no business to charge it."""
    folios: list[Folio] = []

    async def inserter(world: World) -> None:
        folios.append(await inserted(world, 0, 16))
        await point("test.wait")

    async def stranger(world: World) -> None:
        await charge_memcg(world.kernel, folios[0], 1, None, "")

    script = Script((Run("breaker-0", "test.wait"), Run("breaker-1")))
    assert watch(inserter, stranger, strategy=script).found == "I-CHARGE1"


def test_stale_data_on_the_device_is_found(watch: Watch) -> None:
    """I-MAPDATA: a fault maps what was never stored there."""

    def swap_data(world: World) -> None:
        data = world.kernel.devices[0].data
        data[16], data[17] = data[17], data[16]

    assert watch(tasks=(FAULT,), before=swap_data).found == "I-MAPDATA"


FAILING = {"charge": "charge_memcg.grant", "deferred_split": "folio_memcg_alloc_deferred.grant"}


@pytest.mark.parametrize(("variant", "failure"), [("v3", "charge"), ("v5", "deferred_split")])
def test_a_rollback_that_changes_shadows_is_reported(
    watch: Watch, variant: str, failure: Any
) -> None:
    """I-SHADOW: the three neighbours of the target, once each; the execution passes."""
    outcome = watch(
        variant=variant,
        kernel=KernelSetup(failures=(failure,)),
        tasks=(FAULT,),
        strategy=Script((), {FAILING[failure]: ("fail",)}),
    )
    assert outcome.verdict.passed
    slots = [finding.message.split()[0] for finding in outcome.world.oracles.findings]
    assert outcome.reported == ["I-SHADOW"] * 3
    assert slots == ["swap0:16", "swap0:18", "swap0:19"]


def test_a_rollback_again_is_not_reported_again(watch: Watch) -> None:
    """I-SHADOW: one line a slot, however often its shadow is lost."""
    outcome = watch(
        kernel=KernelSetup(failures=("charge",)),
        tasks=(FAULT, attrs.evolve(OTHER, page=16)),
        strategy=Script((Run("fault"),), {"charge_memcg.grant": ("fail",) * 6}),
    )
    assert outcome.verdict.passed
    messages = [finding.message for finding in outcome.world.oracles.findings]
    assert len(messages) == len(dict.fromkeys(messages)) >= 3


def test_a_fallback_that_is_not_counted_is_found(watch: Watch) -> None:
    """Q-MTHP: an attempt at a large order fails, and nobody counts it."""
    kernel = KernelSetup(failures=("alloc",))
    strategy = Script((), {"alloc_pages.grant": ("fail",)})
    assert watch(kernel=kernel, tasks=(FAULT,), strategy=strategy).verdict.passed
    strategy = Script((), {"alloc_pages.grant": ("fail",)})
    silent = watch(
        kernel=kernel, tasks=(FAULT,), strategy=strategy, count_mthp_stat=answer(None)
    )
    assert silent.found == "Q-MTHP"


def test_zeros_with_a_compressed_copy_are_reported(watch: Watch) -> None:
    """I-ZSW: what is flagged as zeros and in zswap too; the execution goes on (D08)."""

    async def zeros(world: World) -> None:
        world.kernel.devices[0].zswap[16] = ZswapEntry(16, 0)
        await write(world, 16, shadow_to_swp_tb(3, 1 << 1 | 1))
        await write(world, 16, shadow_to_swp_tb(3, 1 << 1))

    outcome = watch(zeros)
    assert outcome.verdict.passed
    assert outcome.reported == ["I-ZSW"]


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("2 slots in use", lambda si: setattr(si, "inuse_pages", 2)),
        ("1 compressed pages", lambda si: si.zswap.update({16: ZswapEntry(16, 1)})),
        ("1 references", lambda si: setattr(si, "users", 1)),
        ("1 places among those with room", lambda si: setattr(si, "available", True)),
    ],
)
def test_whatever_is_left_of_a_device_is_found(
    what: str, left: Callable[[SwapInfoStruct], object]
) -> None:
    """Q-OFF: each kind of thing that swapoff has to wait for."""
    kernel = new_kernel(Config(), {}, Drawn(), [MemCgroup("m1", 1, 8)])
    si = new_device(kernel, "swap0")
    si.flags, si.users, si.available = 0, 0, False
    check_off(kernel, si)
    left(si)
    with pytest.raises(Violation, match=f"Q-OFF.*{what}"):
        check_off(kernel, si)


def test_every_check_is_broken_by_a_test() -> None:
    """A check that nothing here can make fail checks nothing."""
    broken = [check for check, _ in BREAKERS.values()] + [check for _, check, *_ in LIES]
    broken += ["I-PTEMATCH", "I-PROGRESS", "I-CHARGE1", "I-MAPDATA", "I-SHADOW"]
    broken += ["I-ZSW", "I-RACE"]  # the latter in test_races
    assert sorted(dict.fromkeys(broken)) == sorted(CHECKS)


def sources() -> list[Path]:
    """All files that may raise a violation or report a finding."""
    return sorted(Path(swaptrio.__file__).parent.rglob("*.py"))


def names_given_to(*functions: str) -> list[str]:
    """The literal first arguments of all calls of *functions* in our sources."""
    return [
        node.args[0].value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and node.args
        if getattr(node.func, "id", getattr(node.func, "attr", "")) in functions
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    ]


def test_every_violation_names_a_check() -> None:
    """No check goes by a name that is not in the list, and none is listed in vain."""
    raised = names_given_to("Violation")
    assert [name for name in raised if name not in CHECKS] == []
    assert sorted({*raised, *SOFT}) == sorted(CHECKS)


def test_only_soft_checks_report() -> None:
    """A finding that ends no execution cannot go by the name of a check that does."""
    assert [name for name in names_given_to("report", "Finding") if name not in SOFT] == []
    with pytest.raises(ValueError, match="I-ONE is no check that only reports"):
        Finding("I-ONE", "two folios")


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError("x"), Violation("I-X", "x")])
def test_an_error_in_a_check_is_no_pass(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Whatever a check raises ends the execution, and not well."""

    def broken(*args: object) -> None:
        raise error

    for place in ("watch.check_word", "owners.check_count", "watch.check_quiescent"):
        with monkeypatch.context() as patch:
            patch.setattr(f"swaptrio.checks.{place}", broken)
            outcome = watch(tasks=(FAULT,))
            assert not outcome.verdict.passed
            assert outcome.found in ("error", "assertion", "I-X")


def test_a_function_that_is_not_there_is_not_left_unwatched(watch: Watch) -> None:
    """Every function that is watched is one that the model calls by its table.

    If it gets another name the oracles cannot be attached, and nothing runs.
    """
    outcome = watch()
    missing = Oracles(outcome.world.kernel)
    for name in calls.wrapped(missing):
        assert name in FUNCTIONS, name
    table = {name: FUNCTIONS.pop(name) for name in ("set_pte_at",)}
    try:
        missing.kernel.functions.clear()
        with pytest.raises(KeyError, match="set_pte_at"):
            missing.attach()
    finally:
        FUNCTIONS.update(table)


def test_a_world_that_is_done_with_lets_go_of_its_oracles(watch: Watch) -> None:
    """After detach nothing that is left of the world leads to who watched it."""
    world = watch(tasks=(FAULT,)).world
    locks = [low(world).lock, process(world).ptl]
    assert all(lock.on_release is not None for lock in locks)
    world.oracles.detach()
    assert [(lock.on_acquire, lock.on_release) for lock in locks] == [(None, None)] * 2
    assert world.kernel.functions == {}
