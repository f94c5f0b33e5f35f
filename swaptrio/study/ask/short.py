# SPDX-License-Identifier: MIT OR Apache-2.0
"""Worlds in which all interleavings of two faults can be gone through in seconds.

A study that explores asks about a few steps. What lies around them is *shortened*: a charge, a
read from the device, the counting of a new folio and the pin of a device take one step or none,
with the same result. Frames come from a list for each CPU, as the kernel's do, so that two
allocations do not depend on each other. What the study asks about runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.memcontrol import page_counter_charge
from swaptrio.mm.memcontrol_v1 import memcg1_swapin
from swaptrio.mm.page_alloc import FIRST_PFN, PageAllocator, folio_unlock
from swaptrio.mm.page_io import swap_read_folio_zeromap
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import SwpEntry, swp_offset, swp_type
from swaptrio.mm.swapfile.devices import get_swap_device_info
from swaptrio.mm.vmstat import (
    count_mthp_stat,
    count_vm_events,
    lruvec_stat_mod_folio,
    node_stat_mod_folio,
)
from swaptrio.mm.workingset import workingset_refault
from swaptrio.mm.zswap import zswap_load
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Execution, current, point

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.memcontrol import MemCgroup
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapInfoStruct
    from swaptrio.study.ask.lab import Lab
    from swaptrio.variants import Variant

T = TypeVar("T", bound=Hashable)

#: Frames that each CPU has on its list.
_FRAMES: Final = 0x1000


async def _charge(kernel: Kernel, folio: Folio, memcg: MemCgroup, gfp: str) -> Errno | None:
    """Charge in one step, within any limit; or fail, by decision."""
    await point("charge_memcg.wait")
    if await kernel.injection.fails("charge"):
        return Errno.ENOMEM
    page_counter_charge(kernel, memcg, folio.nr)
    folio.memcg = memcg
    return None


async def _read(kernel: Kernel, folio: Folio) -> None:
    """Read from where the data is within the step before, and unlock the folio."""
    zeros = await swap_read_folio_zeromap(kernel, folio)
    if not zeros and await zswap_load(kernel, folio) is Errno.ENOENT:
        data, first = kernel.devices[swp_type(folio.swap)].data, swp_offset(folio.swap)
        folio.pages[:] = [data.get(slot) for slot in range(first, first + folio.nr)]
        folio.uptodate = True
        count_mthp_stat(kernel, folio.order, "SWPIN")
        count_vm_events(kernel, "PSWPIN", folio.nr)
    await folio_unlock(kernel, folio, "end_swap_bio_read.unlock")


async def _pin(kernel: Kernel, entry: SwpEntry) -> SwapInfoStruct:
    """Keep a device there that nobody takes off."""
    si = kernel.devices[swp_type(entry)]
    get_swap_device_info(kernel, si)
    return si


def _is_there(kernel: Kernel, si: SwapInfoStruct) -> bool:
    """Count nothing: that two tasks have a device pinned orders none of their steps."""
    return True


async def _unpin(kernel: Kernel, si: SwapInfoStruct) -> None:
    """The reverse of `_pin`."""


async def _account_off_lru(kernel: Kernel, folio: Folio, entry: SwpEntry, shadow: int) -> None:
    """Count a charged folio within the step of its charge."""
    memcg1_swapin(kernel, entry, folio.nr)
    if shadow:
        workingset_refault(kernel, folio, shadow)
    node_stat_mod_folio(kernel, folio, "NR_FILE_PAGES", folio.nr)
    lruvec_stat_mod_folio(kernel, folio, "NR_SWAPCACHE", folio.nr)


async def _account(kernel: Kernel, folio: Folio, entry: SwpEntry, shadow: int) -> None:
    """As `_account_off_lru`, and put it on the LRU."""
    await _account_off_lru(kernel, folio, entry, shadow)
    folio_add_lru(kernel, folio)


_SHORT: Final[dict[str, Callable[..., Any]]] = {
    "try_charge_memcg": _charge,
    "swap_read_folio": _read,
    "get_swap_device": _pin,
    "get_swap_device_info": _is_there,
    "put_swap_device": _unpin,
    "_account": _account,
}


def shortened(variant: Variant) -> Variant:
    """*variant* in short surroundings; from `next` on callers put folios on the LRU."""
    functions = {**variant.functions, **_SHORT}
    if "zswap_entry_present" in variant.functions:
        functions["_account"] = _account_off_lru
    return attrs.evolve(variant, functions=functions)


@attrs.define(eq=False)
class _FramesByCpu(PageAllocator):
    """Frames from a list for each CPU; each task runs on one of its own."""

    taken: dict[int, int] = attrs.Factory(dict)

    def take(self, nr: int) -> int:
        cpu = current().me().index
        first = -(-self.taken.get(cpu, 0) // nr) * nr
        self.taken[cpu] = first + nr
        return FIRST_PFN + (1 + cpu) * _FRAMES + first


@attrs.frozen
class Arranged(Setup, Generic[T]):
    """A scenario's world in which something is arranged before its tasks run.

    *arrange* may change the world and spawn tasks. When an execution has passed *tell* is asked
    what came of it; all that it has ever said is in *ends*, each once, in order of appearance.
    """

    arrange: Callable[[World, Execution], None]
    tell: Callable[[World], T]
    ends: dict[T, None] = attrs.field(factory=dict, eq=False)

    def build(self, execution: Execution) -> World:
        """Make the world of one execution."""
        world = super().build(execution)
        world.kernel.page_allocator = _FramesByCpu(world.kernel.page_allocator.next_pfn)
        self.arrange(world, execution)
        execution.at_end.append(lambda: self.ends.setdefault(self.tell(world)))
        return world


def nothing(world: World, execution: Execution) -> None:
    """Leave the world as it is."""


async def all_ends(lab: Lab, setup: Arranged[T]) -> tuple[list[T], list[str]]:
    """What all executions of *setup* come to, and what breaks the others: checks, or words."""
    result = await lab.explore(setup)
    verdicts = [found.verdict for found in result.violations]
    return list(setup.ends), [verdict.check or str(verdict.ending) for verdict in verdicts]
