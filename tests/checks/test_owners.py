# SPDX-License-Identifier: MIT OR Apache-2.0
"""Owners of slots and holders of folios beyond page tables: files, batches, children."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.checks import Oracles, watch_accesses
from swaptrio.checks.owners import FilePages
from swaptrio.mm import setup
from swaptrio.mm.memory import copy_page_range, dup_mm, exit_mmap, user_read
from swaptrio.mm.mm_types import MmStruct, ShmemSwap
from swaptrio.mm.shmem import (
    shmem_read,
    shmem_split_large_entry,
    shmem_truncate_range,
    shmem_write,
)
from swaptrio.mm.swap import lru_add_drain_all
from swaptrio.mm.swap_h import SwpEntry, swp_entry
from swaptrio.scenario.world import Setup
from swaptrio.sched import FirstChoice, RandomWalk, Strategy, Verdict, run
from swaptrio.variants import load
from tests.checks.conftest import WORLD

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import AddressSpace
    from swaptrio.sched import Execution

Body = Callable[["Kernel", "AddressSpace"], Coroutine[Any, Any, object]]


def verdict_of(
    *bodies: Body,
    strategy: Strategy | None = None,
    lru_batch: int = 1,
    watched: bool = False,
    before: Callable[[Kernel], object] = lambda kernel: None,
    **functions: Callable[..., Any],
) -> Verdict:
    """Tasks in a world with a file F, of which pages 4 to 7 are in slots 40 to 43.

    The four are one large entry.
    """
    version = load("v5")

    def program(execution: Execution) -> None:
        world = Setup(WORLD, version).build(execution)
        kernel = world.kernel
        world.oracles.detach()
        kernel.functions.update({**version.functions, **functions})
        kernel.config = attrs.evolve(kernel.config, lru_batch=lru_batch)
        memcg = kernel.memcgs.by_id[1]
        si = kernel.devices[0]
        file = setup.new_file(kernel, "F", memcg, 0)
        tokens = [setup.swap_out(kernel, si, 40 + page, memcg=memcg) for page in range(4)]
        setup.file_swapped(file, 4, si, 40, tokens)
        before(kernel)
        oracles = Oracles(kernel)
        oracles.attach()
        execution.at_end[:] = [oracles.at_end]
        if watched:
            watch_accesses(kernel, execution)
        for number, body in enumerate(bodies):
            execution.spawn(f"body-{number}", body, kernel, file)

    verdict = run(program, strategy or FirstChoice(), budget=5000).verdict
    assert verdict is not None
    return verdict


async def reads(kernel: Kernel, file: AddressSpace) -> None:
    """All pages are read, and one that is a hole."""
    for index in (6, 4, 5, 7, 9):
        assert await shmem_read(kernel, file, index) in ("read", "hole")


async def writes(kernel: Kernel, file: AddressSpace) -> None:
    """Two pages are written, and read again."""
    for index in (5, 12):
        assert await shmem_write(kernel, file, index) == "stored"
        assert await shmem_read(kernel, file, index) == "read"


async def truncates(kernel: Kernel, file: AddressSpace) -> None:
    """The file goes."""
    await shmem_truncate_range(kernel, file, 0, 16)


@pytest.mark.parametrize("watched", [False, True])
def test_files_own_slots(watched: bool) -> None:
    """What is read, written and truncated at once keeps counts and entries together."""
    for seed in range(15):
        verdict = verdict_of(
            reads, writes, truncates, strategy=RandomWalk(seed), watched=watched
        )
        assert verdict.passed, (seed, verdict)


@pytest.mark.parametrize("watched", [False, True])
def test_an_entry_of_a_file_that_is_lost_is_found(watched: bool) -> None:
    """I-COUNT: at once, and not only at the end."""

    async def loses(kernel: Kernel, file: AddressSpace) -> None:
        async with file.i_pages.hold("test.lose"):
            del file.pages[5]
        raise AssertionError("nobody has noticed")

    assert verdict_of(loses, watched=watched).check == "I-COUNT"


def test_an_entry_that_is_stored_twice_is_found() -> None:
    """I-COUNT: a slot with two owners and a count of one."""

    async def doubles(kernel: Kernel, file: AddressSpace) -> None:
        async with file.i_pages.hold("test.double"):
            file.pages[9] = ShmemSwap(swp_entry(0, 40))
        raise AssertionError("nobody has noticed")

    assert verdict_of(doubles).check == "I-COUNT"


def test_a_split_entry_owns_the_same_slots() -> None:
    """A large entry names a slot at each of its indices, as the small ones do after it."""

    async def splits(kernel: Kernel, file: AddressSpace) -> None:
        there = file.pages[4]
        assert isinstance(there, ShmemSwap)
        if there.order:
            await shmem_split_large_entry(kernel, file, 4, SwpEntry(there.entry))

    assert verdict_of(splits, reads).passed


def test_a_file_that_is_watched_no_more() -> None:
    """After detach its entries change without a word, and lead to nobody."""
    version = load("v5")

    def program(execution: Execution) -> None:
        kernel = Setup(WORLD, version).build(execution).kernel
        file = setup.new_file(kernel, "F", kernel.memcgs.by_id[1], 0)
        oracles = Oracles(kernel)
        oracles.attach()
        assert type(file.pages) is FilePages
        oracles.detach()
        assert type(file.pages) is dict
        kernel.functions.update(version.functions)

    verdict = run(program, FirstChoice()).verdict
    assert verdict is not None
    assert verdict.passed, verdict


def test_entries_change_one_by_one() -> None:
    """Nobody hears of what goes away all at once, so it is refused."""

    async def clears(kernel: Kernel, file: AddressSpace) -> None:
        with pytest.raises(TypeError, match="one by one"):
            file.pages.clear()

    assert verdict_of(clears).passed


def test_a_count_that_a_file_keeps_is_found() -> None:
    """I-COUNT: an entry is replaced by its page, and the count is not dropped."""

    async def nothing(*args: object, **named: object) -> None:
        """Drop none."""

    assert verdict_of(reads, folio_put_swap=nothing).check == "I-COUNT"


def test_stale_data_that_a_user_reads_are_found() -> None:
    """I-MAPDATA: for a page that is mapped already, and for a file."""

    def spoil(kernel: Kernel) -> None:
        kernel.processes[0].newest[9] = 999

    async def user(kernel: Kernel, file: AddressSpace) -> None:
        await user_read(kernel, kernel.processes[0], 9)

    assert verdict_of(user).passed
    assert verdict_of(user, before=spoil).check == "I-MAPDATA"

    def spoil_file(kernel: Kernel) -> None:
        kernel.files[0].newest[6] = 999

    assert verdict_of(reads, before=spoil_file).check == "I-MAPDATA"


@pytest.mark.parametrize("lru_batch", [1, 3, 15])
def test_batches_hold_references(lru_batch: int) -> None:
    """A folio that waits for the LRU has a reference more, and is no leak; nor after it."""

    async def drains(kernel: Kernel, file: AddressSpace) -> None:
        await lru_add_drain_all(kernel)

    for seed in range(8):
        for bodies in ((reads, writes), (reads, writes, drains)):
            verdict = verdict_of(*bodies, strategy=RandomWalk(seed), lru_batch=lru_batch)
            assert verdict.passed, verdict


def test_a_reference_of_a_batch_that_is_lost_is_found() -> None:
    """I-REFS: a folio goes to the LRU, and the batch's reference stays."""

    def puts_none(kernel: Kernel, folios: object) -> None:
        """Drop none."""

    assert verdict_of(reads, folios_put=puts_none).check == "I-REFS"


