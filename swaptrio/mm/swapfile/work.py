# SPDX-License-Identifier: MIT OR Apache-2.0
"""The worker of a device: what is done in the background when somebody has asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.swapfile.clusters import swap_do_scheduled_discard
from swaptrio.mm.swapfile.devices import DISCARD
from swaptrio.mm.swapfile.reclaim import swap_reclaim_full_clusters
from swaptrio.sched import Completion

if TYPE_CHECKING:
    from swaptrio.mm.swap_h import SwapInfoStruct


async def swap_worker(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Do one work after the other, as they were asked for. A daemon.

    The kernel has a work item for each, and may run them at the same time.
    """
    while True:
        work = await si.work_in.receive()
        if isinstance(work, Completion):
            await work.complete("swap_worker.flushed")
            continue
        del si.scheduled[str(work)]
        if work == DISCARD:
            await swap_do_scheduled_discard(kernel, si)
        else:
            await swap_reclaim_full_clusters(kernel, si, force=True)


@kernel_function
async def flush_work(kernel: Kernel, si: SwapInfoStruct) -> None:
    """Wait until the device's worker has done all that it was asked for. May sleep."""
    done = Completion(f"flush of {si.name}")
    await si.work.send(done)
    await done.wait("flush_work.wait")
