# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ``swaptrio explore`` does and tells: a search, and its violations made simple."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from swaptrio.cli.console import LiveLine, filled
from swaptrio.cli.judgement import in_words as expected_in_words
from swaptrio.cli.judgement import judge_freely
from swaptrio.cli.recording import opening, record_failure, with_scheduler
from swaptrio.cli.replayed import cycle_of, goes_round
from swaptrio.cli.resumed import about_of, begun_in, keep
from swaptrio.cli.searched import Searched
from swaptrio.cli.smaller import smaller_line, smaller_record
from swaptrio.cli.stressed import in_words, record_of
from swaptrio.explore import Limits, Outcome, Settings
from swaptrio.explore.campaign import matter_of
from swaptrio.explore.exhaustive import result_of
from swaptrio.explore.exhaustive.jobs import drive_jobs
from swaptrio.explore.exhaustive.stage import stage_of
from swaptrio.explore.minimise import minimise
from swaptrio.explore.reduce import reduce
from swaptrio.explore.stress import STRESSES, stress
from swaptrio.scenario.play import expected_of
from swaptrio.sched import Carrier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.explore import Rate, Reduced, Result
    from swaptrio.explore.exhaustive import Exploration
    from swaptrio.sched import Schedule, Scheduler, Verdict


class Shown(NamedTuple):
    """A violation, the simplest schedule found for it, and where the trace of that lies.

    There is no trace where it could not be written. *stress* is how often a random walk fails
    so; *reduced* is a smaller scenario that fails in the same way, if there is one. *cycle* is
    that of the simplest schedule.
    """

    verdict: Verdict
    schedule: Schedule
    path: Path | None
    stress: Rate
    reduced: Reduced | None
    cycle: tuple[str, ...]


@attrs.frozen
class Way:
    """How to explore: *settings* and *limits*, *jobs* processes, a *carrier*, and *resume*.

    *resume* is the file to go on from, if it is there, and to keep the search in.
    """

    settings: Settings
    limits: Limits
    resume: Path | None
    jobs: int
    carrier: Carrier


def explore_case(console: Console, case: Case, way: Way) -> tuple[Result, list[Shown]]:
    """Explore one case, and make each violation simple.

    Raises:
        BadInput: no search can go on from the file to resume.
    """
    line = LiveLine(console)

    async def work(scheduler: Scheduler) -> tuple[Result, list[Shown]]:
        result = await _search(scheduler, console, case, way, line)
        return result, await _simple(scheduler, console, case, way, line, result)

    with line:
        return with_scheduler(console, work, way.carrier)


async def _search(
    scheduler: Scheduler, console: Console, case: Case, way: Way, line: LiveLine
) -> Result:
    name, settings = case.scenario.name, way.settings
    source = partial(stage_of, matter_of(case.name, case.spelled))

    def progress(exploration: Exploration, seconds: float) -> None:
        line.show(f"{name}: {_progress(exploration, seconds)}")

    begun, keeping = None, None
    if way.resume is not None:
        about = about_of(case, settings)
        begun = begun_in(way.resume, about, partial(settings.begin, source()))
        keeping = partial(keep, console, way.resume, about)
    exploration, seconds = await drive_jobs(
        scheduler,
        source,
        settings,
        attrs.evolve(way.limits, progress=progress),
        way.jobs,
        carrier=way.carrier,
        begun=begun,
        keep=keeping,
    )
    return result_of(name, settings, exploration, seconds)


