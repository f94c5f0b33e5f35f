# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio replay``: play one execution, draw it, keep its trace, judge it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from swaptrio.cli import codes
from swaptrio.cli.options import SEED, epilog, shared, variant_option, without_option

if TYPE_CHECKING:
    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.cli.drawings import Drawing
    from swaptrio.cli.judgement import Judgement
    from swaptrio.cli.recording import Recording
    from swaptrio.scenario.format import Window
    from swaptrio.sched import Strategy


@click.command(
    epilog=epilog(
        "replay large-vs-small-neighbour",
        "replay large-vs-small-neighbour --variant pre --window large-first",
        "replay large-vs-small-neighbour --schedule 10:1@small/start",
        "replay large-vs-small-neighbour --variant no-second-check \\\n"
        "    --schedule 'large#1@swap_cache_alloc.recheck -> small'",
        "replay large-vs-small-neighbour --variant pre --diagram race.txt",
        "replay path/to/race.toml --variant path/to/mine.py --seed 7",
    )
)
@click.argument("name")
@variant_option
@click.option("--window", metavar="W", help="A window of the scenario; else the first one.")
@click.option("--schedule", metavar="S", help="A schedule by numbers or names, or a trace.")
@click.option("--seed", metavar="N", type=SEED, help="Walk at random with this seed.")
@click.option(
    "--diagram",
    metavar="FILE",
    help="A drawing with columns CPU0, CPU1; - for stdin. Is that race possible?",
)
@without_option
@click.option("--log", metavar="FILE", help="Where the trace goes; else into logs/.")
@shared
def replay(
    console: Console,
    name: str,
    variant: str,
    window: str | None,
    schedule: str | None,
    seed: int | None,
    diagram: str | None,
    without: tuple[str, ...],
    log: str | None,
) -> int:
    """Play one execution of the scenario NAME and draw it.

    By default a window of the scenario is played, and the end must be what the scenario expects
    of the variant. With --schedule or --seed the execution starts from the same set-up, without
    a window; then it is as expected if it passes, or if it ends with the ending and check that
    any window of the scenario expects of this variant.

    A schedule is what 'fuzz' and 'replay' print, by numbers or by names. That by names survives
    changes of the code: 'large#1@swap_cache_alloc.recheck -> small' lets small go on when large
    comes to that label for the first time.

    --diagram reads the drawing of a race as people put it into changelogs, and as 'swaptrio
    trace FILE --diagram' writes it: the names of functions or labels, one column a task, and
    '*** result' at the end. It says whether the drawn race is possible in this variant, and it
    is as expected if the result is the drawn one.

    The trace is kept: 'swaptrio trace FILE' draws it again. An execution that diverged, or that
    did not reach its window, is kept only where --log says so.
    """
    given = [option for option in (window, schedule, seed, diagram) if option is not None]
    if len(given) > 1:
        msg = "only one of --window, --schedule, --seed and --diagram can be given"
        raise click.UsageError(msg)
    if without and schedule is None and seed is None:
        msg = "--without goes with --schedule or --seed; a window needs the whole scenario"
        raise click.UsageError(msg)
    from swaptrio.cli.case import load_cases

    with console.interrupts.listening():
        [case] = load_cases(console, [name], variant)
        case = case.taking_out(without) if without else case
        if schedule is not None:
            return _scheduled(console, case, schedule, log)
        if seed is not None:
            return _seeded(console, case, seed, log)
        if diagram is not None:
            return _drawn(console, case, diagram, log)
        return _windowed(console, case, window, log)


def _windowed(console: Console, case: Case, name: str | None, log: str | None) -> int:
    from swaptrio.cli.judgement import judge_window, unreached, window_of
    from swaptrio.scenario.play import expected_of, script_of
    from swaptrio.sched import WindowNotReached

    window = window_of(case.scenario, case.name, name)
    expect = expected_of(window, case.variant)
    if expect.verdict == "n/a":
        return _not_applicable(console, case, window, expect.reason)
    recording = _record(console, case, script_of(window, case.variant))
    judgement = judge_window(recording.played, expect)
    failure = recording.played.execution.failure
    if isinstance(failure, WindowNotReached) and not console.json:
        console.tell(str(unreached(case, window, failure)))
    return _finish(console, recording, judgement, log, window.name, window)


def _scheduled(console: Console, case: Case, schedule: str, log: str | None) -> int:
    from swaptrio.cli.judgement import judge_freely
    from swaptrio.cli.recording import digest_of
    from swaptrio.cli.schedules import strategy_in

    recording = _record(console, case, strategy_in(case, schedule))
    judgement = judge_freely(recording.verdict, case.scenario, case.variant)
    return _finish(console, recording, judgement, log, digest_of(recording.verdict.schedule))


def _seeded(console: Console, case: Case, seed: int, log: str | None) -> int:
    from swaptrio.cli.judgement import judge_freely
    from swaptrio.sched import RandomWalk

    recording = _record(console, case, RandomWalk(seed), seed)
    judgement = judge_freely(recording.verdict, case.scenario, case.variant)
    return _finish(console, recording, judgement, log, f"seed-{seed}")


def _drawn(console: Console, case: Case, file: str, log: str | None) -> int:
    from swaptrio.cli.drawings import Drawing, diagram_in, record_drawing
    from swaptrio.cli.recording import with_scheduler

    diagram = diagram_in(file)
    recording, done = with_scheduler(
        console, lambda scheduler: record_drawing(scheduler, case, diagram)
    )
    drawing = Drawing(diagram.file, done)
    judgement = drawing.judged(case)
    return _finish(console, recording, judgement, log, drawing.name, drawing=drawing)


def _record(
    console: Console, case: Case, strategy: Strategy, seed: int | None = None
) -> Recording:
    from swaptrio.cli.recording import record, with_scheduler

    return with_scheduler(
        console, lambda scheduler: record(scheduler, case, strategy, seed=seed)
    )


def _finish(
    console: Console,
    recording: Recording,
    judgement: Judgement,
    log: str | None,
    what: str,
    window: Window | None = None,
    drawing: Drawing | None = None,
) -> int:
    """Keep the trace, say everything, and give the exit code."""
    from swaptrio.cli.judgement import code_of
    from swaptrio.cli.recording import kept, log_of
    from swaptrio.cli.replayed import Replayed

    code = code_of(recording.verdict, judgement)
    if drawing is not None:
        code = codes.OK if judgement.as_expected else codes.FAILED
    path = None
    if log is not None or code in (codes.OK, codes.FAILED):
        path = Path(log) if log is not None else log_of(recording.case, what)
        path = kept(console, recording.trace, path)
    replayed = Replayed(recording, judgement, path, window, drawing)
    console.document(replayed.record(console))
    for line in replayed.lines(console):
        console.say(line)
    return code


def _not_applicable(console: Console, case: Case, window: Window, reason: str) -> int:
    from swaptrio.cli.replayed import not_applicable

    console.document(not_applicable(case, window, reason))
    about = f"{case.scenario.name}, variant {case.variant.name}, window {window.name}"
    console.say(f"{about}: not applicable")
    console.say(f"  {reason}")
    return codes.OK
