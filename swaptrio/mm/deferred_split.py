# SPDX-License-Identifier: MIT OR Apache-2.0
"""The queue of folios that wait to be split (mm/huge_memory.c).

It stands apart from the splitting, since whoever frees or unmaps a folio needs it. The kernel
has a queue for each group; here there is one, and each folio on it knows of which group it is.
All that is done to it at once is one step, for which the kernel takes the queue's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.sched import Violation

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
def deferred_split_folio(kernel: Kernel, folio: Folio) -> None:
    """Put a large folio that is mapped in part on its group's queue, to be split some time.

    Not one of order 1, which has no room for it, nor one in the swap cache: reclaim is at it
    already.
    """
    if folio.order <= 1 or folio.swapcache or folio.deferred:
        return
    folio.deferred, folio.split_queue = True, folio.memcg
    kernel.deferred_split[folio.pfn] = folio


@kernel_function
def folio_unqueue_deferred_split(kernel: Kernel, folio: Folio) -> bool:
    """Take a folio off its queue, if it is on one; whether it was.

    The folio's group says which queue that is, and so it must not have changed since.

    Raises:
        Violation: (BUG) it has; the kernel would take another queue's lock, and corrupt both
            lists (catalogue G04).
    """
    if not folio.deferred:
        return False
    if folio.split_queue is not folio.memcg:
        raise Violation("BUG", f"{folio.name} is taken off a queue that it is not on")
    folio.deferred, folio.split_queue = False, None
    del kernel.deferred_split[folio.pfn]
    return True
