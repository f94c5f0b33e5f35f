# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes in the swap-in allocation itself: its checks, its orders, and its rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import highest_order, next_order
from swaptrio.mm.kernel import plain, warn_on
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.mm_types import hold
from swaptrio.mm.page_alloc import folio_unlock
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import NO_ENTRY, round_down, swp_cluster_offset, swp_type
from swaptrio.mm.swap_state import (
    _swap_cache_add_folio,
    _swap_cache_del_folio,
    _swap_cache_do_del_folio,
)
from swaptrio.mm.swap_table import (
    _swap_table_set,
    _swp_tb_get_flags,
    count_of,
    shadow_to_swp_tb,
    swap_table_get,
    swp_tb_is_shadow,
    swp_tb_to_shadow,
)
from swaptrio.mm.swapfile import _swap_cluster_free_entries
from swaptrio.mm.vmstat import count_mthp_stat
from swaptrio.mm.workingset import workingset_refault
from swaptrio.sched import point
from swaptrio.variants import v5
from swaptrio.variants.mutants.mutant import Mutant
from swaptrio.variants.v3 import (
    _insert,
    _swap_cache_add_check,
    _swap_cache_alloc,
    folio_put_allocated,
)

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio, VmFault
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry


async def insert_unchecked(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, targ_entry: SwpEntry
) -> tuple[Errno | None, int]:
    """Insert without looking at the slots again."""
    async with ci.lock.hold("swap_cache_alloc.recheck"):
        old_tb = swap_table_get(ci, swp_cluster_offset(targ_entry))
        _insert(kernel, ci, folio, round_down(targ_entry, folio.nr))
    return None, swp_tb_to_shadow(old_tb) if swp_tb_is_shadow(old_tb) else 0


async def insert_checked_without_lock(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, targ_entry: SwpEntry
) -> tuple[Errno | None, int]:
    """Look at the slots again before the lock is taken, not under it."""
    err, shadow = _swap_cache_add_check(kernel, ci, targ_entry, folio.nr)
    if err is None:
        async with ci.lock.hold("swap_cache_alloc.recheck"):
            _insert(kernel, ci, folio, round_down(targ_entry, folio.nr))
    return err, shadow


async def swap_cache_alloc_folio_chris(
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    orders: int,
    vmf: VmFault | None,
    mpol: str | None,
    ilx: int,
) -> Folio | Errno:
    """The reviewer's expression, word for word: bit 0 is used and not stored."""
    order = highest_order(kernel, orders | 1)
    while True:
        ret = await _swap_cache_alloc(kernel, targ_entry, gfp, order, vmf, mpol, ilx)
        if not isinstance(ret, Errno):
            return ret
        if not order or ret not in (Errno.EBUSY, Errno.ENOMEM):
            return ret
        count_mthp_stat(kernel, order, "SWPIN_FALLBACK")
        orders, order = next_order(kernel, orders, order)


async def swap_cache_alloc_folio_v2(
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    orders: int,
    vmf: VmFault | None,
    mpol: str | None,
    ilx: int,
) -> Folio | Errno:
    """Refuse who gives neither a policy nor a fault, as v2 did.

    Readahead and zswap have no fault, and a kernel without NUMA has no policies.
    """
    if warn_on(kernel, mpol is None and vmf is None, "neither a policy nor a fault"):
        return Errno.EINVAL
    alloc = plain(v5.swap_cache_alloc_folio)
    result: Folio | Errno = await alloc(kernel, targ_entry, gfp, orders, vmf, mpol, ilx)
    return result


