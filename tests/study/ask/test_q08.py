# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q8 is answered by how often a loop is refused, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.sched import current, open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q08 import (
    SPINNING,
    Disturbed,
    End,
    Preempted,
    claims,
    disturb,
    preempt,
    spin,
)
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry

SLEEPS = Preempted("v3", ("mapped",), ("folio 0x1 at lock",))
SPINS = Preempted(SPINNING, circles=True)


def with_functions(**functions: Callable[..., Any]) -> Variant:
    """v3 in which *functions* take the place of its own."""
    v3 = load("v3")
    return attrs.evolve(v3, functions={**v3.functions, **functions})


async def lookup_without_locked(kernel: Kernel, entry: SwpEntry) -> None:
    """Find nothing, as a lookup that passes over what is locked."""


def refusing_once() -> Variant:
    """v3 whose first check of each task is wrong, and says EEXIST."""
    check = load("v3").functions["_swap_cache_add_check"]
    refused: list[Kernel] = []

    def checking(kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int) -> Any:
        if kernel not in refused and current().me().name == "loser":
            refused.append(kernel)
            return Errno.EEXIST, 0
        return check(kernel, ci, entry, nr)

    return with_functions(_swap_cache_add_check=checking)


async def test_each_round_costs_an_insertion() -> None:
    """As many rounds in vain as insertions, none without one, and nobody is stuck."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler)
        disturbed = [await disturb(lab, "v3", insertions) for insertions in range(3)]
        preempted = [await preempt(lab, "v3"), await spin(lab)]

    assert all(claim.holds for claim in claims(disturbed, preempted))
    assert lab.proves
    assert [each.rounds for each in disturbed] == [0, 1, 2]
    assert preempted[0].results == ("mapped",)
    assert "folio_lock_or_retry.wait" in preempted[0].waits[0]


async def test_a_refusal_without_a_cause_is_told() -> None:
    """A check that says EEXIST for no reason makes rounds that cost nobody anything."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead={"v3": refusing_once()})
        disturbed = [await disturb(lab, "v3", 0)]

    of_rounds, of_preempted = claims(disturbed, [SLEEPS, SPINS])
    assert not of_rounds.holds
    assert of_rounds.sentence.endswith("in v3.")
    assert of_preempted.holds


async def test_a_lookup_that_passes_over_locked_folios_is_told() -> None:
    """Where nobody finds what a preempted task has inserted there is no lock to sleep for."""
    blind = with_functions(swap_cache_get_folio=lookup_without_locked)
    async with open_scheduler("stepped") as scheduler:
        preempted = [await preempt(Lab(scheduler, instead={"v3": blind}), "v3"), SPINS]

    _, of_preempted = claims([], preempted)
    assert not of_preempted.holds
    assert "v3 waits for something else than a folio" in of_preempted.sentence


async def test_a_loop_that_sleeps_does_not_go_round() -> None:
    """Where the loop from before the series sleeps for a tick the study does not accuse it."""
    async with open_scheduler("stepped") as scheduler:
        preempted = [SLEEPS, await spin(Lab(scheduler, instead={SPINNING: load("old")}))]

    _, of_preempted = claims([], preempted)
    assert not of_preempted.holds


def test_a_round_is_paid_for_once() -> None:
    """One insertion pays for one refusal, and only for one that comes after it."""
    inserts, refused = ("others", "inserts a folio"), ("loser", "EEXIST")

    def paid(*log: tuple[str, str]) -> bool:
        return Disturbed("v3", 1, (End(log, "read"),), ()).paid

    assert paid(inserts, refused, inserts, refused)
    assert not paid(inserts, refused, refused)
    assert not paid(refused, inserts)
