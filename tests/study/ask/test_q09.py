# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q9 is answered by what is waited for, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.mm.kernel import plain
from swaptrio.mm.page_alloc import folio_trylock
from swaptrio.sched import open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q09 import Edge, Graph, claims, cycle_of, graph
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio

#: Scenarios in which charges reclaim, and in which folios are waited for.
SOME = ("charge-reclaim-under-folio-lock", "two-faults-one-slot", "swapoff-vs-alloc")


def waiting_in_reclaim() -> Variant:
    """v3 whose reclaim waits for the folios that it looks at."""
    v3 = load("v3")

    async def trylock(kernel: Kernel, folio: Folio, label: str) -> bool:
        if label != "shrink_folio_list.trylock":
            locked: bool = await plain(folio_trylock)(kernel, folio, label)
            return locked
        await folio.lock.acquire(label)
        return True

    return attrs.evolve(v3, functions={**v3.functions, "folio_trylock": trylock})


async def graphs(instead: dict[str, Variant]) -> list[Graph]:
    """What is seen of some scenarios before the series and in v3."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead=instead)
        return [await graph(lab, version, SOME) for version in ("pre", "v3")]


async def test_a_charge_waits_under_the_lock_of_a_cached_folio() -> None:
    """In v3 and not before; and nobody waits for a folio while he holds what a charge takes."""
    found = await graphs({})
    of_cycles, of_charges = claims(found)

    assert of_cycles.holds
    assert of_charges.holds
    assert "device lock" in of_charges.sentence
    assert not any(each.deadlocks for each in found)


async def test_reclaim_that_waits_for_folios_makes_a_cycle() -> None:
    """Reclaim that waits, under a charge, for a folio while it has one locked is seen."""
    of_cycles, _ = claims(await graphs({"v3": waiting_in_reclaim()}))

    assert not of_cycles.holds
    assert "there is a cycle: folio lock -> folio lock;" in of_cycles.sentence


async def test_a_version_that_charges_before_it_inserts_has_no_such_chain() -> None:
    """Where v3 charges as before the study does not say that it does it in the cache."""
    _, of_charges = claims(await graphs({"v3": load("pre")}))

    assert not of_charges.holds
    assert "charged in no version" in of_charges.sentence


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ((Edge("a", "b"), Edge("b", "c")), []),
        ((Edge("a", "b"), Edge("b", "c"), Edge("c", "b")), ["b", "c"]),
        ((Edge("a", "b"), Edge("b", "a", tries=True)), []),
        ((Edge("folio lock", "folio lock"),), ["folio lock"]),
        ((Edge("mmap lock", "mmap lock"),), []),
    ],
)
def test_what_a_cycle_is(edges: tuple[Edge, ...], cycle: list[str]) -> None:
    """Waits in a circle; who only tries is on none, and some classes may nest."""
    assert cycle_of(edges) == cycle
