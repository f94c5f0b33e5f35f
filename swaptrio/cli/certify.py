# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio certify``: what a version does to every race, to be pasted below a patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swaptrio.cli import codes
from swaptrio.cli.campaign_options import jobs_option
from swaptrio.cli.options import MOST_SEEDS, epilog, seconds_option, shared, variant_option

if TYPE_CHECKING:
    from swaptrio.cli.console import Console

#: What a version is held against where nothing is said: the series as merged.
AGAINST = "v5"


@click.command(
    epilog=epilog(
        "certify --variant path/to/mine.py",
        "certify --variant v3 --against pre",
        "certify two-faults-one-slot --variant path/to/mine.py --seeds 5000",
        "certify --variant path/to/mine.py --json",
    )
)
@click.argument("names", metavar="[NAME..]", nargs=-1)
@variant_option
@click.option(
    "--against",
    metavar="V",
    default=AGAINST,
    show_default=True,
    help="The version that it is held against; also a .py file.",
)
@click.option(
    "--executions",
    metavar="N",
    type=click.IntRange(min=1),
    help="End each exhaustive search after N executions; 400 if no --time is given.",
)
@seconds_option
@click.option(
    "--seeds",
    metavar="N",
    type=click.IntRange(0, MOST_SEEDS),
    default=250,
    show_default=True,
    help="Schedules of each strategy where the search has not come to its end.",
)
@click.option(
    "--strategy",
    "strategies",
    metavar="S",
    multiple=True,
    default=("auto", "random"),
    show_default="auto, random",
    help="What draws them; may be repeated.",
)
@jobs_option
@shared
def certify(
    console: Console,
    names: tuple[str, ...],
    variant: str,
    against: str,
    executions: int | None,
    seconds: float | None,
    seeds: int,
    strategies: tuple[str, ...],
    jobs: int,
) -> int:
    """Say which races a version closes, leaves open and opens.

    Each scenario NAME, or all of them, is looked at in both versions alike: its windows are
    played, its interleavings explored, and where these are too many, some drawn by chance.
    Closed is only what was explored to its end; what was not, and never failed, is
    inconclusive. The text fits below the --- line of a mail, and repeats byte for byte. Where
    the traces of what fails lie is said on the standard error.

    The exit code is 0 if nothing fails that does not fail in the other version as well, and
    each window was entered; else 1. A .py file is code, and is run.
    """
    from swaptrio.cli.campaign_run import strategy_of
    from swaptrio.cli.certified import certificate_of, lines_of, record
    from swaptrio.cli.certified_traces import keep_traces
    from swaptrio.study.certify import Budget
    from swaptrio.study.certify.bounds import EXECUTIONS

    if executions is None and seconds is None:
        executions = EXECUTIONS
    drawn = dict.fromkeys(strategy_of(name) for name in strategies)
    budget = Budget(executions, seconds, seeds, tuple(drawn))
    certificate = certificate_of(console, names, variant, against, budget, jobs)
    for line in lines_of(console, certificate, names):
        console.say(line)
    console.document(record(console, certificate, names))
    keep_traces(console, certificate)
    return codes.OK if certificate.clean else codes.FAILED
