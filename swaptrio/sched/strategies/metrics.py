# SPDX-License-Identifier: MIT OR Apache-2.0
"""Metrics: a wrapper that counts what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.strategies.wrapper import AskedWrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


@attrs.define
class Counts:
    """What was counted.

    *steps* are all decisions, the forced ones included; *decisions* those between two or more
    candidates, *draws* those between two or more options. A *switch* is a step of another task
    than the one before; a *preemption* one where that could have gone on.
    """

    executions: int = 0
    steps: int = 0
    decisions: int = 0
    draws: int = 0
    switches: int = 0
    preemptions: int = 0


@attrs.define(eq=False)
class Metrics(AskedWrapper):
    """Counts over all executions in *total*, and over the last one in *last*."""

    total: Counts = attrs.Factory(Counts)
    last: Counts = attrs.Factory(Counts)

    def begin(self, execution: Execution) -> None:
        """One execution more."""
        self.last = Counts(executions=1)
        self.total.executions += 1
        self.inner.begin(execution)

    def pick(self, execution: Execution, count: int) -> int:
        """Count a step."""
        number = AskedWrapper.pick(self, execution, count)
        running = execution.running
        if running is not None:
            goes_on = running.enabled and number == 0
            for counts in (self.last, self.total):
                counts.switches += not goes_on
                counts.preemptions += running.enabled and not goes_on
        for counts in (self.last, self.total):
            counts.steps += 1
            counts.decisions += count > 1
        return number

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """Count a draw."""
        for counts in (self.last, self.total):
            counts.steps += 1
            counts.draws += len(options) > 1
        return AskedWrapper.choose(self, execution, label, options)
