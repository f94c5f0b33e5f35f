# SPDX-License-Identifier: MIT OR Apache-2.0
"""Flip: run an execution once more with two of its steps in the other order.

The task of the earlier step is held before it until the later one has been; then it takes the
steps that it owes, and all goes on as before. What cannot go on in its turn goes as soon as it
can, so a flip always runs to an end. It may fail to be one all the same, where the later step
waits for the earlier, or never comes without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.follow import Draws, InOrder
from swaptrio.explore.trail import Step, Trail
from swaptrio.sched import Verdict
from swaptrio.sched.both import Both
from swaptrio.sched.names import NamedSchedule, Naming

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Scheduler, Strategy


@attrs.frozen(eq=False)
class Looked:
    """One execution looked at closely: its *verdict*, its schedule by *names*, its *steps*.

    *at_end* says that it ended because nobody had anything left to do.
    """

    verdict: Verdict
    names: NamedSchedule
    steps: list[Step]
    at_end: bool

    @property
    def order(self) -> list[str]:
        """The tasks of its steps."""
        return [step.task for step in self.steps]


async def look(scheduler: Scheduler, setup: Setup, strategy: Strategy) -> Looked:
    """Run *setup* under *strategy*, and look closely."""
    trail, naming = Trail(), Naming()
    observer = Both(trail, naming)
    verdict = await execute(scheduler, setup, strategy, observer, reporting=True)
    return Looked(verdict, naming.schedule, trail.steps, trail.at_end)


async def flipped(
    scheduler: Scheduler, setup: Setup, looked: Looked, draws: Draws, pair: tuple[int, int]
) -> Looked | None:
    """The execution in which the steps at the places *pair* have changed their order.

    None where they cannot: the later one never comes before the earlier.
    """
    early, late = (looked.steps[place] for place in pair)
    order = _held_back(looked.steps, *pair)
    found = await look(scheduler, setup, InOrder(order, draws))
    for step in found.steps:
        if _same(step, late):
            return found
        if _same(step, early):
            return None
    return None


async def undisturbed(
    scheduler: Scheduler, setup: Setup, looked: Looked, draws: Draws, block: tuple[int, int]
) -> Looked:
    """The execution in which a task takes its steps from one place of *block* to the other, and
    nobody comes in between but daemons, which may serve it.
    """
    start, end = block
    task = looked.steps[start].task
    inside = looked.steps[start : end + 1]
    own = [step.task for step in inside if step.task == task or step.daemon]
    others = [step.task for step in inside if step.task != task and not step.daemon]
    order = looked.order
    moved = [*order[:start], *own, *others, *order[end + 1 :]]
    return await look(scheduler, setup, InOrder(moved, draws))


def _held_back(steps: list[Step], early: int, late: int) -> list[str]:
    task = steps[early].task
    order = [step.task for step in steps]
    between = order[early : late + 1]
    others = [name for name in between if name != task]
    own = [name for name in between if name == task]
    return [*order[:early], *others, *own, *order[late + 1 :]]


def _same(step: Step, other: Step) -> bool:
    return (step.task, step.label, step.time) == (other.task, other.label, other.time)
