# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading and writing a shmem file (spec 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.mm_types import PoisonPte
from swaptrio.mm.page_alloc import new_folio
from swaptrio.mm.shmem import shmem_get_folio, shmem_read, shmem_truncate_range, shmem_write
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


def test_read_of_a_hole(files: Any) -> None:
    """A page that was never written is a hole, and stays one when it is read."""

    async def main() -> str:
        return await shmem_read(files.world.kernel, files.file, 3)

    assert files.world.play(main=main)["main"] == "hole"
    assert (files.file.pages, files.world.kernel.folios) == ({}, {})


def test_write_and_read(files: Any) -> None:
    """What was written is what is read, in a dirty folio that the file holds and is charged."""

    async def main() -> list[str]:
        return [
            await shmem_write(files.world.kernel, files.file, 3),
            await shmem_read(files.world.kernel, files.file, 3),
        ]

    assert files.world.play(main=main)["main"] == ["stored", "read"]
    folio = files.file.pages[3]
    assert folio.pages == [files.file.newest[3]]
    assert (folio.dirty, folio.uptodate, folio.lru, folio.refs) == (True, True, True, 1)
    assert (files.world.m1.memory, files.world.kernel.vmstat.node["NR_SHMEM"]) == (1, 1)


@pytest.mark.parametrize(
    ("taken", "order"), [((), 2), ((1,), 1), ((1, 3), 0)], ids=["free", "half", "none"]
)
def test_write_makes_a_large_folio(
    make_files: Callable[..., Any], taken: tuple[int, ...], order: int
) -> None:
    """A new folio has the highest order of the file whose range is empty."""
    files = make_files(orders=0b110)
    for index in taken:
        files.file.pages[index] = PoisonPte()

    async def main() -> str:
        return await shmem_write(files.world.kernel, files.file, 2)

    assert files.world.play(main=main)["main"] == "stored"
    folio = files.file.pages[2]
    assert (folio.order, folio.index) == (order, 2 & -(1 << order))
    assert sorted(token for token in folio.pages if token) == [files.file.newest[2]]


def test_no_large_folio_without_thp(make_files: Callable[..., Any]) -> None:
    """Without THP a file has small folios only."""
    files = make_files(orders=0b100, thp=False)

    async def main() -> str:
        return await shmem_write(files.world.kernel, files.file, 2)

    files.world.play(main=main)
    assert files.file.pages[2].order == 0


@pytest.mark.parametrize(
    ("may_fail", "label", "choices", "expected"),
    [
        ("alloc", "alloc_pages.grant", ("fail",), "stored"),
        ("alloc", "alloc_pages.grant", ("fail", "fail"), "ENOMEM"),
        ("charge", "charge_memcg.grant", ("fail",), "ENOMEM"),
    ],
)
def test_write_without_memory(
    make_files: Callable[..., Any],
    may_fail: str,
    label: str,
    choices: tuple[str, ...],
    expected: str,
) -> None:
    """Where no order can be had, or the charge fails, a write fails and leaves nothing."""
    files = make_files(orders=0b10, may_fail=[may_fail])

    async def main() -> str:
        return await shmem_write(files.world.kernel, files.file, 2)

    assert files.world.play(main=main, choices={label: choices})["main"] == expected
    assert (2 in files.file.pages) is (expected == "stored")
    assert len(files.world.kernel.folios) == files.world.m1.memory == (expected == "stored")


def test_write_of_two(files: Any) -> None:
    """Of two who fill a hole one loses, lets its folio go, and finds the other's."""

    async def main() -> str:
        return await shmem_write(files.world.kernel, files.file, 2)

    results = files.world.play(
        first=main,
        second=main,
        window=[Run("first", "shmem_add_to_page_cache.lock"), Run("second"), Run("first")],
    )

    assert results == {"first": "stored", "second": "stored"}
    assert len(files.world.kernel.folios) == files.world.m1.memory == 1


def test_swapped_in(make_files: Callable[..., Any]) -> None:
    """What is swapped out is brought back to be read, and its slot is free then."""
    files = make_files()
    (token,) = files.swapped(3, 16)

    async def main() -> object:
        return await files.content(3)

    assert files.world.play(main=main)["main"] == token
    assert (files.entries(3), files.world.slots(16)) == (["folio"], "-")


def test_poison(files: Any) -> None:
    """Lost data is an error for whoever reads or writes."""
    files.file.pages[3] = PoisonPte()

    async def main() -> list[str]:
        return [
            await shmem_read(files.world.kernel, files.file, 3),
            await shmem_write(files.world.kernel, files.file, 3),
        ]

    assert files.world.play(main=main)["main"] == ["EIO", "EIO"]


def test_truncated_before_it_is_locked(files: Any) -> None:
    """A folio that has left the file by the time it is locked is looked up again."""

    async def main() -> object:
        await files.resident(3)
        return await shmem_get_folio(files.world.kernel, files.file, 3, write=False)

    async def other() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    results = files.world.play(
        main=main, other=other, window=[Run("main", "shmem_get_folio.lock"), Run("other")]
    )

    assert results["main"] is None
    assert files.world.kernel.folios == {}


def test_replaced_before_it_is_held(loose_files: Any) -> None:
    """A lookup that gets a folio which is not there any more looks again."""
    files = loose_files
    files.swapped(3, 16)

    async def main() -> object:
        await files.content(3)
        return await shmem_get_folio(files.world.kernel, files.file, 3, write=False)

    async def other() -> None:
        files.file.pages[3].refs += 1  # somebody else keeps it from being freed
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    results = files.world.play(
        main=main,
        other=other,
        window=[Run("main", "filemap_get_entry.get"), Run("other"), Run("main")],
    )

    assert results["main"] is None


def test_lookup_of_a_folio_without_references(loose_files: Any) -> None:
    """A folio whose references are frozen is looked up again."""
    files = loose_files
    folio = new_folio(files.world.kernel, 0)
    folio.refs = 0
    files.file.pages[3] = folio

    async def main() -> object:
        return await shmem_get_folio(files.world.kernel, files.file, 3, write=False)

    async def other() -> None:
        del files.file.pages[3]

    results = files.world.play(
        main=main,
        other=other,
        window=[Run("main", "filemap_get_entry.lookup", times=3), Run("other")],
    )

    assert results["main"] is None


def test_failed_write_says_why(make_files: Callable[..., Any]) -> None:
    """A page that cannot be brought back is not written, and stays where it is."""
    files = make_files(may_fail=["alloc"])
    files.swapped(3, 16)

    async def main() -> str:
        return await shmem_write(files.world.kernel, files.file, 3)

    result = files.world.play(main=main, choices={"alloc_pages.grant": ("fail",)})
    assert result["main"] == str(Errno.ENOMEM)
    assert (files.entries(3), files.world.slots(16)) == (["16/0"], "s1:0")
