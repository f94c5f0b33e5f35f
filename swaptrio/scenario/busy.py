# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a busy process does to its memory, or to a file: one thing after the other, each drawn.

What comes next is a decision like any other, so a seed says all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from swaptrio.mm.errno import Errno
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
from swaptrio.mm.mm_types import Folio
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.shmem import shmem_read, shmem_truncate_range, shmem_write
from swaptrio.mm.shmem.page_cache import filemap_get_entry
from swaptrio.mm.swap import folio_isolate_lru
from swaptrio.mm.vmscan import ScanControl, madvise_pageout, reclaim_pages
from swaptrio.sched import choose, current

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import AddressSpace, MmStruct

_T = TypeVar("_T")
_Owner = TypeVar("_Owner")


async def use_memory(kernel: Kernel, mm: MmStruct, pages: int) -> str:
    """Do one thing with one of the first *pages* pages of a process, both drawn."""
    deed = _draw("use_memory.deed", tuple(_MEMORY))
    page = _draw("use_memory.page", range(pages))
    return f"{deed} {await _MEMORY[deed](kernel, mm, page)}"


async def use_file(kernel: Kernel, file: AddressSpace, pages: int) -> str:
    """Do one thing with one of the first *pages* pages of a file, both drawn."""
    deed = _draw("use_file.deed", tuple(_FILE))
    page = _draw("use_file.page", range(pages))
    return f"{deed} {await _FILE[deed](kernel, file, page)}"


async def swap_out_of_file(kernel: Kernel, file: AddressSpace, index: int) -> str:
    """Reclaim the folio at an index, as `madvise_pageout` does for a process; its words."""
    folio = await filemap_get_entry(kernel, file, index)
    if not isinstance(folio, Folio):
        return "nothing there"
    isolated = await folio_isolate_lru(kernel, folio)
    folio_put(kernel, folio)
    if not isolated:
        return "in use"
    sc = ScanControl(may_wait=True)
    await reclaim_pages(kernel, [folio], sc)
    return next(iter(sc.kept.values()), "reclaimed")


def _draw(label: str, options: Sequence[_T]) -> _T:
    """One of *options*, of which another one is the default at each step.

    A strategy that seldom leaves the default would do one thing for ever.
    """
    turn = current().step % len(options)
    return choose(label, (*options[turn:], *options[:turn]))


async def _unmap(kernel: Kernel, mm: MmStruct, page: int) -> str:
    await unmap_page_range(kernel, mm, page, 1)
    await mmap_region(kernel, mm, page, 1)
    return "mapped anew"


async def _migrate(kernel: Kernel, mm: MmStruct, page: int) -> str:
    return str(await move_page(kernel, mm, page))


async def _fork(kernel: Kernel, mm: MmStruct, page: int) -> str:
    """Let a child use a page, and go."""
    child = await dup_mm(kernel, mm, f"{mm.name}-child")
    if isinstance(child, Errno):
        return str(child)
    await user_read(kernel, child, page)
    result = await user_store(kernel, child, page)
    await exit_mmap(kernel, child)
    return result


async def _truncate(kernel: Kernel, file: AddressSpace, page: int) -> str:
    await shmem_truncate_range(kernel, file, page, page + 1)
    return "truncated"


_Deed: TypeAlias = "Callable[[Kernel, _Owner, int], Coroutine[Any, Any, str]]"

_MEMORY: Final[dict[str, _Deed[MmStruct]]] = {
    "store": user_store,
    "read": user_read,
    "swapout": madvise_pageout,
    "pin": user_pin_store,
    "fork": _fork,
    "unmap": _unmap,
    "migrate": _migrate,
}

_FILE: Final[
    dict[str, Callable[[Kernel, AddressSpace, int], Coroutine[object, object, str]]]
] = {
    "write": shmem_write,
    "read": shmem_read,
    "truncate": _truncate,
    "swapout": swap_out_of_file,
}
