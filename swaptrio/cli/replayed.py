# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ``swaptrio replay`` says of one execution, for a person and for a program."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.cli.console import Console, filled, short
from swaptrio.cli.drawings import Drawing
from swaptrio.cli.judgement import Judgement
from swaptrio.cli.recording import Recording, opening
from swaptrio.scenario.format import Window
from swaptrio.sched import Diverged, Ending, Verdict
from swaptrio.sched.rounds import last_round, round_at_end
from swaptrio.trace import Trace, draw_lanes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.cli.case import Case

#: The check that notices a loop that goes round in vain, at its second round.
_PROGRESS: Final = "I-PROGRESS"

_BROKEN: Final = frozenset({Ending.VIOLATION, Ending.DEADLOCK, Ending.LIVELOCK, Ending.ERROR})


@attrs.frozen
class Replayed:
    """A recorded execution with its *judgement*; *path* is where its trace lies, if it does.

    *window* or *drawing* is what it was led by, if it was.
    """

    recording: Recording
    judgement: Judgement
    path: Path | None
    window: Window | None
    drawing: Drawing | None = None

    def record(self, console: Console) -> dict[str, Any]:
        """For programs."""
        case, verdict = self.recording.case, self.recording.verdict
        return {
            "scenario": case.scenario.name,
            "variant": case.variant.name,
            "window": None if self.window is None else self.window.name,
            "diagram": None if self.drawing is None else self.drawing.record(),
            "seed": self.recording.trace.header.seed,
            "schedule": str(verdict.schedule),
            "names": str(self.recording.names),
            "verdict": verdict.ending.value,
            "violation": violation_of(verdict, self.recording.trace),
            "message": verdict.message,
            "diverged": _divergence(self.recording),
            "as_expected": self.judgement.as_expected,
            "expected": self.judgement.expected,
            "missed": list(self.judgement.missed),
            "reports": [
                {"check": found.check, "message": found.message}
                for found in self.recording.trace.header.reports
            ],
            "results": dict(self.recording.played.world.results),
            "counters": self.recording.played.world.counters(),
            "steps": verdict.steps,
            "trace": None if self.path is None else str(self.path),
            "command": case.command(console, verdict.schedule),
        }

    def lines(self, console: Console) -> Iterator[str]:
        """For people: what was asked, the picture, and what to make of it."""
        yield from self._head(console.width)
        verdict = self.recording.verdict
        case = self.recording.case
        command = case.command(console, verdict.schedule)
        yield draw_lanes(
            self.recording.trace,
            width=console.width,
            command=command if verdict.ending in _BROKEN else "",
            color=console.color,
        )
        yield from _where_it_crashed(self.recording, console)
        cycle = cycle_of(verdict, self.recording.trace)
        yield from goes_round(verdict, cycle, console.width)
        if verdict.ending in _BROKEN and len(self.recording.names) > 0:
            yield from filled(f"by names: {self.recording.names}", console.width, "  ")
        yield from self._judged(console.width)
        yield from opening(console, self.path)

    def _head(self, width: int) -> Iterator[str]:
        scenario = self.recording.case.scenario
        yield from filled(scenario.title, width)
        if self.window is not None:
            about = f"Window {self.window.name}"
            story = f"{about}: {self.window.story}" if self.window.story else f"{about}."
            yield from filled(story, width)
            others = [other.name for other in scenario.window if other is not self.window]
            if others:
                yield from filled(f"Other windows: {', '.join(others)}.", width)
        yield ""

    def _judged(self, width: int) -> Iterator[str]:
        divergence = _divergence(self.recording)
        if self.drawing is not None:
            yield from self.drawing.lines(self.recording.case.variant.labels, width)
        if divergence is not None:
            yield f"the schedule does not fit: it diverged at step {divergence['step']}"
            yield f"  expected: {divergence['expected']}"
            yield f"  found:    {divergence['found']}"
        elif self.recording.verdict.ending is Ending.UNREACHED and self.drawing is None:
            yield "the window was not reached, so nothing was checked"
        elif self.judgement.as_expected:
            yield from filled(f"as expected: {self.judgement.expected}", width, "  ")
        else:
            yield "NOT as expected:"
            for line in self.judgement.missed:
                yield from (f"  {part}" for part in filled(line, width - 2, "  "))


def not_applicable(case: Case, window: Window, reason: str) -> dict[str, Any]:
    """What programs get where a window means nothing to a variant."""
    return {
        "scenario": case.scenario.name,
        "variant": case.variant.name,
        "window": window.name,
        "diagram": None,
        "seed": None,
        "schedule": None,
        "names": None,
        "verdict": "n/a",
        "violation": None,
        "message": reason,
        "diverged": None,
        "as_expected": True,
        "expected": "n/a",
        "missed": [],
        "reports": [],
        "results": {},
        "counters": {},
        "steps": 0,
        "trace": None,
        "command": None,
    }


def violation_of(verdict: Verdict, trace: Trace) -> dict[str, Any] | None:
    """What went wrong and where; none where nothing of the model did."""
    if verdict.ending not in _BROKEN:
        return None
    last = trace.events[-1] if trace.events else None
    return {
        "check": verdict.check,
        "message": verdict.message,
        "ending": verdict.ending.value,
        "step": None if last is None else last.seq,
        "task": None if last is None else last.task,
        "label": None if last is None else last.label,
        "waiting": [attrs.asdict(edge) for edge in verdict.waiting],
        "cycle": list(cycle_of(verdict, trace)),
    }


def cycle_of(verdict: Verdict, trace: Trace) -> tuple[str, ...]:
    """The tasks on the cycle of a deadlock, or the steps that go round where nobody gets on.

    The steps are those of the verdict; or, where it was told by other means that nothing moves
    on, the row that stands twice at the end of the trace, or else its last round.
    """
    if verdict.cycle or not (verdict.ending is Ending.LIVELOCK or verdict.check == _PROGRESS):
        return verdict.cycle
    steps = [f"{event.task} {event.label}" for event in trace.events]
    return round_at_end(steps) or last_round(steps)


def goes_round(verdict: Verdict, cycle: tuple[str, ...], width: int) -> Iterator[str]:
    """The steps of a *cycle* on which nobody gets on; that of a deadlock is told elsewhere."""
    if cycle and verdict.ending is not Ending.DEADLOCK:
        yield from filled(f"goes round: {' -> '.join((*cycle, cycle[0]))}", width, "  ")


def _divergence(recording: Recording) -> dict[str, Any] | None:
    failure = recording.played.execution.failure
    if not isinstance(failure, Diverged):
        return None
    return {"step": failure.step, "expected": failure.expected, "found": failure.found}


def _where_it_crashed(recording: Recording, console: Console) -> Iterator[str]:
    """The place of an exception in the model, which is nearly always a variant of one's own."""
    failure = recording.played.execution.failure
    if recording.verdict.ending is not Ending.ERROR or failure is None:
        return
    if console.debug:
        console.tell("".join(traceback.format_exception(failure)).rstrip())
    frames = traceback.extract_tb(failure.__traceback__)
    if frames:
        yield f"raised in {short(Path(frames[-1].filename))}, line {frames[-1].lineno}"
