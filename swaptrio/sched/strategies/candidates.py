# SPDX-License-Identifier: MIT OR Apache-2.0
"""Candidates by task instead of by number, without a list of them.

A strategy thinks of tasks, by ``task.index``; a decision is the number of a candidate. The
earliest sleeper is a candidate too, the last one, though it is not among the enabled.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution


def indices(execution: Execution) -> list[int]:
    """The indices of the tasks that can be chosen, in the order of their creation."""
    if execution.sleepers:
        return [*execution.enabled, execution.sleepers[0][2].index]
    return execution.enabled


def number_of(execution: Execution, index: int) -> int:
    """The number of the candidate that is the task with that *index*."""
    enabled = execution.enabled
    if not execution.tasks[index].enabled:
        return len(enabled)
    running = execution.running
    position = bisect_left(enabled, index)
    if running is None or not running.enabled or index > running.index:
        return position
    return 0 if index == running.index else position + 1


def highest(execution: Execution, rank: Sequence[float]) -> int:
    """The index of the candidate with the highest *rank*, which is by task index."""
    return max(indices(execution), key=rank.__getitem__)


def drawn(weights: Sequence[float], among: Sequence[int], chance: float) -> int:
    """One of *among*, each as likely as its weight says, by a number from 0 to below 1."""
    left = chance * sum([weights[index] for index in among])
    for index in among:
        left -= weights[index]
        if left < 0:
            return index
    return among[-1]
