# SPDX-License-Identifier: MIT OR Apache-2.0
"""Getting a scheduler: `open_scheduler` inside a Trio program, `run` outside of one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import trio

from swaptrio.sched.carrier import TrioTasks
from swaptrio.sched.execution import DEFAULT_BUDGET, Execution
from swaptrio.sched.stepped import Stepped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable

    from swaptrio.sched.scheduler import Program, Scheduler
    from swaptrio.sched.strategies import Strategy
    from swaptrio.sched.task import Observer

#: Who sends the model tasks on: a Trio task each, or all of them from one.
Carrier = Literal["trio", "stepped"]


@asynccontextmanager
async def open_scheduler(carrier: Carrier = "trio") -> AsyncIterator[Scheduler]:
    """A `Scheduler` for the length of the block, inside a running Trio program.

    What the block raises comes out as it is, and not in the group that a nursery makes of it;
    so does a KeyboardInterrupt that strikes a task.

    Args:
        carrier: ``trio`` runs each model task as a Trio task, ``stepped`` all of them in the
            caller's. Executions are the same; the second is faster.
    """
    if carrier == "stepped":
        stepped = Stepped()
        try:
            yield stepped
        finally:
            stepped.closed = True
        return
    failure: BaseException | None = None
    try:
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            scheduler = TrioTasks(nursery=nursery)
            try:
                yield scheduler
            finally:
                scheduler.close()
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        failure = group.exceptions[0]
    if failure is not None:
        raise failure


def run(
    program: Program,
    strategy: Strategy,
    *,
    budget: int = DEFAULT_BUDGET,
    observer: Observer | None = None,
    fingerprint: Callable[[], Hashable] | None = None,
    carrier: Carrier = "trio",
) -> Execution:
    """Run *program* once, in a `trio.run` of its own; see `Scheduler.run` for the arguments.

    Not to be called inside a Trio program: use `open_scheduler` there.
    """

    async def main() -> Execution:
        async with open_scheduler(carrier) as scheduler:
            return await scheduler.run(
                program, strategy, budget=budget, observer=observer, fingerprint=fingerprint
            )

    return trio.run(main)
