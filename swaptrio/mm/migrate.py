# SPDX-License-Identifier: MIT OR Apache-2.0
"""Moving a page to another folio (mm/migrate.c).

While a folio moves its users find migration entries and wait for its lock. Its references are
frozen for the moment in which the swap cache changes hands: if anybody else has one, who could
still write to the old folio, nothing is moved. The swap value is one of the folio's, as it is
since the tails of a moved folio were forgotten (catalogue G03).

From memory (spec 13): what happens while references are frozen. Here the old folio leaves the
cache in the critical section that brings the new one in; in the kernel it keeps the flag until
a moment later, when it is still locked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import swap_state
from swaptrio.mm.deferred_split import folio_unqueue_deferred_split
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.mm_types import MigrationPte, PresentPte
from swaptrio.mm.page_alloc import (
    folio_alloc_mpol,
    folio_put,
    folio_try_get,
    folio_trylock,
    folio_unlock,
    folio_wait_locked,
)
from swaptrio.mm.rmap import remove_migration_ptes, try_to_migrate
from swaptrio.mm.swap import (
    folio_add_lru,
    folio_isolate_lru,
    folio_putback_lru,
    lru_add_drain_all,
)
from swaptrio.mm.swap_h import NO_ENTRY
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct


@kernel_function
async def migration_entry_wait(kernel: Kernel, mm: MmStruct, page: int) -> None:
    """Wait until the folio that a migration entry names is not locked. May sleep.

    No reference is taken, which would keep it from moving.
    """
    async with mm.ptl.hold("migration_entry_wait.lock"):
        pte = mm.ptes.get(page)
        if not isinstance(pte, MigrationPte):
            return
        folio = _folio_of(kernel, pte.pfn)
    await folio_wait_locked(kernel, folio, "migration_entry_wait.wait")


def _folio_of(kernel: Kernel, pfn: int) -> Folio:
    """The folio that the page at *pfn* belongs to; it is locked, and so is there."""
    heads = (kernel.folios.get(pfn & -(1 << order)) for order in range(pfn.bit_length()))
    return next(head for head in heads if head is not None and pfn < head.pfn + head.nr)


@kernel_function
async def move_page(kernel: Kernel, mm: MmStruct, page: int) -> Errno | None:
    """Move what *mm* maps at a virtual page to another folio, as move_pages(2) does. May sleep.

    ENOENT where nothing is mapped, EBUSY where somebody else has isolated it; otherwise as
    `migrate_pages`.
    """
    await lru_add_drain_all(kernel)
    async with mm.ptl.hold("move_page.ptl"):
        pte = mm.ptes.get(page)
        if not isinstance(pte, PresentPte) or not folio_try_get(kernel, pte.folio):
            return Errno.ENOENT
    folio = pte.folio
    isolated = await folio_isolate_lru(kernel, folio)
    folio_put(kernel, folio)
    return await migrate_pages(kernel, folio) if isolated else Errno.EBUSY


@kernel_function
async def migrate_pages(kernel: Kernel, src: Folio) -> Errno | None:
    """Move an isolated folio, whose reference is the running task's. May sleep.

    ENOMEM where there is no other; EAGAIN if it is locked, under writeback, or somebody else
    refers to it. It goes back to the LRU then. The kernel tries again some times, and waits.
    """
    dst = await folio_alloc_mpol(kernel, "GFP_HIGHUSER_MOVABLE", src.order, None, 0)
    if dst is None:
        error: Errno | None = Errno.ENOMEM
    else:
        error = await migrate_folio_unmap(kernel, dst, src)
        folio_put(kernel, dst)
    if error is None:
        folio_put(kernel, src)
    else:
        await folio_putback_lru(kernel, src)
    return error


@kernel_function
async def migrate_folio_unmap(kernel: Kernel, dst: Folio, src: Folio) -> Errno | None:
    """Lock a folio, unmap it, move it, and map what it has become. EAGAIN as above."""
    if not await folio_trylock(kernel, src, "migrate_folio_unmap.trylock"):
        return Errno.EAGAIN
    if src.writeback:
        await folio_unlock(kernel, src, "migrate_folio_unmap.writeback")
        return Errno.EAGAIN
    dst.lock.take_free()
    await try_to_migrate(kernel, src)
    error = await migrate_folio(kernel, dst, src)
    if error is None:
        folio_add_lru(kernel, dst)
    await remove_migration_ptes(kernel, src, dst if error is None else src)
    await folio_unlock(kernel, dst, "migrate_folio_unmap.unlock_new")
    await folio_unlock(kernel, src, "migrate_folio_unmap.unlock")
    return error


@kernel_function
async def migrate_folio(kernel: Kernel, dst: Folio, src: Folio) -> Errno | None:
    """Let *dst* be what *src* is; both are locked, and nothing maps them.

    EAGAIN if anybody refers to *src* besides the cache and the running task.
    """
    if src.refs != folio_expected_ref_count(src) + 1:
        return Errno.EAGAIN
    await point("migrate_folio.copy", Kind.READ, src)
    dst.pages[:] = src.pages
    error = await _folio_migrate_mapping(kernel, dst, src)
    if error is None:
        folio_migrate_flags(kernel, dst, src)
    return error


def folio_expected_ref_count(folio: Folio) -> int:
    """How many references to a folio the cache and page tables have."""
    return folio.mapcount + (folio.nr if folio.swapcache else 0)


@kernel_function
async def _folio_migrate_mapping(kernel: Kernel, dst: Folio, src: Folio) -> Errno | None:
    """Freeze the references of *src*, and let *dst* take its place in the swap cache.

    It leaves the queue of deferred splits meanwhile, while it still has its group.
    """
    if not src.swapcache:
        if src.refs != 1:
            return Errno.EAGAIN
        folio_unqueue_deferred_split(kernel, src)
        _take_over(dst, src)
        return None
    ci = swap_state._swap_entry_to_cluster(kernel, src.swap)
    async with ci.lock.hold("folio_migrate_mapping.lock"):
        if src.refs != folio_expected_ref_count(src) + 1:
            return Errno.EAGAIN
        src.refs, src.frozen = 0, True
        folio_unqueue_deferred_split(kernel, src)
        _take_over(dst, src)
        dst.swapcache, dst.swap = True, src.swap
        dst.refs += dst.nr
        swap_state._swap_cache_replace_folio(kernel, ci, src, dst)
        src.swapcache, src.swap = False, NO_ENTRY
        src.refs, src.frozen = 1, False
    return None


def _take_over(dst: Folio, src: Folio) -> None:
    dst.anon_vma, dst.index = src.anon_vma, src.index
    dst.anon, dst.swapbacked = src.anon, src.swapbacked
    dst.dirty, src.dirty = src.dirty, False


@kernel_function
def folio_migrate_flags(kernel: Kernel, dst: Folio, src: Folio) -> None:
    """Give *dst* the other flags of *src*, and its group."""
    dst.uptodate = src.uptodate
    dst.active, dst.workingset = src.active, src.workingset
    dst.readahead = src.readahead
    mem_cgroup_migrate(kernel, src, dst)


@kernel_function
def mem_cgroup_migrate(kernel: Kernel, old: Folio, new: Folio) -> None:
    """Let *new* be charged in place of *old*. (mm/memcontrol.c)"""
    old.memcg, new.memcg = None, old.memcg
