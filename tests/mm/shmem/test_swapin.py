# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bringing pages of a file back, with all that can come between (spec 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm.errno import Errno
from swaptrio.mm.mm_types import Folio, ShmemSwap
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.shmem import (
    shmem_add_to_page_cache,
    shmem_split_large_entry,
    shmem_swapin_folio,
    shmem_truncate_range,
    shmem_unuse,
)
from swaptrio.mm.swap_state import swap_cache_get_folio
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = pytest.mark.parametrize("sync", [True, False])
VARIANTS = pytest.mark.parametrize("variant", ["v3", "v4", "v5"])


def _contents(files: Any, *indices: int) -> Callable[[], Any]:
    async def main() -> list[object]:
        return [await files.content(index) for index in indices]

    return main


@BOTH
@pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])
def test_small(make_files: Callable[..., Any], variant: str, sync: bool) -> None:
    """A page comes back dirty, in the file alone, and its slot is free."""
    files = make_files(variant, sync=sync)
    (token,) = files.swapped(3, 16)

    assert files.world.play(main=_contents(files, 3))["main"] == [token]
    folio = files.file.pages[3]
    assert (folio.dirty, folio.swapcache, folio.refs, folio.lru) == (True, False, 1, True)
    assert (files.world.slots(16), files.world.m1.swap, files.world.si.users) == ("-", 0, 1)
    assert files.world.kernel.vmstat.node["NR_FILE_PAGES"] == 1


@VARIANTS
@pytest.mark.parametrize("index", [4, 5, 7])
def test_large(make_files: Callable[..., Any], variant: str, index: int) -> None:
    """On a synchronous device a large entry comes back whole, whichever page is asked."""
    files = make_files(variant)
    tokens = files.swapped(4, 16, nr=4)

    result = files.world.play(main=_contents(files, index, 4, 5, 6, 7))["main"]

    assert result == [tokens[index - 4], *tokens]
    assert files.file.pages[4].order == 2
    assert files.world.slots(16, 4) == "- - - -"


@pytest.mark.parametrize("how", ["async", "thp", "zswap"])
def test_large_entry_in_small_folios(make_files: Callable[..., Any], how: str) -> None:
    """A large entry is split where only small folios are had, each from its own slot (Q3)."""
    settings: dict[str, dict[str, Any]] = {
        "async": {"sync": False},
        "thp": {"thp": False},
        "zswap": {"zswap_ever_enabled": True},
    }
    files = make_files(**settings[how])
    tokens = files.swapped(4, 16, nr=4)

    assert files.world.play(main=_contents(files, 6))["main"] == [tokens[2]]
    first = files.world.entry(16)
    assert files.entries(4, 4) == [f"{first}/0", f"{first + 1}/0", "folio", f"{first + 3}/0"]
    assert files.world.slots(16, 4) == "s1:0 s1:0 - s1:0"


@VARIANTS
def test_conflict_at_the_large_order(make_files: Callable[..., Any], variant: str) -> None:
    """Where a neighbour is cached already the page comes back alone (E01)."""
    files = make_files(variant)
    tokens = files.swapped(4, 16, nr=4)

    async def main() -> list[object]:
        await files.world.cached(17)
        return [await files.content(index) for index in (6, 5, 4, 7)]

    result = files.world.play(main=main)["main"]
    assert result == [tokens[2], tokens[1], tokens[0], tokens[3]]
    assert files.world.slots(16, 4) == "- - - -"


def test_one_attempt_more(make_files: Callable[..., Any]) -> None:
    """An error at the large order is followed by one attempt at order 0, and no more."""
    files = make_files(watched=False)
    files.swapped(4, 16, nr=4)
    orders: list[int] = []

    async def alloc(kernel: Any, entry: Any, gfp: str, allowed: int, *_: Any) -> Errno:
        orders.append(allowed)
        return Errno.ENOMEM

    files.world.kernel.functions["swap_cache_alloc_folio"] = alloc

    result = files.world.play(main=_contents(files, 4))["main"]

    assert result == ["ENOMEM"]
    assert orders == [0b100, 0b1]