def test_a_child_owns_what_its_parent_does() -> None:
    """A fork gives slots and pages a second owner, pages in the cache included."""

    async def forks(kernel: Kernel, file: AddressSpace) -> None:
        parent = kernel.processes[0]
        child = setup.new_process(kernel, "child", parent.memcg)
        await parent.mmap_lock.acquire_write("test.parent")
        await child.mmap_lock.acquire_write("test.child")
        assert await copy_page_range(kernel, child, parent) is None
        await child.mmap_lock.release("test.child_done")
        await parent.mmap_lock.release("test.parent_done")

    async def user(kernel: Kernel, file: AddressSpace) -> None:
        for page in (9, 17, 7):
            await user_read(kernel, kernel.processes[0], page)

    for seed in range(10):
        verdict = verdict_of(forks, user, strategy=RandomWalk(seed))
        assert verdict.passed, verdict
    lost = [
        verdict_of(forks, strategy=RandomWalk(seed), swap_dup_entry_direct=_free).check
        for seed in range(2)
    ]
    assert lost == ["I-COUNT"] * 2


def test_a_process_that_has_gone_is_forgotten() -> None:
    """Nothing that is kept of it grows with the number of those that came and went."""
    kept: list[int] = []

    async def forks(kernel: Kernel, file: AddressSpace) -> None:
        oracles = kernel.functions["exit_mmap"].args[0]  # type: ignore[attr-defined]  # a partial
        for number in range(4):
            child = await dup_mm(kernel, kernel.processes[0], f"child-{number}")
            assert isinstance(child, MmStruct)
            assert child.ptl.on_release is not None
            await exit_mmap(kernel, child)
            assert child.ptl.on_release is None
            kept.append(len(oracles.order.classes))

    verdict = verdict_of(forks)
    assert verdict.passed, verdict
    assert len(set(kept)) == 1


async def _free(*args: object) -> None:
    """A count that is not raised."""
