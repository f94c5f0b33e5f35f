# SPDX-License-Identifier: MIT OR Apache-2.0
"""The LRU and its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.memory import zap_pte_range
from swaptrio.mm.page_alloc import alloc_pages, folio_put
from swaptrio.mm.swap import (
    folio_add_lru,
    folio_isolate_lru,
    folio_putback_lru,
    lru_add_drain,
    lru_add_drain_all,
)
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


async def _fresh(world: Any, order: int = 0) -> Folio:
    folio = await alloc_pages(world.kernel, order)
    assert folio is not None
    folio_add_lru(world.kernel, folio)
    return folio


def _state(folio: Folio) -> tuple[int, bool]:
    return folio.refs, folio.lru


@pytest.mark.parametrize(("batch", "states"), [(1, [(1, True)] * 3), (3, [(1, True)] * 3)])
def test_full_batch(
    make_world: Callable[..., Any], batch: int, states: list[tuple[int, bool]]
) -> None:
    """A batch gets to the LRU when it is full, in the order of its folios."""
    world = make_world(lru_batch=batch)

    async def main() -> list[Folio]:
        return [await _fresh(world) for _ in range(3)]

    folios = world.play(main=main)["main"]
    assert [_state(folio) for folio in folios] == states
    assert list(world.kernel.lru.values()) == folios
    assert world.kernel.lru_batches == {}


def test_waiting_in_a_batch(make_world: Callable[..., Any]) -> None:
    """A folio in a batch is not on the LRU, and has a reference of the batch."""
    world = make_world(lru_batch=3)

    async def main() -> Folio:
        return await _fresh(world)

    folio = world.play(main=main)["main"]
    assert _state(folio) == (2, False)
    assert world.kernel.lru_batches == {"main": [folio]}


def test_large_folio_drains(make_world: Callable[..., Any]) -> None:
    """A large folio does not wait, nor does what is in the batch already."""
    world = make_world(lru_batch=31)

    async def main() -> list[Folio]:
        return [await _fresh(world), await _fresh(world, 1)]

    assert [_state(folio) for folio in world.play(main=main)["main"]] == [(1, True)] * 2


def test_draining(make_world: Callable[..., Any]) -> None:
    """A task drains its own CPU, or all."""
    world = make_world(lru_batch=31)
    states: list[list[tuple[int, bool]]] = []

    async def other() -> Folio:
        return await _fresh(world)

    async def main() -> None:
        folios = [await _fresh(world), *world.kernel.lru_batches["other"]]
        await lru_add_drain(world.kernel)
        states.append([_state(folio) for folio in folios])
        await lru_add_drain_all(world.kernel)
        states.append([_state(folio) for folio in folios])

    world.play(other=other, main=main)
    assert states == [[(1, True), (2, False)], [(1, True), (1, True)]]


def test_last_reference_is_the_batch(make_world: Callable[..., Any]) -> None:
    """A folio that nobody else wants is freed when its batch is drained."""
    world = make_world(lru_batch=31)

    async def main() -> bool:
        folio = await _fresh(world)
        folio_put(world.kernel, folio)
        assert not folio.freed
        await lru_add_drain(world.kernel)
        return folio.freed

    assert world.play(main=main)["main"]
    assert (world.kernel.lru, world.kernel.folios) == ({}, {})


def test_twice_on_the_lru(world: Any) -> None:
    """A folio is on the LRU once."""

    async def main() -> None:
        folio_add_lru(world.kernel, await _fresh(world))

    world.play(main=main)
    assert world.kernel.warnings == ["added to the LRU twice"]


def test_isolation(world: Any) -> None:
    """Who isolates a folio holds it; of two that try one gets it; it comes back as youngest."""
    folio, other = (setup.map_resident(world.kernel, world.mm, page) for page in (3, 4))
    assert list(world.kernel.lru.values()) == [folio, other]

    async def main() -> list[object]:
        done: list[object] = [
            await folio_isolate_lru(world.kernel, folio),
            await folio_isolate_lru(world.kernel, folio),
            (_state(folio), folio.holders["main"], list(world.kernel.lru.values()) == [other]),
        ]
        await folio_putback_lru(world.kernel, folio)
        return done

    done = world.play(main=main)["main"]
    assert done == [True, False, ((2, False), 1, True)]
    assert list(world.kernel.lru.values()) == [other, folio]
    assert _state(folio) == (1, True)


def test_isolated_and_unmapped(world: Any) -> None:
    """A folio that is unmapped while isolated is freed when it is put back."""
    folio = setup.map_resident(world.kernel, world.mm, 3)

    async def isolator() -> bool:
        await folio_isolate_lru(world.kernel, folio)
        await point("isolator.isolated")
        await folio_putback_lru(world.kernel, folio)
        return folio.freed

    async def zap() -> None:
        await zap_pte_range(world.kernel, world.mm, 3, 1)

    results = world.play(
        isolator=isolator,
        zap=zap,
        window=[Run("isolator", "isolator.isolated"), Run("zap"), Run("isolator")],
    )

    assert results["isolator"]
    assert world.kernel.lru == {}
