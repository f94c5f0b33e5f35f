# SPDX-License-Identifier: MIT OR Apache-2.0
"""The oracles of one execution: what they watch, and how they are attached.

They are attached from outside. A cluster lock and a page-table lock call them when they are
taken and given back; a function of the model that they care for is wrapped in the kernel's own
table, around whatever version of it runs (see `calls`). The model knows nothing of them, and
without them it runs just the same.

What is asked is what can have changed: words that were written, when a cluster lock is given
back; the owners of slots, when the page-table lock is under which an entry or a count was
changed. A step costs the same with four tasks and one cluster, and with thousands. Everything
is looked at once more at the end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from swaptrio.checks.calls import check_pinned, check_uncharged, wrapped
from swaptrio.checks.lockdep import LockClass, LockOrder
from swaptrio.checks.memory import Cached, Memory
from swaptrio.checks.order_loop import check_fallbacks
from swaptrio.checks.owners import FilePages, Owners
from swaptrio.checks.quiescent import check_quiescent, slots_in_use
from swaptrio.checks.slots import (
    check_extended,
    check_folio,
    check_list,
    check_owner,
    check_stored,
    check_word,
    names,
    word_at,
)
from swaptrio.mm.kernel import Kernel
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    ClusterFlag,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_COUNT_MASK,
    SWP_TB_NULL,
    count_of,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    swp_tb_to_shadow,
    zero_of,
)
from swaptrio.sched import RwSem, SpinLock, Violation, running_task

if TYPE_CHECKING:
    from swaptrio.checks.findings import Finding
    from swaptrio.mm.mm_types import Folio, MmStruct


@attrs.define(eq=False)
class _Device:
    """A device, how many of its slots are in use, and how many of its clusters are locked."""

    si: SwapInfoStruct
    used: int = 0
    locked: int = 0


@attrs.define(eq=False)
class _Cluster:
    """A cluster with its device, and how many of its words are not NULL.

    When its lock was taken it was on the list of *flag*, and its extend table held *extended*.
    """

    device: _Device
    ci: SwapClusterInfo
    used: int
    flag: ClusterFlag = ClusterFlag.NONE
    extended: dict[int, int] = attrs.Factory(dict)


@attrs.define(eq=False)
class Oracles:
    """All oracles of one execution."""

    kernel: Kernel
    memory: Memory = attrs.Factory(Memory)
    order: LockOrder = attrs.Factory(LockOrder)
    owners: Owners = attrs.Factory(lambda self: Owners(self.kernel), takes_self=True)
    _watched: dict[SpinLock | RwSem, None] = attrs.Factory(dict)

    @property
    def findings(self) -> list[Finding]:
        """What was found and does not end the execution."""
        return list(self.memory.findings)

    def attach(self) -> None:
        """Begin to watch the kernel, whose devices and processes are all there."""
        kernel = self.kernel
        self._watch_lock(kernel.swap_lock, LockClass.SWAP)
        self._watch_lock(kernel.swap_avail_lock, LockClass.AVAIL)
        self._watch_lock(kernel.zswap_lru_lock, LockClass.ZSWAP_LRU)
        for si in kernel.devices:
            self._watch_device(si)
        for mm in kernel.processes:
            self.adopt(mm)
        for file in kernel.files:
            self._watch_lock(file.i_pages, LockClass.I_PAGES)
            file.pages = FilePages(file.pages, self.owners.file_changed)
        self.owners.count()
        kernel.functions.update(wrapped(self))

    def adopt(self, mm: MmStruct) -> None:
        """Begin to watch an address space; the running task may have its lock already."""
        self._watch_lock(mm.ptl, LockClass.PTL)
        self._watch_semaphore(mm.mmap_lock)
        mm.ptl.on_acquire = partial(self._ptl_locked, mm.ptl)
        mm.ptl.on_release = self._ptl_unlocked
        if mm.ptl.owner is not None:
            self.owners.open(mm.ptl.owner)

    def dismiss(self, mm: MmStruct) -> None:
        """Forget an address space that is no more, unless somebody is about to notice that."""
        if mm.ptl.owner is None:
            mm.ptl.on_acquire = mm.ptl.on_release = mm.mmap_lock.on_acquire = None
            self.order.classes.pop(mm.ptl, None)
            for lock in (mm.ptl, mm.mmap_lock):
                self._watched.pop(lock, None)

    def _watch_device(self, si: SwapInfoStruct) -> None:
        self._watch_lock(si.lock, LockClass.DEVICE)
        self._watch_lock(si.global_cluster_lock, LockClass.GLOBAL_CLUSTER)
        device = _Device(si)
        for ci in si.clusters:
            used = slots_in_use(ci)
            device.used += len(used) - sum([word_at(ci, off) == SWP_TB_BAD for off in used])
            cluster = _Cluster(device, ci, len(used))
            self._watch_lock(ci.lock, LockClass.CLUSTER)
            ci.lock.on_acquire = partial(self._cluster_locked, cluster)
            ci.lock.on_release = partial(self._cluster_unlocked, cluster)

    def _watch_lock(self, lock: SpinLock, cls: LockClass) -> None:
        self._watched[lock] = None
        self.order.classes[lock] = cls
        lock.on_acquire = partial(self._lock_taken, lock)

    def _watch_semaphore(self, semaphore: RwSem) -> None:
        self._watched[semaphore] = None
        semaphore.on_acquire = partial(self._lock_taken, semaphore)

    def detach(self) -> None:
        """Stop watching a kernel in which nothing runs any more.

        What watches holds on to what it watches and the other way round. Who runs thousands of
        executions cuts that here, instead of leaving each world to the garbage collector.
        """
        for lock in self._watched:
            lock.on_acquire = None
            if isinstance(lock, SpinLock):
                lock.on_release = None
        for file in self.kernel.files:
            file.pages = dict(file.pages)
        self.kernel.functions.clear()

    def at_end(self) -> None:
        """Check the kernel when no task is under way."""
        check_quiescent(self.kernel)
        check_fallbacks(self.kernel, self.memory)

    def _lock_taken(self, lock: SpinLock | RwSem) -> None:
        self.order.taken(running_task(), lock)

    def _cluster_locked(self, cluster: _Cluster) -> None:
        ci, me = cluster.ci, running_task()
        cluster.device.locked += 1
        ci.touched.clear()
        cluster.flag = ci.flags
        cluster.extended = dict(ci.extend_table) if ci.extend_table else {}
        self.order.taken(me, ci.lock)
        if len(me.held) == 1:
            check_pinned(self.memory, me, cluster.device.si, "locked")

    def _cluster_unlocked(self, cluster: _Cluster) -> None:
        ci, si = cluster.ci, cluster.device.si
        cluster.device.locked -= 1
        changed = self._extended(cluster) if cluster.extended or ci.extend_table else []
        if ci.touched or changed:
            changed += self._check_words(cluster)
            check_extended(si, ci, ci.touched)
            self._check_folios(cluster)
            self._check_used(cluster)
            for entry in changed:
                self.owners.changed(entry)
        if ci.touched or ci.flags is not cluster.flag:
            check_list(si, ci)

    def _extended(self, cluster: _Cluster) -> list[SwpEntry]:
        """The slots whose count in the extend table has changed."""
        before, after = cluster.extended, cluster.ci.extend_table or {}
        base = cluster.ci.number * SWAPFILE_CLUSTER
        offs = [off for off in {**before, **after} if before.get(off) != after.get(off)]
        return [swp_entry(cluster.device.si.type, base + off) for off in offs]

    def _check_words(self, cluster: _Cluster) -> list[SwpEntry]:
        """Check the words that were written; gives the slots whose count has changed."""
        device, ci = cluster.device, cluster.ci
        si, table = device.si, ci.table
        first = swp_entry(si.type, ci.number * SWAPFILE_CLUSTER)
        changed: list[SwpEntry] = []
        for off, old in ci.touched.items():
            new = SWP_TB_NULL if table is None else table[off]
            if new != old:
                entry = SwpEntry(first + off)
                check_word(self.kernel, si, ci, off, old, new)
                self._note(si, entry, old, new)
                more = (new != SWP_TB_NULL) - (old != SWP_TB_NULL)
                cluster.used += more
                device.used += more
                if (old ^ new) & SWP_TB_COUNT_MASK:  # neither is Bad, or it would have failed
                    changed.append(entry)
        return changed

    def _note(self, si: SwapInfoStruct, entry: SwpEntry, old: int, new: int) -> None:
        memory = self.memory
        memory.changes[entry] = memory.changes.get(entry, 0) + 1
        if si.zswap and zero_of(new) and swp_offset(entry) in si.zswap:
            slot = f"{si.name}:{swp_offset(entry)}"
            memory.report("I-ZSW", f"{slot} is flagged as zeros, and zswap holds data for it")
        if swp_tb_is_folio(new):
            if swp_tb_is_shadow(old):
                memory.shadows[entry] = swp_tb_to_shadow(old)
        elif swp_tb_is_folio(old):
            before = memory.shadows.pop(entry, None)
            folio = self.kernel.folios.get(swp_tb_to_pfn(old))
            if folio is not None and folio.uptodate and count_of(new):
                self._check_kept(si, entry, folio)
            rolled_back = folio is not None and not folio.lru and not folio.uptodate
            if rolled_back and swp_tb_is_shadow(new) and before != swp_tb_to_shadow(new):
                slot = f"{si.name}:{swp_offset(entry)}"
                memory.report("I-SHADOW", f"{slot} has another shadow after a rollback")

    def _check_kept(self, si: SwapInfoStruct, entry: SwpEntry, folio: Folio) -> None:
        """A folio has left a slot that is in use, so the slot must hold its data."""
        cached = self.memory.cached.get(folio.pfn)
        if cached is not None and 0 <= entry - cached.entry < folio.nr:
            ci = swap_cluster(si, swp_offset(entry))
            token = folio.pages[entry - cached.entry]
            check_stored(si, ci, swp_cluster_offset(entry), token)

    def _check_folios(self, cluster: _Cluster) -> None:
        si, ci = cluster.device.si, cluster.ci
        folios, table = self.kernel.folios, ci.table
        looked_at: list[int] = []
        for off, old in ci.touched.items():
            new = SWP_TB_NULL if table is None else table[off]
            for word in (old,) if new == old else (old, new):
                if not swp_tb_is_folio(word) or (pfn := swp_tb_to_pfn(word)) in looked_at:
                    continue
                looked_at.append(pfn)
                if pfn in folios:
                    self._check_folio(si, ci, folios[pfn])
                elif word == new:
                    message = f"{si.name} names folio {pfn:#x}, which is freed"
                    raise Violation("I-BACKREF", message)

    def _check_folio(self, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio) -> None:
        memory, pfn = self.memory, folio.pfn
        check_folio(si, ci, folio, ci.touched, memory.batched.get(pfn, 0))
        cached = memory.cached.get(pfn)
        if not folio.swapcache:
            if cached is not None:
                del memory.cached[pfn]
                memory.left[pfn] = cached.entry
                self._check_left(folio, cached.entry)
            return
        memory.private.pop(pfn, None)
        if cached is None or cached.entry != folio.swap:
            if cached is not None:
                self._check_left(folio, cached.entry)
            cached = memory.cached[pfn] = Cached(folio.swap, running_task())
            if folio.memcg is not None:
                self._check_owner_at_insertion(ci, folio)
        if folio.memcg is None and not folio.frozen:
            check_uncharged(folio, cached.inserter)

    def _check_left(self, folio: Folio, entry: SwpEntry) -> None:
        """Where a folio was cached before, no word names it, unless it still lies there."""
        si = self.kernel.devices[swp_type(entry)]
        ci = swap_cluster(si, swp_offset(entry))
        for page in range(folio.nr):
            here = folio.swapcache and folio.swap <= entry + page < folio.swap + folio.nr
            if not here and names(word_at(ci, swp_cluster_offset(entry) + page), folio):
                if folio.swapcache:
                    raise Violation("I-ONE", f"{folio.name} is in the cache at two places")
                slot = f"{si.name}:{swp_offset(entry) + page}"
                raise Violation("I-BACKREF", f"{slot} names {folio.name}, which is not cached")

    def _check_owner_at_insertion(self, ci: SwapClusterInfo, folio: Folio) -> None:
        """A folio that was charged before its insertion: who swaps in, by the record then."""
        word = ci.touched.get(swp_cluster_offset(folio.swap), SWP_TB_NULL)
        if swp_tb_is_shadow(word) and count_of(word):
            check_owner(self.kernel, folio)

    def _check_used(self, cluster: _Cluster) -> None:
        device, ci = cluster.device, cluster.ci
        if ci.count != cluster.used:
            message = f"{ci.lock.name} counts {ci.count} slots, {cluster.used} are in use"
            raise Violation("I-CLCOUNT", message)
        wrong = (ci.table is None) != (cluster.used == 0)
        if wrong and ci.flags is not ClusterFlag.DISCARD:  # else it waits, empty with its table
            table = "no" if ci.table is None else "a"
            message = f"{ci.lock.name} has {cluster.used} slots in use, and {table} table"
            raise Violation("I-CLCOUNT", message)
        si = device.si
        if (
            not device.locked and si.inuse_pages != device.used
        ):  # else somebody is at work on it
            message = f"{si.name} counts {si.inuse_pages} slots in use, there are {device.used}"
            raise Violation("I-INUSE", message)

    def _ptl_locked(self, ptl: SpinLock) -> None:
        me = running_task()
        self.order.taken(me, ptl)
        self.owners.open(me)

    def _ptl_unlocked(self) -> None:
        self.owners.close(running_task())
