# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a campaign is to run: cases, a strategy, and how far to go.

The items have one order that follows from the plan alone: all cases take their turns, chunk by
chunk. What is covered is a set of items, so it does not matter who ran them or how often the
campaign was stopped.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.campaign.item import Item, Matter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


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

    def total(self, done: Iterable[Mapping[int, int]]) -> int | None:
        """How many items there are, of which these are *done*; None where the time decides.

        For each case *done* has the first seeds and the counts of its items.
        """
        if self.seeds is None:
            return None
        return sum(self._total(self.seeds, each) for each in done)

    def _total(self, seeds: int, done: Mapping[int, int]) -> int:
        """Those of a case: one a chunk, and more where a short one was added to."""
        pieces, covered = Counter[int](), Counter[int]()
        for first, size in done.items():
            chunk = (first - self.first) // self.chunk
            pieces[chunk] += 1
            covered[chunk] += size
        total = -(-seeds // self.chunk)
        for chunk, number in pieces.items():
            wanted = min(self.chunk, seeds - chunk * self.chunk)
            total += number + (covered[chunk] < wanted) - (wanted > 0)
        return total
