# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tasks of a scenario do in its world, one small function for each kind of deed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import split_huge_pages_pid
from swaptrio.mm.memcontrol import (
    MemCgroup,
    mem_cgroup_attach,
    mem_cgroup_css_offline,
    mem_cgroup_css_online,
)
from swaptrio.mm.memory import (
    dup_mm,
    exit_mmap,
    handle_mm_fault,
    madvise_dontneed,
    mmap_region,
    unmap_page_range,
    user_pin_store,
    user_read,
    user_store,
)
from swaptrio.mm.migrate import move_page
from swaptrio.mm.page_alloc import folio_put, policy_of
from swaptrio.mm.shmem import (
    shmem_read,
    shmem_truncate_range,
    shmem_write,
)
from swaptrio.mm.swap import lru_add_drain_all
from swaptrio.mm.swap_h import swp_entry, swp_offset
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swapfile import (
    get_swap_device,
    pin_hibernation_swap_type,
    put_swap_device,
    swap_alloc_hibernation_slot,
    swap_free_hibernation_slot,
    swapoff,
    swapon,
    unpin_hibernation_swap_type,
)
from swaptrio.mm.userfaultfd import move_pages
from swaptrio.mm.vmscan import (
    madvise_pageout,
    shrink_lruvec,
)
from swaptrio.mm.zswap import shrink_memcg_cb, zswap_writeback_entry
from swaptrio.scenario.busy import swap_out_of_file, use_file, use_memory
from swaptrio.scenario.setup import MOST_PAGES
from swaptrio.sched import current

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import AddressSpace, MmStruct
    from swaptrio.mm.swap_h import SwapInfoStruct
    from swaptrio.scenario.deeds import DeedSetup, TaskSetup


async def run_task(kernel: Kernel, task: TaskSetup, results: dict[str, str]) -> None:
    """Do all that *task* does; *results* has what its deeds have returned so far.

    Of one that does it again and again it has what they returned the last time.
    """
    rounds = 0
    while rounds < task.rounds or current().step < task.steps:
        done: list[str] = []
        for deed in task.deeds:
            done.append(await _RUN[deed.run](kernel, deed))
            results[task.name] = ", ".join(done)
        rounds += 1


def _or_error(error: Errno | None, done: str) -> str:
    return done if error is None else str(error)


def process_of(kernel: Kernel, name: str) -> MmStruct:
    """The address space called *name*."""
    return next(mm for mm in kernel.processes if mm.name == name)


def device_of(kernel: Kernel, name: str) -> SwapInfoStruct:
    """The device called *name*."""
    return next(si for si in kernel.devices if si.name == name)


def file_of(kernel: Kernel, name: str) -> AddressSpace:
    """The file called *name*."""
    return next(file for file in kernel.files if file.name == name)


def memcg_of(kernel: Kernel, name: str) -> MemCgroup:
    """The memory cgroup called *name*, which may be offline."""
    return next(memcg for memcg in kernel.memcgs.by_id.values() if memcg.name == name)


