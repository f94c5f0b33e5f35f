# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replaying a drawing: is this race possible in this variant, and what comes of it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from swaptrio.diagram.mapping import to_window
from swaptrio.diagram.order import DrawnOrder
from swaptrio.scenario.play import Played, play
from swaptrio.scenario.windows import WindowStep
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Verdict
from swaptrio.sched.errors import WindowNotReached
from swaptrio.trace.ending import outcome

if TYPE_CHECKING:
    from swaptrio.diagram.drawing import Diagram
    from swaptrio.scenario.format import Scenario
    from swaptrio.sched import Observer, Scheduler
    from swaptrio.variants import Variant


@attrs.frozen
class Replayed:
    """What came of a drawing.

    *played* is the execution. *possible* says whether it went as drawn; where it did not,
    *reason* says why. *line* is the line that could not be carried out, or at which the
    execution failed before all were drawn; 0 where all lines were carried out, or where the
    draws did not fit. *steps* and *choices* say the same order as a window of a scenario file
    would, as far as it came. *claim* is the result that the drawing tells, if it does.
    """

    played: Played
    possible: bool
    line: int
    reason: str
    steps: tuple[WindowStep, ...]
    choices: Mapping[str, tuple[str, ...]]
    claim: str = ""

    @property
    def verdict(self) -> Verdict:
        """How the execution ended."""
        return self.played.verdict

    @property
    def as_claimed(self) -> bool:
        """Whether the result is the one that the drawing tells; true where it tells none."""
        return not self.claim or self.claim.casefold() == outcome(self.verdict).casefold()

    def __str__(self) -> str:
        where = f" at line {self.line}" if self.line else ""
        if not self.possible:
            return f"not possible{where}: {self.reason}"
        broke_off = f", which came{where} already" if self.line else ""
        result = f"possible: {outcome(self.verdict)}{broke_off}"
        return result if self.as_claimed else f"{result}; the drawing says {self.claim}"


async def replay_diagram(
    scheduler: Scheduler,
    scenario: Scenario,
    variant: Variant,
    diagram: Diagram,
    observer: Observer | None = None,
) -> Replayed:
    """Run *scenario* once in the order that *diagram* shows.

    Args:
        scheduler: runs the execution.
        scenario: the world, and the tasks that the columns stand for.
        variant: the version whose steps the lines name.
        diagram: the drawing (see `parse_diagram`).
        observer: is told of every step, as by `play`.

    Raises:
        DiagramError: lines of the drawing mean nothing in this scenario or variant.
    """
    steps, choices = to_window(diagram, scenario, variant)
    order = DrawnOrder(steps, choices, variant.name)
    played = await play(scheduler, Setup(scenario, variant), order, observer)
    possible = played.verdict.ending is not Ending.UNREACHED
    runs = [*order.window, *(order.under_way() if possible else ())]
    window = tuple(WindowStep(run=run.task, until=run.until, times=run.times) for run in runs)
    return Replayed(
        played,
        possible,
        line=_line(played, order),
        reason="" if possible else _reason(played),
        steps=window,
        choices=choices,
        claim=diagram.claim,
    )


def _line(played: Played, order: DrawnOrder) -> int:
    failure = played.execution.failure
    if order.complete or (isinstance(failure, WindowNotReached) and not failure.entry):
        return 0
    return order.line


def _reason(played: Played) -> str:
    failure = played.execution.failure
    return failure.reason if isinstance(failure, WindowNotReached) else played.verdict.message
