# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading and writing a shmem file (mm/shmem.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import try_charge_memcg
from swaptrio.mm.mm_types import AddressSpace, Folio, PoisonPte, ShmemSwap
from swaptrio.mm.page_alloc import folio_alloc_mpol, folio_lock, folio_put, folio_unlock
from swaptrio.mm.shmem.page_cache import filemap_get_entry, shmem_add_to_page_cache
from swaptrio.mm.shmem.swapin import GFP, shmem_swapin_folio
from swaptrio.mm.swap import folio_add_lru
from swaptrio.sched import Kind, point

if TYPE_CHECKING:
    from collections.abc import Iterator


@kernel_function
async def shmem_get_folio(
    kernel: Kernel, file: AddressSpace, index: int, *, write: bool
) -> Folio | Errno | None:
    """The folio at an index, locked, up to date, with a reference for the caller. May sleep.

    What is swapped out is brought back. A hole gives none, or with *write* a new folio of
    zeros. EIO where the data is lost, other errors of the allocation.
    """
    while True:
        entry = await filemap_get_entry(kernel, file, index)
        result: Folio | Errno | None = None
        if isinstance(entry, PoisonPte):
            return Errno.EIO
        if isinstance(entry, ShmemSwap):
            result = await shmem_swapin_folio(kernel, file, index, entry)
        elif entry is not None:
            result = await _locked_in_place(kernel, file, entry)
        elif write:
            result = await shmem_alloc_and_add_folio(kernel, file, index)
        if result is not Errno.EEXIST:
            return result


async def _locked_in_place(kernel: Kernel, file: AddressSpace, folio: Folio) -> Folio | Errno:
    """Lock a folio that was looked up; EEXIST if it was truncated or swapped out meanwhile."""
    await folio_lock(kernel, folio, "shmem_get_folio.lock")
    if folio.mapping is file:
        return folio
    await folio_unlock(kernel, folio, "shmem_get_folio.unlock")
    folio_put(kernel, folio)
    return Errno.EEXIST


@kernel_function
async def shmem_alloc_and_add_folio(
    kernel: Kernel, file: AddressSpace, index: int
) -> Folio | Errno:
    """A new folio of zeros in a hole, at the highest order of the file that fits there.

    EEXIST where the hole is filled by then, ENOMEM where the allocation fails at all orders,
    or the charge.
    """
    folio = None
    for order in _suitable_orders(kernel, file, index):
        folio = await folio_alloc_mpol(kernel, GFP, order, "shmem", index >> order)
        if folio is not None:
            break
    if folio is None:
        return Errno.ENOMEM
    folio.lock.take_free()
    folio.swapbacked = True
    gfp = f"GFP_TRANSHUGE&{GFP}" if folio.order else GFP
    error = await try_charge_memcg(kernel, folio, file.memcg, gfp)
    if error is None:
        error = await shmem_add_to_page_cache(kernel, folio, file, index & -folio.nr, None)
    if error is not None:
        await folio_unlock(kernel, folio, "shmem_alloc_and_add_folio.unlock")
        folio_put(kernel, folio)
        return error
    folio_add_lru(kernel, folio)
    folio.pages[:] = [0] * folio.nr
    folio.uptodate = True
    return folio


def _suitable_orders(kernel: Kernel, file: AddressSpace, index: int) -> Iterator[int]:
    """The file's orders whose range around an index is empty, from the highest down, and 0."""
    if kernel.config.thp:
        for order in range(file.orders.bit_length() - 1, 0, -1):
            base = index & -(1 << order)
            span = range(base, base + (1 << order))
            if file.orders >> order & 1 and not any(number in file.pages for number in span):
                yield order
    yield 0


@kernel_function
async def shmem_read(kernel: Kernel, file: AddressSpace, index: int) -> str:
    """Read a page of a file; ``read``, ``hole``, or the error. May sleep."""
    folio = await shmem_get_folio(kernel, file, index, write=False)
    if folio is None:
        return "hole"
    if isinstance(folio, Errno):
        return str(folio)
    await folio_unlock(kernel, folio, "shmem_read.unlock")
    await point("shmem_read.copy", Kind.READ, folio)
    copy_folio_to_user(kernel, file, index, folio)
    folio_put(kernel, folio)
    return "read"


@kernel_function
def copy_folio_to_user(
    kernel: Kernel, file: AddressSpace, index: int, folio: Folio
) -> int | None:
    """The data that a reader gets. It has a reference, and the folio may have left its place.

    (lib/iov_iter.c) Nothing in the model looks at it; it is there to be looked at.
    """
    return folio.pages[index & (folio.nr - 1)]


@kernel_function
async def shmem_write(kernel: Kernel, file: AddressSpace, index: int) -> str:
    """Store something new in a page of a file; ``stored``, or the error. May sleep."""
    folio = await shmem_get_folio(kernel, file, index, write=True)
    if folio is None or isinstance(folio, Errno):
        return str(folio)
    await point("shmem_write.store", Kind.WRITE, folio)
    token = kernel.new_token()
    folio.pages[index - folio.index] = file.newest[index] = token
    folio.dirty = True
    await folio_unlock(kernel, folio, "shmem_write.unlock")
    folio_put(kernel, folio)
    return "stored"
