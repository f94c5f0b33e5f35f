# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counters: of the node, of each memcg, and of each order (mm/vmstat.c, mm/huge_memory.c)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.kernel import Kernel, kernel_function

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio

PMD_ORDER: Final = 9


@attrs.define(eq=False)
class Vmstat:
    """Counts by name. *memcg* is by (memcg name, item), *mthp* by (item, order)."""

    node: Counter[str] = attrs.Factory(Counter)
    memcg: Counter[tuple[str, str]] = attrs.Factory(Counter)
    mthp: Counter[tuple[str, int]] = attrs.Factory(Counter)
    events: Counter[str] = attrs.Factory(Counter)


@kernel_function
def node_stat_mod_folio(kernel: Kernel, folio: Folio, item: str, val: int) -> None:
    """Add *val* pages to a counter of the folio's node."""
    kernel.vmstat.node[item] += val


@kernel_function
def lruvec_stat_mod_folio(kernel: Kernel, folio: Folio, item: str, val: int) -> None:
    """Add *val* pages to a counter of the folio's lruvec: of its node, and of its memcg.

    A folio without a memcg counts to the root, whoever it will belong to later.
    """
    kernel.vmstat.node[item] += val
    kernel.vmstat.memcg["root" if folio.memcg is None else folio.memcg.name, item] += val


@kernel_function
def count_mthp_stat(kernel: Kernel, order: int, item: str) -> None:
    """Count one event of an order; orders without a counter of their own are ignored.

    Source: the bound was recorded with the conformance vectors: 1 to PMD_ORDER.
    """
    if 0 < order <= PMD_ORDER:
        kernel.vmstat.mthp[item, order] += 1


@kernel_function
def count_vm_event(kernel: Kernel, item: str) -> None:
    """Count one event."""
    count_vm_events(kernel, item, 1)


@kernel_function
def count_vm_events(kernel: Kernel, item: str, delta: int) -> None:
    """Count *delta* events."""
    kernel.vmstat.events[item] += delta
