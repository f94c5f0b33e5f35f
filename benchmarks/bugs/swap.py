# SPDX-License-Identifier: MIT OR Apache-2.0
"""The failing scenarios that ship, as programs to find a bug in.

A scenario fails in a variant if its file expects that of some window. The window plays no part
here: a campaign starts from the set-up, and any failure counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.variants import load
from swaptrio.variants import names as variant_names

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario
    from swaptrio.sched import Program

#: How a window of a failing scenario must end.
_FAILS: Final = ("violation", "deadlock", "livelock")


@attrs.frozen
class SwapCase:
    """A scenario in a variant that fails it."""

    scenario: str
    variant: str

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.scenario}/{self.variant}"

    def program(self) -> Program:
        """What a scheduler runs."""
        return Setup(load_checked(find(self.scenario)), load(self.variant)).build


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
    expected = [window.expect.get(variant) for window in scenario.window]
    return any(expect is not None and expect.verdict in _FAILS for expect in expected)
