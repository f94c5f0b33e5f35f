# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q10: which properties of the slots the double check keeps, from the check to the insertion.

A fault takes four slots at once. Another task changes one property of a neighbour in a single
step under the cluster lock, or in as few as it takes, unless the slot is cached by then: that
stands for whatever other tasks can do meanwhile, such as swapping the page in and out again to
the same slot. All places where these steps can fall are gone through.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.mm.kernel import Kernel
from swaptrio.mm.memcontrol import (
    mem_cgroup_private_id_get_online,
    mem_cgroup_private_id_put,
    page_counter_charge,
)
from swaptrio.mm.memory.zap import zap_pte_range
from swaptrio.mm.page_alloc import folio_put, folio_unlock, new_folio
from swaptrio.mm.swap import folio_add_lru
from swaptrio.mm.swap_h import SwapClusterInfo, ZswapEntry, swp_cluster_offset, swp_entry
from swaptrio.mm.swap_state import _swap_cache_add_folio
from swaptrio.mm.swap_table import (
    _swap_cgroup_set,
    _swap_table_set_zero,
    count_of,
    swap_table_get,
    swp_tb_is_bad,
    swp_tb_is_folio,
    swp_tb_is_shadow,
    zero_of,
)
from swaptrio.mm.swapfile import get_swap_device, put_swap_device
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.setup import MemcgSetup
from swaptrio.sched import current
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.short import Arranged, all_ends, shortened
from swaptrio.study.ask.spelling import listed

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwpEntry
    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.world import World
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

VERSIONS: Final = ("v3", "v4", "v5", "next")

#: The slots that the fault may take at once, which are also pages, and the one that changes.
_RANGE: Final = range(16, 20)
_OTHER: Final = 18

_FAULT: Final = "large"

Act = Callable[[Kernel], Coroutine[Any, Any, None]]


async def _unmap(kernel: Kernel) -> None:
    """The only owner of the slot goes: its count drops to 0, and it is free."""
    (mm,) = kernel.processes
    await zap_pte_range(kernel, mm, _OTHER, 1)


async def _cache(kernel: Kernel) -> None:
    """A folio of order 0 is swapped in to the slot: charged, read, and then unlocked."""
    ci = kernel.devices[0].clusters[0]
    async with ci.lock.hold("other.change"):
        if not swp_tb_is_shadow(swap_table_get(ci, _OTHER)):
            return
        folio = new_folio(kernel, 0)
        folio.holders[current().me().name] += 1
        folio.lock.take_free()
        folio.memcg = kernel.memcgs.by_id[1]
        page_counter_charge(kernel, folio.memcg, 1)
        folio.pages[0] = kernel.devices[0].data[_OTHER]
        folio.uptodate = folio.swapbacked = True
        _swap_cache_add_folio(kernel, ci, folio, swp_entry(0, _OTHER))
    folio_add_lru(kernel, folio)
    await folio_unlock(kernel, folio, "other.unlock")
    folio_put(kernel, folio)


def _in_one_step(change: Callable[[Kernel, SwapClusterInfo], None]) -> Act:
    """*change* under the cluster lock, unless the slot is cached or free by then."""

    async def act(kernel: Kernel) -> None:
        ci = kernel.devices[0].clusters[0]
        async with ci.lock.hold("other.change"):
            if swp_tb_is_shadow(swap_table_get(ci, _OTHER)):
                change(kernel, ci)

    return act


