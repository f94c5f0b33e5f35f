# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q7: what a rollback leaves in the slots around the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from swaptrio.mm.swap_h import ZswapEntry
from swaptrio.mm.swap_table import (
    swap_table_get,
    swp_tb_is_shadow,
    swp_tb_to_shadow,
    xa_to_value,
)
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.short import Arranged, all_ends, nothing
from swaptrio.study.ask.spelling import listed
from swaptrio.variants import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.setup import Failure
    from swaptrio.scenario.world import World
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

#: The large orders of an anonymous fault.
ORDERS: Final = range(1, 9)

#: The order whose slots are shown one by one.
_SHOWN: Final = 2

#: The first slot and page of the range; the fault is on the one after it.
_FIRST: Final = 256
_TARGET: Final = 257

#: What a rollback comes after, by the word for it, and in which versions there is such a step.
_CAUSES: Final[dict[str, tuple[str, ...]]] = {
    "charge": VERSIONS,
    "deferred_split": ("v5", "next"),
    "zswap": ("next",),
}


class Shadows(NamedTuple):
    """The shadows of a range, slot by slot; none where the slot is not in use any more."""

    slots: tuple[int | None, ...]

    def __str__(self) -> str:
        return " ".join("-" if shadow is None else str(shadow) for shadow in self.slots)


@attrs.frozen
class Rollback:
    """A large folio that was given up: the shadows *before*, and the worst ones *after*.

    *cause* is why it was given up, in *version*, at *order*; *broken* are the checks that some
    execution has broken.
    """

    version: str
    cause: str
    order: int
    before: Shadows
    after: Shadows
    broken: tuple[str, ...] = ()

    @property
    def clobbered(self) -> int:
        """How many slots in use, beside the target, have another shadow."""
        pairs = zip(self.before.slots, self.after.slots, strict=True)
        return sum(after not in (None, before) for before, after in pairs)

    @property
    def by_target(self) -> bool:
        """Whether all slots that are in use have the target's shadow, and nothing is broken."""
        own = self.before.slots[_TARGET - _FIRST]
        return not self.broken and all(shadow in (None, own) for shadow in self.after.slots)


async def _answer(lab: Lab) -> Answer:
    found = await rollbacks(lab)
    return Answer(
        (_maps(found), _counts(found)),
        claims(found),
        Decided.PROVED,
        "1 fault, 1 range of 2 to 256 slots, orders 1 to 8, each draw of the charge and of the"
        " queue, zswap data in one neighbour",
    )


async def rollbacks(lab: Lab, orders: Sequence[int] = ORDERS) -> list[Rollback]:
    """What each cause does in each version that has it, at each of *orders*."""
    return [
        await _rollback(lab, version, cause, order)
        for cause, versions in _CAUSES.items()
        for version in versions
        for order in orders
        if order > 1 or cause != "deferred_split"
    ]


def claims(found: list[Rollback]) -> tuple[Claim, Claim]:
    """The two sentences about what was *found*."""
    charged = [each for each in found if each.cause == "charge"]
    return _of_charge(charged), _of_others([each for each in found if each not in charged])


async def _rollback(lab: Lab, version: str, cause: str, order: int) -> Rollback:
    """Explore a fault whose large folio may be given up for *cause*."""
    nr = 1 << order
    before = tuple(range(101, 101 + nr))

    def shadows(world: World) -> Shadows:
        ci = world.kernel.devices[0].clusters[0]
        return Shadows(
            tuple(_shadow(swap_table_get(ci, off)) for off in range(_FIRST, _FIRST + nr))
        )

    arrange, failures = _FAILING[cause]
    scenario = _scenario(order, before, failures)
    setup = Arranged(scenario, lab.variant(version), arrange, shadows)
    ends, broken = await all_ends(lab, setup)
    found = [Rollback(version, cause, order, Shadows(before), after) for after in ends]
    worst = max(found, key=lambda each: (each.clobbered, -each.after.slots.count(None)))
    return attrs.evolve(worst, broken=tuple(broken))


