# SPDX-License-Identifier: MIT OR Apache-2.0
"""The swap cache (mm/swap_state.c): the `cache` itself, and `readahead` into it."""

from swaptrio.mm.swap_h import _swap_entry_to_cluster
from swaptrio.mm.swap_state.cache import (
    _swap_cache_add_folio,
    _swap_cache_del_folio,
    _swap_cache_do_add_folio,
    _swap_cache_do_del_folio,
    _swap_cache_replace_folio,
    folio_matches_swap_entry,
    free_folio_and_swap_cache,
    free_swap_cache,
    swap_cache_alloc_folio,
    swap_cache_del_folio,
    swap_cache_get_folio,
    swap_cache_read_folio,
    swapin_sync,
)
from swaptrio.mm.swap_state.readahead import (
    swap_cluster_readahead,
    swap_vma_readahead,
    swapin_readahead,
)

__all__ = [
    "_swap_cache_add_folio",
    "_swap_cache_del_folio",
    "_swap_cache_do_add_folio",
    "_swap_cache_do_del_folio",
    "_swap_cache_replace_folio",
    "_swap_entry_to_cluster",
    "folio_matches_swap_entry",
    "free_folio_and_swap_cache",
    "free_swap_cache",
    "swap_cache_alloc_folio",
    "swap_cache_del_folio",
    "swap_cache_get_folio",
    "swap_cache_read_folio",
    "swap_cluster_readahead",
    "swap_vma_readahead",
    "swapin_readahead",
    "swapin_sync",
]
