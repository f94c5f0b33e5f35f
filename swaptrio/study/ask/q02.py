# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q2: whether the loop over orders has to force order 0, or its callers may leave it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.checks import watch_accesses
from swaptrio.explore import Result, Settings
from swaptrio.mm.setup import start_daemons
from swaptrio.sched import Ending, Verdict
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.small_world import SmallWorld, small_world
from swaptrio.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

#: The slots of a large folio, the one that the caller wants, and the neighbour's.
_SLOTS: Final = range(16, 20)
_TARGET: Final = 17
_NEIGHBOUR: Final = 18

#: What a caller allows: order 2 alone, or order 0 as well.
_ALONE: Final = 0b100
_WITH_0: Final = 0b101

#: Steps after which an explored execution has no end; those that have one take below 60.
_BUDGET: Final = 500

#: What callers are to allow, by version.
_WANTS: Final = {"v3": _ALONE, "v4": _WITH_0, "v5": _WITH_0, "next": _WITH_0}


@attrs.define(eq=False)
class Retries:
    """A caller that asks for *orders* again as long as it gets EBUSY.

    The neighbour's slot gets a folio of its own, which stays: before the caller runs at all
    where *before*, else at any time, from another task.
    """

    variant: Variant
    orders: int
    before: bool
    got: str = ""
    _world: SmallWorld | None = None

    def __call__(self, execution: Execution) -> Callable[[], str]:
        """Make the world and its tasks; what is returned tells what the caller got."""
        world = self._world = small_world(self.variant, _SLOTS)
        self.got = "nothing"
        start_daemons(world.kernel, execution)
        if self.before:
            execution.spawn("caller", self._call_later, world)
        else:
            execution.spawn("caller", self._call, world)
            execution.spawn("neighbour", world.cache, _NEIGHBOUR)
            watch_accesses(world.kernel, execution)
        return lambda: self.got

    async def _call_later(self, world: SmallWorld) -> None:
        await world.cache(_NEIGHBOUR)
        await self._call(world)

    async def _call(self, world: SmallWorld) -> None:
        vmf = world.fault(_TARGET)
        while (got := await world.allocate(vmf, self.orders)) == "EBUSY":
            world.kernel.vmstat.mthp.clear()  # what counts attempts would make each state new
        self.got = got

    def state(self) -> Hashable:
        """What the caller can depend on."""
        assert self._world is not None
        return self._world.words


@attrs.frozen
class Found:
    """What came of it in *version*.

    *alone* is how a caller that allows order 2 alone has ended beside a neighbour that is
    always cached, and *alone_got* what it got; *explored* are all schedules of a caller that
    allows what the version wants, beside one that is cached at any time.
    """

    version: str
    alone: Verdict
    alone_got: str
    explored: Result

    @property
    def cycle(self) -> str:
        """The steps that come back for ever, if any do."""
        endless = self.alone.ending is Ending.LIVELOCK
        return ", ".join(self.alone.cycle) if endless else ""

    @property
    def ends(self) -> bool:
        """Whether the caller that the version wants gets a folio in all schedules."""
        got = all(str(final).startswith("folio") for final in self.explored.finals)
        return self.explored.complete and not self.explored.violations and got


async def answer(lab: Lab) -> Answer:
    """Let a caller retry in each version, without order 0, and as the version wants it."""
    found = [await _found(lab, version) for version in _WANTS]
    tables = (
        Table(
            "a caller that allows {2} and retries on EBUSY; the neighbour is always cached",
            ("version", "ends", "gets", "the steps that come back"),
            tuple(
                (each.version, str(each.alone.ending), each.alone_got, each.cycle or "none")
                for each in found
            ),
        ),
        Table(
            "a caller as the version wants it; the neighbour comes at any time: all schedules",
            ("version", "allows", "gets", "statement"),
            tuple(
                (
                    each.version,
                    "{2}" if _WANTS[each.version] == _ALONE else "{2, 0}",
                    " or ".join(sorted(map(str, each.explored.finals))),
                    each.explored.statement,
                )
                for each in found
            ),
        ),
    )
    return Answer(tables, _claims(found), Decided.PROVED, _BOUNDS)


_BOUNDS: Final = (
    "a caller at slot 17 of 16 to 19 that retries on EBUSY, a neighbour at slot 18, no "
    "failures, no readers"
)


async def _found(lab: Lab, version: str) -> Found:
    variant = lab.variant(version)
    alone = Retries(variant, _ALONE, before=True)
    verdict = await lab.run(alone, alone.state)
    free = Retries(variant, _WANTS[version], before=False)
    explored = await lab.explore(free, Settings(budget=_BUDGET), name=version)
    return Found(version, verdict, alone.got, explored)


def _claims(found: list[Found]) -> tuple[Claim, Claim]:
    livelock = [each.version for each in found if each.cycle]
    end = [each.version for each in found if each.ends]
    executions = sum(each.explored.executions for each in found)
    return (
        Claim(
            livelock == ["v4", "v5", "next"],
            "It need not, but then EBUSY reaches callers: in v4, v5 and next one that retries "
            "{2} beside a cached neighbour livelocks, and in v3 it gets order 0.",
            "A caller that retries {2} beside a cached neighbour livelocks in "
            f"{', '.join(livelock) or 'no version'}.",
        ),
        Claim(
            end == list(_WANTS),
            f"A caller that passes bit 0 where the version wants it gets a folio in each of "
            f"{executions} executions, which are all.",
            "A caller that does as the version wants it gets a folio in all schedules of "
            f"{', '.join(end) or 'no version'} only.",
        ),
    )


STUDY: Final = Study(
    2,
    "Should order 0 be forced by the callee?",
    "Baolin Wang, review of v3 04/12",
    answer,
)
