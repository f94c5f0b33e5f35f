# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio fuzz``: schedules of chance from a scenario's set-up, without its window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from swaptrio.cli import codes
from swaptrio.cli.options import (
    DEFAULT_STRATEGY,
    MOST_SEEDS,
    SEED,
    FormatName,
    carrier_option,
    epilog,
    shared,
    variant_option,
    windows_option,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.cli.found import Campaign
    from swaptrio.explore import Fuzzed
    from swaptrio.explore.stress import Stress
    from swaptrio.sched import Carrier, Scheduler
    from swaptrio.sched.strategies import SeededStrategy

#: Seeds where no number is given.
SEEDS = 2000

#: One execution in so many is repeated, to see that the program is deterministic.
REPEATED = 100


class Plan(NamedTuple):
    """What is run of each scenario: by which seeds, under what strategy, carried by whom."""

    seeds: range
    strategy: str
    carrier: Carrier


@click.command(
    epilog=epilog(
        "fuzz large-vs-small-neighbour --variant no-second-check",
        "fuzz two-faults-one-slot --seeds 100000 --seed-start 5000",
        "fuzz two-faults-one-slot --variant pre --strategy pct:3",
        "fuzz path/to/race.toml --variant path/to/mine.py --json",
        "fuzz two-faults-one-slot large-vs-small-neighbour --format ktap",
    )
)
@click.argument("names", metavar="NAME..", nargs=-1, required=True)
@variant_option
@click.option(
    "--seeds",
    metavar="N",
    type=click.IntRange(1, MOST_SEEDS),
    default=SEEDS,
    show_default=True,
    help="How many executions of each scenario.",
)
@click.option(
    "--seed-start",
    metavar="K",
    type=SEED,
    default=0,
    show_default=True,
    help="The first seed.",
)
@carrier_option
@click.option(
    "--strategy",
    metavar="S",
    default=DEFAULT_STRATEGY,
    show_default=True,
    help="What decides: random, pct:3, pos, urw, surw:WORD, delay:2, feedback, auto ...",
)
@click.option(
    "--format",
    "report",
    metavar="NAME",
    type=FormatName(results=True),
    help="Print the results for another tool instead: ktap or junit, one test a scenario.",
)
@windows_option
@shared
def fuzz(
    console: Console,
    names: tuple[str, ...],
    variant: str,
    seeds: int,
    seed_start: int,
    carrier: Carrier,
    strategy: str,
    report: str | None,
    windows: bool,
) -> int:
    """Run each scenario NAME from its set-up by schedules of chance.

    The windows of the scenarios play no part. Each distinct failure is told once, with its
    first seed, the shortest schedule found for it, the command that replays that, and the path
    of its trace.

    Any failure makes the exit code 1. Ctrl-C prints what was found so far. Some executions are
    run again by their schedules: if one goes another way the program is not deterministic, the
    first differing step is told, nothing is concluded, and the exit code is 3.
    """
    if report is not None and console.json:
        msg = "standard output cannot have both the report and the JSON document"
        raise click.UsageError(msg)
    from swaptrio.cli.case import load_cases

    plan = Plan(range(seed_start, seed_start + seeds), strategy, carrier)
    _strategy_of(plan)
    with console.interrupts.listening() as stop:
        cases = load_cases(console, names, variant)
        campaigns = []
        for campaign in _campaigns(console, cases, plan, stop):
            campaigns.append(campaign)
            for line in campaign.lines(console, windows) if report is None else ():
                console.say(line)
    if report is not None:
        _report(console, report, campaigns)
    records = [campaign.record(console) for campaign in campaigns]
    console.document(records[0] if len(cases) == 1 else {"results": records})
    if any(campaign.fuzzed.difference for campaign in campaigns):
        return codes.DIVERGED
    failed = any(campaign.finds for campaign in campaigns)
    return codes.FAILED if failed else codes.OK


def _strategy_of(plan: Plan) -> SeededStrategy:
    """A strategy of the name in *plan* that has learned nothing yet.

    Raises:
        click.BadParameter: there is none.
    """
    from swaptrio.sched.strategies import parse

    try:
        return parse(plan.strategy)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="'--strategy'") from None


def _report(console: Console, name: str, campaigns: list[Campaign]) -> None:
    from swaptrio.trace.formats import RESULT_FORMATS

    console.raw(RESULT_FORMATS[name].function([each.result(console) for each in campaigns]))


def _campaigns(
    console: Console,
    cases: list[Case],
    plan: Plan,
    stop: Callable[[], bool],
) -> Iterator[Campaign]:
    from swaptrio.cli.recording import with_scheduler

    for number, case in enumerate(cases):
        if number and stop():
            return

        def work(scheduler: Scheduler, case: Case = case) -> Awaitable[Campaign]:
            return _campaign(console, scheduler, case, plan, stop)

        yield with_scheduler(console, work, plan.carrier)


async def _campaign(
    console: Console,
    scheduler: Scheduler,
    case: Case,
    plan: Plan,
    stop: Callable[[], bool],
) -> Campaign:
    """Fuzz one case, and replay each of its finds with the recorder on."""
    from swaptrio.cli.console import LiveLine
    from swaptrio.cli.found import Campaign, find
    from swaptrio.cli.interest import fits_nothing
    from swaptrio.cli.numbers import Numbers
    from swaptrio.explore import Coverage
    from swaptrio.explore import fuzz as walk
    from swaptrio.explore.interest import unmet

    line = LiveLine(console)
    coverage = Coverage()

    def progress(fuzzed: Fuzzed) -> None:
        rate = fuzzed.executions / fuzzed.seconds
        failures = f"{len(fuzzed.failures)} distinct in {fuzzed.failed} failures"
        done = f"{fuzzed.executions} of {len(plan.seeds)} seeds, {rate:.0f}/s"
        line.show(f"{case.scenario.name}: {done}, {failures}")

    strategy = _strategy_of(plan)
    with line:
        fuzzed = await walk(
            scheduler,
            case.setup,
            plan.seeds,
            strategy=strategy,
            stop=stop,
            progress=progress,
            coverage=coverage,
            every=REPEATED,
        )
        for word in unmet(strategy):
            about = (fuzzed.executions, case.scenario.name, coverage.sights.words())
            console.regret(f"--strategy: {fits_nothing(word, *about)}")
        finds = []
        stress = await _stress(scheduler, case, plan, fuzzed, stop)
        for number, failure in enumerate(fuzzed.failures, 1):
            line.show(f"making failure {number} of {len(fuzzed.failures)} simple")
            rate = stress.rate(failure.verdict)
            finds.append(await find(console, scheduler, case, failure, rate, stop))
    return Campaign(case, fuzzed, tuple(finds), Numbers.of(coverage, plan.strategy, strategy))


async def _stress(
    scheduler: Scheduler,
    case: Case,
    plan: Plan,
    fuzzed: Fuzzed,
    stop: Callable[[], bool],
) -> Stress:
    """What random walks hit: those of *fuzzed* itself, or a sample of their own."""
    from swaptrio.explore.stress import STRESSES, Stress, stress

    if plan.strategy == "random" or not fuzzed.failures:
        return Stress(fuzzed)
    return await stress(scheduler, case.setup, plan.seeds[:STRESSES], stop)
