# SPDX-License-Identifier: MIT OR Apache-2.0
"""Both: two observers as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.task import Observer

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task


@attrs.frozen
class Both:
    """Two observers as one; *first* is told first."""

    first: Observer
    second: Observer

    def step(self, execution: Execution, task: Task) -> None:
        """Tell both."""
        self.first.step(execution, task)
        self.second.step(execution, task)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Tell both."""
        self.first.choice(execution, task, label, option)
        self.second.choice(execution, task, label, option)

    def end(self, execution: Execution) -> None:
        """Tell both."""
        self.first.end(execution)
        self.second.end(execution)
