# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lock order, as lockdep learns it: by class of lock, from executions that did not deadlock.

A task that waits for a lock while it holds others says that these come before it. Two tasks
that say the opposite may deadlock in another schedule, and that is the violation, in whichever
schedule it is noticed. Where the specification gives an order (section 10) one task is enough.

What only tries to take a lock waits for nobody, so it says nothing; what it then holds counts
as held. Recursion, sleep under a spinlock and locks that outlive their task are found by the
scheduler's locks themselves (all under I-SPIN).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Kind, Mutex, RwSem, SpinLock, Task, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

Lock = SpinLock | Mutex | RwSem


class LockClass(Enum):
    """The classes of lock in the model; the value is what messages call it."""

    MMAP = "mmap lock"
    FOLIO = "folio lock"
    PTL = "page-table lock"
    GLOBAL_CLUSTER = "global cluster lock"
    CLUSTER = "cluster lock"
    DEVICE = "device lock"
    AVAIL = "swap_avail_lock"
    I_PAGES = "i_pages lock"
    ZSWAP_LRU = "zswap lru lock"
    SWAP = "swap_lock"
    OTHER = "other lock"

    __hash__ = object.__hash__  # that of Enum is a call into Python, for each look into a dict


#: Outermost first. The per-CPU swap lock is no lock here, as each task is a CPU of its own; the
#: other classes have no place in the specification, and theirs is learned.
ORDER: Final = (
    LockClass.MMAP,
    LockClass.FOLIO,
    LockClass.PTL,
    LockClass.GLOBAL_CLUSTER,
    LockClass.CLUSTER,
    LockClass.DEVICE,
    LockClass.AVAIL,
)

#: Classes of which a task may wait for one while it holds another: fork has two address spaces,
#: of which nobody knows the second yet.
NESTING: Final = frozenset({LockClass.MMAP, LockClass.PTL})

_RANKS: Final = {cls: rank for rank, cls in enumerate(ORDER)}

_SPECIFIED: Final = "the specification"

#: What each lock that is taken asks for; see `swaptrio.sched.operation`.
_LOCK: Final = Kind.LOCK
_FOLIO: Final = LockClass.FOLIO
_MMAP: Final = LockClass.MMAP

#: By class, those that may be taken under it as the specification says.
_INNER: Final = {
    cls: frozenset(ORDER[_RANKS[cls] + 1 :]) if cls in _RANKS else frozenset[LockClass]()
    for cls in LockClass
}


@attrs.define(eq=False)
class LockOrder:
    """The order that was seen so far, and the classes of the spinlocks that are known.

    By class, what was taken under it, beyond what the specification says, and who was first.
    """

    classes: dict[Lock, LockClass] = attrs.Factory(dict)
    _after: dict[LockClass, dict[LockClass, str]] = attrs.Factory(dict)

    def class_of(self, lock: object) -> LockClass:
        """The class of any lock. All mutexes are folio locks, all semaphores mmap locks."""
        if isinstance(lock, SpinLock):
            return self.classes.get(lock, LockClass.OTHER)
        return _FOLIO if isinstance(lock, Mutex) else _MMAP

    def waited_for(self, task: Task, lock: Lock) -> None:
        """*task* takes *lock*, for which it has waited or would have.

        Raises:
            Violation: (I-SPIN) that is against the order.
        """
        classes = self.classes
        inner = classes.get(lock) or self.class_of(lock)
        for held in task.held:
            if held is not lock:
                outer = classes.get(held) or self.class_of(held)
                if inner not in _INNER[outer]:
                    self._note(outer, inner, task, held, lock)

    def taken(self, task: Task, lock: Lock) -> None:
        """*task* has taken *lock*; if it only tried, that says nothing."""
        if len(task.held) > 1 and task.kind is _LOCK and task.target is lock:
            self.waited_for(task, lock)

    def _note(
        self, outer: LockClass, inner: LockClass, task: Task, held: Lock, lock: Lock
    ) -> None:
        where = f"{task.name} takes {lock.name} under {held.name} at {task.label}"
        if outer is inner:
            if outer not in NESTING:
                raise Violation("I-SPIN", f"{where}: two of one class")
            return
        if _RANKS.get(outer, -1) > _RANKS.get(inner, len(ORDER)):
            message = f"{where}: a {inner.value} comes before a {outer.value}"
            raise Violation("I-SPIN", message)
        for witness in self._path(inner, outer):
            message = f"{where}, and {witness} the other way round"
            raise Violation("I-SPIN", message)
        self._after.setdefault(outer, {}).setdefault(inner, f"{task.name} at {task.label}")

    def _path(self, first: LockClass, last: LockClass) -> Iterator[str]:
        """Who has begun a way from *first* to *last*, if there is one."""
        after = dict.fromkeys(ORDER[_RANKS.get(first, len(ORDER)) + 1 :], _SPECIFIED)
        after.update(self._after.get(first, {}))
        for inner, witness in after.items():
            if inner is last or any(self._path(inner, last)):
                yield witness
