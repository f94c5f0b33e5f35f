# SPDX-License-Identifier: MIT OR Apache-2.0
"""The state of a kernel in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from swaptrio.mm.kernel import Kernel
from swaptrio.mm.mm_types import Folio, MmStruct
from swaptrio.mm.swap_h import SwapClusterInfo, SwapInfoStruct
from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_NULL,
    pfn_to_swp_tb,
    shadow_to_swp_tb,
    xa_mk_value,
)
from swaptrio.scenario.files import find, names
from swaptrio.scenario.load import load
from swaptrio.scenario.picture import (
    counter_names,
    counters_of,
    short_word,
    snapshot_of,
    word_text,
)
from swaptrio.scenario.play import BUDGET
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Execution, FirstChoice, RandomWalk, Task, run
from swaptrio.variants import load as load_variant


@pytest.mark.parametrize(
    ("word", "short", "text"),
    [
        (SWP_TB_NULL, "-", "-"),
        (SWP_TB_BAD, "b", "b"),
        (shadow_to_swp_tb(xa_mk_value(101), 1 << 1), "s1", "s1:101"),
        (shadow_to_swp_tb(0, 14 << 1), "s14", "s14:0"),
        (shadow_to_swp_tb(0, 1 << 1 | 1), "s1z", "s1z:0"),
        (pfn_to_swp_tb(0x1000, 0), "f0", "f0:0x1000"),
        (pfn_to_swp_tb(0x1004, 15 << 1 | 1), "f15z", "f15z:0x1004"),
    ],
)
def test_a_word_has_a_short_and_a_long_form(word: int, short: str, text: str) -> None:
    """Kind, count and zero flag; then the shadow or the folio."""
    assert short_word(word) == short
    assert word_text(word) == text


def world_after(scenario: str, seed: int = 0, observer: object = None) -> World:
    """The world that a random execution of a scenario leaves."""
    setup = Setup(load(find(scenario)), load_variant("v3"))
    worlds: list[World] = []
    run(
        lambda execution: worlds.append(setup.build(execution)), RandomWalk(seed), budget=BUDGET
    )
    return worlds[0]


@attrs.define(eq=False)
class Pictures:
    """Takes a picture of the world at every step."""

    world: World | None = None
    taken: list[dict[str, str | int]] = attrs.Factory(list)

    def step(self, execution: Execution, task: Task) -> None:
        """Take one."""
        assert self.world is not None
        self.taken.append(self.world.snapshot())

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Nothing to see."""

    def end(self, execution: Execution) -> None:
        """Take the last one."""
        assert self.world is not None
        self.taken.append(self.world.snapshot())


def pictures(scenario: str) -> list[dict[str, str | int]]:
    """All pictures of the first execution of a scenario."""
    setup = Setup(load(find(scenario)), load_variant("v3"))
    seen = Pictures()

    def program(execution: Execution) -> None:
        seen.world = setup.build(execution)

    run(program, FirstChoice(), observer=seen)
    return seen.taken


@pytest.mark.parametrize("scenario", names())
def test_a_picture_tells_all_that_matters(scenario: str) -> None:
    """Keys are words and values words or numbers; what changes, changes in the picture."""
    taken = pictures(scenario)
    for picture in taken:
        assert all(isinstance(key, str) and key.isprintable() for key in picture)
        assert all(type(value) in (str, int) for value in picture.values())
    assert taken[0] != taken[-1]


