# SPDX-License-Identifier: MIT OR Apache-2.0
"""A part of an optimal search, that goes on by itself while others go on with other parts.

A search is parted at a node of its trace from which there is more to explore than the step that
it has taken. What lies below goes as a `Share` to somebody else, who may part it again. The
lender takes the step for explored: it sleeps, and he goes on with the next wish of that node.
The node is pinned until the share comes back with all that was wished before its floor, which
the lender then asks for as if he had found it himself.

That explores the same classes, each of them once. Once, since a step that sleeps says that
what may begin with it is explored by somebody; when does not matter.

None is missed, but that has its price. A sleeping step that has no part in a wish covers it
only because whoever explores that step asks for the rest, and does so before this node is left
for another step. Amid the work of others it may be too late. So there a wish is covered only by
what it can begin with, as in source-set reduction (the same paper), which needs nobody's
wishes: whatever does not begin with a sleeping step is executed at least as far as it goes
without one, and its races are seen. An outcome of a step that draws is such a beginning for
itself only: that the others are explored is one more thing that may be asked for too late. Now
and then that ends with everybody asleep, though the execution was not in vain. These are
counted as `blocked`.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.explore.exhaustive.primes import Prime
from swaptrio.explore.exhaustive.reduction import HORIZON, Reduction
from swaptrio.explore.exhaustive.result import Found
from swaptrio.explore.exhaustive.search import leave
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.exhaustive.walk import Node
from swaptrio.explore.exhaustive.wish import Wish
from swaptrio.explore.sights import Sights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.search import Search
    from swaptrio.sched import Scheduler


@attrs.frozen
class Share:
    """Where a part stands: its *trace*, of which the nodes from *floor* on are its own.

    *pins* are nodes that have lent something; where it is *stuck* it has nothing else to do.
    *weight* is about which part of the whole search it was when it began, and *foreign* what
    others have to see to. *ordered*, *ambiguous* and *added* are those of its `Walk`, *primes*
    what it has learned: nothing, if it has not begun.
    """

    trace: tuple[Node, ...] = ()
    floor: int = 0
    pins: tuple[int, ...] = ()
    stuck: bool = False
    weight: float = 1.0
    ordered: tuple[str, ...] = ()
    foreign: tuple[tuple[int, Wish], ...] = ()
    ambiguous: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    primes: tuple[Prime, ...] = ()

    @classmethod
    def of(cls, search: Search, weight: float = 1.0) -> Share:
        """Where *search* stands now, for whoever goes on with it."""
        walk = search.walk
        return cls(
            tuple([_bare(node, sleep=dict(node.sleep)) for node in search.trace]),
            search.floor,
            tuple(search.pins),
            search.stuck,
            weight,
            tuple(walk.ordered),
            tuple(search.foreign),
            tuple(walk.ambiguous),
            tuple(walk.added),
            tuple(walk.primes.numbers),
        )

    def lay(self, search: Search) -> None:
        """Set *search*, which has not begun, to go on from here."""
        walk = search.walk
        walk.trace[:] = self.trace
        for names, known in (
            (walk.ordered, self.ordered),
            (walk.ambiguous, self.ambiguous),
            (walk.added, self.added),
        ):
            names.update(dict.fromkeys(known))
        for prime in self.primes:
            walk.primes.add(prime)
        search.floor, search.pins = self.floor, list(self.pins)
        search.stuck, search.foreign = self.stuck, list(self.foreign)


@attrs.frozen
class News:
    """What a part has counted and learned since it was asked the last time.

    *depth* is that of its trace now, *left* about which part of the whole it still has to do.
    """

    executions: int
    blocked: int
    probes: int
    classes: tuple[tuple[int, ...], ...]
    finals: frozenset[Hashable]
    violations: tuple[Found, ...]
    ordered: tuple[str, ...]
    added: tuple[str, ...]
    depth: int
    left: float
    sights: Sights | None


@attrs.define(eq=False)
class Part:
    """Goes on with a `Share`; what `tally` counts is taken from it as `news`."""

    tally: Tally
    reduction: Reduction
    weight: float = 1.0

    @classmethod
    def of(cls, share: Share, reduction: Reduction) -> Part:
        """*reduction*, which has not begun, set to go on with *share*."""
        share.lay(reduction.search)
        reduction.parted = reduction.repeated = True
        return cls(reduction.tally, reduction, share.weight)

    @property
    def stuck(self) -> bool:
        """Whether nothing can be done before something that was lent comes back."""
        return self.reduction.search.stuck

    @property
    def ended(self) -> bool:
        """Whether everything was explored, or nothing more can be."""
        return self.tally.outcome is not None or self.reduction.search.walk.disordered

    @property
    def goes_on(self) -> bool:
        """Whether there is something to do."""
        return not self.ended and not self.stuck

    async def turn(self, scheduler: Scheduler) -> None:
        """Run one execution, and prepare the next."""
        await self.reduction.turn(scheduler)

    def lend(self) -> Share | None:
        """What lies below the first node at which the search can be parted."""
        search = self.reduction.search
        trace, weight = search.trace, self.weight
        for index in range(search.floor, len(trace) - 1):
            node = trace[index]
            weight /= _branches(node)
            if index < max(search.pins, default=0) or not search.wants_more(node):
                continue
            above = [
                _bare(each, wishes=[], sleep=dict(each.sleep)) for each in trace[: index + 1]
            ]
            below = [_bare(each) for each in trace[index + 1 :]]
            del trace[index + 1 :]
            search.pins.append(index)
            node.lent = True
            leave(node)
            search.grant(node)
            ordered = tuple(search.walk.ordered)
            return Share((*above, *below), index + 1, weight=weight, ordered=ordered)
        return None

    def deliver(self, pin: int, wishes: Sequence[tuple[int, Wish]]) -> None:
        """What was lent at *pin* is explored; *wishes* are what it leaves to others."""
        search = self.reduction.search
        search.pins.remove(pin)
        for first, wish in wishes:
            search.wish(first, wish)
        if search.stuck:
            self.reduction.go_on()

    def share(self) -> Share:
        """Where it stands, for whoever goes on with it."""
        return Share.of(self.reduction.search, self.weight)

    def news(self) -> News:
        """What is to be told, once."""
        tally, reduction = self.tally, self.reduction
        walk = reduction.search.walk
        news = News(
            tally.executions,
            reduction.blocked,
            reduction.probes,
            tuple(reduction.classes),
            frozenset(tally.finals),
            tuple(tally.violations.values()),
            tuple(walk.ordered),
            tuple(walk.added),
            len(walk.trace),
            self._left(),
            tally.take_sights(),
        )
        reduction.classes, reduction.blocked, reduction.probes = set(), 0, 0
        tally.executions, tally.finals, tally.violations = 0, set(), {}
        return news

    def _left(self) -> float:
        left = share = self.weight
        search = self.reduction.search
        for node in islice(search.trace, search.floor, search.floor + HORIZON):
            share /= _branches(node)
            left -= node.done * share
        return left


def _branches(node: Node) -> int:
    return node.done + 1 + len(node.wishes)


def _bare(node: Node, **changes: Any) -> Node:
    """A copy of *node* without what only spares its owner work."""
    return attrs.evolve(node, **{"asked": {}, "wishes": list(node.wishes), **changes})
