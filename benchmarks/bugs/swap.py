# SPDX-License-Identifier: MIT OR Apache-2.0
"""The failing scenarios that ship, as something to find a bug in.

A version fails a scenario if the file expects that of some window, of it or of the version
that it builds on; a mutant, if the file names it. The windows play no other part: a campaign
starts from the set-up, and whatever some window must end with shows the bug. Nothing else does.

A window that ends as a livelock without a check is left out: there a task spins, and the one
that it waits for is less urgent and never has its turn. Strategies of chance are fair, so it
has, and nobody spins for ever.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.execute import execute
from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import ends_so, failures_of, load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending
from swaptrio.variants import VERSIONS, load
from swaptrio.variants import names as variant_names

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.windows import Expect
    from swaptrio.sched import Scheduler, Verdict
    from swaptrio.sched.strategies import SeededStrategy


@attrs.frozen
class SwapCase:
    """A scenario in a variant that fails it."""

    scenario: str
    variant: str

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.scenario}/{self.variant}"

    @cached_property
    def setup(self) -> Setup:
        """The scenario and the variant themselves."""
        return Setup(load_checked(find(self.scenario)), load(self.variant))

    @cached_property
    def failures(self) -> list[Expect]:
        """What windows must end with."""
        return failures_of(self.setup.scenario, self.setup.variant)

    async def execute(self, scheduler: Scheduler, strategy: SeededStrategy) -> Verdict:
        """Run the set-up once."""
        return await execute(scheduler, self.setup, strategy, watched=False)

    def shows(self, verdict: Verdict) -> bool:
        """Whether it ended as some window must."""
        return any(ends_so(verdict, expect) for expect in self.failures)


def failing() -> list[SwapCase]:
    """All of them, by scenario and variant."""
    scenarios = [load_checked(find(name)) for name in names()]
    return [
        SwapCase(scenario.name, variant)
        for scenario in scenarios
        for variant in variant_names()
        if _fails(scenario, variant)
    ]


def _fails(scenario: Scenario, variant: str) -> bool:
    named = variant in VERSIONS or any(variant in window.expect for window in scenario.window)
    failures = failures_of(scenario, load(variant))
    return named and any(
        expect.check or expect.verdict != Ending.LIVELOCK.value for expect in failures
    )
