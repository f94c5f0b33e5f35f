# SPDX-License-Identifier: MIT OR Apache-2.0
"""What swaptrio promises of its speed, and whether a measured figure keeps it."""

from __future__ import annotations

from typing import Any, Literal

import attrs


@attrs.frozen
class Promise:
    """A bound on a figure: *wanted* is the least of it, or the most."""

    what: str
    sense: Literal[">=", "<="]
    bound: float

    def kept_by(self, measured: float) -> bool:
        """Whether *measured* keeps it."""
        return measured >= self.bound if self.sense == ">=" else measured <= self.bound

    def report(self, measured: float) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "what": self.what,
            "wanted": f"{self.sense} {self.bound:g}",
            "measured": measured,
            "kept": self.kept_by(measured),
        }
