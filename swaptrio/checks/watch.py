# SPDX-License-Identifier: MIT OR Apache-2.0
"""The oracles of one execution: what they watch, and how they are attached.

They are attached from outside. A cluster lock and a page-table lock call them when they are
taken and given back; a function of the model that they care for is wrapped in the kernel's own
table, around whatever version of it runs (see `calls`). The model knows nothing of them, and
without them it runs just the same.

What is dear is asked only when it can have changed: words that were written, when a cluster
lock is given back; the owners of slots, when the last page-table lock is, if an entry or a
count has changed; everything at the end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

from swaptrio.checks.calls import check_uncharged, wrapped
from swaptrio.checks.memory import Cached, Memory
from swaptrio.checks.quiescent import check_quiescent, slots_in_use
from swaptrio.checks.slots import (
    check_counts,
    check_folio,
    check_owner,
    check_word,
    names,
    owners_of,
    word_at,
)
from swaptrio.mm.kernel import Kernel
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
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
    SWP_TB_NULL,
    count_of,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    swp_tb_to_shadow,
)
from swaptrio.sched import SpinLock, Violation, current

if TYPE_CHECKING:
    from swaptrio.checks.findings import Finding
    from swaptrio.mm.mm_types import Folio


@attrs.define(eq=False)
class _Cluster:
    """A cluster with its device, how many of its words are not NULL, and how many are bad."""

    si: SwapInfoStruct
    ci: SwapClusterInfo
    used: int
    bad: int


@attrs.define(eq=False)
class Oracles:
    """All oracles of one execution.

    *owners* are the slots that page tables named when that was last looked at. *suspects* are
    slots whose count has changed while a page-table lock was held, which is when the entry that
    goes with it may be missing; *entries_changed* says that an entry has.
    """

    kernel: Kernel
    memory: Memory = attrs.Factory(Memory)
    owners: dict[SwpEntry, int] = attrs.Factory(dict)
    suspects: dict[SwpEntry, None] = attrs.Factory(dict)
    entries_changed: bool = False
    _clusters: dict[SpinLock, _Cluster] = attrs.Factory(dict)

    @property
    def findings(self) -> list[Finding]:
        """What was found and does not end the execution."""
        return self.memory.findings

    def attach(self) -> None:
        """Begin to watch the kernel, whose devices and processes are all there."""
        for si in self.kernel.devices:
            for ci in si.clusters:
                used = slots_in_use(ci)
                bad = sum([word_at(ci, off) == SWP_TB_BAD for off in used])
                self._clusters[ci.lock] = cluster = _Cluster(si, ci, len(used), bad)
                ci.lock.on_acquire = partial(self._cluster_locked, ci)
                ci.lock.on_release = partial(self._cluster_unlocked, cluster)
        for mm in self.kernel.processes:
            mm.ptl.on_acquire = partial(_refuse_nesting, mm.ptl)
            mm.ptl.on_release = self._ptl_unlocked
        self.owners = owners_of(self.kernel)
        self.kernel.functions.update(wrapped(self))

    def detach(self) -> None:
        """Stop watching a kernel in which nothing runs any more.

        What watches holds on to what it watches and the other way round. Who runs thousands of
        executions cuts that here, instead of leaving each world to the garbage collector.
        """
        for cluster in self._clusters.values():
            cluster.ci.lock.on_acquire = cluster.ci.lock.on_release = None
        for mm in self.kernel.processes:
            mm.ptl.on_acquire = mm.ptl.on_release = None
        self.kernel.functions.clear()

    def at_end(self) -> None:
        """Check the kernel when no task is under way."""
        check_quiescent(self.kernel)

    def _cluster_locked(self, ci: SwapClusterInfo) -> None:
        ci.touched.clear()
        for other in current().me().spinning:
            if other in self._clusters:
                raise Violation("I-SPIN", f"{ci.lock.name} is taken under {other.name}")

    def _cluster_unlocked(self, cluster: _Cluster) -> None:
        if cluster.ci.touched:
            self._check_words(cluster)
            self._check_folios(cluster)
            self._check_used(cluster)
            self._check_counts()

    def _check_words(self, cluster: _Cluster) -> None:
        si, ci = cluster.si, cluster.ci
        for off, old in ci.touched.items():
            new = word_at(ci, off)
            if new != old:
                check_word(self.kernel, si, ci, off, old, new)
                self._note(si, ci, off, old, new)
                cluster.used += (new != SWP_TB_NULL) - (old != SWP_TB_NULL)

    def _note(
        self, si: SwapInfoStruct, ci: SwapClusterInfo, off: int, old: int, new: int
    ) -> None:
        entry = swp_entry(si.type, ci.number * SWAPFILE_CLUSTER + off)
        memory = self.memory
        memory.changes[entry] = memory.changes.get(entry, 0) + 1
        if count_of(old) != count_of(new):
            self.suspects[entry] = None
        if swp_tb_is_folio(new):
            if swp_tb_is_shadow(old):
                memory.shadows[entry] = swp_tb_to_shadow(old)
        elif swp_tb_is_folio(old):
            before = memory.shadows.pop(entry, None)
            folio = self.kernel.folios.get(swp_tb_to_pfn(old))
            rolled_back = folio is not None and not folio.lru and not folio.uptodate
            if rolled_back and swp_tb_is_shadow(new) and before != swp_tb_to_shadow(new):
                slot = f"{si.name}:{swp_offset(entry)}"
                memory.report("I-SHADOW", f"{slot} has another shadow after a rollback")

    def _check_folios(self, cluster: _Cluster) -> None:
        si, ci = cluster.si, cluster.ci
        folios = self.kernel.folios
        looked_at: list[int] = []
        for off, old in ci.touched.items():
            for word in (old, word_at(ci, off)):
                if not swp_tb_is_folio(word) or (pfn := swp_tb_to_pfn(word)) in looked_at:
                    continue
                looked_at.append(pfn)
                if pfn in folios:
                    self._check_folio(si, ci, folios[pfn])
                elif word == word_at(ci, off):
                    message = f"{si.name} names folio {pfn:#x}, which is freed"
                    raise Violation("I-BACKREF", message)

    def _check_folio(self, si: SwapInfoStruct, ci: SwapClusterInfo, folio: Folio) -> None:
        check_folio(si, ci, folio, ci.touched)
        cached = self.memory.cached.get(folio.pfn)
        if not folio.swapcache:
            if cached is not None:
                del self.memory.cached[folio.pfn]
                self._check_left(folio, cached.entry)
            return
        if cached is None or cached.entry != folio.swap:
            if cached is not None:
                self._check_left(folio, cached.entry)
            cached = self.memory.cached[folio.pfn] = Cached(folio.swap, current().me())
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
        if swp_tb_is_shadow(ci.touched.get(swp_cluster_offset(folio.swap), SWP_TB_NULL)):
            check_owner(self.kernel, folio)

    def _check_used(self, cluster: _Cluster) -> None:
        si, ci = cluster.si, cluster.ci
        if ci.count != cluster.used:
            message = f"{ci.lock.name} counts {ci.count} slots, {cluster.used} are in use"
            raise Violation("I-CLCOUNT", message)
        if (ci.table is None) != (cluster.used == 0):
            table = "no" if ci.table is None else "a"
            message = f"{ci.lock.name} has {cluster.used} slots in use, and {table} table"
            raise Violation("I-CLCOUNT", message)
        used = 0
        for other_ci in si.clusters:
            if other_ci is not ci and other_ci.lock.owner is not None:
                return  # it is at work on the device's count itself
            other = self._clusters[other_ci.lock]
            used += other.used - other.bad
        if si.inuse_pages != used:
            message = f"{si.name} counts {si.inuse_pages} slots in use, there are {used}"
            raise Violation("I-INUSE", message)

    def _check_counts(self) -> None:
        if self.suspects and not self._ptls_held():
            check_counts(self.kernel, self.suspects, owners_of(self.kernel))
            self.suspects.clear()

    def _ptls_held(self) -> int:
        return len([mm for mm in self.kernel.processes if mm.ptl.owner is not None])

    def _ptl_unlocked(self) -> None:
        if not (self.entries_changed or self.suspects) or self._ptls_held() > 1:
            return
        owners = owners_of(self.kernel)
        check_counts(self.kernel, {**self.owners, **owners, **self.suspects}, owners)
        self.owners = owners
        self.suspects.clear()
        self.entries_changed = False


def _refuse_nesting(ptl: SpinLock) -> None:
    """I-SPIN: a page-table lock nests in no spinlock but, at fork, another of its kind."""
    for other in current().me().spinning:
        if other.name.startswith("ptl "):
            continue
        raise Violation("I-SPIN", f"{ptl.name} is taken under {other.name}")
