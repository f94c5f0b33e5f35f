# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slots: who holds them, and how they are given out and given back (mm/swapfile.c).

`devices` are what slots lie on, in `clusters` of 512. `allocation` finds slots for a folio;
`counts` says how many owners a slot has, and `freeing` gives counts and slots back; `reclaim`
takes folios out of slots that only the cache keeps. `unuse` brings back what lies on a device
that `swapoff` takes off, and `hibernation` takes slots without a folio.

A cluster's lock protects its words, its count, its tables and which list it is on; a device's
lock protects the lists.
"""

from swaptrio.mm.swapfile.allocation import folio_alloc_swap
from swaptrio.mm.swapfile.counts import (
    folio_dup_swap,
    swap_dup_entry_direct,
    swap_retry_table_alloc,
)
from swaptrio.mm.swapfile.devices import (
    get_swap_device,
    lock_at_once,
    mem_cgroup_swap_full,
    put_swap_device,
    vm_swap_full,
)
from swaptrio.mm.swapfile.freeing import (
    _swap_cluster_free_entries,
    folio_put_swap,
    swap_put_entries_direct,
)
from swaptrio.mm.swapfile.hibernation import (
    pin_hibernation_swap_type,
    swap_alloc_hibernation_slot,
    swap_free_hibernation_slot,
    unpin_hibernation_swap_type,
)
from swaptrio.mm.swapfile.reclaim import (
    _try_to_reclaim_swap,
    folio_free_swap,
    folio_maybe_swapped,
)
from swaptrio.mm.swapfile.swapoff import swapoff, swapon
from swaptrio.mm.swapfile.unuse import try_to_unuse
from swaptrio.mm.swapfile.work import swap_worker

__all__ = [
    "_swap_cluster_free_entries",
    "_try_to_reclaim_swap",
    "folio_alloc_swap",
    "folio_dup_swap",
    "folio_free_swap",
    "folio_maybe_swapped",
    "folio_put_swap",
    "get_swap_device",
    "lock_at_once",
    "mem_cgroup_swap_full",
    "pin_hibernation_swap_type",
    "put_swap_device",
    "swap_alloc_hibernation_slot",
    "swap_dup_entry_direct",
    "swap_free_hibernation_slot",
    "swap_put_entries_direct",
    "swap_retry_table_alloc",
    "swap_worker",
    "swapoff",
    "swapon",
    "try_to_unuse",
    "unpin_hibernation_swap_type",
    "vm_swap_full",
]