def _give_away(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """The slot is freed and taken again by another group, for the same page."""
    first, second = (kernel.memcgs.by_id[number] for number in (1, 2))
    mem_cgroup_private_id_put(kernel, first, 1)
    mem_cgroup_private_id_get_online(kernel, second, 1)
    first.swap -= 1
    second.swap += 1
    _swap_cgroup_set(ci, _OTHER, 1, second.id)


def _zero(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """The page is filled with zeros, and swapped out to the slot again."""
    (mm,), (si,) = kernel.processes, kernel.devices
    _swap_table_set_zero(kernel, ci, _OTHER)
    del si.data[_OTHER]
    mm.newest[_OTHER] = 0


def _compress(kernel: Kernel, ci: SwapClusterInfo) -> None:
    """zswap is enabled, and the page is swapped out to the slot again, and stays in zswap."""
    (si,) = kernel.devices
    entry = ZswapEntry(_OTHER, si.data.pop(_OTHER))
    si.zswap[_OTHER] = kernel.zswap_lru[swp_entry(0, _OTHER)] = entry


@attrs.frozen
class Property:
    """Something that the slots of a large folio have in common, and how *act* breaks it.

    *holds* says whether they have it; the lock of their cluster is held.
    """

    name: str
    act: Act
    holds: Callable[[Kernel, SwapClusterInfo], bool]


def _words(ci: SwapClusterInfo) -> list[int]:
    return [swap_table_get(ci, slot) for slot in _RANGE]


_USED: Final = "in use"
_UNCACHED: Final = "uncached"
_COMPRESSED: Final = "out of zswap"

#: What all slots of a large folio share, and only some versions ask.
_SHARED: Final = ("of one owner", "alike in their zero flag")

PROPERTIES: Final = (
    Property(_USED, _unmap, lambda _, ci: all(count_of(word) for word in _words(ci))),
    Property(_UNCACHED, _cache, lambda _, ci: not any(map(swp_tb_is_folio, _words(ci)))),
    Property(
        _SHARED[0],
        _in_one_step(_give_away),
        lambda _, ci: len({ci.memcg_table.get(slot) for slot in _RANGE}) == 1,
    ),
    Property(
        _SHARED[1],
        _in_one_step(_zero),
        lambda _, ci: len({zero_of(word) for word in _words(ci)}) == 1,
    ),
    Property(
        _COMPRESSED,
        _in_one_step(_compress),
        lambda kernel, _: not any(slot in kernel.devices[0].zswap for slot in _RANGE),
    ),
)

#: What an order-0 folio of readahead needs of its slot, and no version asks.
NOT_BAD: Final = "not bad"


@attrs.define
class Seen:
    """What was seen of a property in a version, over all interleavings.

    *refused*: at which of the two checks the large folio was refused. *inserted* while the
    slots had no longer what the check had found, and *taken_out* again by a look after that.
    *then* is what came of it where it was left.
    """

    name: str
    version: str
    refused: dict[int, None] = attrs.Factory(dict)
    inserted: bool = False
    taken_out: bool = False
    then: tuple[str, ...] = ()

    @property
    def stable(self) -> bool:
        """Whether the second check sees the change, and no folio is inserted in spite of it."""
        return 2 in self.refused and not self.inserted

    @property
    def kept(self) -> str:
        """In one word or two."""
        if self.stable:
            return "yes"
        if self.inserted:
            return "afterwards" if self.taken_out and not self.then else "no"
        return "not tried"


async def _answer(lab: Lab) -> Answer:
    found = await findings(lab)
    return Answer(
        (_stability(found), _details(found)),
        claims(found),
        Decided.PROVED,
        "1 fault of order 2 or 0, 4 slots, 1 task that changes a neighbour in one step (to free"
        " or to cache it takes a few); 1 readahead of a bad slot; a charge and a read take one"
        " step",
    )


async def findings(lab: Lab) -> list[Seen]:
    """What is seen of each property in each version."""
    return [
        *[await seen(lab, each, version) for each in PROPERTIES for version in VERSIONS],
        *[await seen_of_bad(lab, version) for version in VERSIONS],
    ]


async def seen(lab: Lab, what: Property, version: str) -> Seen:
    """All interleavings of the fault with a task that changes *what*."""
    found = Seen(what.name, version)
    watch = _Watch(found, what)

    async def other(kernel: Kernel) -> None:
        si = await get_swap_device(kernel, swp_entry(0, _OTHER))
        await what.act(kernel)
        assert si is not None
        await put_swap_device(kernel, si)

    def arrange(world: World, execution: Execution) -> None:
        watch.attach(world.kernel)
        execution.spawn("other", other, world.kernel)

    def result(world: World) -> str:
        return world.results[_FAULT]

    setup = Arranged(_scenario(), shortened(lab.variant(version)), arrange, result)
    results, broken = await all_ends(lab, setup)
    found.then = (*broken, *(each for each in results if each != "mapped"))
    return found


@attrs.define(eq=False)
class _Watch:
    """Notes in *found* what becomes of the large folio; *looks* counts the checks for it."""

    found: Seen
    what: Property
    looks: int = 0

    def attach(self, kernel: Kernel) -> None:
        """Watch the functions of a new kernel."""
        self.looks = 0
        functions = kernel.functions
        check, insert = functions["_swap_cache_add_check"], functions["_insert"]
        roll_back = functions["_roll_back"]

        def checking(
            kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int, **named: Any
        ) -> Any:
            answer = check(kernel, ci, entry, nr, **named)
            if nr == len(_RANGE):
                self.looks += 1
                if answer[0] is not None:
                    self.found.refused[self.looks] = None
            return answer

        def inserting(
            kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry
        ) -> None:
            if folio.nr == len(_RANGE) and not self.what.holds(kernel, ci):
                self.found.inserted = True
            insert(kernel, ci, folio, entry)

        async def rolling_back(
            kernel: Kernel, ci: SwapClusterInfo, folio: Folio, *more: Any
        ) -> None:
            if folio.nr == len(_RANGE):
                self.found.taken_out = True
            await roll_back(kernel, ci, folio, *more)

        functions["_swap_cache_add_check"] = checking
        functions["_insert"] = inserting
        functions["_roll_back"] = rolling_back


def _scenario() -> Scenario:
    """The fault of the shipped scenario (A04) alone, where nothing fails, and two groups."""
    base = load_checked(find("large-vs-small-neighbour"))
    return attrs.evolve(
        base,
        kernel=attrs.evolve(base.kernel, failures=()),
        memcg=(*base.memcg, MemcgSetup(name="m2")),
        task=tuple(task for task in base.task if task.name == _FAULT),
        window=(attrs.evolve(base.window[0], steps=(), instead={}, expect={}),),
    )


async def seen_of_bad(lab: Lab, version: str) -> Seen:
    """Readahead of a bad slot (A15), which nobody has to change."""
    found = Seen(NOT_BAD, version)

    def arrange(world: World, execution: Execution) -> None:
        functions = world.kernel.functions
        insert = functions["_insert"]

        def inserting(
            kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry
        ) -> None:
            if swp_tb_is_bad(swap_table_get(ci, swp_cluster_offset(entry))):
                found.inserted = True
            insert(kernel, ci, folio, entry)

        functions["_insert"] = inserting

    scenario = load_checked(find("readahead-over-bad-slot"))
    setup = Arranged(scenario, shortened(lab.variant(version)), arrange, lambda _: "")
    _, broken = await all_ends(lab, setup)
    found.then = tuple(broken)
    return found


def claims(found: list[Seen]) -> tuple[Claim, Claim]:
    """The two sentences about what was seen."""
    kept = {each.name: _versions(found, each.name) for each in found}
    later = ["v5", "next"]
    broken = [check for each in found if each.name in _SHARED for check in each.then]
    told = "; ".join(
        f"{name}: {listed(versions) or 'in no version'}" for name, versions in kept.items()
    )
    afterwards = [each.version for each in found if each.kept == "afterwards"]
    unasked = not kept[_COMPRESSED] and not kept[NOT_BAD]
    overwritten = all(each.inserted for each in found if each.name == NOT_BAD)
    return (
        Claim(
            kept[_USED] == kept[_UNCACHED] == list(VERSIONS)
            and all(kept[name] == later for name in _SHARED),
            "For counts and for what is cached it does in all versions; for the owner and the"
            " zero flag from v5 on, while v3 and v4 insert a folio over slots that differ"
            f" ({listed(list(dict.fromkeys(broken)))}).",
            f"What the second check keeps is this: {told}.",
        ),
        Claim(
            unasked and afterwards == ["next"] and overwritten,
            "It never does for zswap and for bad slots, which no check asks about: next sees"
            " what zswap has after the insertion and takes the folio out again, and a bad slot"
            " is overwritten in all versions.",
            "What zswap has is seen after the insertion in"
            f" {listed(afterwards) or 'no version'}; {_overwriting(found)}.",
        ),
    )


def _versions(found: list[Seen], name: str) -> list[str]:
    """The versions in which the second check keeps a property."""
    return [each.version for each in found if each.name == name and each.stable]


def _overwriting(found: list[Seen]) -> str:
    versions = [each.version for each in found if each.name == NOT_BAD and each.inserted]
    return f"a bad slot is overwritten in {listed(versions) or 'none'}"


def _stability(found: list[Seen]) -> Table:
    names = dict.fromkeys(each.name for each in found)
    rows = tuple((name, *(each.kept for each in found if each.name == name)) for name in names)
    return Table(
        "whether the slots stay so until the insertion", ("the slots are", *VERSIONS), rows
    )


def _details(found: list[Seen]) -> Table:
    rows = tuple(
        (
            each.name,
            each.version,
            " and ".join(str(look) for look in sorted(each.refused)) or "-",
            "yes" if each.inserted else "-",
            "yes" if each.taken_out else "-",
            ", ".join(each.then) or "-",
        )
        for each in found
    )
    columns = ("the slots are", "version", "refused at", "inserted", "taken out", "then")
    heading = (
        "a large folio is refused at the first or second check, or inserted in spite of it"
    )
    return Table(heading, columns, rows)


STUDY: Final = Study(
    10,
    "Does the double check really make its result stable?",
    "our own, on the commit message of v3 04/12",
    _answer,
)
