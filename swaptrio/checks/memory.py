# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the oracles remember between two looks: who inserted a folio, what a slot was like."""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import itemgetter
from typing import Final

import attrs

from swaptrio.checks.findings import Finding
from swaptrio.mm.errno import Errno
from swaptrio.mm.mm_types import Folio
from swaptrio.mm.swap_h import SwpEntry
from swaptrio.sched import Task

#: So many folios that could not be read are kept before anybody looks which are still there.
_ENOUGH: Final = 1000


@attrs.define(eq=False)
class Cached:
    """A folio in the cache: its first slot, and the task that inserted it there."""

    entry: SwpEntry
    inserter: Task


@attrs.define(eq=False)
class Attempts:
    """An allocation that a task has under way.

    *left* is how many attempts it may still make, below 0 if it has made more; *tried* is how
    often each order was tried; *failures* counts the allocations and charges that failed it;
    *refusal* is the last answer of the range check, none where it agreed; *answer* is what the
    last attempt gave.
    """

    left: int
    tried: Counter[int] = attrs.Factory(Counter)
    failures: int = 0
    refusal: Errno | None = None
    answer: object = None


@attrs.define(eq=False)
class Memory:
    """All of it, for one execution.

    By page frame number: *cached*; *batched*, those that wait for the LRU, and how often;
    *unread*, the folios whose read failed; *private*, the first slot of those that were read
    past the cache; *left*, that of those that have left it since they were locked. By slot:
    *changes*, how often its word was changed; *shadows*, those that an insertion has covered.
    By task: *failures*, the allocations and charges that failed it; *allocating*, what it
    allocates in the swap cache; *conflicts*, the slot that it last met EEXIST at, with its
    changes then; *locked*, the folio that it locked last; *pins*, its references to devices. By
    order: *fallbacks*, the attempts that failed. Besides: the soft *findings*, each once.
    """

    cached: dict[int, Cached] = attrs.Factory(dict)
    batched: dict[int, int] = attrs.Factory(dict)
    private: dict[int, SwpEntry] = attrs.Factory(dict)
    left: dict[int, SwpEntry] = attrs.Factory(dict)
    changes: dict[SwpEntry, int] = attrs.Factory(dict)
    shadows: dict[SwpEntry, int] = attrs.Factory(dict)
    failures: dict[str, int] = attrs.Factory(dict)
    allocating: dict[str, Attempts] = attrs.Factory(dict)
    conflicts: dict[str, tuple[SwpEntry, int]] = attrs.Factory(dict)
    locked: dict[str, Folio] = attrs.Factory(dict)
    pins: defaultdict[tuple[str, int], int] = attrs.Factory(lambda: defaultdict(int))
    fallbacks: Counter[int] = attrs.Factory(Counter)
    unread: dict[int, Folio] = attrs.Factory(dict)
    findings: dict[Finding, None] = attrs.Factory(dict)

    def state_parts(self) -> tuple[object, ...]:
        """What all this can still make a difference by, for whoever compares states.

        A conflict matters as long as the slot was not changed since; how often it was does not.
        Nor does it matter which task came first.
        """
        standing = [
            (task, slot)
            for task, (slot, changes) in sorted(self.conflicts.items())
            if self.changes.get(slot, 0) == changes
        ]
        return (
            self.cached,
            self.batched,
            self.private,
            self.left,
            self.shadows,
            tuple(sorted(self.failures.items())),
            self.allocating,
            tuple(standing),
            tuple(sorted(self.locked.items(), key=itemgetter(0))),
            self.pins,
            self.fallbacks,
            self.unread,
            self.findings,
        )

    def slots_of(self, folio: Folio) -> SwpEntry | None:
        """The first slot that a locked folio has the data of, in the cache or not; or none."""
        if folio.swapcache:
            return folio.swap
        return self.left.get(folio.pfn, self.private.get(folio.pfn))

    def read_failed(self, folio: Folio) -> None:
        """Note it; of what was freed since, no more than somebody can still ask for is kept."""
        self.unread[folio.pfn] = folio
        if len(self.unread) > _ENOUGH:
            kept = [each.pfn for each in self.locked.values()]
            for pfn, each in list(self.unread.items()):
                if each.freed and pfn not in kept:
                    del self.unread[pfn]

    def report(self, check: str, message: str) -> None:
        """Note a soft finding, once."""
        self.findings.setdefault(Finding(check, message))
