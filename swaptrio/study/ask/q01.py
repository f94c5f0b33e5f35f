# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q1: the reviewer's expression for the first order, against that of v3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.order_loop import FATES, FATES_OF_0, NEXT, Fate, OrderLoop, Outcome
from swaptrio.study.ask.question import Study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from swaptrio.study.ask.lab import Lab

#: The scenario in which readahead takes a neighbour's slot before a fault asks for order 2.
_RACE: Final = "chris-literal-order-minus-one"

#: One more than the highest order that callers may ask for here.
_ORDERS: Final = 5

#: The columns that count combinations in which the two versions differ in one way.
_WAYS: Final = ("differ", "order -1", "same answer", "endless", "counters")


@attrs.frozen
class Combination:
    """Allowed *orders*, and what an attempt at each that has its turn comes to."""

    orders: int
    fates: Mapping[int, Fate] = attrs.field(hash=False)
    thp: bool = True
    full: bool = False

    @property
    def suspect(self) -> bool:
        """Whether bit 0 would be needed and is not there: all that is allowed has failed."""
        failed = all(fate in NEXT for order, fate in self.fates.items() if order)
        return self.thp and self.orders > 0 and not self.orders & 1 and failed

    def __str__(self) -> str:
        fails = ", ".join(f"order {order}: {fate}" for order, fate in self.fates.items())
        return f"{named(self.orders)} with {fails}"


@attrs.frozen
class Pair:
    """A combination, and what came of it in v3 and with the reviewer's expression."""

    combination: Combination
    v3: Outcome
    literal: Outcome

    @property
    def ways(self) -> tuple[bool, ...]:
        """Of each of the ways to differ whether it is one of this pair."""
        differs = self.v3 != self.literal
        return (
            differs,
            self.literal.below_0,
            differs and self.v3.ending == self.literal.ending,
            self.literal.endless,
            self.v3.counters != self.literal.counters,
        )

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return self.ways[0]


def named(orders: int) -> str:
    """A set of orders as text."""
    return f"{{{', '.join(str(order) for order in _members(orders))}}}"


def _members(orders: int) -> list[int]:
    return [order for order in range(_ORDERS) if orders >> order & 1]


def combinations() -> Iterator[Combination]:
    """All subsets of the orders with all that their attempts can come to, with and without THP.

    Without THP there are no large orders, whatever callers allow.
    """
    for orders in range(1 << _ORDERS):
        large = [order for order in reversed(_members(orders)) if order]
        for fates in _plans(large):
            yield Combination(orders, fates)
        for fates in _plans([]):
            yield Combination(orders, fates, thp=False)


def _plans(large: Sequence[int]) -> Iterator[Mapping[int, Fate]]:
    if not large:
        yield from ({0: fate} for fate in FATES_OF_0)
        return
    for fate in FATES:
        followed: Iterable[Mapping[int, Fate]] = _plans(large[1:]) if fate in NEXT else [{}]
        yield from ({large[0]: fate, **rest} for rest in followed)


def full_clusters() -> Iterator[Combination]:
    """The same without a slot that could be in the way: no set has bit 0, all attempts fail."""
    for orders in range(2, 1 << _ORDERS, 2):
        for fate in (Fate.ALLOC, Fate.CHARGE):
            fates = dict.fromkeys(reversed(_members(orders)), fate)
            yield Combination(orders, {**fates, 0: Fate.FOLIO}, full=True)


async def answer(lab: Lab) -> Answer:
    """Run every combination in both versions, and compare."""
    pairs = [await _pair(lab, combination) for combination in combinations()]
    full = [await _pair(lab, combination) for combination in full_clusters()]
    different = [pair for pair in pairs if pair.differs]
    different.sort(key=lambda pair: len(pair.combination.fates))
    tables = [
        Table(
            "with THP, by the set of allowed orders", ("orders", "runs", *_WAYS), _rows(pairs)
        ),
        Table("without THP", ("orders", "runs", *_WAYS), (_without_thp(pairs),)),
        Table("with all 511 slots of the cluster in use", ("literal", "orders"), _past(full)),
        await _raced(lab),
    ]
    if different:
        tables.append(_shortest(different[0]))
    decided = Decided.REFUTED if different else Decided.SAMPLED
    return Answer(tuple(tables), _claims(pairs, full, different), decided, _BOUNDS)


_BOUNDS: Final = (
    f"one caller, all {1 << _ORDERS} sets of orders 0 to {_ORDERS - 1}, each attempt with each "
    f"of {', '.join(FATES)}; a conflict is there at the first check; nobody else runs"
)


