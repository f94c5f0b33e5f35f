# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q5: whether the range check has to bound the slots that it looks at."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, round_down, swp_cluster_offset, swp_entry
from swaptrio.mm.swap_table import OutOfBounds
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.order_loop import Fate, OrderLoop, Outcome
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.small_world import small_world
from swaptrio.study.ask.spelling import listed
from swaptrio.variants import VERSIONS, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab
    from swaptrio.study.ask.small_world import SmallWorld

_CHECK: Final = "_swap_cache_add_check"
_LOOP: Final = "_swap_cache_alloc"

#: The highest order that fits into a cluster, and the one that does not.
_FITS: Final = SWAPFILE_CLUSTER.bit_length() - 1
_TOO_LARGE: Final = _FITS + 1

#: Where there is nothing to enumerate.
_NONE: Final = "no version"

#: The slots that are asked for: the last of their cluster.
_TARGETS: Final = range(SWAPFILE_CLUSTER - 64, SWAPFILE_CLUSTER)

#: The last slot of all, which a folio is in where one is in the way.
_LAST: Final = SWAPFILE_CLUSTER - 1


@attrs.frozen
class Look:
    """One check for *target* at an *order*: the slots it looked at, and whether it refused.

    *in_the_way* says that the last slot of the cluster was cached. *past* says that the check
    went on past the table.
    """

    order: int
    target: int
    in_the_way: bool
    slots: tuple[int, ...]
    refused: bool
    past: bool = False

    @property
    def range(self) -> range:
        """The slots that the folio would have."""
        first = self.target & -(1 << self.order)
        return range(first, first + (1 << self.order))

    @property
    def inside(self) -> bool:
        """Whether nothing beyond the range was looked at, and all of it where none refused."""
        seen = set(self.slots)
        return seen <= set(self.range) and (self.refused or seen == set(self.range))

    @property
    def right(self) -> bool:
        """Whether it refused for a folio in its range, and for no other reason."""
        return self.refused == (self.in_the_way and _LAST in self.range)


class _Words(list[int]):
    """The words of a table, and which of them were *read*, in this order."""

    def __init__(self, words: Iterable[int] = ()) -> None:
        super().__init__(words)
        self.read: list[int] = []

    def __getitem__(self, off: Any) -> Any:
        self.read.append(off)
        return super().__getitem__(off)


@attrs.define(eq=False)
class Checks:
    """Calls the range check of *variant* for all targets, in a cluster that is in use."""

    variant: Variant
    order: int
    in_the_way: bool
    looks: list[Look] = attrs.Factory(list)
    _words: _Words = attrs.Factory(lambda: _Words())

    def __call__(self, execution: Execution) -> None:
        """Make a device whose second cluster is full, and the task that checks."""

        slots = range(SWAPFILE_CLUSTER, 2 * SWAPFILE_CLUSTER)
        world = small_world(self.variant, slots, clusters=2)
        ci = world.si.clusters[1]
        ci.table = self._words = _Words(ci.table or ())
        self.looks.clear()
        execution.spawn("checks", self._check_all, world, ci)

    async def _check_all(self, world: SmallWorld, ci: SwapClusterInfo) -> None:
        check = _bound(self.variant.functions[_CHECK])
        if self.in_the_way:
            await world.cache(SWAPFILE_CLUSTER + _LAST)
        async with ci.lock.hold("study.check"):
            for target in _TARGETS:
                self.looks.append(self._look(check, world.kernel, ci, target))

    def _look(
        self, check: Callable[..., Any], kernel: Kernel, ci: SwapClusterInfo, target: int
    ) -> Look:
        self._words.read.clear()
        entry = swp_entry(0, SWAPFILE_CLUSTER + target)
        try:
            refused, past = check(kernel, ci, entry, 1 << self.order) is not None, False
        except OutOfBounds:
            refused, past = False, True
        slots = tuple(self._words.read)
        return Look(self.order, target, self.in_the_way, slots, refused, past)


def _bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """The check of any version, asked in the same way; gives the error or none.

    That of pre gets the first slot and not the target; from 08/12 on it can compare owners.
    """
    parameters = inspect.signature(function).parameters
    more = {"owner": True} if "owner" in parameters else {}

    def check(kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int) -> Any:
        by_target = "targ_entry" in parameters
        where = entry if by_target else swp_cluster_offset(round_down(entry, nr))
        return function(kernel, ci, where, nr, **more)[0]

    return check


