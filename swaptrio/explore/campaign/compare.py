# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two campaigns side by side: what is new, what is fixed, what takes longer to find.

Failures are matched by scenario, ending and rule. Labels do not count here, as they belong to
code that may have changed.

Chance is taken into account. A failure that one side does not have is told to be fixed only if
that side has run enough that it should have been seen; one is slower to find only if its rate
is less than half of what it was, and that is no accident. Counts are taken to be Poisson's.
"""

from __future__ import annotations

from enum import StrEnum
from math import sqrt
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.explore.campaign.account import Account
from swaptrio.explore.campaign.result import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


#: Times that a failure should have been seen before its absence means something: seeing none
#: where five are expected happens once in 150 times.
ENOUGH: Final = 5.0

#: Standard deviations by which a rate must be lower to be no accident.
SURE: Final = 3.0

#: A scenario, an ending and a rule.
Key: TypeAlias = tuple[str, str, str]


class Change(StrEnum):
    """What became of a failure."""

    NEW = "new"
    FIXED = "fixed"
    SLOWER = "slower to find"
    SAME = "same"
    UNSEEN = "not seen, in too few executions to tell"


@attrs.frozen
class Seen:
    """How one side has met a failure.

    *count* of *executions*, *first* of them, counted from 1, or None; *failure* is the one with
    the shortest schedule, *account* the case that it is one of.
    """

    count: int
    executions: int
    first: int | None = None
    failure: Failure | None = None
    account: Account | None = None

    @property
    def rate(self) -> float:
        """How often an execution fails so."""
        return self.count / self.executions if self.executions else 0.0


@attrs.frozen
class Comparison:
    """A failure on both sides."""

    scenario: str
    ending: str
    rule: str
    change: Change
    old: Seen
    new: Seen


def compare(
    old: Sequence[Account], new: Sequence[Account], *, old_start: int = 0, new_start: int = 0
) -> tuple[Comparison, ...]:
    """All failures of either side, in the order of scenarios, endings and rules.

    Args:
        old: the accounts of one side, of scenarios that the other has too.
        new: those of the other.
        old_start: the first seed of that side.
        new_start: the first seed of the other.
    """
    before, after = _seen(old, old_start), _seen(new, new_start)
    runs_before, runs_after = _executions(old), _executions(new)
    found = []
    for key in sorted({**before, **after}):
        left = before.get(key) or Seen(0, runs_before.get(key[0], 0))
        right = after.get(key) or Seen(0, runs_after.get(key[0], 0))
        found.append(Comparison(*key, _change(left, right), left, right))
    return tuple(found)


def shared(old: Sequence[Account], new: Sequence[Account]) -> tuple[str, ...]:
    """The scenarios that both sides have run."""
    others = _executions(new)
    return tuple(name for name, runs in _executions(old).items() if runs and others.get(name))


def _change(old: Seen, new: Seen) -> Change:
    if not old.count:
        return Change.NEW
    expected = old.rate * new.executions
    if not new.count:
        return Change.FIXED if expected >= ENOUGH else Change.UNSEEN
    if 2 * new.count < expected and _is_no_accident(old, new):
        return Change.SLOWER
    return Change.SAME


def _is_no_accident(old: Seen, new: Seen) -> bool:
    """Whether the difference of the rates is more than chance gives it."""
    deviation = sqrt(old.count / old.executions**2 + new.count / new.executions**2)
    return old.rate - new.rate > SURE * deviation


def _executions(accounts: Sequence[Account]) -> Mapping[str, int]:
    runs: dict[str, int] = {}
    for account in accounts:
        name = account.case.scenario
        runs[name] = runs.get(name, 0) + account.executions
    return runs


def _seen(accounts: Sequence[Account], start: int) -> dict[Key, Seen]:
    runs = _executions(accounts)
    found: dict[Key, Seen] = {}
    for account, failure in _failures(accounts):
        key = (account.case.scenario, failure.kind.ending, failure.kind.rule)
        one = Seen(failure.count, runs[key[0]], failure.first - start + 1, failure, account)
        known = found.get(key)
        found[key] = one if known is None else _both(known, one)
    return found


def _both(known: Seen, one: Seen) -> Seen:
    assert known.failure is not None
    assert one.failure is not None
    assert known.first is not None
    assert one.first is not None
    best = min(known, one, key=lambda seen: seen.failure.length if seen.failure else 0)
    return attrs.evolve(best, count=known.count + one.count, first=min(known.first, one.first))


def _failures(accounts: Sequence[Account]) -> Iterator[tuple[Account, Failure]]:
    for account in accounts:
        for failure in account.failures:
            yield account, failure
