# SPDX-License-Identifier: MIT OR Apache-2.0
"""Running an item: a function from a value to a value.

It is what a campaign spends its life in. Nothing is written, and of an execution that passed
nothing is kept but the windows that it was the first to enter.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import attrs
import trio

from swaptrio.errors import SwaptrioError
from swaptrio.explore.campaign.handovers import Handovers
from swaptrio.explore.campaign.result import Failure, FailureKind, Result
from swaptrio.explore.execute import execute
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.pace import Pace
from swaptrio.scenario.play import failed, load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Strategy, open_scheduler
from swaptrio.sched.strategies import Pct, SeededStrategy, parse
from swaptrio.sched.strategies.wrapper import innermost
from swaptrio.variants import load as load_variant

if TYPE_CHECKING:
    from swaptrio.explore.campaign.item import Item, Matter
    from swaptrio.sched import Carrier, Scheduler, Verdict

#: What carries the tasks of a campaign: what measures faster.
CARRIER: Final[Carrier] = "stepped"


class OtherCode(SwaptrioError):
    """Whoever was to run an item has another version of the model than who asked for it."""


@attrs.frozen
class Hooks:
    """What somebody who runs an item on suspicion does beside.

    Args:
        skip: seeds that are left out.
        begun: is told each seed before its execution.
        around: stands in front of the strategy.
    """

    skip: Container[int] = ()
    begun: Callable[[int], object] = lambda _: None
    around: Callable[[SeededStrategy], Strategy] = lambda strategy: strategy


def run_item(
    item: Item, matter: Matter, carrier: Carrier = CARRIER, hooks: Hooks = Hooks()
) -> Result:
    """The result of *item*.

    Args:
        item: what to run.
        matter: what its digests stand for.
        carrier: carries the tasks; it makes no difference to the result.
        hooks: for whoever looks for the seed that crashes.

    Raises:
        OtherCode: the digests are others here.
        BadInput: the scenario or the variant cannot be used.
    """
    found = (matter.scenario_digest, matter.variant_digest)
    if found != (item.scenario, item.variant):
        msg = (
            f"{matter.scenario}, variant {matter.variant}: another version of swaptrio runs"
            f" here: wanted {item.scenario}/{item.variant}, found {'/'.join(found)}"
        )
        raise OtherCode(msg)
    setup = setup_of(matter)

    async def main() -> Result:
        async with open_scheduler(carrier) as scheduler:
            return await _run(scheduler, setup, item, hooks)

    return trio.run(main)


@lru_cache(maxsize=64)
def setup_of(matter: Matter) -> Setup:
    """The set-up that *matter* describes. A user's own variant runs here.

    Raises:
        BadInput: it cannot be used.
    """
    with TemporaryDirectory(prefix="swaptrio-") as folder:
        name = matter.variant
        if matter.code:
            path = Path(folder, f"{matter.variant}.py")
            path.write_bytes(matter.code)
            name = str(path)
        variant = load_variant(name)
        file = Path(folder, f"{matter.scenario}.toml")
        file.write_bytes(matter.text)
        return Setup(load_checked(file, variant), variant)


async def _run(scheduler: Scheduler, setup: Setup, item: Item, hooks: Hooks) -> Result:
    watching = Handovers()
    failures: dict[FailureKind, Failure] = {}
    strategy = parse(item.strategy)
    deciding = hooks.around(strategy)
    pace = Pace.start()
    executions = steps = 0
    for seed in range(item.first, item.first + item.count):
        if seed in hooks.skip:
            continue
        hooks.begun(seed)
        strategy.seed = seed
        watching.begin(seed)
        verdict = await execute(scheduler, setup, deciding, watching, watched=False)
        executions += 1
        steps += verdict.steps
        if failed(verdict):
            kind = _kind(setup, verdict, watching.label)
            failures[kind] = _counted(failures.get(kind), kind, verdict, seed)
    found = tuple(failures[kind] for kind in sorted(failures))
    inner = innermost(strategy)
    pct = inner if isinstance(inner, Pct) else None
    return Result(
        executions,
        steps,
        found,
        watching.windows(),
        tasks=watching.tasks,
        longest=watching.longest,
        settled=pct.settled if pct else 0,
        span=pct.length if pct else 0,
        seconds=pace.seconds,
    )


def _kind(setup: Setup, verdict: Verdict, label: str) -> FailureKind:
    """The kind of failure that *verdict* is; *label* is where the last step began."""
    fingerprint = Fingerprint.of(setup, verdict)
    labels: tuple[str, ...] = (label,) if label else ()
    if verdict.ending is Ending.DEADLOCK:
        labels = tuple(sorted({edge.label for edge in verdict.waiting}))
    elif verdict.ending is Ending.LIVELOCK:
        labels = ()  # it goes round, and its budget ends anywhere
    return FailureKind(fingerprint.ending.value, fingerprint.rule, labels)


def _counted(known: Failure | None, kind: FailureKind, verdict: Verdict, seed: int) -> Failure:
    """*known* and one more; a schedule is written down only where it is the shorter one."""
    length = len(verdict.schedule)
    if known is not None and known.length <= length:
        return attrs.evolve(known, count=known.count + 1)
    one = Failure(kind, 1, seed, seed, length, str(verdict.schedule), verdict.message)
    return one if known is None else known.joined(one)
