# SPDX-License-Identifier: MIT OR Apache-2.0
"""The study of one version: a row for each part."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore import Result
from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import load_checked
from swaptrio.study.necessity.explore import explore
from swaptrio.study.necessity.hunt import Hunt, sound
from swaptrio.study.necessity.notice import Notice
from swaptrio.study.necessity.reasons import MOST_UNNOTICED, REASONS, Reason
from swaptrio.variants import Variant, less
from swaptrio.variants.parts import Part, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from swaptrio.sched import Scheduler


@attrs.frozen
class Row:
    """A part, what notices that it has gone, and the *reason* why nobody does.

    So many *executions* were looked at until then, of which *broken* ended in an error of the
    code. What was *explored* without the part comes on top.
    """

    part: Part
    notice: Notice | None
    reason: Reason | None
    executions: int = 0
    broken: int = 0
    explored: tuple[Result, ...] = ()

    @property
    def well_formed(self) -> bool:
        """Whether the code without the part hangs together."""
        return self.notice is not None or not self.broken

    @property
    def wrong(self) -> str:
        """What is wrong with this row, in words; empty for nothing."""
        if self.notice is not None:
            return "there is a reason why nobody notices, and it is noticed"
        if self.reason is None:
            return "nobody notices, and nobody says why"
        for result in self.explored:
            if not result.complete or result.violations:
                return f"it is to pass in all of {result.program}: {result.statement}"
        return ""


@attrs.frozen
class Studied:
    """The rows of a version, one a part; *interrupted* if they are not all."""

    variant: Variant
    rows: tuple[Row, ...]
    interrupted: bool = False

    @property
    def noticed(self) -> tuple[Row, ...]:
        """The rows of what is noticed."""
        return tuple(row for row in self.rows if row.notice is not None)

    @property
    def unnoticed(self) -> tuple[Row, ...]:
        """The rows of what nobody notices."""
        return tuple(row for row in self.rows if row.notice is None and row.well_formed)

    @property
    def malformed(self) -> tuple[Row, ...]:
        """The rows of parts without which the code does not hang together."""
        return tuple(row for row in self.rows if not row.well_formed)

    @property
    def wrong(self) -> tuple[Row, ...]:
        """The rows of what has no reason, or one that does not hold."""
        unneeded = tuple(row for row in self.noticed if row.reason is not None)
        return (*unneeded, *(row for row in self.unnoticed if row.wrong))

    @property
    def in_order(self) -> bool:
        """Whether all is noticed, or few is not and has its reason."""
        return not self.interrupted and not self.wrong and len(self.unnoticed) <= MOST_UNNOTICED


async def study(
    scheduler: Scheduler,
    variant: Variant,
    parts: tuple[Part, ...] | None = None,
    *,
    known: Mapping[str, Notice] = MappingProxyType({}),
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, Part], None] = lambda _number, _part: None,
) -> Studied:
    """Take each part out of a version, and look who notices.

    Args:
        scheduler: runs the executions.
        variant: the version.
        parts: those that are asked for; all of them if left out.
        known: what has noticed before, by the name of the part. It is looked at first.
        stop: asked before each execution; what is known until then is the result.
        progress: is told the number of each part, from 0, before it goes.
    """
    parts = parts_of(variant) if parts is None else parts
    scenarios = tuple(load_checked(find(name), variant) for name in names())
    rows: list[Row] = []
    for number, part in enumerate(parts):
        progress(number, part)
        cut = less(variant, part)
        hunt = Hunt(scheduler, sound(scenarios, variant), variant, cut, stop)
        notice = await hunt.notice(known.get(part.name))
        reason = REASONS.get(part.name)
        explored: list[Result] = []
        if notice is None and reason is not None:
            small = [each for each in scenarios if each.name in reason.explored]
            explored = [await explore(scheduler, each, cut, stop) for each in small]
        if stop():
            return Studied(variant, tuple(rows), interrupted=True)
        rows.append(Row(part, notice, reason, hunt.executions, hunt.broken, tuple(explored)))
    return Studied(variant, tuple(rows))
