# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""Memory cgroups: the charger, reclaim for a charge, and the owners of slots (mm/memcontrol.c).

The charger is a task that keeps the counters. Whoever needs a charge sends it a request over a
channel and waits for the answer; past a limit it reclaims by itself, and asks again.

A charge counts for a group and all groups above it. Two ways of counting: with v2 a resident
page counts as memory, a slot in use as swap, and the two are independent; with v1 both count as
memsw (see `memcontrol_v1`).

A group has a private id, which shadows and the records of slots name. Each slot on record has a
reference on it, and so has a group that is online; when all are dropped the id is free, and
the next group gets it. So an id that nobody refers to may name a stranger. Folios stay charged
to a group that has gone offline, until they are freed: the simplest legal behaviour (the kernel
hands some kinds of charges to the parent, which is not verified).
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import (
    SwpEntry,
    _swap_entry_to_cluster,
    swp_cluster_offset,
)
from swaptrio.mm.swap_table import _swap_cgroup_clear, _swap_cgroup_get, _swap_cgroup_set
from swaptrio.sched import Completion, Kind, ReceiveChannel, SendChannel, point

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from swaptrio.mm.mm_types import Folio, MmStruct

#: Fruitless attempts to reclaim after which a charge fails. 16 in the kernel, whose attempts
#: look at more each time; those of the model look at all there is.
MAX_RECLAIM_RETRIES: Final = 2

#: The highest order for which a charge tries on as long as reclaim frees anything.
PAGE_ALLOC_COSTLY_ORDER: Final = 3


@attrs.define(eq=False)
class MemCgroup:
    """One memory cgroup.

    *id* is its private id, 1 and up, and *id_refs* the references on it. *limit* bounds
    *memory*, *swap_max* bounds *swap* (v2) and *memsw_limit* bounds *memsw* (v1), all in pages;
    none is no bound. The counters are those of the group and all groups below it.
    *zswap_writeback* says that its pages may go past zswap to a device. *nonresident_age* is
    what `workingset` measures by.
    """

    name: str
    id: int
    limit: int
    memory: int = 0
    memsw: int = 0
    swap: int = 0
    online: bool = True
    parent: MemCgroup | None = None
    swap_max: int | None = None
    memsw_limit: int | None = None
    zswap_writeback: bool = True
    id_refs: int = 1
    nonresident_age: int = 0


@attrs.frozen
class OverLimit:
    """The answer to a charge that goes past a limit of *memcg*.

    *may_swap* says that it helps to swap: the limit of memsw counts slots as well.
    """

    memcg: MemCgroup
    may_swap: bool


@attrs.define(eq=False)
class ChargeRequest:
    """A charge of *folio* to *memcg*; *done* gets an error number, an `OverLimit`, or none."""

    folio: Folio
    memcg: MemCgroup
    done: Completion


@attrs.define(eq=False)
class Memcgs:
    """All groups by private id, those without one, and the channel of the charger."""

    by_id: dict[int, MemCgroup]
    requests: SendChannel[ChargeRequest]
    requests_in: ReceiveChannel[ChargeRequest]
    without_id: list[MemCgroup] = attrs.Factory(list)


def self_and_above(memcg: MemCgroup) -> tuple[MemCgroup, ...]:
    """A group, its parent, and so on to the top."""
    if memcg.parent is None:
        return (memcg,)
    return (memcg, *self_and_above(memcg.parent))


def mem_cgroup_is_descendant(memcg: MemCgroup | None, root: MemCgroup) -> bool:
    """Whether *memcg* is *root* or below it; no group is below none."""
    return memcg is not None and root in self_and_above(memcg)


@kernel_function
def mem_cgroup_css_alloc(
    kernel: Kernel, name: str, limit: int, parent: MemCgroup | None = None
) -> MemCgroup:
    """Make a group, with the lowest private id that is free."""
    number = next(number for number in count(1) if number not in kernel.memcgs.by_id)
    memcg = kernel.memcgs.by_id[number] = MemCgroup(name, number, limit, parent=parent)
    return memcg


@kernel_function
async def mem_cgroup_css_online(kernel: Kernel, name: str, limit: int) -> MemCgroup:
    """Make a group without a parent while others are at work. May sleep."""
    await point("mem_cgroup_css_online.online")
    return mem_cgroup_css_alloc(kernel, name, limit)


@kernel_function
async def mem_cgroup_attach(kernel: Kernel, mm: MmStruct, memcg: MemCgroup) -> None:
    """Let a process live in another group; what it was charged stays where it is. May sleep."""
    await point("mem_cgroup_attach.move", Kind.WRITE, "memcg")
    mm.memcg = memcg


