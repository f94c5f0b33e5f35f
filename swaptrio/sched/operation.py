# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a task is about to do at a scheduling point."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs


class Kind(Enum):
    """The kinds of operation; the value is the word that traces show."""

    START = "start"
    STEP = "step"
    LOCK = "lock"
    UNLOCK = "unlock"
    TRYLOCK = "trylock"
    CAS = "cas"
    READ = "read"
    WRITE = "write"
    SEND = "send"
    RECEIVE = "receive"
    CLOSE = "close"
    WAIT = "wait"
    WAKE = "wake"
    SLEEP = "sleep"
    JOIN = "join"
    CHOOSE = "choose"

    __hash__ = object.__hash__  # that of Enum is a call into Python, for each look into a set


#: Kinds by names of their own, for locks and channels. To ask an enumeration for a member is
#: dear where its metaclass has a hook for attributes, as in CPython 3.11: three times as dear
#: as a call of a function.
LOCK: Final = Kind.LOCK
UNLOCK: Final = Kind.UNLOCK
SEND: Final = Kind.SEND
RECEIVE: Final = Kind.RECEIVE
WAIT: Final = Kind.WAIT
WAKE: Final = Kind.WAKE


class Access(Enum):
    """What a step does to an object. Two accesses conflict unless both read or both add."""

    READ = "read"
    ADD = "add"
    WRITE = "write"


@attrs.frozen
class Deed:
    """What *task* has done at *label* in step *step*, to be told to people."""

    task: str
    label: str
    step: int

    def __str__(self) -> str:
        return f"{self.task} at {self.label}, step {self.step}"


#: A task that waits here has nothing to do; it is not stuck.
IDLE_KINDS: Final = frozenset({Kind.RECEIVE, Kind.WAIT})


def name_of(target: object) -> str:
    """The name of an operation's object, empty for none.

    Objects carry a ``name``; a plain string is a name itself. Nothing else has one, since a
    repr could hold an address and differ from run to run.
    """
    if target is None:
        return ""
    if isinstance(target, str):
        return target
    return str(getattr(target, "name", type(target).__name__))


@attrs.frozen
class Operation:
    """One declared operation: its *kind*, the *object* it touches, and its stable *label*."""

    kind: Kind
    object: str
    label: str

    def __str__(self) -> str:
        what = f"{self.kind.value} {self.object}".rstrip()
        return f"{self.label} ({what})"
