# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio explain``: which orders of which steps made an execution fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared, variant_option, without_option

if TYPE_CHECKING:
    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.explore import Explanation
    from swaptrio.sched import Scheduler


@click.command(
    epilog=epilog(
        "explain large-vs-small-neighbour --variant no-second-check \\\n"
        "      --schedule 'large#1@swap_cache_alloc.recheck -> small'",
        "explain path/to/race.toml --variant path/to/mine.py --schedule 7:1",
        "explain mixed-owner-range --schedule trace.jsonl",
    )
)
@click.argument("name")
@variant_option
@click.option(
    "--schedule",
    metavar="S",
    required=True,
    help="A schedule that fails: by numbers or names, or a trace with one.",
)
@without_option
@shared
def explain(
    console: Console, name: str, variant: str, schedule: str, without: tuple[str, ...]
) -> int:
    """Explain why the scenario NAME fails under a schedule.

    Every two steps of different tasks that depend on each other stand in some order. Each of
    these orders is flipped and run again. Those whose flip passes are necessary for the
    failure; they are told as a chain, with the lock or the second look that would have broken
    it, and with the nearest schedule that passes beside the one that fails.

    The exit code is 0 for a failure that was explained, 1 if the schedule passes, 3 if it does
    not fit.
    """
    from swaptrio.cli.case import load_cases
    from swaptrio.cli.explained import Explained
    from swaptrio.sched import Ending

    with console.interrupts.listening():
        [case] = load_cases(console, [name], variant)
        case = case.taking_out(without) if without else case
        explained = Explained(case, _explained(console, case, schedule))
    console.document(explained.record(console))
    for line in explained.lines(console):
        console.say(line)
    ending = explained.explanation.failing.verdict.ending
    if ending is Ending.DIVERGED:
        return codes.DIVERGED
    return codes.FAILED if ending is Ending.PASSED else codes.OK


def _explained(console: Console, case: Case, schedule: str) -> Explanation:
    from swaptrio.cli.console import LiveLine
    from swaptrio.cli.recording import with_scheduler
    from swaptrio.cli.schedules import strategy_in
    from swaptrio.explore import Pace
    from swaptrio.explore import explain as search

    strategy = strategy_in(case, schedule)
    line, pace = LiveLine(console), Pace.start()

    def stop() -> bool:
        return console.interrupts.asked

    def progress(done: int, every: int) -> None:
        if pace.is_time(done):
            line.show(f"{case.scenario.name}: {done} of {every} orders flipped")

    async def work(scheduler: Scheduler) -> Explanation:
        return await search(scheduler, case.setup, strategy, stop=stop, progress=progress)

    with line:
        return with_scheduler(console, work, "stepped")
