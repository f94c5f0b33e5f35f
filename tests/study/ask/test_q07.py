# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q7 is answered by what rollbacks do, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.mm.mm_types import hold
from swaptrio.mm.page_alloc import folio_unlock
from swaptrio.mm.swap_h import NO_ENTRY, swp_cluster_offset
from swaptrio.mm.swap_table import (
    _swap_table_set,
    _swp_tb_get_flags,
    shadow_to_swp_tb,
    swap_table_get,
    xa_mk_value,
)
from swaptrio.sched import open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q07 import Rollback, claims, rollbacks
from swaptrio.variants import load
from swaptrio.variants.v3 import folio_put_allocated

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry


def rolling_back(shadow_of: Callable[[int], int]) -> dict[str, Callable[..., Any]]:
    """A rollback that leaves what *shadow_of* says in each slot, by its number."""

    async def roll_back(
        kernel: Kernel, ci: SwapClusterInfo, folio: Folio, entry: SwpEntry, shadow: int
    ) -> None:
        async with ci.lock.hold("swap_cache_alloc.rollback"):
            start = swp_cluster_offset(entry)
            for off in range(start, start + folio.nr):
                flags = _swp_tb_get_flags(kernel, swap_table_get(ci, off))
                word = shadow_to_swp_tb(xa_mk_value(shadow_of(off)), flags)
                _swap_table_set(ci, off, word)
            folio.swap, folio.swapcache = NO_ENTRY, False
            hold(folio, folio.nr)
        await folio_unlock(kernel, folio, "swap_cache_alloc.rollback_unlock")
        folio_put_allocated(kernel, folio)

    return {"_roll_back": roll_back}


async def found(versions: dict[str, dict[str, Callable[..., Any]]]) -> list[Rollback]:
    """What the study finds at order 2 where *versions* have these functions."""
    instead = {
        name: attrs.evolve(load(name), functions={**load(name).functions, **functions})
        for name, functions in versions.items()
    }
    async with open_scheduler("stepped") as scheduler:
        return await rollbacks(Lab(scheduler, instead=instead), (2,))


def keeping(slot: int) -> int:
    """The shadows of the set-up."""
    return slot - 155


async def test_the_target_has_its_shadow_everywhere() -> None:
    """From v3 on every neighbour gets the target's shadow; before, none is touched."""
    rolled_back = await found({})

    assert all(claim.holds for claim in claims(rolled_back))
    charged = [each for each in rolled_back if each.cause == "charge"]
    shown = {each.version: str(each.after) for each in charged}
    assert shown["pre"] == "101 102 103 104"
    assert shown["v3"] == "102 102 102 102"


async def test_a_rollback_that_remembers_is_told_from_one_that_does_not() -> None:
    """Where v3 keeps each shadow the study says that the others clobber, and v3 does not."""
    (of_charge, of_others) = claims(await found({"v3": rolling_back(keeping)}))

    assert not of_charge.holds
    assert "v4, v5 and next" in of_charge.sentence
    assert "old, pre and v3 it changes none" in of_charge.sentence
    assert of_others.holds


@pytest.mark.parametrize("version", ["v5", "next"])
async def test_the_later_rollbacks_are_looked_at_by_themselves(version: str) -> None:
    """Where a later version keeps each shadow both sentences fail."""
    of_charge, of_others = claims(await found({version: rolling_back(keeping)}))

    assert not of_charge.holds
    assert not of_others.holds


async def test_any_other_shadow_is_not_the_targets() -> None:
    """A rollback that leaves something else than the target's shadow is no longer by design."""
    of_charge, _ = claims(await found({"v3": rolling_back(lambda _: 7)}))

    assert not of_charge.holds
