# SPDX-License-Identifier: MIT OR Apache-2.0
"""Page tables and faults (mm/memory.c), and the users whose accesses fault.

Each address space has one anonymous VMA that anybody may write to. Of the page-table entries,
one that is absent was never touched; one that is None lies in no VMA any more, since
`zap_pte_range` takes the VMA away with the pages. Not modelled: KSM, whose pages a fault would
have to copy; uffd's own faults; the zero page, for which a fresh folio of zeros stands.
"""

from swaptrio.mm.memory.anonymous import do_anonymous_page
from swaptrio.mm.memory.fault import handle_mm_fault, handle_pte_fault
from swaptrio.mm.memory.fork import copy_page_range, dup_mm
from swaptrio.mm.memory.suitable import (
    can_swapin_thp,
    slots_are_alike,
    swap_pte_batch,
    thp_swapin_suitable_orders,
)
from swaptrio.mm.memory.swap_fault import (
    do_swap_page,
    pte_same,
    should_try_to_free_swap,
)
from swaptrio.mm.memory.users import user_load, user_pin_store, user_read, user_store
from swaptrio.mm.memory.write_protect import do_wp_page, wp_can_reuse_anon_folio, wp_page_copy
from swaptrio.mm.memory.zap import (
    exit_mmap,
    madvise_dontneed,
    mmap_region,
    unmap_page_range,
    zap_pte_range,
)

__all__ = [
    "can_swapin_thp",
    "copy_page_range",
    "do_anonymous_page",
    "do_swap_page",
    "do_wp_page",
    "dup_mm",
    "exit_mmap",
    "handle_mm_fault",
    "handle_pte_fault",
    "madvise_dontneed",
    "mmap_region",
    "pte_same",
    "should_try_to_free_swap",
    "slots_are_alike",
    "swap_pte_batch",
    "thp_swapin_suitable_orders",
    "unmap_page_range",
    "user_load",
    "user_pin_store",
    "user_read",
    "user_store",
    "wp_can_reuse_anon_folio",
    "wp_page_copy",
    "zap_pte_range",
]
