# SPDX-License-Identifier: MIT OR Apache-2.0
"""A failure of a campaign becomes a scenario of its own, with a window that leads to it.

It has no more tasks, pages and slots than the failure takes. Other parts of a scenario are no
tables of their own, and stay (see `swaptrio.scenario.parts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from swaptrio.errors import Problem, StoreError
from swaptrio.explore.campaign.leading import window_of
from swaptrio.explore.campaign.rewrite import headed, rewritten
from swaptrio.explore.campaign.work import setup_of
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.minimise import Minimal, minimise
from swaptrio.explore.reduce import Reduced, reduce
from swaptrio.scenario.parts import rows
from swaptrio.scenario.play import missed, play, script_of
from swaptrio.scenario.windows import Expect, Window
from swaptrio.sched import Ending, Recorded, Schedule, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.explore.campaign.item import Matter
    from swaptrio.explore.campaign.result import Failure
    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Scheduler

#: The endings that a scenario can expect.
_TOLD: Final = (Ending.VIOLATION, Ending.DEADLOCK, Ending.LIVELOCK)

#: The name of the window.
WINDOW: Final = "found"


@attrs.frozen
class Promoted:
    """The *text* of a scenario, and the shortest execution found of its failure there."""

    text: str
    verdict: Verdict


async def minimised(
    scheduler: Scheduler,
    setup: Setup,
    failure: Failure,
    stop: Callable[[], bool] = lambda: False,
) -> Minimal:
    """The simplest execution found that fails as *failure* does.

    Raises:
        StoreError: its schedule does not lead to it (the store was tampered with).
    """
    schedule = Schedule.parse(failure.schedule)
    verdict = (await play(scheduler, setup, Recorded(schedule))).verdict
    found = Fingerprint.of(setup, verdict)
    if (found.ending.value, found.rule) != (failure.kind.ending, failure.kind.rule):
        message = f"the schedule of this failure leads to {verdict} instead"
        raise StoreError((Problem("", "", str(failure.kind), message),))
    return await minimise(scheduler, setup, verdict, stop=stop)


async def promote(
    scheduler: Scheduler, setup: Setup, matter: Matter, failure: Failure, name: str
) -> Promoted:
    """*failure* as a scenario called *name*.

    Raises:
        StoreError: no scenario can be made of it; says why.
    """
    if failure.kind.ending not in _TOLD:
        _refuse(failure, f"a scenario cannot expect an ending of {failure.kind.ending}")
    smaller, window = await _smallest(scheduler, setup, matter, failure)
    verdict = smaller.minimal.verdict
    story = f"Found by a campaign with seed {failure.by}: {verdict.message}"
    window = attrs.evolve(window, story=" ".join(story.split()))
    facts: dict[str, Any] = {"verdict": verdict.ending.value}
    if verdict.ending is not Ending.DEADLOCK:
        facts["check"] = verdict.check
    expect = Expect(**facts)
    known = rows(setup.scenario)
    gone = [known[part] for part in smaller.without]
    text = rewritten(matter.text.decode(), name, window, matter.variant, expect, gone)
    written = setup_of(attrs.evolve(matter, scenario=name, text=text.encode()))
    script = script_of(written.scenario.window[0], written.variant)
    if amiss := list(missed(await play(scheduler, written, script), expect)):
        _refuse(failure, f"the scenario that was made of it does not end so: {amiss[0]}")
    return Promoted(text, verdict)


async def _smallest(
    scheduler: Scheduler, setup: Setup, matter: Matter, failure: Failure
) -> tuple[Reduced, Window]:
    """The smallest scenario found that has a window which leads to *failure*; that window."""
    minimal = await minimised(scheduler, setup, failure)
    told = headed(matter.text.decode())
    names = [part for part, row in rows(setup.scenario).items() if row in told]
    reduced = await reduce(scheduler, setup, minimal, names=names)
    for attempt in (reduced, Reduced(setup, (), minimal)):
        window = attempt and await _leading(scheduler, attempt)
        if attempt and window:
            return attempt, window
    _refuse(failure, "it depends on the order of daemons, which a window cannot tell")


async def _leading(scheduler: Scheduler, reduced: Reduced) -> Window | None:
    return await window_of(scheduler, reduced.setup, reduced.minimal.verdict, WINDOW)


def _refuse(failure: Failure, message: str) -> NoReturn:
    raise StoreError((Problem("", "", str(failure.kind), message),))