def _fault(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return handle_mm_fault(kernel, *_place(kernel, deed), write=deed.write)


def _store(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return user_store(kernel, *_place(kernel, deed), zeros=deed.zero)


def _read(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return user_read(kernel, *_place(kernel, deed))


def _pin_store(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return user_pin_store(kernel, *_place(kernel, deed))


async def _zap(kernel: Kernel, deed: DeedSetup) -> str:
    await unmap_page_range(kernel, *_place(kernel, deed), deed.nr)
    return "zapped"


async def _discard(kernel: Kernel, deed: DeedSetup) -> str:
    await madvise_dontneed(kernel, *_place(kernel, deed), deed.nr)
    return "discarded"


async def _map(kernel: Kernel, deed: DeedSetup) -> str:
    """Let pages that were unmapped be used again."""
    await mmap_region(kernel, *_place(kernel, deed), deed.nr)
    return "mapped"


async def _fork(kernel: Kernel, deed: DeedSetup) -> str:
    child = await dup_mm(kernel, process_of(kernel, deed.process), deed.child)
    return str(child) if isinstance(child, Errno) else "forked"


async def _exit(kernel: Kernel, deed: DeedSetup) -> str:
    await exit_mmap(kernel, process_of(kernel, deed.process))
    return "exited"


async def _reclaim(kernel: Kernel, deed: DeedSetup) -> str:
    memcg = memcg_of(kernel, deed.memcg) if deed.memcg else None
    return f"{await shrink_lruvec(kernel, deed.nr, memcg)} reclaimed"


async def _zswap_shrink(kernel: Kernel, deed: DeedSetup) -> str:
    errors = [await shrink_memcg_cb(kernel) for _ in range(deed.nr)]
    return ", ".join("written" if error is None else str(error) for error in errors)


async def _uffd_move(kernel: Kernel, deed: DeedSetup) -> str:
    assert deed.to is not None
    mm, page = _place(kernel, deed)
    return _or_error(await move_pages(kernel, mm, deed.to, page), "moved")


async def _split(kernel: Kernel, deed: DeedSetup) -> str:
    error = await split_huge_pages_pid(kernel, *_place(kernel, deed), deed.order)
    return "nothing there" if error is Errno.ENOENT else _or_error(error, "split")


async def _migrate(kernel: Kernel, deed: DeedSetup) -> str:
    return _or_error(await move_page(kernel, *_place(kernel, deed)), "migrated")


async def _swapoff(kernel: Kernel, deed: DeedSetup) -> str:
    return _or_error(await swapoff(kernel, device_of(kernel, deed.device).type), "off")


async def _swapon(kernel: Kernel, deed: DeedSetup) -> str:
    return _or_error(await swapon(kernel, device_of(kernel, deed.device).type), "on")


async def _image_alloc(kernel: Kernel, deed: DeedSetup) -> str:
    """Keep the device for an image, and take one slot of it for that."""
    number = device_of(kernel, deed.device).type
    error = await pin_hibernation_swap_type(kernel, number)
    if error is not None:
        return str(error)
    entry = await swap_alloc_hibernation_slot(kernel, number)
    return f"slot {swp_offset(entry)}" if entry else "no slot"


async def _image_free(kernel: Kernel, deed: DeedSetup) -> str:
    """Free the slot of an image, and let the device go."""
    assert deed.slot is not None
    number = device_of(kernel, deed.device).type
    await swap_free_hibernation_slot(kernel, swp_entry(number, deed.slot))
    await unpin_hibernation_swap_type(kernel, number)
    return "freed"


async def _memcg_create(kernel: Kernel, deed: DeedSetup) -> str:
    return f"id {(await mem_cgroup_css_online(kernel, deed.child, MOST_PAGES)).id}"


async def _memcg_offline(kernel: Kernel, deed: DeedSetup) -> str:
    await mem_cgroup_css_offline(kernel, memcg_of(kernel, deed.memcg))
    return "offline"


async def _memcg_move(kernel: Kernel, deed: DeedSetup) -> str:
    mm, memcg = process_of(kernel, deed.process), memcg_of(kernel, deed.memcg)
    await mem_cgroup_attach(kernel, mm, memcg)
    return "moved"


async def _lru_drain(kernel: Kernel, deed: DeedSetup) -> str:
    await lru_add_drain_all(kernel)
    return "drained"


def _file_read(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return shmem_read(kernel, *_index(kernel, deed))


def _file_write(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return shmem_write(kernel, *_index(kernel, deed))


async def _file_truncate(kernel: Kernel, deed: DeedSetup) -> str:
    file, index = _index(kernel, deed)
    await shmem_truncate_range(kernel, file, index, index + deed.nr)
    return "truncated"


def _file_swapout(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return swap_out_of_file(kernel, *_index(kernel, deed))


def _swapout(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return madvise_pageout(kernel, *_place(kernel, deed))


async def _readahead(kernel: Kernel, deed: DeedSetup) -> str:
    """Read one slot ahead; the folio stays in the cache for whoever needs it."""
    assert deed.slot is not None
    entry = swp_entry(device_of(kernel, deed.device).type, deed.slot)
    si = await get_swap_device(kernel, entry)
    if si is None:
        return "no device"
    mpol = policy_of(kernel, "vma")
    folio = await swap_cache_read_folio(kernel, entry, "GFP", mpol, 0, readahead=True)
    if folio is not None:
        folio_put(kernel, folio)
    await put_swap_device(kernel, si)
    return "skipped" if folio is None else "read"


async def _zswap_writeback(kernel: Kernel, deed: DeedSetup) -> str:
    assert deed.slot is not None
    entry = swp_entry(device_of(kernel, deed.device).type, deed.slot)
    error = await zswap_writeback_entry(kernel, entry)
    return str(error) if isinstance(error, Errno) else "written"


def _use_memory(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return use_memory(kernel, process_of(kernel, deed.process), deed.nr)


def _use_file(kernel: Kernel, deed: DeedSetup) -> Awaitable[str]:
    return use_file(kernel, file_of(kernel, deed.file), deed.nr)


def _place(kernel: Kernel, deed: DeedSetup) -> tuple[MmStruct, int]:
    assert deed.page is not None
    return process_of(kernel, deed.process), deed.page


def _index(kernel: Kernel, deed: DeedSetup) -> tuple[AddressSpace, int]:
    assert deed.page is not None
    return file_of(kernel, deed.file), deed.page


_RUN: Final[dict[str, Callable[[Kernel, DeedSetup], Awaitable[str]]]] = {
    "fault": _fault,
    "read": _read,
    "store": _store,
    "pin-store": _pin_store,
    "zap": _zap,
    "discard": _discard,
    "fork": _fork,
    "exit": _exit,
    "map": _map,
    "swapout": _swapout,
    "reclaim": _reclaim,
    "readahead": _readahead,
    "zswap-writeback": _zswap_writeback,
    "zswap-shrink": _zswap_shrink,
    "uffd-move": _uffd_move,
    "split": _split,
    "migrate": _migrate,
    "swapoff": _swapoff,
    "swapon": _swapon,
    "image-alloc": _image_alloc,
    "image-free": _image_free,
    "memcg-create": _memcg_create,
    "memcg-offline": _memcg_offline,
    "memcg-move": _memcg_move,
    "lru-drain": _lru_drain,
    "file-read": _file_read,
    "file-write": _file_write,
    "file-swapout": _file_swapout,
    "file-truncate": _file_truncate,
    "use-memory": _use_memory,
    "use-file": _use_file,
}