async def roll_back_keeping_slots(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Restore the shadows, also where nobody uses the slot any more."""
    async with ci.lock.hold("swap_cache_alloc.rollback"):
        start = swp_cluster_offset(entry)
        for off in range(start, start + folio.nr):
            flags = _swp_tb_get_flags(kernel, swap_table_get(ci, off))
            _swap_table_set(ci, off, shadow_to_swp_tb(shadow, flags))
        folio.swap, folio.swapcache = NO_ENTRY, False
        hold(folio, folio.nr)
    await _leave(kernel, folio)


async def roll_back_freeing_all(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Free all slots of the range as soon as one of them is not used any more."""
    async with ci.lock.hold("swap_cache_alloc.rollback"):
        start = swp_cluster_offset(entry)
        slots = range(start, start + folio.nr)
        unused = [off for off in slots if not count_of(swap_table_get(ci, off))]
        _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
        if unused:
            si = kernel.devices[swp_type(entry)]
            for off in slots:
                if off not in unused:
                    _swap_cluster_free_entries(kernel, si, ci, off, 1)
    await _leave(kernel, folio)


async def roll_back_freeing_none(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Free no slot of a range of which some are still used.

    Those that nobody uses any more stay behind as shadows with a count of 0.
    """
    async with ci.lock.hold("swap_cache_alloc.rollback"):
        start = swp_cluster_offset(entry)
        slots = range(start, start + folio.nr)
        used = [off for off in slots if count_of(swap_table_get(ci, off))]
        if used:
            for off in slots:
                flags = _swp_tb_get_flags(kernel, swap_table_get(ci, off))
                _swap_table_set(ci, off, shadow_to_swp_tb(shadow, flags))
            folio.swap, folio.swapcache = NO_ENTRY, False
            hold(folio, folio.nr)
        else:
            _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
    await _leave(kernel, folio)


async def roll_back_freeing_before_unlock(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """Drop the references of an uncharged folio first, and unlock it then.

    Where nobody waits for it the last reference is gone while it is locked.
    """
    async with ci.lock.hold("swap_cache_alloc.rollback"):
        _swap_cache_do_del_folio(kernel, ci, folio, entry, shadow)
    await point("swap_cache_alloc.rollback_put")
    folio_put_allocated(kernel, folio)
    await folio_unlock(kernel, folio, "swap_cache_alloc.rollback_unlock")


def check_target_only(
    kernel: Kernel, ci: SwapClusterInfo, targ_entry: SwpEntry, nr: int
) -> tuple[Errno | None, int]:
    """Look at the target of a large folio, and at none of its neighbours.

    What they hold, newer data among it, is read from the device once more.
    """
    return plain(_swap_cache_add_check)(kernel, ci, targ_entry, 1)  # type: ignore[no-any-return]  # what plain gives is untyped


async def _leave(kernel: Kernel, folio: Folio) -> None:
    await folio_unlock(kernel, folio, "swap_cache_alloc.rollback_unlock")
    await point("swap_cache_alloc.rollback_put")
    folio_put_allocated(kernel, folio)


def always_matches(kernel: Kernel, folio: Folio, entry: SwpEntry) -> bool:
    """Take whatever the lookup found for the right folio."""
    return True


def insert_with_stats(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry
) -> None:
    """Count the folio as cached at once, while it belongs to no group."""
    folio.lock.take_free()
    folio.swapbacked = True
    _swap_cache_add_folio(kernel, ci, folio, entry)


async def roll_back_with_stats(
    kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """The rollback that goes with `insert_with_stats`."""
    async with ci.lock.hold("swap_cache_alloc.rollback"):
        _swap_cache_del_folio(kernel, ci, folio, entry, shadow)
    await _leave(kernel, folio)


async def account_without_stats(
    kernel: Kernel, folio: Folio, entry: SwpEntry, shadow: int
) -> None:
    """What is left to count after `insert_with_stats`."""
    await point("swap_cache_alloc.memcg1")
    memcg1_swapin(kernel, entry, folio.nr)
    if shadow:
        workingset_refault(kernel, folio, shadow)
    await point("swap_cache_alloc.lru")
    folio_add_lru(kernel, folio)


INSERTION: Final = (
    Mutant(
        "no-second-check",
        "v3 that inserts without checking the slots again",
        {"_recheck_and_insert": insert_unchecked},
    ),
    Mutant(
        "check-without-lock",
        "v3 that makes the second check before it takes the lock",
        {"_recheck_and_insert": insert_checked_without_lock},
    ),
    Mutant(
        "chris-literal",
        "v3 with the reviewer's expression for the first order, taken literally",
        {"swap_cache_alloc_folio": swap_cache_alloc_folio_chris},
    ),
    Mutant(
        "v2-einval",
        "v5 that refuses to allocate without a policy or a fault, as v2 did",
        {"swap_cache_alloc_folio": swap_cache_alloc_folio_v2},
        base="v5",
    ),
    Mutant(
        "rollback-keeps-slot",
        "v3 whose rollback restores shadows of slots that nobody uses",
        {"_roll_back": roll_back_keeping_slots},
    ),
    Mutant(
        "free-all",
        "v3 whose rollback frees the whole range when one slot is unused",
        {"_roll_back": roll_back_freeing_all},
    ),
    Mutant(
        "free-none",
        "v3 whose rollback frees no slot of a range that is used in part",
        {"_roll_back": roll_back_freeing_none},
    ),
    Mutant(
        "free-before-unlock",
        "v3 whose rollback drops its references before it unlocks the folio",
        {"_roll_back": roll_back_freeing_before_unlock},
    ),
    Mutant(
        "no-range-check",
        "v3 that looks at the target slot and not at its neighbours",
        {"_swap_cache_add_check": check_target_only},
    ),
    Mutant(
        "no-rematch",
        "v3 whose callers do not match a looked-up folio once it is locked",
        {"folio_matches_swap_entry": always_matches},
    ),
    Mutant(
        "stats-before-charge",
        "v3 that counts a folio as cached before it is charged",
        {
            "_insert": insert_with_stats,
            "_roll_back": roll_back_with_stats,
            "_account": account_without_stats,
        },
    ),
)
