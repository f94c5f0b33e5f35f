# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the oracles remember between two looks: who inserted a folio, what a slot was like."""

from __future__ import annotations

import attrs

from swaptrio.checks.findings import Finding
from swaptrio.mm.errno import Errno
from swaptrio.mm.mm_types import Folio
from swaptrio.mm.swap_h import SwpEntry
from swaptrio.sched import Task


@attrs.define(eq=False)
class Cached:
    """A folio in the cache: its first slot, and the task that inserted it there."""

    entry: SwpEntry
    inserter: Task


@attrs.define(eq=False)
class Attempts:
    """An allocation that a task has under way.

    *left* is how many attempts it may still make; *failures* counts the allocations and charges
    that failed it; *refusal* is the last answer of the range check, none where it agreed;
    *answer* is what the last attempt gave.
    """

    left: int
    failures: int = 0
    refusal: Errno | None = None
    answer: object = None


@attrs.define(eq=False)
class Memory:
    """All of it, for one execution.

    By page frame number: *cached*. By slot: *changes*, how often its word was changed;
    *shadows*, those that an insertion has covered. By task: *failures*, the allocations and
    charges that failed it; *allocating*, what it allocates in the swap cache; *conflicts*, the
    slot that it last met EEXIST at, with its changes then; *locked*, the folio that it locked
    last. Besides: *unread*, the folios whose read failed, and the soft *findings*.
    """

    cached: dict[int, Cached] = attrs.Factory(dict)
    changes: dict[SwpEntry, int] = attrs.Factory(dict)
    shadows: dict[SwpEntry, int] = attrs.Factory(dict)
    failures: dict[str, int] = attrs.Factory(dict)
    allocating: dict[str, Attempts] = attrs.Factory(dict)
    conflicts: dict[str, tuple[SwpEntry, int]] = attrs.Factory(dict)
    locked: dict[str, Folio] = attrs.Factory(dict)
    unread: list[Folio] = attrs.Factory(list)
    findings: list[Finding] = attrs.Factory(list)

    def report(self, check: str, message: str) -> None:
        """Note a soft finding, once."""
        finding = Finding(check, message)
        if finding not in self.findings:
            self.findings.append(finding)
