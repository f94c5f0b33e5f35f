# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a study says in the end: what it has found, as tables, and two sentences about it."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Decided(StrEnum):
    """How much is known of what a study was asked.

    ``PROVED``: all interleavings within the named bounds were explored, and it is so.
    ``REFUTED``: there is a schedule that shows the contrary. ``SAMPLED``: neither; some
    schedules were run, and nothing is known of the others.
    """

    PROVED = "proved within the bounds"
    REFUTED = "refuted by a schedule"
    SAMPLED = "sampled only"


@attrs.frozen
class Table:
    """One part of what was found, under a *heading*; all *rows* are as long as *columns*.

    The last column may hold sentences: it is the one that is broken into lines.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = attrs.field()

    @rows.validator
    def _as_long(self, _attribute: object, rows: tuple[tuple[str, ...], ...]) -> None:
        if any(len(row) != len(self.columns) for row in rows):
            msg = f"{self.heading}: a row is not as long as the columns"
            raise ValueError(msg)


@attrs.frozen
class Claim:
    """One sentence of an answer: *says* if it *holds* of what was found, else *otherwise*.

    *holds* is worked out from the findings and from nothing else.
    """

    holds: bool
    says: str
    otherwise: str

    @property
    def sentence(self) -> str:
        """What the findings bear out."""
        return self.says if self.holds else self.otherwise


@attrs.frozen
class Answer:
    """What a study has found.

    *tables* are the findings, *claims* the two sentences, and *bounds* what the executions
    were bounded by: tasks, slots, orders, failures. *decided* is what the study makes of it;
    what its executions do not support is taken back (see `swaptrio.study.ask.question`).
    """

    tables: tuple[Table, ...]
    claims: tuple[Claim, Claim]
    decided: Decided
    bounds: str

    @property
    def as_expected(self) -> bool:
        """Whether the findings bear out both sentences."""
        return all(claim.holds for claim in self.claims)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer."""
        return tuple(claim.sentence for claim in self.claims)
