# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio campaign``: long runs on many processes, and what they have found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from swaptrio.cli import codes
from swaptrio.cli.campaign_options import (
    StorePath,
    default_store,
    engine_option,
    files_option,
    jobs_option,
    scheduler_option,
    seeds_option,
    store_option,
    streaming,
    time_option,
    variants_option,
)
from swaptrio.cli.options import (
    DEFAULT_STRATEGY,
    DEFAULT_VARIANT,
    InOrder,
    carrier_option,
    epilog,
    shared,
)

if TYPE_CHECKING:
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.sched import Carrier

#: Seeds where neither a number nor a time is given.
SEEDS: Final = 10_000

#: Seeds of an item: about half a second of work, so that handing it out costs nothing.
CHUNK: Final = 1000

#: The largest first seed; a store keeps seeds in 64 bits.
SEED: Final = click.IntRange(0, 10**15)


@click.group(
    cls=InOrder,
    epilog=epilog(
        "campaign run --all --time 8h --store night.sqlite",
        "campaign status --store night.sqlite",
        "campaign resume --store night.sqlite",
    ),
)
def campaign() -> None:
    """Run many executions on all processors, and keep what they show.

    A campaign lives in a store, one file. Whatever stops it, 'resume' goes on where it was.
    """


@campaign.command(
    epilog=epilog(
        "campaign run two-faults-one-slot --seeds 1000000",
        "campaign run --all --variant v3 --variant v5 --time 8h --jobs 8",
        "campaign run path/to/race.toml --variant path/to/mine.py --time 10m",
    )
)
@click.argument("names", metavar="[NAME..]", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All scenarios that 'swaptrio list' names.")
@variants_option
@click.option(
    "--strategy",
    metavar="S",
    default=DEFAULT_STRATEGY,
    show_default=True,
    help="What decides: random, pct:3, pos, urw, surw:WORD, delay:2, feedback, auto ...",
)
@seeds_option
@time_option
@click.option(
    "--seed-start", metavar="K", type=SEED, default=0, show_default=True, help="The first seed."
)
@click.option(
    "--chunk",
    metavar="C",
    type=click.IntRange(1, 10**6),
    default=CHUNK,
    show_default=True,
    help="Seeds that go to a process at once; what learns, learns from so many.",
)
@jobs_option
@engine_option
@scheduler_option
@store_option
@carrier_option
@streaming
def run(
    console: Console,
    names: tuple[str, ...],
    every: bool,
    variants: tuple[str, ...],
    strategy: str,
    seeds: int | None,
    time: float | None,
    seed_start: int,
    chunk: int,
    jobs: int,
    engine: str,
    scheduler: str | None,
    store: Path | None,
    carrier: Carrier,
) -> int:
    """Begin a campaign: each scenario NAME with each variant.

    Each starts from its set-up, and its windows play no part. The variant is v3 if none is
    named, and there are 10000 seeds if neither --seeds nor --time is given. The results do not
    depend on the number of processes. Any failure makes the exit code 1. Ctrl-C stops the
    campaign, and 'swaptrio campaign resume' goes on with it.
    """
    if bool(names) == every:
        msg = "--all and a NAME exclude each other" if every else "name scenarios, or say --all"
        raise click.UsageError(msg)
    if seeds is not None and time is not None:
        msg = "only one of --seeds and --time can be given"
        raise click.UsageError(msg)
    from swaptrio.cli.campaign_run import Place, begin, strategy_of
    from swaptrio.explore.campaign import Plan

    plan = Plan(
        strategy_of(strategy),
        seed_start,
        SEEDS if seeds is None and time is None else seeds,
        time,
        chunk,
    )
    spelled = tuple(dict.fromkeys(variants)) or (DEFAULT_VARIANT,)
    place = Place(engine, scheduler, jobs)
    path = store or default_store()
    return begin(console, plan, names, spelled, path, place=place, carrier=carrier)


@campaign.command(
    epilog=epilog("campaign resume", "campaign resume --store night.sqlite --jobs 2")
)
@store_option
@files_option
@seeds_option
@time_option
@jobs_option
@engine_option
@scheduler_option
@carrier_option
@click.option(
    "--fork-store",
    "new",
    metavar="FILE",
    type=StorePath(),
    help="Go on in this new store, which takes over what has not changed.",
)
@streaming
def resume(
    console: Console,
    store: Path | None,
    files: tuple[str, ...],
    seeds: int | None,
    time: float | None,
    jobs: int,
    engine: str,
    scheduler: str | None,
    carrier: Carrier,
    new: Path | None,
) -> int:
    """Go on with a campaign, or take it further than it was to go.

    Its scenarios and variants must be what they were. Code is never run because a store names
    it: the file of a variant of your own has to be named again.
    """
    if seeds is not None and time is not None:
        msg = "only one of --seeds and --time can be given"
        raise click.UsageError(msg)
    from swaptrio.cli.campaign_run import Place, go_on

    return go_on(
        console,
        store or default_store(),
        files,
        new=new,
        seeds=seeds,
        time=time,
        place=Place(engine, scheduler, jobs),
        carrier=carrier,
    )


@campaign.command(
    epilog=epilog("campaign status", "campaign status --store night.sqlite --json")
)
@store_option
@shared
def status(console: Console, store: Path | None) -> int:
    """Say how far a campaign is and what it has found.

    Also while it runs.
    """
    from swaptrio.cli.campaign_status import status_lines, status_record
    from swaptrio.explore.campaign import Store

    opened = Store.open(store or default_store())
    console.document(status_record(opened))
    for line in status_lines(console, opened):
        console.say(line)
    return codes.OK


@campaign.command(
    epilog=epilog(
        "campaign report --store night.sqlite --out night.html",
        "campaign report --store night.sqlite --format markdown",
        "campaign report --store night.sqlite --out results.xml",
    )
)
@store_option
@click.option(
    "--format",
    "name",
    metavar="NAME",
    type=click.Choice(["html", "markdown", "json", "junit"]),
    help="html, markdown, json or junit; else what --out ends with, or markdown.",
)
@click.option("--out", metavar="FILE", type=StorePath(), help="Where it goes; else stdout.")
@files_option
@click.option(
    "--traces/--no-traces",
    "with_traces",
    default=True,
    show_default=True,
    help="Make each failure short and keep its trace in logs/, for the report to link.",
)
@shared
def report(
    console: Console,
    store: Path | None,
    name: str | None,
    out: Path | None,
    files: tuple[str, ...],
    with_traces: bool,
) -> int:
    """Write a report: curves, failures, traces, machines and versions.

    The page in HTML needs nothing else and runs nothing.
    """
    from swaptrio.cli.campaign_report import run_report

    endings = {".html": "html", ".json": "json", ".xml": "junit"}
    name = name or endings.get(out.suffix if out else "", "markdown")
    if console.json and out is None:
        name = "json"
    return run_report(
        console, store or default_store(), name, out, files, with_traces=with_traces
    )


@campaign.command(
    epilog=epilog(
        "campaign promote cbd1205b --store night.sqlite",
        "campaign promote cbd1205b --out scenarios/new-race.toml",
    )
)
@click.argument("fingerprint")
@store_option
@files_option
@click.option("--out", metavar="FILE", type=StorePath(), help="The scenario file to write.")
@shared
def promote(
    console: Console,
    fingerprint: str,
    store: Path | None,
    files: tuple[str, ...],
    out: Path | None,
) -> int:
    """Make a scenario of the failure with that FINGERPRINT.

    What the fingerprint begins with will do. The failure is made as short as it gets, and told
    as a window that leads to it by labels. The file is written only if playing it ends as it
    should.
    """
    from swaptrio.cli.campaign_failures import run_promote

    return run_promote(console, store or default_store(), fingerprint, files, out)


@campaign.command(
    epilog=epilog(
        "campaign compare base.sqlite patch.sqlite",
        "campaign compare v3 v5 --store night.sqlite --json",
    )
)
@click.argument("old")
@click.argument("new")
@store_option
@click.option(
    "--fail-on",
    type=click.Choice(["new", "slower"]),
    default="new",
    show_default=True,
    help="What makes the exit code 1: a new failure; or one that takes longer to find, too.",
)
@shared
def compare(console: Console, old: str, new: str, store: Path | None, fail_on: str) -> int:
    """Compare two stores, or two variants of one.

    What is new, fixed, and slower to find is told. A new failure makes the exit code 1, so that
    a CI job fails. Only scenarios that both have run are compared.
    """
    from swaptrio.cli.campaign_compare import run_compare

    return run_compare(console, old, new, store or default_store(), fail_on)


@campaign.command(epilog=epilog("campaign gc --dry-run", "campaign gc --store night.sqlite"))
@store_option
@files_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@shared
def gc(console: Console, store: Path | None, files: tuple[str, ...], dry_run: bool) -> int:
    """Drop cases whose scenario or variant is not what it was.

    That gives back the room. Their results cannot be added to, and their schedules need not
    lead anywhere any more.
    """
    from swaptrio.cli.campaign_gc import run_gc

    return run_gc(console, store or default_store(), files, dry_run=dry_run)
