# SPDX-License-Identifier: MIT OR Apache-2.0
"""Looking for interleavings that break something, and making them simple."""

from swaptrio.explore.chances import Rate
from swaptrio.explore.coverage import Coverage
from swaptrio.explore.exhaustive import (
    Found,
    Limits,
    Outcome,
    Result,
    Settings,
    explore_program,
)
from swaptrio.explore.explain import Edge, Explanation, explain
from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.explore.fuzz import Failure, Fuzzed, fuzz
from swaptrio.explore.minimise import REPLAYS, Minimal, Size, minimise
from swaptrio.explore.pace import Pace
from swaptrio.explore.plan import Plan
from swaptrio.explore.reduce import Reduced, reduce

__all__ = [
    "REPLAYS",
    "Coverage",
    "Edge",
    "Explanation",
    "Failure",
    "Fingerprint",
    "Found",
    "Fuzzed",
    "Limits",
    "Minimal",
    "Outcome",
    "Pace",
    "Plan",
    "Rate",
    "Reduced",
    "Result",
    "Settings",
    "Size",
    "explain",
    "explore_program",
    "fuzz",
    "minimise",
    "reduce",
]
