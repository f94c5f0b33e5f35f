# SPDX-License-Identifier: MIT OR Apache-2.0
"""What shows that a part has gone, and that it is not there where the part is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.follow import Guide
from swaptrio.scenario.play import expected_of, missed, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Schedule
from swaptrio.sched.names import NamedSchedule, is_named
from swaptrio.sched.strategies import Recorded
from swaptrio.sched.strategies.named import Named

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario
    from swaptrio.sched import Scheduler, Verdict
    from swaptrio.variants import Variant

#: Endings that speak of the kernel. Any other speaks of code that does not hang together.
_TELLING: Final = (Ending.VIOLATION, Ending.DEADLOCK, Ending.LIVELOCK)


@attrs.frozen
class Notice:
    """An execution that only the version without the part fails.

    *check* is the rule that is broken, and *message* says how. *schedule* is what leads there
    from the set-up of *scenario*, by names, and *deviations* how often it leaves the default.
    Where only the expectations of a *window* are not met it is that which leads there, and
    *check* is empty.
    """

    scenario: str
    check: str
    message: str
    schedule: str = ""
    deviations: int = 0
    window: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """What ``swaptrio replay`` needs beside the scenario and the version."""
        if self.window:
            return ("--window", self.window)
        return ("--schedule", self.schedule)


def rule_of(verdict: Verdict) -> str:
    """The rule that an execution breaks; empty if how it ended says nothing of the kernel."""
    if verdict.ending not in _TELLING or verdict.check == "assertion":
        return ""
    return verdict.check or verdict.ending.value


def watched_as(whole: Variant, less: Variant) -> Variant:
    """*whole*, watched for all that *less* is watched for."""
    return attrs.evolve(whole, races=less.races)


async def holds(
    scheduler: Scheduler, scenario: Scenario, whole: Variant, less: Variant, notice: Notice
) -> bool:
    """Whether *less* fails as *notice* says, and *whole* passes where it does."""
    if notice.window:
        with_it = await amiss(scheduler, scenario, watched_as(whole, less), notice.window)
        without_it = await amiss(scheduler, scenario, less, notice.window)
        return not with_it and without_it == notice.message
    replayed = await execute(scheduler, Setup(scenario, less), _strategy(notice.schedule))
    return rule_of(replayed) == notice.check and await _passes(
        scheduler, scenario, watched_as(whole, less), notice.schedule
    )


async def amiss(scheduler: Scheduler, scenario: Scenario, variant: Variant, name: str) -> str:
    """The first thing that is not as a window expects it where *variant* comes through it."""
    window = next(window for window in scenario.window if window.name == name)
    played = await play(scheduler, Setup(scenario, variant), script_of(window, variant))
    found = next(missed(played, expected_of(window, variant)), "")
    played.world.oracles.detach()
    return found


async def _passes(
    scheduler: Scheduler, scenario: Scenario, whole: Variant, schedule: str
) -> bool:
    """Whether *whole* passes by as much of *schedule* as means anything to it."""
    guide = Guide(NamedSchedule.parse(schedule).entries)
    return (await execute(scheduler, Setup(scenario, whole), guide)).passed


def _strategy(schedule: str) -> Named | Recorded:
    """What replays a schedule to the letter, as ``swaptrio replay`` does."""
    if is_named(schedule):
        return Named(NamedSchedule.parse(schedule))
    return Recorded(Schedule.parse(schedule))
