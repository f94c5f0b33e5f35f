# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q11 is answered by what is counted, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.sched import open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q11 import End, claims, conflicting, failing
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from swaptrio.mm.kernel import Kernel
    from swaptrio.study.ask.q11 import Ends

#: What the version before the series comes to, as the page of the answers says.
PRE: Ends = {"pre": [End("a neighbour cached between the looks", "VM_FAULT_OOM", (0, 0, 0))]}


def counting_only_failures() -> Variant:
    """v3 that does not count a conflict."""
    v3 = load("v3")
    attempt = v3.functions["_swap_cache_alloc"]

    async def attempting(kernel: Kernel, *more: Any) -> Any:
        answer = await attempt(kernel, *more)
        if answer is Errno.EBUSY:
            kernel.vmstat.mthp["SWPIN_FALLBACK", 2] -= 1  # the loop is about to count it
        return answer

    return attrs.evolve(v3, functions={**v3.functions, "_swap_cache_alloc": attempting})


def forgetting_charges() -> Variant:
    """v3 that counts a failed charge as any other failure."""
    v3 = load("v3")

    def count(kernel: Kernel, order: int, item: str) -> None:
        if order and item != "SWPIN_FALLBACK_CHARGE":
            kernel.vmstat.mthp[item, order] += 1

    return attrs.evolve(v3, functions={**v3.functions, "count_mthp_stat": count})


async def test_a_version_that_counts_as_before_is_told() -> None:
    """Where v3 counts no conflict the study does not say that it does."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead={"v3": counting_only_failures()})
        conflicts = {**PRE, **await conflicting(lab, ["v3"])}
        failures = await failing(lab)

    of_conflicts, of_failures = claims(conflicts, failures)
    assert not of_conflicts.holds
    assert "pre counts 0 swpin_fallback and v3 0" in of_conflicts.sentence
    assert of_failures.holds


async def test_failures_that_are_counted_otherwise_are_told() -> None:
    """Where v3 does not count failed charges apart the study names them."""
    async with open_scheduler("stepped") as scheduler:
        failures = await failing(Lab(scheduler, instead={"v3": forgetting_charges()}))

    _, of_failures = claims({"pre": [], "v3": []}, failures)
    assert not of_failures.holds
    assert "order 2: charge fails" in of_failures.sentence
    assert "order 2: alloc fails;" not in of_failures.sentence