@kernel_function
async def mem_cgroup_css_offline(kernel: Kernel, memcg: MemCgroup) -> None:
    """Take a group offline, which has no process any more. May sleep.

    Its charges stay, and its id as long as slots are on record for it.
    """
    await point("mem_cgroup_css_offline.offline")
    memcg.online = False
    mem_cgroup_private_id_put(kernel, memcg, 1)


@kernel_function
def mem_cgroup_private_id_get_online(kernel: Kernel, memcg: MemCgroup, n: int) -> MemCgroup:
    """Take *n* references on the id of a group, or of the nearest above it that has one still.

    At the top there is always one: a group outlives those below it.
    """
    for each in self_and_above(memcg):
        if each.id_refs:
            each.id_refs += n
            return each
    warn_on(kernel, True, "no group above has an id")
    return memcg


@kernel_function
def mem_cgroup_private_id_put(kernel: Kernel, memcg: MemCgroup, n: int) -> None:
    """Drop *n* references on a group's id; the last one frees it for another group."""
    warn_on(kernel, memcg.id_refs < n, "reference on a private id dropped twice")
    memcg.id_refs -= n
    if memcg.id_refs == 0:
        del kernel.memcgs.by_id[memcg.id]
        kernel.memcgs.without_id.append(memcg)


async def memcg_charger(kernel: Kernel) -> None:
    """The charger: serves requests in the order in which they arrive. A daemon."""
    while True:
        request = await kernel.memcgs.requests_in.receive()
        await point("memcg_charger.charge")
        nr = request.folio.nr
        answer: Errno | OverLimit | None = Errno.ENOMEM
        if not await kernel.injection.fails("charge"):
            answer = page_counter_try_charge(kernel, request.memcg, nr)
        if answer is None:
            page_counter_charge(kernel, request.memcg, nr)
            request.folio.memcg = request.memcg
        await request.done.complete("memcg_charger.done", answer)


@kernel_function
def page_counter_try_charge(kernel: Kernel, memcg: MemCgroup, nr: int) -> OverLimit | None:
    """Which limit stands against *nr* more pages: memsw before memory, from the group up."""
    if kernel.config.memcg_v1:
        for each in self_and_above(memcg):
            if each.memsw_limit is not None and each.memsw + nr > each.memsw_limit:
                return OverLimit(each, may_swap=False)
    for each in self_and_above(memcg):
        if each.memory + nr > each.limit:
            return OverLimit(each, may_swap=True)
    return None


@kernel_function
def page_counter_charge(kernel: Kernel, memcg: MemCgroup, nr: int) -> None:
    """Charge *nr* pages of memory (and memsw) whatever the limits; *nr* may be negative."""
    for each in self_and_above(memcg):
        each.memory += nr
        if kernel.config.memcg_v1:
            each.memsw += nr


@kernel_function
async def try_charge_memcg(
    kernel: Kernel, folio: Folio, memcg: MemCgroup, gfp: str
) -> Errno | None:
    """Charge a folio to a group; ENOMEM past a limit, or by decision. May sleep.

    Past a limit the running task reclaims from the group that has it, with trylocks only, since
    it may hold the lock of the folio that it charges. It tries again while that frees pages, or
    a number of times. A large folio gets one attempt, for it can do without (__GFP_NORETRY). In
    the end the kernel kills a process to get room; here nobody is killed, and it is ENOMEM.
    """
    retries = MAX_RECLAIM_RETRIES
    while True:
        done = Completion(f"charge of {folio.name}")
        await kernel.memcgs.requests.send(ChargeRequest(folio, memcg, done))
        answer = await done.wait("charge_memcg.wait")
        if not isinstance(answer, OverLimit):
            return answer if isinstance(answer, Errno) else None
        freed = await _reclaim(kernel, answer, folio.nr)
        over = answer.memcg
        if over.memory + folio.nr <= over.limit and answer.may_swap:
            continue
        if "TRANSHUGE" in gfp:
            return Errno.ENOMEM
        if freed and folio.order <= PAGE_ALLOC_COSTLY_ORDER:
            continue
        if not retries:
            return Errno.ENOMEM
        retries -= 1


async def _reclaim(kernel: Kernel, over: OverLimit, nr: int) -> int:
    from swaptrio.mm.vmscan import try_to_free_mem_cgroup_pages  # which needs this file first

    return await try_to_free_mem_cgroup_pages(kernel, over.memcg, nr, may_swap=over.may_swap)


