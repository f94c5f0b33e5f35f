# SPDX-License-Identifier: MIT OR Apache-2.0
"""What can go wrong in an execution.

BaseException
  SchedError                an execution that cannot go on
    Violation               a rule of the program or of a lock was broken
      Livelock              the rule was that a loop gets somewhere
    Diverged                a recorded schedule does not fit what runs now
    WindowNotReached        a script asks for a step that never comes
    ModelError              the program used the scheduler wrongly
    Stopped                 the verdict is set; the running task has to end

They derive from BaseException, as trio.Cancelled does, so that a program under test that
catches Exception cannot swallow a verdict.
"""

from __future__ import annotations


class SchedError(BaseException):
    """An execution that cannot go on; the scheduler turns it into a verdict."""


class Violation(SchedError):
    """A rule was broken: *check* names the rule, *message* says what was seen."""

    def __init__(self, check: str, message: str) -> None:
        super().__init__(check, message)
        self.check = check
        self.message = message

    def __str__(self) -> str:
        return f"{self.check}: {self.message}"


class Livelock(Violation):
    """A loop goes round and gets nowhere, by the rule *check* that it should.

    For whoever knows of a loop what it must have achieved in each round. A state that comes
    back is noticed without that (see `lasso`), but names of new objects and counters make each
    state of some loops another one.
    """


class Diverged(SchedError):
    """A recorded decision does not fit: *step*, what was *expected*, what is *found* there."""

    def __init__(self, step: int, expected: str, found: str) -> None:
        super().__init__(step, expected, found)
        self.step = step
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"step {self.step}: expected {self.expected}, found {self.found}"


class WindowNotReached(SchedError):
    """A script cannot go on: *entry* of its window, from 1 (0 for a choice), and *reason*."""

    def __init__(self, entry: int, reason: str) -> None:
        super().__init__(entry, reason)
        self.entry = entry
        self.reason = reason

    def __str__(self) -> str:
        where = f"window entry {self.entry}" if self.entry else "choice"
        return f"{where}: {self.reason}"


class ModelError(SchedError):
    """The program under test used the scheduler in a way that has no meaning."""


class Stopped(SchedError):
    """The verdict is set, so the running task has to end; nobody but a carrier catches it."""
