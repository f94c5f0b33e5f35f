# SPDX-License-Identifier: MIT OR Apache-2.0
"""Devices: who keeps them alive, which have room, and how full swap is.

A device is available while it may be written to and has a slot that is not in use; only then
is it on the kernel's list. What decides that, its count of slots in use, changes under one
cluster lock or the other, so the list has a lock of its own, the innermost of all.

The innermost two locks, of a device's lists and of the list of devices, are never kept over a
scheduling point. So whoever needs one within a step finds it free (`lock_at_once`), and what
happens under it is one step. That hides no interleaving: all that they protect is touched under
them only.

Source: tree N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm import zswap
from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import self_and_above
from swaptrio.mm.swap_h import (
    SWP_WRITEOK,
    SwapInfoStruct,
    SwpEntry,
    swp_offset,
    swp_type,
)
from swaptrio.sched import Kind, Violation, current, point

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio
    from swaptrio.sched import SpinLock


def lock_at_once(lock: SpinLock) -> None:
    """Take a spinlock that nobody keeps over a scheduling point, within the current step.

    Raises:
        Violation: (I-SPIN) somebody does keep it, or the caller holds it already.
    """
    if not lock.try_acquire():
        raise Violation("I-SPIN", f"{lock.name} is kept over a scheduling point")


@kernel_function
def get_swap_device_info(kernel: Kernel, si: SwapInfoStruct) -> bool:
    """Keep the structures of a device alive, unless it is on its way off or gone."""
    if si.dying:
        return False
    si.users += 1
    return True


@kernel_function
async def get_swap_device(kernel: Kernel, entry: SwpEntry) -> SwapInfoStruct | None:
    """Keep the structures of an entry's device alive; none if it is not there (any more).

    It says nothing about the slot, which may be free or somebody else's by now; nor about the
    device, which may be another one of the same number. None too where *entry* is 0 or its slot
    is past the end.
    """
    await point("get_swap_device.get", Kind.READ, "swap devices")
    number = swp_type(entry)
    if not entry or number >= len(kernel.devices):
        return None
    si = kernel.devices[number]
    if swp_offset(entry) >= si.max or not get_swap_device_info(kernel, si):
        return None
    return si


@kernel_function
async def put_swap_device(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Give back what `get_swap_device` took; the last one lets swapoff go on."""
    await point("put_swap_device.put", Kind.WRITE, "swap devices")
    si.users -= 1
    if si.dying and si.users == 0:
        current().refresh(si.users_gone)


def plist_requeue(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Put a device behind those of its priority; those of a lower one stay behind it.

    The lock of the list is held, or no task runs yet.
    """
    avail = kernel.swap_avail
    avail.pop(si.type, None)
    ordered = sorted([*avail.values(), si], key=lambda each: -each.priority)
    avail.clear()
    avail.update({each.type: each for each in ordered})


@kernel_function
def del_from_avail_list(kernel: Kernel, si: SwapInfoStruct, *, swapoff: bool) -> None:
    """Take a device off the list: because it is full, or by force for *swapoff*.

    By force it loses SWP_WRITEOK too, in the same section, so that nobody puts it back who
    frees a slot; the caller holds the device's lock then.
    """
    lock_at_once(kernel.swap_avail_lock)
    if swapoff:
        si.flags &= ~SWP_WRITEOK
    if swapoff or (si.available and si.inuse_pages == si.pages):
        si.available = False
        kernel.swap_avail.pop(si.type, None)
    kernel.swap_avail_lock.release()


@kernel_function
def add_to_avail_list(kernel: Kernel, si: SwapInfoStruct, *, swapon: bool) -> None:
    """Put a device on the list, if it has room and may be written to.

    With *swapon* it may be from now on; the caller holds the device's lock then.
    """
    lock_at_once(kernel.swap_avail_lock)
    if swapon:
        si.flags |= SWP_WRITEOK
    room = si.flags & SWP_WRITEOK and si.inuse_pages != si.pages
    if room and not si.available:
        si.available = True
        plist_requeue(kernel, si)
    kernel.swap_avail_lock.release()


@kernel_function
def swap_usage_add(kernel: Kernel, si: SwapInfoStruct, nr: int) -> bool:
    """Count *nr* more slots as used; whether the device has become full.

    The cluster lock is held.
    """
    si.inuse_pages += nr
    if not si.available or si.inuse_pages != si.pages:
        return False
    del_from_avail_list(kernel, si, swapoff=False)
    return True


@kernel_function
def swap_usage_sub(kernel: Kernel, si: SwapInfoStruct, nr: int) -> None:
    """Count *nr* slots less as used. The cluster lock is held."""
    si.inuse_pages -= nr
    if not si.available:
        add_to_avail_list(kernel, si, swapon=False)


@kernel_function
def swap_range_alloc(kernel: Kernel, si: SwapInfoStruct, nr: int) -> None:
    """Take *nr* slots from the device's account. The cluster lock is held.

    A device that becomes full while swap is has its worker look for slots to reclaim.
    """
    if swap_usage_add(kernel, si, nr) and vm_swap_full(kernel):
        schedule_work(kernel, si, RECLAIM)
    kernel.nr_swap_pages -= nr


@kernel_function
def swap_range_free(kernel: Kernel, si: SwapInfoStruct, offset: int, nr: int) -> None:
    """Give *nr* slots from *offset* back to the device. The cluster lock is held.

    What depends on the slots goes first and the device's count last, so that whoever sees the
    device unused finds nothing left (catalogue C08).
    """
    for slot in range(offset, offset + nr):
        zswap.zswap_invalidate(kernel, si, slot)
        si.data.pop(slot, None)
    kernel.nr_swap_pages += nr
    swap_usage_sub(kernel, si, nr)


@kernel_function
def vm_swap_full(kernel: Kernel) -> bool:
    """Whether less than half of all swap is free. Read without any lock."""
    return kernel.nr_swap_pages * 2 < kernel.total_swap_pages


@kernel_function
def mem_cgroup_swap_full(kernel: Kernel, folio: Folio) -> bool:
    """Whether swap is scarce for a folio's group (mm/memcontrol.c).

    It is where less than half of all swap is free or, with v2, where its group or one above has
    used half of what it may.
    """
    if vm_swap_full(kernel):
        return True
    if kernel.config.memcg_v1 or folio.memcg is None:
        return False
    return any(
        memcg.swap_max is not None and memcg.swap * 2 >= memcg.swap_max
        for memcg in self_and_above(folio.memcg)
    )


#: What a device's worker can be asked for.
RECLAIM = "reclaim"
DISCARD = "discard"


@kernel_function
def schedule_work(kernel: Kernel, si: SwapInfoStruct, work: str) -> None:
    """Ask the device's worker for *work*, unless that is waiting already. Does not sleep."""
    if work not in si.scheduled:
        si.scheduled[work] = None
        si.work.send_nowait(work)
