# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio explore``: all interleavings of a scenario, and what is true of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from swaptrio.cli import codes
from swaptrio.cli.campaign_options import MOST_JOBS
from swaptrio.cli.options import (
    carrier_option,
    epilog,
    seconds_option,
    shared,
    variant_option,
    windows_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.explore import Limits, Rate, Reduced, Result, Settings
    from swaptrio.explore.exhaustive import Exploration
    from swaptrio.explore.exhaustive.crew import Crew
    from swaptrio.explore.exhaustive.saved import Begun, Kept
    from swaptrio.sched import Carrier, Schedule, Scheduler, Verdict

#: More preemptions than any scenario has steps.
MANY = 1000


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


@click.command(
    epilog=epilog(
        "explore large-vs-small-neighbour --preemptions 1",
        "explore two-faults-one-slot --variant pre --preemptions 2 --all",
        "explore two-faults-one-slot --cache --time 60",
        "explore two-faults-one-slot --jobs 4",
        "explore two-faults-one-slot --cache --time 60 --resume kept.json",
        "explore path/to/race.toml --variant path/to/mine.py --json",
    )
)
@click.argument("name", metavar="NAME")
@variant_option
@click.option(
    "--preemptions",
    metavar="N",
    type=click.IntRange(0, MANY),
    help="Leave a task that could go on N times at most; first never, then once ...",
)
@seconds_option
@click.option(
    "--cache/--no-cache",
    default=False,
    show_default=True,
    help="Recognise states that were met before; then no classes are counted.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Go on after a violation, and list each distinct one.",
)
@click.option(
    "--resume",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on from FILE, if it is there; keep there what an interrupted search knows.",
)
@click.option(
    "--jobs",
    metavar="J",
    type=click.IntRange(1, MOST_JOBS),
    default=1,
    show_default=True,
    help="How many processes; what is told does not depend on it.",
)
@carrier_option
@windows_option
@shared
def explore(
    console: Console,
    name: str,
    variant: str,
    preemptions: int | None,
    seconds: float | None,
    cache: bool,
    everything: bool,
    resume: Path | None,
    jobs: int,
    carrier: Carrier,
    windows: bool,
) -> int:
    """Explore all interleavings of a scenario NAME, from its set-up.

    Its windows play no part. Executions that differ only in the order of steps that do not
    depend on each other are of one class, and one of each class is run. With a bound on
    preemptions all schedules are gone through instead. With --cache the search goes from state
    to state, and leaves out steps that lead to nothing else: it finds all violations, and ends
    soonest. The states that are counted are those that it has met. With both it goes from state
    to state within the bound, and leaves out none: that takes longest.

    With --jobs all but the states are shared out among processes, once there is much to do.

    With --resume a search of any kind that its time or Ctrl-C has ended is kept in FILE, which
    the same command goes on from, also with other --jobs; the totals are those of one search.
    It is kept every half a minute, too, for whatever else may end it. FILE goes when it is
    done.

    Windows that nobody came into are proved unreachable where all classes were run, and only
    not sampled where the search was cut short or recognised states. Nothing is drawn by chance,
    so no unseen mass is estimated. With a violation stands how often a random walk hits it.

    The last line is true and names every bound. The exit code is 0 if what was found is what
    the scenario expects of the variant. Ctrl-C prints what is known so far.
    """
    from swaptrio.cli.case import load_cases
    from swaptrio.explore import Limits, Settings
    from swaptrio.scenario.play import BUDGET

    _check_shared(jobs, cache=cache)
    settings = Settings(
        cache=cache,
        preemptions=preemptions,
        stubborn=cache,
        stop_at_first=not everything,
        budget=BUDGET,
        windows=True,
    )
    with console.interrupts.listening() as stop:
        (case,) = load_cases(console, [name], variant)
        limits = Limits(seconds, stop)
        result, found = _explore(console, case, settings, limits, resume, jobs, carrier)
    missed = _missed(case, result, found)
    for line in _lines(console, case, result, found, missed, windows=windows):
        console.say(line)
    console.document(_record(console, case, result, found))
    return codes.FAILED if missed else codes.OK


def _check_shared(jobs: int, *, cache: bool) -> None:
    """Refuse to share a search for states out among *jobs* processes.

    What it takes from a state is a stubborn set, and that is known when all below it was
    explored: by what the others were seen to do there, and by which states have come back to
    one on the way. So whoever explores a branch for somebody else makes him wait, or he has to
    take all steps in the meantime; and the states of two branches are mostly the same ones, so
    both would name each of them. How many are looked at depends on guesses by what was seen
    before, so the totals would depend on who was faster. A search that takes all steps has a
    total without an order: but it meets twenty to a hundred times as many states as this one,
    and two processes are twice as fast at most.

    With a bound all steps are taken, but rounds are told by the way on which a state has come
    back, and each state had to be sent to everybody before he can leave it out.

    Raises:
        UsageError: there is a cache, and more than one process.
    """
    if jobs > 1 and cache:
        msg = (
            "--jobs works without --cache: which steps a search for states takes depends on"
            " all that it has seen before; leave out one of them"
        )
        raise click.UsageError(msg)


def _explore(
    console: Console,
    case: Case,
    settings: Settings,
    limits: Limits,
    resume: Path | None,
    jobs: int,
    carrier: Carrier,
) -> tuple[Result, list[Shown]]:
    """Explore one case, and make each violation simple."""
    import attrs

    from swaptrio.cli.console import LiveLine
    from swaptrio.cli.recording import record_failure, with_scheduler
    from swaptrio.cli.replayed import cycle_of
    from swaptrio.explore.campaign import matter_of
    from swaptrio.explore.exhaustive import result_of
    from swaptrio.explore.exhaustive.jobs import drive_jobs
    from swaptrio.explore.exhaustive.stage import stage_of
    from swaptrio.explore.minimise import minimise
    from swaptrio.explore.reduce import reduce
    from swaptrio.explore.stress import STRESSES, stress

    line = LiveLine(console)
    source = partial(stage_of, matter_of(case.name, case.spelled))

    def progress(exploration: Exploration, seconds: float) -> None:
        line.show(f"{case.scenario.name}: {_progress(exploration, seconds)}")

    async def work(scheduler: Scheduler) -> tuple[Result, list[Shown]]:
        telling = attrs.evolve(limits, progress=progress)
        begun, keep = None, None
        if resume is not None:
            about = _about(case, settings)
            begun = _begun(about, partial(settings.begin, source()), resume)
            keep = partial(_keep, console, about, resume)
        exploration, seconds = await drive_jobs(
            scheduler,
            source,
            settings,
            telling,
            jobs,
            carrier=carrier,
            begun=begun,
            keep=keep,
        )
        result = result_of(case.scenario.name, settings, exploration, seconds)
        found = []
        seeds = range(STRESSES if result.violations else 0)
        walked = await stress(scheduler, case.setup, seeds, limits.stop)
        for number, violation in enumerate(result.violations, 1):
            line.show(f"making violation {number} of {len(result.violations)} simple")
            verdict = violation.verdict
            minimal = await minimise(scheduler, case.setup, verdict, stop=limits.stop)
            reduced = await reduce(scheduler, case.setup, minimal, stop=limits.stop)
            recording, path = await record_failure(console, scheduler, case, minimal.schedule)
            cycle = cycle_of(recording.verdict, recording.trace)
            stressed = walked.rate(verdict)
            found.append(Shown(verdict, minimal.schedule, path, stressed, reduced, cycle))
        return result, found

    with line:
        return with_scheduler(console, work, carrier)


def _about(case: Case, settings: Settings) -> dict[str, Any]:
    """What a saved search must be of."""
    import sys

    from swaptrio import __version__
    from swaptrio.cli.case import is_file
    from swaptrio.explore.campaign.item import code_digest
    from swaptrio.scenario.files import DIGITS, digest

    path = Path(case.spelled)
    return {
        "version of swaptrio": __version__,
        "code of swaptrio": code_digest().hex()[:DIGITS],
        "version of Python": f"{sys.implementation.cache_tag}, -O{sys.flags.optimize}",
        "scenario": case.scenario.name,
        "text of the scenario": case.digest,
        "variant": case.variant.name,
        "text of the variant": digest(path) if is_file(path) else "",
        "choice of --all": not settings.stop_at_first,
        "choice of --preemptions": settings.preemptions,
        "choice of --cache": settings.cache,
    }


def _begun(
    about: dict[str, Any], begin: Callable[[], Begun], resume: Path
) -> Begun | Crew | None:
    """The search that was kept, if one was.

    Raises:
        BadInput: no search can go on from the file.
    """
    from swaptrio.cli.case import is_file
    from swaptrio.errors import BadInput, Problem
    from swaptrio.explore.exhaustive.saved import BadSave, load

    if not is_file(resume):
        return None
    try:
        return load(resume.read_text(encoding="utf-8"), about, begin)
    except BadSave as exc:
        raise BadInput(
            (Problem(str(resume), "", "", f"cannot go on from it: {exc}"),)
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput((Problem(str(resume), "", "", f"cannot be read: {exc}"),)) from None


def _keep(console: Console, about: dict[str, Any], resume: Path, search: Kept) -> None:
    """Keep a search that can go on; the file of one that is done goes."""
    from swaptrio.explore.exhaustive.saved import save
    from swaptrio.trace.write import write_whole

    tally = search.tally
    try:
        if tally.outcome is None or tally.interrupted:
            write_whole([save(search, about).encode()], resume)
        else:
            resume.unlink(missing_ok=True)
    except OSError as exc:
        console.regret(f"{resume}: cannot be written: {exc.strerror or exc}")


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


def _missed(case: Case, result: Result, found: list[Shown]) -> list[str]:
    """What is not as the scenario expects, in words; nothing where all is."""
    from swaptrio.cli.judgement import judge_freely
    from swaptrio.explore import Outcome

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
    from swaptrio.cli.judgement import in_words
    from swaptrio.scenario.play import expected_of

    endings = [expected_of(window, case.variant) for window in case.scenario.window]
    return list(
        dict.fromkeys(
            in_words(expect) for expect in endings if expect.verdict not in ("passed", "n/a")
        )
    )


def _lines(
    console: Console,
    case: Case,
    result: Result,
    found: list[Shown],
    missed: list[str],
    *,
    windows: bool,
) -> Iterator[str]:
    """For people; the statement comes last."""
    from swaptrio.cli.console import filled
    from swaptrio.cli.recording import opening
    from swaptrio.cli.replayed import goes_round
    from swaptrio.cli.searched import Searched
    from swaptrio.cli.smaller import smaller_line
    from swaptrio.cli.stressed import in_words

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


def _record(console: Console, case: Case, result: Result, found: list[Shown]) -> dict[str, Any]:
    """For programs."""
    from swaptrio.cli.searched import Searched
    from swaptrio.cli.smaller import smaller_record
    from swaptrio.cli.stressed import record_of

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
