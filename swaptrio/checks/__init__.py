# SPDX-License-Identifier: MIT OR Apache-2.0
"""Oracles: what must hold, checked from outside the model."""

from swaptrio.checks.crash import CRASHES, crash
from swaptrio.checks.findings import CHECKS, SOFT, Finding
from swaptrio.checks.quiescent import check_quiescent
from swaptrio.checks.watch import Oracles

__all__ = ["CHECKS", "CRASHES", "SOFT", "Finding", "Oracles", "check_quiescent", "crash"]
