# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stress: how often a plain stress test fails so, which leaves the order to chance.

A random walk is the nearest to one that there is here. No machine draws evenly who goes on, so
its chance on one is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.explore.chances import Rate
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.fuzz import Fuzzed, fuzz

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Scheduler, Verdict

#: Random walks that tell how often a plain stress test would fail, at most.
STRESSES: Final = 1000


@attrs.frozen
class Stress:
    """What random walks of a set-up have hit, as *sample* has it."""

    sample: Fuzzed

    def rate(self, verdict: Verdict) -> Rate:
        """How often one fails as *verdict* has it."""
        wanted = Fingerprint.of(self.sample.setup, verdict)
        hits = {failure.fingerprint: failure.count for failure in self.sample.failures}
        return Rate(hits.get(wanted, 0), self.sample.executions)


async def stress(
    scheduler: Scheduler, setup: Setup, seeds: Iterable[int], stop: Callable[[], bool]
) -> Stress:
    """A random walk of *setup* for each of *seeds*, until *stop* says so."""
    return Stress(await fuzz(scheduler, setup, seeds, stop=stop))
