# SPDX-License-Identifier: MIT OR Apache-2.0
"""When two failures are the same one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Ending, Verdict
from swaptrio.sched.verdict import TOLD_BY

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup

_NUMBER: Final = re.compile(r"0x[0-9a-f]+|\d+")


@attrs.frozen
class Fingerprint:
    """How an execution of a scenario and a variant fails.

    *rule* is the check that was broken. Where an ending has none, it is the message with its
    numbers left out, so that two different crashes stay two failures. A livelock that no check
    of the model has told is one failure, however it was noticed: by a state that is back, or by
    a budget that is spent.
    """

    scenario: str
    variant: str
    ending: Ending
    rule: str

    @classmethod
    def of(cls, setup: Setup, verdict: Verdict) -> Fingerprint:
        """The fingerprint of an execution of *setup* that ended with *verdict*."""
        noticed = (
            verdict.ending is Ending.LIVELOCK and verdict.check in TOLD_BY[Ending.LIVELOCK]
        )
        check = "livelock" if noticed else verdict.check
        rule = check or _NUMBER.sub("#", verdict.message)
        return cls(setup.scenario.name, setup.variant.name, verdict.ending, rule)
