# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shared memory: files whose pages can be swapped out (mm/shmem.c).

A file's page cache maps an index to a folio, or to the swap entry that has taken its place; a
large one stands at each index that it covers. `page_cache` changes it, always under the file's
i_pages lock, and looks at it without; `swapin` and `swapout` move pages between the two, and
`truncate` takes them away. `users` read and write.

Whoever replaces an entry has seen it before, without the lock, and so looks again with it. A
slot's count is raised before its entry is published, and dropped after the entry is gone.
"""

from swaptrio.mm.shmem.page_cache import (
    shmem_add_to_page_cache,
    shmem_confirm_swap,
    shmem_delete_from_page_cache,
    shmem_free_swap,
    shmem_split_large_entry,
)
from swaptrio.mm.shmem.swapin import (
    shmem_replace_folio,
    shmem_swap_alloc_folio,
    shmem_swapin_folio,
    shmem_unuse,
)
from swaptrio.mm.shmem.swapout import shmem_writeout
from swaptrio.mm.shmem.truncate import shmem_truncate_range
from swaptrio.mm.shmem.users import shmem_get_folio, shmem_read, shmem_write

__all__ = [
    "shmem_add_to_page_cache",
    "shmem_confirm_swap",
    "shmem_delete_from_page_cache",
    "shmem_free_swap",
    "shmem_get_folio",
    "shmem_read",
    "shmem_replace_folio",
    "shmem_split_large_entry",
    "shmem_swap_alloc_folio",
    "shmem_swapin_folio",
    "shmem_truncate_range",
    "shmem_unuse",
    "shmem_write",
    "shmem_writeout",
]
