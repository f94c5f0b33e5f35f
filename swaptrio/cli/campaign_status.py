# SPDX-License-Identifier: MIT OR Apache-2.0
"""How far a campaign is and what it has found, in words and for programs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from swaptrio.cli.case import is_file
from swaptrio.cli.console import filled, short
from swaptrio.cli.numbers import Bounds
from swaptrio.cli.recording import digest_of, log_called, opening
from swaptrio.cli.stressed import in_words
from swaptrio.errors import harmless
from swaptrio.explore.campaign.account import accounts_of
from swaptrio.explore.chances import Rate
from swaptrio.sched.strategies import Pct, parse
from swaptrio.sched.strategies.wrapper import innermost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Failure, Known, State, Store
    from swaptrio.explore.campaign.account import Account

_WIDTH: Final = 80

#: Cases whose bounds are told where nothing failed.
_TOLD: Final = 3


def status_record(store: Store) -> dict[str, Any]:
    """For programs. Where the time decides, the items in all are those done so far."""
    done = sum(len(store.done(case)) for case in store.cases)
    total = store.plan.total(map(store.covered, store.cases))
    return {
        "items_total": done if total is None else total,
        "items_done": done,
        "executions": store.executions(),
        "failures": [
            {
                "fingerprint": failure.kind.fingerprint(*case.name),
                "check": failure.kind.rule,
                "scenario": case.scenario,
                "variant": case.variant,
                "count": failure.count,
                "schedule": failure.schedule,
                "trace": _typed(kept_trace(case, failure)),
            }
            for case, failure in all_failures(store)
        ],
    }


def _typed(path: Path | None) -> str | None:
    return None if path is None else short(path)


def _stress_of(store: Store, case: Known, failure: Failure) -> Rate | None:
    """How often a plain stress test hits *failure*: None where no random walk has decided."""
    if store.plan.strategy != "random":
        return None
    return Rate(failure.count, sum(each.executions for each in store.done(case)))


def kept_trace(case: Known, failure: Failure) -> Path | None:
    """Where the trace of the shortest schedule of *failure* lies, if somebody has kept it."""
    path = log_called(*case.name, digest_of(failure.schedule))
    return path if is_file(path) else None


def all_failures(store: Store) -> Iterator[tuple[Known, Failure]]:
    """Each failure with its case, in the order of cases and kinds."""
    for case in store.cases:
        for failure in store.failures(case):
            yield case, failure


def status_lines(console: Console, store: Store) -> Iterator[str]:
    """For people."""
    record = status_record(store)
    plan = store.plan
    goal = f"{plan.time:g} s" if plan.seeds is None else f"{plan.seeds} seeds each"
    yield f"campaign in {short(store.path)}: {len(store.cases)} cases, {goal}, {plan.strategy}"
    done = _items_done(record["items_done"], plan.total(map(store.covered, store.cases)))
    seconds = store.seconds()
    yield f"{done}: {record['executions']} executions in {seconds:.1f} s"
    yield from failure_lines(console, store)


def summary(
    console: Console, store: Store, state: State, *, interrupted: bool
) -> Iterator[str]:
    """For people, at the end of a session."""
    rate = state.fresh / state.seconds if state.seconds else 0.0
    yield f"campaign in {short(store.path)}: {_items_done(state.done, state.total)}"
    yield f"{state.fresh} executions in {state.seconds:.1f} s ({rate:.0f}/s)"
    yield from failure_lines(console, store)
    where = ["--store", short(store.path)]
    if interrupted:
        yield f"to go on: {shlex.join([console.program, 'campaign', 'resume', *where])}"
    yield f"more: {shlex.join([console.program, 'campaign', 'report', *where])}"


def _items_done(done: int, total: int | None) -> str:
    """How many items are done, of a number that is known unless the time decides."""
    return (
        f"{done} items are done so far"
        if total is None
        else f"{done} of {total} items are done"
    )


def failure_lines(console: Console, store: Store) -> Iterator[str]:
    """Each failure with what replays it."""
    failures = list(all_failures(store))
    if not failures:
        entered = sum(len(store.windows(case)) for case in store.cases)
        yield f"no failure; {entered} windows were entered, and no other one was sampled"
        yield from _worth(store)
    for case, failure in failures:
        name = failure.kind.fingerprint(*case.name)
        often = "once" if failure.count == 1 else f"{failure.count} times"
        about = harmless(f"{case.scenario}, variant {case.variant}: {failure.kind}, {often}")
        yield ""
        yield from filled(f"{name}  {about}, first with seed {failure.first}", _WIDTH, "  ")
        stress = _stress_of(store, case, failure)
        if stress is not None:
            yield f"  {in_words(stress)}"
        yield from (f"  {line}" for line in opening(console, kept_trace(case, failure)))
        yield f"  {replay_command(console, case, failure)}"
    for account in accounts_of(store):
        if account.given_up:
            about = f"{account.case.scenario}, variant {account.case.variant}"
            yield ""
            yield from filled(harmless(about) + given_up(account), _WIDTH, "  ")


def _worth(store: Store) -> Iterator[str]:
    """What it is worth that nothing failed: of the first cases, as the report has all."""
    told = [account for account in accounts_of(store)[:_TOLD] if account.executions]
    for account in told:
        text = f"{account.case.scenario}, variant {account.case.variant}: "
        yield from filled(
            harmless(text) + bounds_of(store.plan.strategy, account).text(), _WIDTH, "  "
        )
    left = len(store.cases) - _TOLD
    if told and left > 0:
        yield f"and {left} more cases, of which the report tells the same"


def bounds_of(strategy: str, account: Account) -> Bounds:
    """What PCT's bound says of a case of a campaign under *strategy*."""
    pct = innermost(parse(strategy))
    depth = pct.depth if isinstance(pct, Pct) else 0
    settled = account.executions if depth == 1 else account.settled
    return Bounds(account.tasks, account.longest, strategy, depth, settled)


def given_up(account: Account) -> str:
    """What was left out of a case because its seeds kill; nothing where nothing was."""
    if not account.given_up:
        return ""
    items = "1 item was" if account.given_up == 1 else f"{account.given_up} items were"
    return f"; {items} given up, as too many seeds of one killed the interpreter"


def replay_command(
    console: Console, case: Known, failure: Failure, schedule: str | None = None
) -> str:
    """What to type to see *failure*, by its own schedule or another one."""
    scenario, variant = case.typed
    options = ["--variant", variant, "--schedule", schedule or failure.schedule]
    return shlex.join([console.program, "replay", scenario, *options])
