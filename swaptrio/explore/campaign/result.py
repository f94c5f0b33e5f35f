# SPDX-License-Identifier: MIT OR Apache-2.0
"""What comes out of an item: a value, the same whoever ran it, but for the seconds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.scenario.files import DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The ending of an execution that took the interpreter with it.
CRASHED: Final = "crashed"


@attrs.frozen(order=True)
class FailureKind:
    """When two failures of a scenario and a variant are the same one.

    *ending* and *rule* are what broke, as in `explore.Fingerprint`. *labels* are the places
    where it was decided: where the task stood whose step broke it, or, in a deadlock, where
    each task waits.
    """

    ending: str
    rule: str
    labels: tuple[str, ...] = ()

    def fingerprint(self, scenario: str, variant: str) -> str:
        """A short name for a failure of this kind."""
        parts = (scenario, variant, self.ending, self.rule, *self.labels)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:DIGITS]

    def __str__(self) -> str:
        where = f" at {', '.join(self.labels)}" if self.labels else ""
        return f"{self.ending}: {self.rule}{where}"


@attrs.frozen
class Failure:
    """A kind of failure: how often it was seen, the first seed that led to it, and a schedule.

    The schedule is the shortest seen, and of several the one of the lowest seed, which is *by*;
    *message* and *length*, its number of deviations, belong to it.
    """

    kind: FailureKind
    count: int
    first: int
    by: int
    length: int
    schedule: str
    message: str

    def joined(self, other: Failure) -> Failure:
        """Both together. It does not matter which comes first."""
        best = min(self, other, key=lambda each: (each.length, each.by))
        return attrs.evolve(
            best, count=self.count + other.count, first=min(self.first, other.first)
        )


@attrs.frozen
class Window:
    """One task stood before *stood* when another performed *came*; *first* seed that did so."""

    stood: str
    came: str
    first: int


@attrs.frozen
class Result:
    """All that an item's executions have shown.

    *executions* and *steps* are how many were made, *seconds* how long they took. *given_up*
    says that so many seeds took the interpreter with them that the rest was left out.
    *longest* is the longest execution in steps, and *tasks* are the most that one had. Under
    PCT *settled* executions have its bound, for executions of up to *span* decisions.
    """

    executions: int
    steps: int
    failures: tuple[Failure, ...] = ()
    windows: tuple[Window, ...] = ()
    given_up: bool = False
    tasks: int = 0
    longest: int = 0
    settled: int = 0
    span: int = 0
    seconds: float = attrs.field(default=0.0, eq=False)


def joined(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """One failure of each kind, in the order of the kinds."""
    found: dict[FailureKind, Failure] = {}
    for failure in failures:
        known = found.get(failure.kind)
        found[failure.kind] = failure if known is None else known.joined(failure)
    return tuple(found[kind] for kind in sorted(found))
