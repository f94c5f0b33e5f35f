# SPDX-License-Identifier: MIT OR Apache-2.0
"""a: executions a second in fuzz mode, against the same tasks on plain Trio.

Ours is `swaptrio.explore.fuzz`, as the command ``swaptrio fuzz`` runs it: one `trio.run`,
random walks with one seed after the other, oracles on. The other side is `plain`: a `trio.run`
for each execution, with the same model, variant and oracles. How many functions of the model an
execution calls is counted outside of the measured time, to show that both do the same work.

Both carriers are measured, a Trio task for each model task and all of them stepped from one.
The promise is held against `CARRIER`, the one that the command uses.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from benchmarks import plain
from benchmarks.promises import Promise
from benchmarks.rounds import in_turn, seconds
from swaptrio.explore.fuzz import fuzz
from swaptrio.mm.kernel import FUNCTIONS
from swaptrio.mm.kernel import plain as undecorated
from swaptrio.scenario.files import find
from swaptrio.scenario.load import load
from swaptrio.scenario.world import Setup
from swaptrio.sched import open_scheduler
from swaptrio.variants import Variant
from swaptrio.variants import load as load_variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched.opening import Carrier

SCENARIO: Final = "large-vs-small-neighbour"
VARIANT: Final = "v3"

#: What ``swaptrio fuzz`` runs on, and what there is besides.
CARRIER: Final[Carrier] = "stepped"
CARRIERS: Final[tuple[Carrier, ...]] = ("trio", "stepped")

PROMISE: Final = Promise("executions/s, times those on plain Trio", ">=", 3)
STEPPED: Final = Promise("executions/s stepped, times those on Trio tasks", ">=", 2)


@attrs.frozen
class Sizes:
    """How many executions each side makes in one round, and in one count of calls."""

    ours: int = 600
    plain: int = 200
    counted: int = 100


def setup() -> Setup:
    """What both sides run."""
    return Setup(load(find(SCENARIO)), load_variant(VARIANT))


def measure(rounds: int, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """Run the benchmark; its part of the document."""
    model = setup()

    def ours(carrier: Carrier, number: int) -> float:
        return sizes.ours / _ours(model, _seeds(number, sizes.ours), carrier)

    def without(number: int) -> float:
        return sizes.plain / _plain(model, _seeds(number, sizes.plain))

    found = in_turn(
        rounds,
        {
            **{carrier: functools.partial(ours, carrier) for carrier in CARRIERS},
            "plain_trio": without,
        },
    )
    ratios = {each: found[each].over(found["plain_trio"]).summary() for each in CARRIERS}
    return {
        "scenario": SCENARIO,
        "variant": VARIANT,
        "executions_per_round": {"swaptrio": sizes.ours, "plain_trio": sizes.plain},
        "carrier": CARRIER,
        "executions_per_second": {name: found[name].summary() for name in found},
        "model_calls_per_execution": {
            "swaptrio": calls_of_ours(model, range(sizes.counted)) / sizes.counted,
            "plain_trio": calls_of_plain(model, range(sizes.counted)) / sizes.counted,
        },
        "ratio": ratios[CARRIER],
        "ratio_by_carrier": ratios,
        "stepped_over_trio": found["stepped"].over(found["trio"]).summary(),
    }


def calls_of_ours(model: Setup, seeds: range) -> int:
    """How many calls of model functions our executions of *model* make."""
    counting = Calls()
    _ours(counting.setup(model), seeds)
    return counting.total()


def calls_of_plain(model: Setup, seeds: range) -> int:
    """How many calls of model functions the executions on plain Trio make."""
    counting = Calls()
    _plain(counting.setup(model), seeds)
    return counting.total()


def _seeds(number: int, count: int) -> range:
    return range(number * count, (number + 1) * count)


def _ours(model: Setup, seeds: range, carrier: Carrier = CARRIER) -> float:
    async def main() -> None:
        async with open_scheduler(carrier) as scheduler:
            fuzzed = await fuzz(scheduler, model, seeds)
        assert not fuzzed.failures, f"{VARIANT} fails {SCENARIO}"

    return seconds(lambda: trio.run(main))


def _plain(model: Setup, seeds: range) -> float:
    def main() -> None:
        for seed in seeds:
            plain.run(model, seed)

    with plain.primitives():
        return seconds(main)


@attrs.define
class Calls:
    """Counts the calls of the model's functions, by name."""

    counts: dict[str, int] = attrs.Factory(dict)

    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def setup(self, model: Setup) -> Setup:
        """*model* with all functions counted."""
        functions = {name: undecorated(function) for name, function in FUNCTIONS.items()}
        functions.update(model.variant.functions)
        counted = {name: self._counted(name, call) for name, call in functions.items()}
        variant: Variant = attrs.evolve(model.variant, functions=counted)
        return attrs.evolve(model, variant=variant)

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self.counts[name] = self.counts.get(name, 0) + 1
            return function(*args, **kwargs)

        return call
