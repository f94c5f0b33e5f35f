# SPDX-License-Identifier: MIT OR Apache-2.0
"""Nondeterminism check: a wrapper that lets every schedule run twice and compares.

A program that depends on anything but its decisions (the time, an address, the order of a set)
makes replay and search worthless, and whatever they conclude. Here each execution of *inner* is
followed by another one with the same decisions; where that offers something else, the first
differing step is the verdict: diverged, with what was expected and what is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.errors import Diverged
from swaptrio.sched.strategies.recording import Asked, Recording, candidates_of, options_of
from swaptrio.sched.strategies.wrapper import AskedWrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution  # noqa: TC004 -- it imports this package


@attrs.define(eq=False)
class NondeterminismCheck(AskedWrapper):
    """Every second execution repeats the one before; *difference* is the first one found.

    *repeats* says whether this execution is a repetition, *compared* how many were. Call
    `finish` when the last execution has ended: its end is compared too.
    """

    difference: Diverged | None = None
    repeats: bool = False
    compared: int = 0
    _first: list[Asked] = attrs.field(factory=list, init=False)
    _recording: Recording = attrs.field(init=False)
    _position: int = attrs.field(default=0, init=False)
    _executions: list[Execution] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._recording = Recording(self.inner)

    def begin(self, execution: Execution) -> None:
        """Record, or repeat what was recorded."""
        found = self.finish()
        if found is not None:
            raise found
        self.repeats = len(self._executions) == 1
        self._executions.append(execution)
        self._position = 0
        if not self.repeats:
            self._recording.begin(execution)

    def finish(self) -> Diverged | None:
        """Compare how a schedule and its repetition ended; the first difference so far."""
        if len(self._executions) == 2:
            self.compared += 1
            if self.difference is None:
                self.difference = _differing_end(*self._executions)
            self._executions = []
        return self.difference

    def pick(self, execution: Execution, count: int) -> int:
        """What *inner* picks, or what it has picked."""
        if not self.repeats:
            return self._recording.pick(execution, count)
        return self._compare(execution, candidates_of(execution))

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What *inner* draws, or what it has drawn."""
        if not self.repeats:
            return self._recording.choose(execution, label, options)
        return self._compare(execution, options_of(execution, label, options))

    def _compare(self, execution: Execution, found: tuple[str, ...]) -> int:
        decisions = self._recording.decisions
        if self._position == len(decisions):
            self._differs(execution.step, "the end", found)
        asked = decisions[self._position]
        self._position += 1
        if asked.offered != found:
            self._differs(execution.step, ", ".join(asked.offered), found)
        return asked.number

    def _differs(self, step: int, expected: str, found: tuple[str, ...]) -> None:
        difference = Diverged(step, expected, ", ".join(found))
        if self.difference is None:
            self.difference = difference
        raise difference


def _differing_end(first: Execution, again: Execution) -> Diverged | None:
    one, other = first.verdict, again.verdict
    if one is None or other is None:
        return None
    if (one.ending, one.check, one.message, one.steps) == (
        other.ending,
        other.check,
        other.message,
        other.steps,
    ):
        return None
    step = min(one.steps, other.steps)
    return Diverged(step, f"{one} after {one.steps} steps", f"{other} after {other.steps}")
