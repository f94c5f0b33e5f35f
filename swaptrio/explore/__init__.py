# SPDX-License-Identifier: MIT OR Apache-2.0
"""Looking for interleavings that break something, and making them short."""

from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.fuzz import Failure, Fuzzed, fuzz
from swaptrio.explore.pace import Pace
from swaptrio.explore.plan import Plan
from swaptrio.explore.shrink import REPLAYS, shrink

__all__ = ["REPLAYS", "Failure", "Fingerprint", "Fuzzed", "Pace", "Plan", "fuzz", "shrink"]
