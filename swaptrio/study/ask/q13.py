# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q13: whether the loop over zero flags needs the end of the cluster as a bound.

``swap_zeromap_batch`` (12/12) counts the slots from an entry on whose zero flags are that of
the first. It is written here in two forms, with the bound and without, and asked for every
range that a folio can have in a cluster, and for ranges that no folio has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.kernel import Kernel
from swaptrio.mm.mm_types import PresentPte
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwapClusterInfo
from swaptrio.mm.swap_table import (
    OutOfBounds,
    _swap_table_clear_zero,
    _swap_table_set_zero,
    _swap_table_test_zero,
)
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.short import Arranged, all_ends, nothing, shortened
from swaptrio.study.ask.small_world import small_world
from swaptrio.study.ask.spelling import listed
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swaptrio.scenario.world import World
    from swaptrio.study.ask.lab import Lab

#: The version as merged, which has the zero flags in the table.
_VERSION: Final = "v5"

_ORDERS: Final = range(10)

#: The large orders of an anonymous fault.
_FAULTS: Final = range(1, 9)

#: The orders at which all flags are gone through.
_PATTERNS: Final = range(4)

#: Ranges that no folio has begin in so many slots before the end of the cluster.
_NEAR: Final = 32

#: The loop: the cluster, the first slot, and where it ends.
Loop = Callable[[Kernel, SwapClusterInfo, int, int], int]

#: Where a range ends, by its first slot and its size.
End = Callable[[int, int], int]

#: First slots and sizes.
Ranges = Callable[[], Iterator[tuple[int, int]]]


def counted_at_end(kernel: Kernel, ci: SwapClusterInfo, ci_off: int, ci_end: int) -> int:
    """How many slots have the flag of the first; the end is looked at after each slot."""
    first = ci_off
    is_zero = _swap_table_test_zero(kernel, ci, ci_off)
    while True:
        ci_off += 1
        if ci_off >= ci_end or _swap_table_test_zero(kernel, ci, ci_off) != is_zero:
            return ci_off - first


def counted_in_range(kernel: Kernel, ci: SwapClusterInfo, ci_off: int, ci_end: int) -> int:
    """The same, in the other form: the end is looked at before each slot."""
    is_zero = _swap_table_test_zero(kernel, ci, ci_off)
    for off in range(ci_off, ci_end):
        if _swap_table_test_zero(kernel, ci, off) != is_zero:
            return off - ci_off
    return ci_end - ci_off


#: Both forms, by the word for where they look at the end.
FORMS: Final[dict[str, Loop]] = {"after": counted_at_end, "before": counted_in_range}


def unbounded(ci_off: int, nr: int) -> int:
    """The end of a range as the caller says."""
    return ci_off + nr


def bounded(ci_off: int, nr: int) -> int:
    """The same, but for what lies past the cluster."""
    return min(ci_off + nr, SWAPFILE_CLUSTER)


#: Both ends, by whether the cluster bounds them.
ENDS: Final[dict[str, End]] = {"yes": bounded, "no": unbounded}


@attrs.frozen
class Walks:
    """What the loop did over many ranges: of *whose*, in which *form*, with the *bound* or not.

    Of so many *ranges* it went *past* the end of the table in some, and counted *short*, that
    is fewer slots than were asked for, in others.
    """

    whose: str
    form: str
    bound: str
    ranges: int
    past: int
    short: int


@attrs.frozen
class Fault:
    """What came of a fault on the last range of *order* in a cluster, all *zero* or not."""

    order: int
    zero: bool
    ends: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def maps(self) -> bool:
        """Whether it maps the whole folio, in every execution."""
        return not self.broken and self.ends == (f"{1 << self.order} pages mapped",)


