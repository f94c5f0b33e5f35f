# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which operations race: same object, and not both of them only look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.sched.operation import Kind, name_of

if TYPE_CHECKING:
    from swaptrio.sched.task import Task

#: Kinds that touch no object that another task could touch at the same time. An unlock is
#: ordered by the lock before it, and a join by the end of the task.
PRIVATE: Final = (Kind.START, Kind.STEP, Kind.UNLOCK, Kind.SLEEP, Kind.JOIN, Kind.CHOOSE)

#: Kinds that leave their object as it was.
LOOKS: Final = (Kind.READ, Kind.WAIT)


def is_shared(kind: Kind, target: object) -> bool:
    """Whether an operation can race with another at all."""
    return target is not None and kind not in PRIVATE


def same(one: object, other: object) -> bool:
    """Whether two targets are one object. Strings are names; other objects are themselves."""
    return one is other or (type(one) is str and type(other) is str and one == other)


def races(kind: Kind, target: object, other: Task) -> bool:
    """Whether an operation races with what *other* has declared."""
    if target is not other.target and not same(target, other.target):
        return False
    if other.kind in PRIVATE:
        return False
    return kind not in LOOKS or other.kind not in LOOKS


def object_of(task: Task) -> str:
    """The name of the object that the declared operation shares; empty if it shares none."""
    return name_of(task.target) if is_shared(task.kind, task.target) else ""