def test_error_inside_a_large_entry(make_files: Callable[..., Any]) -> None:
    """Of a page that is not the first of its entry an error becomes EEXIST (spec 4.4)."""
    files = make_files(may_fail=["alloc"])
    files.swapped(4, 16, nr=4)

    async def main() -> object:
        swap = files.file.pages[6]
        return await shmem_swapin_folio(files.world.kernel, files.file, 6, swap)

    choices = {"alloc_pages.grant": ("fail", "fail")}
    assert files.world.play(main=main, choices=choices)["main"] is Errno.EEXIST


@pytest.mark.parametrize(("there", "expected"), [(True, Errno.EINVAL), (False, Errno.EEXIST)])
def test_no_device(loose_files: Any, there: bool, expected: Errno) -> None:
    """A device that is gone is an error only where its entry is still there."""
    files = loose_files
    files.swapped(3, 16)
    swap = ShmemSwap(files.world.entry(16))
    files.world.si.dying, files.world.si.users = True, 0
    if not there:
        del files.file.pages[3]

    async def main() -> object:
        return await shmem_swapin_folio(files.world.kernel, files.file, 3, swap)

    assert files.world.play(main=main)["main"] is expected


def test_changed_before_it_begins(files: Any) -> None:
    """An entry that is not there any more is looked up again."""
    files.swapped(3, 16)

    async def main() -> object:
        swap = ShmemSwap(files.world.entry(17))
        return await shmem_swapin_folio(files.world.kernel, files.file, 3, swap)

    assert files.world.play(main=main)["main"] is Errno.EEXIST
    assert files.world.si.users == 1


def test_truncated_before_the_lock(files: Any) -> None:
    """The locked re-check sees that the entry is gone; the folio gives the slot back."""
    files.swapped(3, 16)

    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    results = files.world.play(
        main=_contents(files, 3),
        truncate=truncate,
        window=[Run("main", "shmem_swapin_folio.lock"), Run("truncate"), Run("main")],
    )

    assert results["main"] == [0]
    assert (files.entries(3), files.world.slots(16)) == (["-"], "-")


def test_truncated_before_it_is_added(files: Any) -> None:
    """A folio whose entry goes at the last moment is not added; then there is a hole."""
    files.swapped(3, 16)

    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    results = files.world.play(
        main=_contents(files, 3),
        truncate=truncate,
        window=[Run("main", "shmem_add_to_page_cache.lock"), Run("truncate"), Run("main")],
    )

    assert results["main"] == [0]
    assert files.entries(3) == ["-"]


def test_split_by_another(loose_files: Any) -> None:
    """Who finds its large entry split meanwhile looks again (E02)."""
    files = loose_files
    tokens = files.swapped(4, 16, nr=4)

    async def split() -> object:
        entry = files.world.entry(16)
        return await shmem_split_large_entry(files.world.kernel, files.file, 4, entry)

    results = files.world.play(
        main=_contents(files, 6),
        split=split,
        window=[Run("main", "shmem_swapin_folio.lock"), Run("split"), Run("main")],
    )

    assert results == {"main": [tokens[2]], "split": None}
    assert files.file.pages[4].order == 2


def test_large_folio_over_split_entries(loose_files: Any) -> None:
    """A cached folio that is larger than the entry takes the place of all its entries (E02)."""
    files = loose_files
    tokens = files.swapped(4, 16, nr=4)

    async def main() -> object:
        entry = files.world.entry(16)
        await shmem_split_large_entry(files.world.kernel, files.file, 4, entry)
        await files.world.cached(16, order=2)
        return await files.content(5)

    assert files.world.play(main=main)["main"] == tokens[1]
    assert files.file.pages[4] is files.file.pages[7]


def test_split_that_comes_too_late(make_files: Callable[..., Any]) -> None:
    """A large entry that is gone when it is to be split is looked up again."""
    files = make_files(sync=False)
    files.swapped(4, 16, nr=4)

    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 4, 8)

    results = files.world.play(
        main=_contents(files, 6),
        truncate=truncate,
        window=[Run("main", "shmem_split_large_entry.lock"), Run("truncate"), Run("main")],
    )

    assert results["main"] == [0]


