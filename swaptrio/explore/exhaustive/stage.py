# SPDX-License-Identifier: MIT OR Apache-2.0
"""A scenario as a program to be explored."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING

import attrs

from swaptrio.errors import BadInput, Problem
from swaptrio.explore.campaign.work import setup_of
from swaptrio.scenario.world import Setup, World

if TYPE_CHECKING:
    from swaptrio.explore.campaign.item import Matter
    from swaptrio.sched import Execution


@attrs.define(eq=False)
class Stage:
    """Makes the world of *setup* for one execution after another, or has it lent.

    The model reports what its steps access where *watched*. That makes its steps slower, and is
    needed by every way to explore that tells which steps depend on each other. *final* tells
    of a world what its execution has ended in (see ``Result.finals``).

    Raises:
        BadInput: a task goes on until a step: how often it does what it does depends on each
            step of everybody, whatever these access.
    """

    setup: Setup = attrs.field()
    watched: bool = True
    final: Callable[[World], Hashable] | None = None
    _world: World | None = None

    @setup.validator
    def _counts_no_steps(self, _attribute: object, setup: Setup) -> None:
        message = "all interleavings can be explored where tasks count rounds only"
        problems = [
            Problem(
                setup.scenario.name, f"task[{number}].steps", str(task.steps), message, "rounds"
            )
            for number, task in enumerate(setup.scenario.task)
            if task.steps
        ]
        if problems:
            raise BadInput(problems)

    def __call__(self, execution: Execution) -> Callable[[], Hashable] | None:
        """Take a world, and give back the one before."""
        self.clear()
        lend = self.setup.lend_reporting if self.watched else self.setup.lend
        self._world = world = lend(execution)
        return None if self.final is None else partial(self.final, world)

    def clear(self) -> None:
        """Let go of the last world."""
        if self._world is not None:
            self.setup.take_back(self._world)
            self._world = None


def stage_of(matter: Matter) -> Stage:
    """The stage of what *matter* describes; it may be called in another process.

    Raises:
        BadInput: it cannot be used.
    """
    return Stage(setup_of(matter))
