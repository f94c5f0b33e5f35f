# SPDX-License-Identifier: MIT OR Apache-2.0
"""What fuzzing has found, for a person and for a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.cli.case import Case
from swaptrio.cli.console import Console, filled
from swaptrio.cli.numbers import Numbers
from swaptrio.cli.recording import Recording, opening, record_failure
from swaptrio.cli.replayed import violation_of
from swaptrio.cli.smaller import smaller_line, smaller_record
from swaptrio.cli.stressed import in_words, record_of
from swaptrio.explore import Failure, Fuzzed, Minimal, Rate, Reduced, minimise, reduce
from swaptrio.explore.exhaustive.result import NONDETERMINISTIC
from swaptrio.trace.ending import outcome
from swaptrio.trace.formats import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.sched import Scheduler

_WIDTH = 80
_PASSED = "passed"


@attrs.frozen
class Find:
    """A distinct failure, the recording of its simplest execution, and where the trace lies.

    There is no trace where it could not be written. *reduced* is a smaller scenario that fails
    in the same way, if there is one. *stress* is how often a random walk fails so, which is the
    nearest to a test that leaves the order to chance.
    """

    failure: Failure
    recording: Recording
    path: Path | None
    minimal: Minimal
    reduced: Reduced | None
    stress: Rate

    def record(self, console: Console) -> dict[str, Any]:
        """For programs."""
        verdict = self.recording.verdict
        return {
            "check": verdict.check,
            "count": self.failure.count,
            "seed": self.failure.seed,
            "schedule": str(verdict.schedule),
            "names": str(self.recording.names),
            "size": attrs.asdict(self.minimal.size),
            "smaller": smaller_record(console, self.recording.case, self.reduced),
            "stress": record_of(self.stress),
            "verdict": verdict.ending.value,
            "message": verdict.message,
            "violation": violation_of(verdict, self.recording.trace),
            "steps": verdict.steps,
            "first_schedule": str(self.failure.schedule),
            "command": self.recording.case.command(console, verdict.schedule),
            "explain": self.recording.case.command(console, verdict.schedule, "explain"),
            "trace": None if self.path is None else str(self.path),
        }

    def lines(self, console: Console) -> Iterator[str]:
        """For people."""
        verdict = self.recording.verdict
        name = f"{verdict.ending} of {verdict.check}" if verdict.check else str(verdict.ending)
        often = "once" if self.failure.count == 1 else f"{self.failure.count} times"
        yield f"{name}, {often}, first with seed {self.failure.seed}"
        yield from (f"  {line}" for line in filled(verdict.message, _WIDTH - 2, "  "))
        yield f"  {in_words(self.stress)}"
        before, after = len(self.failure.schedule), len(verdict.schedule)
        yield f"  schedule: {verdict.schedule} (deviations: {after}, at first {before})"
        if after:
            names = f"by names: {self.recording.names}"
            yield from (f"  {line}" for line in filled(names, _WIDTH - 2, "  "))
        yield from smaller_line(self.recording.case, self.reduced)
        yield from (f"  {line}" for line in opening(console, self.path))
        case = self.recording.case
        yield f"  explain it: {case.command(console, verdict.schedule, 'explain')}"
        yield f"  {case.command(console, verdict.schedule)}"


@attrs.frozen
class Campaign:
    """The result for one case."""

    case: Case
    fuzzed: Fuzzed
    finds: tuple[Find, ...]
    numbers: Numbers

    def record(self, console: Console) -> dict[str, Any]:
        """For programs."""
        fuzzed = self.fuzzed
        return {
            "scenario": self.case.scenario.name,
            "variant": self.case.variant.name,
            "executions": fuzzed.executions,
            "steps": fuzzed.steps,
            "seconds": round(fuzzed.seconds, 3),
            "failures": [find.record(console) for find in self.finds],
            "interrupted": fuzzed.stopped,
            "repeated": fuzzed.repeated,
            "nondeterminism": fuzzed.difference or None,
            "strategy": self.numbers.strategy,
            "numbers": self.numbers.record(),
        }

    @property
    def _doubt(self) -> str:
        """That nothing can be concluded, and why."""
        return f"inconclusive because {NONDETERMINISTIC}: {self.fuzzed.difference}"

    def result(self, console: Console) -> Result:
        """For a test report: it should pass, and its first failure stands for all."""
        case = self.case
        names = (case.scenario.name, case.variant.name)
        seconds = round(self.fuzzed.seconds, 3)
        if self.fuzzed.difference:
            return Result(*names, _PASSED, "diverged", self._doubt, seconds)
        if not self.finds:
            ending = "interrupted" if self.fuzzed.stopped else _PASSED
            worth = tuple(line.strip() for line in self.numbers.lines(_WIDTH))
            return Result(*names, _PASSED, ending, seconds=seconds, notes=worth)
        verdict = self.finds[0].recording.verdict
        message = f"{case.command(console, verdict.schedule)}: {verdict.message}"
        notes = tuple(opening(console, self.finds[0].path))
        return Result(*names, _PASSED, outcome(verdict), message, seconds, notes)

    def lines(self, console: Console, windows: bool) -> Iterator[str]:
        """For people; with all *windows*."""
        fuzzed = self.fuzzed
        about = f"{self.case.scenario.name}, variant {self.case.variant.name}"
        cut = " (interrupted)" if fuzzed.stopped else ""
        counts = f"{fuzzed.executions} executions, {fuzzed.steps} steps"
        yield f"{about}: {counts} in {fuzzed.seconds:.1f} s{cut}"
        if fuzzed.difference:
            yield from (f"  {line}" for line in filled(self._doubt, _WIDTH - 2, "  "))
            return
        yield from (f"  {line}" for line in self.numbers.lines(_WIDTH - 2, every=windows))
        if not self.finds:
            yield "  no failure"
        for find in self.finds:
            yield from (f"  {line}" for line in find.lines(console))


async def find(
    console: Console,
    scheduler: Scheduler,
    case: Case,
    failure: Failure,
    stress: Rate,
    stop: Callable[[], bool],
) -> Find:
    """Make *failure* simple, replay that with the recorder on, and keep its trace."""
    minimal = await minimise(scheduler, case.setup, failure.verdict, stop=stop)
    reduced = await reduce(scheduler, case.setup, minimal, stop=stop)
    recording, path = await record_failure(console, scheduler, case, minimal.schedule)
    return Find(failure, recording, path, minimal, reduced, stress)