@BOTH
def test_read_error(make_files: Callable[..., Any], sync: bool) -> None:
    """Data that cannot be read is lost: a poison in its place, and the slot is free."""
    files = make_files(sync=sync, may_fail=["read"])
    files.swapped(3, 16)

    results = files.world.play(
        main=_contents(files, 3, 3), choices={"submit_bio.status": ("fail",)}
    )

    assert results["main"] == ["EIO", "EIO"]
    assert (files.entries(3), files.world.slots(16)) == (["poison"], "-")
    assert files.world.kernel.folios == {}


def test_read_error_of_what_is_gone(make_files: Callable[..., Any]) -> None:
    """No poison is put where the entry is not any more."""
    files = make_files(may_fail=["read"])
    files.swapped(3, 16)

    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 3, 4)

    results = files.world.play(
        main=_contents(files, 3),
        truncate=truncate,
        choices={"submit_bio.status": ("fail",)},
        window=[Run("main", "shmem_set_folio_swapin_error.lock"), Run("truncate")],
    )

    assert results["main"] == ["EIO"]
    assert files.entries(3) == ["-"]


def test_range_with_a_hole(loose_files: Any) -> None:
    """A folio is added to nothing but the whole range of the entries that go with it."""
    files = loose_files
    files.swapped(4, 16, nr=4)
    entry = files.world.entry(16)

    async def main() -> list[object]:
        kernel, file = files.world.kernel, files.file
        folio = await files.world.inserted(16, order=2)
        await shmem_split_large_entry(kernel, file, 4, entry)
        seen: list[object] = []
        for index in (6, 7):
            file.pages.pop(index)
            seen.append(await shmem_add_to_page_cache(kernel, folio, file, 4, entry))
        file.pages[6] = ShmemSwap(entry)
        seen.append(await shmem_add_to_page_cache(kernel, folio, file, 4, entry))
        seen.append(await shmem_add_to_page_cache(kernel, folio, file, 4, None))
        assert (folio.mapping, folio.refs) == (None, 5)
        await files.world.release(folio)
        return seen

    assert files.world.play(main=main)["main"] == [Errno.EEXIST] * 4


def test_two_at_once(files: Any) -> None:
    """Of two who bring a page back one waits, and finds it in the file."""
    (token,) = files.swapped(3, 16)

    results = files.world.play(
        first=_contents(files, 3),
        second=_contents(files, 3),
        window=[
            Run("first", "shmem_swapin_folio.lock"),
            Run("second", "shmem_swapin_folio.lock"),
            Run("first"),
        ],
    )

    assert results == {"first": [token], "second": [token]}
    assert len(files.world.kernel.folios) == 1


def test_conflict_with_an_insertion(files: Any) -> None:
    """Who loses the slot to another looks its folio up (EEXIST)."""
    (token,) = files.swapped(3, 16)

    async def other() -> None:
        await files.world.cached(16)

    results = files.world.play(
        main=_contents(files, 3),
        other=other,
        window=[Run("main", "swap_cache_alloc.recheck"), Run("other")],
    )

    assert results["main"] == [token]


def test_unuse(make_files: Callable[..., Any]) -> None:
    """All that files have on a device comes back; what is on another stays."""
    files = make_files(sync=False, watched=False)
    files.swapped(3, 16)
    files.swapped(8, 32, nr=2)
    files.file.pages[20] = ShmemSwap(files.world.entry(16 + (1 << 58)))

    async def main() -> object:
        return await shmem_unuse(files.world.kernel, 0)

    assert files.world.play(main=main)["main"] is None
    assert files.entries(3) + files.entries(8, 2) == ["folio"] * 3
    assert isinstance(files.file.pages[20], ShmemSwap)
    assert files.world.si.inuse_pages == 0


