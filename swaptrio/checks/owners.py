# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who owns which slot, kept up to date entry by entry (I-COUNT).

A count and its owners differ for a while: reclaim raises a count and then publishes the entry,
zapping clears the entry and then drops the count. Both happen in one *section* of a task: while
it holds a page-table lock, or within a function that moves a page between a file and its slot.
So what a task changes is unsettled until its section
ends; a slot is looked at when nobody has it unsettled any more. A change outside of any section
is looked at once.

No step looks at more than what it has changed, however many processes and slots there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.checks.slots import check_count, owners_of, slot_of
from swaptrio.mm.kernel import Kernel
from swaptrio.mm.mm_types import ShmemSwap, SwapPte
from swaptrio.mm.swap_h import SwpEntry, swap_cluster, swp_cluster_offset, swp_offset, swp_type
from swaptrio.sched import Task, running_task

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Pte

#: Is told of an index, what stood there, and what stands there now.
Tell = Callable[[int, object, object], None]


class FilePages(dict[int, Any]):
    """What stands at the indices of a file; each change is told to *tell*."""

    __slots__ = ("tell",)

    def __init__(self, pages: dict[int, Any], tell: Tell) -> None:
        super().__init__(pages)
        self.tell = tell

    def __setitem__(self, index: int, there: Any) -> None:
        before = self.get(index)
        super().__setitem__(index, there)
        self.tell(index, before, there)

    def __delitem__(self, index: int) -> None:
        before = self[index]
        super().__delitem__(index)
        self.tell(index, before, None)

    def pop(self, index: int, *default: Any) -> Any:
        """As `dict.pop`."""
        before = self.get(index)
        there = super().pop(index, *default)
        self.tell(index, before, None)
        return there

    def _refuse(self, *args: object) -> Any:
        msg = "a file's entries are stored and deleted one by one"
        raise TypeError(msg)

    popitem = clear = update = setdefault = _refuse


@attrs.define(eq=False)
class _Section:
    """What a task has changed since it began, and how many locks keep the section open."""

    depth: int = 0
    unsettled: dict[SwpEntry, None] = attrs.Factory(dict)


@attrs.define(eq=False)
class Owners:
    """*counts*: the owners of each slot that has any; *busy*: how many sections changed it."""

    kernel: Kernel
    counts: dict[SwpEntry, int] = attrs.Factory(dict)
    busy: dict[SwpEntry, int] = attrs.Factory(dict)
    _sections: dict[Task, _Section] = attrs.Factory(dict)

    def count(self) -> None:
        """Count the owners anew, everywhere; nothing is under way."""
        self.counts = owners_of(self.kernel)

    def open(self, task: Task) -> None:
        """A section of *task* begins, or goes deeper."""
        section = self._sections.get(task)
        if section is None:
            section = self._sections[task] = _Section()
        section.depth += 1

    def close(self, task: Task) -> None:
        """A section of *task* ends, and what it has changed is settled.

        Raises:
            Violation: (I-COUNT) a slot's count is not that of its owners.
        """
        section = self._sections[task]
        section.depth -= 1
        if section.depth:
            return
        del self._sections[task]
        for entry in section.unsettled:
            self.busy[entry] -= 1
            if not self.busy[entry]:
                del self.busy[entry]
                self._check(entry)

    def entry_changed(self, before: Pte, after: Pte) -> None:
        """The running task has put *after* in place of *before* into a page table."""
        self._replaced(
            before.entry if isinstance(before, SwapPte) else None,
            after.entry if isinstance(after, SwapPte) else None,
        )

    def file_changed(self, index: int, before: object, after: object) -> None:
        """The running task has put *after* in place of *before* at an index of a file."""
        self._replaced(
            slot_of(before, index) if isinstance(before, ShmemSwap) else None,
            slot_of(after, index) if isinstance(after, ShmemSwap) else None,
        )

    def _replaced(self, before: SwpEntry | None, after: SwpEntry | None) -> None:
        if before == after:
            return
        if before is not None:
            self.counts[before] -= 1
            if not self.counts[before]:
                del self.counts[before]
            self.changed(before)
        if after is not None:
            self.counts[after] = self.counts.get(after, 0) + 1
            self.changed(after)

    def changed(self, entry: SwpEntry) -> None:
        """The running task has changed the count of a slot, or its owners."""
        section = self._sections.get(running_task())
        if section is None:
            if entry not in self.busy:
                self._check(entry)
        elif entry not in section.unsettled:
            section.unsettled[entry] = None
            self.busy[entry] = self.busy.get(entry, 0) + 1

    def _check(self, entry: SwpEntry) -> None:
        """Look at a slot, unless somebody is about to tell of it who has its cluster locked."""
        si = self.kernel.devices[swp_type(entry)]
        ci = swap_cluster(si, swp_offset(entry))
        holder = ci.lock.owner
        if holder is None or holder is running_task() or not ci.touched:
            check_count(si, ci, swp_cluster_offset(entry), self.counts.get(entry, 0))
