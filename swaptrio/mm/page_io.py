# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""Reading and writing folios at their slots (mm/page_io.c), and the device that does it.

Each device is a task. Transfers reach it over a channel; it keeps those that wait and completes
one after the other, in an order that the schedule decides. On a synchronous device the
submitter waits and ends the transfer itself; on others the device task does. In both cases the
folio stays locked until its read has ended, and under writeback until its write has.

A transfer takes one folio, unless its submitter has a plug (`swap_start_plug`): then what it
reads and writes on devices that are not synchronous is queued, merged with the transfer before
where the slots follow each other, and submitted at the end of the plug. Until then a folio that
is read stays locked, by its reader: who waits for it before has a deadlock with itself. Tree N
queues all transfers of block devices so; before it only a block layer's plug was there, which
holds nothing back that anybody waits for, and is not modelled (`Config.plugged`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm import swapfile, zswap
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import hold
from swaptrio.mm.page_alloc import (
    folio_end_writeback,
    folio_put,
    folio_trylock,
    folio_unlock,
)
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import (
    SWP_STABLE_WRITES,
    _swap_entry_to_cluster,
    swp_cluster_offset,
    swp_offset,
    swp_type,
)
from swaptrio.mm.swap_table import (
    _swap_table_clear_zero,
    _swap_table_set_zero,
    swap_table_get,
    zero_of,
)
from swaptrio.mm.vmstat import count_mthp_stat, count_vm_events
from swaptrio.sched import Completion, Violation, choose, point, running_task, sleep

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapInfoStruct

#: Folios of one transfer at most (SWAP_CLUSTER_MAX).
MOST_FOLIOS: Final = 32

#: What a block holds whose page changed while it was written, where that spoils it.
SPOILED: Final = -1


@attrs.define(eq=False)
class Bio:
    """One folio's part of a transfer, and the slots from *offset*.

    *pages* are the folio's data when it was submitted: what the block's checksum is made of.
    """

    folio: Folio
    offset: int
    pages: list[int | None] = attrs.Factory(list)


@attrs.define(eq=False)
class SwapIocb:
    """A transfer: reads or writes of one device whose slots follow each other.

    *done* gets an error number or none, where *waited* says that the submitter ends it.
    """

    si: SwapInfoStruct
    write: bool
    bios: list[Bio]
    done: Completion
    waited: bool

    def takes(self, si: SwapInfoStruct, folio: Folio, *, write: bool) -> bool:
        """Whether a folio can go with the transfer."""
        last = self.bios[-1]
        return (
            self.si is si
            and self.write is write
            and len(self.bios) < MOST_FOLIOS
            and last.offset + last.folio.nr == swp_offset(folio.swap)
        )


async def block_device(kernel: Kernel, si: SwapInfoStruct) -> None:
    """The device's task. A daemon."""
    queue: list[SwapIocb] = []
    while True:
        if not queue or si.bios_in.waiting():
            sio = await si.bios_in.receive()
            assert isinstance(sio, SwapIocb)
            queue.append(sio)
            continue
        sio = queue.pop(choose("block_device.complete", range(len(queue))))
        latency = choose("block_device.latency", si.latencies) if si.latencies else si.latency
        if latency:
            await sleep("block_device.transfer", latency)
        await _end(kernel, sio, await _transfer(kernel, sio))


async def _transfer(kernel: Kernel, sio: SwapIocb) -> Errno | None:
    """Move the data of all folios, or of none."""
    if await kernel.injection.fails("write" if sio.write else "read"):
        return Errno.EIO
    if sio.write:
        for bio in sio.bios:
            _write_blocks(sio.si, bio)
        return None
    blocks = [_blocks(sio.si, bio) for bio in sio.bios]
    if any(SPOILED in tokens for tokens in blocks):
        return Errno.EIO
    for bio, tokens in zip(sio.bios, blocks, strict=True):
        bio.folio.pages[:] = tokens
    return None


def _blocks(si: SwapInfoStruct, bio: Bio) -> list[int | None]:
    return [si.data.get(slot) for slot in range(bio.offset, bio.offset + bio.folio.nr)]


def _write_blocks(si: SwapInfoStruct, bio: Bio) -> None:
    """Write what a folio holds now. A checksum that was made of other data spoils the block."""
    stable = bool(si.flags & SWP_STABLE_WRITES)
    for slot, (token, summed) in enumerate(
        zip(bio.folio.pages, bio.pages, strict=True), bio.offset
    ):
        if token is None:
            raise Violation("BUG", f"{bio.folio.name} is written and was never filled")
        si.data[slot] = SPOILED if stable and token != summed else token


async def _end(kernel: Kernel, sio: SwapIocb, error: Errno | None) -> None:
    if sio.waited:
        await sio.done.complete("block_device.done", error)
        return
    await _end_bios(kernel, sio, error)


async def _end_bios(kernel: Kernel, sio: SwapIocb, error: Errno | None) -> None:
    for bio in sio.bios:
        if sio.write:
            await end_swap_bio_write(kernel, bio, error)
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
async def end_swap_bio_write(kernel: Kernel, bio: Bio, error: Errno | None) -> None:
    """End the writeback of a folio, and give back the reference that it held.

    After an error the folio is dirty again, so that reclaim keeps it. The kernel's bio has no
    reference, as the cache keeps a folio under writeback; this one is there for the oracles to
    see whose hands it is in. That the folio is then the next to be reclaimed is not modelled.
    """
    await point("end_swap_bio_write.end")
    folio = bio.folio
    if error is None:
        count_vm_events(kernel, "PSWPOUT", folio.nr)
    else:
        folio.dirty = True
    folio.reclaim = False
    folio_end_writeback(kernel, folio)
    folio.holders["writeback"] -= 1
    hold(folio)
    if not (folio.dropbehind and await folio_end_dropbehind(kernel, folio)):
        folio_put(kernel, folio)


@kernel_function
async def folio_end_dropbehind(kernel: Kernel, folio: Folio) -> bool:
    """Free a folio that was to be dropped when it is written; whether that was done.

    (mm/filemap.c) The running task has one reference. Where anybody else has, or the lock, or
    has dirtied it, it stays, and goes on the LRU at last. Source: N; what becomes of it then is
    not verified, and this the simplest legal behaviour.
    """
    from swaptrio.mm.vmscan import remove_and_free  # which needs this file first

    folio.dropbehind = False
    if await folio_trylock(kernel, folio, "folio_end_dropbehind.trylock"):
        if not folio.dirty and await remove_and_free(kernel, folio):
            return True
        await folio_unlock(kernel, folio, "folio_end_dropbehind.unlock")
    folio_add_lru(kernel, folio)
    return False


@kernel_function
def swap_start_plug(kernel: Kernel) -> None:
    """Queue what the running task reads and writes from now on, until `swap_finish_plug`.

    Plugs nest, each with a queue of its own. Without `Config.plugged` nothing is queued.
    Source: N, whose name for it was not seen.
    """
    if kernel.config.plugged:
        kernel.plugs.setdefault(running_task().name, []).append([])


@kernel_function
async def swap_finish_plug(kernel: Kernel) -> None:
    """Submit what was queued since the last `swap_start_plug` of the running task."""
    if kernel.config.plugged:
        for sio in kernel.plugs[running_task().name].pop():
            await _submit(kernel, sio)


async def _queue(kernel: Kernel, si: SwapInfoStruct, folio: Folio, *, write: bool) -> SwapIocb:
    """Let a transfer of the folio begin, or wait in a plug; a full one is submitted."""
    what = "write" if write else "read"
    done = Completion(f"{what} of {folio.name}")
    bio = Bio(folio, swp_offset(folio.swap))
    sio = SwapIocb(si, write, [bio], done, si.is_sync())
    plugs = kernel.plugs.get(running_task().name)
    if not plugs or sio.waited:
        await _submit(kernel, sio)
        return sio
    plug = plugs[-1]
    if plug and plug[-1].takes(si, folio, write=write):
        plug[-1].bios.append(bio)
    else:
        plug.append(sio)
    if len(plug[-1].bios) == MOST_FOLIOS:
        await _submit(kernel, plug.pop())
    return sio


async def _submit(kernel: Kernel, sio: SwapIocb) -> None:
    """Hand a transfer to the device. The lock of what nobody waits for goes with it."""
    for bio in sio.bios:
        bio.pages[:] = bio.folio.pages
        if not sio.write and not sio.waited:
            bio.folio.lock.hand_to(kernel.device_tasks[sio.si.name])
    await submit_bio(kernel, sio)


@kernel_function
def submit_bio(kernel: Kernel, sio: SwapIocb) -> Awaitable[None]:
    """Send a transfer to the device."""
    return sio.si.bios.send(sio)


@kernel_function
async def swap_read_folio(kernel: Kernel, folio: Folio) -> None:
    """Read a locked, cached folio that is not up to date; it is unlocked when the read ends.

    Zeros, then zswap, then the device: the first that has it. After an error it stays in the
    cache, not up to date. May sleep. Source: N.
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
    ci = _swap_entry_to_cluster(kernel, folio.swap)
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
    sio = await _queue(kernel, si, folio, write=False)
    if sio.waited:
        error = await sio.done.wait("swap_read_folio_bdev.wait")
        await _end_bios(kernel, sio, error if isinstance(error, Errno) else None)


@kernel_function
async def _swap_writepage(kernel: Kernel, folio: Folio) -> None:
    """Start the writeback of a locked, uptodate folio, and unlock it. May sleep.

    On a synchronous device the writeback has ended at the return.
    """
    si = kernel.devices[swp_type(folio.swap)]
    folio.writeback = True
    folio.refs += 1
    folio.holders["writeback"] += 1
    await folio_unlock(kernel, folio, "swap_writepage.unlock")
    sio = await _queue(kernel, si, folio, write=True)
    if sio.waited:
        error = await sio.done.wait("swap_writepage.wait")
        await _end_bios(kernel, sio, error if isinstance(error, Errno) else None)


@kernel_function
async def swap_writeout(kernel: Kernel, folio: Folio) -> bool:
    """Write a locked folio, no longer dirty, to its slots. May sleep.

    Nothing is written where nobody uses the slots any more, nor of a folio of zeros, whose
    slots are flagged instead; what zswap holds for those is left as it is (catalogue D08). What
    zswap takes is not written either. Source: N.

    Returns:
        Whether it was written, or needed not be: the folio is unlocked then. False where its
        group lets nothing through zswap to the device: the folio is locked and dirty still.
    """
    if await swapfile.folio_free_swap(kernel, folio):
        await folio_unlock(kernel, folio, "swap_writeout.freed")
        return True
    zeros = not any(folio.pages)
    await swap_zeromap_folio_set(kernel, folio, zeros=zeros)
    if zeros:
        await folio_unlock(kernel, folio, "swap_writeout.zero")
        return True
    if await zswap.zswap_store(kernel, folio):
        await folio_unlock(kernel, folio, "swap_writeout.zswap")
        return True
    if folio.memcg is not None and not folio.memcg.zswap_writeback:
        folio.dirty = True
        return False
    await _swap_writepage(kernel, folio)
    return True


@kernel_function
async def swap_zeromap_folio_set(kernel: Kernel, folio: Folio, *, zeros: bool) -> None:
    """Set or clear the zero flags of all slots of a locked, cached folio.

    The kernel has a second function that clears. Source: 12/12; before it the flags were single
    bits that were changed without the cluster lock, which is not told apart here.
    """
    ci = _swap_entry_to_cluster(kernel, folio.swap)
    start = swp_cluster_offset(folio.swap)
    change = _swap_table_set_zero if zeros else _swap_table_clear_zero
    async with ci.lock.hold("swap_zeromap_folio_set.lock"):
        for off in range(start, start + folio.nr):
            change(kernel, ci, off)
