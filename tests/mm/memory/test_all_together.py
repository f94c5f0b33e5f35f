# SPDX-License-Identifier: MIT OR Apache-2.0
"""Everything that is done to the pages of a family of processes, at once and at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.huge_memory import deferred_split_scan
from swaptrio.mm.memory import (
    dup_mm,
    exit_mmap,
    mmap_region,
    unmap_page_range,
    user_pin_store,
    user_read,
    user_store,
)
from swaptrio.mm.migrate import move_page
from swaptrio.mm.mm_types import MmStruct
from swaptrio.mm.userfaultfd import move_pages
from swaptrio.mm.vmscan import madvise_pageout
from swaptrio.sched import RandomWalk

if TYPE_CHECKING:
    from collections.abc import Callable


def _jobs(world: Any) -> dict[str, Callable[[], Any]]:
    """What each task does; none of them knows of the others."""
    kernel, mm = world.kernel, world.mm

    async def users() -> None:
        for page in (4, 5, 16, 17, 3, 4):
            await user_store(kernel, mm, page)
            await user_read(kernel, mm, page)

    async def pins() -> None:
        for page in (5, 18):
            await user_pin_store(kernel, mm, page)
            await user_read(kernel, mm, page)

    async def reclaim() -> None:
        for page in (4, 17, 3, 16, 5):
            await madvise_pageout(kernel, mm, page)

    async def family() -> None:
        child = await dup_mm(kernel, mm, "Q")
        if isinstance(child, MmStruct):
            for page in (4, 16, 3):
                await user_read(kernel, child, page)
                await user_store(kernel, child, page)
            await madvise_pageout(kernel, child, 16)
            await exit_mmap(kernel, child)

    async def movers() -> None:
        await move_page(kernel, mm, 4)
        await move_pages(kernel, mm, 40, 3)
        await move_page(kernel, mm, 16)
        await move_pages(kernel, mm, 41, 17)
        await user_read(kernel, mm, 40)

    async def unmapper() -> None:
        await unmap_page_range(kernel, mm, 6, 1)
        await unmap_page_range(kernel, mm, 19, 1)
        await mmap_region(kernel, mm, 19, 1)
        await deferred_split_scan(kernel, world.m1, 9)
        await user_read(kernel, mm, 19)

    jobs = (users, pins, reclaim, family, movers, unmapper)
    return {job.__name__: job for job in jobs}


@pytest.mark.parametrize("variant", ["v3", "v5"])  # pre is out of memory at times (A05)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("sync", [True, False])
def test_nothing_is_lost(
    make_world: Callable[..., Any], variant: str, sync: bool, batch: int
) -> None:
    """Whatever comes first, each user reads what was stored last, and nothing is left over."""
    for seed in range(SEEDS):
        world = make_world(
            variant, watched=True, sync=sync, clusters=2, orders=0b110, lru_batch=batch
        )
        world.quad()
        world.swapped(24, page=3, count=2)
        setup.map_resident(world.kernel, world.mm, 4, 2)
        world.play(strategy=RandomWalk(seed), **_jobs(world))


#: Schedules of each kind of world that a test run looks at.
SEEDS = 5
