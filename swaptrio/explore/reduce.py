# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reduce: a smaller scenario that fails in the same way.

A race of two tasks is often found in a scenario with three. So tasks are taken out, one after
the other, and kinds of failure that are never drawn. Where what is left still fails, that is
made simple again, until nothing more can go. It has no window of its own: what windows must end
with was said of the whole scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore.execute import execute
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.follow import Guide
from swaptrio.explore.minimise import Minimal, minimise
from swaptrio.scenario.windows import Window
from swaptrio.scenario.world import Setup
from swaptrio.sched.names import Entry, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.scenario.format import Scenario
    from swaptrio.sched import Scheduler, Verdict


#: Executions that making one smaller scenario's failure simple may take.
REPLAYS: Final = 1000


@attrs.frozen
class Reduced:
    """A scenario *without* some tasks and kinds of failure, and its *minimal* failure."""

    setup: Setup
    without: tuple[str, ...]
    minimal: Minimal


def without(setup: Setup, names: tuple[str, ...]) -> Setup:
    """*setup* less the tasks and kinds of failure called *names*, and less its windows.

    Raises:
        ScenarioError: no task is left.
    """
    scenario = setup.scenario
    tasks = tuple(task for task in scenario.task if task.name not in names)
    failures = tuple(
        kind for kind in scenario.kernel.failures if failure_name(kind) not in names
    )
    kernel = attrs.evolve(scenario.kernel, failures=failures)
    smaller = attrs.evolve(scenario, task=tasks, kernel=kernel, window=(Window(),))
    return Setup(smaller, setup.variant)


def failure_name(kind: str) -> str:
    """What a kind of failure is called where tasks have names too."""
    return f"failures.{kind}"


def parts(scenario: Scenario) -> tuple[str, ...]:
    """What can be taken out of *scenario*, by name: its tasks, and its kinds of failure."""
    kinds = (failure_name(kind) for kind in scenario.kernel.failures)
    return (*(task.name for task in scenario.task), *kinds)


async def reduce(
    scheduler: Scheduler,
    setup: Setup,
    minimal: Minimal,
    *,
    replays: int = REPLAYS,
    stop: Callable[[], bool] = lambda: False,
) -> Reduced | None:
    """The smallest scenario found in which *setup* fails as *minimal* does; None if it is that.

    Args:
        scheduler: runs the replays.
        setup: the scenario and the variant.
        minimal: the failure.
        replays: executions to make at most for each part that can be taken out.
        stop: asked before each; the smallest until then is the result.
    """
    gone: tuple[str, ...] = ()
    for name in parts(setup.scenario):
        if stop() or name not in parts(_rest(setup, gone).scenario):
            continue
        found = await _taken_out(scheduler, setup, (*gone, name), minimal, replays, stop)
        if found is not None:
            gone, minimal = (*gone, name), found
    return Reduced(_rest(setup, gone), gone, minimal) if gone else None


def _rest(setup: Setup, gone: tuple[str, ...]) -> Setup:
    return without(setup, gone) if gone else setup


async def _taken_out(
    scheduler: Scheduler,
    setup: Setup,
    gone: tuple[str, ...],
    minimal: Minimal,
    replays: int,
    stop: Callable[[], bool],
) -> Minimal | None:
    """The failure in *setup* less *gone*, made simple, if it is still there."""
    if all(task.name in gone for task in setup.scenario.task):
        return None
    smaller = without(setup, gone)
    wanted = Fingerprint.of(setup, minimal.verdict)
    verdict = await _still_there(scheduler, smaller, minimal.names.entries, wanted)
    if verdict is None:
        return None
    return await minimise(scheduler, smaller, verdict, replays=replays, stop=stop)


async def _still_there(
    scheduler: Scheduler, setup: Setup, entries: tuple[Entry, ...], wanted: Fingerprint
) -> Verdict | None:
    """An execution that fails as *wanted*, by *entries*, or by any one deviation instead."""
    first = Guide((), offering=True)
    verdict = await execute(scheduler, setup, first)
    for attempt in (entries, *((single,) for single in first.offers)):
        if Fingerprint.of(setup, verdict) == wanted:
            return verdict
        verdict = await execute(scheduler, setup, Guide(tuple(_meant(attempt))))
    return verdict if Fingerprint.of(setup, verdict) == wanted else None


def _meant(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """*entries* less those that only say what the default is."""
    yield from (
        entry
        for entry in entries
        if not (isinstance(entry, Turn) and entry.at and entry.at.task == entry.to)
    )
