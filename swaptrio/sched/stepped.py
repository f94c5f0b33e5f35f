# SPDX-License-Identifier: MIT OR Apache-2.0
"""All model tasks, sent on from one Trio task.

A hand-over of the baton costs a coroutine's ``send`` here and not a round of Trio's loop. The
Trio tasks of `carrier` stay the reference: the same schedule gives the same trace on both.

Trio has its turn between two executions only, and not between any two: a round of its loop
costs as much as several steps. There a cancellation strikes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import trio

from swaptrio.sched.scheduler import Scheduler, send

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution


#: Executions from one turn of Trio to the next.
TURN: Final = 8


@attrs.define(eq=False)
class Stepped(Scheduler):
    """Carries model tasks within the Trio task that calls `run`."""

    _until_turn: int = 1

    async def carry(self, execution: Execution) -> None:
        """Send on whoever has the baton, again and again."""
        while execution.verdict is None:
            task = execution.running
            assert task is not None
            send(execution, task)
        self._until_turn -= 1
        if self._until_turn == 0:
            self._until_turn = TURN
            await trio.lowlevel.checkpoint()

    def cleared(self, execution: Execution) -> None:
        """Nothing is kept."""