async def _simple(
    scheduler: Scheduler,
    console: Console,
    case: Case,
    way: Way,
    line: LiveLine,
    result: Result,
) -> list[Shown]:
    """The violations of *result*, each with its simplest schedule and the trace of that."""
    stop, violations = way.limits.stop, result.violations
    seeds = range(STRESSES if violations else 0)
    walked = await stress(scheduler, case.setup, seeds, stop)
    found = []
    for number, violation in enumerate(violations, 1):
        line.show(f"making violation {number} of {len(violations)} simple")
        verdict = violation.verdict
        minimal = await minimise(scheduler, case.setup, verdict, stop=stop)
        reduced = await reduce(scheduler, case.setup, minimal, stop=stop)
        recording, path = await record_failure(console, scheduler, case, minimal.schedule)
        cycle = cycle_of(recording.verdict, recording.trace)
        stressed = walked.rate(verdict)
        found.append(Shown(verdict, minimal.schedule, path, stressed, reduced, cycle))
    return found


def _progress(exploration: Exploration, seconds: float) -> str:
    executions = exploration.tally.executions
    parts = [f"{executions} executions, {executions / seconds:.0f}/s"]
    if exploration.traces is not None:
        parts.append(f"{exploration.traces} classes")
    if exploration.states is not None:
        parts.append(f"{exploration.states} states")
    parts.append(f"depth {exploration.depth}")
    estimate = exploration.estimate()
    if estimate < float("inf"):
        parts.append(f"about {max(0, estimate - executions):.0f} left")
    return ", ".join(parts)


def missed_of(case: Case, result: Result, found: list[Shown]) -> list[str]:
    """What is not as the scenario expects, in words; nothing where all is."""
    missed: list[str] = []
    for shown in found:
        missed += judge_freely(shown.verdict, case.scenario, case.variant).missed
    if result.outcome is Outcome.INCONCLUSIVE:
        missed.append("no conclusion")
    elif not found:
        expected = _expected(case)
        if expected:
            missed.append(f"expected {' or '.join(expected)}, found no violation")
    return missed


def _expected(case: Case) -> list[str]:
    """How some window of the scenario makes the variant fail."""
    endings = [expected_of(window, case.variant) for window in case.scenario.window]
    return list(
        dict.fromkeys(
            expected_in_words(expect)
            for expect in endings
            if expect.verdict not in ("passed", "n/a")
        )
    )


def lines_of(
    console: Console,
    case: Case,
    result: Result,
    found: list[Shown],
    missed: list[str],
    *,
    windows: bool,
) -> Iterator[str]:
    """For people; the statement comes last."""
    for shown in found:
        yield from filled(str(shown.verdict), 80, "  ")
        yield from (f"  {line}" for line in goes_round(shown.verdict, shown.cycle, 78))
        yield f"  {in_words(shown.stress)}"
        yield f"  schedule: {shown.schedule} (deviations: {len(shown.schedule)})"
        yield from smaller_line(case, shown.reduced)
        yield from (f"  {line}" for line in opening(console, shown.path))
        yield f"  {case.command(console, shown.schedule)}"
    yield from (f"  {line}" for line in Searched(result).lines(78, every=windows))
    yield from (f"not as expected: {what}" for what in missed)
    about = f"{case.scenario.name}, variant {case.variant.name}, {result.seconds:.1f} s"
    yield from filled(f"{about}: {result.statement}", 80, "  ")


def document_of(
    console: Console, case: Case, result: Result, found: list[Shown]
) -> dict[str, Any]:
    """For programs."""
    return {
        "scenario": case.scenario.name,
        "variant": case.variant.name,
        "complete": result.complete,
        "bound": result.bound,
        "executions": result.executions,
        "traces": result.traces,
        "states": result.states,
        "seconds": round(result.seconds, 3),
        "violations": [
            {
                "check": shown.verdict.check,
                "schedule": str(shown.schedule),
                "verdict": shown.verdict.ending.value,
                "message": shown.verdict.message,
                "smaller": smaller_record(console, case, shown.reduced),
                "cycle": list(shown.cycle),
                "command": case.command(console, shown.schedule),
                "stress": record_of(shown.stress),
                "trace": None if shown.path is None else str(shown.path),
            }
            for shown in found
        ],
        "statement": result.statement,
        "numbers": Searched(result).record(),
    }
