# SPDX-License-Identifier: MIT OR Apache-2.0
"""The certificate as a whole: two versions, what was looked at, and a row for each scenario."""

from __future__ import annotations

import attrs

from swaptrio.study.certify.bounds import Budget
from swaptrio.study.certify.row import Row, Standing


@attrs.frozen
class Version:
    """A version as it is told of: what was typed, its name, its first line, what it builds on.

    *digest* stands for the text of a user's own file; it is empty for one that came along.
    """

    spelled: str
    name: str
    summary: str
    base: str
    digest: str = ""


@attrs.frozen
class Certificate:
    """What is said of *here*, beside *there*, in *rows*.

    *wanted* are the scenarios that were asked for; there are fewer rows where somebody has
    interrupted. *model* stands for the code of the scheduler, the model and the checks.
    """

    here: Version
    there: Version
    model: str
    budget: Budget
    rows: tuple[Row, ...]
    wanted: int

    def of(self, standing: Standing) -> tuple[Row, ...]:
        """The rows of that standing."""
        return tuple(row for row in self.rows if row.standing is standing)

    @property
    def counts(self) -> dict[Standing, int]:
        """How many rows there are of each standing."""
        return {standing: len(self.of(standing)) for standing in Standing}

    @property
    def amiss(self) -> tuple[Row, ...]:
        """The rows in which something is not as it has to be."""
        return tuple(row for row in self.rows if row.here.amiss)

    @property
    def clean(self) -> bool:
        """Whether nothing is open that is not open there, and nothing is amiss."""
        return not self.of(Standing.NEWLY_OPEN) and not self.amiss
