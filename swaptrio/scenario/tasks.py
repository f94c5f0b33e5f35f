# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tasks of a scenario do in its world, one small function for each kind of deed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import handle_mm_fault, user_store, zap_pte_range
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swapfile import get_swap_device, put_swap_device
from swaptrio.mm.vmscan import madvise_pageout
from swaptrio.mm.zswap import zswap_writeback_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import MmStruct
    from swaptrio.mm.swap_h import SwapInfoStruct
    from swaptrio.scenario.deeds import DeedSetup, TaskSetup


async def run_task(kernel: Kernel, task: TaskSetup, results: dict[str, str]) -> None:
    """Do all that *task* does; *results* has what its deeds have returned so far."""
    done: list[str] = []
    for deed in task.deeds:
        done.append(await _RUN[deed.run](kernel, deed))
        results[task.name] = ", ".join(done)


def process_of(kernel: Kernel, name: str) -> MmStruct:
    """The address space called *name*."""
    return next(mm for mm in kernel.processes if mm.name == name)


def device_of(kernel: Kernel, name: str) -> SwapInfoStruct:
    """The device called *name*."""
    return next(si for si in kernel.devices if si.name == name)


async def _fault(kernel: Kernel, deed: DeedSetup) -> str:
    return await handle_mm_fault(kernel, *_place(kernel, deed), write=deed.write)


async def _store(kernel: Kernel, deed: DeedSetup) -> str:
    return await user_store(kernel, *_place(kernel, deed))


async def _zap(kernel: Kernel, deed: DeedSetup) -> str:
    await zap_pte_range(kernel, *_place(kernel, deed), deed.nr)
    return "zapped"


async def _swapout(kernel: Kernel, deed: DeedSetup) -> str:
    return await madvise_pageout(kernel, *_place(kernel, deed))


async def _readahead(kernel: Kernel, deed: DeedSetup) -> str:
    """Read one slot ahead; the folio stays in the cache for whoever needs it."""
    assert deed.slot is not None
    entry = swp_entry(device_of(kernel, deed.device).type, deed.slot)
    si = await get_swap_device(kernel, entry)
    if si is None:
        return "no device"
    folio = await swap_cache_read_folio(kernel, entry, "GFP", "vma", 0, readahead=True)
    if folio is not None:
        folio_put(kernel, folio)
    await put_swap_device(kernel, si)
    return "skipped" if folio is None else "read"


async def _zswap_writeback(kernel: Kernel, deed: DeedSetup) -> str:
    assert deed.slot is not None
    entry = swp_entry(device_of(kernel, deed.device).type, deed.slot)
    error = await zswap_writeback_entry(kernel, entry)
    return str(error) if isinstance(error, Errno) else "written"


def _place(kernel: Kernel, deed: DeedSetup) -> tuple[MmStruct, int]:
    assert deed.page is not None
    return process_of(kernel, deed.process), deed.page


_RUN: Final[dict[str, Callable[[Kernel, DeedSetup], Coroutine[Any, Any, str]]]] = {
    "fault": _fault,
    "readahead": _readahead,
    "zap": _zap,
    "zswap-writeback": _zswap_writeback,
    "swapout": _swapout,
    "store": _store,
}
