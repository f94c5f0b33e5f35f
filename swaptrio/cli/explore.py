# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio explore``: all interleavings of a scenario, and what is true of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    from swaptrio.cli.console import Console
    from swaptrio.sched import Carrier

#: More preemptions than any scenario has steps.
MANY = 1000


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
    from swaptrio.cli.explored import Way, document_of, explore_case, lines_of, missed_of
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
        way = Way(settings, Limits(seconds, stop), resume, jobs, carrier)
        result, found = explore_case(console, case, way)
    missed = missed_of(case, result, found)
    for line in lines_of(console, case, result, found, missed, windows=windows):
        console.say(line)
    console.document(document_of(console, case, result, found))
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