@kernel_function
def charge_memcg(
    kernel: Kernel, folio: Folio, id: int, mm: MmStruct | None, gfp: str
) -> Awaitable[Errno | None]:
    """Charge a folio to the group with the private *id*. May sleep.

    If the id names no online group the charge goes to that of *mm*; without one to that of the
    running context, for which the model takes the first.
    """
    memcg = kernel.memcgs.by_id.get(id)
    if memcg is None or not memcg.online:
        memcg = mm.memcg if mm is not None else next(iter(kernel.memcgs.by_id.values()))
    return try_charge_memcg(kernel, folio, memcg, gfp)


@kernel_function
def mem_cgroup_swapin_charge_folio(
    kernel: Kernel, folio: Folio, mm: MmStruct | None, gfp: str, entry: SwpEntry
) -> Awaitable[Errno | None]:
    """Charge a folio that is being swapped in to the owner recorded for *entry*. May sleep.

    The record is read here, without the cluster lock. Source: v3 04/12; from 08/12 on the
    caller reads it under the lock (see variant v5).
    """
    return charge_memcg(kernel, folio, lookup_swap_cgroup_id(kernel, entry), mm, gfp)


@kernel_function
def mem_cgroup_charge(kernel: Kernel, folio: Folio, memcg: MemCgroup) -> None:
    """Charge a resident folio while the world is set up."""
    folio.memcg = memcg
    page_counter_charge(kernel, memcg, folio.nr)


@kernel_function
def mem_cgroup_uncharge(kernel: Kernel, folio: Folio) -> None:
    """Give back what a folio that is being freed was charged."""
    if folio.memcg is not None:
        page_counter_charge(kernel, folio.memcg, -folio.nr)
        folio.memcg = None


@kernel_function
def mem_cgroup_replace_folio(kernel: Kernel, old: Folio, new: Folio) -> None:
    """Charge *new*, which takes the place of *old*, to the same group, past any limit.

    Both are locked. *old* keeps its own charge until it is freed.
    """
    if old.memcg is not None:
        new.memcg = old.memcg
        page_counter_charge(kernel, old.memcg, new.nr)


@kernel_function
def lookup_swap_cgroup_id(kernel: Kernel, entry: SwpEntry) -> int:
    """The owner recorded for a slot, 0 for none."""
    ci = _swap_entry_to_cluster(kernel, entry)
    return _swap_cgroup_get(ci, swp_cluster_offset(entry))


@kernel_function
def mem_cgroup_try_charge_swap(kernel: Kernel, folio: Folio, entry: SwpEntry) -> Errno | None:
    """Charge the slots of a folio as swap, and record their owner. The cluster lock is held.

    The owner is the folio's group, or the nearest above it whose id lives still. ENOMEM past a
    limit of it or above it; nothing is on record then. v1 charges nothing here.
    """
    if kernel.config.memcg_v1 or folio.memcg is None:
        return None
    memcg = mem_cgroup_private_id_get_online(kernel, folio.memcg, folio.nr)
    for each in self_and_above(memcg):
        if each.swap_max is not None and each.swap + folio.nr > each.swap_max:
            mem_cgroup_private_id_put(kernel, memcg, folio.nr)
            return Errno.ENOMEM
    for each in self_and_above(memcg):
        each.swap += folio.nr
    ci = _swap_entry_to_cluster(kernel, entry)
    _swap_cgroup_set(ci, swp_cluster_offset(entry), folio.nr, memcg.id)
    return None


@kernel_function
def mem_cgroup_uncharge_swap(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Forget the owner of *nr* slots, and give back their swap (v1: memsw) charge.

    The references of the record on the owner's id go with it.
    """
    ci = _swap_entry_to_cluster(kernel, entry)
    memcg = kernel.memcgs.by_id.get(
        _swap_cgroup_clear(kernel, ci, swp_cluster_offset(entry), nr)
    )
    if memcg is None:
        return
    for each in self_and_above(memcg):
        if kernel.config.memcg_v1:
            each.memsw -= nr
        else:
            each.swap -= nr
    mem_cgroup_private_id_put(kernel, memcg, nr)


@kernel_function
def mem_cgroup_get_nr_swap_pages(kernel: Kernel, memcg: MemCgroup | None) -> int:
    """The slots that a group may still have: free ones, as far as its limits go (v2)."""
    free = kernel.nr_swap_pages
    if memcg is not None and not kernel.config.memcg_v1:
        for each in self_and_above(memcg):
            if each.swap_max is not None:
                free = min(free, each.swap_max - each.swap)
    return max(free, 0)


@kernel_function
async def folio_memcg_alloc_deferred(kernel: Kernel, folio: Folio) -> Errno | None:
    """Prepare a large folio for its group's queue of deferred splits; ENOMEM by decision.

    Source: M.
    """
    await point("folio_memcg_alloc_deferred.alloc")
    if await kernel.injection.fails("deferred_split"):
        return Errno.ENOMEM
    return None