def test_unuse_without_memory(make_files: Callable[..., Any]) -> None:
    """ENOMEM ends it, and what came back by then stays."""
    files = make_files(may_fail=["alloc"])
    for index in (3, 4):
        files.swapped(index, 16 + index)

    async def main() -> object:
        return await shmem_unuse(files.world.kernel, 0)

    choices = {"alloc_pages.grant": ("ok", "fail")}
    assert files.world.play(main=main, choices=choices)["main"] is Errno.ENOMEM
    assert files.entries(3) == ["folio"]


def test_unuse_of_what_cannot_be_read(make_files: Callable[..., Any]) -> None:
    """What cannot be read is poisoned, and the device can go."""
    files = make_files(may_fail=["read"])
    files.swapped(3, 16)

    async def main() -> object:
        return await shmem_unuse(files.world.kernel, 0)

    choices = {"submit_bio.status": ("fail",)}
    assert files.world.play(main=main, choices=choices)["main"] is None
    assert (files.entries(3), files.world.si.inuse_pages) == (["poison"], 0)


def test_folio_of_another_slot(loose_files: Any) -> None:
    """A folio that is locked and does not match any more is let go (I-PTEMATCH)."""
    files = loose_files
    files.swapped(3, 16)
    seen: list[Folio] = []

    def matches(kernel: Any, folio: Folio, entry: Any) -> bool:
        seen.append(folio)
        return len(seen) > 1 and folio.swapcache

    files.world.kernel.functions["folio_matches_swap_entry"] = matches

    async def main() -> object:
        await files.content(3)
        found = await swap_cache_get_folio(files.world.kernel, files.world.entry(16))
        if found is not None:
            folio_put(files.world.kernel, found)
        return found

    assert files.world.play(main=main)["main"] is None
    assert len(seen) == 2


@pytest.mark.parametrize("order", [0, 2])
def test_replaced(make_files: Callable[..., Any], order: int) -> None:
    """Where a page has to lie elsewhere another folio takes the place of the one that was read.

    It is charged, on the LRU, and the only one in the end.
    """
    files = make_files()
    files.file.zoned = True
    tokens = files.swapped(4, 16, nr=1 << order)

    assert files.world.play(main=_contents(files, 4))["main"] == tokens[:1]
    assert list(files.world.kernel.folios.values()) == [files.file.pages[4]]
    folio = files.file.pages[4]
    assert (folio.refs, folio.lru, folio.pages) == (1 << order, True, tokens)
    assert files.world.m1.memory == 1 << order
    assert files.world.kernel.warnings == []


@pytest.mark.parametrize(("truncated", "expected"), [(False, "ENOMEM"), (True, 0)])
def test_no_folio_to_replace_with(
    make_files: Callable[..., Any], truncated: bool, expected: object
) -> None:
    """Without another folio the page stays swapped out, if it is there still."""
    files = make_files(may_fail=["alloc"])
    files.file.zoned = True
    files.swapped(4, 16)

    async def truncate() -> None:
        if truncated:
            await shmem_truncate_range(files.world.kernel, files.file, 4, 5)

    results = files.world.play(
        main=_contents(files, 4),
        truncate=truncate,
        choices={"alloc_pages.grant": ("ok", "fail")},
        window=[Run("main", "folio_alloc_mpol.alloc", times=2), Run("truncate"), Run("main")],
    )

    assert results["main"] == [expected]
    assert files.entries(4) == (["-"] if truncated else [f"{files.world.entry(16)}/0"])


def test_replaced_and_truncated(files: Any) -> None:
    """An entry that goes after the replacement leaves the new folio to give its slot back."""
    files.file.zoned = True
    files.swapped(4, 16)

    async def truncate() -> None:
        await shmem_truncate_range(files.world.kernel, files.file, 4, 5)

    results = files.world.play(
        main=_contents(files, 4),
        truncate=truncate,
        window=[Run("main", "shmem_add_to_page_cache.lock"), Run("truncate"), Run("main")],
    )

    assert results["main"] == [0]
    assert files.entries(4) == ["-"]
