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

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.sched import Access, Kind, Task, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

READ: Final = 1
ADD: Final = 2
WRITE: Final = 3

MODES: Final = {Access.READ: READ, Access.ADD: ADD, Access.WRITE: WRITE}

#: The mode of each object that a step accesses, by the object's key.
Accesses: TypeAlias = dict[str, int]

#: The draws of a step, in order: the number of each option.
Path: TypeAlias = tuple[int, ...]

#: A mode, the indices of those who access an object in it now, and of those before them.
Group: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...]]

#: What a declared operation does to its object at least. Of other kinds it is nothing.
DECLARED: Final = {
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
OPEN: Final = (Kind.TRYLOCK, Kind.CAS)

#: Kinds that are disabled until their object lets them go on.
BLOCKING: Final = (Kind.LOCK, Kind.SEND, Kind.RECEIVE, Kind.WAIT, Kind.JOIN, Kind.SLEEP)


def task_key(name: str) -> str:
    """The key of a task as an object: of its birth and its end."""
    return f"task {name}"


def key_of(target: object) -> str:
    """What an object is called in accesses, the same in every execution."""
    return task_key(target.name) if isinstance(target, Task) else name_of(target)


def add_access(accesses: Accesses, key: str, mode: int) -> None:
    """Join *mode* to what *accesses* say of *key*."""
    known = accesses.get(key)
    accesses[key] = mode if known is None or known == mode else WRITE


def accesses_of(
    kind: Kind, target: object, touched: Iterable[tuple[object, Access]]
) -> Accesses:
    """What a step accesses that declares *kind* on *target* and reports *touched*."""
    accesses: Accesses = {}
    for what, access in touched:
        add_access(accesses, key_of(what), MODES[access])
    mode = DECLARED.get(kind)
    if mode is not None and target is not None:
        key = key_of(target)
        if kind not in OPEN or key not in accesses:
            add_access(accesses, key, mode)
    return accesses


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
    *options* says how many options each draw of *path* had. The rest is its place in the trace:
    *previous* is the index of the event that it follows in its own task (or of the spawn; -1
    for none), *before* the set of indices that happen before it, as bits, and *prime* its
    number, which is that of its whole causal past (see `primes`). *races* are indices of
    earlier events that it could also have come before; of *unsure* it is not known.
    """

    task: str
    kind: Kind
    wants: str
    label: str
    path: Path
    options: Path
    accesses: Accesses
    spawned: tuple[str, ...] = ()
    fatal: bool = False
    previous: int = -1
    before: int = 0
    prime: int = -1
    races: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()


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