async def _pair(lab: Lab, combination: Combination) -> Pair:
    lab.tell(f"{named(combination.orders)}, {lab.executions} executions")
    v3 = await _outcome(lab, "v3", combination)
    return Pair(combination, v3, await _outcome(lab, "chris-literal", combination))


async def _outcome(lab: Lab, variant: str, about: Combination) -> Outcome:
    loop = OrderLoop(
        lab.variant(variant), about.orders, about.fates, thp=about.thp, full=about.full
    )
    return loop.outcome(await lab.run(loop, loop.state))


def _rows(pairs: Sequence[Pair]) -> tuple[tuple[str, ...], ...]:
    """A row for each set without bit 0, and one for all others."""
    with_thp = [pair for pair in pairs if pair.combination.thp]
    safe = [pair for pair in with_thp if _is_safe(pair.combination.orders)]
    rows = [("with bit 0, or {}", *_counted(safe))]
    for orders in range(2, 1 << _ORDERS, 2):
        those = [pair for pair in with_thp if pair.combination.orders == orders]
        rows.append((named(orders), *_counted(those)))
    return tuple(rows)


def _is_safe(orders: int) -> bool:
    return not orders or bool(orders & 1)


def _without_thp(pairs: Sequence[Pair]) -> tuple[str, ...]:
    those = [pair for pair in pairs if not pair.combination.thp]
    return (f"all {1 << _ORDERS} sets", *_counted(those))


def _counted(pairs: Sequence[Pair]) -> tuple[str, ...]:
    ways = [sum(way) for way in zip(*(pair.ways for pair in pairs), strict=True)]
    return tuple(map(str, (len(pairs), *ways)))


def _past(full: Sequence[Pair]) -> tuple[tuple[str, ...], ...]:
    """What became of the literal expression where nothing stops the walk of the range check."""
    endings = {pair.literal.ending for pair in full}
    return tuple((ending, _sets_ending(full, ending)) for ending in sorted(endings))


def _sets_ending(full: Sequence[Pair], ending: str) -> str:
    those = [pair.combination.orders for pair in full if pair.literal.ending == ending]
    return ", ".join(named(orders) for orders in dict.fromkeys(those))


async def _raced(lab: Lab) -> Table:
    """The same between two tasks, under all checks."""
    rows = []
    for variant in ("v3", "chris-literal"):
        played = await lab.window(lab.setup(_RACE, variant))
        rows.append((variant, f"{played.verdict}; swaptrio replay {_RACE} --variant {variant}"))
    return Table("as a race of a fault and readahead", ("version", "verdict"), tuple(rows))


def _shortest(pair: Pair) -> Table:
    return Table(
        f"the shortest combination that differs: {pair.combination}",
        ("version", "attempts, and what came of them"),
        (("v3", str(pair.v3)), ("literal", str(pair.literal))),
    )


def _claims(
    pairs: Sequence[Pair], full: Sequence[Pair], different: Sequence[Pair]
) -> tuple[Claim, Claim]:
    as_foreseen = all(pair.differs == pair.combination.suspect for pair in pairs)
    endless = sum(pair.literal.endless for pair in pairs)
    safe = not any(
        pair.differs
        for pair in pairs
        if _is_safe(pair.combination.orders) or not pair.combination.thp
    )
    past = all(pair.literal.past_the_table for pair in full)
    if not different:
        none = f"Yes: none of {len(pairs)} combinations differs."
        return Claim(False, "", none), Claim(False, "", "So there is no counterexample.")
    first = different[0]
    return (
        Claim(
            as_foreseen and endless > 0,
            f"No: {len(different)} of {len(pairs)} combinations differ, exactly those where no "
            "bit 0 is passed and every large order fails with EBUSY or ENOMEM: the next order "
            f"is -1, and {endless} of them never end.",
            f"No, and not as foreseen: {len(different)} of {len(pairs)} combinations differ, "
            f"such as {first.combination}.",
        ),
        Claim(
            safe and past,
            "With bit 0 passed, with no order at all, and without THP nothing differs; where "
            "every slot of the cluster is in use and uncached, order -1 reads past its table.",
            "With bit 0 passed, with no order, or without THP something differs."
            if not safe
            else "With every slot of the cluster in use order -1 does not read past its table.",
        ),
    )


STUDY: Final = Study(
    1,
    "Is highest_order(orders | BIT(0)) equivalent to what v3 does for its first order?",
    "Chris Li, review of v3 04/12, 6 May 2026",
    answer,
)
