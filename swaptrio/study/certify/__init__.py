# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates: which races a version closes, leaves open or opens, and how that is known.

A certificate is a `Row` for each scenario. It holds the `Evidence` of two versions, gathered
alike within a `Budget`, and says nothing that the evidence does not show.
"""

from swaptrio.study.certify.bounds import Bounds, Budget
from swaptrio.study.certify.certificate import Certificate, Version
from swaptrio.study.certify.evidence import Evidence, Failing, Outcome, Search, Walk
from swaptrio.study.certify.examine import examine
from swaptrio.study.certify.row import Row, Standing
from swaptrio.study.certify.work import Case, WorkerLost, examine_all

__all__ = [
    "Bounds",
    "Budget",
    "Case",
    "Certificate",
    "Evidence",
    "Failing",
    "Outcome",
    "Row",
    "Search",
    "Standing",
    "Version",
    "Walk",
    "WorkerLost",
    "examine",
    "examine_all",
]
