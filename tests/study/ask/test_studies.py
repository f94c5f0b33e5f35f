# SPDX-License-Identifier: MIT OR Apache-2.0
"""The studies of Q1 to Q6: each answer is found, and changes when what it is about does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import plain
from swaptrio.mm.page_io import swap_read_folio
from swaptrio.mm.swap_state import swap_cache_alloc_folio
from swaptrio.study.ask import Answered, Decided, ask, q01, q03, q05, q06, studies
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from collections.abc import Callable


def with_functions(name: str, **functions: Callable[..., Any]) -> Variant:
    """A version in which *functions* run in place of its own."""
    variant = load(name)
    return attrs.evolve(variant, functions={**variant.functions, **functions})


async def answer(name: str, **instead: str | Variant) -> Answered:
    """Ask a question, with other versions in the place of some; ``_`` stands for ``-``."""
    given = {
        key.replace("_", "-"): load(each) if isinstance(each, str) else each
        for key, each in instead.items()
    }
    [study] = studies(name)
    return await ask(study, instead=given)


def holds(answered: Answered) -> list[bool]:
    """Of each sentence whether the findings bear it out."""
    return [claim.holds for claim in answered.answer.claims]


@pytest.fixture
def three_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Q1 with the orders 0 to 2 only, which takes no time."""
    monkeypatch.setattr(q01, "_ORDERS", 3)


@pytest.mark.usefixtures("three_orders")
async def test_q1() -> None:
    """Without bit 0 the literal expression differs; all combinations are counted.

    A set with n large orders has 5 * 3**n ways to come to order 0, and 3 to end at each large
    order, of which 3**k come to the k-th.
    """
    answered = await answer("Q1")

    ways = {n: 5 * 3**n + sum(3 * 3**k for k in range(n)) for n in range(3)}
    expected = sum(ways[(orders >> 1).bit_count()] for orders in range(8))
    [with_thp, without_thp, *_] = answered.answer.tables
    assert sum(int(row[1]) for row in with_thp.rows) == expected
    assert without_thp.rows[0][1:3] == ("40", "0")
    assert holds(answered) == [True, True]
    assert answered.decided is Decided.REFUTED


@pytest.mark.usefixtures("three_orders")
async def test_q1_of_the_same() -> None:
    """Where the reviewer's version is v3 itself the study says that nothing differs."""
    answered = await answer("Q1", chris_literal="v3")

    assert holds(answered) == [False, False]
    assert answered.answer.sentences[0].startswith("Yes: none of ")


@pytest.mark.usefixtures("three_orders")
async def test_q1_of_another() -> None:
    """A version that differs elsewhere is told from the literal expression."""
    answered = await answer("Q1", chris_literal="no-range-check")

    assert holds(answered)[0] is False
    assert "not as foreseen" in answered.answer.sentences[0]


@pytest.mark.parametrize(("instead", "expected"), [
    ({"v3": "v5"}, [False, False]),
    ({"v5": "v3"}, [False, True]),
])  # fmt: skip
async def test_q2(instead: dict[str, str], expected: list[bool]) -> None:
    """A v3 that does not force order 0 livelocks, and a v5 that does does not."""
    assert holds(await answer("Q2", **instead)) == expected


async def read_the_first(kernel: Any, folio: Any, *more: Any) -> Any:
    """Read the first slot of the entry, whatever slot the folio is for."""
    result = await plain(swap_read_folio)(kernel, folio, *more)
    folio.pages[0] = kernel.devices[0].data[32]
    return result


async def test_q3_of_the_wrong_slot() -> None:
    """Data of the first slot is wrong for the three other pages."""
    answered = await answer("Q3", v3=with_functions("v3", swap_read_folio=read_the_first))

    assert holds(answered) == [False, True]
    named = answered.answer.sentences[0]
    assert [f"page {index} in v3" in named for index in range(4)] == [False, True, True, True]
    assert "in v4" not in named


async def test_q3_without_a_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the large allocation does not fail the study says that it shows nothing."""
    monkeypatch.setattr(q03, "_none_large", load("v3").functions.get("alloc_pages", granted))

    assert holds(await answer("Q3")) == [True, False]


async def granted(kernel: Any, order: int) -> Any:
    """An allocator that has what is asked for."""
    from swaptrio.mm.page_alloc import alloc_pages

    return await plain(alloc_pages)(kernel, order)


@pytest.mark.parametrize(("instead", "expected"), [
    ({"v5": "v4"}, [True, False]),
    ({"v3": "v5"}, [True, False]),
    ({"no_range_check": "v3"}, [False, True]),
    ({"v4": "no-range-check"}, [False, True]),
])  # fmt: skip
async def test_q4(instead: dict[str, str], expected: list[bool]) -> None:
    """Each sentence depends on the versions that it speaks of."""
    assert holds(await answer("Q4", **instead)) == expected


@pytest.mark.parametrize(("instead", "expected"), [
    ({"v4": "no-range-check"}, [False, False]),
    ({"v5": "v4"}, [True, False]),
])  # fmt: skip
async def test_q5(
    instead: dict[str, str], expected: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that leaves slots out is seen, and so is a v5 that lets order 10 pass."""
    monkeypatch.setattr(q05, "_TARGETS", range(504, 512))

    assert holds(await answer("Q5", **instead)) == expected


async def gives_up(
    kernel: Any, entry: Any, gfp: Any, mpol: Any, ilx: Any, *, readahead: bool
) -> Any:
    """A reader that never looks for a folio that is there already."""
    ret = await swap_cache_alloc_folio(kernel, entry, gfp, 1, None, mpol, ilx)
    if isinstance(ret, Errno):
        return None
    await swap_read_folio(kernel, ret)
    return ret


@pytest.fixture
def no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Q6 without the fault, which takes most of its time."""
    monkeypatch.setattr(q06, "_OTHERS", ("reader", "zap"))


@pytest.mark.usefixtures("no_fault")
async def test_q6_without_any_lookup() -> None:
    """A reader that never looks ends in other ways, and the study sees it."""
    answered = await answer("Q6", v4=with_functions("v4", swap_cache_read_folio=gives_up))

    assert holds(answered) == [False, True]
    assert answered.answer.sentences[0].startswith("No: beside reader")


@pytest.mark.usefixtures("no_fault")
async def test_q6_of_a_filter_that_is_none() -> None:
    """Where pre has no filter either the second sentence says so."""
    assert holds(await answer("Q6", pre="v3")) == [True, False]
