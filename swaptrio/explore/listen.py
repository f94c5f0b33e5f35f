# SPDX-License-Identifier: MIT OR Apache-2.0
"""Listen: tell a strategy's words what steps touch beside the operations they have declared.

The word of a slot, a page-table entry or a field of a folio is declared by nobody: whoever goes
for one takes a lock first, or looks at the cluster. So it is learned at which label which task
touches it, from one execution for the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.operation import name_of
from swaptrio.sched.strategies import Surw, Words
from swaptrio.sched.strategies.wrapper import innermost

if TYPE_CHECKING:
    from swaptrio.sched import Execution, Strategy, Task


def words_of(strategy: Strategy) -> Words | None:
    """The words that *strategy*, or the one behind its wrappers, was given, if any."""
    strategy = innermost(strategy)
    interest = strategy.interest if isinstance(strategy, Surw) else None
    return interest if isinstance(interest, Words) else None


@attrs.define(eq=False)
class Listener:
    """Tells *words* what the steps of one execution report that they touch."""

    words: Words
    _task: str = attrs.field(default="", init=False)
    _label: str = attrs.field(default="", init=False)

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform what it has declared."""
        self._tell(execution)
        self._task, self._label = task.name, task.label

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Draws touch nothing."""

    def end(self, execution: Execution) -> None:
        """Tell of the last step."""
        self._tell(execution)
        self.words.heard += 1

    def _tell(self, execution: Execution) -> None:
        if execution.touched:
            names = dict.fromkeys(name_of(target) for target, _ in execution.touched)
            self.words.touched(self._task, self._label, names)
            execution.touched.clear()
