# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an oracle found, and the list of what there is to find."""

from __future__ import annotations

from typing import Final

import attrs

#: All checks by name, with what each says in a sentence. Numbers are those of the invariants in
#: the specification of the model.
CHECKS: Final = {
    "I-KIND": "a word is NULL, Shadow with a count, PFN, or Bad for ever",
    "I-FREE": "a free slot has no owner, no compressed copy and no flag",
    "I-BACKREF": "a PFN word and its folio name each other, for all of the folio's slots",
    "I-ALIGN": "a cached folio's first slot is aligned to its size",
    "I-ONE": "a slot is not taken over from a folio that still is in the cache",
    "I-REFS": "references are those of the cache, of the page tables and of their holders",
    "I-DELLOCK": "a folio leaves the cache locked and not under writeback",
    "I-ZERO2ONE": "a count goes from 0 to 1 only with the folio locked",
    "I-COUNT": "a slot's count is the number of its owners",
    "I-CLCOUNT": "a cluster's count is the number of its words that are not NULL",
    "I-INUSE": "a device's count is the number of its slots in use",
    "I-INSERT-UNCHARGED": "a cached folio that is not charged is locked, unread and unmapped",
    "I-CHARGE1": "a folio is charged once, by who inserted it",
    "I-OWNER": "the group that is charged for a folio is the one on record for its first slot",
    "I-NOREADUPTODATE": "only a locked, cached folio that is not up to date is read",
    "I-MAPDATA": "a page that becomes mapped holds what was last stored there",
    "I-PTEMATCH": "what replaces a swap entry is the page that the entry names",
    "I-SPIN": "nobody sleeps under a spinlock, and locks nest in one order",
    "I-ERRNO": "an error says what is the case",
    "I-PROGRESS": "a loop goes round again only if something has changed",
    "I-SHADOW": "a rollback leaves every slot's shadow as it was (reported only)",
    "Q-STATS": "the counters of cached pages are right, for the node and for each group",
    "Q-MEMCG": "each group is charged for its pages and its slots, and for nothing else",
    "Q-LEAK": "at the end no folio is left locked, held, or in nobody's hands",
    "Q-LRU": "at the end every cached folio is on the LRU",
    "BUG": "the kernel would have crashed",
}

#: Checks whose findings are reported and do not fail an execution.
SOFT: Final = frozenset({"I-SHADOW"})


@attrs.frozen
class Finding:
    """Something reported that does not end the execution."""

    check: str
    message: str
