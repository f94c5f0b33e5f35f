# SPDX-License-Identifier: MIT OR Apache-2.0
"""A small world to run functions of the model in: one device, two memcgs, one process."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import attrs
import pytest

from swaptrio.checks import Oracles
from swaptrio.mm import setup
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.memcontrol import MemCgroup, mem_cgroup_charge
from swaptrio.mm.memory import handle_mm_fault
from swaptrio.mm.mm_types import Folio, MmStruct, PresentPte, SwapPte, VmFault
from swaptrio.mm.page_alloc import alloc_pages, folio_lock, folio_put, folio_unlock
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import SwapInfoStruct, SwpEntry, swp_entry
from swaptrio.mm.swap_state import swap_cache_alloc_folio
from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_NULL,
    count_of,
    swp_tb_is_folio,
    swp_tb_to_shadow,
    xa_to_value,
    zero_of,
)
from swaptrio.mm.swapfile import (
    _try_to_reclaim_swap,
    folio_alloc_swap,
    get_swap_device,
    put_swap_device,
    swap_put_entries_direct,
)
from swaptrio.mm.swapfile.reclaim import TTRS_ANYWAY
from swaptrio.mm.vmscan import madvise_pageout
from swaptrio.sched import Execution, Run, Script, Strategy, run
from swaptrio.variants import load

Main = Callable[[], Coroutine[Any, Any, object]]


@attrs.define(eq=False)
class World:
    """A kernel that has not run yet; `play` runs it, once.

    *watched*: under the oracles, for tests that build nothing which the model would not.
    """

    kernel: Kernel
    si: SwapInfoStruct
    mm: MmStruct
    m1: MemCgroup
    m2: MemCgroup
    watched: bool = False
    execution: Execution | None = None

    def swapped(self, offset: int, page: int | None = None, **how: Any) -> int:
        """Let a slot be swapped out, with *page* of the process naming it; gives its token."""
        memcg = how.pop("memcg", self.m1)
        token = setup.swap_out(self.kernel, self.si, offset, memcg=memcg, **how)
        if page is not None:
            setup.map_swapped(self.mm, page, self.si, offset, token)
        return token

    def quad(self, **how: Any) -> list[int]:
        """Let pages 16 to 19 be in slots 16 to 19; gives their tokens."""
        return [self.swapped(slot, page=slot, **how) for slot in range(16, 20)]

    def access(self, page: int, *, write: bool = False) -> Main:
        """A task that accesses a page of the process."""

        async def main() -> str:
            return await handle_mm_fault(self.kernel, self.mm, page, write=write)

        return main

    def mapped(self, page: int) -> int | None:
        """The data that a page of the process maps; none where it maps nothing."""
        pte = self.mm.ptes.get(page)
        return pte.folio.pages[pte.index] if isinstance(pte, PresentPte) else None

    def entry(self, offset: int) -> SwpEntry:
        """The entry of a slot."""
        return swp_entry(self.si.type, offset)

    def fault(self, page: int, *, write: bool = False) -> VmFault:
        """A fault at a page whose entry names a slot."""
        pte = self.mm.ptes[page]
        assert isinstance(pte, SwapPte)
        return VmFault(self.mm, page, pte, write)

    def word(self, offset: int) -> int:
        """The word of a slot."""
        table = self.si.clusters[offset // 512].table
        return SWP_TB_NULL if table is None else table[offset % 512]

    def slots(self, first: int, nr: int = 1) -> str:
        """Slots in short: ``-``, ``b``, ``f`` and a count, or ``s``, a count and a shadow."""
        return " ".join(_short(self.word(offset)) for offset in range(first, first + nr))

    async def inserted(self, offset: int, order: int = 0) -> Folio:
        """A folio at a slot that is swapped out: locked, cached, charged, not read."""
        si = await get_swap_device(self.kernel, self.entry(offset))
        assert si is not None
        folio = await swap_cache_alloc_folio(
            self.kernel, self.entry(offset), "GFP", 1 << order, None, "task", 0
        )
        assert isinstance(folio, Folio)
        await put_swap_device(self.kernel, si)
        return folio

    async def cached(self, offset: int, order: int = 0) -> Folio:
        """A folio that was read and is in nobody's hands but the cache's."""
        folio = await self.inserted(offset, order)
        folio.pages[:] = [self.si.data.get(offset + number) for number in range(folio.nr)]
        folio.uptodate = True
        await self.release(folio)
        return folio

    async def swapout(self, page: int) -> str:
        """Reclaim a page of the process; what came of it."""
        return await madvise_pageout(self.kernel, self.mm, page)

    async def disown(self, offset: int, nr: int = 1) -> None:
        """Let owners that are not modelled drop slots, one count of each."""
        for slot in range(offset, offset + nr):
            self.si.foreign_counts[slot] -= 1
        await swap_put_entries_direct(self.kernel, self.entry(offset), nr)

    async def resident(self, order: int = 0) -> Folio:
        """A locked folio of the first memcg with data of its own, not in the cache."""
        folio = await alloc_pages(self.kernel, order)
        assert folio is not None
        folio.lock.take_free()
        folio.uptodate = folio.swapbacked = folio.dirty = True
        folio.pages[:] = [self.kernel.new_token() for _ in folio.pages]
        mem_cgroup_charge(self.kernel, folio, self.m1)
        folio_add_lru(self.kernel, folio)
        return folio

    async def given_slots(self, order: int = 0) -> Folio:
        """As `resident`, with slots that nobody uses yet."""
        folio = await self.resident(order)
        assert await folio_alloc_swap(self.kernel, folio) is None
        return folio

    async def lock(self, folio: Folio) -> None:
        """Lock a folio."""
        await folio_lock(self.kernel, folio, "test.lock")

    async def unlock(self, folio: Folio) -> None:
        """Unlock a folio, and keep the caller's reference."""
        await folio_unlock(self.kernel, folio, "test.unlock")

    def let_go(self, folio: Folio) -> None:
        """Drop the caller's reference."""
        folio_put(self.kernel, folio)

    async def reclaim(self, offset: int) -> int:
        """Take what caches a slot out of the cache, if nobody uses it; as the kernel says."""
        si = await get_swap_device(self.kernel, self.entry(offset))
        assert si is not None
        pages = await _try_to_reclaim_swap(self.kernel, si, offset, TTRS_ANYWAY)
        await put_swap_device(self.kernel, si)
        return pages

    async def release(self, folio: Folio) -> None:
        """Unlock a folio and drop the caller's reference."""
        await folio_unlock(self.kernel, folio, "test.unlock")
        folio_put(self.kernel, folio)

    def play(
        self,
        *,
        window: Sequence[Run] = (),
        choices: Mapping[str, tuple[str, ...]] | None = None,
        ending: str = "passed",
        strategy: Strategy | None = None,
        oracles: bool = False,
        **tasks: Main,
    ) -> dict[str, Any]:
        """Run *tasks* and the daemons; returns the results by the names of the tasks.

        They run along the *window* with its *choices*, or as the *strategy* says. With
        *oracles* all invariants are checked; each task counts as a caller who keeps all devices
        there.
        """

        def program(execution: Execution) -> None:
            for name, main in tasks.items():
                execution.spawn(name, main)
            setup.start_daemons(self.kernel, execution)
            if oracles or self.watched:
                watch = Oracles(self.kernel)
                for si in self.kernel.devices:
                    watch.memory.pins.update({(name, si.type): 1 for name in tasks})
                watch.attach()
                execution.at_end.append(watch.at_end)

        execution = run(program, strategy or Script(tuple(window), dict(choices or {})))
        assert execution.verdict is not None
        assert execution.verdict.ending.value == ending, str(execution.verdict)
        self.execution = execution
        return {task.name: task.result for task in execution.tasks if task.name in tasks}


def _short(word: int) -> str:
    if word in (SWP_TB_NULL, SWP_TB_BAD):
        return "b" if word else "-"
    zero = "z" if zero_of(word) else ""
    if swp_tb_is_folio(word):
        return f"f{count_of(word)}{zero}"
    return f"s{count_of(word)}:{xa_to_value(swp_tb_to_shadow(word))}{zero}"


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Make worlds; see the arguments."""

    def make(
        variant: str = "v3",
        *,
        sync: bool = True,
        clusters: int = 1,
        latency: int = 0,
        orders: int = 0,
        limit: int = 1000,
        may_fail: Sequence[str] = (),
        watched: bool = False,
        device: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> World:
        m1, m2 = MemCgroup("m1", 1, limit), MemCgroup("m2", 2, 1000)
        functions = load(variant).functions
        kernel = setup.new_kernel(Config(**config), functions, Drawn(may_fail), [m1, m2])
        si = setup.new_device(
            kernel,
            "swap0",
            clusters=clusters,
            sync=sync,
            latency=latency,
            **(device or {}),
        )
        mm = setup.new_process(kernel, "P", m1, orders)
        return World(kernel, si, mm, m1, m2, watched)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with v3 and nothing in it."""
    return make_world()
