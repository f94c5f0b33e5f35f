# SPDX-License-Identifier: MIT OR Apache-2.0
"""Looking for what notices that a part has gone.

The cheap comes first: each scenario as it runs by default, then its windows, then chance. The
first that is proved wins, and is made simple. Scenarios in which the whole version fails by
their own word are left out: what fails there need not be the part.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.follow import Guide
from swaptrio.explore.minimise import minimise
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.play import expected_of, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Scheduler
from swaptrio.sched.strategies import parse
from swaptrio.study.necessity.notice import Notice, amiss, holds, rule_of
from swaptrio.variants import Variant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from swaptrio.scenario.format import Window
    from swaptrio.sched import Strategy, Verdict

#: What chance has: strategies, and for how many seeds in each scenario. One after the other, as
#: what most parts are for shows early.
CHANCE: Final = (("random", range(40)), ("auto", range(40, 160)))

#: How what is not as expected begins where it is the ending, of which the checks have spoken.
_VERDICT: Final = ("verdict:", "check:")

#: Executions that making one failure simple may take.
REPLAYS: Final = 2000


def sound(scenarios: tuple[Scenario, ...], whole: Variant) -> tuple[Scenario, ...]:
    """The scenarios in which *whole* is to pass, in all windows that mean anything to it."""
    return tuple(
        scenario
        for scenario in scenarios
        if {expected_of(window, whole).verdict for window in scenario.window}
        in ({"passed"}, {"passed", "n/a"})
    )


@attrs.define(eq=False)
class Hunt:
    """Hunts for what notices that *less* is not *whole*, in *scenarios*.

    *stop* is asked before each execution. *executions* counts them, and *broken* those that
    ended in an error of the code, which says nothing.
    """

    scheduler: Scheduler
    scenarios: tuple[Scenario, ...]
    whole: Variant
    less: Variant
    stop: Callable[[], bool] = lambda: False
    executions: int = 0
    broken: int = 0
    _told_of: dict[tuple[str, str], None] = attrs.field(factory=dict, init=False)

    async def notice(self, known: Notice | None = None) -> Notice | None:
        """The first notice that is proved, *known* before all; none if nobody notices."""
        if known is not None and await self._still_holds(known):
            return known
        for look in (
            self._by_default,
            self._by_windows,
            self._by_expectations,
            self._by_chance,
        ):
            async with aclosing(look()) as told:
                async for scenario, notice in told:
                    if await holds(self.scheduler, scenario, self.whole, self.less, notice):
                        return notice
        return None

    async def _still_holds(self, known: Notice) -> bool:
        for scenario in self.scenarios:
            if scenario.name == known.scenario:
                return await holds(self.scheduler, scenario, self.whole, self.less, known)
        return False

    async def _by_default(self) -> AsyncGenerator[tuple[Scenario, Notice], None]:
        for scenario in self.scenarios:
            verdict = await self._execute(scenario, Guide())
            notice = await self._told(scenario, verdict)
            if notice is not None:
                yield scenario, notice

    async def _by_windows(self) -> AsyncGenerator[tuple[Scenario, Notice], None]:
        for scenario, window in self._windows():
            verdict = await self._execute(scenario, script_of(window, self.less))
            notice = await self._told(scenario, verdict)
            if notice is not None:
                yield scenario, notice

    async def _by_expectations(self) -> AsyncGenerator[tuple[Scenario, Notice], None]:
        for scenario, window in self._windows():
            self.executions += 1
            message = await amiss(self.scheduler, scenario, self.less, window.name)
            if message and not message.startswith(_VERDICT):
                yield scenario, Notice(scenario.name, "", message, window=window.name)

    async def _by_chance(self) -> AsyncGenerator[tuple[Scenario, Notice], None]:
        for name, seeds in CHANCE:
            for scenario in self.scenarios:
                strategy = parse(name)
                for strategy.seed in seeds:
                    verdict = await self._execute(scenario, strategy)
                    notice = await self._told(scenario, verdict)
                    if notice is not None:
                        yield scenario, notice

    def _windows(self) -> Iterator[tuple[Scenario, Window]]:
        for scenario in self.scenarios:
            for window in scenario.window:
                if expected_of(window, self.less).verdict == "passed":
                    yield scenario, window

    async def _execute(self, scenario: Scenario, strategy: Strategy) -> Verdict | None:
        """How one execution ends; none where there is to be no more."""
        if self.stop():
            return None
        self.executions += 1
        return await execute(self.scheduler, Setup(scenario, self.less), strategy)

    async def _told(self, scenario: Scenario, verdict: Verdict | None) -> Notice | None:
        """What a verdict says, made simple; none where that is nothing, or was said."""
        if verdict is None or verdict.passed:
            return None
        rule = rule_of(verdict)
        self.broken += verdict.ending is Ending.ERROR
        if not rule or (scenario.name, rule) in self._told_of:
            return None
        self._told_of[scenario.name, rule] = None
        setup = Setup(scenario, self.less)
        minimal = await minimise(
            self.scheduler, setup, verdict, replays=REPLAYS, stop=self.stop
        )
        return Notice(
            scenario.name,
            rule,
            minimal.verdict.message,
            str(minimal.names),
            len(minimal.schedule),
        )
