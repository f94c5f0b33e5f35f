# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shadows, and what they say when a folio comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.memory import handle_mm_fault
from swaptrio.mm.mm_types import PresentPte
from swaptrio.mm.page_alloc import new_folio
from swaptrio.mm.swap_table import xa_mk_value
from swaptrio.mm.vmscan import shrink_lruvec
from swaptrio.mm.workingset import workingset_eviction, workingset_refault

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio


def _folio(world: Any, memcg: Any = None, order: int = 0) -> Folio:
    folio = new_folio(world.kernel, order)
    folio.memcg = memcg
    return folio


def _active(world: Any, pages: int, memcg: Any) -> None:
    """Let a group have active pages on the LRU."""
    for page in range(pages):
        mm = setup.new_process(world.kernel, f"A{memcg.name}{page}", memcg)
        setup.map_resident(world.kernel, mm, page)
        pte = mm.ptes[page]
        assert isinstance(pte, PresentPte)
        pte.folio.active = True


@pytest.mark.parametrize("group", [False, True])
def test_distance(world: Any, group: bool) -> None:
    """The distance is what was evicted since, the folio's own pages included."""
    memcg = world.m1 if group else None
    shadow = workingset_eviction(world.kernel, _folio(world), memcg)
    workingset_eviction(world.kernel, _folio(world, order=2), memcg)
    workingset_eviction(world.kernel, _folio(world), world.m2)

    workingset_refault(world.kernel, _folio(world), shadow)

    assert world.kernel.workingset.distance == (5 if group else 6)
    assert (world.kernel.workingset.age, world.m1.nonresident_age) == (6, 5 * group)
    assert shadow != xa_mk_value(0)


@pytest.mark.parametrize(("active", "recent"), [(1, False), (2, True)])
def test_activation(world: Any, active: int, recent: bool) -> None:
    """A folio is active at once if no more was evicted since than there is active."""
    _active(world, active, world.m1)
    _active(world, 5, world.m2)
    shadow = workingset_eviction(world.kernel, _folio(world), world.m1)
    workingset_eviction(world.kernel, _folio(world), world.m1)
    back = _folio(world, world.m1)

    workingset_refault(world.kernel, back, shadow)

    assert (back.active, world.kernel.workingset.activations) == (recent, int(recent))
    assert world.m1.nonresident_age == 2 + recent
    assert (back.workingset, world.kernel.workingset.refaults) == (False, 1)


def test_groups_below_count(world: Any) -> None:
    """What is active in a group below counts, and its age goes up with that of its parent."""
    world.m2.parent = world.m1
    _active(world, 1, world.m2)
    shadow = workingset_eviction(world.kernel, _folio(world), world.m1)
    back = _folio(world, world.m2)

    workingset_refault(world.kernel, back, shadow)

    assert back.active
    assert (world.m1.nonresident_age, world.m2.nonresident_age) == (2, 1)


def test_of_the_whole(world: Any) -> None:
    """A folio that went in reclaim for all is measured against all."""
    _active(world, 1, world.m2)
    shadow = workingset_eviction(world.kernel, _folio(world))
    back = _folio(world, world.m1)
    workingset_refault(world.kernel, back, shadow)
    assert back.active


def test_restored(world: Any) -> None:
    """That a folio was in the working set when it went is known when it comes back in time."""
    _active(world, 1, world.m1)
    gone = _folio(world, world.m1)
    gone.workingset = True
    back = _folio(world, world.m1)

    workingset_refault(world.kernel, back, workingset_eviction(world.kernel, gone))

    assert (back.workingset, world.kernel.workingset.restores) == (True, 1)


def test_group_that_is_gone(world: Any) -> None:
    """The shadow of a group whose id is free says nothing."""
    _active(world, 3, world.m1)
    shadow = workingset_eviction(world.kernel, _folio(world), world.m2)
    del world.kernel.memcgs.by_id[2]
    back = _folio(world, world.m1)
    workingset_refault(world.kernel, back, shadow)
    assert (back.active, world.kernel.workingset.distance) == (False, 0)


def test_empty_shadow(world: Any) -> None:
    """The empty shadow counts as a refault, of nobody (A27)."""
    _active(world, 3, world.m1)
    back = _folio(world, world.m1)
    workingset_refault(world.kernel, back, xa_mk_value(0))
    assert (back.active, world.kernel.workingset.refaults) == (False, 1)


@pytest.mark.parametrize("why", ["full", "limit"])
def test_no_room_to_swap(world: Any, why: str) -> None:
    """Where nothing can be swapped out active pages could not have left instead."""
    _active(world, 3, world.m1)
    shadow = workingset_eviction(world.kernel, _folio(world), world.m1)
    if why == "full":
        world.kernel.nr_swap_pages = 0
    else:
        world.m1.swap_max = 0
    back = _folio(world, world.m1)
    workingset_refault(world.kernel, back, shadow)
    assert back.active is False


def test_limit_of_swap_is_not_asked_with_v1(make_world: Callable[..., Any]) -> None:
    """The limit of swap is one of v2."""
    world = make_world(memcg_v1=True)
    world.m1.swap_max = 0
    _active(world, 3, world.m1)
    back = _folio(world, world.m1)
    workingset_refault(
        world.kernel, back, workingset_eviction(world.kernel, _folio(world), world.m1)
    )
    assert back.active


def test_round_trip(make_world: Callable[..., Any]) -> None:
    """A page that reclaim for its group took is active when it comes back soon."""
    world = make_world("v5")
    setup.map_resident(world.kernel, world.mm, 3)
    _active(world, 2, world.m1)

    async def main() -> bool:
        assert await shrink_lruvec(world.kernel, 1, world.m1) == 1
        await handle_mm_fault(world.kernel, world.mm, 3, write=False)
        pte = world.mm.ptes[3]
        return isinstance(pte, PresentPte) and pte.folio.active

    assert world.play(main=main)["main"] is True
    assert world.kernel.workingset.distance == 1
