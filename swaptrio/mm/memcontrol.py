# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""Memory cgroups: the charger, and the owners of slots (mm/memcontrol.c, memcontrol-v1.c).

The charger is a task. Whoever needs a charge sends it a request over a channel and waits for
the answer, as it would wait in reclaim; what happens meanwhile is up to the schedule.

Two ways of counting. With v2 a resident page counts as memory, a slot in use as swap, and the
two are independent. With v1 both count as memsw: a page that leaves memory for its slot takes
its memsw charge along, and between a swap-in's charge and `memcg1_swapin` it is counted twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.swap_h import SwpEntry, swap_cluster, swp_cluster_offset, swp_offset, swp_type
from swaptrio.mm.swap_table import _swap_cgroup_clear, _swap_cgroup_get, _swap_cgroup_set
from swaptrio.sched import Completion, ReceiveChannel, SendChannel, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio, MmStruct


@attrs.define(eq=False)
class MemCgroup:
    """One memory cgroup: *id* is its private id, 1 and up; *limit* bounds *memory*, in pages.

    Groups have no parents in the model: where the kernel goes up to an online ancestor, there
    is none to go to.
    """

    name: str
    id: int
    limit: int
    memory: int = 0
    memsw: int = 0
    swap: int = 0
    online: bool = True
    parent: MemCgroup | None = None
    zswap_writeback: bool = True


@attrs.define(eq=False)
class ChargeRequest:
    """A charge of *nr* pages for *folio*; *done* gets an error number, or none."""

    folio: Folio
    memcg: MemCgroup
    nr: int
    done: Completion


@attrs.define(eq=False)
class Memcgs:
    """All groups by private id, and the channel of the charger."""

    by_id: dict[int, MemCgroup]
    requests: SendChannel[ChargeRequest]
    requests_in: ReceiveChannel[ChargeRequest]


async def memcg_charger(kernel: Kernel) -> None:
    """The charger: serves requests in the order in which they arrive. A daemon."""
    while True:
        request = await kernel.memcgs.requests_in.receive()
        await point("memcg_charger.charge")
        error = await try_charge_memcg(kernel, request.memcg, request.nr)
        if error is None:
            request.folio.memcg = request.memcg
        await request.done.complete("memcg_charger.done", error)


@kernel_function
async def try_charge_memcg(kernel: Kernel, memcg: MemCgroup, nr: int) -> Errno | None:
    """Charge *nr* pages of memory (and memsw) to a group; ENOMEM past its limit or by decision.

    The simplest legal behaviour: nothing is reclaimed and nobody is killed.
    """
    if await kernel.injection.fails("charge") or memcg.memory + nr > memcg.limit:
        return Errno.ENOMEM
    memcg.memory += nr
    if kernel.config.memcg_v1:
        memcg.memsw += nr
    return None


@kernel_function
async def charge_memcg(
    kernel: Kernel, folio: Folio, id: int, mm: MmStruct | None, gfp: str
) -> Errno | None:
    """Charge a folio to the group with the private *id*. May sleep.

    If the id names no online group the charge goes to that of *mm*; without one to that of the
    running context, for which the model takes the first.
    """
    memcg = kernel.memcgs.by_id.get(id)
    if memcg is None or not memcg.online:
        memcg = mm.memcg if mm is not None else next(iter(kernel.memcgs.by_id.values()))
    done = Completion(f"charge of {folio.name}")
    await kernel.memcgs.requests.send(ChargeRequest(folio, memcg, folio.nr, done))
    error = await done.wait("charge_memcg.wait")
    return error if isinstance(error, Errno) else None


@kernel_function
async def mem_cgroup_swapin_charge_folio(
    kernel: Kernel, folio: Folio, mm: MmStruct | None, gfp: str, entry: SwpEntry
) -> Errno | None:
    """Charge a folio that is being swapped in to the owner recorded for *entry*. May sleep.

    The record is read here, without the cluster lock. Source: v3 04/12; from 08/12 on the
    caller reads it under the lock (see variant v5).
    """
    return await charge_memcg(kernel, folio, lookup_swap_cgroup_id(kernel, entry), mm, gfp)


@kernel_function
def mem_cgroup_charge(kernel: Kernel, folio: Folio, memcg: MemCgroup) -> None:
    """Charge a resident folio while the world is set up."""
    folio.memcg = memcg
    memcg.memory += folio.nr
    if kernel.config.memcg_v1:
        memcg.memsw += folio.nr


@kernel_function
def mem_cgroup_uncharge(kernel: Kernel, folio: Folio) -> None:
    """Give back what a folio that is being freed was charged."""
    if folio.memcg is None:
        return
    folio.memcg.memory -= folio.nr
    if kernel.config.memcg_v1:
        folio.memcg.memsw -= folio.nr
    folio.memcg = None


def mem_cgroup_is_descendant(memcg: MemCgroup | None, root: MemCgroup) -> bool:
    """Whether *memcg* is *root* or below it; no group is below none."""
    while memcg is not None and memcg is not root:
        memcg = memcg.parent
    return memcg is root


@kernel_function
def lookup_swap_cgroup_id(kernel: Kernel, entry: SwpEntry) -> int:
    """The owner recorded for a slot, 0 for none."""
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    return _swap_cgroup_get(ci, swp_cluster_offset(entry))


@kernel_function
def mem_cgroup_try_charge_swap(kernel: Kernel, folio: Folio, entry: SwpEntry) -> Errno | None:
    """Charge the slots of a folio as swap, and record their owner. The cluster lock is held.

    v1 charges nothing here. The swap counter has no limit of its own in the model.
    """
    if kernel.config.memcg_v1 or folio.memcg is None:
        return None
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    folio.memcg.swap += folio.nr
    _swap_cgroup_set(ci, swp_cluster_offset(entry), folio.nr, folio.memcg.id)
    return None


@kernel_function
def mem_cgroup_uncharge_swap(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Forget the owner of *nr* slots and give back their swap (v1: memsw) charge."""
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    memcg = kernel.memcgs.by_id.get(
        _swap_cgroup_clear(kernel, ci, swp_cluster_offset(entry), nr)
    )
    if memcg is None:
        return
    if kernel.config.memcg_v1:
        memcg.memsw -= nr
    else:
        memcg.swap -= nr


@kernel_function
def memcg1_swapout(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """v1: let the memsw charge of a folio that leaves memory stay with its slots.

    The cluster lock is held. (``_memcg1_swapout``)
    """
    memcg = folio.memcg
    if not kernel.config.memcg_v1 or memcg is None:
        return
    ci = swap_cluster(kernel.devices[swp_type(entry)], swp_offset(entry))
    _swap_cgroup_set(ci, swp_cluster_offset(entry), folio.nr, memcg.id)
    folio.memcg = None
    memcg.memory -= folio.nr


@kernel_function
def memcg1_swapin(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """v1: a folio in memory carries its own memsw charge now; drop that of its slots."""
    if kernel.config.memcg_v1:
        mem_cgroup_uncharge_swap(kernel, entry, nr)


@kernel_function
async def folio_memcg_alloc_deferred(kernel: Kernel, folio: Folio) -> Errno | None:
    """Prepare a large folio for its group's queue of deferred splits; ENOMEM by decision.

    Source: M.
    """
    await point("folio_memcg_alloc_deferred.alloc")
    if await kernel.injection.fails("deferred_split"):
        return Errno.ENOMEM
    return None
