# SPDX-License-Identifier: MIT OR Apache-2.0
"""Set-ups to fuzz: of a scenario, and of small programs that stand in for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Execution, Scheduler, Violation, open_scheduler, point
from swaptrio.variants import load

Build = Callable[[Execution], None]


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    """A scheduler for the length of the test."""
    async with open_scheduler() as opened:
        yield opened


@pytest.fixture
def setup_of() -> Callable[[str], Setup]:
    """Makes the set-up of large-vs-small-neighbour for a variant."""
    scenario = load_checked(find("large-vs-small-neighbour"))
    return lambda variant: Setup(scenario, load(variant))


@pytest.fixture
def setup_around() -> Callable[[Build], Any]:
    """Makes a set-up of a program of the test's own."""
    named = SimpleNamespace(name="small", races=True)  # nothing is reported

    def around(build: Build) -> Any:
        return SimpleNamespace(
            scenario=named, variant=named, lend=build, take_back=lambda world: None
        )

    return around


@pytest.fixture
def bad_order() -> Build:
    """Four tasks of two steps each; two in the middle of a third at once is a violation.

    It takes two switches: away from the first before its end, and away from the second.
    """

    def build(execution: Execution) -> None:
        under_way: list[str] = []

        async def task(name: str) -> None:
            await point("task.begin")
            under_way.append(name)
            await point("task.end")
            if under_way[:3] == ["a", "b", "c"] and len(under_way) >= 3:
                raise Violation("T-ORDER", f"{name} saw {under_way}")
            under_way.remove(name)

        for name in "abcd":
            execution.spawn(name, task, name)

    return build
