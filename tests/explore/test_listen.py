# SPDX-License-Identifier: MIT OR Apache-2.0
"""Words for what no operation declares are learned from what steps touch."""

from __future__ import annotations

import pytest

from swaptrio.explore import Coverage
from swaptrio.explore.execute import execute
from swaptrio.explore.listen import words_of
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.sched import Scheduler, Task
from swaptrio.sched.strategies import Metrics, RandomWalk, Surw, Words, parse
from swaptrio.variants import load

SETUP = Setup(load_checked(find("large-vs-small-neighbour")), load("v3"))


@pytest.mark.parametrize(("slot", "touched"), [("swap0:17", True), ("swap0:40", False)])
async def test_the_word_of_a_slot(slot: str, touched: bool, scheduler: Scheduler) -> None:
    """A slot that somebody swaps in is looked at where the cluster is; another is not."""
    strategy = parse(f"surw:{slot}")
    coverage = Coverage()
    for strategy.seed in range(5):
        await execute(scheduler, SETUP, strategy, coverage)

    words = words_of(strategy)
    assert words is not None
    assert words.unmatched == ([] if touched else [slot])
    assert coverage.executions == 5
    coro = never()
    looking = Task("large", 0, coro, label="swap_cache_get_folio.lookup")
    coro.close()
    assert words(looking) is touched


@pytest.mark.parametrize(
    ("words", "times"), [("swap0:17", 20), ("swap0 cluster 0", 1), ("swap0:17,lru", 20)]
)
async def test_it_listens_no_longer_than_it_has_to(
    words: str, times: int, scheduler: Scheduler
) -> None:
    """Many executions where no operation declares what a word says; else one."""
    strategy = parse(f"surw:{words}")
    for strategy.seed in range(25):
        await execute(scheduler, SETUP, strategy)

    given = words_of(strategy)
    assert given is not None
    assert given.heard == times


async def never() -> None:
    """Is not run."""


def test_whose_words() -> None:
    """Those of a strategy behind wrappers; one that looks at all or at a predicate has none."""
    words = Words(("x",))
    assert words_of(Metrics(Surw(0, words))) is words
    assert words_of(Surw(0)) is words_of(Surw(0, bool)) is words_of(RandomWalk(0)) is None
