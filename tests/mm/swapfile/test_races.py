# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the allocator does without a lock is known to be harmless (spec 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.checks import watch_races
from swaptrio.mm import setup
from swaptrio.mm.swap_h import SWP_PAGE_DISCARD
from swaptrio.mm.swapfile import folio_alloc_swap, folio_dup_swap, folio_put_swap
from swaptrio.sched import Execution, RandomWalk, choose, run

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("device", [{}, {"flags": SWP_PAGE_DISCARD}, {"rotates": True}])
def test_the_allocator_has_no_race(
    make_world: Callable[..., Any], device: dict[str, Any]
) -> None:
    """Whoever allocates, counts and frees at the same time touches nothing unordered."""
    for seed in range(6):
        world = make_world(clusters=3, device=device)
        for slot in range(1, 508):
            world.swapped(slot)
        world.swapped(508, count=14)
        execution = run(_program(world), RandomWalk(seed))
        assert execution.verdict is not None
        assert execution.verdict.ending.value == "passed", execution.verdict


def _program(world: Any) -> Callable[[Execution], None]:
    async def user() -> None:
        for _ in range(3):
            folio = await world.resident(choose("user.order", (0, 1, 9)))
            if await folio_alloc_swap(world.kernel, folio) is None:
                await folio_dup_swap(world.kernel, folio, 0)
                await folio_put_swap(world.kernel, folio, 0)
            await world.release(folio)

    async def freer() -> None:
        for slot in (1, 2, 508, 300):
            await world.disown(slot)

    def program(execution: Execution) -> None:
        for name, main in (("first", user), ("second", user), ("freer", freer)):
            execution.spawn(name, main)
        setup.start_daemons(world.kernel, execution)
        watch_races(world.kernel, execution)

    return program