async def answer(lab: Lab) -> Answer:
    """Check near the end of a cluster at every order, and call with one that is too large."""
    versions = [name for name in VERSIONS if _CHECK in lab.variant(name).functions]
    looks = {version: await _looks(lab, version) for version in versions}
    callers = [name for name in versions if _LOOP in lab.variant(name).functions]
    calls = {version: await _call(lab, version) for version in callers}
    tables = (
        Table(
            f"checks for the last {len(_TARGETS)} slots of a cluster in use, with slot {_LAST} "
            "uncached and cached",
            (
                "version",
                "orders 0 to 9",
                "inside",
                "right",
                f"order {_TOO_LARGE}",
                "past the table",
            ),
            tuple(_row(version, those) for version, those in looks.items()),
        ),
        Table(
            f"callers that allow orders {_TOO_LARGE} and 0 in a cluster in use",
            ("version", "what comes of it"),
            tuple((version, _told(outcome)) for version, outcome in calls.items()),
        ),
    )
    return Answer(tables, _claims(looks, calls), Decided.PROVED, _BOUNDS)


_BOUNDS: Final = (
    f"orders 0 to {_TOO_LARGE}, targets {_TARGETS[0]} to {_LAST} of 512 slots, one task; old "
    "has no range check, and pre no caller that names orders"
)


async def _looks(lab: Lab, version: str) -> list[Look]:
    found = []
    for order in range(_TOO_LARGE + 1):
        for in_the_way in (False, True):
            checks = Checks(lab.variant(version), order, in_the_way)
            await lab.explore(checks, name=f"{version}, order {order}")
            found += checks.looks
    return found


async def _call(lab: Lab, version: str) -> Outcome:
    fates = {_TOO_LARGE: Fate.FOLIO, 0: Fate.FOLIO}
    loop = OrderLoop(lab.variant(version), 1 << _TOO_LARGE | 1, fates, full=True)
    return loop.outcome(await lab.run(loop, loop.state))


def _row(version: str, looks: Sequence[Look]) -> tuple[str, ...]:
    fit, large = _fitting(looks), _large(looks)
    counts = (
        len(fit),
        sum(look.inside for look in fit),
        sum(look.right for look in fit),
        len(large),
        sum(look.past for look in large),
    )
    return (version, *map(str, counts))


def _fitting(looks: Sequence[Look]) -> list[Look]:
    return [look for look in looks if look.order <= _FITS]


def _large(looks: Sequence[Look]) -> list[Look]:
    return [look for look in looks if look.order > _FITS]


def _told(outcome: Outcome) -> str:
    warned = f"; warns: {', '.join(outcome.warnings)}" if outcome.warnings else ""
    return f"{outcome.ending}{warned}"


def _claims(looks: dict[str, list[Look]], calls: dict[str, Outcome]) -> tuple[Claim, Claim]:
    fit = [(version, look) for version, those in looks.items() for look in _fitting(those)]
    wrong = [(version, look) for version, look in fit if not (look.inside and look.right)]
    past = [name for name, outcome in calls.items() if outcome.past_the_table]
    refuse = [name for name, outcome in calls.items() if outcome.ending == "EINVAL"]
    uncached = [look for those in looks.values() for look in _large(those)]
    unbounded = all(look.past for look in uncached if not look.in_the_way)
    return (
        Claim(
            not wrong,
            f"Not for orders up to {_FITS}: all of {len(fit)} checks in {len(looks)} versions "
            f"stay in their range, and see slot {_LAST} exactly where it belongs to it.",
            f"Yes: {len(wrong)} of {len(fit)} checks leave their range or answer wrongly"
            + (f", such as order {wrong[0][1].order} at {wrong[0][1].target} in {wrong[0][0]}."
               if wrong else "."),
        ),
        Claim(
            unbounded and past == ["v3", "v4"] and refuse == ["v5", "next"],
            f"No version's check stops order {_TOO_LARGE}: callers of v3 and v4 read past the "
            "table with it, and v5 and next refuse it with EINVAL before any check.",
            f"Order {_TOO_LARGE} is read past the table by callers of "
            f"{listed(past) or _NONE}, and refused with EINVAL by {listed(refuse) or _NONE}.",
        ),
    )  # fmt: skip


STUDY: Final = Study(
    5,
    "Should the range check of the insertion bound ci_off and ci_end?",
    "Chris Li, review of v3 02/12",
    answer,
)
