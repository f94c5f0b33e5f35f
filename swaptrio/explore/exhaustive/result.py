# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a search says at its end, or has to say so far."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from swaptrio.sched import Ending, Schedule, Verdict


class Outcome(StrEnum):
    """What is known of all executions of a program."""

    RUNNING = "running"
    COMPLETE = "complete"
    BOUNDED = "bounded"
    INCONCLUSIVE = "inconclusive"
    VIOLATION = "violation"


@attrs.frozen
class Found:
    """One way to fail, with the first *schedule* that showed it; replay it with `Recorded`."""

    ending: Ending
    check: str
    message: str
    schedule: Schedule

    @classmethod
    def of(cls, verdict: Verdict) -> Found:
        """What an execution that has failed shows."""
        return cls(verdict.ending, verdict.check, verdict.message, verdict.schedule)

    @property
    def signature(self) -> tuple[str, str]:
        """What tells it from other ways to fail."""
        return str(self.ending), self.check or self.message

    def __str__(self) -> str:
        parts = [str(self.ending), self.check, self.message]
        return f"{': '.join(part for part in parts if part)} (schedule {self.schedule})"


@attrs.frozen
class Result:
    """A statement about *program*, and the counts behind it.

    *executions* ran to an end of their own, *classes* are how many of them differ, *blocked*
    ended early as nothing new could follow (0, where the reduction is optimal), *probes* only
    asked whether a task could go on somewhere. *states* are the different final states, if the
    program tells them. *bound* is the number of preemptions that was allowed, None for all.
    *reason* is why nothing can be concluded.
    """

    program: str
    outcome: Outcome
    executions: int = 0
    classes: int = 0
    blocked: int = 0
    probes: int = 0
    states: int = 0
    bound: int | None = None
    reason: str = ""
    violations: tuple[Found, ...] = ()

    def __str__(self) -> str:
        return f"{self._head()}: {self._counts()}{self._tail()}"

    def _head(self) -> str:
        match self.outcome:
            case Outcome.BOUNDED:
                return f"bounded by {_number(self.bound or 0, 'preemption')}"
            case Outcome.INCONCLUSIVE:
                return f"inconclusive because {self.reason}"
            case _:
                return str(self.outcome)

    def _counts(self) -> str:
        parts = [
            _number(self.executions, "execution"),
            _number(self.classes, "class", "classes"),
        ]
        if self.blocked:
            parts.append(f"{self.blocked} blocked")
        return ", ".join(parts)

    def _tail(self) -> str:
        if self.violations:
            return "".join(f"\n  {found}" for found in self.violations)
        return ", no violation"


def _number(count: int, noun: str, nouns: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}"
