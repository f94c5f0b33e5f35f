# SPDX-License-Identifier: MIT OR Apache-2.0
"""A file, and what a user sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.mm_types import AddressSpace, Folio
from swaptrio.mm.page_alloc import folio_put, folio_unlock
from swaptrio.mm.shmem import shmem_get_folio
from swaptrio.mm.swap import folio_isolate_lru
from swaptrio.mm.vmscan import ScanControl, reclaim_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@attrs.define(eq=False)
class Files:
    """A world with a file; what it reads is checked against what was stored last."""

    world: Any
    file: AddressSpace

    def swapped(self, index: int, offset: int, nr: int = 1, **how: Any) -> list[int]:
        """Let *nr* pages from an index be swapped out to slots from *offset*."""
        tokens = [self.world.swapped(offset + number, **how) for number in range(nr)]
        setup.file_swapped(self.file, index, self.world.si, offset, tokens)
        return tokens

    def entries(self, first: int, nr: int = 1) -> list[str]:
        """What stands at *nr* indices: ``-``, ``folio``, ``poison``, or entry and order."""
        return [_short(self.file.pages.get(index)) for index in range(first, first + nr)]

    async def content(self, index: int) -> int | str:
        """The data at an index, 0 for a hole, or an error; as a user sees it."""
        folio = await shmem_get_folio(self.world.kernel, self.file, index, write=False)
        if folio is None:
            return self.file.newest.get(index, 0)
        if isinstance(folio, Errno):
            return str(folio)
        token = folio.pages[index - folio.index]
        assert token == self.file.newest.get(index, 0)
        await self.world.release(folio)
        assert token is not None
        return token

    async def resident(self, index: int, tokens: Sequence[int] | None = None) -> Folio:
        """The folio at an index, made if it was not there, with new data in all its pages."""
        folio = await shmem_get_folio(self.world.kernel, self.file, index, write=True)
        assert isinstance(folio, Folio)
        for page in range(folio.nr):
            token = tokens[page] if tokens is not None else self.world.kernel.new_token()
            folio.pages[page] = self.file.newest[folio.index + page] = token
        folio.dirty = True
        await folio_unlock(self.world.kernel, folio, "test.unlock")
        folio_put(self.world.kernel, folio)
        return folio

    async def swap_out(self, folio: Folio) -> str:
        """Reclaim a folio, as a task that isolates it; ``reclaimed``, or why it was kept."""
        sc = ScanControl(may_wait=True)
        assert await folio_isolate_lru(self.world.kernel, folio)
        await reclaim_pages(self.world.kernel, [folio], sc)
        return next(iter(sc.kept.values()), "reclaimed")


def _short(entry: Any) -> str:
    if entry is None:
        return "-"
    if isinstance(entry, Folio):
        return "folio"
    return f"{entry.entry}/{entry.order}" if hasattr(entry, "entry") else "poison"


@pytest.fixture
def make_files(make_world: Callable[..., Any]) -> Callable[..., Files]:
    """Make worlds with a file; *orders* are its large orders, as a bitmap.

    They run under the oracles, unless a test builds what the model would not.
    """

    def make(
        variant: str = "v5", *, orders: int = 0, watched: bool = True, **how: Any
    ) -> Files:
        world = make_world(variant, watched=watched, **how)
        return Files(world, setup.new_file(world.kernel, "F", world.m1, orders))

    return make


@pytest.fixture
def files(make_files: Callable[..., Files]) -> Files:
    """A world with an empty file."""
    return make_files()


@pytest.fixture
def loose_files(make_files: Callable[..., Files]) -> Files:
    """A world with an empty file, without oracles."""
    return make_files(watched=False)
