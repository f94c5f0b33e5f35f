# SPDX-License-Identifier: MIT OR Apache-2.0
"""What protects which data, and who may look without: section 10 of the model's specification.

Each row is a pattern of names as `accesses` reports them. Of data that is

* ``LOCKED``, any two accesses, one of them a write, are ordered by locks, but for reads in the
  functions that are named: these look without a lock, and take what they see for a hint, or
  look again with it;
* ``ATOMIC``, each access is one that cannot be torn, and no order is asked of them;
* ``ORDERING``, it is so too, and who sees a value sees what was done before it was written: a
  reference count, or an operation under a lock of its own that is not modelled.

The first row that fits is the one that holds; what fits none is LOCKED, with no reader without.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final

import attrs


class Rule(Enum):
    """What is asked of two accesses."""

    LOCKED = "locked"
    ATOMIC = "atomic"
    ORDERING = "ordering"


@attrs.frozen
class Row:
    """Data by the *pattern* of their names, the *rule*, and why.

    *lockless* are the functions that may read them without a lock, and *hardware* those that
    may write them, as they do what a processor does.
    """

    pattern: str
    rule: Rule
    reason: str
    lockless: frozenset[str] = frozenset()
    hardware: frozenset[str] = frozenset()


def _locked(pattern: str, lock: str, *lockless: str, hardware: str = "") -> Row:
    reason = f"written with the {lock} held"
    processor = frozenset([hardware] if hardware else [])
    return Row(pattern, Rule.LOCKED, reason, frozenset(lockless), processor)


def _atomic(pattern: str, reason: str) -> Row:
    return Row(pattern, Rule.ATOMIC, reason)


def _ordering(pattern: str, reason: str) -> Row:
    return Row(pattern, Rule.ORDERING, reason)


_FOLIO: Final = r"folio 0x\w+\."
_FLAGS: Final = (
    "swapbacked|dirty|lru|active|workingset|anon|readahead|reclaim|dropbehind|deferred"
)

TABLE: Final = (
    # Words and the entries of page tables and files have names of one form, PLACE:NUMBER. They
    # are read without a lock by different functions, so that one row can stand for the three.
    _locked(
        r"[^.]+:\d+",
        "cluster lock (words), page-table lock (entries), or i_pages lock (files)",
        "swap_table_get",
        "alloc_anon_folio",
        "filemap_get_entry",
        "gup_fast",
        "handle_mm_fault",
        "handle_pte_fault",
        "lock_mm_and_find_vma",
        "remove_migration_ptes",
        "shmem_alloc_and_add_folio",
        "shmem_confirm_swap",
        "shmem_truncate_range",
        "shmem_unuse",
        "shrink_folio_list",
        "swap_vma_readahead",
        "try_to_migrate",
        "try_to_unmap_one",
        "user_pin_store",
        "user_read",
        "user_store",
        "user_store",
        "filemap_get_entry",
        "shmem_confirm_swap",
        "shmem_alloc_and_add_folio",
        "shmem_truncate_range",
        "shmem_unuse",
        "unuse_pte_range",
        hardware="user_store",
    ),
    _locked(r".+ cluster \d+\.table", "cluster lock", "swap_table_get"),
    _locked(
        r".+:\d+\.owner|.+\.owners", "cluster lock", "lookup_swap_cgroup_id", "slots_are_alike"
    ),
    _locked(
        r".+:\d+\.has_cache|.+\.claims",
        "cluster lock",
        "non_swapcache_batch",
        "swap_cache_has_folio",
    ),
    _locked(r".+:\d+\.extend|.+\.extend(_table)?", "cluster lock"),
    _locked(r".+ cluster \d+\.(count|order|flags)", "cluster lock"),
    _locked(
        _FOLIO + "(swap|swapcache)",
        "folio lock and cluster lock",
        "deferred_split_folio",
        "free_swap_cache",
        "user_pin_store",
        "wp_can_reuse_anon_folio",
    ),
    _locked(
        _FOLIO + "memcg",
        "folio lock, or by who frees it; the LRU is scanned under a lock that is not modelled",
        "isolate_lru_folios",
        "workingset_test_recent",
    ),
    _ordering(_FOLIO + "(order|nr)", "changed while nobody can have a reference"),
    _ordering(_FOLIO + "refs", "a reference count: atomic, with barriers where it matters"),
    _ordering(_FOLIO + "uptodate", "set after the data with a barrier, read before them"),
    _ordering(_FOLIO + "writeback", "cleared with a barrier, and waited for"),
    _atomic(_FOLIO + f"({_FLAGS})", "changed by an atomic operation on one bit"),
    _atomic(_FOLIO + "mapcount", "an atomic counter"),
    _atomic(_FOLIO + r"data:\d+", "the bytes of users, who race as they like"),
    _ordering(
        _FOLIO + "(lru_link|split_link)",
        "a place on a list, each operation on which is under a lock of its own",
    ),
    _atomic(
        _FOLIO + "exists|folios|lru|deferred_split|next_pfn",
        "the lists as wholes, of the LRU and of the allocator: as above",
    ),
    _atomic("lru_batches|cpu .+", "of one CPU each, which others ask to drain it"),
    _atomic(r".+:\d+\.data|.+\.data", "what the device holds, which it orders itself"),
    _atomic(r".+:\d+\.zswap|.+\.zswap", "a tree, each operation under its own lock"),
    _atomic("zswap_lru.*", "a list, which is changed within steps of its own lock"),
    _ordering(r".+\.(users|dying)", "a per-CPU reference count, killed with an RCU wait"),
    _ordering(r".+\.inuse_pages", "an atomic counter, lowered after a write barrier"),
    _atomic(r".+\.available", "one bit of that counter"),
    _atomic("(nr|total)_swap_pages", "counters of all devices, looked at for a hint"),
    _atomic("storage_suspended", "set while nothing else runs"),
    _atomic(r".+\.scheduled(:\w+)?", "one atomic bit for each work"),
    _atomic("percpu_swap_cluster", "each CPU's own; swapoff exchanges what is stale"),
    _atomic(r".+\.(flags|max|pages)", "single words, written once by swapon and swapoff"),
    _atomic(
        r".+\.(memory|memsw|swap|limit|online|id_refs|nonresident_age)|memcg \d+|memcgs",
        "page counters, and what RCU protects",
    ),
    _atomic(r"workingset\..+", "an atomic age, and statistics"),
    _atomic(r".+\.exited", "the end of a count of users, which who comes late looks at"),
    _atomic(r".+\.ptes", "which pages there are: a matter of the VMA, under the mmap_lock"),
    _atomic("devices|processes|files", "lists under locks that are not modelled"),
    _atomic("clock", "the virtual time"),
)

#: Names of which the row is remembered; folios come and go.
_KEPT: Final = 10_000

_ANY: Final = Row(".*", Rule.LOCKED, "nothing is known of it")


@lru_cache(maxsize=_KEPT)
def row_of(name: str) -> Row:
    """The row of the table that holds for the data called *name*."""
    return next((row for row in TABLE if re.fullmatch(row.pattern, name)), _ANY)
