# SPDX-License-Identifier: MIT OR Apache-2.0
"""Raising and lowering counts, and the extend table (spec 1.5, 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.swap_table import SWP_TB_BAD
from swaptrio.mm.swapfile import (
    folio_dup_swap,
    folio_put_swap,
    swap_dup_entry_direct,
    swap_retry_table_alloc,
)
from swaptrio.mm.swapfile.counts import _swap_cluster_dup_entry, _swap_cluster_put_entry
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.mm_types import Folio

GRANT = "swap_extend_table_alloc.grant"


async def _raise(world: Any, folio: Folio, times: int, page: int | None = 0) -> None:
    for _ in range(times):
        assert await folio_dup_swap(world.kernel, folio, page) is None


async def _lower(world: Any, folio: Folio, times: int) -> None:
    for _ in range(times):
        await folio_put_swap(world.kernel, folio, 0)


def _extended(world: Any) -> dict[int, int] | None:
    table: dict[int, int] | None = world.si.clusters[0].extend_table
    return table


def test_dup_and_put_of_all(make_world: Callable[..., Any]) -> None:
    """Without a page number the counts of all slots change."""
    world = make_world(clusters=2)

    async def main() -> None:
        folio = await world.given_slots(1)
        await _raise(world, folio, 1, None)
        await _raise(world, folio, 1, 1)
        assert world.slots(512, 2) == "f1 f2"
        await folio_put_swap(world.kernel, folio, None)
        assert world.slots(512, 2) == "f0 f1"
        await world.release(folio)

    world.play(main=main)


def test_a_count_of_15_and_more_is_in_the_extend_table(world: Any) -> None:
    """The word holds up to 14; from then on it says 15, and the table has the true count. On
    the way back the table goes with the last count that needs it (spec 1.5)."""

    async def main() -> None:
        folio = await world.given_slots()
        await _raise(world, folio, 14)
        assert (world.slots(1), _extended(world)) == ("f14", None)
        await _raise(world, folio, 1)
        assert (world.slots(1), _extended(world)) == ("f15", {1: 15})
        await _raise(world, folio, 3)
        assert (world.slots(1), _extended(world)) == ("f15", {1: 18})
        await _lower(world, folio, 3)
        assert (world.slots(1), _extended(world)) == ("f15", {1: 15})
        await _lower(world, folio, 1)
        assert (world.slots(1), _extended(world)) == ("f14", None)
        await _lower(world, folio, 14)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(1) == "f0"
    assert world.kernel.warnings == []


def test_the_table_stays_while_another_slot_needs_it(world: Any) -> None:
    """The table is the cluster's: it goes with the last slot that has a count in it."""
    world.swapped(16, count=14)

    async def main() -> None:
        folio = await world.given_slots()
        await _raise(world, folio, 15)
        assert await swap_dup_entry_direct(world.kernel, world.entry(16)) is None
        assert _extended(world) == {1: 15, 16: 15}
        await _lower(world, folio, 15)
        assert _extended(world) == {16: 15}
        await world.release(folio)

    world.play(main=main)


@pytest.mark.parametrize("order", [0, 1])
def test_no_memory_for_the_table(make_world: Callable[..., Any], order: int) -> None:
    """Without memory for the table the count cannot be raised: ENOMEM, and no other slot of the
    folio has a higher count (spec 1.5)."""
    world = make_world(clusters=2, may_fail=["extend"])

    async def main() -> None:
        folio = await world.given_slots(order)
        await _raise(world, folio, 14, order)
        assert await folio_dup_swap(world.kernel, folio, None) is Errno.ENOMEM
        assert world.slots(512 if order else 1, 1 << order) == ("f0 f14" if order else "f14")
        await world.release(folio)

    world.play(main=main, choices={GRANT: ("fail",)})
    assert world.si.clusters[order].extend_table is None


@pytest.mark.parametrize("meanwhile", ["freed", "lowered", "table"])
def test_what_can_happen_while_the_table_is_allocated(world: Any, meanwhile: str) -> None:
    """The lock is dropped for the allocation. When it is back the slot may be free, have a
    lower count, or a table may be there: then the new one is not used (C09)."""
    world.swapped(16, count=14)
    world.swapped(17, count=14)

    async def main() -> Errno | None:
        return await swap_retry_table_alloc(world.kernel, world.entry(16))

    async def other() -> None:
        if meanwhile == "table":
            assert await swap_dup_entry_direct(world.kernel, world.entry(17)) is None
            return
        for _ in range(14 if meanwhile == "freed" else 1):
            await world.disown(16)

    results = world.play(
        main=main,
        other=other,
        window=[Run("main", "swap_extend_table_alloc.lock"), Run("other"), Run("main")],
    )
    assert results["main"] is None
    assert _extended(world) == ({17: 15} if meanwhile == "table" else None)


