# SPDX-License-Identifier: MIT OR Apache-2.0
"""When to tell somebody about progress, without asking for the time at each step."""

from __future__ import annotations

from time import perf_counter
from typing import Final

import attrs

#: Seconds between two reports of progress, about.
INTERVAL: Final = 0.1


@attrs.define
class Pace:
    """Looks at the clock about ten times a second; in between it only compares two counts.

    *begun* is when it was made, *told* the seconds since then at the last report, and *due* the
    count at which to look again. The clock decides nothing but when somebody is told.
    """

    begun: float
    told: float = 0.0
    due: int = 1

    @classmethod
    def start(cls) -> Pace:
        """A pace that begins now."""
        return cls(perf_counter())

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return perf_counter() - self.begun

    def is_time(self, count: int) -> bool:
        """Whether to tell; *count* of whatever is counted are done."""
        return count >= self.due and self._look(count)

    def _look(self, count: int) -> bool:
        seconds = self.seconds
        rate = count / seconds if seconds else 0.0
        self.due = count + max(1, int(rate * INTERVAL))
        if seconds - self.told < INTERVAL:
            return False
        self.told = seconds
        return True
