# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""Reading and writing folios at their slots (mm/page_io.c), and the device that does it.

Each device is a task. Bios reach it over a channel; it keeps those that wait and completes one
after the other, in an order that the schedule decides. On a synchronous device the submitter
waits and ends the bio itself; on others the device task does. In both cases the folio stays
locked until its read has ended, and under writeback until its write has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm import swapfile, zswap
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.page_alloc import folio_end_writeback, folio_put_refs, folio_unlock
from swaptrio.mm.swap_h import swap_cluster, swp_cluster_offset, swp_offset, swp_type
from swaptrio.mm.swap_table import (
    _swap_table_clear_zero,
    _swap_table_set_zero,
    swap_table_get,
    zero_of,
)
from swaptrio.mm.vmstat import count_mthp_stat, count_vm_events
from swaptrio.sched import Completion, Violation, choose, point, sleep

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapInfoStruct


@attrs.define(eq=False)
class Bio:
    """One transfer between a folio and the slots from *offset*.

    *done* gets an error number or none, where *waited* says that the submitter ends the bio.
    """

    folio: Folio
    offset: int
    write: bool
    done: Completion
    waited: bool


async def block_device(kernel: Kernel, si: SwapInfoStruct) -> None:
    """The device's task. A daemon."""
    queue: list[Bio] = []
    while True:
        if not queue or si.bios_in.waiting():
            bio = await si.bios_in.receive()
            assert isinstance(bio, Bio)
            queue.append(bio)
            continue
        bio = queue.pop(choose("block_device.complete", range(len(queue))))
        if si.latency:
            await sleep("block_device.transfer", si.latency)
        await _end(kernel, si, bio, await _transfer(kernel, si, bio))


async def _transfer(kernel: Kernel, si: SwapInfoStruct, bio: Bio) -> Errno | None:
    slots = range(bio.offset, bio.offset + bio.folio.nr)
    if bio.write:
        for slot, token in zip(slots, bio.folio.pages, strict=True):
            if token is None:
                raise Violation("BUG", f"{bio.folio.name} is written and was never filled")
            si.data[slot] = token
        return None
    if await kernel.injection.fails("read"):
        return Errno.EIO
    bio.folio.pages[:] = [si.data.get(slot) for slot in slots]
    return None


async def _end(kernel: Kernel, si: SwapInfoStruct, bio: Bio, error: Errno | None) -> None:
    if bio.waited:
        await bio.done.complete("block_device.done", error)
    elif bio.write:
        await end_swap_bio_write(kernel, bio)
    else:
        await end_swap_bio_read(kernel, bio, error)


@kernel_function
async def end_swap_bio_read(kernel: Kernel, bio: Bio, error: Errno | None) -> None:
    """Mark a folio that was read, and unlock it. After an error it stays not up to date."""
    await point("end_swap_bio_read.end")
    if error is None:
        bio.folio.uptodate = True
        count_mthp_stat(kernel, bio.folio.order, "SWPIN")
        count_vm_events(kernel, "PSWPIN", bio.folio.nr)
    await folio_unlock(kernel, bio.folio, "end_swap_bio_read.unlock")


@kernel_function
async def end_swap_bio_write(kernel: Kernel, bio: Bio) -> None:
    """End the writeback of a folio, and give back the reference that it held.

    The kernel's bio has none, as the cache keeps a folio under writeback; this one is there for
    the oracles to see whose hands it is in. Writes do not fail in the model.
    """
    await point("end_swap_bio_write.end")
    folio_end_writeback(kernel, bio.folio)
    bio.folio.holders["writeback"] -= 1
    folio_put_refs(kernel, bio.folio, 1)


@kernel_function
async def swap_read_folio(kernel: Kernel, folio: Folio) -> None:
    """Read a locked, cached folio that is not up to date; it is unlocked when the read ends.

    Zeros, then zswap, then the device: the first that has it. After an error it stays in the
    cache, not up to date. May sleep. Source: N, without its batches of bios.
    """
    si = kernel.devices[swp_type(folio.swap)]
    if await swap_read_folio_zeromap(kernel, folio):
        await folio_unlock(kernel, folio, "swap_read_folio.zero")
        return
    if await zswap.zswap_load(kernel, folio) is not Errno.ENOENT:
        await folio_unlock(kernel, folio, "swap_read_folio.zswap")
        return
    await swap_read_folio_bdev(kernel, folio, si)


