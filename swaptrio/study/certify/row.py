# SPDX-License-Identifier: MIT OR Apache-2.0
"""One line of a certificate: a scenario in the version in question, beside another one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from swaptrio.study.certify.evidence import Evidence, Outcome

if TYPE_CHECKING:
    from swaptrio.study.certify.evidence import Failing


class Standing(StrEnum):
    """What is said of a scenario, in the order in which a certificate says it."""

    NEWLY_OPEN = "newly opened"
    OPEN = "open"
    NEWLY_CLOSED = "newly closed"
    NOT_SEEN = "no longer seen"
    CLOSED = "closed"
    INCONCLUSIVE = "inconclusive"
    ABSENT = "n/a"


@attrs.frozen
class Row:
    """The evidence of *scenario* in the version in question, *here*, and in the other, *there*.

    *name* is what was typed for the scenario, *digest* stands for the text of its file, and
    *catalogue* is its entry in the race catalogue.
    """

    name: str
    scenario: str
    catalogue: str
    digest: str
    here: Evidence
    there: Evidence

    @property
    def new(self) -> tuple[Failing, ...]:
        """The ways to fail here that the other version was not seen to have."""
        known = [failing.kind for failing in self.there.failing]
        return tuple(each for each in self.here.failing if each.kind not in known)

    @property
    def standing(self) -> Standing:
        """What both together say."""
        violated = self.there.outcome is Outcome.VIOLATED
        match self.here.outcome:
            case Outcome.VIOLATED:
                return Standing.NEWLY_OPEN if self.new else Standing.OPEN
            case Outcome.PROVED:
                return Standing.NEWLY_CLOSED if violated else Standing.CLOSED
            case Outcome.INCONCLUSIVE:
                return Standing.NOT_SEEN if violated else Standing.INCONCLUSIVE
        return Standing.ABSENT
