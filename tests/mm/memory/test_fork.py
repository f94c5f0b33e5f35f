# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fork: page tables are copied, and what they name is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.mm import setup
from swaptrio.mm.errno import Errno
from swaptrio.mm.memory import dup_mm, exit_mmap, user_read, user_store
from swaptrio.mm.mm_types import MmStruct, PoisonPte, SwapPte
from swaptrio.sched import Run

if TYPE_CHECKING:
    from collections.abc import Callable


def _fork(world: Any) -> Callable[[], Any]:
    async def main() -> MmStruct | Errno:
        return await dup_mm(world.kernel, world.mm, "Q")

    return main


def test_resident_page_is_shared(make_world: Callable[..., Any]) -> None:
    """Parent and child map one folio; neither may write to it, and it is not exclusive."""
    world = make_world()
    folio = setup.map_resident(world.kernel, world.mm, 3)

    child = world.play(main=_fork(world))["main"]
    assert child.ptes[3] == world.mm.ptes[3]
    assert (child.ptes[3].writable, folio.exclusive) == (False, [False])
    assert (folio.refs, folio.mapcount) == (2, 2)
    assert child.newest == world.mm.newest
    assert world.kernel.processes == [world.mm, child]


def test_slot_is_shared(make_world: Callable[..., Any]) -> None:
    """Both entries name the slot, whose count goes up, and neither is exclusive."""
    world = make_world(watched=True)
    world.swapped(16, page=3)
    world.mm.ptes[5] = None
    world.mm.ptes[6] = PoisonPte()

    child = world.play(main=_fork(world))["main"]
    shared = SwapPte(world.entry(16), exclusive=False)
    assert world.mm.ptes == child.ptes == {3: shared, 5: None, 6: PoisonPte()}
    assert world.slots(16) == "s2:0"


def test_fork_again(make_world: Callable[..., Any]) -> None:
    """What is shared already is shared once more."""
    world = make_world()
    world.swapped(16, page=3)
    folio = setup.map_resident(world.kernel, world.mm, 4)

    async def main() -> None:
        for name in ("Q", "R"):
            await dup_mm(world.kernel, world.mm, name)

    world.play(main=main)
    assert (world.slots(16), folio.refs, folio.mapcount) == ("s3:0", 3, 3)


def test_stores_after_fork(make_world: Callable[..., Any]) -> None:
    """Each side reads its own stores and the other's of before the fork."""
    world = make_world(sync=False)
    for page, slot in ((3, 16), (4, 17)):
        world.swapped(slot, page=page)
    setup.map_resident(world.kernel, world.mm, 5)
    reads: list[tuple[str, int, bool]] = []

    def noting(kernel: Any, mm: MmStruct, page: int, token: int | None) -> None:
        reads.append((mm.name, page, token == mm.newest[page]))

    world.kernel.functions["user_load"] = noting

    async def main() -> None:
        child = await dup_mm(world.kernel, world.mm, "Q")
        assert isinstance(child, MmStruct)
        for page in (3, 5):
            await user_store(world.kernel, child, page)
            await user_read(world.kernel, world.mm, page)
            await user_store(world.kernel, world.mm, page)
        for mm in (world.mm, child):
            for page in (3, 4, 5):
                await user_read(world.kernel, mm, page)
        await exit_mmap(world.kernel, child)

    world.play(main=main)
    assert len(reads) == 8
    assert all(newest for _, _, newest in reads)
    assert world.kernel.processes == [world.mm]


@pytest.mark.parametrize(
    ("fails", "word"), [(("fail", "fail"), "s14:0"), (("fail", "ok"), "s15:0")]
)
def test_count_is_full(
    make_world: Callable[..., Any], fails: tuple[str, ...], word: str
) -> None:
    """A count that needs an extend table gets one without the locks, or the fork is undone."""
    world = make_world(watched=True, may_fail=["extend"])
    for page, count in enumerate((1, 1, 14)):
        world.swapped(16 + page, page=page, count=count)

    fork = world.play(main=_fork(world), choices={"swap_extend_table_alloc.grant": fails})
    failed = fails[-1] == "fail"
    assert (fork["main"] is Errno.ENOMEM) == failed
    assert len(world.kernel.processes) == (1 if failed else 2)
    assert world.slots(16, 3) == ("s1:0 s1:0 " if failed else "s2:0 s2:0 ") + word
    exclusive = [world.mm.ptes[page].exclusive for page in range(3)]
    assert exclusive == [False, False, failed]


def test_a_thread_stores_meanwhile(make_world: Callable[..., Any]) -> None:
    """A store through an entry that is not copied yet is the child's too; faults wait."""
    world = make_world()
    setup.map_resident(world.kernel, world.mm, 3)
    setup.map_resident(world.kernel, world.mm, 600)

    async def store() -> str:
        return await user_store(world.kernel, world.mm, 600)

    results = world.play(
        main=_fork(world),
        store=store,
        window=[
            Run("store", "user_store.store"),
            Run("main", "copy_pte_range.src_ptl", 2),
            Run("store"),
        ],
    )

    child = results["main"]
    assert results["store"] == "stored"
    assert child.newest[600] == world.mm.newest[600] == world.mapped(600)


def test_faults_wait_for_fork(make_world: Callable[..., Any]) -> None:
    """A write fault in the parent comes before the copy or after it."""
    world = make_world()
    setup.map_resident(world.kernel, world.mm, 3)

    async def store() -> str:
        return await user_store(world.kernel, world.mm, 3)

    results = world.play(
        main=_fork(world),
        store=store,
        window=[
            Run("main", "dup_mmap.mmap_unlock"),
            Run("store", "lock_mm_and_find_vma.acquire"),
        ],
    )

    child = results["main"]
    assert results["store"] == "stored"
    assert child.newest[3] != world.mm.newest[3] == world.mapped(3)
    assert child.ptes[3].folio is not world.mm.ptes[3].folio