@kernel_function
async def swap_read_folio_zeromap(kernel: Kernel, folio: Folio) -> bool:
    """Fill a folio whose slots are all known to hold zeros; whether there is nothing to read.

    A large folio with some such slots is left not up to date, with a warning.
    """
    ci = swap_cluster(kernel.devices[swp_type(folio.swap)], swp_offset(folio.swap))
    start = swp_cluster_offset(folio.swap)
    zero = [zero_of(swap_table_get(ci, off)) for off in range(start, start + folio.nr)]
    if not any(zero):
        return False
    if warn_on(kernel, not all(zero), "a large folio is zero in part"):
        return True
    folio.pages[:] = [0] * folio.nr
    folio.uptodate = True
    return True


@kernel_function
async def swap_read_folio_bdev(kernel: Kernel, folio: Folio, si: SwapInfoStruct) -> None:
    """Read from the block device; wait for it where the device is synchronous."""
    done = Completion(f"read of {folio.name}")
    bio = Bio(folio, swp_offset(folio.swap), False, done, si.is_sync())
    await submit_bio(kernel, si, bio)
    if bio.waited:
        error = await done.wait("swap_read_folio_bdev.wait")
        await end_swap_bio_read(kernel, bio, error if isinstance(error, Errno) else None)


@kernel_function
async def submit_bio(kernel: Kernel, si: SwapInfoStruct, bio: Bio) -> None:
    """Hand a bio to the device. The lock of a folio that nobody waits for goes with it."""
    if not bio.write and not bio.waited:
        bio.folio.lock.hand_to(kernel.device_tasks[si.name])
    await si.bios.send(bio)


@kernel_function
async def _swap_writepage(kernel: Kernel, folio: Folio) -> None:
    """Start the writeback of a locked, uptodate folio, and unlock it. May sleep."""
    si = kernel.devices[swp_type(folio.swap)]
    folio.writeback = True
    folio.refs += 1
    folio.holders["writeback"] += 1
    done = Completion(f"write of {folio.name}")
    bio = Bio(folio, swp_offset(folio.swap), True, done, False)
    await folio_unlock(kernel, folio, "swap_writepage.unlock")
    await submit_bio(kernel, si, bio)


@kernel_function
async def swap_writeout(kernel: Kernel, folio: Folio) -> None:
    """Write a locked folio, no longer dirty, to its slots; it is unlocked at once. May sleep.

    Nothing is written where nobody uses the slots any more, nor of a folio of zeros, whose
    slots are flagged instead; what zswap holds for those is left as it is (catalogue D08).
    zswap's own store is not modelled, and counts as disabled: it forgets the slots, and the
    device gets the data. Source: N.
    """
    if await swapfile.folio_free_swap(kernel, folio):
        await folio_unlock(kernel, folio, "swap_writeout.freed")
        return
    zeros = not any(folio.pages)
    await swap_zeromap_folio_set(kernel, folio, zeros=zeros)
    if zeros:
        await folio_unlock(kernel, folio, "swap_writeout.zero")
        return
    si = kernel.devices[swp_type(folio.swap)]
    for slot in range(swp_offset(folio.swap), swp_offset(folio.swap) + folio.nr):
        zswap.zswap_invalidate(kernel, si, slot)
    await _swap_writepage(kernel, folio)


@kernel_function
async def swap_zeromap_folio_set(kernel: Kernel, folio: Folio, *, zeros: bool) -> None:
    """Set or clear the zero flags of all slots of a locked, cached folio.

    The kernel has a second function that clears. Source: 12/12; before it the flags were single
    bits that were changed without the cluster lock, which is not told apart here.
    """
    ci = swap_cluster(kernel.devices[swp_type(folio.swap)], swp_offset(folio.swap))
    start = swp_cluster_offset(folio.swap)
    change = _swap_table_set_zero if zeros else _swap_table_clear_zero
    async with ci.lock.hold("swap_zeromap_folio_set.lock"):
        for off in range(start, start + folio.nr):
            change(kernel, ci, off)
