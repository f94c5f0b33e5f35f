# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trial before a campaign: whether its strategy meets what it was told to look at.

A strategy whose interest nothing touches runs like any other, for as long as it is let. So some
executions of each case come first, no more than it takes to see that all is met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import trio

from swaptrio.explore.campaign.work import setup_of
from swaptrio.explore.coverage import Coverage
from swaptrio.explore.execute import execute
from swaptrio.explore.interest import unmet
from swaptrio.sched import open_scheduler
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from swaptrio.explore.campaign.item import Item, Matter
    from swaptrio.sched import Carrier

#: Executions after which nothing is expected to be met any more.
MOST: Final = 1000


@attrs.frozen
class Trial:
    """What so many *executions* have not met: *unmet*. *words* are those that they know."""

    executions: int
    unmet: tuple[str, ...]
    words: tuple[str, ...]


def try_out(item: Item, matter: Matter, carrier: Carrier) -> Trial:
    """Run seeds of *item* until its strategy has met all, `MOST` of them at most.

    Raises:
        BadInput: the scenario or the variant cannot be used.
    """
    setup, strategy, coverage = setup_of(matter), parse(item.strategy), Coverage()

    async def main() -> None:
        async with open_scheduler(carrier) as scheduler:
            for seed in range(item.first, item.first + min(item.count, MOST)):
                strategy.seed = seed
                await execute(scheduler, setup, strategy, coverage)
                if not unmet(strategy):
                    return

    trio.run(main)
    return Trial(coverage.executions, tuple(unmet(strategy)), coverage.sights.words())
