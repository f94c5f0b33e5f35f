# SPDX-License-Identifier: MIT OR Apache-2.0
"""The LRU (mm/swap.c).

A folio goes on the list at once. The kernel's per-CPU batch, which holds a reference until it
is drained, is not verified; the simplest legal behaviour is modelled, a batch that is always
drained at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function, warn_on

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
def folio_add_lru(kernel: Kernel, folio: Folio) -> None:
    """Put a folio on the LRU."""
    warn_on(kernel, folio.lru, "added to the LRU twice")
    folio.lru = True
    kernel.lru[folio.pfn] = folio
