# SPDX-License-Identifier: MIT OR Apache-2.0
"""The matrix: each window of a scenario in each version, held against what it expects."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from swaptrio.scenario.format import Expect
from swaptrio.scenario.play import expected_of, missed, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Verdict

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario, Window
    from swaptrio.sched import Scheduler
    from swaptrio.variants import Variant


class Standing(StrEnum):
    """What became of a cell; the value is the word that tables show."""

    PASSED = "ok"
    FAILED = "fails"
    ABSENT = "n/a"
    UNEXPECTED = "WRONG"


@attrs.frozen
class WindowResult:
    """One window in one version: what was expected, what came, and what of it is amiss.

    *verdict* is none where the window means nothing to the version, or says nothing of a
    mutant: whether a mistake shows in every window is nobody's concern.
    """

    window: str
    expect: Expect
    verdict: Verdict | None = None
    missed: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """As it counts in the matrix."""
        if self.missed:
            return Standing.UNEXPECTED
        if self.verdict is None:
            return Standing.ABSENT
        return Standing.PASSED if self.verdict.passed else Standing.FAILED


@attrs.frozen
class Cell:
    """One scenario in one version, with the results of all its windows."""

    scenario: str
    catalogue: str
    variant: str
    windows: tuple[WindowResult, ...]

    @property
    def standing(self) -> Standing:
        """That of the window that matters most: unexpected, then failed, then passed."""
        found = [result.standing for result in self.windows]
        order = (Standing.UNEXPECTED, Standing.FAILED, Standing.PASSED, Standing.ABSENT)
        return next(standing for standing in order if standing in found)

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that its windows break, each once, as they were expected to."""
        broken = [result.expect.check or result.expect.verdict for result in self._failing()]
        return tuple(dict.fromkeys(broken))

    def _failing(self) -> list[WindowResult]:
        return [result for result in self.windows if result.standing is Standing.FAILED]


async def cell_of(scheduler: Scheduler, scenario: Scenario, variant: Variant) -> Cell:
    """Play all windows of *scenario* in *variant*."""
    setup = Setup(scenario, variant)
    results = [await _window(scheduler, setup, window) for window in scenario.window]
    return Cell(scenario.name, scenario.catalogue, variant.name, tuple(results))


async def _window(scheduler: Scheduler, setup: Setup, window: Window) -> WindowResult:
    if setup.variant.mutant and setup.variant.name not in window.expect:
        return WindowResult(window.name, expected_of(window, setup.variant))
    return await play_window(scheduler, setup, window)


async def play_window(scheduler: Scheduler, setup: Setup, window: Window) -> WindowResult:
    """Play *window*, unless it means nothing to the variant, and judge what came of it."""
    expect = expected_of(window, setup.variant)
    if expect.verdict == "n/a":
        return WindowResult(window.name, expect)
    played = await play(scheduler, setup, script_of(window, setup.variant))
    amiss = tuple(missed(played, expect))
    played.world.oracles.detach()
    return WindowResult(window.name, expect, played.verdict, amiss)
