# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a campaign is to run: cases, a strategy, and how far to go.

The items have one order that follows from the plan alone: all cases take their turns, chunk by
chunk. What is covered is a set of items, so it does not matter who ran them or how often the
campaign was stopped.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.campaign.item import Item, Matter

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class Case:
    """A scenario and a variant, with the words that a user typed for them."""

    scenario: str
    variant: str
    matter: Matter

    @property
    def name(self) -> tuple[str, str]:
        """The names of both, by which a store knows it."""
        return self.matter.scenario, self.matter.variant

    @property
    def digests(self) -> tuple[str, str]:
        """What tells it from other versions of itself."""
        return self.matter.scenario_digest, self.matter.variant_digest


@attrs.frozen
class Plan:
    """How far a campaign goes with each of its cases.

    Args:
        strategy: as `sched.strategies.parse` reads it.
        first: the first seed.
        seeds: how many; None where *time* decides.
        time: seconds of work; None where *seeds* do.
        chunk: seeds of an item.
    """

    strategy: str
    first: int
    seeds: int | None
    time: float | None
    chunk: int

    def items_of(self, case: Case) -> Iterator[Item]:
        """The items of *case*, in order; without end where the time decides."""
        names = (*case.digests, self.strategy)
        for start in count(self.first, self.chunk):
            left = self.chunk if self.seeds is None else self.first + self.seeds - start
            if left <= 0:
                return
            yield Item(*names, start, min(self.chunk, left))

    def items(self, cases: tuple[Case, ...]) -> Iterator[tuple[Case, Item]]:
        """The items of all *cases*, in turns."""
        for turn in zip(*map(self.items_of, cases), strict=True):
            yield from zip(cases, turn, strict=True)

    def total(self, cases: int) -> int | None:
        """How many items there are for that number of cases; None where the time decides."""
        if self.seeds is None:
            return None
        return cases * -(-self.seeds // self.chunk)
