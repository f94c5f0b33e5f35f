# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an oracle found, and the list of what there is to find."""

from __future__ import annotations

from typing import Final

import attrs

#: All checks by name, with what each says in a sentence. Numbers are those of the invariants in
#: the specification of the model.
CHECKS: Final = {
    "I-KIND": "a word is NULL, Shadow with a count, PFN, or Bad for ever",
    "I-FREE": "a free slot has no owner, no compressed copy, no flag and no extended count",
    "I-BACKREF": "a PFN word and its folio name each other, for all of the folio's slots",
    "I-ALIGN": "a cached folio's slots are aligned to its size and in one cluster",
    "I-ONE": "a slot has one folio, and a folio is in the cache at one place",
    "I-REFS": "references are those of the cache, of the page tables and of their holders",
    "I-DELLOCK": "a folio leaves the cache locked and not under writeback",
    "I-ZERO2ONE": "a count goes from 0 to 1 only with the slot's folio locked by who does it",
    "I-COUNT": "a slot's count is the number of its owners",
    "I-EXT": "the extend table has the counts of 15 and more, and no others",
    "I-CLCOUNT": "a cluster counts its words that are not NULL, and has a table for them only",
    "I-INUSE": "a device's count is the number of its slots in use",
    "I-LIST": "a cluster is on the list that its flag says, and fits there",
    "I-INSERT-UNCHARGED": "a cached folio without a charge is its inserter's, and unused",
    "I-CHARGE1": "a folio is charged once, by who inserted it",
    "I-OWNER": "a folio is charged to the group on record for its slots, the same for all",
    "I-ZEROUNI": "a large folio is read from slots that are all flagged as zeros, or none",
    "I-NOREADUPTODATE": "only a locked, cached folio is read, once, and seen only when it was",
    "I-MAPDATA": "a page that is mapped or read holds what was last stored there",
    "I-PTEMATCH": "what replaces a swap entry is the page that it names, and says where it is",
    "I-WB": "a folio under writeback stays in the cache, and is not freed",
    "I-DIRTYCLEAN": "a clean folio's data can be read from its slots",
    "I-SPIN": "nobody sleeps under a spinlock, and locks nest in one order",
    "I-DEV": "a device's structures are used only by who keeps it there",
    "I-ZSW": "a slot flagged as zeros has no compressed copy (reported only)",
    "I-ERRNO": "an error says what is the case",
    "I-PROGRESS": "a loop goes round again only if something has changed",
    "I-SHADOW": "a rollback leaves every slot's shadow as it was (reported only)",
    "I-RACE": "locks or messages order two accesses, one a write, but where the table excuses",
    "Q-STATS": "the counters of cached pages are right, for the node and for each group",
    "Q-MEMCG": "each group is charged for its pages in memory, and for nothing else",
    "Q-MEMSW": "v1: memsw is what a group has in memory, and in slots without a folio",
    "Q-SWAP": "v2: swap is the slots on record for a group",
    "Q-LEAK": "at the end no folio is locked, held or lost, and no device pinned",
    "Q-LRU": "at the end every cached folio is on the LRU, and nothing that was freed",
    "Q-ZERO0": "at the end a cached slot that nobody uses can be reclaimed",
    "Q-OFF": "nothing is left of a device that was swapped off",
    "Q-MTHP": "the fallbacks that are counted are the attempts that failed, by order",
    "BUG": "the kernel would have crashed",
}

#: Checks whose findings are reported and do not fail an execution.
SOFT: Final = frozenset({"I-SHADOW", "I-ZSW"})


def _soft(instance: object, attribute: attrs.Attribute[str], check: str) -> None:
    if check not in SOFT:
        msg = f"{check} is no check that only reports"
        raise ValueError(msg)


@attrs.frozen
class Finding:
    """Something reported that does not end the execution; *check* is one of `SOFT`."""

    check: str = attrs.field(validator=_soft)
    message: str
