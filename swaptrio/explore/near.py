# SPDX-License-Identifier: MIT OR Apache-2.0
"""Near: executions one entry of a schedule away from another, and how far two are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.explore.execute import execute
from swaptrio.explore.flip import Looked, look
from swaptrio.explore.follow import Guide
from swaptrio.sched.names import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Scheduler

#: Entries that are tried beside a schedule at most; of more, the last.
NEIGHBOURS: Final = 500


def distance(looked: Looked, other: Looked) -> tuple[int, int]:
    """How far *other* is from *looked*; the smaller the nearer.

    First the entries that only one of the two schedules has, then the steps of *looked* that
    are left when the two part.
    """
    apart = set(looked.names.entries) ^ set(other.names.entries)
    same = 0
    for one, two in zip(looked.steps, other.steps, strict=False):
        if (one.task, one.label) != (two.task, two.label):
            break
        same += 1
    return len(apart), len(looked.steps) - same


async def neighbours(
    scheduler: Scheduler, setup: Setup, looked: Looked, stop: Callable[[], bool]
) -> AsyncIterator[Looked]:
    """The executions whose schedule lacks one entry of that of *looked*, or has one more turn.

    A draw more is a fault more, and says nothing about the order of steps.
    """
    entries = looked.names.entries
    guide = Guide(entries, offering=True)
    await execute(scheduler, setup, guide)
    fewer = [tuple(each for each in entries if each is not gone) for gone in entries]
    more = [(*entries, turn) for turn in guide.offers if isinstance(turn, Turn)]
    for near in (*fewer, *more)[-NEIGHBOURS:]:
        if stop():
            return
        yield await look(scheduler, setup, Guide(near))
