# SPDX-License-Identifier: MIT OR Apache-2.0
"""Oracles: what must hold, checked from outside the model."""

from swaptrio.checks.accesses import watch_accesses, watch_kernel
from swaptrio.checks.findings import CHECKS, SOFT, Finding
from swaptrio.checks.quiescent import check_quiescent
from swaptrio.checks.races import watch_races
from swaptrio.checks.watch import Oracles

__all__ = [
    "CHECKS",
    "SOFT",
    "Finding",
    "Oracles",
    "check_quiescent",
    "watch_accesses",
    "watch_kernel",
    "watch_races",
]
