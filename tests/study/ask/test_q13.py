# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q13 is answered by what the loop reads, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, swap_cluster, swp_cluster_offset, swp_offset
from swaptrio.mm.swap_table import _swap_table_get
from swaptrio.sched import open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q13 import (
    ENDS,
    FORMS,
    RANGES,
    bounded,
    claims,
    counted_at_end,
    differing,
    fault,
    of_folios,
    walks,
)
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapClusterInfo


def reading_one_further() -> Variant:
    """v5 that looks at the zero flag of one slot more than a folio has."""
    v5 = load("v5")

    async def zeromap(kernel: Kernel, folio: Folio) -> bool:
        ci = swap_cluster(kernel.devices[0], swp_offset(folio.swap))
        _swap_table_get(kernel, ci, swp_cluster_offset(folio.swap) + folio.nr)
        return False

    return attrs.evolve(v5, functions={**v5.functions, "swap_read_folio_zeromap": zeromap})


def from_the_target_on() -> Iterator[tuple[int, int]]:
    """The ranges of folios whose first slot is not rounded down."""
    for first, nr in of_folios():
        yield first + nr // 2, nr


async def test_the_bound_is_for_ranges_that_no_folio_has() -> None:
    """No range of a folio goes past the cluster; others do, where there is no bound."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler)
        faults = [await fault(lab, order, zero) for order in (1, 8) for zero in (True, False)]

    assert all(claim.holds for claim in claims(walks(), differing(), faults))
    assert lab.proves


async def test_a_range_that_is_not_rounded_is_told() -> None:
    """Where a folio's range begins at its target slot the bound is more than style."""
    ranges = {**RANGES, "a folio": from_the_target_on}
    of_folios, of_strangers = claims(walks(ranges=ranges), [], [])

    assert not of_folios.holds
    assert "goes past the table for 18 ranges of folios" in of_folios.sentence
    assert of_strangers.holds


def test_a_bound_that_is_one_off_is_told() -> None:
    """A bound that lets the loop read slot 512 is none."""
    ends = {**ENDS, "yes": lambda first, nr: min(first + nr, SWAPFILE_CLUSTER + 1)}
    of_folios, of_strangers = claims(walks(ends), [], [])

    assert of_folios.holds
    assert not of_strangers.holds
    assert "in 370 with the bound and in 370 without" in of_strangers.sentence


def test_a_form_that_counts_otherwise_is_told() -> None:
    """A form that does not look at the last slot differs, and the sets of flags are counted."""

    def stopping_early(kernel: Kernel, ci: SwapClusterInfo, ci_off: int, ci_end: int) -> int:
        return max(1, counted_at_end(kernel, ci, ci_off, ci_end - 1))

    unlike = differing({**FORMS, "before": stopping_early})
    of_folios, _ = claims(walks(), unlike, [])

    assert not of_folios.holds
    assert (True, True) in unlike
    assert (True, False) not in unlike


async def test_a_fault_that_reads_past_the_table_is_told() -> None:
    """A reader that looks one slot too far is seen at the end of the cluster."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead={"v5": reading_one_further()})
        faults = [await fault(lab, 3, False)]

    of_folios, _ = claims(walks(), [], faults)
    assert faults[0].broken == ("BUG",)
    assert not of_folios.holds
    assert "go wrong at order 3" in of_folios.sentence


def test_the_bound_changes_no_range_of_a_folio() -> None:
    """The bounded end of every range of a folio is its own end."""
    assert all(bounded(first, nr) == first + nr for first, nr in of_folios())