async def _answer(lab: Lab) -> Answer:
    walked, unlike = walks(), differing()
    faults = [await fault(lab, order, zero) for order in _FAULTS for zero in (True, False)]
    return Answer(
        (_of_walks(walked), _of_faults(faults)),
        claims(walked, unlike, faults),
        Decided.PROVED,
        "every range of orders 0 to 9 of a cluster of 512 slots, and those of no folio that"
        f" begin in its last {_NEAR}, with all flags alike, so that the loop goes on; all"
        f" {len(list(_patterns()))} sets of flags at orders 0 to 3; 1 fault on the last slots"
        " at orders 1 to 8, whose charges and reads take one step",
    )


def of_folios() -> Iterator[tuple[int, int]]:
    """Every range that a folio can have: its first slot, a multiple of its size, and that."""
    for order in _ORDERS:
        for first in range(0, SWAPFILE_CLUSTER, 1 << order):
            yield first, 1 << order


def of_nobody() -> Iterator[tuple[int, int]]:
    """Ranges near the end of the cluster that go past it."""
    for order in _ORDERS:
        for first in range(SWAPFILE_CLUSTER - _NEAR, SWAPFILE_CLUSTER):
            if first + (1 << order) > SWAPFILE_CLUSTER:
                yield first, 1 << order


#: Whose ranges there are.
RANGES: Final[dict[str, Ranges]] = {"a folio": of_folios, "nobody": of_nobody}


def walks(ends: Mapping[str, End] = ENDS, ranges: Mapping[str, Ranges] = RANGES) -> list[Walks]:
    """What both forms do over *ranges*, with each way to find the end."""
    kernel, ci = _cluster()
    return [
        _walks(kernel, ci, (whose, form, bound), loop, end, list(ranges[whose]()))
        for whose in ranges
        for form, loop in FORMS.items()
        for bound, end in ends.items()
    ]


def _cluster() -> tuple[Kernel, SwapClusterInfo]:
    """A cluster all of whose slots are in use; the one before it has the bad slot."""
    slots = range(SWAPFILE_CLUSTER, 2 * SWAPFILE_CLUSTER)
    world = small_world(load(_VERSION), slots, clusters=2)
    return world.kernel, world.si.clusters[1]


def _walks(
    kernel: Kernel,
    ci: SwapClusterInfo,
    names: tuple[str, str, str],
    loop: Loop,
    end: End,
    ranges: list[tuple[int, int]],
) -> Walks:
    past = short = 0
    for first, nr in ranges:
        try:
            short += loop(kernel, ci, first, end(first, nr)) < nr
        except OutOfBounds:
            past += 1
    return Walks(*names, len(ranges), past, short)


def differing(forms: Mapping[str, Loop] = FORMS) -> list[tuple[bool, ...]]:
    """The zero flags of the last slots, at orders 0 to 3, that the forms count unlike."""
    kernel, ci = _cluster()
    return [flags for flags in _patterns() if len(set(_counts(kernel, ci, flags, forms))) > 1]


def _patterns() -> Iterator[tuple[bool, ...]]:
    """All zero flags that up to eight slots can have."""
    for order in _PATTERNS:
        yield from product((False, True), repeat=1 << order)


def _counts(
    kernel: Kernel, ci: SwapClusterInfo, flags: tuple[bool, ...], forms: Mapping[str, Loop]
) -> Iterator[int]:
    """What each form counts where the last slots have these flags."""
    first = SWAPFILE_CLUSTER - len(flags)
    for off, flag in enumerate(flags, first):
        change = _swap_table_set_zero if flag else _swap_table_clear_zero
        change(kernel, ci, off)
    return (loop(kernel, ci, first, SWAPFILE_CLUSTER) for loop in forms.values())


