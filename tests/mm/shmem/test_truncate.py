# SPDX-License-Identifier: MIT OR Apache-2.0
"""Taking pages away from a file (spec 4.4, catalogue E03 and E04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.mm_types import PoisonPte, ShmemSwap
from swaptrio.mm.page_alloc import folio_lock, folio_put, folio_try_get, folio_unlock
from swaptrio.mm.shmem import shmem_split_large_entry, shmem_truncate_range
from swaptrio.sched import Run, point

if TYPE_CHECKING:
    from collections.abc import Callable


def _truncate(files: Any, start: int, end: int) -> Callable[[], Any]:
    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, start, end)

    return truncate


def test_all_kinds(make_files: Callable[..., Any]) -> None:
    """Folios, slots and poison go; what is outside of the range stays."""
    files = make_files()
    for index in (2, 4, 9):
        files.swapped(index, 16 + index)
    files.file.pages[5] = PoisonPte()

    async def main() -> None:
        await files.resident(3)
        await shmem_truncate_range(files.world.kernel, files.file, 3, 9)

    files.world.play(main=main)
    assert files.entries(3, 6) == ["-"] * 6
    assert list(files.file.pages) == [2, 9]
    assert list(files.file.newest) == [2, 9]
    assert (files.world.slots(20), files.world.kernel.folios) == ("-", {})
    assert files.world.kernel.vmstat.node["NR_FILE_PAGES"] == 0


def test_whole_large_entry(files: Any) -> None:
    """A large entry within the range goes with all its slots, without being brought back."""
    files.swapped(4, 16, nr=4)
    files.swapped(8, 32)

    async def main() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 4, 9)

    files.world.play(main=main)
    assert (files.file.pages, files.world.si.inuse_pages) == ({}, 0)


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [(0, 6, [6, 7]), (6, 12, [4, 5]), (5, 7, [4, 7])],
    ids=["end", "start", "both"],
)
def test_large_entry_that_crosses_a_border(
    files: Any, start: int, end: int, kept: list[int]
) -> None:
    """Its part outside of the range keeps its data, the other is zeros (E03)."""
    tokens = dict(enumerate(files.swapped(4, 16, nr=4), 4))

    async def main() -> list[object]:
        await shmem_truncate_range(files.world.kernel, files.file, start, end)
        return [await files.content(index) for index in range(4, 8)]

    expected = [tokens[index] if index in kept else 0 for index in range(4, 8)]
    assert files.world.play(main=main)["main"] == expected
    assert list(files.file.newest) == kept


def test_large_folio_within(make_files: Callable[..., Any]) -> None:
    """A large folio within the range goes whole."""
    files = make_files(orders=0b100)

    async def main() -> None:
        await files.resident(4)
        await shmem_truncate_range(files.world.kernel, files.file, 4, 8)

    files.world.play(main=main)
    assert (files.file.pages, files.world.kernel.folios) == ({}, {})


def test_border_that_cannot_be_read(make_files: Callable[..., Any]) -> None:
    """A large entry that cannot be brought back is passed."""
    files = make_files(may_fail=["read"])
    files.swapped(4, 16, nr=4)

    results = files.world.play(
        main=_truncate(files, 6, 12), choices={"submit_bio.status": ("fail",)}
    )

    assert results == {"main": None}
    assert files.entries(4, 4) == ["poison", "poison", "-", "-"]


def test_split_while_truncated(loose_files: Any) -> None:
    """An entry that is split meanwhile goes slot by slot; each count is dropped once (E03)."""
    files = loose_files
    files.swapped(4, 16, nr=4)

    async def split() -> object:
        entry = files.world.entry(16)
        return await shmem_split_large_entry(files.world.kernel, files.file, 4, entry)

    files.world.play(
        main=_truncate(files, 4, 8),
        split=split,
        window=[Run("main", "shmem_free_swap.lock"), Run("split"), Run("main")],
    )

    assert (files.file.pages, files.world.slots(16, 4)) == ({}, "- - - -")


def test_entry_that_grows_over_the_border(make_files: Callable[..., Any]) -> None:
    """An entry that covers more by the time it is taken is passed, not taken in part (E03)."""
    files = make_files(watched=False)
    files.swapped(4, 16)
    files.swapped(5, 17)

    async def other() -> None:
        del files.file.pages[4], files.file.pages[5]
        files.file.pages[4] = files.file.pages[5] = large

    large = ShmemSwap(files.world.entry(16), 1)
    files.world.play(
        main=_truncate(files, 4, 5),
        other=other,
        window=[Run("main", "shmem_free_swap.lock"), Run("other"), Run("main")],
    )

    assert files.entries(4, 2) == [f"{large.entry}/1"] * 2
    assert files.world.slots(16, 2) == "s1:0 s1:0"


def test_brought_back_while_truncated(files: Any) -> None:
    """An entry that a folio has replaced by then is looked up again, and the folio goes."""
    files.swapped(4, 16)

    async def reader() -> None:
        await files.content(4)

    files.world.play(
        main=_truncate(files, 4, 5),
        reader=reader,
        window=[Run("main", "shmem_free_swap.lock"), Run("reader"), Run("main")],
    )

    assert (files.file.pages, files.world.kernel.folios) == ({}, {})


def test_left_before_it_is_locked(files: Any) -> None:
    """A folio that has left the file by the time it is locked is looked up again."""

    async def first() -> None:
        await files.resident(3)
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    files.world.play(
        first=first,
        second=_truncate(files, 3, 4),
        window=[Run("first", "shmem_truncate_range.lock"), Run("second"), Run("first")],
    )

    assert (files.file.pages, files.world.kernel.folios) == ({}, {})


def test_poison_that_is_replaced(loose_files: Any) -> None:
    """A poison is taken away only if it is one still."""
    files = loose_files
    files.file.pages[4] = PoisonPte()

    async def other() -> None:
        files.swapped(4, 16)

    files.world.play(
        main=_truncate(files, 4, 5),
        other=other,
        window=[Run("main", "shmem_truncate_range.poison"), Run("other"), Run("main")],
    )

    assert files.entries(4) == [f"{files.world.entry(16)}/0"]


def test_waits_for_the_lock(files: Any) -> None:
    """Who truncates waits for whoever has a page locked."""

    async def holder() -> None:
        folio = await files.resident(3)
        assert folio_try_get(files.world.kernel, folio)
        await folio_lock(files.world.kernel, folio, "holder.lock")
        await point("holder.locked")
        assert files.entries(3) == ["folio"]
        await folio_unlock(files.world.kernel, folio, "holder.unlock")
        folio_put(files.world.kernel, folio)

    files.world.play(
        holder=holder,
        main=_truncate(files, 3, 4),
        window=[Run("holder", "holder.locked")],
    )

    assert files.file.pages == {}
