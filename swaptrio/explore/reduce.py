# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reduce: a smaller scenario that fails in the same way.

A race of two tasks is often found in a scenario with three. So its parts are taken out, one
after the other: tasks, what they do later, what may fail, limits of memory, and what is there
at the start. Where what is left still fails, that is made simple again, until nothing more can
go. It has no window of its own: what windows must end with was said of the whole scenario.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.errors import ScenarioError
from swaptrio.explore.execute import execute
from swaptrio.explore.fewest import fewest
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.follow import Guide
from swaptrio.explore.minimise import Minimal, minimise
from swaptrio.scenario.parts import parts, without
from swaptrio.scenario.world import Setup
from swaptrio.sched.names import Entry, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from swaptrio.sched import Scheduler, Verdict


#: Executions that making one smaller scenario's failure simple may take.
REPLAYS: Final = 1000


@attrs.frozen
class Reduced:
    """A scenario *without* some of its parts, by name, and its *minimal* failure."""

    setup: Setup
    without: tuple[str, ...]
    minimal: Minimal


async def reduce(
    scheduler: Scheduler,
    setup: Setup,
    minimal: Minimal,
    *,
    names: Collection[str] | None = None,
    replays: int = REPLAYS,
    stop: Callable[[], bool] = lambda: False,
) -> Reduced | None:
    """The smallest scenario found in which *setup* fails as *minimal* does; None if it is that.

    Args:
        scheduler: runs the replays.
        setup: the scenario and the variant.
        minimal: the failure.
        names: the parts that may be taken out; None for all.
        replays: executions to make at most for each part that can be taken out.
        stop: asked before each; the smallest until then is the result.
    """
    found = Reduced(setup, (), minimal)
    before = None
    while found != before:
        before = found
        for name in parts(setup.scenario) if names is None else names:
            smaller = None if stop() else _less(setup, (*found.without, name))
            if smaller is None or smaller == found.setup:
                continue
            less = await _failing(scheduler, smaller, found.minimal, replays, stop)
            if less is not None:
                found = Reduced(smaller, (*found.without, name), less)
    return found if found.without else None


def _less(setup: Setup, names: tuple[str, ...]) -> Setup | None:
    """*setup* less the parts called *names*, if that is a scenario."""
    try:
        return Setup(without(setup.scenario, names), setup.variant)
    except ScenarioError:
        return None


async def _failing(
    scheduler: Scheduler,
    setup: Setup,
    minimal: Minimal,
    replays: int,
    stop: Callable[[], bool],
) -> Minimal | None:
    """The failure in a smaller *setup*, made simple, if it is still there."""
    wanted = Fingerprint.of(setup, minimal.verdict)
    verdict = await _still_there(scheduler, setup, minimal.names.entries, wanted, stop)
    if verdict is None:
        return None
    return await minimise(scheduler, setup, verdict, replays=replays, stop=stop)


async def _still_there(
    scheduler: Scheduler,
    setup: Setup,
    entries: tuple[Entry, ...],
    wanted: Fingerprint,
    stop: Callable[[], bool],
) -> Verdict | None:
    """An execution that fails as *wanted*, by *entries*, or by any one deviation instead."""

    def shows(verdict: Verdict) -> bool:
        return Fingerprint.of(setup, verdict) == wanted

    verdict = await execute(scheduler, setup, Guide(tuple(_meant(entries))))
    if shows(verdict):
        return verdict
    return (await fewest(scheduler, setup, shows, 1, stop=stop)).verdict


def _meant(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """*entries* less those that only say what the default is."""
    yield from (
        entry
        for entry in entries
        if not (isinstance(entry, Turn) and entry.at and entry.at.task == entry.to)
    )
