# SPDX-License-Identifier: MIT OR Apache-2.0
"""Explore all interleavings of a program, and say what is true of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import trio

from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import NONDETERMINISTIC, Result
from swaptrio.explore.exhaustive.search import Search
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.pace import Pace
from swaptrio.explore.sights import Sights
from swaptrio.sched import DEFAULT_BUDGET, open_scheduler

if TYPE_CHECKING:
    from swaptrio.sched import Program, Scheduler


@attrs.frozen
class Limits:
    """What ends a search before its time.

    *seconds* is wall time; *stop* is asked between two executions. *progress* is told about ten
    times a second at most. *executions* are those that came to an end of their own: unlike a
    time it ends the same search at the same place on every machine.
    """

    seconds: float | None = None
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[Exploration, float], None] | None = None
    executions: int | None = None


async def drive(
    scheduler: Scheduler,
    exploration: Exploration,
    limits: Limits,
    pace: Pace | None = None,
    until: Callable[[], bool] = lambda: False,
) -> float:
    """Go on with *exploration* to its end, to a limit, or *until* that; the seconds so far.

    *pace* is that of an exploration which others have begun.
    """
    tally, pace, turns = exploration.tally, pace or Pace.start(), 0
    pace.due = 1
    while tally.outcome is None and not until():
        if limits.stop():
            tally.interrupt("it was interrupted")
        elif limits.seconds is not None and pace.seconds >= limits.seconds:
            tally.interrupt(f"its time of {limits.seconds:g} s is over")
        elif limits.executions is not None and tally.executions >= limits.executions:
            tally.interrupt(f"its {limits.executions} executions are over")
        else:
            await exploration.turn(scheduler)
            turns += 1
            if limits.progress is not None and pace.is_time(turns):
                limits.progress(exploration, pace.told)
    return pace.seconds


def result_of(
    name: str, settings: Settings, exploration: Exploration, seconds: float
) -> Result:
    """The statement of a search that has ended.

    Of a program that is not deterministic it keeps nothing but the counts.
    """
    tally = exploration.tally
    assert tally.outcome is not None
    if tally.reason.startswith(NONDETERMINISTIC):
        tally.forget()
    return Result(
        name,
        tally.outcome,
        executions=tally.executions,
        traces=exploration.traces,
        states=exploration.states,
        rounds=tally.rounds,
        blocked=exploration.blocked,
        probes=exploration.probes,
        bound=settings.preemptions,
        reason=tally.reason,
        finals=frozenset(tally.finals),
        violations=tuple(tally.violations.values()),
        seconds=seconds,
        sights=tally.sights,
    )


@attrs.frozen
class Settings:
    """How to explore.

    *cache* recognises states that were met before; then no classes are counted. *preemptions*
    is how often at most a task is left that could have gone on (None: ever so often); schedules
    with few of them come first. *reports* says that the program reports all that its steps
    access: only then can steps that do not depend on each other be told. *stubborn* leaves out
    of a search for states what needs no other step to be found (see `stubborn`); it plays no
    part without *cache*, where there is a bound, or where not all is reported. *stop_at_first*
    ends at the first violation; else each distinct one is listed. *budget* are the steps after
    which an execution counts as endless. *windows* notes which windows others came into (see
    `sighting`, and ``Result.sights``).
    """

    cache: bool = False
    preemptions: int | None = attrs.field(default=None)
    reports: bool = True
    stubborn: bool = False
    stop_at_first: bool = False
    budget: int = DEFAULT_BUDGET
    windows: bool = False

    @preemptions.validator
    def _not_negative(self, _attribute: object, value: int | None) -> None:
        if value is not None and value < 0:
            msg = f"the number of preemptions must be 0 or more: {value}"
            raise ValueError(msg)

    def tally(self, program: Program) -> Tally:
        """Counts of *program* that are nothing yet."""
        sights = Sights() if self.windows else None
        return Tally(program, self.budget, self.stop_at_first, sights=sights)

    def begin(self, program: Program) -> Reduction | Sweeping:
        """A search of *program* that has not done anything yet."""
        tally = self.tally(program)
        if self.cache or self.preemptions is not None:
            stubborn = self.stubborn and self.reports and self.preemptions is None
            return Sweeping(tally, self.cache, self.preemptions, self.reports, stubborn)
        return Reduction(tally, Search.of(reports=self.reports))


async def explore(
    program: Program,
    settings: Settings = Settings(),
    limits: Limits = Limits(),
    *,
    name: str = "program",
) -> Result:
    """As `explore_program`, inside a running Trio program."""
    exploration = settings.begin(program)
    async with open_scheduler("stepped") as scheduler:
        seconds = await drive(scheduler, exploration, limits)
    return result_of(name, settings, exploration, seconds)


def explore_program(
    program: Program,
    settings: Settings = Settings(),
    limits: Limits = Limits(),
    *,
    name: str = "program",
) -> Result:
    """Explore all interleavings of *program*, in a `trio.run` of its own.

    If nothing else is set one execution runs for each class of executions that differ only
    in the order of steps that do not depend on each other. All that its tasks share has to be
    reported: the objects of `swaptrio.sched` do so themselves (see `swaptrio.sched.shared`).

    Args:
        program: makes the objects and spawns the tasks of one execution. It may return a
            function that tells the state an execution has ended in; see ``Result.finals``.
        settings: how to explore.
        limits: what ends the search before its time.
        name: for the statement.

    Raises:
        Exception: the program cannot be set up.
        ValueError: the budget is below 1.
    """

    async def main() -> Result:
        return await explore(program, settings, limits, name=name)

    return trio.run(main)
