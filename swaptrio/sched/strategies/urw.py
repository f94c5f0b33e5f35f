# SPDX-License-Identifier: MIT OR Apache-2.0
"""URW: Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS
2025.

The uniform random walk: a task goes on with a probability in proportion to the events that it
has still before it, those of children that it has not spawned yet included. Where these counts
are right and nobody is ever blocked, every interleaving is as likely as any other; under a
plain random walk a short task hardly ever waits for the end of a long one.

The counts are the averages of all executions so far. The first execution has none: it is a
plain random walk, and measures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.sched.strategies.candidates import drawn, indices, number_of
from swaptrio.sched.strategies.profile import Profile, Remaining, newcomers
from swaptrio.sched.strategies.random_walk import Seeded
from swaptrio.sched.task import Task

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution

#: All events are of one sort here.
_ANY = "any"


@attrs.define(eq=False)
class Urw(Seeded):
    """Weighs each task by its remaining events; *profile* is what it knows of them."""

    asks_always: ClassVar[bool] = True

    profile: Profile = attrs.Factory(Profile)
    _remaining: Remaining = attrs.field(factory=Remaining, init=False)
    _chosen: Task | None = attrs.field(default=None, init=False)

    def begin(self, execution: Execution) -> None:
        """Look up what is expected of each task."""
        Seeded.begin(self, execution)
        self._chosen = None
        self._remaining.begin(self.profile.expected(_ANY))
        self.profile.executions += 1

    def pick(self, execution: Execution, count: int) -> int:
        """A candidate, by the events that it has still before it."""
        left = self._remaining.left
        for task in newcomers(execution, len(left)):
            self.profile.add(task, self._chosen)
            self._remaining.arrive(task, self._chosen)
        index = drawn(left, indices(execution), self._random.random())
        self._chosen = chosen = execution.tasks[index]
        self.profile.count(_ANY, chosen.name)
        self._remaining.spent(index)
        return number_of(execution, index)
