# SPDX-License-Identifier: MIT OR Apache-2.0
"""Folios: allocation, references, locks (spec 1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.page_alloc import (
    alloc_pages,
    folio_alloc_mpol,
    folio_lock,
    folio_put,
    folio_put_refs,
    folio_try_get,
    folio_trylock,
    folio_unlock,
    new_folio,
    vma_alloc_folio,
)
from swaptrio.mm.swap import lru_add

if TYPE_CHECKING:
    from collections.abc import Callable


def test_frame_numbers(world: Any) -> None:
    """A folio's frame numbers are aligned to its size and never given out twice."""
    folios = [new_folio(world.kernel, order) for order in (0, 3, 0, 9, 1)]

    frames = [folio.pfn + page for folio in folios for page in range(folio.nr)]
    assert len(set(frames)) == len(frames)
    assert all(folio.pfn % folio.nr == 0 for folio in folios)


def test_allocation(world: Any) -> None:
    """A new folio has one reference, which is the allocating task's, and no data."""

    async def main() -> None:
        folio = await vma_alloc_folio(world.kernel, "GFP", 1, world.mm, 16)
        assert folio is not None
        assert (folio.refs, folio.holders["main"], folio.pages) == (1, 1, [None, None])
        folio_put(world.kernel, folio)
        assert folio.freed

    world.play(main=main)
    assert world.kernel.folios == {}


@pytest.mark.parametrize("by", ["vma", "mpol"])
def test_allocation_fails(make_world: Callable[..., Any], by: str) -> None:
    """An allocation fails where the strategy says so."""
    world = make_world(may_fail=["alloc"])

    async def main() -> object:
        if by == "vma":
            return await vma_alloc_folio(world.kernel, "GFP", 0, world.mm, 16)
        return await folio_alloc_mpol(world.kernel, "GFP", 0, None, 0)

    result = world.play(main=main, choices={"alloc_pages.grant": ("fail",)})

    assert result["main"] is None


def test_allocation_sleeps(world: Any) -> None:
    """Nobody allocates under a spinlock (spec 10)."""

    async def main() -> None:
        async with world.mm.ptl.hold("main.ptl"):
            await alloc_pages(world.kernel, 0)

    world.play(main=main, ending="violation")
    assert world.execution.verdict.check == "I-SPIN"


def test_last_reference_frees(world: Any) -> None:
    """The last reference takes the folio off the LRU and uncharges it."""
    folio = new_folio(world.kernel, 1)
    folio.memcg = world.m1
    world.m1.memory = 2
    folio.refs = 3
    lru_add(world.kernel, folio)

    folio_put_refs(world.kernel, folio, 2)
    assert not folio.freed
    folio_put_refs(world.kernel, folio, 1)

    assert (folio.freed, folio.lru, folio.memcg, world.m1.memory) == (True, False, None, 0)
    assert world.kernel.lru == {}
    assert world.kernel.warnings == []


def test_no_reference_left(world: Any) -> None:
    """More references dropped than there were is a violation (I-REFS)."""

    async def main() -> None:
        folio = new_folio(world.kernel, 0)
        folio_put_refs(world.kernel, folio, 2)

    world.play(main=main, ending="violation")
    assert world.execution.verdict.check == "I-REFS"


def test_try_get(world: Any) -> None:
    """A reference is only taken of a folio that has one."""

    async def main() -> None:
        folio = new_folio(world.kernel, 0)
        assert folio_try_get(world.kernel, folio)
        assert (folio.refs, folio.holders["main"]) == (2, 1)
        folio.refs = 0
        assert not folio_try_get(world.kernel, folio)
        assert folio.refs == 0

    world.play(main=main)


def test_freed_while_locked_or_cached(world: Any) -> None:
    """A folio that is freed locked or cached is warned of."""

    async def main() -> None:
        folio = new_folio(world.kernel, 0)
        await folio_lock(world.kernel, folio, "main.lock")
        folio.swapcache = True
        folio_put_refs(world.kernel, folio, 1)
        await folio_unlock(world.kernel, folio, "main.unlock")

    world.play(main=main)
    assert world.kernel.warnings == ["freed while locked", "freed while in the swap cache"]


def test_trylock(world: Any) -> None:
    """A trylock says whether it got the lock, and does not wait."""

    async def main() -> None:
        folio = new_folio(world.kernel, 0)
        assert await folio_trylock(world.kernel, folio, "main.trylock")
        assert not await folio_trylock(world.kernel, folio, "main.trylock")
        await folio_unlock(world.kernel, folio, "main.unlock")

    world.play(main=main)
