# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes with the owners of slots: what is on record, when, and what keeps it valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import plain
from swaptrio.mm.memcontrol import (
    charge_memcg,
    lookup_swap_cgroup_id,
    mem_cgroup_try_charge_swap,
    self_and_above,
)
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.swap_h import (
    SwpEntry,
    _swap_entry_to_cluster,
    round_down,
    swp_cluster_offset,
)
from swaptrio.mm.swap_table import _swap_cgroup_set
from swaptrio.variants import v5
from swaptrio.variants.mutants.mutant import Mutant

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.memcontrol import MemCgroup
    from swaptrio.mm.mm_types import Folio, VmFault


def charge_swap_recording_first(kernel: Kernel, folio: Folio, entry: SwpEntry) -> Errno | None:
    """Put the owner of slots on record before they are charged.

    Where the charge fails the slots are freed, and give back what nobody has paid.
    """
    error: Errno | None = plain(mem_cgroup_try_charge_swap)(kernel, folio, entry)
    if error is not None and folio.memcg is not None:
        ci = _swap_entry_to_cluster(kernel, entry)
        folio.memcg.id_refs += folio.nr
        _swap_cgroup_set(ci, swp_cluster_offset(entry), folio.nr, folio.memcg.id)
    return error


def keep_no_id(kernel: Kernel, memcg: MemCgroup, n: int) -> MemCgroup:
    """Put slots on record for a group without a reference to its id.

    The id is given to another group while the record still has it.
    """
    return next(each for each in self_and_above(memcg) if each.id_refs)


def drop_no_id(kernel: Kernel, memcg: MemCgroup, n: int) -> None:
    """Drop the one reference that is left, of the group itself, when it goes offline.

    Slots that are freed have none to give back.
    """
    if not memcg.online:
        memcg.id_refs = 0
        del kernel.memcgs.by_id[memcg.id]
        kernel.memcgs.without_id.append(memcg)


async def swap_cache_alloc_for_early_owner(
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    order: int,
    vmf: VmFault | None,
    mpol: str | None,
    ilx: int,
) -> Folio | Errno:
    """Charge the owner that was on record at the first check, and not at the second.

    The slot may have been freed and given to another group in between.
    """
    entry = round_down(targ_entry, 1 << order)
    ci = _swap_entry_to_cluster(kernel, entry)
    async with ci.lock.hold("swap_cache_alloc.check"):
        err, _, _ = v5._swap_cache_add_check(kernel, ci, targ_entry, 1 << order, owner=False)
        memcg_id = lookup_swap_cgroup_id(kernel, targ_entry)
    if err is not None:
        return err
    folio = await v5._allocate(kernel, gfp, order, vmf, mpol, ilx)
    if folio is None:
        return Errno.ENOMEM
    err, shadow, _ = await v5._recheck_and_insert(kernel, ci, folio, targ_entry)
    if err is not None:
        folio_put(kernel, folio)
        return err
    mm = vmf.mm if vmf is not None else None
    if await charge_memcg(kernel, folio, memcg_id, mm, gfp) is not None:
        await v5._roll_back(kernel, ci, folio, entry, shadow)
        return Errno.ENOMEM
    await v5._account(kernel, folio, entry, shadow)
    return folio


OWNERS: Final = (
    Mutant(
        "record-before-charge",
        "v3 that puts the owner of slots on record before they are charged",
        {"mem_cgroup_try_charge_swap": charge_swap_recording_first},
    ),
    Mutant(
        "unref-id",
        "v3 whose records of owners keep no reference to the group's id",
        {
            "mem_cgroup_private_id_get_online": keep_no_id,
            "mem_cgroup_private_id_put": drop_no_id,
        },
    ),
    Mutant(
        "read-id-at-first-check",
        "v5 that charges the owner whom it has read at the first check",
        {"_swap_cache_alloc": swap_cache_alloc_for_early_owner},
        base="v5",
    ),
)
