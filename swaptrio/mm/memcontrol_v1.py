# SPDX-License-Identifier: MIT OR Apache-2.0
"""Version 1 of the memory controller: memsw (mm/memcontrol-v1.c).

A resident page counts as memory and as memsw, a slot on record as memsw alone. A page that
leaves memory for its slot takes its memsw charge along, and between a swap-in's charge and
`memcg1_swapin` it is counted twice, which is legal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.deferred_split import folio_unqueue_deferred_split
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import (
    mem_cgroup_private_id_get_online,
    mem_cgroup_uncharge_swap,
    self_and_above,
)
from swaptrio.mm.swap_h import (
    SwpEntry,
    _swap_entry_to_cluster,
    swp_cluster_offset,
)
from swaptrio.mm.swap_table import _swap_cgroup_set

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
def _memcg1_swapout(kernel: Kernel, folio: Folio, entry: SwpEntry) -> None:
    """Let the memsw charge of a folio that leaves memory stay with its slots.

    The cluster lock is held, and the references are frozen. The owner on record is the folio's
    group, or the nearest above it whose id lives still, which gets the charge then. The folio
    leaves the queue of those that wait to be split while it still has its group (G04).
    """
    memcg = folio.memcg
    if not kernel.config.memcg_v1 or memcg is None:
        return
    owner = mem_cgroup_private_id_get_online(kernel, memcg, folio.nr)
    ci = _swap_entry_to_cluster(kernel, entry)
    _swap_cgroup_set(ci, swp_cluster_offset(entry), folio.nr, owner.id)
    folio_unqueue_deferred_split(kernel, folio)
    folio.memcg = None
    for each in self_and_above(memcg):
        each.memory -= folio.nr
        each.memsw -= folio.nr
    for each in self_and_above(owner):
        each.memsw += folio.nr


@kernel_function
def memcg1_swapin(kernel: Kernel, entry: SwpEntry, nr: int) -> None:
    """A folio in memory carries its own memsw charge now; drop that of its slots."""
    if kernel.config.memcg_v1:
        mem_cgroup_uncharge_swap(kernel, entry, nr)
