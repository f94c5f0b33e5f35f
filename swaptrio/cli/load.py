# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio load``: everything at once, for as many steps as one likes."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from swaptrio.cli import codes
from swaptrio.cli.options import SEED, epilog, shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.explore.load import Loaded, Look
    from swaptrio.sched import Observer, Scheduler
    from swaptrio.variants import Variant

#: The version that the load is for, where none is named.
_VARIANT: Final = "v5"


@click.command(
    epilog=epilog(
        "load",
        "load --users 200 --clusters 16 --steps 1000000 --seed 7 --no-zswap",
        "load --variant path/to/mine.py --json",
    )
)
@click.option(
    "--users",
    metavar="N",
    type=click.IntRange(1, 880),
    default=12,
    show_default=True,
    help="Tasks that use a process or a file each.",
)
@click.option(
    "--clusters",
    metavar="M",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="The size of the device that stays, in clusters.",
)
@click.option(
    "--steps",
    metavar="S",
    type=click.IntRange(1, 100_000_000),
    default=100_000,
    show_default=True,
    help="Steps until everybody comes to an end.",
)
@click.option("--seed", metavar="K", type=SEED, default=0, show_default=True, help="The seed.")
@click.option(
    "--zswap/--no-zswap",
    default=True,
    show_default=True,
    help="Compress pages first; large folios are swapped in only without it.",
)
@click.option(
    "--variant",
    metavar="V",
    default=_VARIANT,
    show_default=True,
    help="A variant, or the path of a .py file with one.",
)
@shared
def load(
    console: Console,
    users: int,
    clusters: int,
    steps: int,
    seed: int,
    zswap: bool,
    variant: str,
) -> int:
    """Run everything at once, for as many steps as you like.

    Processes and files are used while memory is taken away from them, with every check on.

    Groups are over their limits, reclaim and the shrinker of zswap never rest, processes fork
    and exit, and a device is swapped off and on. One execution, all of it from one seed.
    """
    from swaptrio.cli.case import variant_of
    from swaptrio.cli.console import short
    from swaptrio.cli.recording import opening

    version = variant_of(console, variant)
    options = {"users": users, "clusters": clusters, "steps": steps, "seed": seed}
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    words += [] if zswap else ["--no-zswap"]
    command = shlex.join([console.program, "load", *words, "--variant", variant])
    loaded, trace = _loaded(console, version, options, zswap=zswap, command=command)
    console.document(
        {
            **options,
            "zswap": zswap,
            "variant": variant,
            **_record(loaded),
            "command": command,
            "trace": None if trace is None else short(trace),
        }
    )
    for text in _lines(loaded):
        console.say(text)
    if loaded.verdict.passed:
        return codes.OK
    for text in (*opening(console, trace), command):
        console.say(text)
    return codes.FAILED


def _loaded(
    console: Console, version: Variant, options: dict[str, int], *, zswap: bool, command: str
) -> tuple[Loaded, Path | None]:
    """What came of the load that *options* describe; where its trace is, if it has failed."""
    from swaptrio.cli.console import LiveLine
    from swaptrio.cli.load_trace import keep_end
    from swaptrio.cli.recording import with_scheduler
    from swaptrio.explore.load import run_load

    line = LiveLine(console)

    async def work(scheduler: Scheduler) -> tuple[Loaded, Path | None]:
        def run(
            what: str, observed: Callable[[Look], Observer] | None = None
        ) -> Awaitable[Loaded]:
            def progress(done: int) -> None:
                line.show(f"{what}{done:,} of {options['steps']:,} steps")

            return run_load(
                scheduler,
                version,
                **options,
                zswap=zswap,
                progress=progress,
                observed=observed,
            )

        loaded = await run("")
        if loaded.verdict.passed:
            return loaded, None
        again = partial(run, "once more, to record its end: ")
        return loaded, await keep_end(
            console, loaded, again, variant=version.name, seed=options["seed"], command=command
        )

    try:
        return with_scheduler(console, work, "stepped")
    finally:
        line.clear()


def _record(loaded: Loaded) -> dict[str, Any]:
    verdict = loaded.verdict
    return {
        "taken": verdict.steps,
        "verdict": verdict.ending.value,
        "check": verdict.check,
        "message": verdict.message,
        "reports": sorted({finding.check for finding in loaded.findings}),
        "last": [f"{step} {task} {label}" for step, task, label in loaded.last],
        "counters": loaded.counters,
        "seconds": round(loaded.seconds, 3),
        "microseconds_per_step": round(loaded.seconds / max(verdict.steps, 1) * 1e6, 2),
        "max_rss_kib": loaded.max_rss,
    }


def _lines(loaded: Loaded) -> Iterator[str]:
    verdict = loaded.verdict
    cost = loaded.seconds / max(verdict.steps, 1) * 1e6
    yield (
        f"{verdict.steps:,} steps, {cost:.1f} us each, "
        f"{loaded.max_rss / 1024:.0f} MiB at the most"
    )
    wanted = ("pswpin", "pswpout", "zswpin", "zswpout", "zswpwb", "refaults")
    yield ", ".join(f"{name} {loaded.counters.get(name, 0):,}" for name in wanted)
    for check in sorted({finding.check for finding in loaded.findings}):
        yield f"reported, and no failure: {check}"
    yield str(verdict)
    if not verdict.passed:
        yield "last steps:"
        yield from (f"  {step} {task} at {label}" for step, task, label in loaded.last)
