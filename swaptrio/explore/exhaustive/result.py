# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a search says at its end, or has to say so far."""

from __future__ import annotations

import re
from collections.abc import Hashable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore.exhaustive.normal import Way
from swaptrio.explore.sights import NOT_SAMPLED, UNREACHABLE, Sights
from swaptrio.sched import Ending, Verdict

if TYPE_CHECKING:
    from swaptrio.sched import Schedule

#: How a reason begins for which a program is never to be trusted again.
NONDETERMINISTIC: Final = "the program is not deterministic"

_NUMBER: Final = re.compile(r"0x[0-9a-f]+|\d+")


class Outcome(StrEnum):
    """What is known of all executions of a program.

    ``complete``: all of them were explored. ``bounded``: all within the bound. ``violation``:
    it stopped at the first. ``inconclusive``: nothing is known beyond what was found.
    """

    COMPLETE = "complete"
    BOUNDED = "bounded"
    VIOLATION = "violation"
    INCONCLUSIVE = "inconclusive"


@attrs.frozen
class Found:
    """One way to fail, with the *verdict* that shows it; replay its schedule.

    *way* is the normal form of that execution, empty where the first one found is told.
    """

    verdict: Verdict
    way: Way = ()

    @property
    def rank(self) -> tuple[int, Way]:
        """What comes first of several that show the same."""
        return len(self.way), self.way

    @property
    def signature(self) -> tuple[Ending, str]:
        """What tells it from other ways to fail: the check, or a message without numbers."""
        verdict = self.verdict
        named = verdict.check not in ("", "assertion")
        return verdict.ending, verdict.check if named else _NUMBER.sub("#", verdict.message)

    @property
    def schedule(self) -> Schedule:
        """What leads there again, under `Recorded`."""
        return self.verdict.schedule

    def __str__(self) -> str:
        return f"{self.verdict} (schedule {self.schedule})"


@attrs.frozen
class Result:
    """A statement about *program*, and the counts behind it.

    *executions* ran to an end of their own; *traces* are how many classes of equivalent ones
    were met, None where that was not counted. *blocked* ended early, as all tasks slept (0
    where the reduction is optimal); *probes* only asked whether a task could go on somewhere,
    or led to nothing that another process had not.
    *states* are the states that were met in which somebody could go on or all was done, None
    where none were kept; *rounds* lead from a state to itself, and show no livelock by
    themselves; *finals* what the program told of its ends, if it does. *bound* is the
    number of preemptions that was allowed, None for any. *reason* is why nothing can be
    concluded. *seconds* is wall time. *sights* are the windows that were passed, None where
    nobody asked for them, and *unseen* is why an operation was never seen inside one.
    """

    program: str
    outcome: Outcome
    executions: int = 0
    traces: int | None = None
    states: int | None = None
    rounds: int = 0
    blocked: int = 0
    probes: int = 0
    bound: int | None = None
    reason: str = ""
    finals: frozenset[Hashable] = frozenset()
    violations: tuple[Found, ...] = ()
    seconds: float = 0.0
    sights: Sights | None = None

    @property
    def unseen(self) -> str:
        """Why something was never seen inside a window.

        All classes prove that it cannot be, within the bound. States do not (see `sighting`),
        nor do executions that go round: some may leave the round later, with others inside.
        """
        if self.traces is None or any(map(_goes_round, self.violations)):
            return NOT_SAMPLED
        match self.outcome:
            case Outcome.COMPLETE:
                return UNREACHABLE
            case Outcome.BOUNDED:
                return f"{UNREACHABLE} within {_number(self.bound or 0, 'preemption')}"
        return NOT_SAMPLED

    @property
    def complete(self) -> bool:
        """Whether all executions are known, without any bound."""
        return self.outcome is Outcome.COMPLETE

    @property
    def statement(self) -> str:
        """What is true, in one sentence that names every bound."""
        if self.reason.startswith(NONDETERMINISTIC):
            executions = _number(self.executions, "execution")
            return f"{self._head()}: nothing follows from {executions}"
        return f"{self._head()}: {self._counts()}, {self._violations()}{self._unfair()}"

    def __str__(self) -> str:
        return "\n  ".join([self.statement, *map(str, self.violations)])

    def _head(self) -> str:
        match self.outcome:
            case Outcome.BOUNDED:
                return f"bounded by {_number(self.bound or 0, 'preemption')}"
            case Outcome.INCONCLUSIVE:
                return f"inconclusive because {self.reason}"
            case Outcome.VIOLATION:
                return "stopped at the first violation"
        return "complete"

    def _counts(self) -> str:
        parts = [_number(self.executions, "execution")]
        if self.traces is not None:
            parts.append(_number(self.traces, "class", "classes"))
        if self.states is not None:
            parts.append(_number(self.states, "state"))
        if self.blocked:
            parts.append(f"{self.blocked} blocked")
        return ", ".join(parts)

    def _violations(self) -> str:
        if self.violations:
            return _number(len(self.violations), "violation")
        so_far = " so far" if self.outcome is Outcome.INCONCLUSIVE else ""
        return f"no violation{so_far}"

    def _unfair(self) -> str:
        """What is left open where an execution can go round for ever."""
        return f", {_number(self.rounds, 'unfair round')}" if self.rounds else ""


def _goes_round(found: Found) -> bool:
    return found.verdict.ending is Ending.LIVELOCK


def _number(count: int, noun: str, nouns: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}"
