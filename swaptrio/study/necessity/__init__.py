# SPDX-License-Identifier: MIT OR Apache-2.0
"""What each lock, check, reference and order of a version is for.

Each part of a version (see `swaptrio.variants.parts`) goes, one at a time, and the version that
is left is run until something notices: a check that the whole version passes under the same
schedule. What nobody notices is a hole in the checks, or is not needed: a reason says which.
"""

from swaptrio.study.necessity.hunt import Hunt
from swaptrio.study.necessity.notice import Notice, holds
from swaptrio.study.necessity.reasons import MOST_UNNOTICED, REASONS, Reason
from swaptrio.study.necessity.table import Row, Studied, study

__all__ = [
    "MOST_UNNOTICED",
    "REASONS",
    "Hunt",
    "Notice",
    "Reason",
    "Row",
    "Studied",
    "holds",
    "study",
]