def test_the_cluster_can_be_gone_when_the_table_comes(make_world: Callable[..., Any]) -> None:
    """Where the slot was the last one of its cluster there is no table of words any more."""
    world = make_world(clusters=2)
    world.swapped(600)

    async def main() -> Errno | None:
        return await swap_retry_table_alloc(world.kernel, world.entry(600))

    async def other() -> None:
        await world.disown(600)

    results = world.play(
        main=main,
        other=other,
        window=[Run("main", "swap_extend_table_alloc.lock"), Run("other"), Run("main")],
        oracles=True,
    )
    assert results["main"] is None
    assert world.si.clusters[1].extend_table is None


def test_a_raise_is_repeated_with_the_table_there(world: Any) -> None:
    """Two who raise a count at the same time both succeed, with the table of one of them."""
    world.swapped(16, count=14)

    async def user() -> Errno | None:
        return await swap_dup_entry_direct(world.kernel, world.entry(16))

    results = world.play(
        first=user,
        second=user,
        window=[Run("first", "swap_extend_table_alloc.lock"), Run("second"), Run("first")],
    )
    assert results == {"first": None, "second": None}
    assert (world.slots(16), _extended(world)) == ("s15:0", {16: 16})


def test_a_table_that_nobody_needs_goes_with_the_next_count(world: Any) -> None:
    """A table that came too late stays until a count that could need one is lowered."""
    world.swapped(16, count=14)

    async def main() -> list[object]:
        assert await swap_retry_table_alloc(world.kernel, world.entry(16)) is None
        seen: list[object] = [_extended(world)]
        await world.disown(16)
        return [*seen, _extended(world)]

    assert world.play(main=main)["main"] == [{}, None]


def test_retry_of_the_allocation(make_world: Callable[..., Any]) -> None:
    """Fork asks for the table again where it may sleep; without the device there is nothing to
    ask for."""
    world = make_world(may_fail=["extend"])
    world.swapped(16, count=14)

    async def main() -> list[Errno | None]:
        entries = (world.entry(16), world.entry(16), swp_entry(3, 16))
        return [await swap_retry_table_alloc(world.kernel, entry) for entry in entries]

    results = world.play(main=main, choices={GRANT: ("fail", "ok")})
    assert results["main"] == [Errno.ENOMEM, None, None]
    assert world.si.users == 1


@pytest.mark.parametrize(
    ("slot", "error", "warning"),
    [
        (0, Errno.EINVAL, "count of a bad slot raised"),
        (16, Errno.ENOENT, "count of an unused slot raised"),
    ],
)
def test_slots_that_cannot_be_raised(world: Any, slot: int, error: Errno, warning: str) -> None:
    """A bad slot has no count, and one that is neither cached nor in use gets none."""
    ci = world.si.clusters[0]
    assert ci.table[0] == SWP_TB_BAD

    assert _swap_cluster_dup_entry(world.kernel, ci, slot) is error
    assert world.kernel.warnings == [warning]


def test_put_of_a_cached_unused_slot_warns(world: Any) -> None:
    """A folio's slot cannot be put below 0."""

    async def main() -> None:
        folio = await world.given_slots()
        await folio_put_swap(world.kernel, folio, 0)
        await world.release(folio)

    world.play(main=main)
    assert world.slots(1) == "f0"
    assert world.kernel.warnings == ["count of an unused slot dropped"]


@pytest.mark.parametrize("change", [_swap_cluster_put_entry, _swap_cluster_dup_entry])
def test_a_full_count_without_a_table_is_a_crash(
    world: Any, change: Callable[..., object]
) -> None:
    """A word that says 15 has its count in a table; the kernel does not look if that is there
    (as for a bad slot that was swapped in, A15)."""
    world.swapped(16, count=15)

    async def main() -> None:
        change(world.kernel, world.si.clusters[0], 16)

    world.play(main=main, ending="violation")
    assert world.execution.verdict.check == "BUG"
    assert "NULL extend table" in world.execution.verdict.message


def test_a_count_in_the_table_that_is_too_small_is_warned_of(world: Any) -> None:
    """What the table holds begins with 15 (spec 1.5)."""
    world.swapped(16, count=15)
    ci = world.si.clusters[0]
    ci.extend_table = {16: 3}

    _swap_cluster_put_entry(world.kernel, ci, 16)

    assert world.kernel.warnings == ["extended count is too small"]
