# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio campaign compare``: two campaigns, or two variants of one, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.cli import codes
from swaptrio.cli.campaign_status import replay_command
from swaptrio.cli.case import is_file
from swaptrio.cli.console import filled
from swaptrio.errors import Problem, StoreError, harmless, shown
from swaptrio.explore.campaign import Store
from swaptrio.explore.campaign.account import Account, accounts_of
from swaptrio.explore.campaign.compare import Change, Comparison, Seen, compare, shared
from swaptrio.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.cli.console import Console

_WIDTH = 80


@attrs.frozen
class Side:
    """What was named: its accounts, and the first seed of their campaign."""

    name: str
    accounts: tuple[Account, ...]
    start: int


def run_compare(console: Console, old: str, new: str, store: Path, fail_on: str) -> int:
    """Say what has changed from *old* to *new*; the exit code."""
    sides = side_of(old, store), side_of(new, store)
    names = shared(*(side.accounts for side in sides))
    if not names:
        message = "the two have no scenario in common that both have run"
        raise StoreError((Problem(f"{old}, {new}", "", "", message),))
    before, after = (
        [each for each in side.accounts if each.case.scenario in names] for side in sides
    )
    found = compare(before, after, old_start=sides[0].start, new_start=sides[1].start)
    worse = {Change.NEW: True, Change.SLOWER: fail_on == "slower"}
    failed = any(worse.get(each.change, False) for each in found)
    console.document(
        {
            "old": old,
            "new": new,
            "scenarios": list(names),
            "changes": [_record(console, each) for each in found],
            "regression": failed,
        }
    )
    for line in _lines(console, sides, names, found):
        console.say(line)
    return codes.FAILED if failed else codes.OK


def side_of(name: str, store: Path) -> Side:
    """The store at the path *name*, or the variant of that name in *store*.

    Raises:
        StoreError: it is neither.
    """
    if is_file(Path(name)):
        opened = Store.open(Path(name))
        return Side(name, accounts_of(opened), opened.plan.first)
    if not is_file(store):
        message = f"is no store; and there is none at {store} with a variant of this name"
        raise StoreError((Problem(name, "", "", message),))
    opened = Store.open(store)
    own = tuple(each for each in accounts_of(opened) if each.case.variant == name)
    if not own:
        known = list(dict.fromkeys(case.variant for case in opened.cases))
        message = f"there is no store and no variant {shown(name)}{did_you_mean(name, known)}"
        raise StoreError((Problem(str(store), "", "", message),))
    return Side(name, own, opened.plan.first)


def _record(console: Console, found: Comparison) -> dict[str, Any]:
    return {
        "scenario": found.scenario,
        "ending": found.ending,
        "check": found.rule,
        "change": found.change.value,
        "old": _seen(console, found.old),
        "new": _seen(console, found.new),
    }


def _seen(console: Console, seen: Seen) -> dict[str, Any]:
    return {
        "count": seen.count,
        "executions": seen.executions,
        "first": seen.first,
        "labels": [] if seen.failure is None else list(seen.failure.kind.labels),
        "command": _command(console, seen),
    }


def _command(console: Console, seen: Seen) -> str | None:
    if seen.failure is None or seen.account is None:
        return None
    return replay_command(console, seen.account.case, seen.failure)


def _lines(
    console: Console,
    sides: tuple[Side, Side],
    names: tuple[str, ...],
    found: tuple[Comparison, ...],
) -> Iterator[str]:
    runs = [
        sum(each.executions for each in side.accounts if each.case.scenario in names)
        for side in sides
    ]
    yield f"before: {sides[0].name}, {runs[0]} executions of {len(names)} scenarios"
    yield f"after: {sides[1].name}, {runs[1]} executions"
    if not found:
        yield "no failure on either side"
    for each in found:
        rates = f"{each.old.count} of {each.old.executions}, then"
        rates = f"{rates} {each.new.count} of {each.new.executions}"
        text = harmless(
            f"{each.change}: {each.scenario}, {each.ending} of {each.rule}: {rates}"
        )
        yield ""
        yield from filled(text, _WIDTH, "  ")
        command = _command(console, each.new) or _command(console, each.old)
        if command:
            yield f"  {command}"
