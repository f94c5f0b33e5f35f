# SPDX-License-Identifier: MIT OR Apache-2.0
"""The LRU (mm/swap.c), and what waits on each CPU to get there.

A folio that is added waits in a batch of its CPU first, which has a reference of its own: a
folio with a reference more than its users explain may just be waiting there. Each task runs on
a CPU of its own, so nobody else can drain its batch quickly; `lru_add_drain_all` does it
slowly. A batch is drained when it is full (`Config.lru_batch`) and for every large folio.

That a fault drains before it counts references is seen in the kernel; the batch itself is not
verified (spec 13), and its simplest legal behaviour is modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function, warn_on
from swaptrio.mm.mm_types import hold
from swaptrio.mm.page_alloc import _folio_put, folio_put
from swaptrio.sched import Kind, point, running_task

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio


@kernel_function
def folio_add_lru(kernel: Kernel, folio: Folio) -> None:
    """Put a folio on the LRU, by way of the batch of the running task's CPU."""
    warn_on(kernel, folio.lru, "added to the LRU twice")
    folio.refs += 1
    cpu = running_task().name
    batch = kernel.lru_batches.setdefault(cpu, [])
    batch.append(folio)
    if len(batch) >= kernel.config.lru_batch or folio.nr > 1:
        folio_batch_move_lru(kernel, cpu)


@kernel_function
def folio_batch_move_lru(kernel: Kernel, cpu: str) -> None:
    """Put what waits on a CPU on the LRU, and drop the batch's references."""
    batch = kernel.lru_batches.pop(cpu, [])
    for folio in batch:
        lru_add(kernel, folio)
    folios_put(kernel, batch)


@kernel_function
def folios_put(kernel: Kernel, folios: list[Folio]) -> None:
    """Drop one reference of each of *folios*; the last one frees a folio."""
    for folio in folios:
        folio.refs -= 1
        if folio.refs == 0:
            _folio_put(kernel, folio)


@kernel_function
def lru_add(kernel: Kernel, folio: Folio) -> None:
    """Put a folio on the LRU itself, where it is the youngest."""
    folio.lru = True
    kernel.lru[folio.pfn] = folio


@kernel_function
async def lru_add_drain(kernel: Kernel) -> None:
    """Drain the batch of the running task's CPU. Does not sleep."""
    await point("lru_add_drain.drain", Kind.WRITE, "lru")
    folio_batch_move_lru(kernel, running_task().name)


@kernel_function
async def lru_add_drain_all(kernel: Kernel) -> None:
    """Drain the batches of all CPUs, one after the other. May sleep.

    The kernel asks each CPU to do it; here the running task does it for them.
    """
    for cpu in list(kernel.lru_batches):
        await point("lru_add_drain_all.drain", Kind.WRITE, "lru")
        folio_batch_move_lru(kernel, cpu)


@kernel_function
async def folio_isolate_lru(kernel: Kernel, folio: Folio) -> bool:
    """Take a folio off the LRU, with a reference for the running task, which has one already.

    Whether it was there. (mm/vmscan.c)
    """
    await point("folio_isolate_lru.isolate", Kind.WRITE, folio)
    if not folio.lru:
        return False
    folio.refs += 1
    hold(folio)
    folio.lru = False
    del kernel.lru[folio.pfn]
    return True


@kernel_function
async def folio_putback_lru(kernel: Kernel, folio: Folio) -> None:
    """Put an isolated folio back, and drop the reference of the isolation. (mm/vmscan.c)"""
    await point("folio_putback_lru.putback", Kind.WRITE, folio)
    folio_add_lru(kernel, folio)
    folio_put(kernel, folio)
