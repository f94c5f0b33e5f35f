# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q3: which slot a file's fallback to order 0 reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.checks import watch_accesses
from swaptrio.explore import Result
from swaptrio.mm.kernel import plain
from swaptrio.mm.page_alloc import alloc_pages
from swaptrio.mm.setup import file_swapped, new_file, start_daemons, swap_out
from swaptrio.mm.shmem.users import copy_folio_to_user, shmem_read
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.small_world import SmallWorld, small_world
from swaptrio.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import AddressSpace, Folio
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

#: The versions that swap files in at large orders.
_VERSIONS: Final = ("v3", "v4", "v5", "next")

#: The file's pages, and the slots of its one large entry.
_PAGE: Final = 16
_SLOT: Final = 32
_NR: Final = 4

#: Why order 2 cannot be had, by what is done about it.
_CAUSES: Final = {
    "allocation": "no large folio can be allocated",
    "charge": "the group has room for one page",
    "neighbour": "another slot gets a folio at any time",
}


@attrs.frozen
class Read:
    """The page *index* of the entry, read in *version* while order 2 fails for *cause*.

    The finals of *result* are what the reader got: whether it is the data of that page, and
    the order of the folio it came in.
    """

    version: str
    cause: str
    index: int
    result: Result

    @property
    def right(self) -> bool:
        """Whether all schedules are known, and the data is right in each of them."""
        whole = self.result.complete and not self.result.violations
        return whole and bool(self._got) and all(got and got[0] for got in self._got)

    @property
    def orders(self) -> list[int]:
        """The orders of the folios that the data came in."""
        return sorted({got[1] for got in self._got if got})

    @property
    def _got(self) -> list[tuple[bool, int] | None]:
        return list(self.result.finals)  # type: ignore[arg-type]  # what `Reader` tells


async def answer(lab: Lab) -> Answer:
    """Read each page of a large entry in all schedules, for each cause in each version."""
    reads = [
        await _read(lab, version, cause, index)
        for version in _VERSIONS
        for cause in _CAUSES
        for index in range(_NR)
    ]
    table = Table(
        "reads of the pages 0 to 3 of an order-2 entry",
        ("version", "order 2 fails", "executions", "right", "orders", "because"),
        tuple(_row(version, cause, reads) for version in _VERSIONS for cause in _CAUSES),
    )
    return Answer((table,), _claims(reads), Decided.PROVED, _BOUNDS)


_BOUNDS: Final = (
    "one reader, one neighbour, a file with one order-2 entry in slots 32 to 35, whose pages "
    "have four different data tokens; old and pre swap files in at order 0 only"
)


def _row(version: str, cause: str, reads: Sequence[Read]) -> tuple[str, ...]:
    those = [read for read in reads if (read.version, read.cause) == (version, cause)]
    orders = sorted({order for read in those for order in read.orders})
    return (
        version,
        cause,
        str(sum(read.result.executions for read in those)),
        f"{sum(read.right for read in those)} of {len(those)} pages",
        ", ".join(map(str, orders)),
        _CAUSES[cause],
    )


async def _read(lab: Lab, version: str, cause: str, index: int) -> Read:
    reader = Reader(lab.variant(version), cause, index)
    result = await lab.explore(reader, name=f"{version}, {cause}, page {index}")
    return Read(version, cause, index, result)


@attrs.define(eq=False)
class Reader:
    """A task that reads the page *index* of the entry in *variant*, for which *cause* holds."""

    variant: Variant
    cause: str
    index: int
    got: tuple[bool, int] | None = None

    def __call__(self, execution: Execution) -> Callable[[], tuple[bool, int] | None]:
        """Make the world and its tasks; what is returned tells what the reader got."""
        self.got = None
        world = small_world(self._noting(), (), limit=1 if self.cause == "charge" else 64)
        memcg = world.mm.memcg
        file = new_file(world.kernel, "f", memcg, orders=0b100)
        slots = range(_SLOT, _SLOT + _NR)
        tokens = [swap_out(world.kernel, world.si, slot, memcg=memcg) for slot in slots]
        file_swapped(file, _PAGE, world.si, _SLOT, tokens)
        start_daemons(world.kernel, execution)
        execution.spawn("reader", self._read, world, file)
        if self.cause == "neighbour":
            execution.spawn("neighbour", world.cache, _SLOT + (self.index + 1) % _NR)
        watch_accesses(world.kernel, execution)
        return lambda: self.got

    async def _read(self, world: SmallWorld, file: AddressSpace) -> None:
        await shmem_read(world.kernel, file, _PAGE + self.index)

    def _noting(self) -> Variant:
        """The variant, with what the reader gets noted, and large folios refused if need be."""
        functions: dict[str, Any] = {
            **self.variant.functions,
            "copy_folio_to_user": self._copy,
        }
        if self.cause == "allocation":
            functions["alloc_pages"] = _none_large
        return attrs.evolve(self.variant, functions=functions)

    def _copy(self, kernel: Kernel, file: AddressSpace, index: int, folio: Folio) -> int | None:
        token: int | None = plain(copy_folio_to_user)(kernel, file, index, folio)
        self.got = (token == file.newest[_PAGE + self.index], folio.order)
        return token


async def _none_large(kernel: Kernel, order: int) -> Folio | None:
    """An allocator that has single pages only."""
    if order:
        return None
    folio: Folio | None = await plain(alloc_pages)(kernel, order)
    return folio


def _claims(reads: Sequence[Read]) -> tuple[Claim, Claim]:
    wrong = [read for read in reads if not read.right]
    executions = sum(read.result.executions for read in reads)
    forced = [read for read in reads if read.cause != "neighbour"]
    fell_back = all(read.orders == [0] for read in forced)
    raced = all(0 in read.orders for read in reads if read.cause == "neighbour")
    named = ", ".join(f"page {read.index} in {read.version} ({read.cause})" for read in wrong)
    return (
        Claim(
            not wrong,
            f"Yes: in all {executions} executions, of {len(_VERSIONS)} versions and pages 0 to "
            f"{_NR - 1}, the reader gets the data of its own slot.",
            f"No: {named}: the data is not right in every schedule.",
        ),
        Claim(
            fell_back and raced,
            "It comes from order 0 whenever order 2 cannot be allocated or charged, and in "
            "some schedule of each read beside a neighbour.",
            "Some reads never fell back to order 0, so they show nothing of it.",
        ),
    )


STUDY: Final = Study(
    3,
    "Does the order-0 fallback of shmem read the right slot?",
    "Baolin Wang, review of v3 05/12",
    answer,
)
