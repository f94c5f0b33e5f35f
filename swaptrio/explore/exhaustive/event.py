# SPDX-License-Identifier: MIT OR Apache-2.0
"""Executed steps: what they have accessed, and what had to happen before them.

An *event* is one step of one task: the declared operation and everything up to the task's next
point. Two events of different tasks are dependent if they access one object and not both only
read it, or both only add to it. That is all there is: spawning a task writes the object "task
NAME", which its start reads, its end writes and a join reads.

The *past* of a place in a trace says, for each object, which accesses a new one would have to
follow. Accesses that do not conflict with each other stand in one group, so neither the groups
nor anything made of them depends on the order in which independent events were executed.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.sched import Access, Kind, Task, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READ: Final = 1
ADD: Final = 2
WRITE: Final = 3

MODES: Final = {Access.READ: READ, Access.ADD: ADD, Access.WRITE: WRITE}

#: The mode of each object that a step accesses, by the object's key.
Accesses: TypeAlias = dict[str, int]

#: The draws of a step, in order: the number of each option.
Path: TypeAlias = tuple[int, ...]

#: An object's key, a mode, and how many draws a step makes before its first access of that
#: kind.
Reach: TypeAlias = tuple[tuple[str, int, int], ...]

#: A mode, the indices of those who access an object in it now, and of those before them.
Group: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...]]

#: What a declared operation does to its object at least. Of other kinds it is nothing.
DECLARED: Final = {
    Kind.START: READ,
    Kind.STEP: WRITE,
    Kind.LOCK: WRITE,
    Kind.UNLOCK: WRITE,
    Kind.TRYLOCK: WRITE,
    Kind.CAS: WRITE,
    Kind.READ: READ,
    Kind.WRITE: WRITE,
    Kind.SEND: WRITE,
    Kind.RECEIVE: WRITE,
    Kind.CLOSE: WRITE,
    Kind.WAIT: READ,
    Kind.WAKE: WRITE,
    Kind.SLEEP: WRITE,
    Kind.JOIN: READ,
}

#: Kinds whose effect shows when they are performed; what is reported then is what they did.
OPEN: Final = (Kind.TRYLOCK, Kind.CAS, Kind.LOCK, Kind.UNLOCK)

#: Kinds that are disabled until their object lets them go on.
BLOCKING: Final = (Kind.LOCK, Kind.SEND, Kind.RECEIVE, Kind.WAIT, Kind.JOIN, Kind.SLEEP)


def task_key(name: str) -> str:
    """The key of a task as an object: of its birth and its end."""
    return f"task {name}"


def key_of(target: object) -> str:
    """What an object is called in accesses, the same in every execution."""
    return task_key(target.name) if isinstance(target, Task) else name_of(target)


def wanted_by(task: Task) -> str:
    """The key of what *task* waits for, or would, in the operation that it has declared."""
    wanted = getattr(task.target, "wanted_by", None)
    return key_of(task.target if wanted is None else wanted(task))


@attrs.define(eq=False)
class Report:
    """What one step has reported, as it goes on: accesses, and draws in between.

    *path* are the draws so far, *options* how many options each of them had.
    """

    touched: list[tuple[object, Access]] = attrs.Factory(list)
    path: list[int] = attrs.Factory(list)
    options: list[int] = attrs.Factory(list)
    _marks: list[int] = attrs.Factory(list)

    def draw(self, index: int, count: int) -> None:
        """Option *index* of *count* was drawn."""
        self.path.append(index)
        self.options.append(count)
        self._marks.append(len(self.touched))

    def clear(self) -> None:
        """The next step."""
        self.touched.clear()
        if self.path:
            self.path, self.options, self._marks = [], [], []

    def accesses(self, kind: Kind, target: object, ordered: Iterable[str]) -> Accesses:
        """What the step accesses that has declared *kind* on *target*."""
        accesses: Accesses = {}
        for key, mode, _ in self._each(kind, target, ordered):
            known = accesses.get(key)
            accesses[key] = mode if known is None or known == mode else WRITE
        return accesses

    def reach(self, kind: Kind, target: object, ordered: Iterable[str]) -> Reach:
        """How many draws came before the first access of an object in a mode."""
        reach: dict[tuple[str, int], int] = {}
        if self.path:
            for key, mode, drawn in self._each(kind, target, ordered):
                reach.setdefault((key, mode), drawn)
        return tuple((key, mode, drawn) for (key, mode), drawn in reach.items())

    def _each(
        self, kind: Kind, target: object, ordered: Iterable[str]
    ) -> Iterator[tuple[str, int, int]]:
        key, mode = key_of(target), DECLARED.get(kind)
        told = kind in OPEN and any(key_of(what) == key for what, _ in self.touched)
        if mode is not None and target is not None and not told:
            yield key, mode, 0
        for position, (what, access) in enumerate(self.touched):
            key, mode = key_of(what), MODES[access]
            if mode == ADD and key in ordered:
                mode = WRITE
            yield key, mode, bisect_right(self._marks, position) if self._marks else 0


def independent(one: Accesses, other: Accesses) -> bool:
    """Whether two steps of different tasks can change places."""
    for key, mode in one.items():
        against = other.get(key)
        if against is not None and (against != mode or mode == WRITE):
            return False
    return True


def followed(group: Group | None, mode: int) -> tuple[int, ...]:
    """Whom a new access has to follow."""
    if group is None:
        return ()
    return group[2] if mode != WRITE and mode == group[0] else group[1]


def entered(group: Group | None, mode: int, member: int) -> Group:
    """The group of an object after one more access."""
    if group is None:
        return mode, (member,), ()
    if mode != WRITE and mode == group[0]:
        return mode, (*group[1], member), group[2]
    return mode, (member,), group[1]


@attrs.define(eq=False)
class Event:
    """One executed step.

    *wants* is the key of the object that its operation waits for, empty if it never waits.
    *path* are its draws, *options* how many options each of them had, *reach* tells how far a
    step had drawn when it accessed what. A *fatal* step ended the execution while others could
    have gone on. *label* is that of its operation, and *shares* the name of the object that it
    shares with other operations, as it was declared; empty for none.

    The rest is its place in the trace: *previous* is the index of the event that it follows in
    its own task (or of the spawn; -1 for none), *before* the set of indices that happen before
    it, as bits, and *prime* its number, which is that of its whole causal past (see `primes`).
    *races* are indices of earlier events that it could also have come before; of *unsure* it is
    not known.
    """

    task: str
    kind: Kind
    wants: str
    path: Path
    options: Path
    accesses: Accesses
    reach: Reach = ()
    spawned: tuple[str, ...] = ()
    fatal: bool = False
    previous: int = -1
    before: int = 0
    prime: int = -1
    races: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()
    label: str = ""
    shares: str = ""

    def apart(self, other: Event) -> bool:
        """Whether this step and one of another task can change places."""
        if self.fatal or other.fatal:
            return False
        one, accesses = self.accesses, other.accesses
        return one.keys().isdisjoint(accesses) or independent(one, accesses)

    def drawn_before(self, other: Event) -> Path:
        """The draws of this step before it first conflicts with *other*, an earlier one.

        Were *other* not there, the step would begin with the same draws. Later ones may differ.
        """
        if not self.path:
            return ()
        reached = [
            drawn
            for key, mode, drawn in self.reach
            if not independent({key: mode}, other.accesses)
        ]
        return self.path[: min(reached, default=len(self.path) if self.fatal else 0)]

    def alternatives(self) -> list[Path]:
        """The draws up to the one that is different, for each that could have been."""
        return [
            (*self.path[:position], index)
            for position, count in enumerate(self.options)
            for index in range(count)
            if index != self.path[position]
        ]


@attrs.define(eq=False)
class Past:
    """What a place in a trace has behind it.

    *last* is the index of each task's last event, or of its spawn; *opens* says of objects that
    tasks wait for which kinds of operation could go on now, None where that cannot be told.
    """

    groups: dict[str, Group] = attrs.Factory(dict)
    last: dict[str, int] = attrs.Factory(dict)
    opens: dict[str, tuple[Kind, ...] | None] = attrs.Factory(dict)

    def after(
        self, event: Event, index: int, opens: dict[str, tuple[Kind, ...] | None]
    ) -> Past:
        """The past of what follows *event*, which has that *index*."""
        groups = dict(self.groups)
        for key, mode in event.accesses.items():
            groups[key] = entered(groups.get(key), mode, index)
        last = dict(self.last)
        last[event.task] = index
        for name in event.spawned:
            last[name] = index
        return Past(groups, last, {**self.opens, **opens} if opens else self.opens)

    def followed_by(self, event: Event) -> int:
        """Whom *event* would have to follow directly, as bits; its own task's last included."""
        bits = 0
        for key, mode in event.accesses.items():
            for index in followed(self.groups.get(key), mode):
                bits |= 1 << index
        previous = self.last.get(event.task, -1)
        return bits | 1 << previous if previous >= 0 else bits


def members(bits: int) -> list[int]:
    """The indices in a set of bits, in order."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found
