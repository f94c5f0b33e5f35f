# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where studies run their executions: it counts them, and knows what they can prove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore import Limits, Outcome, Settings, fuzz
from swaptrio.explore.exhaustive import drive, result_of
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.scenario.files import find
from swaptrio.scenario.play import BUDGET, load_checked, play, script_of
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import FirstChoice, Scheduler
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from swaptrio.explore import Fuzzed, Result
    from swaptrio.explore.exhaustive import Exploration
    from swaptrio.scenario.play import Played
    from swaptrio.sched import Observer, Program, Strategy, Verdict
    from swaptrio.sched.strategies import SeededStrategy

#: All interleavings, and each distinct violation.
ALL: Final = Settings(budget=BUDGET)


class Stopped(Exception):
    """Somebody asked to stop before the study had an answer."""


@attrs.define(eq=False)
class Lab:
    """Runs what one study asks for, and counts it.

    *scheduler* runs the executions, *tell* gets a line about what goes on, and *stop* is asked
    before each run. *instead* has variants that take the place of those of a name: how tests
    see that an answer is found and not known beforehand.

    *executions* ran in all; *classes* of equivalent ones were met where they were explored.
    *explored* programs were gone through to the end, *cut* ones were not, and *sampled*
    executions are those of chance.
    """

    scheduler: Scheduler
    tell: Callable[[str], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False
    instead: Mapping[str, Variant] = attrs.Factory(dict)
    executions: int = 0
    classes: int = 0
    explored: int = 0
    cut: int = 0
    sampled: int = 0

    @property
    def proves(self) -> bool:
        """Whether all executions of all that was explored are known, and none was chance."""
        return self.explored > 0 and self.cut == 0 and self.sampled == 0

    def variant(self, name: str) -> Variant:
        """The variant of that name."""
        return self.instead.get(name) or load(name)

    def setup(self, scenario: str, variant: str) -> Setup:
        """A shipped scenario in a variant, both by name."""
        return Setup(load_checked(find(scenario)), self.variant(variant))

    async def run(
        self,
        program: Program,
        fingerprint: Callable[[], Hashable],
        *,
        budget: int = BUDGET,
    ) -> Verdict:
        """Run a *program* of the study's own once; the first task that can goes on.

        *fingerprint* tells its shared state, so that an endless loop is known for one.
        """
        self._go_on()
        execution = await self.scheduler.run(
            program, FirstChoice(), budget=budget, fingerprint=fingerprint
        )
        self.executions += 1
        assert execution.verdict is not None
        return execution.verdict

    async def play(
        self,
        setup: Setup,
        strategy: Strategy,
        observer: Observer | None = None,
        *,
        budget: int = BUDGET,
    ) -> Played:
        """Run *setup* once under *strategy*. The oracles of the world are detached after it."""
        self._go_on()
        played = await play(self.scheduler, setup, strategy, observer, budget=budget)
        played.world.oracles.detach()
        self.executions += 1
        return played

    async def window(self, setup: Setup, number: int = 0) -> Played:
        """Drive the variant of *setup* through a window of its scenario, by its *number*."""
        return await self.play(setup, script_of(setup.scenario.window[number], setup.variant))

    async def explore(
        self,
        subject: Setup | Program,
        settings: Settings = ALL,
        *,
        name: str = "",
        final: Callable[[World], Hashable] | None = None,
    ) -> Result:
        """Explore all interleavings of a set-up, without its windows, or of a program.

        *final* tells of the world of a set-up what it has ended in; see ``Result.finals``.
        """
        self._go_on()
        program = Stage(subject, final=final) if isinstance(subject, Setup) else subject
        what = name or _named(subject)

        def progress(exploration: Exploration, _seconds: float) -> None:
            self.tell(f"{what}: {exploration.tally.executions} executions")

        exploration = settings.begin(program)
        limits = Limits(stop=self.stop, progress=progress)
        seconds = await drive(self.scheduler, exploration, limits)
        if isinstance(program, Stage):
            program.clear()
        self._go_on()
        result = result_of(what, settings, exploration, seconds)
        self._count(result)
        return result

    def _count(self, result: Result) -> None:
        self.executions += result.executions
        self.classes += result.traces or 0
        if result.outcome is Outcome.COMPLETE:
            self.explored += 1
        else:
            self.cut += 1

    async def fuzz(
        self, setup: Setup, seeds: Iterable[int], strategy: SeededStrategy | None = None
    ) -> Fuzzed:
        """Run *setup* once for each of *seeds*; a random walk where no strategy is given."""
        self._go_on()
        what = _named(setup)
        fuzzed = await fuzz(
            self.scheduler,
            setup,
            seeds,
            strategy=strategy,
            stop=self.stop,
            progress=lambda so_far: self.tell(f"{what}: {so_far.executions} executions"),
        )
        self._go_on()
        self.executions += fuzzed.executions
        self.sampled += fuzzed.executions
        return fuzzed

    def _go_on(self) -> None:
        if self.stop():
            raise Stopped


def _named(subject: Setup | Program) -> str:
    if isinstance(subject, Setup):
        return f"{subject.scenario.name}, {subject.variant.name}"
    return "exploring"
