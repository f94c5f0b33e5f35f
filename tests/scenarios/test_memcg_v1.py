# SPDX-License-Identifier: MIT OR Apache-2.0
"""Worlds that no named race needs, and in which a mistake was found once."""

from __future__ import annotations

import pytest
import trio

from swaptrio.explore import Fuzzed, fuzz
from swaptrio.scenario.deeds import TaskSetup
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.setup import KernelSetup, MemcgSetup, PageSetup, ProcessSetup
from swaptrio.scenario.windows import Window
from swaptrio.scenario.world import Setup
from swaptrio.sched import open_scheduler
from swaptrio.variants import VERSIONS, load

SCENARIO = Scenario(
    name="v1-swapout-against-zap",
    title="A page is swapped out while its owner goes away",
    catalogue="G05",
    references=(),
    status="inference",
    story="Reclaim takes a page out of memory. Its owner unmaps it before the slot is left.",
    kernel=KernelSetup(memcg="v1"),
    memcg=(MemcgSetup(name="m1"),),
    process=(ProcessSetup(name="P"),),
    page=(PageSetup(process="P", page=9),),
    task=(
        TaskSetup(name="swapout", run="swapout", process="P", page=9),
        TaskSetup(name="zap", run="zap", process="P", page=9),
        TaskSetup(name="store", run="store", process="P", page=9),
    ),
    window=(Window(),),
)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_freed_slot_keeps_no_charge(version: str) -> None:
    """v1: a slot that is freed as its folio leaves gives its memsw charge back.

    The charge once went to the slots after they were freed, and was lost there. What the
    versions before next get wrong here is another thing, the counters (G05).
    """

    async def main() -> Fuzzed:
        async with open_scheduler("stepped") as scheduler:
            return await fuzz(scheduler, Setup(SCENARIO, load(version)), range(400))

    broken = {failure.fingerprint.rule for failure in trio.run(main).failures}
    assert broken == (set() if version in ("old", "next") else {"Q-STATS"})
