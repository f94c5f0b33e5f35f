# SPDX-License-Identifier: MIT OR Apache-2.0
"""Worlds that no named race needs, and in which a mistake was found once."""

from __future__ import annotations

import trio

from swaptrio.explore import Fuzzed, fuzz
from swaptrio.scenario.deeds import TaskSetup
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.setup import KernelSetup, MemcgSetup, PageSetup, ProcessSetup
from swaptrio.scenario.windows import Window
from swaptrio.scenario.world import Setup
from swaptrio.sched import open_scheduler
from swaptrio.variants import load

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


def test_a_freed_slot_keeps_no_charge() -> None:
    """v1: a slot that is freed as its folio leaves gives its memsw charge back.

    The charge once went to the slots after they were freed, and was lost there. The versions
    before N cannot be asked: each of their swap-outs leaves a counter behind (G05).
    """

    async def main() -> Fuzzed:
        async with open_scheduler("stepped") as scheduler:
            return await fuzz(scheduler, Setup(SCENARIO, load("next")), range(400))

    assert trio.run(main).failures == ()
