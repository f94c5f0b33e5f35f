# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q12 is answered by what waiters do, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.mm.kernel import plain
from swaptrio.mm.memory.swap_fault import do_swap_page
from swaptrio.mm.mm_types import VmFaultReason
from swaptrio.sched import current, open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q12 import Found, chain, claims, explored_with_one
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel


async def chains(lab: Lab, most: int = 3) -> list[Found]:
    """The chains of the version before the series and of v3."""
    return [
        await chain(lab, version, waiters)
        for version in ("pre", "v3")
        for waiters in range(1, most + 1)
    ]


def giving_up() -> Variant:
    """v3 whose faults do not try again once they have waited in vain."""
    v3 = load("v3")
    waited: list[str] = []

    async def fault(kernel: Kernel, vmf: Any) -> Any:
        me = current().me().name
        if me in waited:
            waited.remove(me)
            return VmFaultReason.OOM
        reason = await plain(do_swap_page)(kernel, vmf)
        if reason is VmFaultReason.RETRY:
            waited.append(me)
        return reason

    return attrs.evolve(v3, functions={**v3.functions, "do_swap_page": fault})


async def test_each_waiter_ends_with_a_charge_of_its_own() -> None:
    """In all interleavings with one waiter, and in the longest chains with up to three."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler)
        explored = [await explored_with_one(lab, "v3")]
        found = await chains(lab)

    assert all(claim.holds for claim in claims(explored, found))
    assert lab.proves
    assert [each.waits for each in found] == [0, 0, 0, 1, 3, 6]
    assert [each.faults for each in found] == [2, 3, 4, 2, 3, 4]


async def test_a_waiter_that_takes_what_it_finds_is_not_safe() -> None:
    """Without a second match who waits for the lock itself uses a folio that was never read."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead={"v3": load("no-rematch")})
        of_safety, _ = claims([], await chains(lab, 2))

    assert not of_safety.holds
    assert "v3" in of_safety.sentence


async def test_a_waiter_that_gives_up_is_told() -> None:
    """Who is out of memory without a charge of its own is not what the study says."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead={"v3": giving_up()})
        of_safety, of_numbers = claims([], await chains(lab, 2))

    assert not of_safety.holds
    assert not of_numbers.holds
