# SPDX-License-Identifier: MIT OR Apache-2.0
"""Beginning a campaign and going on with one."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from swaptrio.cli import codes
from swaptrio.cli.campaign_failures import keep_traces
from swaptrio.cli.campaign_interest import check_interest
from swaptrio.cli.campaign_progress import Progress
from swaptrio.cli.campaign_status import status_record, summary
from swaptrio.cli.case import load_cases
from swaptrio.cli.console import short
from swaptrio.errors import Problem, StoreError
from swaptrio.explore.campaign import Case, Plan, ProcessPool, Runner, Store, locked, matter_of
from swaptrio.explore.campaign.cluster import open_cluster
from swaptrio.explore.campaign.resume import check_unchanged, fork, spelled
from swaptrio.scenario.files import names as all_names
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Engine
    from swaptrio.sched import Carrier


@attrs.frozen
class Place:
    """Where a campaign runs: what was typed for *engine*, *scheduler* and *jobs*."""

    engine: str
    scheduler: str | None
    jobs: int

    def open(self) -> Engine:
        """The engine.

        Raises:
            SwaptrioError: there is no cluster to be had.
            click.UsageError: a scheduler is named, and no cluster asked for.
        """
        if self.engine == "dask":
            return open_cluster(self.scheduler, self.jobs)
        if self.scheduler is not None:
            msg = "--scheduler is for --engine dask"
            raise click.UsageError(msg)
        return ProcessPool(self.jobs)


def strategy_of(text: str) -> str:
    """*text*, if it names a strategy.

    Raises:
        click.BadParameter: it does not.
    """
    try:
        parse(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="'--strategy'") from None
    return text


def begin(
    console: Console,
    plan: Plan,
    names: Sequence[str],
    variants: Sequence[str],
    path: Path,
    *,
    place: Place,
    carrier: Carrier,
) -> int:
    """A new campaign in a new store at *path*; the exit code."""
    cases = cases_of(console, tuple(names) or tuple(all_names()), variants)
    _make_folder(path)
    with locked(path):
        if path.exists():
            resume = shlex.join([console.program, "campaign", "resume", "--store", short(path)])
            message = f"there is a file of this name already; to go on with it: {resume}"
            raise StoreError((Problem(short(path), "", "", message),))
        with closing(place.open()) as engine:
            check_interest(console, plan, cases, engine, carrier)
            return _run(console, Store.make(path, plan, cases), cases, engine, carrier)


def go_on(
    console: Console,
    path: Path,
    files: Sequence[str],
    *,
    new: Path | None,
    seeds: int | None,
    time: float | None,
    place: Place,
    carrier: Carrier,
) -> int:
    """Go on with the campaign at *path*, or in a *new* store; the exit code."""
    Store.open(path).close()  # before anything is made beside it
    with locked(path):
        store = Store.open(path, write=True)
        if not store.cases:
            message = "has no case any more: 'campaign gc' has dropped them all"
            raise StoreError((Problem(short(path), "", "", message),))
        cases = _cases_of_store(console, store, files)
        if new is None:
            check_unchanged(store, cases)
            with closing(place.open()) as engine:
                return _run(console, _extended(store, seeds, time), cases, engine, carrier)
        with locked(new), closing(place.open()) as engine:
            forked = fork(store, new, cases)
            store.close()
            return _run(console, _extended(forked, seeds, time), cases, engine, carrier)


def cases_of(
    console: Console, names: Sequence[str], variants: Sequence[str]
) -> tuple[Case, ...]:
    """Each of *names* with each of *variants*, all of which can be used.

    Raises:
        BadInput: some cannot; or two are called the same.
    """
    found: dict[tuple[str, str], Case] = {}
    for variant in variants:
        for loaded in load_cases(console, tuple(dict.fromkeys(names)), variant):
            case = Case(loaded.name, variant, matter_of(loaded.name, variant))
            if case.name in found:
                message = f"two files are called {' and '.join(case.name)}"
                raise StoreError((Problem(loaded.name, "", "", message),))
            found[case.name] = case
    return tuple(found.values())


def _cases_of_store(console: Console, store: Store, files: Sequence[str]) -> tuple[Case, ...]:
    named = {Path(file).stem: file for file in files}
    cases = []
    for known in store.cases:
        variant = spelled(known, named)
        [loaded] = load_cases(console, [known.typed[0]], variant)
        cases.append(Case(loaded.name, variant, matter_of(loaded.name, variant)))
    return tuple(cases)


def _extended(store: Store, seeds: int | None, time: float | None) -> Store:
    if seeds is not None or time is not None:
        store.extend(attrs.evolve(store.plan, seeds=seeds, time=time))
    return store


def _run(
    console: Console, store: Store, cases: tuple[Case, ...], engine: Engine, carrier: Carrier
) -> int:
    with console.interrupts.listening() as stop:
        progress = Progress(console, store)
        try:
            state = Runner(store, cases, engine, progress, stop, carrier).run()
        finally:
            progress.clear()
        keep_traces(console, store, [case.variant for case in cases])
        for line in summary(console, store, state, interrupted=stop()):
            console.say(line)
        console.document({"event": "end", "interrupted": stop(), **status_record(store)})
        store.close()
    return codes.FAILED if state.distinct else codes.OK


def _make_folder(path: Path) -> None:
    if path.is_dir():
        message = "is a folder, where a store is a file"
        raise StoreError((Problem(short(path), "", "", message),))
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as exc:
        message = f"its folder cannot be made: {exc.strerror or exc}"
        raise StoreError((Problem(str(path), "", "", message),)) from None
