# SPDX-License-Identifier: MIT OR Apache-2.0
"""g: how many executions there are to one that fails, by us and without us.

* ``ours``: random walks, as fuzzing and campaigns make them.
* ``plain_trio``: the same tasks on plain Trio with checkpoints of chance (see `plain`).
* ``hypothesis``: our scheduler, with Hypothesis in the place of a strategy: it draws who goes
  on and all data, and generates without shrinking.

Hypothesis makes more executions than it is asked for, as it makes some examples again. None
stands for no failure in all executions. Rates are executions a second of the processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks import plain
from benchmarks.rounds import seconds
from swaptrio.explore.execute import execute
from swaptrio.explore.fuzz import fuzz
from swaptrio.scenario.files import find
from swaptrio.scenario.load import load
from swaptrio.scenario.world import Setup
from swaptrio.sched import Execution, Violation, open_scheduler
from swaptrio.variants import load as load_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Scenarios, each with a variant that fails it.
FAILING: Final = (
    ("large-vs-small-neighbour", "pre"),
    ("large-vs-small-neighbour", "no-second-check"),
    ("two-faults-one-slot", "no-second-check"),
)


@attrs.define
class Tally:
    """How many executions of *executions* failed, and how long all took."""

    executions: int = 0
    failures: int = 0
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """As JSON has it."""
        per_failure = self.executions / self.failures if self.failures else None
        return {
            "executions": self.executions,
            "executions_per_failure": per_failure and float(f"{per_failure:.3g}"),
            "executions_per_second": float(f"{self.executions / self.seconds:.4g}"),
        }


def measure(executions: int = 1000) -> dict[str, Any]:
    """Run the benchmark with so many *executions* of each; its part of the document."""
    return {
        f"{scenario}, {variant}": {
            name: side(Setup(load(find(scenario)), load_variant(variant)), executions).summary()
            for name, side in SIDES.items()
        }
        for scenario, variant in FAILING
    }


def ours(setup: Setup, executions: int) -> Tally:
    """Random walks."""
    tally = Tally(executions)

    async def main() -> None:
        async with open_scheduler("stepped") as scheduler:
            tally.failures = (await fuzz(scheduler, setup, range(executions))).failed

    tally.seconds = seconds(lambda: trio.run(main))
    return tally


def plain_trio(setup: Setup, executions: int) -> Tally:
    """A `trio.run` for each execution."""
    tally = Tally(executions)

    def main() -> None:
        for seed in range(executions):
            try:
                plain.run(setup, seed)
            except* Violation:
                tally.failures += 1

    with plain.primitives():
        tally.seconds = seconds(main)
    return tally


def hypothesis(setup: Setup, executions: int) -> Tally:
    """An example of Hypothesis for each execution."""
    tally = Tally()

    @settings(
        max_examples=executions,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def example(data: st.DataObject) -> None:
        async def main() -> None:
            async with open_scheduler("stepped") as scheduler:
                verdict = await execute(scheduler, setup, Drawn(data))
                tally.executions += 1
                tally.failures += not verdict.passed

        trio.run(main)

    tally.seconds = seconds(example)
    return tally


SIDES: Final[dict[str, Callable[[Setup, int], Tally]]] = {
    "ours": ours,
    "plain_trio": plain_trio,
    "hypothesis": hypothesis,
}


@attrs.define(eq=False)
class Drawn:
    """A strategy that has Hypothesis draw each decision."""

    asks_always: ClassVar[bool] = False

    data: st.DataObject

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """Any candidate."""
        return self.data.draw(st.integers(0, count - 1))

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """Any option."""
        return self.data.draw(st.integers(0, len(options) - 1))
