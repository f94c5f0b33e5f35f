# SPDX-License-Identifier: MIT OR Apache-2.0
"""A small world to break, and the run that tells what was found."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import attrs
import pytest

from swaptrio.scenario.format import (
    DeviceSetup,
    KernelSetup,
    MemcgSetup,
    PageSetup,
    ProcessSetup,
    Scenario,
    SlotSetup,
    TaskSetup,
    Window,
)
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Execution, FirstChoice, Strategy, Verdict, run
from swaptrio.variants import load

Breaker = Callable[[World], Coroutine[Any, Any, object]]

#: P has a large page in slots 16 to 19, one page in slot 530, alone in its cluster, and page 9
#: in memory.
WORLD = Scenario(
    name="broken",
    title="A small world",
    catalogue="A00",
    references=(),
    status="inference",
    story="Nothing happens but what a test does.",
    device=(DeviceSetup(name="swap0", clusters=2),),
    memcg=(MemcgSetup(name="m1"), MemcgSetup(name="m2")),
    process=(ProcessSetup(name="P", orders=(1, 2)), ProcessSetup(name="Q", memcg="m2")),
    slots=(
        SlotSetup(process="P", page=16, first=16, nr=4, shadows=(1, 2, 3, 4)),
        SlotSetup(process="P", page=7, first=530),
    ),
    page=(PageSetup(process="P", page=9),),
    task=(TaskSetup(name="idle", run="zap", process="P", page=99),),
    window=(Window(),),
)


@attrs.frozen
class Outcome:
    """How it ended, and the world that is left."""

    verdict: Verdict
    world: World

    @property
    def found(self) -> str:
        """The check that has spoken; the ending, where none has."""
        return self.verdict.check or self.verdict.ending.value

    @property
    def reported(self) -> list[str]:
        """What was found and did not end the execution, by check."""
        return [finding.check for finding in self.world.oracles.findings]


class Watch(Protocol):
    """Runs a world and says what was found."""

    def __call__(
        self,
        *breakers: Breaker,
        variant: str = ...,
        strategy: Strategy | None = ...,
        kernel: KernelSetup | None = ...,
        tasks: tuple[TaskSetup, ...] | None = ...,
        before: Callable[[World], object] | None = ...,
        scenario: Scenario | None = ...,
        **functions: Callable[..., Any],
    ) -> Outcome:
        """Run *breakers* and *tasks* with *functions* in place of the variant's own."""


@pytest.fixture
def watch() -> Watch:
    """Runs breakers, each a task that gets the world, and the scenario's own tasks.

    A breaker counts as somebody who keeps the device there, and need not say so.
    """

    def watch(
        *breakers: Breaker,
        variant: str = "v3",
        strategy: Strategy | None = None,
        kernel: KernelSetup | None = None,
        tasks: tuple[TaskSetup, ...] | None = None,
        before: Callable[[World], object] | None = None,
        scenario: Scenario | None = None,
        **functions: Callable[..., Any],
    ) -> Outcome:
        version = load(variant)
        version = attrs.evolve(version, functions={**version.functions, **functions})
        scenario = scenario or WORLD
        scenario = attrs.evolve(
            scenario, kernel=kernel or scenario.kernel, task=tasks or scenario.task
        )
        worlds: list[World] = []

        def program(execution: Execution) -> None:
            world = Setup(scenario, version).build(execution)
            worlds.append(world)
            if before is not None:
                before(world)
            for number, breaker in enumerate(breakers):
                world.oracles.memory.pins[f"breaker-{number}", 0] += 1
                execution.spawn(f"breaker-{number}", breaker, world)

        verdict = run(program, strategy or FirstChoice(), budget=2000).verdict
        assert verdict is not None
        return Outcome(verdict, worlds[0])

    return watch
