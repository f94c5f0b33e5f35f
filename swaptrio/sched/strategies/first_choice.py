# SPDX-License-Identifier: MIT OR Apache-2.0
"""First choice: the running task goes on for as long as it can; the empty schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


@attrs.frozen
class FirstChoice:
    """Takes candidate 0 and option 0 everywhere."""

    asks_always: ClassVar[bool] = False
    settled: ClassVar[bool] = True

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The running task, or the first that can go on."""
        return 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The default."""
        return 0
