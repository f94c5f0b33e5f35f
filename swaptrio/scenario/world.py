# SPDX-License-Identifier: MIT OR Apache-2.0
"""The world of a scenario: a kernel set up as its file says, and the tasks that run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.checks import Oracles
from swaptrio.mm.errno import Errno
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.memcontrol import MemCgroup
from swaptrio.mm.memory import handle_mm_fault, user_store, zap_pte_range
from swaptrio.mm.page_alloc import folio_put
from swaptrio.mm.setup import (
    map_resident,
    map_swapped,
    new_device,
    new_kernel,
    new_process,
    start_daemons,
    swap_out,
)
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwapInfoStruct, swp_entry
from swaptrio.mm.swap_state import swap_cache_read_folio
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.mm.swapfile import get_swap_device, put_swap_device
from swaptrio.mm.vmscan import shrink_folio_list
from swaptrio.mm.zswap import zswap_writeback_entry
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.picture import Album, counters_of, short_word
from swaptrio.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from swaptrio.mm.mm_types import MmStruct
    from swaptrio.scenario.setup import SlotSetup, TaskSetup
    from swaptrio.sched import Execution


@attrs.define(eq=False)
class World:
    """One kernel with its oracles, and what its tasks have returned so far, by name."""

    kernel: Kernel
    oracles: Oracles
    results: dict[str, str] = attrs.Factory(dict)
    _album: Album = attrs.field(
        init=False, default=attrs.Factory(lambda self: Album(self.kernel), takes_self=True)
    )

    def slot(self, name: str) -> str:
        """The state of a slot ``DEVICE:NUMBER``: kind and count, as scenario files write it."""
        device, _, number = name.partition(":")
        si = next(si for si in self.kernel.devices if si.name == device)
        ci = si.clusters[int(number) // SWAPFILE_CLUSTER]
        word = SWP_TB_NULL if ci.table is None else ci.table[int(number) % SWAPFILE_CLUSTER]
        return short_word(word)

    def counters(self) -> dict[str, int]:
        """All counters that are not 0, by the names that scenario files use."""
        return counters_of(self.kernel)

    def snapshot(self) -> dict[str, str | int]:
        """The shared state as keys and values, for a recorder."""
        return self._album.picture()


@attrs.frozen
class Setup:
    """A scenario and a variant, ready to be run any number of times."""

    scenario: Scenario
    variant: Variant

    def build(self, execution: Execution) -> World:
        """Make a fresh world, attach the oracles to it, and spawn its tasks."""
        world = _build(self.scenario, self.variant)
        for task in self.scenario.task:
            execution.spawn(task.name, _run_task, world, task)
        start_daemons(world.kernel, execution)
        world.oracles.attach()
        execution.at_end.append(world.oracles.at_end)
        return world


def _build(scenario: Scenario, variant: Variant) -> World:
    setup = scenario.kernel
    config = Config(thp=setup.thp, memcg_v1=setup.memcg == "v1", zswap_ever_enabled=setup.zswap)
    memcgs = [
        MemCgroup(memcg.name, number, memcg.limit)
        for number, memcg in enumerate(scenario.memcg, 1)
    ]
    kernel = new_kernel(config, variant.functions, Drawn(setup.failures), memcgs)
    for device in scenario.device:
        new_device(
            kernel,
            device.name,
            clusters=device.clusters,
            sync=device.sync,
            latency=device.latency,
        )
    groups = {memcg.name: memcg for memcg in memcgs}
    for process in scenario.process:
        orders = sum(1 << order for order in process.orders)
        new_process(kernel, process.name, groups[process.memcg], orders)
    for slots in scenario.slots:
        _swap_out(kernel, slots, groups[slots.memcg])
    for page in scenario.page:
        map_resident(kernel, process_of(kernel, page.process), page.page)
    return World(kernel, Oracles(kernel))


def _swap_out(kernel: Kernel, slots: SlotSetup, memcg: MemCgroup) -> None:
    si = device_of(kernel, slots.device)
    for number in range(slots.nr):
        token = swap_out(
            kernel,
            si,
            slots.first + number,
            memcg=memcg,
            shadow=slots.shadows[number] if slots.shadows else 0,
            count=slots.count,
            zero=slots.zero,
            zswap=slots.zswap,
        )
        if slots.process:
            assert slots.page is not None
            mm = process_of(kernel, slots.process)
            map_swapped(mm, slots.page + number, si, slots.first + number, token)


def process_of(kernel: Kernel, name: str) -> MmStruct:
    """The address space called *name*."""
    return next(mm for mm in kernel.processes if mm.name == name)


def device_of(kernel: Kernel, name: str) -> SwapInfoStruct:
    """The device called *name*."""
    return next(si for si in kernel.devices if si.name == name)


async def _run_task(world: World, task: TaskSetup) -> None:
    world.results[task.name] = await _RUN[task.run](world.kernel, task)


async def _fault(kernel: Kernel, task: TaskSetup) -> str:
    return await handle_mm_fault(kernel, *_place(kernel, task), write=task.write)


async def _store(kernel: Kernel, task: TaskSetup) -> str:
    return await user_store(kernel, *_place(kernel, task))


async def _zap(kernel: Kernel, task: TaskSetup) -> str:
    await zap_pte_range(kernel, *_place(kernel, task), task.nr)
    return "zapped"


async def _swapout(kernel: Kernel, task: TaskSetup) -> str:
    return await shrink_folio_list(kernel, *_place(kernel, task))


async def _readahead(kernel: Kernel, task: TaskSetup) -> str:
    """Read one slot ahead; the folio stays in the cache for whoever needs it."""
    assert task.slot is not None
    entry = swp_entry(device_of(kernel, task.device).type, task.slot)
    si = await get_swap_device(kernel, entry)
    if si is None:
        return "no device"
    folio = await swap_cache_read_folio(kernel, entry, "GFP", "vma", 0, readahead=True)
    if folio is not None:
        folio_put(kernel, folio)
    await put_swap_device(kernel, si)
    return "skipped" if folio is None else "read"


async def _zswap_writeback(kernel: Kernel, task: TaskSetup) -> str:
    assert task.slot is not None
    entry = swp_entry(device_of(kernel, task.device).type, task.slot)
    error = await zswap_writeback_entry(kernel, entry)
    return str(error) if isinstance(error, Errno) else "written"


def _place(kernel: Kernel, task: TaskSetup) -> tuple[MmStruct, int]:
    assert task.page is not None
    return process_of(kernel, task.process), task.page


_RUN: Final[dict[str, Callable[[Kernel, TaskSetup], Coroutine[Any, Any, str]]]] = {
    "fault": _fault,
    "readahead": _readahead,
    "zap": _zap,
    "zswap-writeback": _zswap_writeback,
    "swapout": _swapout,
    "store": _store,
}
