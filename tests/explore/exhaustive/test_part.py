# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search in parts, in whatever order they go on, explores what one search explores."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benchmarks.counted import casrot, indexer, lastzero, lockinc, readers
from swaptrio.explore.exhaustive import explore_program, search, wish
from swaptrio.explore.exhaustive.part import Part, Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.tally import Tally
from swaptrio.explore.exhaustive.wish import covered
from swaptrio.sched import DEFAULT_BUDGET, Program, open_scheduler

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.walk import Node
    from swaptrio.explore.exhaustive.wish import Wish
    from swaptrio.sched import Scheduler


@attrs.define(eq=False)
class Lent:
    """A part, who has lent it and where, and what has come back to it meanwhile."""

    part: Part
    owner: Lent | None = None
    pin: int = -1


@attrs.define(eq=False)
class Parts:
    """Goes on with one part after the other, as *random* will have it."""

    program: Program
    random: Random
    lent: list[Lent] = attrs.Factory(list)
    executions: int = 0
    blocked: int = 0
    parted: int = 0
    classes: list[tuple[int, ...]] = attrs.Factory(list)
    finals: set[Any] = attrs.Factory(set)

    def begin(self, share: Share, owner: Lent | None = None) -> None:
        """Somebody who knows nothing takes *share*."""
        reduction = Reduction(Tally(self.program, DEFAULT_BUDGET))
        self.lent.append(Lent(Part.of(share, reduction), owner, share.floor - 1))

    async def explore(self) -> None:
        """Go on until nothing is left."""
        self.begin(Share())
        async with open_scheduler("stepped") as scheduler:
            while self.lent:
                await self.turn(scheduler, self.random.choice(self.lent))

    async def turn(self, scheduler: Scheduler, lent: Lent) -> None:
        """One execution of somebody, who may then be parted, or be done."""
        part = lent.part
        if part.stuck:
            if self.random.random() < 0.2:
                reduction = Reduction(Tally(self.program, DEFAULT_BUDGET))
                lent.part = Part.of(part.share(), reduction)
            return
        await part.turn(scheduler)
        assert not part.reduction.search.walk.disordered
        if not part.ended and self.random.random() < 0.5:
            share = part.lend()
            if share is not None:
                self.parted += 1
                self.begin(share, lent)
        self.count(part)
        if part.ended:
            self.end(lent)

    def end(self, lent: Lent) -> None:
        """Somebody has explored all that was lent to him, and who lent it hears of it."""
        self.lent.remove(lent)
        if lent.owner is not None:
            lent.owner.part.deliver(lent.pin, lent.part.share().foreign)
            if lent.owner.part.ended:
                self.end(lent.owner)

    def count(self, part: Part) -> None:
        """Take what a part has counted."""
        news = part.news()
        self.executions += news.executions
        self.blocked += news.blocked
        self.classes += news.classes
        self.finals |= news.finals


def in_parts(program: Program, seed: int) -> Parts:
    """Explore *program* in parts."""
    parts = Parts(program, Random(seed))
    trio.run(parts.explore)
    return parts


ROWS = {
    "casrot(6)": (casrot(6), 144),
    "lastzero(7)": (lastzero(7), 320),
    "readers(7)": (readers(7), 128),
    "lockinc(5)": (lockinc(5), 120),
    "indexer(13)": (indexer(13), 64),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("seed", [1, 2])
def test_parts_have_the_published_count(name: str, seed: int) -> None:
    """Each class runs once, in whatever parts the search is parted."""
    program, count = ROWS[name]
    parts = in_parts(program, seed)
    assert parts.parted > 3
    assert (parts.executions, len(parts.classes), len(set(parts.classes))) == (count,) * 3


def test_wishes_amid_others_have_to_be_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were all that sleeps taken for covering, as in one search, classes would be missed."""

    def too_much(wished: Wish, node: Node, known: Any) -> bool:
        return covered(wished, attrs.evolve(node, amid=False), known)

    monkeypatch.setattr(search, "covered", too_much)
    program, count = ROWS["lastzero(7)"]
    assert min(in_parts(program, seed).executions for seed in range(5)) < count


#: A program in which some outcomes of a step sleep where another step ends everything.
ENDS = ((("twice", "x", "y"),), (("lock", "m"), ("fail", "x", 0)), (("fail", "z", 0),))


def test_some_outcomes_asleep_do_not_cover_the_others(
    program_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amid the work of others an outcome that sleeps does not ask for those that do not."""
    whole = explore_program(program_of(ENDS)).executions
    assert {in_parts(program_of(ENDS), seed).executions for seed in range(8)} == {whole}
    monkeypatch.setattr(wish, "sleeps", lambda *_: True)
    assert min(in_parts(program_of(ENDS), seed).executions for seed in range(8)) < whole


#: More executions than this are left out.
MANY = 300

variables, locks, values = st.sampled_from("xy"), st.sampled_from("mn"), st.integers(1, 2)
steps = st.one_of(
    st.tuples(st.just("read"), variables),
    st.tuples(st.just("write"), variables, values),
    st.tuples(st.just("cas"), variables, st.integers(0, 1), values),
    st.tuples(st.just("skip"), variables),
    st.tuples(st.just("until"), variables, st.integers(0, 2)),
    st.tuples(st.just("try"), locks),
    st.tuples(st.just("draw"), variables, st.just(2)),
    st.tuples(st.sampled_from(["fail", "bet"]), variables, st.integers(0, 2)),
    st.sampled_from([("twice", "x", "y"), ("lock", "m"), ("send", "c", 1), ("receive", "c")]),
)
codes = st.lists(
    st.lists(steps, min_size=1, max_size=3).map(
        lambda ops: tuple(op for at, op in enumerate(ops) if op != ("lock", "m") or not at)
    ),
    min_size=2,
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(ops=codes, seed=st.integers(0, 99))
@example(ops=[(("twice", "y", "x"),), (("skip", "y"),), (("read", "x"),)], seed=0)
@example(ops=list(ENDS), seed=2)
def test_parts_of_any_program(program_of: Any, ops: Any, seed: int) -> None:
    """Whatever tasks draw, wait for and lock, and however they fail, parts find the same."""
    code = tuple(ops)
    whole = explore_program(program_of(code))
    assume(whole.executions <= MANY)
    parts = in_parts(program_of(code), seed)
    assert (parts.executions, len(set(parts.classes))) == (whole.executions,) * 2
    assert parts.finals == whole.finals