def _scenario(order: int, shadows: tuple[int, ...], failures: tuple[Failure, ...]) -> Scenario:
    """The shipped scenario (A09), whose fault is on the second slot of a range of *order*."""
    base = load_checked(find("charge-fail-clobbers-neighbour-shadows"))
    (process,), (slots,), (task,) = base.process, base.slots, base.task
    return attrs.evolve(
        base,
        kernel=attrs.evolve(base.kernel, failures=failures),
        process=(attrs.evolve(process, orders=(order,)),),
        slots=(attrs.evolve(slots, page=_FIRST, first=_FIRST, nr=1 << order, shadows=shadows),),
        task=(attrs.evolve(task, page=_TARGET),),
    )


def _shadow(word: int) -> int | None:
    return xa_to_value(swp_tb_to_shadow(word)) if swp_tb_is_shadow(word) else None


def _compress_neighbour(world: World, execution: Execution) -> None:
    """Let zswap, of which the fault does not know yet, have the data of the first slot."""
    (si,) = world.kernel.devices
    si.zswap[_FIRST] = ZswapEntry(_FIRST, si.data.pop(_FIRST))


#: How a cause is brought about: what is arranged, and what may fail.
_FAILING: Final[dict[str, tuple[Callable[[World, Execution], None], tuple[Failure, ...]]]] = {
    "charge": (nothing, ("charge",)),
    "deferred_split": (nothing, ("deferred_split",)),
    "zswap": (_compress_neighbour, ()),
}


def _maps(found: list[Rollback]) -> Table:
    rows = tuple(
        (each.version, each.cause, str(each.before), str(each.after))
        for each in found
        if each.order == _SHOWN
    )
    heading = f"shadows of slots {_FIRST} to {_FIRST + 3}; {_TARGET} is the target, - is mapped"
    return Table(heading, ("version", "failed", "before", "after"), rows)


def _counts(found: list[Rollback]) -> Table:
    ways = dict.fromkeys((each.version, each.cause) for each in found)
    counts = {(each.version, each.cause, each.order): each.clobbered for each in found}
    rows = tuple(
        (*way, *(str(counts.get((*way, order), "n/a")) for order in ORDERS)) for way in ways
    )
    columns = ("version", "failed", *(f"order {order}" for order in ORDERS))
    return Table("neighbours whose shadow is another one after it, by order", columns, rows)


def _of_charge(charged: list[Rollback]) -> Claim:
    clobbering = _versions(charged, clobbers=True)
    keeping = _versions(charged, clobbers=False)
    all_by_target = all(
        each.by_target and each.clobbered == (1 << each.order) - 1
        for each in charged
        if each.version in clobbering
    )
    return Claim(
        all_by_target and clobbering == ["v3", "v4", "v5", "next"],
        f"A failed charge leaves the target's shadow in every slot of the range, at every"
        f" order, in {listed(clobbering)}; {listed(keeping)} charge before they insert, and"
        " change none.",
        f"A failed charge changes shadows of neighbours in {listed(clobbering) or 'no version'}"
        f", and in {listed(keeping) or 'no version'} it changes none.",
    )


def _of_others(others: list[Rollback]) -> Claim:
    clobbering = _versions(others, clobbers=True)
    return Claim(
        all(each.clobbered and each.by_target for each in others),
        "The rollbacks that came later do the same: that of v5 and next where the queue of"
        " deferred splits cannot be prepared, and that of next where zswap has a neighbour.",
        "Of the rollbacks that came later not all do the same: neighbours change in"
        f" {listed(clobbering) or 'no version'}.",
    )


def _versions(found: list[Rollback], *, clobbers: bool) -> list[str]:
    """The versions in which some rollback clobbers, or those in which none does."""
    versions = dict.fromkeys(each.version for each in found)
    clobbering = {each.version for each in found if each.clobbered}
    return [version for version in versions if (version in clobbering) is clobbers]


STUDY: Final = Study(
    7,
    "Does a rollback keep the shadows of the slots around the target?",
    "our own, on v3 04/12",
    _answer,
)
