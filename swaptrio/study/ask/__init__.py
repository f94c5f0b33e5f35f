# SPDX-License-Identifier: MIT OR Apache-2.0
"""The questions that reviewers asked about the patch, each answered by running the model."""

from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.lab import Lab, Stopped
from swaptrio.study.ask.question import Answered, Study, ask, names, studies

__all__ = [
    "Answer",
    "Answered",
    "Claim",
    "Decided",
    "Lab",
    "Stopped",
    "Study",
    "Table",
    "ask",
    "names",
    "studies",
]