@attrs.define(eq=False)
class Doubles:
    """At every step, the picture of the album and one that knows nothing of those before."""

    world: World | None = None
    pairs: list[tuple[object, object]] = attrs.Factory(list)

    def step(self, execution: Execution, task: Task) -> None:
        """Take both."""
        assert self.world is not None
        known, fresh = self.world.snapshot(), snapshot_of(self.world.kernel)
        self.pairs.append((list(known.items()), list(fresh.items())))

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Nothing to see."""

    def end(self, execution: Execution) -> None:
        """Nothing to see."""


@pytest.mark.parametrize("scenario", names())
def test_an_album_tells_what_a_fresh_picture_tells(scenario: str) -> None:
    """A part that is not told again has not changed: nothing is told from unknown facts."""
    setup = Setup(load(find(scenario)), load_variant("v3"))
    for seed in range(5):
        seen = Doubles()

        def program(execution: Execution, seen: Doubles = seen) -> None:
            seen.world = setup.build(execution)

        run(program, RandomWalk(seed), observer=seen)
        assert len(seen.pairs) > 3
        for known, fresh in seen.pairs:
            assert known == fresh


def test_a_picture_has_what_there_is() -> None:
    """Slots, the folio, entries, the device, and counters, by the names that people use."""
    first, *_, last = pictures("two-faults-one-slot")
    assert first["swap0:17"] == "s1:101"
    assert first["swap0:17.data"] == "d1"
    assert first["P:17"] == "swap0:17"
    assert (first["swap0 cluster 0.count"], first["swap0.inuse"], first["swap0.users"]) == (
        2,
        1,
        1,
    )
    assert first["m1.swap"] == 1
    assert "swap0:17" not in last
    assert last["P:17"].startswith("folio 0x")  # type: ignore[union-attr]  # a text, as we see
    assert last["folio 0x1000.refs"] == 1
    assert last["folio 0x1000.flags"] == "swapbacked uptodate dirty lru anon"
    assert (last["folio 0x1000.memcg"], last["folio 0x1000.data"]) == ("m1", "d1")
    assert (last["m1.memory"], last["pswpin"], last["refaults"]) == (1, 1, 1)


def test_owners_are_told_where_there_are_several() -> None:
    """With one group everything is its own; with two the slots say whose they are."""
    assert "swap0:1.owner" in pictures("slot-recycled-between-checks")[0]
    assert "swap0:17.owner" not in pictures("two-faults-one-slot")[0]


def test_an_owner_that_is_no_group_is_told_as_that() -> None:
    """A mistake may leave an id on record that nobody has, or that another group got."""
    world = world_after("slot-recycled-between-checks")
    kernel = world.kernel
    [ci] = kernel.devices[0].clusters
    ci.memcg_table[1] = max(kernel.memcgs.by_id)
    assert world.snapshot()["swap0:1.owner"] == kernel.memcgs.by_id[ci.memcg_table[1]].name

    gone = kernel.memcgs.by_id.pop(ci.memcg_table[1])

    assert world.snapshot()["swap0:1.owner"] == f"id {gone.id} of no group"


#: What is not in the picture, by class, with the reason.
UNSEEN = {
    Kernel: {
        "config": "does not change",
        "functions": "does not change",
        "injection": "has no state",
        "page_allocator": "shows in the names of folios",
        "lru": "shows in the flags of folios, but for its order",
        "swap_lock": "the scheduler knows who holds it",
        "swap_avail_lock": "the scheduler knows who holds it",
        "zswap_lru_lock": "as above",
        "deferred_split": "shows in the flags of folios, but for its order",
        "swap_avail": "shows as the state of devices, but for its order",
        "zswap_work": "a channel, which the scheduler knows",
        "zswap_work_in": "as above",
        "swapcache_wq": "nobody waits there without being seen to",
        "nr_swap_pages": "what the devices have, together",
        "total_swap_pages": "as above",
        "storage_suspended": "does not change but by who hibernates",
        "zswap_lru": "shows in the slots, but for its order",
        "device_tasks": "does not change",
        "plugs": "its folios stay locked, or under writeback",
        "tokens": "shows in the data",
    },
    SwapInfoStruct: {
        "type": "does not change",
        "bios": "a channel, which the scheduler knows",
        "bios_in": "as above",
        "work": "as above",
        "work_in": "as above",
        "lock": "the scheduler knows who holds it",
        "global_cluster_lock": "as above",
        "users_gone": "nobody waits for it without being seen to",
        "header": "does not change",
        "max": "shows in the state: 0 while the device is off",
        "pages": "as above",
        "latency": "does not change",
        "latencies": "does not change",
        "priority": "does not change",
        "scheduled": "what is in the channel of the worker",
        "global_cluster": "shows in the order in which slots are taken",
        "free_clusters": "shows as the list of each cluster, but for its order",
        "nonfull_clusters": "as above",
        "frag_clusters": "as above",
        "full_clusters": "as above",
        "discard_clusters": "as above",
        "image": "is there for the oracles",
        "foreign_counts": "is there for the oracles",
    },
    SwapClusterInfo: {
        "lock": "the scheduler knows who holds it",
        "touched": "is there for the oracles",
    },
    Folio: {
        "anon_vma": "shows in the entries of those address spaces",
        "order": "shows in how many pages its data has",
        "nr": "as above",
        "split_queue": "shows in the flags, and in its group",
        "swap": "shows in the slots",
        "freed": "a folio that is freed is not in the picture",
        "holders": "is there for the oracles",
        "wait": "shows as the writeback flag",
    },
    MmStruct: {
        "anon_vma": "the processes that were forked from one another",
        "memcg": "does not change",
        "ptl": "the scheduler knows who holds it",
        "mmap_lock": "as above",
        "thp_orders": "does not change",
        "uffd": "does not change",
        "mlocked": "does not change",
        "exited": "shows as an empty address space",
        "generations": "is there for the oracles",
        "newest": "is in the user's mind",
    },
}

#: What is in the picture: the attributes that `picture` reads, by class.
SEEN = {
    Kernel: "memcgs vmstat workingset devices processes files folios lru_batches "
    "percpu_swap_cluster warnings",
    SwapInfoStruct: "name flags clusters users dying available inuse_pages data zswap",
    SwapClusterInfo: "number table count order flags extend_table memcg_table has_cache",
    Folio: "pfn lock refs swapcache swapbacked uptodate dirty writeback lru active workingset "
    "anon readahead reclaim dropbehind deferred frozen mapcount memcg mapping index pages "
    "exclusive",
    MmStruct: "name ptes",
}


@pytest.mark.parametrize("cls", UNSEEN, ids=lambda cls: cls.__name__)
def test_whatever_tasks_share_is_in_the_picture_or_has_a_reason(cls: type) -> None:
    """Who gives the model another attribute says whether traces have to show it."""
    fields = [field.name for field in attrs.fields(cls)]
    assert sorted([*SEEN[cls].split(), *UNSEEN[cls]]) == sorted(fields)


def test_counters_have_the_names_that_files_may_use() -> None:
    """Every counter that any scenario ever moves is among the known names."""
    known = counter_names(["m1", "m2"])
    assert known == list(dict.fromkeys(known))
    moved: dict[str, None] = {}
    for name in names():
        for seed in range(20):
            moved.update(dict.fromkeys(counters_of(world_after(name, seed).kernel)))
    assert [name for name in moved if name not in known] == []
    assert {"nr_file_pages", "m1.memory", "swpin.2", "pswpin", "refaults"} <= set(moved)


SCRIPT = """
from swaptrio.scenario.files import find
from swaptrio.scenario.load import load
from swaptrio.scenario.world import Setup
from swaptrio.sched import RandomWalk, run
from swaptrio.variants import load as load_variant

for name in ("large-vs-small-neighbour", "slot-recycled-between-checks"):
    setup = Setup(load(find(name)), load_variant("v3"))
    for seed in range(5):
        worlds = []
        run(lambda execution: worlds.append(setup.build(execution)), RandomWalk(seed))
        print(list(worlds[0].snapshot().items()))
"""


def test_pictures_are_the_same_in_every_process() -> None:
    """Neither their content nor the order of their keys depends on hash seeds."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] != b""
