# SPDX-License-Identifier: MIT OR Apache-2.0
"""Swapping pages of a file out (spec 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.page_alloc import folio_put, folio_try_get
from swaptrio.mm.shmem import shmem_truncate_range
from swaptrio.mm.vmscan import shrink_lruvec
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = pytest.mark.parametrize("sync", [True, False])


@BOTH
@pytest.mark.parametrize("orders", [0, 0b100])
def test_round_trip(make_files: Callable[..., Any], sync: bool, orders: int) -> None:
    """What goes out comes back with the data that was stored last, whatever its size."""
    files = make_files(sync=sync, orders=orders, clusters=2)
    nr = 4 if orders else 1

    async def main() -> tuple[str, list[str], list[object]]:
        folio = await files.resident(4)
        out = await files.swap_out(folio)
        assert folio.freed
        entries = files.entries(4, nr)
        return out, entries, [await files.content(index) for index in range(4, 4 + nr)]

    out, entries, content = files.world.play(main=main)["main"]
    assert out == "reclaimed"
    assert len({*entries}) == 1
    assert entries[0].endswith("/2" if orders else "/0")
    assert content == [files.file.newest[index] for index in range(4, 4 + nr)]
    assert files.world.kernel.warnings == []
    assert (files.world.m1.memory, files.world.m1.swap) == (nr, 0)


def test_count_before_entry(files: Any) -> None:
    """The counts of the slots are raised before the file names them (E04)."""
    seen: list[str] = []

    async def main() -> str:
        return str(await files.swap_out(await files.resident(3)))

    async def observer() -> None:
        seen.extend([*files.entries(3), files.world.slots(1)])

    files.world.play(
        main=main,
        observer=observer,
        window=[Run("main", "shmem_delete_from_page_cache.lock"), Run("observer")],
    )
    assert seen == ["folio", "f1"]


def test_no_slots(make_files: Callable[..., Any]) -> None:
    """Without slots a page stays in its file, dirty and active."""
    files = make_files()
    for slot in range(1, 512):
        files.world.swapped(slot)

    async def main() -> tuple[str, Any]:
        folio = await files.resident(3)
        return await files.swap_out(folio), folio

    why, folio = files.world.play(main=main)["main"]
    assert why == "being written"
    assert (folio.dirty, folio.active, folio.lru, folio.refs) == (True, True, True, 1)
    assert files.entries(3) == ["folio"]


@pytest.mark.parametrize("truncated", [False, True])
def test_goes_back_where_it_may_not_be_written(files: Any, truncated: bool) -> None:
    """Where its group lets nothing past zswap a page goes back, unless its entry is gone."""
    files.world.m1.zswap_writeback = False

    async def main() -> str:
        return str(await files.swap_out(await files.resident(3)))

    async def truncate() -> None:
        if truncated:
            await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    results = files.world.play(
        main=main,
        truncate=truncate,
        window=[Run("main", "shmem_add_to_page_cache.lock", times=2), Run("truncate")],
    )

    assert results["main"] == "being written"
    assert files.entries(3) == (["-"] if truncated else ["folio"])
    assert files.world.slots(1) == "-"
    assert len(files.world.kernel.folios) == (not truncated)


def test_truncated_while_written(make_files: Callable[..., Any]) -> None:
    """A file that is truncated meanwhile drops the slots, and the folio gives them back."""
    files = make_files(sync=False)

    async def main() -> str:
        return str(await files.swap_out(await files.resident(3)))

    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    files.world.play(
        main=main,
        truncate=truncate,
        window=[Run("main", "shrink_folio_list.writeback"), Run("truncate"), Run("main")],
    )

    assert files.entries(3) == ["-"]
    assert (files.world.slots(1), files.world.kernel.folios) == ("-", {})


def test_brought_back_while_written(make_files: Callable[..., Any]) -> None:
    """Who wants a page that is being written waits for that, and takes it out of the cache."""
    files = make_files(sync=False)

    async def main() -> str:
        return str(await files.swap_out(await files.resident(3)))

    async def reader() -> object:
        return await files.content(3)

    results = files.world.play(
        main=main,
        reader=reader,
        window=[
            Run("main", "shrink_folio_list.writeback"),
            Run("reader", "shmem_swapin_folio.writeback"),
        ],
    )

    assert results["reader"] == files.file.newest[3]


def test_reclaim_finds_the_pages_of_files(files: Any) -> None:
    """Pages of a file are on the LRU like others."""

    async def main() -> int:
        await files.resident(3)
        return await shrink_lruvec(files.world.kernel, 1)

    assert files.world.play(main=main)["main"] == 1
    assert files.world.kernel.vmstat.node["NR_SHMEM"] == 0


def test_truncated_while_isolated(files: Any) -> None:
    """A folio that is in no cache any more is not written, whoever holds it and dirties it."""

    async def main() -> tuple[str, int]:
        folio = await files.resident(3)
        assert folio_try_get(files.world.kernel, folio)
        why = await files.swap_out(folio)
        refs = folio.refs
        folio_put(files.world.kernel, folio)
        return why, refs

    async def truncate() -> None:
        folio = files.file.pages[3]
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)
        folio.dirty = True

    results = files.world.play(
        main=main,
        truncate=truncate,
        window=[Run("main", "shrink_folio_list.trylock"), Run("truncate")],
    )

    assert results["main"] == ("in use", 1)
    assert (files.world.kernel.folios, files.world.kernel.warnings) == ({}, [])
