# SPDX-License-Identifier: MIT OR Apache-2.0
"""How many owners a slot has: raising and lowering.

A word has room for a count of 14. The word of a slot with more says 15, and the true count is
in the extend table of the cluster, which is there only while a slot needs it. Its memory is
asked for with the cluster lock dropped. By the time the lock is back the slot may be free, its
count lower, or a table there: then the new one is thrown away, and the count is looked at
again (catalogue C09).

Source: tree N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    SWP_TB_COUNT_MAX,
    _swap_extend_get,
    _swap_extend_set,
    _swap_table_get,
    _swap_table_set,
    _swp_tb_get_count,
    _swp_tb_mk_count,
    swp_tb_get_count,
    swp_tb_is_bad,
    swp_tb_is_folio,
)
from swaptrio.mm.swapfile.devices import get_swap_device, put_swap_device

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio

#: The largest count that a word can hold; the next one needs the extend table.
_LAST: Final = SWP_TB_COUNT_MAX - 1


@kernel_function
async def swap_extend_table_alloc(
    kernel: Kernel, ci: SwapClusterInfo, ci_off: int
) -> Errno | None:
    """Give a cluster an extend table, if its slot still needs one; ENOMEM by decision.

    The cluster lock is not held. Whoever finds none left to need it, or one there, is done.
    """
    if await kernel.injection.fails("extend"):
        return Errno.ENOMEM
    async with ci.lock.hold("swap_extend_table_alloc.lock"):
        needed = (
            ci.table is not None
            and swp_tb_get_count(_swap_table_get(kernel, ci, ci_off)) >= _LAST
        )
        if needed and ci.extend_table is None:
            ci.extend_table = {}
    return None


@kernel_function
async def swap_retry_table_alloc(kernel: Kernel, entry: SwpEntry) -> Errno | None:
    """Ask for the extend table of a slot's cluster once more, where that may sleep.

    For fork, when a count could not be raised under the page-table locks.
    """
    si = await get_swap_device(kernel, entry)
    if si is None:
        return None
    ci = swap_cluster(si, swp_offset(entry))
    error = await swap_extend_table_alloc(kernel, ci, swp_cluster_offset(entry))
    await put_swap_device(kernel, si)
    return error


@kernel_function
def swap_extend_table_try_free(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """Free an extend table that no slot needs. The cluster lock is held."""
    if not ci.extend_table:
        ci.extend_table = None


@kernel_function
def _swap_cluster_put_entry(kernel: Kernel, ci: SwapClusterInfo, ci_off: int) -> None:
    """Lower the count of a slot by one. The cluster lock is held; nothing is freed.

    A count that leaves the extend table, or that may have had one attached by somebody who was
    about to raise it, is when the table can go.
    """
    swp_tb = _swap_table_get(kernel, ci, ci_off)
    count = _swp_tb_get_count(kernel, swp_tb)
    if warn_on(kernel, count == 0, "count of an unused slot dropped"):
        return
    if count == SWP_TB_COUNT_MAX:
        count = _swap_extend_get(ci, ci_off)
        warn_on(kernel, count < SWP_TB_COUNT_MAX, "extended count is too small")
        _swap_extend_set(ci, ci_off, count - 1 if count > SWP_TB_COUNT_MAX else 0)
    count -= 1
    if count < SWP_TB_COUNT_MAX:
        _swap_table_set(ci, ci_off, _swp_tb_mk_count(swp_tb, count))
    if count in (_LAST, _LAST - 1):
        swap_extend_table_try_free(kernel, ci)


@kernel_function
def _swap_cluster_dup_entry(kernel: Kernel, ci: SwapClusterInfo, ci_off: int) -> Errno | None:
    """Raise the count of a slot by one. The cluster lock is held.

    EINVAL for a bad slot and ENOENT for one that is neither cached nor in use, with a warning;
    ENOMEM where the count needs an extend table, and there is none.
    """
    swp_tb = _swap_table_get(kernel, ci, ci_off)
    if warn_on(kernel, swp_tb_is_bad(swp_tb), "count of a bad slot raised"):
        return Errno.EINVAL
    count = _swp_tb_get_count(kernel, swp_tb)
    unused = not count and not swp_tb_is_folio(swp_tb)
    if warn_on(kernel, unused, "count of an unused slot raised"):
        return Errno.ENOENT
    if count == SWP_TB_COUNT_MAX:
        _swap_extend_set(ci, ci_off, _swap_extend_get(ci, ci_off) + 1)
        return None
    if count == _LAST:
        if ci.extend_table is None:
            return Errno.ENOMEM
        _swap_extend_set(ci, ci_off, SWP_TB_COUNT_MAX)
    _swap_table_set(ci, ci_off, _swp_tb_mk_count(swp_tb, count + 1))
    return None


@kernel_function
async def swap_dup_entries_cluster(
    kernel: Kernel, si: SwapInfoStruct, offset: int, nr: int, label: str
) -> Errno | None:
    """Raise the counts of *nr* slots of one cluster from *offset*, or of none of them.

    The caller sees to it that they stay in use, or cached. The cluster lock is taken at
    *label*. ENOMEM where a count is full and there is no memory for an extend table; the other
    errors are those of `_swap_cluster_dup_entry`.
    """
    ci = swap_cluster(si, offset)
    first = offset % SWAPFILE_CLUSTER
    off = first
    error: Errno | None = None
    await ci.lock.acquire(label)
    while off < first + nr and error is None:
        error = _swap_cluster_dup_entry(kernel, ci, off)
        if error is None:
            off += 1
        elif error is Errno.ENOMEM:
            ci.lock.release()
            error = await swap_extend_table_alloc(kernel, ci, off)
            await ci.lock.acquire("swap_dup_entries_cluster.relock")
    if error is not None:
        for raised in reversed(range(first, off)):
            _swap_cluster_put_entry(kernel, ci, raised)
        swap_extend_table_try_free(kernel, ci)
    ci.lock.release()
    return error


@kernel_function
async def folio_dup_swap(kernel: Kernel, folio: Folio, page: int | None) -> Errno | None:
    """Raise the count of one page's slot, or of all; ENOMEM where a count is full.

    The folio is locked and cached, so a count may go from 0 to 1 here.

    Args:
        page: the page's number in the folio; none for all. If one cannot be raised none is.
    """
    si = kernel.devices[swp_type(folio.swap)]
    offset, nr = (0, folio.nr) if page is None else (page, 1)
    offset += swp_offset(folio.swap)
    return await swap_dup_entries_cluster(kernel, si, offset, nr, "folio_dup_swap.lock")


@kernel_function
async def swap_dup_entry_direct(kernel: Kernel, entry: SwpEntry) -> Errno | None:
    """Raise the count of a slot that is in use, for one more owner; ENOMEM where it is full.

    The lock of the page table that names the slot is held, and keeps it in use.
    """
    si = kernel.devices[swp_type(entry)]
    return await swap_dup_entries_cluster(
        kernel, si, swp_offset(entry), 1, "swap_dup_entry_direct.lock"
    )