async def fault(lab: Lab, order: int, zero: bool) -> Fault:
    """A fault on the last slots of a cluster, which are flagged as *zero* or hold data."""
    nr = 1 << order
    first = SWAPFILE_CLUSTER - nr
    base = load_checked(find("large-vs-small-neighbour"))
    (process,), (slots,), task = base.process, base.slots, base.task[0]
    scenario = attrs.evolve(
        base,
        kernel=attrs.evolve(base.kernel, failures=()),
        process=(attrs.evolve(process, orders=(order,)),),
        slots=(attrs.evolve(slots, page=first, first=first, nr=nr, shadows=(), zero=zero),),
        task=(attrs.evolve(task, page=SWAPFILE_CLUSTER - 1),),
        window=(attrs.evolve(base.window[0], steps=(), instead={}, expect={}),),
    )

    def tell(world: World) -> str:
        (mm,) = world.kernel.processes
        pte = mm.ptes[SWAPFILE_CLUSTER - 1]
        size = pte.folio.nr if isinstance(pte, PresentPte) else 0
        return f"{size} pages {world.results[task.name]}"

    setup = Arranged(scenario, shortened(lab.variant(_VERSION)), nothing, tell)
    ends, broken = await all_ends(lab, setup)
    return Fault(order, zero, tuple(ends), tuple(broken))


def claims(
    walked: list[Walks], unlike: list[tuple[bool, ...]], faults: list[Fault]
) -> tuple[Claim, Claim]:
    """The two sentences about the loop, flags that its forms count unlike, and the faults."""
    own = [each for each in walked if each.whose == "a folio"]
    strange = [each for each in walked if each.whose != "a folio"]
    safe = all(each.maps for each in faults)
    past = sum(each.past for each in own)
    wrong = [f"order {each.order}" for each in faults if not each.maps]
    return (
        Claim(
            safe and not past and not unlike and not any(each.short for each in own),
            f"It is style: none of the {own[0].ranges} ranges that a folio can have goes past"
            " slot 511, and both forms count the same, with the bound and without; faults on"
            " the last slots map every order.",
            f"It is not style alone: the loop goes past the table for {past} ranges of folios,"
            f" its forms differ in {len(unlike)} sets of flags, and faults on the last slots go"
            f" wrong at {listed(wrong) or 'no order'}.",
        ),
        _of_strangers(strange),
    )


def _of_strangers(strange: list[Walks]) -> Claim:
    with_bound = [each for each in strange if each.bound == "yes"]
    without = [each for each in strange if each.bound == "no"]
    return Claim(
        all(each.past == each.ranges for each in without)
        and all(not each.past and each.short == each.ranges for each in with_bound),
        "Only a caller whose range is not aligned to its size would need the bound: without it"
        f" slot 512 is read in all {strange[0].ranges} such ranges, with it the loop ends at"
        " slot 511 and counts fewer slots than were asked for.",
        f"Of ranges that no folio has the loop goes past the table in"
        f" {sum(each.past for each in with_bound)} with the bound and in"
        f" {sum(each.past for each in without)} without it.",
    )


def _of_walks(walked: list[Walks]) -> Table:
    rows = tuple(
        (each.whose, each.form, each.bound, str(each.ranges), str(each.past), str(each.short))
        for each in walked
    )
    columns = ("ranges of", "end looked at", "bound", "ranges", "past slot 511", "count short")
    return Table("the loop over zero flags", columns, rows)


def _of_faults(faults: list[Fault]) -> Table:
    rows = tuple(
        (
            str(order),
            f"{SWAPFILE_CLUSTER - (1 << order)} to {SWAPFILE_CLUSTER - 1}",
            *(
                ", ".join((*each.ends, *each.broken))
                for zero in (True, False)
                for each in faults
                if (each.order, each.zero) == (order, zero)
            ),
        )
        for order in _FAULTS
    )
    columns = ("order", "slots", "all zeros", "no zeros")
    return Table(f"a fault on slot 511, {_VERSION}", columns, rows)


STUDY: Final = Study(
    13,
    "Does the loop of swap_zeromap_batch need the end of the cluster as a bound?",
    "Chris Li, on v3 12/12",
    _answer,
)
