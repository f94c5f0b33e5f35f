# SPDX-License-Identifier: MIT OR Apache-2.0
"""The world of a scenario: a kernel set up as its file says, with its tasks and oracles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.checks import Oracles, watch_accesses, watch_kernel, watch_races
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.memcontrol import MemCgroup
from swaptrio.mm.setup import (
    file_resident,
    file_swapped,
    map_resident,
    map_swapped,
    new_device,
    new_file,
    new_kernel,
    new_process,
    start_daemons,
    swap_out,
)
from swaptrio.mm.swap_h import (
    SWAPFILE_CLUSTER,
    SWP_PAGE_DISCARD,
    SWP_SOLIDSTATE,
    SWP_STABLE_WRITES,
)
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.scenario.beginning import Beginning
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.picture import Album, counters_of, short_word
from swaptrio.scenario.tasks import device_of, file_of, process_of, run_task
from swaptrio.variants import Variant

if TYPE_CHECKING:
    from swaptrio.scenario.setup import DeviceSetup, SlotSetup
    from swaptrio.sched import Execution

_DEVICE_FLAGS: Final = {"discard": SWP_PAGE_DISCARD, "stable_writes": SWP_STABLE_WRITES}


@attrs.define(eq=False)
class World:
    """One kernel with its oracles, and what its tasks have returned so far, by name.

    *beginning* is what kernel and oracles were like before any task, if it was noted. *reports*
    says that the kernel's state reports what is done to it.
    """

    kernel: Kernel
    oracles: Oracles
    results: dict[str, str] = attrs.Factory(dict)
    beginning: Beginning | None = None
    reports: bool = False
    _album: Album | None = None

    def again(self) -> World:
        """The same kernel and oracles, put back to their beginning, which has to be known."""
        assert self.beginning is not None
        self.beginning.restore()
        return World(self.kernel, self.oracles, beginning=self.beginning, reports=self.reports)

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
        if self._album is None:
            self._album = Album(self.kernel)
        return self._album.picture()


@attrs.frozen
class Setup:
    """A scenario and a variant, ready to be run any number of times."""

    scenario: Scenario
    variant: Variant
    _resting: list[World] = attrs.field(factory=list, init=False, eq=False, repr=False)

    def build(self, execution: Execution) -> World:
        """Make a fresh world, attach the oracles to it, and spawn its tasks."""
        return self._populated(_build(self.scenario, self.variant), execution)

    def lend(self, execution: Execution) -> World:
        """As `build`, for whoever gives the world back to `take_back`, and looks at it no more.

        It may be one that was there before, put back to its beginning. Not where it is watched
        for data races; not with a user's own variant, whose functions may keep by kernel what
        no object of the model has room for; and not where a subclass makes more of a world.
        """
        if self.variant.races:
            return self.build_watched(execution)
        return self._lent(execution, reports=False)

    def lend_reporting(self, execution: Execution) -> World:
        """As `lend`, with steps that report what they access (see `checks.accesses`).

        Nobody looks for data races then.
        """
        world = self._lent(execution, reports=True)
        watch_accesses(world.kernel, execution)
        return world

    def _lent(self, execution: Execution, *, reports: bool) -> World:
        if self.variant.foreign or type(self) is not Setup:
            return self.build(execution)
        resting = [world for world in self._resting if world.reports is reports]
        if resting:
            self._resting.remove(resting[-1])
            world = resting[-1].again()
        else:
            world = _build(self.scenario, self.variant)
            world.reports = reports
            if reports:
                watch_kernel(world.kernel)
            world.beginning = Beginning.of(world.kernel, world.oracles)
        execution.lasting += [world.kernel, world.oracles]
        return self._populated(world, execution)

    def take_back(self, world: World) -> None:
        """The execution of a *world* that was lent has ended."""
        if world.beginning is None:
            world.oracles.detach()
        else:
            self._resting.append(world)

    def _populated(self, world: World, execution: Execution) -> World:
        for task in self.scenario.task:
            execution.spawn(task.name, run_task, world.kernel, task, world.results)
        start_daemons(world.kernel, execution)
        execution.at_end.append(world.oracles.at_end)
        if not self.variant.foreign:  # nobody knows what a user's own functions read
            execution.unread.append(world.kernel.vmstat)
        return world

    def build_watched(self, execution: Execution) -> World:
        """As `build`, where a variant that may have data races is watched for them.

        Not for whoever listens to what steps touch, as exhaustive exploration does.
        """
        world = self.build(execution)
        if self.variant.races:
            watch_races(world.kernel, execution)
        return world


def _build(scenario: Scenario, variant: Variant) -> World:
    setup = scenario.kernel
    config = Config(
        thp=setup.thp,
        numa=setup.numa,
        memcg_v1=setup.memcg == "v1",
        zswap_ever_enabled=setup.zswap,
        zswap_enabled=setup.zswap_enabled,
        zswap_max_pool=setup.zswap_max_pool,
        lru_batch=setup.lru_batch,
        page_cluster=setup.page_cluster,
        vma_readahead=setup.vma_readahead,
        plugged=setup.plugged,
    )
    memcgs = _new_memcgs(scenario)
    kernel = new_kernel(config, variant.functions, Drawn(setup.failures), memcgs)
    for device in scenario.device:
        _new_device(kernel, device)
    groups = {memcg.name: memcg for memcg in memcgs}
    for process in scenario.process:
        mm = new_process(kernel, process.name, groups[process.memcg], _bitmap(process.orders))
        mm.uffd, mm.mlocked = process.uffd, process.mlocked
    for file in scenario.file:
        new_file(kernel, file.name, groups[file.memcg], _bitmap(file.orders))
    for slots in scenario.slots:
        _swap_out(kernel, slots, groups[slots.memcg])
    for page in scenario.page:
        if page.process:
            map_resident(kernel, process_of(kernel, page.process), page.page, page.order)
        else:
            file_resident(kernel, file_of(kernel, page.file), page.page, page.order)
    oracles = Oracles(kernel)
    oracles.attach()
    return World(kernel, oracles)


def _bitmap(orders: tuple[int, ...]) -> int:
    return sum(1 << order for order in orders)


def _new_memcgs(scenario: Scenario) -> list[MemCgroup]:
    groups: dict[str, MemCgroup] = {}
    for number, memcg in enumerate(scenario.memcg, 1):
        groups[memcg.name] = MemCgroup(
            memcg.name,
            number,
            memcg.limit,
            parent=groups.get(memcg.parent),
            swap_max=memcg.swap_limit,
            memsw_limit=memcg.memsw_limit,
        )
    return list(groups.values())


def _new_device(kernel: Kernel, device: DeviceSetup) -> None:
    si = new_device(
        kernel,
        device.name,
        slots=device.slots,
        bad=device.bad,
        sync=device.sync,
        latency=device.latency,
        latencies=device.latencies,
        priority=device.priority,
        flags=sum(flag for key, flag in _DEVICE_FLAGS.items() if getattr(device, key)),
    )
    if device.rotating:
        si.flags &= ~SWP_SOLIDSTATE


def _swap_out(kernel: Kernel, slots: SlotSetup, memcg: MemCgroup) -> None:
    si = device_of(kernel, slots.device)
    tokens = [
        swap_out(
            kernel,
            si,
            slots.first + number,
            memcg=memcg,
            shadow=slots.shadows[number] if slots.shadows else 0,
            count=slots.count,
            zero=slots.zero,
            zswap=slots.zswap,
        )
        for number in range(slots.nr)
    ]
    if slots.process:
        assert slots.page is not None
        mm = process_of(kernel, slots.process)
        for number, token in enumerate(tokens):
            map_swapped(mm, slots.page + number, si, slots.first + number, token)
    if slots.file:
        _to_file(kernel, slots, tokens)


def _to_file(kernel: Kernel, slots: SlotSetup, tokens: list[int]) -> None:
    assert slots.page is not None
    si, file = device_of(kernel, slots.device), file_of(kernel, slots.file)
    size = 1 << slots.order
    for first in range(0, slots.nr, size):
        part = tokens[first : first + size]
        file_swapped(file, slots.page + first, si, slots.first + first, part)
