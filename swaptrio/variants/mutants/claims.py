# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mistakes around the claims of `old`, each of which the kernel once had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.kernel import plain
from swaptrio.mm.swap_h import round_down
from swaptrio.sched import point
from swaptrio.variants.mutants.mutant import Mutant
from swaptrio.variants.old.fault import _read_privately, alloc_swap_folio
from swaptrio.variants.old.slots import schedule_timeout_uninterruptible, swapcache_clear

if TYPE_CHECKING:
    from swaptrio.mm.errno import Errno
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio, VmFault
    from swaptrio.mm.swap_h import SwpEntry


async def swapin_unclaimed(
    kernel: Kernel, entry: SwpEntry, gfp: str, vmf: VmFault
) -> Folio | Errno | None:
    """Read slots past the cache without claiming them.

    They can be freed and used anew before the page is mapped.
    """
    folio = await alloc_swap_folio(kernel, vmf, gfp)
    if folio is None:
        return None
    folio.lock.take_free()
    folio.swapbacked = True
    return await _read_privately(kernel, folio, round_down(entry, folio.nr))


async def clear_nothing(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Let go of no claim, as there is none."""


async def cond_resched(kernel: Kernel, label: str) -> None:
    """Let others run who are as urgent, and look again at once.

    Whoever is less urgent never runs.
    """
    await point(label)


async def schedule_uninterruptible(kernel: Kernel, label: str) -> None:
    """Sleep until somebody lets go of a claim, however long that takes.

    Who is on its way into the queue by then sleeps for ever. Readahead sleeps for a tick as it
    did: whoever caches a slot wakes nobody.
    """
    if label != "swapin_sync.tick":
        await plain(schedule_timeout_uninterruptible)(kernel, label)
        return
    await point(label)
    await kernel.swapcache_wq.wait("swapin_sync.wait")


async def clear_and_wake(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """Let go of claims, and wake who waits for that."""
    await plain(swapcache_clear)(kernel, entry, nr)
    await kernel.swapcache_wq.wake_all("swapcache_clear.wake")


def pte_same_always(kernel: Kernel, vmf: VmFault) -> bool:
    """Take the page-table entry for the one that the fault has seen."""
    return True


def zswap_owns_any(kernel: Kernel, folio: Folio) -> bool:
    """Take any folio that was loaded for the keeper of its data.

    A private one may be thrown away, and zswap has no copy any more.
    """
    return True


CLAIMS: Final = (
    Mutant(
        "skip-swapcache",
        "old whose faults past the cache do not claim their slots",
        {"swapin_sync": swapin_unclaimed, "swapcache_clear": clear_nothing},
        base="old",
    ),
    Mutant(
        "no-tick",
        "old in which who cannot claim a slot looks again without a sleep",
        {"schedule_timeout_uninterruptible": cond_resched},
        base="old",
    ),
    Mutant(
        "no-timeout",
        "old in which a fault that cannot claim a slot sleeps until it is woken",
        {
            "schedule_timeout_uninterruptible": schedule_uninterruptible,
            "swapcache_clear": clear_and_wake,
        },
        base="old",
    ),
    Mutant(
        "old-no-recheck",
        "old whose faults do not look at the page-table entry again",
        {"pte_same": pte_same_always},
        base="old",
    ),
    Mutant(
        "erase-on-private-load",
        "old whose zswap erases what it loads into a folio past the cache",
        {"zswap_owns": zswap_owns_any},
        base="old",
    ),
)
